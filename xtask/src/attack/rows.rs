//! Rows as CONTRACT.md section 7 has them, with the words of an attack.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The channels of PRIVACY.md section 5, in its words. A row belongs to a channel if its name is the channel's, or begins with it
/// and a colon.
const CHANNELS: [&str; 23] = [
    "bits of pixels packed in values",
    "trap, abort, worker death",
    "endless loop, fuel, slow host calls",
    "time of the job, queue position",
    "progress, worker counts, per-patient times",
    "memory growth",
    "state between patients",
    "a guest, decoder or model runtime that escapes the sandbox",
    "order, index, number of patients, ids",
    "logs, error text, backtraces",
    "hashes and commitments of patients' data",
    "NaN payload, relaxed SIMD, threads",
    "number or shape of outputs",
    "imports",
    "admission answers, --where",
    "cohort filter as an oracle",
    "repeats",
    "differencing over jobs",
    "budget as a signal",
    "crash, race, rollback of the ledger",
    "state between rounds",
    "Spectre in process",
    "poisoned contribution",
];

/// What the claims about noise rest on.
const NOISE: [&str; 4] = ["sampler, goodness of fit", "sampler, variance", "end-to-end audit", "opendp 0.16"];

/// One channel, what was tried on it, and what came of it.
pub(super) struct Row {
    pub(super) name: String,
    /// The guest, or what else tries.
    pub(super) guest: String,
    pub(super) tries: String,
    pub(super) bound: String,
    pub(super) measured: String,
    /// What the same attack gets where noise is off: it must succeed, or it shows nothing.
    pub(super) noise_off: String,
    figure: Figure,
}

/// The figure that is held against the bar.
struct Figure {
    value: Option<f64>,
    unit: String,
    against: String,
    ratio: Option<f64>,
    bar: f64,
    at_most: bool,
    /// What the test said of itself.
    claimed: bool,
}

impl Row {
    /// The bar decides, and the test must have seen it alike.
    pub(super) fn holds(&self) -> bool {
        let Figure { value, ratio, bar, at_most, claimed, .. } = self.figure;
        let figure = ratio.or(value).unwrap_or(f64::NAN);
        claimed && if at_most { figure <= bar } else { figure >= bar }
    }

    pub(super) fn json(&self) -> Value {
        let Figure { value, unit, against, ratio, bar, at_most, .. } = &self.figure;
        json!({"name": self.name, "guest": self.guest, "tries": self.tries, "bound": self.bound, "measured": self.measured,
            "noise_off": self.noise_off, "value": value, "unit": unit, "against": against, "ratio": ratio, "bar": bar,
            "op": if *at_most { "<=" } else { ">=" }, "holds": self.holds()})
    }

    fn parse(line: &str) -> Result<Self> {
        let row: Value = serde_json::from_str(line)?;
        let text = |key: &str| row[key].as_str().map(str::to_owned).with_context(|| format!("no text {key}"));
        let at_most = match row["op"].as_str() {
            Some("<=") => true,
            Some(">=") => false,
            _ => bail!("op must be <= or >="),
        };
        let figure = Figure {
            value: row["value"].as_f64(),
            unit: text("unit")?,
            against: text("against")?,
            ratio: row["ratio"].as_f64(),
            bar: row["bar"].as_f64().context("no number bar")?,
            at_most,
            claimed: row["holds"].as_bool().context("no holds")?,
        };
        ensure!(figure.value.is_some() || figure.ratio.is_some(), "neither value nor ratio is a number");
        Ok(Self {
            name: text("name")?,
            guest: text("guest")?,
            tries: text("tries")?,
            bound: text("bound")?,
            measured: text("measured")?,
            noise_off: text("noise_off")?,
            figure,
        })
    }

    /// The row of a channel that nothing tried.
    fn absent(name: &str) -> Self {
        let unit = "rows".to_owned();
        let figure = Figure {
            value: Some(0.0),
            unit,
            against: String::new(),
            ratio: None,
            bar: 1.0,
            at_most: false,
            claimed: false,
        };
        let nothing = || "-".to_owned();
        let [guest, tries, bound, noise_off] = std::array::from_fn(|_| nothing());
        Self { name: name.to_owned(), guest, tries, bound, measured: "no row".to_owned(), noise_off, figure }
    }

    fn belongs_to(&self, channel: &str) -> bool {
        self.name.strip_prefix(channel).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

/// The rows of a run, in the order in which they were written; two with one name are an error.
pub(super) fn read(file: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let parse = |line| Row::parse(line).with_context(|| format!("not a row: {line}"));
    let rows: Vec<Row> = text.lines().map(parse).collect::<Result<_>>()?;
    let mut seen = BTreeSet::new();
    for row in &rows {
        ensure!(seen.insert(&row.name), "two rows are named {}", row.name);
    }
    Ok(rows)
}

/// The rows in the order of the specification, those of no channel last, with a row for what is not there.
pub(super) fn complete(mut rows: Vec<Row>) -> Vec<Row> {
    let mut all = Vec::new();
    for channel in CHANNELS.iter().chain(&NOISE) {
        let (mine, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.belongs_to(channel));
        rows = rest;
        if mine.is_empty() {
            all.push(Row::absent(channel));
        }
        all.extend(mine);
    }
    all.extend(rows);
    all
}

pub(super) fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: f64, holds: bool) -> String {
        json!({"name": name, "guest": "g", "tries": "t", "bound": "b", "measured": "m", "noise_off": "n", "value": value,
            "unit": "u", "against": "", "ratio": null, "bar": 2.0, "op": "<=", "holds": holds})
        .to_string()
    }

    #[test]
    fn a_row_holds_where_its_figure_and_its_test_say_so() {
        let holds = |value, claimed| Row::parse(&line("repeats", value, claimed)).unwrap().holds();
        assert!(holds(2.0, true) && !holds(2.1, true) && !holds(2.0, false));
    }

    #[test]
    fn a_channel_that_nothing_tried_does_not_hold() {
        let rows = complete(vec![Row::parse(&line("repeats: 1,000 submissions", 1.0, true)).unwrap()]);
        assert_eq!(rows.len(), CHANNELS.len() + NOISE.len());
        let held: Vec<_> = rows.iter().filter(|row| row.holds()).map(|row| row.name.as_str()).collect();
        assert_eq!(held, ["repeats: 1,000 submissions"]);
    }

    #[test]
    fn a_row_that_says_too_little_is_an_error() {
        for key in ["name", "guest", "bound", "bar", "op", "holds", "value"] {
            let mut row: Value = serde_json::from_str(&line("imports", 1.0, true)).unwrap();
            row.as_object_mut().unwrap().remove(key);
            assert!(Row::parse(&row.to_string()).is_err(), "{key}");
        }
    }

    #[test]
    fn the_channels_are_those_of_the_specification() {
        let page = std::fs::read_to_string(crate::paths::root().join("../shared/PRIVACY.md"));
        // A bare checkout has no design folder beside it.
        let Ok(page) = page else { return };
        let section = page.split("\n## ").find(|part| part.starts_with("5.")).unwrap();
        let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let written: Vec<_> = cells.skip(2).map(|cell| cell.replace('`', "")).collect();
        assert_eq!(written, CHANNELS);
    }
}
