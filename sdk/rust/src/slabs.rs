use crate::{Fault, Grid, Mask, SeriesInfo, Volume};

/// The most bytes that this iterator asks for at once: such a slab stays in the processor's cache.
const SLAB: u64 = 1 << 20;

/// Calibrated voxels of one slab, rows top to bottom, columns left to right.
#[derive(Debug, Clone, PartialEq)]
pub enum Voxels {
    /// Whole numbers: CT in HU.
    Whole(Vec<i16>),
    /// Reals.
    Real(Vec<f32>),
}

impl Voxels {
    /// Calls `see` with each voxel in order. (A match for each slab, not for each voxel.)
    #[inline]
    pub fn for_each(&self, mut see: impl FnMut(f64)) {
        match self {
            Self::Whole(voxels) => voxels.iter().for_each(|v| see(f64::from(*v))),
            Self::Real(voxels) => voxels.iter().for_each(|v| see(f64::from(*v))),
        }
    }
}

/// Calls `see` with each voxel that a mask of the same slices has.
fn each_inside(voxels: &Voxels, inside: &[u8], mut see: impl FnMut(f64)) {
    let mut marks = inside.iter();
    voxels.for_each(|voxel| {
        if marks.next().is_some_and(|mark| *mark == 1) {
            see(voxel);
        }
    });
}

/// Some slices of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Slab {
    /// Index of its first slice.
    pub first: u32,
    /// Number of slices.
    pub count: u32,
    /// The voxels.
    pub voxels: Voxels,
}

impl Slab {
    /// Calls `see` with each voxel of the slab that `mask` has, in order. The mask is one of the same series.
    ///
    /// # Errors
    /// What the host answers instead of the mask's slices.
    pub fn inside(&self, mask: &Mask, see: impl FnMut(f64)) -> Result<(), Fault> {
        each_inside(&self.voxels, &mask.read(self.first, self.count)?, see);
        Ok(())
    }
}

impl Mask {
    /// How many voxels it has.
    ///
    /// # Errors
    /// What the host answers instead of its slices.
    pub fn voxels(&self) -> Result<u64, Fault> {
        let grid = self.grid();
        let step = slices_a_slab(&grid, 1);
        let mut voxels = 0;
        for first in (0..grid.slices).step_by(step as usize) {
            let marks = self.read(first, step.min(grid.slices - first))?;
            voxels += marks.iter().map(|mark| u64::from(*mark)).sum::<u64>();
        }
        Ok(voxels)
    }
}

/// A volume, slab by slab. It ends after the first error.
#[derive(Debug)]
pub struct Slabs<'a> {
    volume: &'a Volume,
    integral: bool,
    next: u32,
    end: u32,
    step: u32,
}

impl Volume {
    /// All slices in order, a few at a time: whole numbers where the series is integral, else reals.
    #[must_use]
    pub fn slabs(&self, series: &SeriesInfo) -> Slabs<'_> {
        let width = if series.integral { 2 } else { 4 };
        let step = slices_a_slab(&series.grid, width);
        Slabs { volume: self, integral: series.integral, next: 0, end: series.grid.slices, step }
    }
}

/// Whole slices of so many bytes a voxel that one call should ask for.
pub(crate) fn slices_a_slab(grid: &Grid, width: u64) -> u32 {
    let slice = u64::from(grid.columns) * u64::from(grid.rows) * width;
    u32::try_from(SLAB / slice.max(1)).unwrap_or(u32::MAX).max(1)
}

impl Iterator for Slabs<'_> {
    type Item = Result<Slab, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (first, count) = (self.next, self.step.min(self.end.checked_sub(self.next)?));
        if count == 0 {
            return None;
        }
        let voxels = if self.integral {
            self.volume.read_s16(first, count).map(Voxels::Whole)
        } else {
            self.volume.read_f32(first, count).map(Voxels::Real)
        };
        self.next = if voxels.is_ok() { first + count } else { self.end };
        Some(voxels.map(|voxels| Slab { first, count, voxels }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(columns: u32, rows: u32) -> Grid {
        Grid { columns, rows, slices: 300, spacing_mm: (1.0, 1.0, 1.0) }
    }

    #[test]
    fn a_slab_holds_whole_slices_and_at_least_one() {
        assert_eq!(slices_a_slab(&grid(512, 512), 2), 2);
        assert_eq!(slices_a_slab(&grid(512, 512), 4), 1);
        assert_eq!(slices_a_slab(&grid(1024, 1024), 2), 1);
        assert_eq!(slices_a_slab(&grid(128, 128), 4), 16);
    }

    #[test]
    fn only_voxels_of_the_mask_are_seen() {
        let mut seen = Vec::new();
        each_inside(&Voxels::Whole(vec![1, 2, 3, 4]), &[0, 1, 0, 1], |v| seen.push(v));
        each_inside(&Voxels::Real(vec![5.0, 6.0]), &[1], |v| seen.push(v));
        assert_eq!(seen, [2.0, 4.0, 5.0]);
    }

    #[test]
    fn voxels_are_seen_in_order_as_doubles() {
        let mut seen = Vec::new();
        Voxels::Whole(vec![-1000, 40]).for_each(|v| seen.push(v));
        Voxels::Real(vec![0.1]).for_each(|v| seen.push(v));
        assert_eq!(seen, [-1000.0, 40.0, f64::from(0.1_f32)]);
    }
}
