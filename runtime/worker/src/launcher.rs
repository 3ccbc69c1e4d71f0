use crate::Layers;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io,
    path::{Path, PathBuf},
};

/// How workers are started.
#[derive(Debug, Clone)]
pub struct Launcher {
    program: PathBuf,
    required: Layers,
}

impl Launcher {
    /// Workers are `program worker`, which calls [`serve`](crate::serve).
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        raise_descriptor_limit();
        Self { program, required: Layers::default() }
    }

    /// Workers are this binary.
    ///
    /// # Errors
    /// The system does not say which binary this is.
    pub fn this_binary() -> io::Result<Self> {
        std::env::current_exe().map(Self::new)
    }

    /// The same, with layers of containment without which no worker of it goes on. Those that the kernel has are put on
    /// anyway.
    #[must_use]
    pub fn requiring(&self, required: Layers) -> Self {
        Self { program: self.program.clone(), required }
    }

    pub(crate) const fn required(&self) -> Layers {
        self.required
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

/// A patient can have more files than the usual soft limit of 1,024 descriptors, on both ends.
pub(crate) fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where this fails, patients with very many files fail: nothing to do about it here.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
