//! What the claims about noise rest on, measured: the samplers against their distribution and against other samplers, and whole
//! releases against the privacy that they state.
//!
//! Seeds are fixed, so a run says the same every time. `TROCAR_ATTACK=long` (`cargo xtask attack`) takes as many trials as the
//! specification asks for and says so in rows; without it the trials are those of a test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of draws and cells")]

mod audit;
mod bounds;
mod fit;

mod row;
mod variance;

use chacha20::ChaCha20Rng;
use rand::SeedableRng;
use trocar_filter::{GaussianNoise, NoiseSource};

/// Which sampler draws: the length of the vector decides, so each is reached as a release reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampler {
    Prio,
    Own,
}

/// Vectors of this length are drawn by the own sampler.
const LONG: usize = 20_000;

impl Sampler {
    const BOTH: [Self; 2] = [Self::Prio, Self::Own];

    fn word(self) -> &'static str {
        match self {
            Self::Prio => "prio 0.18",
            Self::Own => "own, for vectors over 10,000 long",
        }
    }

    /// `n` draws from one stream.
    fn draws(self, sigma: u64, n: usize, seed: u64) -> Vec<i128> {
        let mut noise = GaussianNoise::new(&mut ChaCha20Rng::seed_from_u64(seed));
        let vector = if self == Self::Own { LONG } else { 1 };
        let mut all = vec![0; n.next_multiple_of(vector)];
        all.chunks_exact_mut(vector).for_each(|vector| noise.add_to(vector, sigma));
        all.truncate(n);
        all
    }
}

/// Trials of a test, or of the long run.
fn trials(test: usize, long: usize) -> usize {
    if row::long() { long } else { test }
}
