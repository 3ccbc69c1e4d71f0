use crate::{
    Grant, Launcher,
    process::{Process, borrow, deadline},
    task::{CODE_BYTES, Compiled, Task},
};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::{
    fmt,
    fs::File,
    io::{self, Write},
    sync::{Arc, OnceLock},
    time::Duration,
};

/// What one compilation may take. 16 MiB of wasm take 18 s (WASM.md section 2a).
const TIME: Duration = Duration::from_secs(120);

/// Why there is no machine code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The component asks for something outside its manifest's grant.
    #[error("the component imports {name}, which its manifest does not grant")]
    ImportRefused {
        /// The import, as the component names it.
        name: String,
    },
    /// Not a component of the contract.
    #[error("not a component of trocar:guest@0.1.1: {why}")]
    Invalid {
        /// What parser or engine said of its bytes.
        why: String,
    },
    /// The worker could not be started, died, or did not end in time.
    #[error("the component could not be compiled within the limits")]
    Died,
}

/// A component compiled for this machine. Loading it executes it: it comes from [`compile`], or from the node's cache
/// after its authentication.
#[derive(Clone)]
pub struct MachineCode(Arc<Inner>);

struct Inner {
    bytes: Vec<u8>,
    /// A sealed copy for workers, made once.
    file: OnceLock<Option<File>>,
}

impl MachineCode {
    /// Takes bytes that [`as_bytes`](Self::as_bytes) gave and that the node has authenticated since.
    #[must_use]
    pub fn from_authenticated_bytes(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Inner { bytes, file: OnceLock::new() }))
    }

    /// The bytes, to be kept under the node's key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// A descriptor for workers; `None` where the system has no memory for it.
    pub(crate) fn file(&self) -> Option<&File> {
        self.0.file.get_or_init(|| sealed(&self.0.bytes).ok()).as_ref()
    }
}

impl fmt::Debug for MachineCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MachineCode({} bytes)", self.0.bytes.len())
    }
}

/// A file in memory that no worker can change for the next one.
pub(crate) fn sealed(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("trocar", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
    Ok(file)
}

/// Admits and compiles a component in a process of its own.
///
/// # Errors
/// The component is refused, or its compilation did not end well.
pub fn compile(launcher: &Launcher, wasm: &[u8], grant: &Grant) -> Result<MachineCode, CompileError> {
    let wasm = sealed(wasm).map_err(|_| CompileError::Died)?;
    let end = deadline(TIME);
    let mut process = Process::start(launcher, end).map_err(|_| CompileError::Died)?;
    let answer = process.ask(Task::Compile(grant.clone()), &borrow(&[&wasm]), CODE_BYTES, end);
    match answer.map_err(|_| CompileError::Died)? {
        Compiled::Code(code) => Ok(MachineCode::from_authenticated_bytes(code)),
        Compiled::ImportRefused(name) => Err(CompileError::ImportRefused { name }),
        Compiled::Invalid(why) => Err(CompileError::Invalid { why }),
    }
}

/// The engine's name and version, as a bundle states it.
#[must_use]
pub fn engine_name() -> String {
    trocar_sandbox::ENGINE.to_owned()
}

/// Names engine version, settings and CPU: machine code and cached releases of one id are of no use under another.
#[must_use]
pub fn engine_id() -> String {
    // Where the engine does not run at all, nothing is compiled or cached either.
    trocar_sandbox::engine_id().unwrap_or_else(|_| engine_name())
}
