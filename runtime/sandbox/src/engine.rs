use crate::{AdmitError, Grant, admit, bindings::AlgorithmPre, host, prices::PRICES};
use std::hash::{Hash, Hasher};
use trocar_terms::Digest;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy,
    component::{Component, Linker},
};

/// The engine, as a bundle names it.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// Bytes of wasm stack a guest may use.
const STACK: usize = 512 << 10;

/// Why a component was not compiled or machine code not loaded.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Its bytes are not admitted.
    #[error(transparent)]
    Refused(#[from] AdmitError),
    /// The engine does not take it, or its imports or export have other types than the contract says.
    #[error("the engine refuses the component: {0}")]
    Engine(wasmtime::Error),
}

impl From<wasmtime::Error> for CompileError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

/// The engine of every guest: WASM.md section 6. GC, exceptions, threads, async and pooling are not even compiled in.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .gc_support(false)
        .wasm_gc(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_stack_switching(false)
        .shared_memory(false)
        .concurrency_support(false)
        .consume_fuel(true)
        .operator_cost(PRICES)
        .max_wasm_stack(STACK)
        .signals_based_traps(true)
        .guard_before_linear_memory(true)
        // Nobody reads a guest's stack: what it would take to tell it is in no price, and it has no place in a worker.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        // On: fused adapters need it, and without it a hostile component panics the host (WASM.md section 0.8).
        .wasm_multi_memory(true)
        // Off: the image of a memory is a file, whose descriptor and offset the workers of all patients would share.
        .memory_init_cow(false)
        // A pool keeps pages of the patient before (PRIVACY.md section 5).
        .allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config)
}

/// Names engine version, settings and CPU: machine code of one id runs on no other.
///
/// # Errors
/// The engine does not run on this machine.
pub fn engine_id() -> Result<String, CompileError> {
    let mut bytes = Bytes(Vec::new());
    engine()?.precompile_compatibility_hash().hash(&mut bytes);
    Ok(format!("{ENGINE} {}", Digest::of(&bytes.0)))
}

/// Collects what is hashed, so that the id does not depend on a hasher of the standard library.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Admits and compiles a component to machine code for this CPU. Hostile input can make this slow or large, so it
/// belongs in a process of its own with a limit on both.
///
/// # Errors
/// The component is not admitted, or the engine refuses it.
pub fn compile(wasm: &[u8], grant: &Grant) -> Result<Vec<u8>, CompileError> {
    admit(wasm, grant)?;
    let engine = engine()?;
    let component = Component::from_binary(&engine, wasm)?;
    prepare(&engine, &component)?;
    Ok(component.serialize()?)
}

/// Links a component to the host; fails where a type differs from the contract.
fn prepare(engine: &Engine, component: &Component) -> wasmtime::Result<AlgorithmPre<host::Host>> {
    let mut linker = Linker::new(engine);
    host::link(&mut linker)?;
    AlgorithmPre::new(linker.instantiate_pre(component)?)
}

/// A compiled algorithm, linked to the host and ready to be instantiated.
pub struct Runner {
    engine: Engine,
    pre: AlgorithmPre<host::Host>,
}

impl Runner {
    /// Loads machine code that [`compile`] made.
    ///
    /// The code is executed as it is: the caller vouches that it comes from this node's own compiler, unchanged.
    ///
    /// # Errors
    /// It was made by another engine version, configuration or CPU.
    pub fn load(machine_code: &[u8]) -> Result<Self, CompileError> {
        let engine = engine()?;
        #[allow(
            unsafe_code,
            reason = "the node made this code and authenticated it; wasmtime checks version and CPU"
        )]
        // SAFETY: `machine_code` is the output of `compile`, which the node keeps under its own key.
        let component = unsafe { Component::deserialize(&engine, machine_code)? };
        let pre = prepare(&engine, &component)?;
        Ok(Self { engine, pre })
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn pre(&self) -> &AlgorithmPre<host::Host> {
        &self.pre
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runner")
    }
}
