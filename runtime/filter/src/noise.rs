//! Step 8: exact discrete Gaussian noise (Canonne, Kamath, Steinke 2020; the sampler is prio's).

use chacha20::ChaCha20Rng;
use prio::dp::Rational;
use prio::dp::distributions::DiscreteGaussian;
use rand::distr::Distribution;
use rand::{CryptoRng, SeedableRng};
use zeroize::Zeroizing;

/// Draws from the discrete Gaussian on the integers. Two implementors: [`GaussianNoise`], and the testkit's without noise.
///
/// [`crate::release`] takes a generator and not this trait, so nothing released was drawn by any other source.
pub trait NoiseSource {
    /// One draw with standard deviation `sigma`.
    fn draw(&mut self, sigma: u64) -> i128;
}

/// One ChaCha20 stream, seeded once from the caller's generator. Seed and state are wiped when it is dropped.
pub struct GaussianNoise(ChaCha20Rng);

impl GaussianNoise {
    /// Takes 32 bytes from `rng` as the seed of a stream of its own.
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new(<ChaCha20Rng as SeedableRng>::Seed::default());
        rng.fill_bytes(seed.as_mut_slice());
        Self(ChaCha20Rng::from_seed(*seed))
    }
}

impl NoiseSource for GaussianNoise {
    fn draw(&mut self, sigma: u64) -> i128 {
        let Ok(std) = Rational::from_unsigned(sigma, 1) else {
            return SATURATED;
        };
        let Ok(gaussian) = DiscreteGaussian::new(std) else {
            return SATURATED;
        };
        // A draw beyond 127 bits has a probability below exp(-2^100): no plan has a sigma over 2^59.
        i128::try_from(gaussian.sample(&mut self.0)).unwrap_or(SATURATED)
    }
}

// Unreachable (the denominator is 1). It closes a gate and drowns a sum, so that a mistake here can only withhold.
const SATURATED: i128 = i128::MIN;

impl std::fmt::Debug for GaussianNoise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GaussianNoise(..)")
    }
}
