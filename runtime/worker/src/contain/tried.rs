//! What of containment this kernel has: tried in a process that can afford it.

use super::{Kind, Layers, path, seccomp::Filter};
use crate::{
    Launcher, WorkerError,
    process::{Process, deadline},
    task::{HELLO_BYTES, Task},
};
use std::{fs::File, io, os::unix::net::UnixStream, time::Duration};

/// A process that only locks itself.
const BOX: Duration = Duration::from_secs(30);

/// The layers that hold on this machine: a worker is locked, and then tries what each is to refuse.
///
/// # Errors
/// A worker cannot be started.
pub fn probe(launcher: &Launcher) -> Result<Layers, WorkerError> {
    let end = deadline(BOX);
    let mut worker = Process::start_patiently(launcher, end)?;
    // A worker that dies of it has no layer to show.
    Ok(worker.ask(Task::Probe, &[], HELLO_BYTES, end).unwrap_or_default())
}

/// The worker's side: each layer refuses something before the next one is there.
pub(crate) fn probed() -> io::Result<Layers> {
    let landlock = path::refuse_all()? && File::open("/").is_err();
    let seccomp = Filter::of(Kind::Reads)?.apply()? && UnixStream::pair().is_err();
    Ok(Layers { seccomp, landlock })
}
