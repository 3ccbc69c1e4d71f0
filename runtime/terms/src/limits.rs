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
#[error("{0}")]
pub struct LimitError(&'static str);

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
    /// Fuel outside 1..=10^13, memory outside 1..=4096 or seconds outside 1..=3600.
    pub const fn new(fuel: u64, memory_mib: u32, seconds: u32) -> Result<Self, LimitError> {
        if fuel == 0 || fuel > 10_000_000_000_000 {
            return Err(LimitError("fuel is 1 to 10_000_000_000_000"));
        }
        if memory_mib == 0 || memory_mib > 4096 {
            return Err(LimitError("memory_mib is 1 to 4096"));
        }
        if seconds == 0 || seconds > 3600 {
            return Err(LimitError("seconds is 1 to 3600"));
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
}
