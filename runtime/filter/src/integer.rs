//! Exact integer arithmetic of the privacy path: no floating point in this file.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

use num_bigint::BigUint;
use trocar_terms::Decimal;

/// The smallest `r` with `r * r >= n`.
pub(crate) fn ceil_sqrt(n: u128) -> u128 {
    let root = n.isqrt();
    // root^2 <= n < 2^128, and root <= 2^64 - 1: neither operation can overflow.
    if root.saturating_mul(root) == n { root } else { root.saturating_add(1) }
}

/// `ceil(sqrt(s^2 / (2 rho)))`: the sigma that `rho` buys at sensitivity `s`. `None` for rho 0 or a sigma over 64 bits.
#[allow(clippy::arithmetic_side_effects, reason = "big integers do not overflow; the divisor is checked")]
pub(crate) fn sigma(s: u64, rho: &Decimal) -> Option<u64> {
    let (n, d) = rho.ratio();
    if rho.is_zero() {
        return None;
    }
    // For an integer sigma, sigma^2 >= x is the same as sigma^2 >= ceil(x).
    let square = ceil_div(&(BigUint::from(s).pow(2) * d), &(n * 2_u32));
    let root = square.sqrt();
    let sigma = if &root * &root < square { root + 1_u32 } else { root };
    u64::try_from(sigma).ok()
}

/// `ceil(s^2 * scale / (2 sigma^2))`: the cost of noise `sigma` at sensitivity `s`, in units of `1 / scale`.
#[allow(clippy::arithmetic_side_effects, reason = "big integers do not overflow; the divisor is checked")]
pub(crate) fn cost(s: u64, sigma: u64, scale: u64) -> Option<u64> {
    if sigma == 0 {
        return None;
    }
    let cost = ceil_div(&(BigUint::from(s).pow(2) * scale), &(BigUint::from(sigma).pow(2) * 2_u32));
    u64::try_from(cost).ok()
}

/// Whether nothing of a block can overflow: `N_pub * S_inf + 12 sigma <= 2^62` and `d * S_inf^2 <= 2^126` (PRIVACY.md 3.1).
pub(crate) fn sums_fit(coordinates: usize, s_inf: u64, sigma: u64, n_pub: u32) -> bool {
    let (s_inf, noise) = (u128::from(s_inf), u128::from(sigma).saturating_mul(12));
    let sum = s_inf.saturating_mul(u128::from(n_pub)).saturating_add(noise);
    let squares = s_inf.saturating_mul(s_inf).saturating_mul(coordinates as u128);
    sum <= 1 << 62 && squares <= 1 << 126
}

#[allow(clippy::arithmetic_side_effects, reason = "big integers do not overflow; callers pass d > 0")]
fn ceil_div(n: &BigUint, d: &BigUint) -> BigUint {
    let whole = n / d;
    if &whole * d == *n { whole } else { whole + 1_u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ceil_sqrt_is_the_smallest_root_that_covers(n in any::<u128>()) {
            let r = ceil_sqrt(n);
            prop_assert!(r.checked_mul(r).is_none_or(|square| square >= n));
            prop_assert!(r == 0 || (r - 1) * (r - 1) < n);
        }

        #[test]
        fn sigma_is_the_smallest_that_costs_no_more_than_rho(s in 1_u64..1 << 40, millis in 1_u64..1000) {
            let rho: Decimal = format!("{millis}e-4").parse().unwrap();
            let sigma = u128::from(sigma(s, &rho).unwrap());
            let within = |sigma: u128| u128::from(s).pow(2) * 10_000 <= 2 * u128::from(millis) * sigma * sigma;
            prop_assert!(within(sigma) && !within(sigma - 1));
        }
    }

    #[test]
    fn ceil_sqrt_holds_at_the_ends_of_its_range() {
        assert_eq!((ceil_sqrt(0), ceil_sqrt(1), ceil_sqrt(2), ceil_sqrt(4)), (0, 1, 2, 2));
        assert_eq!(ceil_sqrt(u128::MAX), 1 << 64);
    }

    #[test]
    fn the_cost_is_rounded_up() {
        assert_eq!(cost(1, 5, 1 << 40), Some(21_990_232_556), "2^40 / 50 = 21990232555.52");
        assert_eq!(cost(256, 2560, 1000), Some(5));
        assert_eq!((cost(1, 0, 1), sigma(1, &Decimal::ZERO)), (None, None));
    }

    #[test]
    fn sums_fit_up_to_62_bits_and_not_one_more() {
        // 12 * 2^58 + 2^60 = 2^62.
        assert!(sums_fit(1, 1 << 60, 1 << 58, 1));
        assert!(!sums_fit(1, (1 << 60) + 1, 1 << 58, 1));
        assert!(!sums_fit(1, 1 << 60, (1 << 58) + 1, 1));
        assert!(sums_fit(1, 1 << 31, 0, 1 << 31) && !sums_fit(1, 1 << 31, 1, 1 << 31));
        assert!(!sums_fit(1, u64::MAX, u64::MAX, u32::MAX), "nothing wraps");
    }

    #[test]
    fn squares_fit_up_to_126_bits_and_not_one_more() {
        assert!(sums_fit(1 << 30, 1 << 48, 4, 1));
        assert!(!sums_fit((1 << 30) + 1, 1 << 48, 4, 1));
        assert!(!sums_fit(1 << 30, (1 << 48) + 1, 4, 1));
        assert!(!sums_fit(usize::MAX, 1 << 61, 4, 1), "nothing wraps");
    }

    /// tests/opendp pins what opendp 0.16 says of the same noise, rounded up.
    #[test]
    fn a_thousand_charges_are_opendp_s_rounded_up_to_a_unit() {
        let table = include_str!("../../../tests/oracles/opendp_maps.tsv");
        let mut rows = 0;
        for line in table.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [s, sigma, rho] = cells[..] else { panic!("three columns: {line}") };
            let (rho, units): (f64, _) =
                (rho.parse().unwrap(), cost(s.parse().unwrap(), sigma.parse().unwrap(), 1 << 40));
            let ours = units.unwrap() as f64 / (1_u64 << 40) as f64;
            // opendp rounds its rho up to the next double; ours is whole units of 2^-40.
            assert!(
                rho * (1.0 - 1e-15) <= ours && ours <= rho + f64::exp2(-40.0) * (1.0 + 1e-9),
                "{line}: {ours}"
            );
            rows += 1;
        }
        assert_eq!(rows, 1000);
    }
}
