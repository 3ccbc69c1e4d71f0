//! Step 7: the cohort gate.

use crate::noise::NoiseSource;

/// The gate of one plan: all of it from the manifest and the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gate {
    /// The least number of patients that may open it.
    pub(crate) k: u32,
    /// Standard deviation of its noise, in patients.
    pub(crate) sigma: u64,
    /// How far above k the noisy number must lie.
    pub(crate) margin: i128,
}

/// What the one draw of a job's gate said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Closed,
    /// Open, with the noisy number of patients from the same draw.
    Open(i128),
}

impl Gate {
    /// Draws once. It never opens below k, whatever the noise; with `exact` it opens from k patients on.
    pub(crate) fn decide(&self, patients: u64, noise: &mut dyn NoiseSource, exact: bool) -> Verdict {
        let below = i128::from(self.k).saturating_sub(1);
        let above = i128::from(patients).saturating_sub(below).max(0);
        // Drawn before any test on the data, so that 0, 1 and k - 1 patients cost the same draw.
        let noisy = above.saturating_add(noise.draw(self.sigma));
        let margin = if exact { 0 } else { self.margin };
        if above > 0 && noisy > margin { Verdict::Open(noisy.saturating_add(below)) } else { Verdict::Closed }
    }

    /// The probability with which `patients` open it, by the normal distribution with the half that makes it fit integers.
    pub(crate) fn chance(&self, patients: u64) -> f64 {
        let above = patients.saturating_sub(u64::from(self.k).saturating_sub(1));
        if above == 0 {
            return 0.0;
        }
        let missing = self.margin as f64 + 0.5 - above as f64;
        0.5 * libm::erfc(missing / (self.sigma as f64 * std::f64::consts::SQRT_2))
    }

    /// The smallest number of patients that open it with probability `p`, for `p` below 1.
    pub(crate) fn opens_at(&self, p: f64) -> u64 {
        let margin = u64::try_from(self.margin).unwrap_or(u64::MAX);
        let most = self.sigma.saturating_mul(40).saturating_add(margin).saturating_add(self.k.into());
        let (mut low, mut high) = (0, most);
        while low < high {
            let middle = low.midpoint(high);
            if self.chance(middle) >= p { high = middle } else { low = middle.saturating_add(1) }
        }
        high
    }
}

/// `c = ceil(s * PhiInv(1 - delta)) + 1`, where the 1 covers the discrete tail.
///
/// The smallest whole number of patients whose upper tail is at most delta, found by search on `erfc`, which is accurate
/// in the tail where `PhiInv` of a number next to 1 is not. delta is lowered by 1e-9 of itself, far above erfc's error.
pub(crate) fn margin(sigma: u64, delta: f64) -> i128 {
    let spread = sigma as f64 * std::f64::consts::SQRT_2;
    let enough = |c: u64| 0.5 * libm::erfc(c as f64 / spread) <= delta * (1.0 - 1e-9);
    // At 40 sigma the tail is 0 in f64, so the search always ends.
    let (mut low, mut high) = (0_u64, sigma.saturating_mul(40));
    while low < high {
        let middle = low.midpoint(high);
        if enough(middle) { high = middle } else { low = middle.saturating_add(1) }
    }
    i128::from(high).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Fixed;
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    fn gate() -> Gate {
        Gate { k: 10, sigma: 5, margin: margin(5, 1e-8) }
    }

    #[test]
    fn the_margin_is_the_one_of_the_specification() {
        let normal = Normal::standard();
        for (sigma, delta) in [(5_u32, 1e-8), (4, 1e-8), (7, 1e-12), (100, 1e-9), (5, 1e-7)] {
            let c = (f64::from(sigma) * -normal.inverse_cdf(delta)).ceil() + 1.0;
            assert_eq!(margin(sigma.into(), delta) as f64, c, "sigma {sigma}, delta {delta}");
        }
        assert_eq!(gate().margin, 30);
    }

    proptest! {
        #[test]
        fn below_k_the_gate_stays_shut_whatever_the_noise(n in 0_u64..10, noise in any::<i128>(), exact: bool) {
            prop_assert_eq!(gate().decide(n, &mut Fixed(noise), exact), Verdict::Closed);
        }
    }

    #[test]
    fn the_gate_opens_one_above_its_margin() {
        let decide = |n, noise| gate().decide(n, &mut Fixed(noise), false);
        assert_eq!(decide(39, 0), Verdict::Closed, "n' = 30 is not above c = 30");
        assert_eq!(decide(40, 0), Verdict::Open(40));
        assert_eq!(decide(40, -1), Verdict::Closed);
        assert_eq!(decide(10, 30), Verdict::Open(40));
    }

    #[test]
    fn the_specification_s_51_patients_open_it_with_98_percent() {
        // PRIVACY.md section 4. 48 open it with 95 %: (39 - 30.5) / 5 = 1.7 sigma, and one fewer is 1.5.
        assert!(gate().chance(51) >= 0.98 && gate().chance(9) <= 0.0);
        assert_eq!((gate().opens_at(0.95), gate().opens_at(0.0)), (48, 0));
        assert!(gate().chance(48) >= 0.95 && gate().chance(47) < 0.95);
    }

    #[test]
    fn without_noise_the_gate_opens_from_k_patients_on() {
        assert_eq!(gate().decide(10, &mut Fixed(0), true), Verdict::Open(10));
    }
}
