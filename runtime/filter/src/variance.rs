//! The variance of a value, from the noised sums of `(u, u^2 - 1/2, 1)`, u the value scaled to [-1, 1].
//!
//! It is that of the patients who have a value, divided by their number: a description of them, as the mean is, and not
//! an estimate for others.

use crate::interval::{Estimate, fieller};

/// The variance of u; `None` where the number of patients does not differ from 0 by more than its noise.
///
/// For any fixed t, q(t) = mean of (u - t)^2 is a ratio of two linear forms, for which Fieller's interval is exact, and the
/// variance is q(mean) = q(t) - (mean - t)^2. With t the noisy mean the last term is at most the square of that mean's
/// own interval, by which the lower end is lowered.
pub(crate) fn variance([a, b, c]: [f64; 3], sigma: f64) -> Option<Estimate> {
    let v = sigma * sigma;
    let mean = fieller(a, c, [v, 0.0, v])?;
    let t = mean.value;
    let weight = t * t + 0.5;
    let q = b - 2.0 * t * a + weight * c;
    let estimate = fieller(q, c, [v * (1.0 + 4.0 * t * t + weight * weight), v * weight, v])?;
    let off = (mean.high95 - t).max(t - mean.low95);
    Some(estimate.widened(off * off, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_noise_it_is_the_variance() {
        let u = [-0.5, 0.25, 0.75, 1.0];
        let (n, sum, squares) = (4.0, 1.5, 0.25 + 0.0625 + 0.5625 + 1.0);
        let e = variance([sum, squares - n / 2.0, n], 0.0).unwrap();
        let mean = sum / n;
        let want = u.iter().map(|x: &f64| (x - mean).powi(2)).sum::<f64>() / n;
        assert!((e.value - want).abs() < 1e-15 && (e.low95 - want).abs() < 1e-7, "{e:?}");
    }

    #[test]
    fn of_hardly_anybody_it_is_not_known() {
        assert_eq!(variance([1.0, 1.0, 9.0], 5.0), None);
    }
}
