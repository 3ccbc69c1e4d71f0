//! Step 5: no patient is longer than the sensitivity. Integers alone.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

use crate::integer::ceil_sqrt;

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
    }

    #[test]
    fn a_million_minus_a_clipped_direction_is_exact() {
        let mut q = [3_000_000, -4_000_000];
        clip(&mut q, 5);
        assert_eq!(q, [3, -4]);
    }
}
