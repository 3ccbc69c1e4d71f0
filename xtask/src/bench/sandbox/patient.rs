//! The whole path of a patient without images: fork, contain, map, clip, sum.

use super::super::rows::{Op, Row};
use super::super::{ROUNDS, median};
use crate::run::{capture, cargo, say, step};
use crate::{build, paths};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Patients of a round.
const FEW: u32 = 2_000;
/// Patients that a process for each, or one for all, is held to growing with.
const SOME: u32 = 10_000;
const ALL: u32 = 100_000;

/// `quick` leaves the 100,000 patients out.
pub(super) fn rows(quick: bool) -> Result<Vec<Row>> {
    let program = program()?;
    let (mut apart, mut shared) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        apart.push(each(&program, "apart", FEW)?);
        shared.push(each(&program, "shared", FEW)?);
    }
    let mut rows = vec![
        row(
            "a patient without images, one process each: fork, contain, map, clip, sum",
            median(apart) / 1e3,
            "ms",
            3.0,
        ),
        row("the same in a shared worker", median(shared), "us", 200.0),
    ];
    if !quick {
        say("100,000 patients");
        let (some, all) = (each(&program, "apart", SOME)?, each(&program, "apart", ALL)?);
        rows.push(Row {
            name: "100,000 patients without images, one process each, a patient".to_owned(),
            value: all / 1e3,
            unit: "ms",
            against: "the same of 10,000".to_owned(),
            ratio: Some(all / some),
            bar: 1.1,
            op: Op::AtMost,
        });
    }
    Ok(rows)
}

fn row(name: &str, value: f64, unit: &'static str, bar: f64) -> Row {
    Row { name: name.to_owned(), value, unit, against: String::new(), ratio: None, bar, op: Op::AtMost }
}

/// The worker and what calls it, optimised as a release of them would be.
fn program() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "trocar-worker", "--bin", "trocar-worker"]);
    command.args(["--example", "patients"]).args(build::locked());
    step("building the worker by itself, optimised (the first time takes minutes)", &mut command)?;
    Ok(paths::target().join("release/examples/patients"))
}

/// Microseconds of a patient on one core.
fn each(program: &Path, form: &str, count: u32) -> Result<f64> {
    let output = capture(Command::new(program).arg(form).arg(count.to_string()))?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{} ended with {}: {said}", program.display(), output.status);
    let seconds: f64 = said.trim().parse().with_context(|| format!("not a time: {said}"))?;
    Ok(seconds * 1e6 / f64::from(count))
}
