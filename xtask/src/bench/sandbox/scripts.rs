//! The same statistics from Python and from C: each calls the SDK's kernels, composed with it, and sees no voxel.

use super::super::rows::{Op, Row};
use super::super::{ROUNDS, folder, median};
use super::Measure;
use super::kernels::{Native, inside};
use crate::paths;
use crate::run::say;
use crate::scripts::Parts;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The folder of each guest, and its language.
const GUESTS: [(&str, &str); 2] = [("scan-python", "Python"), ("scan-c", "C")];

/// The statistics, as tests/guests/bench_kernels numbers its work.
const STATISTICS: u32 = 0;

pub(super) fn rows(measure: &Measure) -> Result<Vec<Row>> {
    let folder = folder("sandbox")?;
    let (native, guests) = (Native::build()?, guests(&folder)?);
    let volume = folder.join("volume.raw");
    measure.figures(&["volume", &volume.display().to_string()])?;
    let (mut ours, mut peer) = (vec![Vec::new(); guests.len()], Vec::new());
    for round in 1..=ROUNDS {
        say(&format!("scripts, round {round} of {ROUNDS}"));
        let (nanoseconds, numbers) = native.run(STATISTICS, &volume, 3, &[])?;
        peer.push(nanoseconds);
        for (guest, times) in guests.iter().zip(&mut ours) {
            times.push(inside(measure, guest, STATISTICS, &numbers, &[])?);
        }
    }
    Ok(GUESTS.iter().zip(&ours).map(|((_, language), times)| row(language, times, &peer)).collect())
}

fn guests(folder: &Path) -> Result<Vec<PathBuf>> {
    let parts = Parts::build()?;
    let built = GUESTS.iter().map(|(name, language)| {
        let source = Path::new(file!()).with_file_name(name);
        let output = folder.join(format!("{name}.wasm"));
        let made = parts.guest(&paths::root().join(source), &output, false)?;
        made.map(|_| output).with_context(|| format!("the guest in {language} could not be built"))
    });
    built.collect()
}

fn row(language: &str, ours: &[f64], peer: &[f64]) -> Row {
    Row {
        name: format!("the same statistics from {language} over SDK kernels, metered, transfer included"),
        value: median(ours.to_vec()) / 1e6,
        unit: "ms",
        against: "the same kernel in Rust, native, in place".to_owned(),
        ratio: Some(median(ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect())),
        bar: 1.6,
        op: Op::AtMost,
    }
}
