//! Limits of resources (setrlimit(2)): those that hold whatever the kernel was built with.

use super::Kind;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use std::io;

/// Parsers recurse: DICOM sequences nest, and an overflow of the stack cannot be caught. Linux holds the main thread's stack
/// to this limit each time it grows, and leaves 128 MiB below it free of other mappings (mmap_base, arch/x86/mm/mmap.c).
const STACK: u64 = 64 << 20;

/// What every worker does first: it dies with its parent, leaves no image of its memory, and has a deep stack.
pub(crate) fn begin() -> io::Result<()> {
    // A core dump would be a patient's images on the disk.
    limit(Resource::Core, 0)?;
    let hard = getrlimit(Resource::Stack).maximum.unwrap_or(STACK);
    limit(Resource::Stack, STACK.min(hard))?;
    die_with_parent()
}

/// The parent's death ends this process, whatever it does. Not inherited by a fork.
pub(super) fn die_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// What a process of this kind never needs.
pub(super) fn fix(kind: Kind) -> io::Result<()> {
    die_with_parent()?;
    limit(Resource::Msgqueue, 0)?;
    limit(Resource::Memlock, 0)?;
    if kind != Kind::Decodes {
        limit(Resource::Fsize, 0)?;
    }
    // Threads and children count as processes of the user, whose others are not this worker's.
    if !matches!(kind, Kind::Decodes | Kind::Forks) {
        limit(Resource::Nproc, 0)?;
    }
    Ok(())
}

/// Sets a limit for ever.
pub(crate) fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
