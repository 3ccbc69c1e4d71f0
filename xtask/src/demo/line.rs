//! The last line of `cargo xtask demo --json`, judged by itself: what a build server believes.

use crate::run::say;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::BufRead;
use std::path::Path;

const ROW: [&str; 7] = ["dataset", "output", "value", "sd", "low95", "high95", "unit"];

/// Reads all of the output and judges the last line.
pub(crate) fn check_line(output: impl BufRead) -> Result<()> {
    let mut last = None;
    for line in output.lines() {
        last = Some(line?);
    }
    let last = last.context("the demo printed nothing")?;
    let line: Value = serde_json::from_str(&last).with_context(|| format!("not JSON: {last:?}"))?;
    check(&line)?;
    let bundle = line["bundle"].as_str().context("no path of a bundle")?;
    ensure!(Path::new(bundle).is_file(), "there is no bundle {bundle}");
    say(&format!("the demo's last line holds: {} numbers released", rows(&line).len()));
    Ok(())
}

fn rows(line: &Value) -> &[Value] {
    line["released"].as_array().map_or(&[], Vec::as_slice)
}

fn check(line: &Value) -> Result<()> {
    ensure!(line["verified"] == true, "\"verified\" is not true");
    ensure!(!rows(line).is_empty(), "nothing was released");
    for row in rows(line) {
        let missing = ROW.iter().find(|key| row.get(**key).is_none());
        ensure!(missing.is_none(), "the row {row} has no {missing:?}");
    }
    ensure!(rows(line).iter().any(|row| row["value"].is_number()), "no row has a number");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row() -> Value {
        json!({"dataset": "d", "output": "o", "value": 1.5, "sd": 1, "low95": 0, "high95": 3, "unit": "1"})
    }

    #[test]
    fn a_verified_line_with_a_number_holds() {
        check(&json!({"verified": true, "released": [row()]})).unwrap();
    }

    #[test]
    fn an_unverified_line_does_not_hold() {
        let line = json!({"verified": false, "released": [row()]});
        assert!(check(&line).unwrap_err().to_string().contains("verified"));
    }

    #[test]
    fn a_line_that_released_nothing_does_not_hold() {
        let line = json!({"verified": true, "released": []});
        assert!(check(&line).unwrap_err().to_string().contains("nothing was released"));
    }

    #[test]
    fn a_row_without_its_interval_does_not_hold() {
        let mut short = row();
        short.as_object_mut().unwrap().remove("low95");
        let line = json!({"verified": true, "released": [short]});
        assert!(check(&line).unwrap_err().to_string().contains("low95"));
    }

    #[test]
    fn output_that_ends_with_words_does_not_hold() {
        assert!(check_line("{}\ndone\n".as_bytes()).unwrap_err().to_string().contains("not JSON"));
    }
}
