//! Volumes: linear between voxels.

use super::{Affine, SOURCE_BYTE, between, fits, floor, rounded, slab};
use crate::{cost, lattice::Lattice};
use std::{
    iter::repeat_n,
    sync::{Arc, Mutex, PoisonError},
};
use trocar_terms::{Fault, Grid, Volume};

/// Bytes of source slices that one resampled volume keeps.
const KEPT_BYTES: usize = 16 << 20;
/// How many these are at least, for the two that a voxel lies between, and at most: they are looked through one by one.
const KEPT_SLICES: (usize, usize) = (2, 64);
/// Units of fuel for a voxel: eight products and their sum were measured at 6 to 9 ns.
const VOXEL: u64 = 64;

/// A volume on another lattice, linear between voxels.
pub(crate) struct Resampled {
    source: Arc<dyn Volume>,
    from: Lattice,
    to: Lattice,
    map: Affine,
    outside: f32,
    /// What slices of the source cost that are read in order: entry k is that of slices 1 to k, each after the one before.
    sums: Vec<u64>,
    /// Slices of the source by number, the one used last at the end.
    kept: Mutex<Vec<(u32, Arc<[f32]>)>>,
}

impl Resampled {
    /// # Errors
    /// `Unsupported` where a slice fits in no slab.
    pub(crate) fn new(
        source: Arc<dyn Volume>,
        from: Lattice,
        to: Lattice,
        outside: f32,
    ) -> Result<Self, Fault> {
        if !fits(&to, 4) {
            return Err(Fault::Unsupported);
        }
        let (map, sums) = (Affine::new(&to, &from), sums(source.as_ref(), from.size[2]));
        Ok(Self { source, from, to, map, outside, sums, kept: Mutex::default() })
    }

    /// What the slices of the source cost that a slice needs. Only what the first of them costs may depend on what was read
    /// before, where the source is inflated.
    fn needs_cost(&self, slice: u32) -> u64 {
        let (first, last) = self.needs(slice).into_inner();
        let sum = |at: u32| self.sums.get(at as usize).copied().unwrap_or(u64::MAX);
        let pixels = u64::from(self.from.size[0]).saturating_mul(u64::from(self.from.size[1]));
        // Each is looked for among those that are kept, and read by itself.
        let read = pixels.saturating_mul(4 * SOURCE_BYTE).saturating_add(cost::RUN);
        let count = u64::from(last.saturating_sub(first)).saturating_add(1);
        let decoded = sum(last).saturating_sub(sum(first));
        let decoded = decoded.saturating_add(self.source.slab_cost(first, 1));
        decoded.saturating_add(read.saturating_mul(count))
    }

    /// Slices of the source that a slice needs: those between the lowest and the highest of its corners.
    fn needs(&self, slice: u32) -> std::ops::RangeInclusive<u32> {
        let [columns, rows, _] = self.to.size;
        let depths = [[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]].map(|[i, j]| {
            let [_, _, depth] = self.map.at([i, j, slice]);
            depth.clamp(0.0, f64::from(self.from.size[2]) - 1.0)
        });
        let low = depths.into_iter().fold(f64::INFINITY, f64::min);
        let high = depths.into_iter().fold(0.0, f64::max);
        floor(low)..=(floor(high) + 1).min(self.from.size[2] - 1)
    }

