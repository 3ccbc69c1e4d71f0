//! Logistic regression over rounds: what one patient gives to one Newton step.

/// How many numbers [`contribution`] returns for so many predictors: the `length` of the manifest's `vector`.
#[must_use]
pub const fn length(predictors: usize) -> usize {
    let d = predictors + 1;
    d + d * (d + 1) / 2
}

/// What one patient adds to a Newton step at the coefficients `beta`: with z = (1, x) and p = 1 / (1 + exp(-beta'z)), the
/// gradient of her log likelihood, (y - p) z, and then the upper triangle of its negative Hessian, p (1 - p) z z', row by row.
///
/// `beta` is the round's state: the intercept, then one coefficient a predictor; empty in the first round, where all are 0. The
/// host adds the vectors of all patients up, adds noise, and takes the step (`kind = "logistic"` of `[[derived]]`).
///
/// Scale predictors to [-1, 1]: then no vector is longer than sqrt(d + d (d + 1) / 32) for d = predictors + 1, and a `clip` of
/// that never shortens one. A predictor that is not finite, or a state of another length, gives zeros: no contribution.
#[must_use]
pub fn contribution(x: &[f64], y: bool, beta: &[f64]) -> Vec<f64> {
    let z: Vec<f64> = std::iter::once(1.0).chain(x.iter().copied()).collect();
    let fits = beta.is_empty() || beta.len() == z.len();
    let score: f64 = z.iter().zip(beta).map(|(z, b)| z * b).sum();
    if !fits || !score.is_finite() || !z.iter().all(|z| z.is_finite()) {
        return vec![0.0; length(x.len())];
    }
    let p = 1.0 / (1.0 + (-score).exp());
    let left = if y { 1.0 } else { 0.0 } - p;
    let gradient = z.iter().map(|z| left * z);
    let weight = p * (1.0 - p);
    let rows = z.iter().enumerate().flat_map(|(i, a)| z.iter().skip(i).map(move |b| weight * a * b));
    gradient.chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_likelihood(x: &[f64], y: bool, beta: &[f64]) -> f64 {
        let score = beta[0] + x.iter().zip(&beta[1..]).map(|(x, b)| x * b).sum::<f64>();
        let sign = if y { 1.0 } else { -1.0 };
        -(-sign * score).exp().ln_1p()
    }

    /// The derivative by differences of half a step to either side.
    fn slope(f: impl Fn(&[f64]) -> f64, at: &[f64], k: usize) -> f64 {
        let moved = |by: f64| {
            let mut point = at.to_vec();
            point[k] += by;
            f(&point)
        };
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    }

    #[test]
    fn the_vector_is_the_gradient_and_the_negative_hessian_of_the_log_likelihood() {
        let (x, beta) = ([0.5, -0.25], [0.3, -1.2, 0.7]);
        for y in [false, true] {
            let mine = contribution(&x, y, &beta);
            assert_eq!(mine.len(), length(2));
            for (k, entry) in mine.iter().enumerate().take(3) {
                let gradient = slope(|b| log_likelihood(&x, y, b), &beta, k);
                assert!((entry - gradient).abs() < 1e-9, "gradient {k}: {entry} and {gradient}");
            }
            let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
            for ((i, j), entry) in pairs.into_iter().zip(&mine[3..]) {
                let second = slope(|b| contribution(&x, y, b)[i], &beta, j);
                assert!((entry + second).abs() < 1e-9, "H {i} {j}: {entry} and {second}");
            }
        }
    }

    #[test]
    fn the_first_round_starts_at_zero() {
        assert_eq!(contribution(&[0.5], true, &[]), contribution(&[0.5], true, &[0.0, 0.0]));
        assert_eq!(contribution(&[0.5], true, &[]), [0.5, 0.25, 0.25, 0.125, 0.0625]);
    }

    #[test]
    fn what_cannot_be_computed_contributes_nothing() {
        let nothing = vec![0.0; 5];
        for x in [f64::NAN, f64::INFINITY] {
            assert_eq!(contribution(&[x], true, &[1.0, 1.0]), nothing);
        }
        assert_eq!(contribution(&[0.5], true, &[1.0]), nothing, "a state of another length");
        assert_eq!(contribution(&[0.5], true, &[f64::NAN, 1.0]), nothing);
        assert!(contribution(&[0.5], true, &[1e300, 1e300]).iter().all(|x| x.is_finite()));
    }

    #[test]
    fn scaled_predictors_never_reach_beyond_the_stated_length() {
        for y in [false, true] {
            for score in [-50.0, -1.0, 0.0, 1.0, 50.0] {
                let mine = contribution(&[1.0, -1.0], y, &[score, 0.0, 0.0]);
                let norm = mine.iter().map(|v| v * v).sum::<f64>().sqrt();
                assert!(norm <= (3.0_f64 + 12.0 / 32.0).sqrt() + 1e-12, "{norm}");
            }
        }
    }
}
