//! Volumes and masks on other grids.

mod linear;
mod nearest;

use crate::{lattice::Lattice, stack::MAX_SLAB_BYTES};
use trocar_terms::{Fault, Grid};

pub(crate) use linear::Resampled;
pub(crate) use nearest::nearest;

/// Units of fuel for a byte of a source slice: what handing it to a guest costs.
const SOURCE_BYTE: u64 = 32;
/// Slices that a guest may ask for: as many as a file may have frames.
const MAX_SLICES: u32 = 20_000;

/// The grid with the axes and the centre of `from`.
pub(crate) fn centred(from: &Lattice, to: Grid) -> Option<Lattice> {
    let Grid { columns, rows, slices, spacing_mm: (x, y, z) } = to;
    let (size, spacing) = ([columns, rows, slices], [x, y, z]);
    let middle = |n: u32| (f64::from(n) - 1.0) / 2.0;
    let centre = from.point(from.size.map(middle));
    let mut lattice = Lattice { size, spacing, origin: [0.0; 3], ..*from };
    let [a, b, c] = lattice.point(size.map(middle));
    let [x, y, z] = centre;
    lattice.origin = [x - a, y - b, z - c];
    fits(&lattice, 4).then_some(lattice)
}

/// Whether a grid has voxels, a slice of it fits in a slab, and its spacings are lengths.
pub(crate) fn fits(lattice: &Lattice, width: usize) -> bool {
    let [columns, rows, slices] = lattice.size;
    let bytes = (columns as usize).saturating_mul(rows as usize).saturating_mul(width);
    (1..=MAX_SLAB_BYTES).contains(&bytes) && (1..=MAX_SLICES).contains(&slices) && lattice.is_grid()
}

/// Where the voxels of one lattice lie in another: an affine map of indices.
#[derive(Debug, Clone, Copy)]
struct Affine {
    origin: [f64; 3],
    /// What one column, row and slice further adds.
    steps: [[f64; 3]; 3],
}

impl Affine {
    fn new(to: &Lattice, from: &Lattice) -> Self {
        let index = |at| from.index(to.point(at));
        let origin = index([0.0; 3]);
        let step = |at| minus(index(at), origin);
        Self { origin, steps: [step([1.0, 0.0, 0.0]), step([0.0, 1.0, 0.0]), step([0.0, 0.0, 1.0])] }
    }

    fn at(&self, index: [u32; 3]) -> [f64; 3] {
        let mut at = self.origin;
        for (step, count) in self.steps.iter().zip(index) {
            for (sum, part) in at.iter_mut().zip(step) {
                *sum += part * f64::from(count);
            }
        }
        at
    }
}

fn minus([a, b, c]: [f64; 3], [d, e, f]: [f64; 3]) -> [f64; 3] {
    [a - d, b - e, c - f]
}

/// Along one axis: the voxel below, the one above, and how far between; `None` over half a voxel outside.
pub(crate) fn between(at: f64, size: u32) -> Option<(u32, u32, f64)> {
    let last = f64::from(size) - 1.0;
    if !(-0.5..=last + 0.5).contains(&at) {
        return None;
    }
    let at = at.clamp(0.0, last);
    let below = floor(at);
    Some((below, (below + 1).min(size - 1), at - f64::from(below)))
}

/// The one rounding of a voxel.
#[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest single")]
pub(crate) const fn rounded(value: f64) -> f32 {
    value as f32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an index before")]
const fn floor(at: f64) -> u32 {
    at as u32
}

/// The slices `first..first + count` of a grid, where they are there and their bytes fit in a slab.
pub(crate) fn slab(grid: Grid, first: u32, count: u32, width: usize) -> Result<std::ops::Range<u32>, Fault> {
    let end = first.checked_add(count).filter(|end| *end <= grid.slices).ok_or(Fault::OutOfRange)?;
    let pixels = (grid.columns as usize).saturating_mul(grid.rows as usize);
    let bytes = pixels.saturating_mul(width).saturating_mul(count as usize);
    if bytes > MAX_SLAB_BYTES { Err(Fault::OutOfRange) } else { Ok(first..end) }
}

#[cfg(test)]
mod tests;
