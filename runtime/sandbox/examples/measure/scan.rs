//! A patient of one series that a file holds, as tests/oracles/radiomics_cases.py writes it: one line `columns rows slices`, then
//! the voxels as 32-bit reals, little endian, then a byte a voxel: the mask.

use crate::Outcome;
use std::sync::Arc;
use trocar_terms::{Fault, Grid, Mask, Patient, SeriesInfo, Value, Volume};

#[derive(Clone)]
pub(crate) struct Scan {
    grid: Grid,
    voxels: Arc<Vec<f32>>,
    mask: Arc<Vec<u8>>,
}

impl Scan {
    pub(crate) fn read(bytes: &[u8]) -> Outcome<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("no head")?;
        let (head, rest) = bytes.split_at(end + 1);
        let sides: Vec<u32> =
            std::str::from_utf8(head)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [columns, rows, slices] = sides[..] else { return Err("not three sides".into()) };
        let grid = Grid { columns, rows, slices, spacing_mm: (1.0, 1.0, 1.0) };
        let count = columns as usize * rows as usize * slices as usize;
        let (reals, mask) = rest.split_at_checked(4 * count).ok_or("too short")?;
        let voxels = reals.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        Ok(Self { grid, voxels: Arc::new(voxels), mask: Arc::new(mask.to_vec()) })
    }

    fn slab<T: Copy>(&self, all: &[T], first: u32, count: u32) -> Result<Arc<[T]>, Fault> {
        let plane = self.grid.columns as usize * self.grid.rows as usize;
        let at = |slice: u32| slice as usize * plane;
        all.get(at(first)..at(first.saturating_add(count))).map(Arc::from).ok_or(Fault::OutOfRange)
    }
}

impl Patient for Scan {
    fn column(&self, _: &str) -> Result<Value, Fault> {
        Err(Fault::Absent)
    }

    fn series(&self) -> Vec<SeriesInfo> {
        vec![SeriesInfo { modality: "CT".into(), unit: "1".into(), grid: self.grid, integral: false }]
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
        Ok(Arc::new(self.clone()))
    }

    fn open_mask_cost(&self, _: u32, _: &str) -> u64 {
        0
    }
}

impl Volume for Scan {
    fn grid(&self) -> Grid {
        self.grid
    }

    fn integral(&self) -> bool {
        false
    }

    fn opening_cost(&self) -> u64 {
        0
    }

    fn slab_cost(&self, _: u32, _: u32) -> u64 {
        0
    }

    fn read_s16(&self, _: u32, _: u32) -> Result<Arc<[i16]>, Fault> {
        Err(Fault::Unsupported)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        self.slab(&self.voxels, first, count)
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

impl Mask for Scan {
    fn grid(&self) -> Grid {
        self.grid
    }

    fn opening_cost(&self) -> u64 {
        0
    }

    fn slab_cost(&self, _: u32) -> u64 {
        0
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        self.slab(&self.mask, first, count)
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Mask>, Fault> {
        Err(Fault::Unsupported)
    }
}
