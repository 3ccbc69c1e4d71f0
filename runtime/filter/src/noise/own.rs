//! The same sampler on integers of 128 bits: algorithms 1 to 3 of Canonne, Kamath and Steinke, "The Discrete Gaussian for
//! Differential Privacy" (2020), for a whole sigma. Every probability is a ratio of two integers, met exactly by comparing a
//! uniform integer; there is no floating point and no table.

use rand::Rng;

/// Largest sigma whose numbers fit: `2 sigma^2 t^2` has 107 bits then.
pub(super) const LARGEST: u64 = 1 << 26;

/// The discrete Gaussian with mean 0 and standard deviation parameter `sigma`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaussian {
    sigma2: u128,
    /// Scale of the discrete Laplace distribution that is rejected from: `floor(sigma) + 1`.
    t: u128,
    /// `2 sigma^2 t^2`.
    denominator: u128,
}

impl Gaussian {
    /// `None` for a sigma of 0 or over [`LARGEST`].
    pub(super) fn new(sigma: u64) -> Option<Self> {
        let sigma = Some(sigma).filter(|sigma| (1..=LARGEST).contains(sigma)).map(u128::from)?;
        let (sigma2, t) = (sigma.checked_pow(2)?, sigma.checked_add(1)?);
        let denominator = t.checked_pow(2)?.checked_mul(sigma2)?.checked_mul(2)?;
        Some(Self { sigma2, t, denominator })
    }

    /// One draw (algorithm 3): a discrete Laplace draw y, kept with probability
    /// `exp(-(|y| - sigma^2 / t)^2 / (2 sigma^2)) = exp(-(|y| t - sigma^2)^2 / (2 sigma^2 t^2))`.
    pub(super) fn draw(self, rng: &mut impl Rng) -> i128 {
        loop {
            let y = laplace(self.t, rng);
            // Where the square does not fit, |y| is over 2^11 t, which has a probability below exp(-2000); the draw would then be
            // kept with one below exp(-2^20). It is never kept: every other probability is exact.
            let kept = self.numerator(y).is_some_and(|n| bernoulli_exp(n, self.denominator, rng));
            if kept {
                return y;
            }
        }
    }

    fn numerator(self, y: i128) -> Option<u128> {
        y.unsigned_abs().checked_mul(self.t)?.abs_diff(self.sigma2).checked_pow(2)
    }
}

/// The discrete Laplace distribution of scale `t` (algorithm 2).
fn laplace(t: u128, rng: &mut impl Rng) -> i128 {
    loop {
        let u = below(t, rng);
        if !bernoulli_exp1(u, t, rng) {
            continue;
        }
        let mut size = u;
        while bernoulli_exp1(1, 1, rng) {
            size = size.saturating_add(t);
        }
        let negative = below(2, rng) == 1;
        // 0 has one sign: half of the draws that end here are thrown away.
        if !(negative && size == 0) {
            let size = i128::try_from(size).unwrap_or(i128::MAX);
            return if negative { size.saturating_neg() } else { size };
        }
    }
}

/// True with probability `exp(-n / d)` (algorithm 1).
fn bernoulli_exp(n: u128, d: u128, rng: &mut impl Rng) -> bool {
    let (whole, rest) = (n.checked_div(d).unwrap_or(u128::MAX), n.checked_rem(d).unwrap_or(0));
    // Ends after 1.6 rounds on average, however large `whole` is.
    let mut left = whole;
    while left > 0 {
        if !bernoulli_exp1(1, 1, rng) {
            return false;
        }
        left = left.saturating_sub(1);
    }
    bernoulli_exp1(rest, d, rng)
}

/// True with probability `exp(-n / d)` for `n <= d`: the first k at which a coin of probability `n / (d k)` fails is odd.
fn bernoulli_exp1(n: u128, d: u128, rng: &mut impl Rng) -> bool {
    let mut k: u128 = 1;
    // Two coins, n / d and 1 / k, so that the product d k need not fit.
    while below(d, rng) < n && below(k, rng) == 0 {
        k = k.saturating_add(1);
    }
    k & 1 == 1
}

/// Uniform on `0..n`: as many random bits as `n - 1` has, thrown away until they are below `n`.
fn below(n: u128, rng: &mut impl Rng) -> u128 {
    let unused = n.saturating_sub(1).leading_zeros();
    if unused == u128::BITS {
        return 0;
    }
    loop {
        let bits = if unused >= 64 { u128::from(rng.next_u64()) } else { wide(rng) };
        let value = bits & (u128::MAX >> unused);
        if value < n {
            return value;
        }
    }
}

fn wide(rng: &mut impl Rng) -> u128 {
    u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chacha20::ChaCha20Rng;
    use rand::SeedableRng;

    fn rng(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }

    /// Share of `trues`, in standard errors from `p`.
    fn off(p: f64, mut toss: impl FnMut() -> bool) -> f64 {
        let (n, mut trues) = (200_000_f64, 0.0);
        for _ in 0..200_000 {
            trues += f64::from(u8::from(toss()));
        }
        (trues / n - p) / (p * (1.0 - p) / n).sqrt()
    }

    #[test]
    fn coins_of_probability_exp_of_a_ratio_are_fair() {
        for (n, d) in [(0_u32, 1_u32), (1, 1), (1, 3), (2, 3), (5, 2), (7, 1), (1, 1000)] {
            let (mut rng, p) = (rng(u64::from(n)), (-f64::from(n) / f64::from(d)).exp());
            let off = off(p, || bernoulli_exp(n.into(), d.into(), &mut rng));
            assert!(n == 0 || off.abs() < 4.0, "exp(-{n}/{d}): {off} standard errors");
            assert!(n > 0 || off.is_nan(), "exp(0) is certain");
        }
    }

    #[test]
    fn whole_numbers_below_a_bound_are_uniform() {
        let mut rng = rng(1);
        for n in [1_u128, 2, 3, 5, 64, 65] {
            let off = off(1.0 / n as f64, || below(n, &mut rng) == 0);
            assert!(n == 1 || off.abs() < 4.0, "{n}: {off} standard errors");
        }
        let n = (1_u128 << 105) + 1;
        assert!((0..1000).all(|_| below(n, &mut rng) < n));
        assert!((0..1000).any(|_| below(n, &mut rng) > n / 2), "the high word is used");
    }

    #[test]
    fn sigmas_whose_numbers_do_not_fit_are_refused() {
        assert!(Gaussian::new(0).is_none() && Gaussian::new(LARGEST + 1).is_none());
        let largest = Gaussian::new(LARGEST).unwrap();
        assert_eq!(largest.denominator, 2 * (1 << 52) * ((1 << 26) + 1) * ((1 << 26) + 1));
    }

    #[test]
    fn a_draw_whose_square_does_not_fit_is_2048_scales_away_even_at_the_largest_sigma() {
        let largest = Gaussian::new(LARGEST).unwrap();
        let far = i128::try_from(largest.t * 2048).unwrap();
        assert!(largest.numerator(far).is_some() && largest.numerator(-far).is_some());
        assert_eq!(largest.numerator(i128::MIN), None);
    }
}
