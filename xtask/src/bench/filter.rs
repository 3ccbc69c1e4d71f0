//! What the output filter costs: a coordinate of a release, a patient's contribution, a draw of noise.

use super::rows::{Op, Row};
use super::{ROUNDS, median};
use crate::build;
use crate::paths;
use crate::run::{capture, cargo, say, step};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::process::Command;

/// Nanoseconds a unit, by what was measured and whose it is.
type Times = BTreeMap<(String, String), Vec<f64>>;

pub(super) fn rows() -> Result<Vec<Row>> {
    let mut build = cargo();
    build.args(["build", "--package", "trocar-filter", "--example", "cost"]).args(build::locked());
    step("building the filter by itself", &mut build)?;
    let program = paths::target().join("debug/examples/cost");
    let mut times = Times::new();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let output = capture(&mut Command::new(&program))?;
        ensure!(output.status.success(), "{} ended with {}", program.display(), output.status);
        read(&String::from_utf8(output.stdout)?, &mut times)?;
    }
    Ok(vec![
        microseconds(
            &times,
            "coordinate",
            "filter, a coordinate of a release, apart from the sampler",
            "the sampler",
        )?,
        microseconds(
            &times,
            "patient",
            "filter, a patient's contribution to 64 outputs",
            "a plain loop that adds",
        )?,
        draw(&times)?,
    ])
}

fn read(text: &str, times: &mut Times) -> Result<()> {
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [what, whose, nanoseconds] = cells[..] else { anyhow::bail!("not a time: {line}") };
        times.entry((what.to_owned(), whose.to_owned())).or_default().push(nanoseconds.parse()?);
    }
    Ok(())
}

fn of<'a>(times: &'a Times, what: &str, whose: &str) -> Result<&'a Vec<f64>> {
    times.get(&(what.to_owned(), whose.to_owned())).with_context(|| format!("no time of {what}, {whose}"))
}

/// The bars of issue 4: 1 us a coordinate, 10 us a patient.
fn microseconds(times: &Times, what: &str, name: &str, peer: &str) -> Result<Row> {
    let beside = median(of(times, what, "peer")?.clone()) / 1e3;
    Ok(Row {
        name: name.to_owned(),
        value: median(of(times, what, "ours")?.clone()) / 1e3,
        unit: "us",
        against: format!("{peer} of the same run, {beside:.3} us"),
        ratio: None,
        bar: if what == "patient" { 10.0 } else { 1.0 },
        op: Op::AtMost,
    })
}

/// Without being much faster, a sampler of our own had no right to be.
fn draw(times: &Times) -> Result<Row> {
    let (ours, peer) = (of(times, "draw", "ours")?, of(times, "draw", "peer")?);
    Ok(Row {
        name: "filter, a draw of noise in a vector over 10,000 long".to_owned(),
        value: median(ours.clone()) / 1e3,
        unit: "us",
        against: "prio 0.18".to_owned(),
        ratio: Some(median(ours.iter().zip(peer).map(|(ours, peer)| peer / ours).collect())),
        bar: 5.0,
        op: Op::AtLeast,
    })
}
