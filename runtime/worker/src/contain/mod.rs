//! What a worker takes from itself before it looks at a patient's bytes. Nothing here can be undone by the process.
//!
//! Four layers, each against the failure of the others: limits of resources, no new privileges and no dump of memory;
//! Landlock, which refuses every path, port and signal to another process; seccomp, which knows a short list of calls.

mod limits;
mod path;
mod seccomp;
mod tried;

pub(crate) use limits::{begin, limit};
pub use tried::probe;
pub(crate) use tried::probed;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use seccomp::Filter;
use serde::{Deserialize, Serialize};
use std::io;

/// The layers that a kernel may lack. Limits and closed descriptors are always there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// A filter of system calls.
    pub seccomp: bool,
    /// No file, port or foreign process by name.
    pub landlock: bool,
}

impl Layers {
    /// Whether all of `wanted` are among these.
    #[must_use]
    pub const fn include(self, wanted: Self) -> bool {
        (self.seccomp || !wanted.seccomp) && (self.landlock || !wanted.landlock)
    }
}

/// What a worker does, and so what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Headers, a thumbnail, a patient's map: it reads its descriptors, computes, answers.
    Reads,
    /// Reads a clinical table: its library asks for the length of a file by `statx`.
    Table,
    /// Makes machine code, and links it once.
    Compiles,
    /// Decodes on several threads into the one file that it was given.
    Decodes,
    /// Forks for each patient, and looks at none.
    Forks,
}

/// Contains this process for what it is to do, and says in which layers.
///
/// # Errors
/// A layer that the kernel has cannot be put on, or one of `required` is not there: the process must not go on.
pub(crate) fn lock(kind: Kind, required: Layers) -> io::Result<Layers> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limits::fix(kind)?;
    let landlock = path::refuse_all()?;
    let seccomp = Filter::of(kind)?.apply()?;
    let layers = Layers { seccomp, landlock };
    if layers.include(required) { Ok(layers) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// What the zygote prepares once for all of its children: their filter.
pub(crate) struct Tighter(Filter);

impl Tighter {
    pub(crate) fn new() -> io::Result<Self> {
        Filter::of(Kind::Reads).map(Self)
    }

    /// Takes from a child what the zygote needed for itself: forks, processes, privileges over itself.
    pub(crate) fn apply(&self) -> io::Result<()> {
        limits::fix(Kind::Reads)?;
        self.0.apply().map(|_| ())
    }
}
