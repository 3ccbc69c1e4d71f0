//! Masks: each voxel as the nearest one.

use super::{Affine, SOURCE_BYTE, centred, floor, slab};
use crate::{cost, lattice::Lattice};
use std::sync::Arc;
use trocar_terms::{Fault, Grid, Mask};

/// A mask on a grid with the same axes and centre, each voxel as the nearest one.
pub(crate) struct Nearest {
    source: Arc<dyn Mask>,
    to: Grid,
    /// For each axis, the source's index of each voxel.
    places: [Vec<Option<u32>>; 3],
}

/// Puts a mask on another grid.
pub(crate) fn nearest(source: Arc<dyn Mask>, to: Grid) -> Result<Arc<dyn Mask>, Fault> {
    let from = source.grid();
    let bare = |grid: Grid| {
        let (x, y, z) = grid.spacing_mm;
        Lattice {
            size: [grid.columns, grid.rows, grid.slices],
            origin: [0.0; 3],
            directions: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            spacing: [x, y, z],
        }
    };
    let from = bare(from);
    let lattice = centred(&from, to).ok_or(Fault::OutOfRange)?;
    let map = Affine::new(&lattice, &from);
    let axis = |axis: usize| {
        let place = |n: u32| {
            let mut at = [0; 3];
            at.iter_mut().skip(axis).take(1).for_each(|i| *i = n);
            let at = map.at(at).into_iter().nth(axis)?;
            let size = from.size.into_iter().nth(axis)?;
            // Halfway belongs to the voxel above, as in ITK.
            let half = at + 0.5;
            (half >= 0.0 && half < f64::from(size)).then(|| floor(half))
        };
        (0..lattice.size.into_iter().nth(axis).unwrap_or(0)).map(place).collect()
    };
    Ok(Arc::new(Nearest { source, to, places: [axis(0), axis(1), axis(2)] }))
}

impl Mask for Nearest {
    fn grid(&self) -> Grid {
        self.to
    }

    // Its source was opened and paid for.
    fn opening_cost(&self) -> u64 {
        0
    }

    /// A slice of the source is read whole, however few of its voxels are wanted.
    fn slab_cost(&self, count: u32) -> u64 {
        let Grid { columns, rows, .. } = self.source.grid();
        let pixels = u64::from(columns).saturating_mul(u64::from(rows));
        let slice = pixels.saturating_mul(SOURCE_BYTE).saturating_add(cost::MASK_SLICE);
        slice.saturating_mul(u64::from(count))
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        let [across, down, between] = &self.places;
        let columns = self.source.grid().columns as usize;
        let mut voxels = Vec::new();
        for slice in slab(self.to, first, count, 1)? {
            let source = match between.get(slice as usize).copied().flatten() {
                Some(k) => self.source.read(k, 1)?,
                None => Vec::new().into(),
            };
            for row in down {
                let voxel = |column: &Option<u32>| {
                    let (i, j) = column.zip(*row)?;
                    source.get(j as usize * columns + i as usize).copied()
                };
                voxels.extend(across.iter().map(|column| voxel(column).unwrap_or(0)));
            }
        }
        Ok(voxels.into())
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Mask>, Fault> {
        Err(Fault::Unsupported)
    }
}
