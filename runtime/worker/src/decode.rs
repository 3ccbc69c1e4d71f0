use crate::{
    Launcher, SubjectSeries,
    process::{Process, borrow},
    task::Task,
};
use std::{fs::File, time::Instant};
use trocar_terms::Digest;

/// Bytes that a digest takes in a frame, and more.
const DIGEST: u64 = 80;

/// Decodes a series in a process of its own, which runs no guest, into an empty file; `None` where it cannot be done
/// before `end`. The digests are of the slices, in order.
#[must_use]
pub fn decode(
    launcher: &Launcher,
    series: &SubjectSeries,
    files: &[File],
    out: &File,
    end: Instant,
) -> Option<Vec<Digest>> {
    let mut process = Process::start(launcher, end).ok()?;
    let all: Vec<&File> = files.iter().chain([out]).collect();
    let bound = u64::from(series.info.grid.slices).saturating_mul(DIGEST).saturating_add(DIGEST);
    let task = Task::Decode(Box::new(series.clone()));
    let digests: Option<Vec<Digest>> = process.ask(task, &borrow(&all), bound, end).ok()?;
    digests.filter(|digests| digests.len() == series.info.grid.slices as usize)
}
