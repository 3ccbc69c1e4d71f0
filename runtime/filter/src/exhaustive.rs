//! Steps 4 and 5 tried on everything of a small width, and on every class of a large one.
//!
//! Why small widths prove the clip: with r = ceil_sqrt(N2), each clipped size is at most `|q_i| S / r`, so their squares add up to
//! at most `N2 S^2 / r^2 <= S^2`. Only an operation that does not fit could break that, and `clip` has but two: a
//! product of 64 by 64 bits in 128, and a sum of squares that is checked. proptest tries those at the ends of their range.

use crate::clip::{clip, norm2};
use crate::quantise::quantise;

/// What clipping promises of one vector.
fn hold(before: &[i64], s: u64) {
    let mut after = before.to_vec();
    clip(&mut after, s);
    let (was, is, bound) = (norm2(before).unwrap(), norm2(&after).unwrap(), u128::from(s).pow(2));
    assert!(is <= bound, "{before:?} clipped to {s} is {after:?}");
    assert!(was > bound || after == before, "{before:?} is within {s} and became {after:?}");
    for (a, b) in after.iter().zip(before) {
        assert!(a.signum() * b.signum() >= 0 && a.abs() <= b.abs(), "{before:?} became {after:?}");
    }
    // Not shortened by more than rounding takes: a unit a coordinate, and one for the root.
    let lost = (before.len() + 1) as f64;
    assert!(was <= bound || (is as f64).sqrt() + lost >= s as f64, "{before:?} became {after:?} at {s}");
}

#[test]
fn every_vector_of_up_to_three_six_bit_numbers_is_clipped_to_every_sensitivity() {
    let all = || -32_i64..32;
    // The longest has a norm of 55.4.
    for s in 0..=56 {
        for a in all() {
            hold(&[a], s);
            for b in all() {
                hold(&[a, b], s);
                all().for_each(|c| hold(&[a, b, c], s));
            }
        }
    }
}

#[test]
fn every_pair_of_eight_bit_numbers_is_clipped_to_every_sensitivity() {
    for s in 0..=182 {
        for a in -128..128 {
            (-128..128).for_each(|b| hold(&[a, b], s));
        }
    }
}

#[test]
fn the_ends_of_sixty_four_bits_are_clipped_to_every_power_of_two() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    let sensitivities =
        (0..64).flat_map(|bits| [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1]).chain([u64::MAX]);
    for s in sensitivities {
        for a in ends {
            for b in ends {
                let mut q = [a, b, a];
                clip(&mut q, s);
                let within = u128::from(s).checked_pow(2).is_none_or(|bound| norm2(&q).unwrap() <= bound);
                assert!(within, "{a} {b} {a} at {s}");
            }
        }
    }
}

/// A sum of squares over 128 bits becomes 0 and not a small number.
#[test]
fn four_smallest_numbers_have_squares_that_do_not_fit_and_are_dropped() {
    let mut q = [i64::MIN; 4];
    assert_eq!(norm2(&q), None);
    clip(&mut q, 1 << 40);
    assert_eq!(q, [0; 4]);
}

/// Every sign, exponent and leading bit of the mantissa, each with rests that round down, to even and up: 2^16 * 5 doubles, in
/// rising order.
fn every_class() -> Vec<f64> {
    let rests = [0, 1, 1 << 47, (1 << 47) + 1, (1 << 48) - 1];
    let bits = (0..1_u64 << 16).flat_map(|top| rests.map(|rest| top << 48 | rest));
    let mut all: Vec<f64> = bits.map(f64::from_bits).filter(|x| !x.is_nan()).collect();
    all.sort_by(f64::total_cmp);
    all
}

#[test]
fn every_class_of_number_lands_on_the_grid_in_its_order_and_within_its_bounds() {
    let all = every_class();
    for (lower, upper, centre, bits) in
        [(0.0, 1.0, 0.0, 8), (-1.0, 3.0, 1.0, 10), (-2048.0, 2048.0, 0.0, 0), (-1.0, 1.0, 0.0, 52)]
    {
        let unit = f64::exp2(f64::from(bits));
        let (least, most) = ((lower - centre) * unit, (upper - centre) * unit);
        let mut last = i64::MIN;
        for x in &all {
            let Some(q) = quantise(*x, lower, upper, centre, bits) else {
                assert!(x.is_infinite(), "{x} is finite");
                continue;
            };
            assert!(last <= q, "{x} lies below the one before it");
            assert!((least..=most).contains(&(q as f64)), "{x} is outside its bounds");
            let exact = (x.clamp(lower, upper) - centre) * unit;
            assert!((q as f64 - exact).abs() <= 0.5, "{x} is {q}, half a unit or more from {exact}");
            last = q;
        }
    }
}

#[test]
fn every_not_a_number_is_no_value() {
    // Quiet and signalling, both signs, every leading bit of the payload.
    for top in 0..1_u64 << 12 {
        for sign in [0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000] {
            let x = f64::from_bits(sign | top << 40 | 1);
            assert_eq!(quantise(x, -1.0, 1.0, 0.0, 10), None, "{x:?}");
        }
    }
}

/// What no number of a guest may meet as a float, from quantising to noise.
#[test]
fn no_floating_point_lies_between_quantising_and_noise() {
    let files = [
        ("clip.rs", include_str!("clip.rs")),
        ("integer.rs", include_str!("integer.rs")),
        ("sums.rs", include_str!("sums.rs")),
        ("draw.rs", include_str!("draw.rs")),
        ("noise/mod.rs", include_str!("noise/mod.rs")),
        ("noise/own.rs", include_str!("noise/own.rs")),
        ("noise/prio.rs", include_str!("noise/prio.rs")),
    ];
    for (name, text) in files {
        let code =
            text.split("#[cfg(test)]").next().unwrap().lines().filter_map(|line| line.split("//").next());
        for line in code {
            assert!(!line.contains("f64") && !line.contains("f32"), "{name}: {line}");
        }
    }
}
