//! The sampler of the crate prio, on integers of any size.

use ::prio::dp::Rational;
use ::prio::dp::distributions::DiscreteGaussian;
use rand::Rng;
use rand::distr::Distribution;

// Unreachable (the denominator is 1). It closes a gate and drowns a sum, so that a mistake here can only withhold.
const SATURATED: i128 = i128::MIN;

/// One draw with standard deviation `sigma`.
pub(super) fn draw(sigma: u64, rng: &mut impl Rng) -> i128 {
    let gaussian = Rational::from_unsigned(sigma, 1).and_then(DiscreteGaussian::new);
    let Ok(gaussian) = gaussian else {
        return SATURATED;
    };
    // A draw beyond 127 bits has a probability below exp(-2^100): no plan has a sigma over 2^59.
    i128::try_from(gaussian.sample(rng)).unwrap_or(SATURATED)
}
