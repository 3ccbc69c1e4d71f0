//! The patient of the bars: one CT of 512 x 512 x 300 voxels of 16 bits in memory, and a mask on it.

use std::sync::Arc;
use trocar_terms::{Fault, Grid, Mask, Patient, SeriesInfo, Value, Volume};

pub(crate) const GRID: Grid = Grid { columns: 512, rows: 512, slices: 300, spacing_mm: (0.7, 0.7, 1.0) };
const SLICE: usize = 512 * 512;

/// A patient with that series, or with none.
#[derive(Clone)]
pub(crate) struct Scanned {
    voxels: Arc<Vec<i16>>,
    mask: Arc<Vec<u8>>,
}

/// Air round a body of tissue with noise: Hounsfield units between -1000 and 1600, the same on every machine.
pub(crate) fn voxels() -> Vec<i16> {
    let mut state = 0x2545_F491_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        i16::try_from(state % 200).unwrap_or(0)
    };
    let voxel = |i: usize| {
        let (column, row) = (i % 512, i / 512 % 512);
        let inside = column.abs_diff(256).pow(2) + row.abs_diff(256).pow(2) < 200 * 200;
        let bone = inside && column.abs_diff(256) < 30 && row.abs_diff(400) < 30;
        match (inside, bone) {
            (false, _) => -1000 + noise() / 10,
            (true, false) => noise() - 60,
            (true, true) => 1_400 + noise(),
        }
    };
    (0..SLICE * GRID.slices as usize).map(voxel).collect()
}

/// The same, little endian.
pub(crate) fn bytes() -> Vec<u8> {
    voxels().iter().flat_map(|voxel| voxel.to_le_bytes()).collect()
}

impl Scanned {
    /// Nothing to open.
    pub(crate) fn empty() -> Self {
        Self { voxels: Arc::new(Vec::new()), mask: Arc::new(Vec::new()) }
    }

    /// The volume, with the mask of all that is above -500 HU where it is wanted.
    pub(crate) fn made(mask: bool) -> Self {
        let voxels = voxels();
        let mask =
            if mask { voxels.iter().map(|voxel| u8::from(*voxel > -500)).collect() } else { Vec::new() };
        Self { voxels: Arc::new(voxels), mask: Arc::new(mask) }
    }
}

/// The elements of some slices.
fn slab<T>(all: &[T], first: u32, count: u32) -> Result<&[T], Fault> {
    let at = |slice: u32| slice as usize * SLICE;
    all.get(at(first)..at(first.saturating_add(count))).ok_or(Fault::OutOfRange)
}

impl Patient for Scanned {
    fn column(&self, _: &str) -> Result<Value, Fault> {
        Err(Fault::Absent)
    }

    fn series(&self) -> Vec<SeriesInfo> {
        let info = SeriesInfo { modality: "CT".into(), unit: "[hnsf'U]".into(), grid: GRID, integral: true };
        if self.voxels.is_empty() { Vec::new() } else { vec![info] }
    }

    fn attribute(&self, _: u32, _: &str) -> Result<Value, Fault> {
        Err(Fault::Absent)
    }

    fn open(&self, _: u32) -> Result<Arc<dyn Volume>, Fault> {
        Ok(Arc::new(self.clone()))
    }

    fn open_cost(&self, _: u32) -> u64 {
        0
    }

    fn open_on(&self, _: u32, _: u32) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Absent)
    }

    fn open_mask(&self, _: u32, _: &str) -> Result<Arc<dyn Mask>, Fault> {
        if self.mask.is_empty() { Err(Fault::Absent) } else { Ok(Arc::new(self.clone())) }
    }

    fn open_mask_cost(&self, _: u32, _: &str) -> u64 {
        0
    }
}

impl Volume for Scanned {
    fn grid(&self) -> Grid {
        GRID
    }

    fn integral(&self) -> bool {
        true
    }

    fn opening_cost(&self) -> u64 {
        0
    }

    fn slab_cost(&self, _: u32, _: u32) -> u64 {
        0
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        slab(&self.voxels, first, count).map(Arc::from)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        Ok(slab(&self.voxels, first, count)?.iter().map(|voxel| f32::from(*voxel)).collect())
    }

    fn read_s16_into(&self, first: u32, count: u32, into: &mut [i16]) -> Result<(), Fault> {
        into.copy_from_slice(slab(&self.voxels, first, count)?);
        Ok(())
    }

    fn read_f32_into(&self, first: u32, count: u32, into: &mut [f32]) -> Result<(), Fault> {
        let voxels = slab(&self.voxels, first, count)?;
        into.iter_mut().zip(voxels).for_each(|(to, from)| *to = f32::from(*from));
        Ok(())
    }

    fn read_bytes_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        let voxels = slab(&self.voxels, first, count)?;
        into.as_chunks_mut::<2>().0.iter_mut().zip(voxels).for_each(|(to, from)| *to = from.to_le_bytes());
        Ok(())
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

impl Mask for Scanned {
    fn grid(&self) -> Grid {
        GRID
    }

    fn opening_cost(&self) -> u64 {
        0
    }

    fn slab_cost(&self, _: u32) -> u64 {
        0
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        slab(&self.mask, first, count).map(Arc::from)
    }

    fn read_into(&self, first: u32, count: u32, into: &mut [u8]) -> Result<(), Fault> {
        into.copy_from_slice(slab(&self.mask, first, count)?);
        Ok(())
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Mask>, Fault> {
        Err(Fault::Unsupported)
    }
}
