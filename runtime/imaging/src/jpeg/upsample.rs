//! Components of fewer samples to the size of the image.

use super::{Component, Header, Samples, sequential::Plane};

/// Puts the components together, pixel by pixel, as whole numbers.
pub(super) fn samples(header: &Header, planes: &[Plane]) -> Samples {
    if header.bits > 8 {
        Samples::Words(gather(header, planes, |v| v as u16))
    } else {
        Samples::Bytes(gather(header, planes, |v| v as u8))
    }
}

fn gather<T: Copy + Default>(header: &Header, planes: &[Plane], whole: impl Fn(f32) -> T) -> Vec<T> {
    let count = planes.len();
    let middle = (1_u32 << (header.bits - 1)) as f32;
    let most = 2.0 * middle - 1.0;
    let mut samples = vec![T::default(); header.rows * header.columns * count];
    let mut line = vec![0.0; header.columns];
    for (y, row) in samples.chunks_exact_mut(header.columns * count).enumerate() {
        for (i, (plane, component)) in planes.iter().zip(&header.components).enumerate() {
            stretch(plane, component, header, y, &mut line);
            for (place, v) in row.iter_mut().skip(i).step_by(count).zip(&line) {
                *place = whole((((v * 16.0 + 0.5).floor() + 8.0) / 16.0 + middle).floor().clamp(0.0, most));
            }
        }
    }
    samples
}

/// One line of a component at the size of the image: linear between the centres of its samples.
fn stretch(plane: &Plane, component: &Component, header: &Header, y: usize, line: &mut [f32]) {
    let (across, down) = (header.across / component.across, header.down / component.down);
    let (upper, lower, down_weight) = between(y, down, component.rows);
    let row = |at: usize| plane.samples.get(at * plane.width..).unwrap_or_default();
    let (a, b) = (row(upper), row(lower));
    if across == 1 && down == 1 {
        line.iter_mut().zip(a).for_each(|(place, v)| *place = *v);
        return;
    }
    for (x, place) in line.iter_mut().enumerate() {
        let (left, right, weight) = between(x, across, component.columns);
        let mix = |r: &[f32]| r[left] * (1.0 - weight) + r[right] * weight;
        *place = mix(a) * (1.0 - down_weight) + mix(b) * down_weight;
    }
}

/// The two samples that lie round a pixel, and the weight of the second.
fn between(pixel: usize, factor: usize, size: usize) -> (usize, usize, f32) {
    if factor == 1 {
        return (pixel, pixel, 0.0);
    }
    let at = (pixel as f32 + 0.5) / factor as f32 - 0.5;
    let low = at.floor();
    let first = if low < 0.0 { 0 } else { low as usize };
    let second = ((low + 1.0) as usize).min(size - 1);
    (first.min(size - 1), second, at - low)
}
