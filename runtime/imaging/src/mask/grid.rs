use super::Stencil;
use crate::{
    cost,
    lattice::Lattice,
    resample::{nearest, slab},
};
use std::{collections::BTreeMap, iter::repeat_n, sync::Arc};
use trocar_terms::{Fault, Grid, Mask};

/// Bits of the slices of a mask, whether of a series or of what is mapped to it: a voxel has one.
pub(crate) const MAX_MASK_VOXELS: u64 = 1 << 29;

/// A mask on the lattice of a series, ready to be read.
pub(crate) struct GridMask {
    grid: Grid,
    /// Slices with a voxel in the mask.
    slices: BTreeMap<u32, Stencil>,
    /// What making it has cost.
    units: u64,
}

impl GridMask {
    /// An empty mask.
    ///
    /// # Errors
    /// `Unsupported` where the series has more voxels, or narrower slices, than a mask is made for.
    pub(crate) fn new(lattice: &Lattice) -> Result<Self, Fault> {
        let [columns, rows, slices] = lattice.size;
        if Stencil::bits(columns, rows, u64::from(slices)) > MAX_MASK_VOXELS {
            return Err(Fault::Unsupported);
        }
        Ok(Self { grid: lattice.grid(), slices: BTreeMap::new(), units: 0 })
    }

    /// An empty slice of this mask's size.
    pub(crate) fn stencil(&self) -> Stencil {
        Stencil::new(self.grid.columns, self.grid.rows)
    }

    /// Takes in the voxels of one slice.
    pub(crate) fn unite(&mut self, slice: u32, stencil: Stencil) {
        if stencil.is_empty() || slice >= self.grid.slices {
            return;
        }
        match self.slices.get_mut(&slice) {
            Some(there) => there.unite(&stencil),
            None => drop(self.slices.insert(slice, stencil)),
        }
    }

    /// Voxels of a slice.
    const fn plane(&self) -> usize {
        (self.grid.columns as usize).saturating_mul(self.grid.rows as usize)
    }

    /// Adds to what making it has cost.
    pub(crate) const fn spend(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }
}

impl Mask for GridMask {
    fn grid(&self) -> Grid {
        self.grid
    }

    fn opening_cost(&self) -> u64 {
        self.units
    }

    // Its bits become the bytes that are handed over, which are paid for; a slice of one voxel is looked up like any other.
    fn slab_cost(&self, count: u32) -> u64 {
        cost::MASK_SLICE.saturating_mul(u64::from(count))
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        let slices = slab(self.grid, first, count, 1)?.len();
        let mut voxels: Arc<[u8]> = repeat_n(0, self.plane().saturating_mul(slices)).collect();
        self.read_into(first, count, Arc::make_mut(&mut voxels))?;
        Ok(voxels)
    }

    fn read_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        let slices = slab(self.grid, first, count, 1)?;
        let plane = self.plane();
        if plane == 0 || plane.checked_mul(slices.len()) != Some(into.len()) {
            return Err(Fault::OutOfRange);
        }
        for (slice, plane) in slices.zip(into.chunks_exact_mut(plane)) {
            plane.fill(0);
            if let Some(stencil) = self.slices.get(&slice) {
                stencil.bytes_into(plane);
            }
        }
        Ok(())
    }

    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Mask>, Fault> {
        nearest(self, to)
    }
}

/// Planes of a labelled image with the lattice that each lies on, nearest neighbour to the lattice of a series.
pub(crate) struct Mapping<'a> {
    /// Of the series.
    pub(crate) to: &'a Lattice,
    /// Of the labelled image: its first two directions hold for every plane, its origin for the first.
    pub(crate) from: Lattice,
    /// Distance of each plane from the first along the normal, in mm, ascending.
    pub(crate) depths: Vec<f64>,
    /// The pixels of each plane.
    pub(crate) planes: Vec<Stencil>,
}

/// Where a centre of the series lies on the border of two voxels of the labelled image, rounding would decide. Within this
/// much of a voxel it belongs to the voxel above, as in ITK and in [`crate::resample`].
const BORDER: f64 = 1e-6;

