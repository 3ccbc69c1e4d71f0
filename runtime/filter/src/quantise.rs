//! Step 4: a guest's reals become integers. NaN payloads, -0.0 and infinities end here.

use crate::digits::power_of_two;

/// `value` clamped to `lower..=upper`, centred, in units of `2^-grid_bits`, rounded half to even; `None` if not finite.
pub(crate) fn quantise(value: f64, lower: f64, upper: f64, centre: f64, grid_bits: u8) -> Option<i64> {
    if !value.is_finite() {
        return None;
    }
    let units = (value.max(lower).min(upper) - centre) * power_of_two(grid_bits);
    #[allow(clippy::cast_possible_truncation, reason = "rounded first; the cast saturates, as step 4 asks")]
    Some(units.round_ties_even() as i64)
}

/// `value` clamped to `lower..=upper` and scaled to [-1, 1], in units of `2^-bits`, rounded half to even; `None` if not
/// finite.
pub(crate) fn scaled(value: f64, lower: f64, upper: f64, bits: u8) -> Option<i64> {
    if !value.is_finite() {
        return None;
    }
    // Halved first: the width of a range of finite numbers need not be finite.
    let (centre, half) = (lower.midpoint(upper), upper / 2.0 - lower / 2.0);
    let one = power_of_two(bits);
    let units = (value.max(lower).min(upper) - centre) / half * one;
    // The quotient may lie above 1 by its rounding.
    #[allow(clippy::cast_possible_truncation, reason = "rounded first; within one unit of [-1, 1]")]
    Some(units.clamp(-one, one).round_ties_even() as i64)
}

/// The bin that holds `value`, lower edge included; beyond the edges the first or the last. `None` if not finite.
pub(crate) fn bin(value: f64, edges: &[f64]) -> Option<usize> {
    let last = edges.len().checked_sub(2)?;
    let below = edges.partition_point(|edge| *edge <= value);
    value.is_finite().then(|| below.saturating_sub(1).min(last))
}

/// `numerator / denominator` rounded half to even, saturating; 0 where the denominator is not above 0.
pub(crate) fn rounded(numerator: i128, denominator: i128) -> i64 {
    let floor = numerator.checked_div_euclid(denominator).unwrap_or(0);
    let rest = numerator.checked_rem_euclid(denominator).unwrap_or(0).saturating_mul(2);
    let up = rest > denominator || (rest == denominator && floor.rem_euclid(2) == 1);
    let whole = floor.saturating_add(i128::from(up && denominator > 0));
    i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bits_give_a_number_inside_the_bounds_or_none(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let q = quantise(value, -1.0, 3.0, 1.0, 10);
            prop_assert_eq!(q.is_some(), value.is_finite());
            prop_assert!(q.is_none_or(|q| (-2048..=2048).contains(&q)));
        }
    }

    proptest! {
        #[test]
        fn any_bits_are_scaled_to_one_or_none(bits in any::<u64>(), width in 1e-300_f64..1e300) {
            let value = f64::from_bits(bits);
            let q = scaled(value, -width, width, 16);
            prop_assert_eq!(q.is_some(), value.is_finite());
            prop_assert!(q.is_none_or(|q| (-65_536..=65_536).contains(&q)));
        }

        #[test]
        fn a_quotient_is_rounded_to_the_nearest_and_halves_to_even(n in -1_000_000_i128..1_000_000, d in 1_i128..2000) {
            let q = i128::from(rounded(n, d));
            let twice = (2 * (n - q * d)).abs();
            prop_assert!(twice < d || (twice == d && q % 2 == 0), "{n} / {d} = {q}");
        }

        #[test]
        fn a_value_falls_into_the_bin_that_holds_it(value in -20.0_f64..20.0) {
            let edges = [-10.0, -1.0, 0.0, 5.0, 10.0];
            let i = bin(value, &edges).unwrap();
            prop_assert!((value >= edges[i] || i == 0) && (value < edges[i + 1] || i == 3));
        }
    }

    #[test]
    fn what_is_not_finite_falls_into_no_bin() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(bin(value, &[0.0, 1.0]), None);
        }
        assert_eq!(
            (bin(0.5, &[0.0]), bin(1.0, &[0.0, 1.0]), bin(-0.0, &[0.0, 1.0])),
            (None, Some(0), Some(0))
        );
        assert_eq!((rounded(5, 0), rounded(i128::MAX, 1), rounded(i128::MIN, 1)), (0, i64::MAX, i64::MIN));
    }

    #[test]
    fn the_ends_of_the_widest_range_are_one() {
        assert_eq!(scaled(f64::MAX, f64::MIN, f64::MAX, 16), Some(65_536));
        assert_eq!(scaled(f64::MIN, f64::MIN, f64::MAX, 16), Some(-65_536));
        assert_eq!(scaled(60.0, 0.0, 120.0, 16), Some(0));
    }

    #[test]
    fn rounding_is_half_to_even() {
        let halves = [0.5, 1.5, 2.5, -0.5, -1.5, -0.0];
        let rounded = halves.map(|x| quantise(x, -4.0, 4.0, 0.0, 0));
        assert_eq!(rounded, [0, 2, 2, 0, -2, 0].map(Some));
    }
}
