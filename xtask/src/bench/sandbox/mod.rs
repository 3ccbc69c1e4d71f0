//! The sandbox: what a guest costs, beside the same work without one.
//!
//! Whatever runs inside the sandbox is run by `runtime/sandbox/examples/measure`, an optimised program that links the sandbox
//! alone and is no part of the product. [`Measure`] builds and calls it. For a guest over the volume of the bars (512 x 512 x
//! 300, 16 bits, in memory behind `dyn Volume`):
//!
//! ```text
//! let measure = Measure::build()?;
//! let run = measure.guest(&paths::guest("volume-stats"), &["--outputs", "4"])?;
//! run.nanoseconds   // CPU time: instantiate to drop, metered, every slab handed over; the median of 5
//! run.outputs       // what it returned, to be held against the peer's
//! ```
//!
//! The file may be a core module as cargo builds it, a component, or WAT. `measure volume FILE` writes the volume for a peer.
//! A part adds its file here, with `pub(super) fn rows(measure: &Measure) -> Result<Vec<Row>>`, and one line in [`rows`].

mod guest;
mod kernels;
mod model;
mod patient;
mod radiomics;
mod scripts;
mod workers;

use super::rows::Row;
use crate::paths;
use crate::run::{capture, cargo, step};
use crate::setup::Tools;
use crate::{build, run};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) fn rows(tools: Tools, quick: bool) -> Result<Vec<Row>> {
    let measure = Measure::build()?;
    let mut rows = guest::rows(&measure)?;
    rows.extend(kernels::rows(&measure)?);
    rows.extend(radiomics::rows(&measure)?);
    rows.extend(scripts::rows(&measure)?);
    rows.extend(model::rows()?);
    rows.extend(patient::rows(quick)?);
    rows.extend(workers::rows(tools, quick)?);
    Ok(rows)
}

/// The program that runs guests.
pub(super) struct Measure {
    program: PathBuf,
}

/// One guest over the volume.
#[allow(dead_code, reason = "the parts that compare a guest with native code read them")]
pub(super) struct Guest {
    /// CPU time of one patient, in ns: the median.
    pub(super) nanoseconds: f64,
    /// Its outputs: a list of lists of numbers.
    pub(super) outputs: Value,
}

impl Measure {
    /// The sandbox, optimised as a release of it would be.
    pub(super) fn build() -> Result<Self> {
        let mut command = cargo();
        command.args(["build", "--release", "--package", "trocar-sandbox", "--example", "measure"]);
        command.args(build::locked());
        step("building the sandbox by itself, optimised (the first time takes minutes)", &mut command)?;
        Ok(Self { program: paths::target().join("release/examples/measure") })
    }

    /// Lines of a name and a number, tab between them.
    pub(super) fn figures(&self, arguments: &[&str]) -> Result<Vec<(String, f64)>> {
        let lines = self.lines(Command::new(&self.program).args(arguments))?;
        lines.iter().map(|line| figure(line)).collect()
    }

    /// Runs a guest over the volume of the bars, with more arguments for the program.
    #[allow(dead_code, reason = "for the parts that compare a guest with native code")]
    pub(super) fn guest(&self, file: &Path, more: &[&str]) -> Result<Guest> {
        let lines = self.lines(Command::new(&self.program).arg("guest").arg(file).args(more))?;
        let [time, outputs] = &lines[..] else { anyhow::bail!("the program said {lines:?}") };
        let (_, nanoseconds) = figure(time)?;
        let (_, outputs) = outputs.split_once('\t').context("no outputs")?;
        Ok(Guest { nanoseconds, outputs: serde_json::from_str(outputs)? })
    }

    fn lines(&self, command: &mut Command) -> Result<Vec<String>> {
        let output = capture(command)?;
        ensure!(output.status.success(), "{} ended with {}", run::line(command), output.status);
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }
}

fn figure(line: &str) -> Result<(String, f64)> {
    let (name, number) = line.split_once('\t').with_context(|| format!("not a figure: {line}"))?;
    Ok((name.to_owned(), number.parse().with_context(|| format!("not a number: {line}"))?))
}
