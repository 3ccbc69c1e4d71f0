//! The inverse DCT of one block (ITU-T T.81 section A.3.3), in whole numbers.
//!
//! T.81 leaves the last bit to the decoder. This one does as the JPEG committee's own reference software does, which is
//! what pylibjpeg runs: eleven multiplications a line (Loeffler, Ligtenberg, Moschytz, ICASSP 1989), factors of nine bits,
//! samples in sixteenths.

/// Eight lanes at once, for the compiler to put in vector registers.
type Lanes = [i32; 8];

/// Bits after the point of a factor.
const FACTOR: u32 = 9;
/// Bits after the point of a sample.
pub(super) const FRACTION: u32 = 4;

/// A factor of the paper's figure 1, rounded.
#[allow(clippy::cast_possible_truncation, reason = "of nine bits and a few")]
const fn factor(value: f64) -> i32 {
    (value * 512.0 + 0.5) as i32
}

fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|i| a[i].wrapping_add(b[i]))
}

fn sub(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|i| a[i].wrapping_sub(b[i]))
}

fn times(a: Lanes, by: i32) -> Lanes {
    a.map(|v| v.wrapping_mul(by))
}

/// Transforms eight lines, each in a lane, and leaves out `drop` bits. Hostile coefficients wrap.
fn pass(x: &[Lanes; 8], drop: u32) -> [Lanes; 8] {
    let even = even(x);
    let odd = odd(x);
    let rounded = |v: Lanes| v.map(|v| v.wrapping_add(1 << (drop - 1)) >> drop);
    let up = |i: usize| rounded(add(even[i], odd[i]));
    let down = |i: usize| rounded(sub(even[i], odd[i]));
    [up(0), up(1), up(2), up(3), down(3), down(2), down(1), down(0)]
}

fn even(x: &[Lanes; 8]) -> [Lanes; 4] {
    let turned = times(add(x[2], x[6]), const { factor(0.541_196_100) });
    let low = sub(turned, times(x[6], const { factor(1.847_759_065) }));
    let high = add(turned, times(x[2], const { factor(0.765_366_865) }));
    let (sum, difference) = (times(add(x[0], x[4]), 1 << FACTOR), times(sub(x[0], x[4]), 1 << FACTOR));
    [add(sum, high), add(difference, low), sub(difference, low), sub(sum, high)]
}

fn odd(x: &[Lanes; 8]) -> [Lanes; 4] {
    let across = times(add(add(x[7], x[3]), add(x[5], x[1])), const { factor(1.175_875_602) });
    let a = times(add(x[7], x[1]), const { -factor(0.899_976_223) });
    let b = times(add(x[5], x[3]), const { -factor(2.562_915_447) });
    let c = add(times(add(x[7], x[3]), const { -factor(1.961_570_560) }), across);
    let d = add(times(add(x[5], x[1]), const { -factor(0.390_180_644) }), across);
    [
        add(times(x[1], const { factor(1.501_321_110) }), add(a, d)),
        add(times(x[3], const { factor(3.072_711_026) }), add(b, c)),
        add(times(x[5], const { factor(2.053_119_869) }), add(b, d)),
        add(times(x[7], const { factor(0.298_631_336) }), add(a, c)),
    ]
}

fn transposed(x: &[Lanes; 8]) -> [Lanes; 8] {
    std::array::from_fn(|i| std::array::from_fn(|j| x[j][i]))
}

/// Coefficients, column by column, to samples around zero, row by row, in sixteenths.
pub(super) fn inverse(columns: &[Lanes; 8]) -> [Lanes; 8] {
    let scaled = columns.map(|lanes| lanes.map(|v| v.wrapping_shl(FRACTION)));
    pass(&transposed(&pass(&scaled, FACTOR)), FACTOR + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section A.3.3, as it stands.
    fn by_definition(columns: &[Lanes; 8], x: usize, y: usize) -> f64 {
        let c = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let cosine = |at: usize, k: usize| (((2 * at + 1) * k) as f64 * std::f64::consts::PI / 16.0).cos();
        let terms = (0..64).map(|i| (i / 8, i % 8));
        let term = |(u, v): (usize, usize)| {
            c(u) * c(v) * f64::from(columns[u][v]) * cosine(x, u) * cosine(y, v) / 4.0
        };
        terms.map(term).sum()
    }

    #[test]
    fn it_is_the_transform_of_the_standard_to_a_quarter_of_a_level() {
        let mut columns = [[0; 8]; 8];
        let mut state = 1_u32;
        for value in columns.iter_mut().flatten() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = i32::try_from(state >> 26).unwrap() - 32;
        }
        let found = inverse(&columns);
        for (y, row) in found.iter().enumerate() {
            for (x, value) in row.iter().enumerate() {
                let off = f64::from(*value) / 16.0 - by_definition(&columns, x, y);
                assert!(off.abs() < 0.25, "{x} {y} {off}");
            }
        }
    }

    #[test]
    fn coefficients_of_any_size_wrap_and_do_not_panic() {
        inverse(&[[i32::MAX; 8]; 8]);
        inverse(&[[i32::MIN; 8]; 8]);
    }
}
