//! Chi-squared and Clopper-Pearson.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::beta::beta_reg;

/// Probability that a chi-squared variable with `freedom` degrees of freedom is at least `chi2`.
pub(crate) fn chi2_tail(chi2: f64, freedom: usize) -> f64 {
    ChiSquared::new(freedom as f64).unwrap().sf(chi2)
}

/// Clopper-Pearson's upper limit of the probability behind `hits` of `n`, one-sided, at confidence `1 - alpha`: the p at which
/// so few hits have probability alpha. `P(Bin(n, p) <= hits) = 1 - I_p(hits + 1, n - hits)`.
pub(crate) fn upper(hits: usize, n: usize, alpha: f64) -> f64 {
    if hits >= n {
        return 1.0;
    }
    let (a, b) = (hits as f64 + 1.0, (n - hits) as f64);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let p = low.midpoint(high);
        if 1.0 - beta_reg(a, b, p) > alpha { low = p } else { high = p }
    }
    high
}

#[test]
fn the_limits_of_clopper_and_pearson_are_those_of_r() {
    // R 4.5: binom.test(x, n, alternative = "less", conf.level = 0.95)$conf.int[2]; 0 of 10 is 1 - 0.05^(1/10).
    for (hits, n, limit) in [(0, 10, 0.258_866), (5, 10, 0.777_559), (10, 10, 1.0), (0, 3, 0.631_597)] {
        assert!((upper(hits, n, 0.05) - limit).abs() < 1e-6, "{hits} of {n}: {}", upper(hits, n, 0.05));
    }
}
