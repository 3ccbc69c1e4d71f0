use crate::error::{NodeError, ask};
use crate::home::Home;
use crate::keys::{Random, system};
use crate::store::Store;
use rand::CryptoRng;
use std::path::Path;
use std::sync::OnceLock;
use trocar_policy::{Layer, Policy};
use trocar_terms::{Clock, Limits, Timestamp};
use trocar_worker::{Launcher, Layers};

/// An open node: its home, its index, its clock and the program that it starts as worker.
pub struct Node {
    home: Home,
    store: Store,
    launcher: Launcher,
    clock: Box<dyn Clock>,
    random: Random,
    /// Layers of containment that this kernel has, once they were tried.
    layers: OnceLock<Layers>,
}

impl Node {
    /// Opens the node whose home is `root`. Its randomness is the operating system's.
    ///
    /// # Errors
    /// There is no home, or its index cannot be opened.
    pub async fn open(root: &Path, launcher: Launcher, clock: Box<dyn Clock>) -> Result<Self, NodeError> {
        let home = Home::open(root)?;
        let store = Store::open(&home.index_path()).await?;
        Ok(Self { home, store, launcher, clock, random: system(), layers: OnceLock::new() })
    }

    /// The same node with another source of randomness: for tests that compare two runs byte by byte.
    #[must_use]
    pub fn with_random(self, random: Random) -> Self {
        Self { random, ..self }
    }

    /// What job ids, the order of patients and noise are drawn from.
    pub(crate) fn random(&self) -> Box<dyn CryptoRng> {
        (self.random)()
    }

    /// Bytes from the same source.
    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random().fill_bytes(&mut bytes);
        bytes
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The index.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn launcher(&self) -> &Launcher {
        &self.launcher
    }

    /// The layers of containment that hold here, tried in a worker the first time.
    pub(crate) fn layers(&self) -> Result<Layers, NodeError> {
        if let Some(layers) = self.layers.get() {
            return Ok(*layers);
        }
        let layers = trocar_worker::probe(&self.launcher)?;
        Ok(*self.layers.get_or_init(|| layers))
    }

    /// Refuses to go on under a policy that asks for a layer that this kernel lacks.
    pub(crate) fn contained(&self, policy: &Policy) -> Result<(), NodeError> {
        let wanted = layers_of(policy);
        // A policy that asks for none says so in writing.
        if wanted == Layers::default() || self.layers()?.include(wanted) {
            return Ok(());
        }
        ask("the policy asks for a layer of containment that this machine lacks: run `trocar node doctor`")
    }

    /// Starts workers that do not go on without the layers of this policy.
    pub(crate) fn launcher_for(&self, policy: &Policy) -> Launcher {
        self.launcher.requiring(layers_of(policy))
    }

    /// The time by the node's clock; the ledger sees to it that it never goes backwards.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// One worker a core.
    #[must_use]
    pub fn workers(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    /// One worker a core, and no more than the machine's memory holds if each takes all that it may: one patient's guest could
    /// else have the kernel end the workers of others. `None` where not even one fits.
    pub(crate) fn workers_within(&self, limits: &Limits) -> Option<usize> {
        let each = trocar_worker::most_memory(limits);
        let fit = installed_memory()?.checked_sub(RESERVED_MEMORY)?.checked_div(each)?;
        Some(self.workers().min(usize::try_from(fit).unwrap_or(usize::MAX))).filter(|workers| *workers > 0)
    }
}

fn layers_of(policy: &Policy) -> Layers {
    let has = |layer| policy.containment().contains(&layer);
    Layers { seccomp: has(Layer::Seccomp), landlock: has(Layer::Landlock) }
}

/// What the node itself and the system keep, in bytes.
const RESERVED_MEMORY: u64 = 1 << 30;

/// Memory of the machine in bytes; `None` where the system does not say.
fn installed_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}
