//! Components of fewer samples to the size of the image, and sixteenths to whole numbers.
//!
//! Linear between the centres of samples, as T.81 section A.1.1 suggests; how halves are rounded is that of the
//! committee's reference software, so that every sample is the one that pylibjpeg gives.

use super::{Component, Header, Samples, dct::FRACTION, sequential::Plane};

/// Puts the components together, pixel by pixel, as whole numbers.
pub(super) fn samples(header: &Header, planes: &[Plane]) -> Samples {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the bits of a sample"
    )]
    if header.bits > 8 {
        Samples::Words(gather(header, planes, |v| v as u16))
    } else {
        Samples::Bytes(gather(header, planes, |v| v as u8))
    }
}

fn gather<T: Copy + Default>(header: &Header, planes: &[Plane], narrow: impl Fn(i32) -> T) -> Vec<T> {
    let count = planes.len();
    let most = (1_i32 << header.bits) - 1;
    // The level shift of section A.3.1, and half a level for rounding.
    let shift = (1 << (header.bits - 1 + FRACTION)) + (1 << (FRACTION - 1));
    let whole = |v: i32| narrow((v.saturating_add(shift) >> FRACTION).clamp(0, most));
    let mut samples = vec![T::default(); header.rows * header.columns * count];
    let mut line = Line::default();
    for (y, row) in samples.chunks_exact_mut(header.columns * count).enumerate() {
        for (i, (plane, component)) in planes.iter().zip(&header.components).enumerate() {
            let found = line.of(plane, component, header, y);
            row.iter_mut().skip(i).step_by(count).zip(found).for_each(|(place, v)| *place = whole(*v));
        }
    }
    samples
}

/// Room for one line of a component: between its rows, and between its columns.
#[derive(Default)]
struct Line {
    down: Vec<i32>,
    across: Vec<i32>,
}

impl Line {
    /// Line `y` of a component at the size of the image.
    fn of<'a>(&'a mut self, plane: &'a Plane, component: &Component, header: &Header, y: usize) -> &'a [i32] {
        let (across, down) = (header.across / component.across, header.down / component.down);
        let row = |at: usize| plane.samples.get(at * plane.width..).unwrap_or_default();
        let (first, second) = around(y, down, component.rows);
        if across == 1 && down == 1 {
            return row(first);
        }
        let pairs = row(first).iter().zip(row(second)).take(component.columns).enumerate();
        self.down.clear();
        // Halves go up and down by turns, column by column and row by row.
        self.down.extend(pairs.map(|(x, (a, b))| mixed(*a, *b, y, down, x % 2 == y % 2)));
        if across == 1 {
            return &self.down;
        }
        let Self { down: from, across: to } = self;
        to.clear();
        to.extend((0..header.columns).map(|x| between(from, x, across)));
        to
    }
}

/// Pixel `x` of a line of samples. The reference filters eight pixels in place and backwards, so that the second of
/// them finds its right neighbour already filtered.
fn between(line: &[i32], x: usize, factor: usize) -> i32 {
    let (first, second) = around(x, factor, line.len());
    let right = if factor == 2 && x % 8 == 1 { between(line, x + 1, factor) } else { line[second] };
    mixed(line[first], right, x, factor, x % 2 == 1)
}

/// The two samples that lie round a pixel; at the borders, one of them twice.
fn around(pixel: usize, factor: usize, size: usize) -> (usize, usize) {
    if factor == 1 {
        return (pixel, pixel);
    }
    let (sample, beyond) = (pixel / factor, 2 * (pixel % factor) + 1 >= factor);
    let last = size.saturating_sub(1);
    if beyond {
        (sample.min(last), (sample + 1).min(last))
    } else {
        (sample.saturating_sub(1).min(last), sample.min(last))
    }
}

/// A pixel between two samples, by its place in steps of half a pixel; `lower` rounds a half down.
fn mixed(a: i32, b: i32, pixel: usize, factor: usize, lower: bool) -> i32 {
    match (factor, pixel % factor) {
        (1, _) => a,
        (2, 0) => (a + 3 * b + 2 - i32::from(lower)) >> 2,
        (2, _) => (3 * a + b + 2 - i32::from(lower)) >> 2,
        // Factors of 3 and 4, which DICOM's YBR_FULL_422 has no use for.
        (_, place) => {
            let [factor, place] = [factor, place].map(|v| i32::try_from(v).unwrap_or(1));
            let (whole, weight) = (2 * factor, (2 * place + 1 + factor) % (2 * factor));
            (a * (whole - weight) + b * weight + factor).div_euclid(whole)
        }
    }
}
