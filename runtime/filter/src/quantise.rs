//! Steps 4 and 5: a guest's reals become clipped integers. NaN payloads, -0.0 and infinities end here.

use crate::integer::ceil_sqrt;

/// `value` clamped to `lower..=upper`, centred, in units of `2^-grid_bits`, rounded half to even; `None` if not finite.
pub(crate) fn quantise(value: f64, lower: f64, upper: f64, centre: f64, grid_bits: u8) -> Option<i64> {
    if !value.is_finite() {
        return None;
    }
    let units = (value.max(lower).min(upper) - centre) * f64::exp2(f64::from(grid_bits));
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
    let one = f64::exp2(f64::from(bits));
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

/// Shortens `q` to an L2 norm of at most `s`, in integers alone: step 5 to the letter.
///
/// Where the sum of squares does not fit 128 bits all of `q` becomes 0. Admission (d * S_inf^2 <= 2^126) makes that
/// unreachable; the norm holds even so.
pub(crate) fn clip(q: &mut [i64], s: u64) {
    let Some(norm2) = norm2(q) else { return q.fill(0) };
    let s = u128::from(s);
    // Where S^2 does not fit, it is over any norm that does.
    if s.checked_mul(s).is_none_or(|bound| norm2 <= bound) {
        return;
    }
    let root = ceil_sqrt(norm2);
    for value in q {
        *value = shortened(*value, s, root);
    }
}

fn shortened(value: i64, s: u128, root: u128) -> i64 {
    // |value| <= 2^63 and s < 2^64: the product fits. root is at least |value|, so the quotient is at most s and |value|.
    let size = u128::from(value.unsigned_abs()).saturating_mul(s).checked_div(root).unwrap_or(0);
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if value < 0 { size.saturating_neg() } else { size }
}

/// The sum of squares, or `None` where it would not fit.
pub(crate) fn norm2(q: &[i64]) -> Option<u128> {
    q.iter().try_fold(0_u128, |sum, value| {
        let size = u128::from(value.unsigned_abs());
        sum.checked_add(size.checked_mul(size)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extreme() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            Just(i64::MIN),
            Just(i64::MAX),
            Just(0),
            -3_i64..=3,
            any::<i32>().prop_map(i64::from)
        ]
    }

    proptest! {
        #[test]
        fn no_patient_has_a_norm_over_the_sensitivity(
            mut q in prop::collection::vec(extreme(), 0..12),
            s in prop_oneof![1_u64..=4, 1_u64..=1 << 20, 1_u64..=1 << 61],
        ) {
            clip(&mut q, s);
            prop_assert!(norm2(&q).unwrap() <= u128::from(s) * u128::from(s));
        }

        #[test]
        fn what_is_short_enough_is_left_alone(q in prop::collection::vec(-100_i64..=100, 1..8)) {
            let mut clipped = q.clone();
            clip(&mut clipped, 283);
            prop_assert_eq!(clipped, q);
        }

        #[test]
        fn clipping_keeps_signs_and_never_lengthens(q in prop::collection::vec(extreme(), 1..4), s in 1_u64..1 << 40) {
            let mut clipped = q.clone();
            clip(&mut clipped, s);
            for (after, before) in clipped.iter().zip(&q) {
                prop_assert!(after.unsigned_abs() <= before.unsigned_abs() && after.signum() * before.signum() >= 0);
            }
        }

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

    #[test]
    fn a_million_minus_a_clipped_direction_is_exact() {
        let mut q = [3_000_000, -4_000_000];
        clip(&mut q, 5);
        assert_eq!(q, [3, -4]);
    }
}
