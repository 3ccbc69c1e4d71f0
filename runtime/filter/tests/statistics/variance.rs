//! The variance of the samplers, which rho rests on.

use crate::row::Row;
use crate::{Sampler, trials};

/// The variance of the discrete Gaussian itself: below sigma^2, by less than one part in 10^30 from sigma 4 on (Canonne, Kamath,
/// Steinke 2020, section 2).
fn ratio(sampler: Sampler, sigma: u64, n: usize) -> f64 {
    let draws = sampler.draws(sigma, n, sigma + 7);
    let squares: f64 = draws.iter().map(|x| (*x as f64 / sigma as f64).powi(2)).sum();
    squares / n as f64
}

#[test]
fn the_variance_is_the_one_that_rho_rests_on() {
    let n = trials(40_000, 1_000_000);
    // 3.5 standard errors: 0.5 % at 1e6 draws.
    let bar = 3.5 * (2.0 / n as f64).sqrt();
    for sampler in Sampler::BOTH {
        let off = [4, 2560, 1 << 20].map(|sigma| (ratio(sampler, sigma, n) - 1.0).abs());
        let worst = off.iter().copied().fold(0.0, f64::max);
        Row {
            name: format!("sampler, variance: {}", sampler.word()),
            tries: format!("{n} draws at each of sigma 4, 2560, 2^20"),
            bound: format!("within {:.2} % of sigma^2", bar * 100.0),
            measured: format!("{:.2} %", worst * 100.0),
            noise_off: "sigma / 1.25 is 36 % off".to_owned(),
            value: worst,
            unit: "of sigma^2, the worst of 3",
            against: "",
            bar,
            op: "<=",
        }
        .hold();
    }
}
