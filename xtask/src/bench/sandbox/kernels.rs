//! The SDK's kernels inside the sandbox, metered, every slab handed over, against the same source compiled for this machine
//! and run in place; and against numpy.

use super::super::peers::Python;
use super::super::rows::{Op, Row};
use super::super::{ROUNDS, folder, median};
use super::Measure;
use crate::run::{capture, cargo, say, step};
use crate::{build, paths};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Work of tests/guests/bench_kernels: its number there, its name, how many numbers it gives, its bar.
const WORK: [(u32, &str, usize, f64); 4] = [
    (
        0,
        "mean, sd, min, max, 256-bin histogram over a 512 x 512 x 300 CT already decoded, metered, transfer included",
        260,
        1.4,
    ),
    (1, "box filter of 5 x 5 x 5 over the same CT, metered, transfer included", 2, 1.5),
    (2, "convolution of the same CT with 3 x 3 x 3 weights, metered, transfer included", 2, 1.5),
    (3, "GLCM of the tissue in 16 of its slices, metered, transfer included", 25, 1.5),
];

/// The statistics on one thread of numpy. The histogram's bins end above every value, so that its last edge is of no matter.
const NUMPY: &str = "
import sys, time
import numpy as np
v = np.fromfile(sys.argv[1], '<i2')
begun = time.thread_time_ns()
numbers = v.mean(), v.std(), v.min(), v.max(), np.histogram(v, 256, (-1024, 3072))
print(time.thread_time_ns() - begun)
";

/// The peer that runs the same source without a sandbox.
pub(super) struct Native(PathBuf);

impl Native {
    /// Built with every optimisation, for any CPU of this kind.
    pub(super) fn build() -> Result<Self> {
        let mut command = cargo();
        command.args(["build", "--release", "--package", "bench_kernels", "--example", "kernels-native"]);
        step("building the kernels for this machine", command.args(build::locked()))?;
        Ok(Self(paths::target().join("release/examples/kernels-native")))
    }

    /// Nanoseconds of CPU time, the median of so many runs, and the numbers that were computed.
    pub(super) fn run(
        &self,
        what: u32,
        file: &Path,
        repeat: usize,
        more: &[&str],
    ) -> Result<(f64, Vec<f64>)> {
        let mut command = Command::new(&self.0);
        command.arg(what.to_string()).arg(file).arg(repeat.to_string()).args(more);
        let output = capture(&mut command)?;
        ensure!(output.status.success(), "{} ended with {}", self.0.display(), output.status);
        let text = String::from_utf8(output.stdout)?;
        let (nanoseconds, numbers) = text.trim().split_once('\t').context("not a time and numbers")?;
        Ok((nanoseconds.parse()?, serde_json::from_str(numbers)?))
    }
}

/// The guest that does the same work.
pub(super) fn guest() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--target", "wasm32-unknown-unknown", "--profile", "guest"]);
    command.args(["--package", "bench_kernels"]).args(build::locked());
    step("building the kernels as a guest", &mut command)?;
    Ok(paths::guest("bench_kernels"))
}

/// Nanoseconds of the guest; it must give the numbers that native code gives.
pub(super) fn inside(
    measure: &Measure,
    guest: &Path,
    what: u32,
    numbers: &[f64],
    more: &[&str],
) -> Result<f64> {
    let (what, length) = (format!("what={what}"), numbers.len().to_string());
    let common = ["--repeat", "3", "--param", &what, "--outputs", &length];
    let run = measure.guest(guest, &[&common[..], more].concat())?;
    let theirs: Vec<Vec<f64>> = serde_json::from_value(run.outputs)?;
    let theirs = theirs.first().context("no outputs")?;
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs();
    ensure!(
        theirs.len() == numbers.len() && theirs.iter().zip(numbers).all(close),
        "the guest's numbers for {what} are not those of native code: {theirs:?} and {numbers:?}"
    );
    Ok(run.nanoseconds)
}

pub(super) fn rows(measure: &Measure) -> Result<Vec<Row>> {
    let (native, guest) = (Native::build()?, guest()?);
    let volume = folder("sandbox")?.join("volume.raw");
    measure.figures(&["volume", &volume.display().to_string()])?;
    let python = Python::find()?;
    let mut ours = WORK.map(|_| Vec::new());
    let (mut peer, mut numpy) = (WORK.map(|_| Vec::new()), Vec::new());
    for round in 1..=ROUNDS {
        say(&format!("kernels, round {round} of {ROUNDS}"));
        for (at, (what, _, length, _)) in WORK.iter().enumerate() {
            let (nanoseconds, numbers) = native.run(*what, &volume, 3, &[])?;
            ensure!(numbers.len() == *length, "work {what} gave {} numbers", numbers.len());
            peer[at].push(nanoseconds);
            ours[at].push(inside(measure, &guest, *what, &numbers, &[])?);
        }
        if let Some(python) = &python {
            numpy.push(python.number(NUMPY, &[&volume])?);
        }
    }
    let mut rows: Vec<Row> =
        WORK.iter().enumerate().map(|(at, work)| row(work, &ours[at], &peer[at])).collect();
    if !numpy.is_empty() {
        rows.push(faster(&ours[0], &numpy));
    }
    Ok(rows)
}

fn row((_, name, _, bar): &(u32, &str, usize, f64), ours: &[f64], peer: &[f64]) -> Row {
    Row {
        name: (*name).to_owned(),
        value: median(ours.to_vec()) / 1e6,
        unit: "ms",
        against: "the same source, native, in place".to_owned(),
        ratio: Some(median(ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect())),
        bar: *bar,
        op: Op::AtMost,
    }
}

/// The bar of the issue is that numpy is not faster.
fn faster(ours: &[f64], numpy: &[f64]) -> Row {
    Row {
        name: "the same statistics, numpy's time to the guest's".to_owned(),
        value: median(numpy.to_vec()) / 1e6,
        unit: "ms",
        against: "numpy 2.4.6, one thread".to_owned(),
        ratio: Some(median(ours.iter().zip(numpy).map(|(ours, numpy)| numpy / ours).collect())),
        bar: 1.0,
        op: Op::AtLeast,
    }
}
