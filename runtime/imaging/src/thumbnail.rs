//! A small grey picture of a file, for the operator's own report.

use crate::{PixelFile, Reason, values::Values};
use std::io::{Read, Seek};

/// Eight grey bits a pixel, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Pixels across.
    pub columns: usize,
    /// Pixels down.
    pub rows: usize,
    /// 0 is black.
    pub pixels: Vec<u8>,
}

/// Pixels of the longer side, at most.
const MAX_SIDE: usize = 1 << 10;

/// Makes a picture of the middle frame, whose longer side has at most `side` pixels: each the one nearest, grey from the
/// 1st to the 99th percentile of the values shown.
///
/// # Errors
/// What is wrong with the file.
pub fn thumbnail(file: impl Read + Seek, side: usize) -> Result<Thumbnail, Reason> {
    let mut file = PixelFile::open(file)?;
    let values = file.frame(file.frames() / 2)?;
    let format = *file.format();
    let (rows, columns) = (usize::from(format.rows), usize::from(format.columns));
    let side = side.clamp(1, MAX_SIDE);
    let shown = |length: usize| (length * side).div_ceil(rows.max(columns)).min(length).max(1);
    let (down, across) = (shown(rows), shown(columns));
    let count = usize::from(format.colour.samples());
    let grey = grey(&values, count);
    let at = |y: usize, x: usize| (y * rows / down) * columns + x * columns / across;
    let picked = (0..down).flat_map(|y| (0..across).map(move |x| (y, x)));
    let picked: Vec<f64> = picked.map(|(y, x)| grey.get(at(y, x)).copied().unwrap_or_default()).collect();
    Ok(Thumbnail { columns: across, rows: down, pixels: windowed(&picked) })
}

/// One value a pixel: the mean of its colours.
fn grey(values: &Values, count: usize) -> Vec<f64> {
    let values = values.to_f64();
    let finite = |v: &f64| if v.is_finite() { *v } else { 0.0 };
    values.chunks(count).map(|pixel| pixel.iter().map(finite).sum::<f64>() / count as f64).collect()
}

fn windowed(values: &[f64]) -> Vec<u8> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let part = |percent: usize| {
        sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    let (low, high) = (part(1), part(99));
    let span = if high > low { high - low } else { 1.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |v: &f64| ((v - low) / span * 255.0).round().clamp(0.0, 255.0) as u8;
    values.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_goes_from_the_first_to_the_last_percentile() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        let grey = windowed(&values);
        assert_eq!((grey[0], grey[1], grey[50], grey[99], grey[100]), (0, 0, 128, 255, 255));
        assert_eq!(windowed(&[7.0; 4]), [0; 4]);
    }
}
