use crate::Decimal;
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

/// A privacy cost rho in units of 2^-40: an integer, so that it only ever adds (PRIVACY.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
pub struct RhoUnits(pub u64);

/// A privacy cost delta in units of 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
pub struct DeltaUnits(pub u64);

/// What a job costs: reserved whole before any patient is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Charge {
    /// The part of rho that the cohort gate draws.
    pub gate_rho: RhoUnits,
    /// The part of rho that the outputs draw, all rounds together.
    pub block_rho: RhoUnits,
    /// The delta that the gate draws.
    pub delta: DeltaUnits,
}

impl RhoUnits {
    /// A cap: the largest number of units that is not above `rho`.
    #[must_use]
    pub fn floor(rho: &Decimal) -> Self {
        let (n, d) = rho.ratio();
        #[allow(
            clippy::arithmetic_side_effects,
            reason = "big integers do not overflow; a denominator is >= 1"
        )]
        let units: BigUint = (n << 40_u32) / d;
        Self(u64::try_from(units).unwrap_or(u64::MAX))
    }

    /// The sum, or `None` where it would not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// For display.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "shown, never charged")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1_099_511_627_776.0
    }
}

impl DeltaUnits {
    /// `delta` in units: exact, since a decimal holds at most 18 places.
    #[must_use]
    pub fn of(delta: &Decimal) -> Self {
        let (n, d) = delta.ratio();
        #[allow(
            clippy::arithmetic_side_effects,
            reason = "big integers do not overflow; a denominator is >= 1"
        )]
        let units: BigUint = n * BigUint::from(1_000_000_000_000_000_000_u64) / d;
        Self(u64::try_from(units).unwrap_or(u64::MAX))
    }

    /// The sum, or `None` where it would not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// For display.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "shown, never charged")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e18
    }
}

impl Charge {
    /// Gate and outputs together, or `None` where it would not fit.
    #[must_use]
    pub fn rho(&self) -> Option<RhoUnits> {
        self.gate_rho.checked_add(self.block_rho)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_rounded_down_and_a_delta_is_exact() {
        assert_eq!(RhoUnits::floor(&"0.5".parse().unwrap()), RhoUnits(1 << 39));
        assert_eq!(RhoUnits::floor(&"0.1".parse().unwrap()), RhoUnits(109_951_162_777));
        assert_eq!(DeltaUnits::of(&"1e-8".parse().unwrap()), DeltaUnits(10_000_000_000));
        assert_eq!(RhoUnits(u64::MAX).checked_add(RhoUnits(1)), None);
    }
}
