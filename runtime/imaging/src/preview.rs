//! A small grey picture of a series, for the operator's report alone.

use crate::{Subject, open_patient};
use serde::{Deserialize, Serialize};
use std::{fmt, fs::File};
use trocar_terms::{Grid, Patient, Volume};

/// A grey picture, row by row from the top, 0 black.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Width.
    pub columns: u32,
    /// Height.
    pub rows: u32,
    /// One byte a pixel.
    pub grey: Vec<u8>,
}

// It is a patient's image: Debug shows its size.
impl fmt::Debug for Thumbnail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thumbnail")
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Thumbnail {
    /// Whether it is at most `side` pixels wide and high, and has as many bytes as it says.
    #[must_use]
    pub fn is_within(&self, side: u32) -> bool {
        let sizes = 1..=side;
        let pixels = u64::from(self.columns).saturating_mul(u64::from(self.rows));
        sizes.contains(&self.columns) && sizes.contains(&self.rows) && self.grey.len() as u64 == pixels
    }
}

/// The middle slice of a subject's first series, at most `side` pixels wide and high; black and white are the 1st and
/// the 99th percentile. `None` where the series cannot be read.
#[must_use]
pub fn middle_slice(subject: Subject, files: Vec<File>, side: u32) -> Option<Thumbnail> {
    let volume = open_patient(subject, files).open(0).ok()?;
    let grid = volume.grid();
    let voxels = slice(&*volume, grid.slices / 2)?;
    let (columns, rows) = size(&grid, side)?;
    let small = shrink(&voxels, (grid.columns, grid.rows), (columns, rows))?;
    let (black, white) = window(&voxels)?;
    Some(Thumbnail { columns, rows, grey: small.iter().map(|value| grey(*value, black, white)).collect() })
}

/// Large slices of whole numbers fit a slab only as 16 bits.
fn slice(volume: &dyn Volume, at: u32) -> Option<Vec<f32>> {
    if volume.integral() {
        return Some(volume.read_s16(at, 1).ok()?.iter().map(|v| f32::from(*v)).collect());
    }
    Some(volume.read_f32(at, 1).ok()?.to_vec())
}

/// The picture's size: the longer edge in millimetres has `side` pixels, or as many as there are voxels.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of at most `side` after the clamp; NaN becomes 0 and then 1"
)]
fn size(grid: &Grid, side: u32) -> Option<(u32, u32)> {
    let (x, y, _) = grid.spacing_mm;
    let (width, height) = (f64::from(grid.columns) * x, f64::from(grid.rows) * y);
    let longest = width.max(height);
    let side = side.min(grid.columns.max(grid.rows));
    let pixels = |mm: f64| ((f64::from(side) * mm / longest).round() as u32).clamp(1, side.max(1));
    (longest > 0.0).then(|| (pixels(width), pixels(height)))
}

/// The mean of the voxels behind each pixel.
fn shrink(voxels: &[f32], from: (u32, u32), to: (u32, u32)) -> Option<Vec<f32>> {
    let (columns, rows) = (from.0 as usize, from.1 as usize);
    let mut small = Vec::new();
    for (top, bottom) in spans(rows, to.1 as usize) {
        for (left, right) in spans(columns, to.0 as usize) {
            let lines = (top..bottom).map(|row| voxels.get(row * columns + left..row * columns + right));
            let lines = lines.collect::<Option<Vec<&[f32]>>>()?;
            let block = lines.iter().flat_map(|line| line.iter()).filter(|value| value.is_finite());
            let (sum, count) = block.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0_f32));
            small.push(sum / count.max(1.0));
        }
    }
    Some(small)
}

/// Cuts `length` into `parts` spans of at least one.
fn spans(length: usize, parts: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = parts.max(1);
    (0..parts).map(move |part| {
        let start = part * length / parts;
        (start, ((part + 1) * length / parts).max(start + 1))
    })
}

/// The 1st and the 99th percentile of the finite voxels.
fn window(voxels: &[f32]) -> Option<(f32, f32)> {
    let mut sorted: Vec<f32> = voxels.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |hundredth: usize| sorted.get(sorted.len().saturating_sub(1) * hundredth / 100).copied();
    at(1).zip(at(99))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before; a NaN becomes 0"
)]
fn grey(value: f32, black: f32, white: f32) -> u8 {
    let width = white - black;
    if width > 0.0 { ((value - black) / width * 255.0).clamp(0.0, 255.0).round() as u8 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_the_shape_in_millimetres_and_never_grows() {
        let grid = |columns, rows, x, y| Grid { columns, rows, slices: 1, spacing_mm: (x, y, 1.0) };
        assert_eq!(size(&grid(512, 512, 0.7, 0.7), 96), Some((96, 96)));
        assert_eq!(size(&grid(512, 256, 1.0, 1.0), 96), Some((96, 48)));
        assert_eq!(size(&grid(100, 200, 2.0, 1.0), 96), Some((96, 96)));
        assert_eq!(size(&grid(16, 16, 4.0, 4.0), 96), Some((16, 16)));
        assert_eq!(size(&grid(1, 5000, 1.0, 1.0), 96), Some((1, 96)));
    }

    #[test]
    fn a_pixel_is_the_mean_of_its_voxels_and_what_is_not_finite_does_not_count() {
        let voxels = [1.0, 3.0, 5.0, 7.0, 1.0, 3.0, 5.0, f32::NAN];
        assert_eq!(shrink(&voxels, (4, 2), (2, 1)).unwrap(), [2.0, 17.0 / 3.0]);
        assert_eq!(shrink(&voxels, (4, 2), (4, 2)).unwrap()[..4], [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(shrink(&voxels[..3], (4, 2), (2, 1)), None, "fewer voxels than the grid says");
    }

    #[test]
    fn a_single_hot_voxel_does_not_darken_the_rest() {
        let mut voxels: Vec<f32> = (0_u8..200).map(f32::from).collect();
        voxels.push(1e9);
        let (black, white) = window(&voxels).unwrap();
        assert_eq!((grey(100.0, black, white), grey(1e9, black, white)), (128, 255));
        assert_eq!(grey(5.0, 5.0, 5.0), 128, "a slice of one value is grey");
    }

    #[test]
    fn a_picture_that_contradicts_itself_is_seen() {
        let of = |columns, rows, bytes| Thumbnail { columns, rows, grey: vec![0; bytes] };
        assert!(of(96, 48, 96 * 48).is_within(96));
        for bad in [of(97, 1, 97), of(2, 2, 3), of(0, 1, 0), of(u32::MAX, u32::MAX, 1)] {
            assert!(!bad.is_within(96), "{bad:?}");
        }
    }
}
