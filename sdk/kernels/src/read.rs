//! A volume's slabs, and those of a mask beside them.

use trocar_guest::{Fault, Grid, Mask, Volume};

/// As many bytes of voxels at once: they stay in the processor's cache.
const SLAB: u64 = 1 << 20;

/// Where a slab lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slices {
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// What takes the slabs. Marks, where there are any, are as many as voxels.
pub(crate) trait Visit {
    fn whole(&mut self, at: Slices, voxels: &[i16], marks: Option<&[u8]>);
    fn real(&mut self, at: Slices, voxels: &[f32], marks: Option<&[u8]>);
}

/// Shows slices `first..end` of a volume, and of a mask on the same grid.
pub(crate) fn visit(
    volume: &Volume,
    grid: &Grid,
    (first, end): (u32, u32),
    mask: Option<&Mask>,
    see: &mut impl Visit,
) -> Result<(), Fault> {
    if let Some(mask) = mask
        && !same(grid, &mask.grid())
    {
        return Err(Fault::OutOfRange);
    }
    let mut integral = true;
    let mut next = first;
    while next < end {
        let at = Slices { first: next, count: step(grid, integral).min(end - next) };
        match one(volume, at, mask, integral, see) {
            // Only the host knows whether the values are whole numbers; it says so at the first slab.
            Err(Fault::Unsupported) if integral && next == first => integral = false,
            done => {
                done?;
                next += at.count;
            }
        }
    }
    Ok(())
}

fn one(
    volume: &Volume,
    at: Slices,
    mask: Option<&Mask>,
    integral: bool,
    see: &mut impl Visit,
) -> Result<(), Fault> {
    let marks = || mask.map(|mask| mask.read(at.first, at.count)).transpose();
    if integral {
        let voxels = volume.read_s16(at.first, at.count)?;
        see.whole(at, &voxels, marks()?.as_deref());
    } else {
        let voxels = volume.read_f32(at.first, at.count)?;
        see.real(at, &voxels, marks()?.as_deref());
    }
    Ok(())
}

/// Whether two grids have the same voxels along each axis.
pub(crate) fn same(a: &Grid, b: &Grid) -> bool {
    (a.columns, a.rows, a.slices) == (b.columns, b.rows, b.slices)
}

fn step(grid: &Grid, integral: bool) -> u32 {
    let slice = u64::from(grid.columns) * u64::from(grid.rows) * if integral { 2 } else { 4 };
    u32::try_from(SLAB / slice.max(1)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_holds_whole_slices_and_at_least_one() {
        let grid = |columns, rows| Grid { columns, rows, slices: 300, spacing_mm: (1.0, 1.0, 1.0) };
        assert_eq!((step(&grid(512, 512), true), step(&grid(512, 512), false)), (2, 1));
        assert_eq!((step(&grid(2048, 2048), true), step(&grid(0, 0), true)), (1, 1 << 20));
    }
}