impl Mapping<'_> {
    /// Marks each voxel of the series whose centre lies in a marked voxel of the labelled image.
    pub(crate) fn run(&self, mask: &mut GridMask) {
        let [columns, rows, slices] = self.to.size;
        for slice in 0..slices {
            if self.misses(slice) {
                continue;
            }
            let mut stencil = mask.stencil();
            mask.spend(u64::from(columns).saturating_mul(u64::from(rows)).saturating_mul(cost::MAPPED_VOXEL));
            self.slice(slice, &mut stencil);
            mask.unite(slice, stencil);
        }
    }

    /// Whether no voxel of a slice can lie in any plane: its corners are all above the last or below the first.
    fn misses(&self, slice: u32) -> bool {
        let [columns, rows, _] = self.to.size.map(f64::from);
        let corners = [[0.0, 0.0], [columns, 0.0], [0.0, rows], [columns, rows]];
        let depths = corners.map(|[i, j]| self.depth_at([i, j, f64::from(slice)]));
        let reach = self.from.spacing[2] * (0.5 + BORDER);
        let (Some(first), Some(last)) = (self.depths.first(), self.depths.last()) else { return true };
        let below = depths.iter().all(|d| *d < first - reach);
        below || depths.iter().all(|d| *d > last + reach)
    }

    fn depth_at(&self, at: [f64; 3]) -> f64 {
        let [_, _, w] = self.from.index(self.to.point(at));
        w * self.from.spacing[2]
    }

    fn slice(&self, slice: u32, stencil: &mut Stencil) {
        let [columns, rows, _] = self.to.size;
        // Affine: one step along a row is the same everywhere.
        let start = self.from.index(self.to.point([0.0, 0.0, f64::from(slice)]));
        let step = |at| sub(self.from.index(self.to.point(at)), start);
        let across = step([1.0, 0.0, f64::from(slice)]);
        let down = step([0.0, 1.0, f64::from(slice)]);
        let mut last: Option<(f64, Option<&Stencil>)> = None;
        for row in 0..rows {
            for column in 0..columns {
                let (i, j) = (f64::from(column), f64::from(row));
                let [u, v, w] = add(start, across, i, down, j);
                let known = last.filter(|(depth, _)| (depth - w).abs() <= BORDER).map(|(_, plane)| plane);
                let plane = known.unwrap_or_else(|| {
                    let plane = self.plane(w * self.from.spacing[2]);
                    last = Some((w, plane));
                    plane
                });
                if plane.is_some_and(|plane| marked(plane, u, v)) {
                    stencil.set(column as usize, row as usize);
                }
            }
        }
    }

    /// The plane whose voxels reach this depth: they begin half the distance of planes below it.
    fn plane(&self, depth: f64) -> Option<&Stencil> {
        let (half, border) = (self.from.spacing[2] / 2.0, self.from.spacing[2] * BORDER);
        let reaches = |at: usize| {
            let off = depth - self.depths.get(at)?;
            (off >= -half - border && off < half - border).then_some((at, off.abs()))
        };
        let after = self.depths.partition_point(|d| *d < depth);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(reaches);
        let (nearest, _) = near.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        self.planes.get(nearest)
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to a count of pixels, checked before"
)]
fn marked(plane: &Stencil, u: f64, v: f64) -> bool {
    let (i, j) = ((u + 0.5 + BORDER).floor(), (v + 0.5 + BORDER).floor());
    let inside = i >= 0.0 && j >= 0.0 && i < plane.columns() as f64 && j < plane.rows() as f64;
    inside && plane.get(i as usize, j as usize)
}

fn sub([a, b, c]: [f64; 3], [d, e, f]: [f64; 3]) -> [f64; 3] {
    [a - d, b - e, c - f]
}

fn add([a, b, c]: [f64; 3], [d, e, f]: [f64; 3], i: f64, [g, h, k]: [f64; 3], j: f64) -> [f64; 3] {
    [a + d * i + g * j, b + e * i + h * j, c + f * i + k * j]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lattice(size: [u32; 3]) -> Lattice {
        let directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Lattice { size, origin: [0.0; 3], directions, spacing: [1.0; 3] }
    }

    #[test]
    fn a_series_of_narrow_slices_that_take_more_words_than_pixels_has_no_mask() {
        assert!(GridMask::new(&lattice([512, 512, 2_048])).is_ok());
        assert_eq!(GridMask::new(&lattice([512, 512, 2_049])).err(), Some(Fault::Unsupported));
        assert!(GridMask::new(&lattice([1, 32_768, 256])).is_ok());
        assert_eq!(GridMask::new(&lattice([1, 65_535, 8_000])).err(), Some(Fault::Unsupported));
    }
}
