//! What the program takes from the machine that it runs on.

use std::sync::OnceLock;
use trocar_node::{Random, SystemClock, system};
use trocar_terms::Clock;

/// Where time and randomness come from. The product passes [`Outside::SYSTEM`]; only a binary of the tests, which nothing
/// of the product can link, passes anything else.
#[derive(Debug, Clone, Copy)]
pub struct Outside {
    /// Makes the clock of a node.
    pub clock: fn() -> Box<dyn Clock>,
    /// Makes what a node draws job ids, the order of patients and noise from.
    pub random: fn() -> Random,
}

impl Outside {
    /// The operating system's.
    pub const SYSTEM: Self = Self { clock: || Box::new(SystemClock), random: system };
}

static OUTSIDE: OnceLock<Outside> = OnceLock::new();

/// Fixes it for this process. The first word holds.
pub(crate) fn set(outside: Outside) {
    // A process has one beginning.
    let _ = OUTSIDE.set(outside);
}

pub(crate) fn outside() -> Outside {
    OUTSIDE.get().copied().unwrap_or(Outside::SYSTEM)
}
