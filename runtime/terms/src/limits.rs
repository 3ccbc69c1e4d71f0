use serde::{Deserialize, Serialize};

/// What one guest may use for one patient. All three are required: there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Limits {
    fuel: u64,
    memory_mib: u32,
    seconds: u32,
}

/// A limit is zero or beyond what any node allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct LimitError(Wrong);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Wrong {
    #[error("{0}")]
    Range(&'static str),
    #[error("seconds is too short a box for this fuel: write `seconds = {0}` or more, or less fuel")]
    Time(u64),
    #[error("seconds is too short a box for this memory: write `seconds = {0}` or more, or less memory_mib")]
    Memory(u32),
}

/// A unit takes 1 ns at most, whatever a guest does (sandbox/src/prices.rs; measured by `cargo xtask bench sandbox`), and the
/// box has room for four times that: a guest comes to the end of its fuel, which is the same everywhere, long before the end
/// of its time, which is not, and which the workers of other patients could shorten.
const FUEL_A_SECOND: u64 = 250_000_000;

/// In more memory than this, in MiB, a load that misses every cache also misses what the processor keeps of the tables of pages:
/// there a unit takes 2 ns at most.
const LARGE_MIB: u32 = 64;

/// A page of 4 KiB that is touched for the first time costs the system up to 1 us, and the guest next to nothing: four times
/// that is a second for each GiB.
const MIB_A_SECOND: u32 = 1_024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    fuel: u64,
    memory_mib: u32,
    seconds: u32,
}

impl Limits {
    /// Fuel (wasmtime units), linear memory in MiB, and the time box a patient in seconds.
    ///
    /// # Errors
    /// Fuel outside 1..=9 * 10^11, memory outside 1..=4096, seconds outside 1..=3600, or for each second more than a GiB or
    /// 2.5 * 10^8 units, half of that in more than 64 MiB.
    pub const fn new(fuel: u64, memory_mib: u32, seconds: u32) -> Result<Self, LimitError> {
        if fuel == 0 || fuel > 900_000_000_000 {
            return Err(LimitError(Wrong::Range("fuel is 1 to 900_000_000_000")));
        }
        if memory_mib == 0 || memory_mib > 4096 {
            return Err(LimitError(Wrong::Range("memory_mib is 1 to 4096")));
        }
        if seconds == 0 || seconds > 3600 {
            return Err(LimitError(Wrong::Range("seconds is 1 to 3600")));
        }
        // A box can be an hour at most, so fuel can be 9 * 10^11 at most.
        let slower = if memory_mib > LARGE_MIB { 2 } else { 1 };
        let needed = fuel.saturating_mul(slower).div_ceil(FUEL_A_SECOND);
        if needed > seconds as u64 {
            return Err(LimitError(Wrong::Time(needed)));
        }
        let needed = memory_mib.div_ceil(MIB_A_SECOND);
        if needed > seconds {
            return Err(LimitError(Wrong::Memory(needed)));
        }
        Ok(Self { fuel, memory_mib, seconds })
    }

    /// Fuel units.
    #[must_use]
    pub const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Linear memory in MiB.
    #[must_use]
    pub const fn memory_mib(&self) -> u32 {
        self.memory_mib
    }

    /// Time box a patient, decoding and one retry included.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }
}

impl TryFrom<Wire> for Limits {
    type Error = LimitError;
    fn try_from(w: Wire) -> Result<Self, LimitError> {
        Self::new(w.fuel, w.memory_mib, w.seconds)
    }
}

impl From<Limits> for Wire {
    fn from(l: Limits) -> Self {
        Self { fuel: l.fuel, memory_mib: l.memory_mib, seconds: l.seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_nothing_or_of_everything_is_refused() {
        assert!(Limits::new(0, 1, 1).is_err() && Limits::new(u64::MAX, 1, 1).is_err());
        assert!(Limits::new(1, 0, 1).is_err() && Limits::new(1, 4097, 1).is_err());
        assert!(Limits::new(1, 1, 0).is_err() && Limits::new(1, 1, 3601).is_err());
        assert!(Limits::new(1, 1, 1).is_ok());
    }

    #[test]
    fn fuel_that_may_outlast_the_time_box_is_refused_with_the_seconds_it_needs() {
        assert!(Limits::new(250_000_000, 1, 1).is_ok());
        let error = Limits::new(250_000_001, 1, 1).unwrap_err().to_string();
        assert!(error.contains("write `seconds = 2` or more"), "{error}");
        assert!(Limits::new(250_000_001, 1, 2).is_ok());
        assert!(Limits::new(900_000_000_000, 1, 3600).is_ok());
        assert!(Limits::new(250_000_000, 64, 1).is_ok() && Limits::new(250_000_000, 65, 1).is_err());
        assert!(Limits::new(250_000_000, 65, 2).is_ok());
    }

    #[test]
    fn memory_that_may_outlast_the_time_box_is_refused_with_the_seconds_it_needs() {
        assert!(Limits::new(1, 1024, 1).is_ok() && Limits::new(1, 4096, 4).is_ok());
        let error = Limits::new(1, 1025, 1).unwrap_err().to_string();
        assert!(error.contains("write `seconds = 2` or more"), "{error}");
    }
}
