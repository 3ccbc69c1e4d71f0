use crate::{
    Launcher, WorkerError,
    process::{Process, borrow, deadline},
    task::{THUMBNAIL_BYTES, Task},
};
use std::{fs::File, time::Duration};
use trocar_imaging::{Subject, SubjectSeries, Thumbnail};

/// What a series may take: its headers are all read, one slice is decoded.
const BOX: Duration = Duration::from_secs(20);

/// A picture of a series, at most `side` pixels wide and high, decoded in a process of its own.
///
/// `None` where the series cannot be read, or whatever else becomes of the worker.
///
/// # Errors
/// A worker cannot be started.
pub fn thumbnail(
    launcher: &Launcher,
    series: SubjectSeries,
    files: &[File],
    side: u32,
) -> Result<Option<Thumbnail>, WorkerError> {
    let end = deadline(BOX);
    let subject = Subject { series: vec![series], ..Subject::default() };
    let mut worker = Process::start_patiently(launcher, end)?;
    let task = Task::Thumbnail(Box::new(subject), side);
    let answer = worker.ask::<Option<Thumbnail>>(task, &borrow(files), THUMBNAIL_BYTES, end);
    Ok(answer.ok().flatten().filter(|picture| picture.is_within(side)))
}
