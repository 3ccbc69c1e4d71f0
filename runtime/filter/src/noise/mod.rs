//! Step 8: exact discrete Gaussian noise (Canonne, Kamath, Steinke 2020), from one stream a release.
//!
//! prio's sampler draws it; for vectors of more than [`LONG`] coordinates a sampler of this crate does, whose numbers fit 128
//! bits. Both are exact, and `tests/statistics` holds each against the distribution, against one another and against opendp.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

mod own;
mod prio;

use chacha20::ChaCha20Rng;
use rand::{CryptoRng, SeedableRng};
use zeroize::Zeroizing;

/// Coordinates of a vector up to which prio's sampler draws (PRIVACY.md asks for no other where speed does not).
const LONG: usize = 10_000;

/// Draws from the discrete Gaussian on the integers. Two implementors: [`GaussianNoise`], and the testkit's without noise.
///
/// [`crate::release`] takes a generator and not this trait, so nothing released was drawn by any other source.
pub trait NoiseSource {
    /// One draw with standard deviation `sigma`.
    fn draw(&mut self, sigma: u64) -> i128;

    /// Adds an independent draw with standard deviation `sigma` to each coordinate of one vector.
    fn add_to(&mut self, vector: &mut [i128], sigma: u64) {
        for sum in vector {
            *sum = sum.saturating_add(self.draw(sigma));
        }
    }
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
        prio::draw(sigma, &mut self.0)
    }

    // The manifest decides the length and the sigma, so which sampler draws depends on no patient.
    fn add_to(&mut self, vector: &mut [i128], sigma: u64) {
        let own = (vector.len() > LONG).then(|| own::Gaussian::new(sigma)).flatten();
        for sum in vector {
            let noise = match own {
                Some(own) => own.draw(&mut self.0),
                None => prio::draw(sigma, &mut self.0),
            };
            *sum = sum.saturating_add(noise);
        }
    }
}

impl std::fmt::Debug for GaussianNoise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GaussianNoise(..)")
    }
}

/// The same draw each time, for tests of what is done with it.
#[cfg(test)]
pub(crate) struct Fixed(pub(crate) i128);

#[cfg(test)]
impl NoiseSource for Fixed {
    fn draw(&mut self, _: u64) -> i128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_wiped_when_it_is_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        // A promise of the crate chacha20 that its feature `zeroize` alone gives: without it this does not compile.
        wiped::<ChaCha20Rng>();
    }

    #[test]
    fn a_long_vector_is_drawn_by_the_own_sampler_and_a_short_one_by_prio_s() {
        let stream = || ChaCha20Rng::from_seed([7; 32]);
        let noised = |length| {
            let mut vector = vec![0; length];
            GaussianNoise(stream()).add_to(&mut vector, 1000);
            vector
        };
        let (mut rng, own) = (stream(), own::Gaussian::new(1000).unwrap());
        assert_eq!(noised(LONG + 1), (0..=LONG).map(|_| own.draw(&mut rng)).collect::<Vec<_>>());
        let mut rng = stream();
        assert_eq!(noised(LONG), (0..LONG).map(|_| prio::draw(1000, &mut rng)).collect::<Vec<_>>());
    }

    #[test]
    fn a_sigma_that_does_not_fit_the_own_sampler_is_drawn_by_prio_s() {
        let sigma = own::LARGEST + 1;
        let mut vector = vec![0; LONG + 1];
        GaussianNoise(ChaCha20Rng::from_seed([7; 32])).add_to(&mut vector, sigma);
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        assert_eq!(vector[0], prio::draw(sigma, &mut rng));
    }
}
