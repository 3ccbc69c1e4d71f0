//! Reals as they are released: 12 significant digits, one form on every platform, and no digits that the noise has not earned.

/// The powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// `x` rounded to 12 significant digits, as `{x:.11e}` writes it.
pub(crate) fn fixed(x: f64) -> f64 {
    if x == 0.0 {
        // -0.0 would print a sign that means nothing.
        return 0.0;
    }
    quick(x).unwrap_or_else(|| format!("{x:.11e}").parse().unwrap_or(x))
}

/// The same without text, in a fiftieth of the time; `None` where it is not certain to be the same.
fn quick(x: f64) -> Option<f64> {
    let exponent = i32::try_from(x.abs().to_bits() >> 52).ok()?.checked_sub(1023)?;
    // 1233 / 4096 is log10(2): the decade, or one below it.
    let decade = exponent.saturating_mul(1233) >> 12;
    let places = 11_i32.checked_sub(decade)?;
    rounded_at(x, places).or_else(|| rounded_at(x, places.saturating_sub(1)))
}

/// `x` rounded to `places` decimals, if that leaves 12 digits.
fn rounded_at(x: f64, places: i32) -> Option<f64> {
    let power = *POWERS.get(places.unsigned_abs() as usize)?;
    let scaled = if places >= 0 { x * power } else { x / power };
    // One rounding of a number below 2^40 moves it by less than 2^-13: near a half it might go the other way.
    let certain = (scaled.abs().fract() - 0.5).abs() > 1e-3;
    if !(1e11..1e12).contains(&scaled.abs()) || !certain {
        return None;
    }
    // Both are exact, so that their quotient or product is the double next to the decimal number.
    Some(if places >= 0 { scaled.round() / power } else { scaled.round() * power })
}

/// `2^bits`, exact: what `exp2` promises on no platform.
pub(crate) fn power_of_two(bits: u8) -> f64 {
    f64::from_bits(u64::from(bits).saturating_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(x: f64) -> f64 {
        format!("{x:.11e}").parse().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn any_number_is_rounded_as_its_text_is(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assert!(x.is_nan() || fixed(x).total_cmp(&written(x)).is_eq() || x == 0.0, "{x:e}");
        }

        #[test]
        fn sums_of_a_grid_are_rounded_as_their_text_is(units in any::<i64>(), bits in 0_u8..52) {
            let x = units as f64 / power_of_two(bits);
            prop_assert!(fixed(x).total_cmp(&written(x)).is_eq() || x == 0.0, "{x:e}");
        }
    }

    #[test]
    fn ends_of_decades_and_halves_are_rounded_as_their_text_is() {
        for power in -20..=20 {
            let ten = 10.0_f64.powi(power);
            for x in [ten, ten.next_down(), ten.next_up(), ten * 1.234_567_890_125, -ten * 9.999_999_999_995]
            {
                assert!(fixed(x).total_cmp(&written(x)).is_eq(), "{x:e}");
            }
        }
        assert!(
            fixed(-0.0).is_sign_positive() && fixed(f64::NAN).is_nan() && fixed(f64::INFINITY).is_infinite()
        );
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!([0, 1, 8, 52].map(power_of_two), [1.0, 2.0, 256.0, 4_503_599_627_370_496.0]);
    }
}