    fn source(&self, slice: u32) -> Result<Arc<[f32]>, Fault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(number, _)| *number == slice) {
            let found = kept.remove(at);
            let voxels = Arc::clone(&found.1);
            kept.push(found);
            return Ok(voxels);
        }
        let voxels = self.source.read_f32(slice, 1)?;
        let (least, most) = KEPT_SLICES;
        let most = (KEPT_BYTES / size_of_val(&voxels[..]).max(1)).clamp(least, most);
        if kept.len() >= most {
            kept.remove(0);
        }
        kept.push((slice, Arc::clone(&voxels)));
        Ok(voxels)
    }

    #[cfg(test)]
    pub(super) fn kept_slices(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Voxels of a slice.
    const fn plane(&self) -> usize {
        let [columns, rows, _] = self.to.size;
        (columns as usize).saturating_mul(rows as usize)
    }

    fn slice(&self, slice: u32, into: &mut [f32]) -> Result<(), Fault> {
        let needs = self.needs(slice);
        let first = *needs.start();
        let planes = needs.map(|k| self.source(k)).collect::<Result<Vec<_>, _>>()?;
        let [columns, ..] = self.to.size;
        let places = (0..).flat_map(|row| (0..columns).map(move |column| [column, row, slice]));
        into.iter_mut().zip(places).for_each(|(to, at)| {
            *to = self.voxel(self.map.at(at), &planes, first).unwrap_or(self.outside);
        });
        Ok(())
    }

    fn voxel(&self, [x, y, z]: [f64; 3], planes: &[Arc<[f32]>], first: u32) -> Option<f32> {
        let [columns, rows, slices] = self.from.size;
        let (i0, i1, u) = between(x, columns)?;
        let (j0, j1, v) = between(y, rows)?;
        let (k0, k1, w) = between(z, slices)?;
        let at = |plane: &Arc<[f32]>, i: u32, j: u32| {
            plane.get(j as usize * columns as usize + i as usize).copied().map(f64::from)
        };
        let line = |plane, j| Some(mix(at(plane, i0, j)?, at(plane, i1, j)?, u));
        let plane = |k: u32| {
            let plane = planes.get(k.checked_sub(first)? as usize)?;
            Some(mix(line(plane, j0)?, line(plane, j1)?, v))
        };
        Some(rounded(mix(plane(k0)?, plane(k1)?, w)))
    }
}

/// The price of a slice that follows another is what both cost less what the first does: a file of many frames is inflated once.
fn sums(source: &dyn Volume, slices: u32) -> Vec<u64> {
    let step = |k: u32| source.slab_cost(k - 1, 2).saturating_sub(source.slab_cost(k - 1, 1));
    let mut sums = vec![0_u64];
    (1..slices).for_each(|k| sums.push(sums.last().copied().unwrap_or(0).saturating_add(step(k))));
    sums
}

fn mix(a: f64, b: f64, share: f64) -> f64 {
    // Where there is nothing to mix, a value that is not finite must not spread.
    if share == 0.0 { a } else { a + (b - a) * share }
}

impl Volume for Resampled {
    fn grid(&self) -> Grid {
        self.to.grid()
    }

    fn integral(&self) -> bool {
        false
    }

    fn opening_cost(&self) -> u64 {
        let prices = cost::PRICED_SLICE.saturating_mul(self.sums.len() as u64);
        self.source.opening_cost().saturating_add(prices)
    }

    /// Every slice of the source that is needed is paid for, whether it is kept or not: the price must not depend on
    /// what was read before.
    fn slab_cost(&self, first: u32, count: u32) -> u64 {
        let [columns, rows, slices] = self.to.size;
        let voxels = u64::from(columns).saturating_mul(u64::from(rows)).saturating_mul(VOXEL);
        let end = first.saturating_add(count).min(slices);
        (first..end).map(|k| self.needs_cost(k).saturating_add(voxels)).fold(0, u64::saturating_add)
    }

    fn read_s16(&self, _: u32, _: u32) -> Result<Arc<[i16]>, Fault> {
        Err(Fault::Unsupported)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        let slices = slab(self.grid(), first, count, 4)?.len();
        let mut voxels: Arc<[f32]> = repeat_n(0.0, self.plane().saturating_mul(slices)).collect();
        self.read_f32_into(first, count, Arc::make_mut(&mut voxels))?;
        Ok(voxels)
    }

    fn read_f32_into(&self, first: u32, count: u32, into: &mut [f32]) -> Result<(), Fault> {
        let slices = slab(self.grid(), first, count, 4)?;
        let plane = self.plane();
        if plane == 0 || plane.checked_mul(slices.len()) != Some(into.len()) {
            return Err(Fault::OutOfRange);
        }
        slices.zip(into.chunks_exact_mut(plane)).try_for_each(|(slice, plane)| self.slice(slice, plane))
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}
