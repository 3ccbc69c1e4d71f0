//! Feasibility counts: one noised number of patients, without a guest and without a gate.
//!
//! One patient moves the number by at most one, so S is one patient. Its budget is a pool of its own (PRIVACY.md section 4).

use crate::block::{CELL_ONE, Price};
use crate::integer::sigma;
use crate::interval::{Estimate, linear};
use crate::noise::{GaussianNoise, NoiseSource};
use rand::CryptoRng;
use serde::Serialize;
use trocar_terms::{Decimal, RhoUnits};

/// What a count may cost, and the noise that this buys: from the policy alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountPlan {
    sigma: u64,
    price: Price,
    k: u32,
}

/// A noised number of patients. Made by [`CountPlan::draw`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Count {
    /// As drawn: it may lie below zero.
    pub value: f64,
    /// Standard deviation of the noise.
    pub sd: f64,
    /// Lower end of the 95 % interval for the noise.
    pub low95: f64,
    /// Upper end of it.
    pub high95: f64,
    /// Whether a page shows it: false where it is below k.
    pub shown: bool,
}

impl CountPlan {
    /// The noise for a count at `rho`, of which fewer than `k` patients are not shown; `None` where rho is 0 or too small.
    #[must_use]
    pub fn admit(rho: &Decimal, k: u32) -> Option<Self> {
        let sigma = sigma(CELL_ONE, rho).filter(|sigma| *sigma <= 1 << 32)?;
        Some(Self { sigma, price: Price::of(CELL_ONE, sigma)?, k })
    }

    /// What the ledger reserves before any record is looked at.
    #[must_use]
    pub const fn charge(&self) -> RhoUnits {
        self.price.units
    }

    /// Draws once. `rng` is the operating system's.
    pub fn draw(&self, patients: u64, rng: &mut impl CryptoRng) -> Count {
        self.noised(patients, &mut GaussianNoise::new(rng))
    }

    fn noised(&self, patients: u64, noise: &mut dyn NoiseSource) -> Count {
        let units = i128::from(patients).saturating_mul(i128::from(CELL_ONE));
        let one = CELL_ONE as f64;
        let noisy = units.saturating_add(noise.draw(self.sigma)) as f64 / one;
        let Estimate { value, sd, low95, high95 } = linear(noisy, self.sigma as f64 / one, 1.0 / one);
        Count { value, sd, low95, high95, shown: value >= f64::from(self.k) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Fixed;

    fn plan(rho: &str) -> CountPlan {
        CountPlan::admit(&rho.parse().unwrap(), 10).unwrap()
    }

    #[test]
    fn a_count_costs_at_most_its_rho_and_has_the_noise_that_the_specification_promises() {
        let plan = plan("0.001");
        assert!(plan.charge() <= RhoUnits::floor(&"0.001".parse().unwrap()));
        let count = plan.noised(200, &mut Fixed(0));
        let sd = 1.0 / (2.0_f64 * 0.001).sqrt();
        assert!((count.sd / sd - 1.0).abs() < 1e-3, "{} is not 1/sqrt(2 rho) = {sd}", count.sd);
        assert_eq!(count.value, 200.0);
        assert!((count.high95 - 200.0 - 1.96 * sd).abs() < 0.1 && count.low95 < 200.0);
    }

    #[test]
    fn fewer_than_k_by_the_noisy_number_are_not_shown() {
        let plan = plan("0.001");
        let shown = |patients, noise| plan.noised(patients, &mut Fixed(noise)).shown;
        assert!(shown(10, 0) && !shown(10, -1), "k itself");
        assert!(shown(0, 2560) && !shown(500, -500 * 256), "it goes by the true number");
    }

    #[test]
    fn a_rho_that_no_noise_can_hold_is_refused() {
        for rho in ["0", "1e-18"] {
            assert_eq!(CountPlan::admit(&rho.parse().unwrap(), 10), None);
        }
    }

    #[test]
    fn the_noise_is_drawn_anew_each_time_and_has_its_spread() {
        let (plan, mut rng) = (plan("0.001"), rand::rand_core::UnwrapErr(rand::rngs::SysRng));
        let draws: Vec<f64> = (0..2_000).map(|_| plan.draw(1_000, &mut rng).value - 1_000.0).collect();
        let (mean, square) =
            (draws.iter().sum::<f64>() / 2_000.0, draws.iter().map(|d| d * d).sum::<f64>() / 2_000.0);
        // Five standard errors.
        assert!(mean.abs() < 2.5 && (square / 500.0 - 1.0).abs() < 0.16, "mean {mean}, variance {square}");
    }
}
