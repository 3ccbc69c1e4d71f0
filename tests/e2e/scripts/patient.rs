use std::sync::Arc;
use trocar_terms::{Fault, Grid, Mask, Patient, SeriesInfo, Value, Volume};

const GRID: Grid = Grid { columns: 40, rows: 30, slices: 7, spacing_mm: (2.0, 2.0, 2.5) };
const VOXELS: usize = 40 * 30 * 7;

/// A made patient: two CT series, one PET, a segmentation on the first of each. Patient 0 has no segmentation, patient 1 no body.
/// Values are quarters, so that their sums are the same in any order.
#[derive(Debug, Clone, Copy)]
pub struct Made(u32);

impl Made {
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    fn series_of(modality: &str) -> SeriesInfo {
        let (unit, integral) = if modality == "CT" { ("[hnsf'U]", true) } else { ("g/mL", false) };
        SeriesInfo { modality: modality.into(), unit: unit.into(), grid: GRID, integral }
    }

    fn quarter(self, at: usize, salt: u32) -> u32 {
        let mixed = (at as u32).wrapping_mul(2_654_435_761).wrapping_add(self.0 * 7919 + salt);
        (mixed ^ (mixed >> 15)) % 4001
    }
}

impl Patient for Made {
    fn column(&self, _: &str) -> Result<Value, Fault> {
        Ok(Value::Missing)
    }

    fn series(&self) -> Vec<SeriesInfo> {
        ["CT", "PT", "CT"].map(Self::series_of).to_vec()
    }

    fn attribute(&self, _: u32, _: &str) -> Result<Value, Fault> {
        Err(Fault::Absent)
    }

    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault> {
        let whole = |at| if self.0 == 1 { -1000 } else { self.quarter(at, series) as i16 - 1000 };
        match series {
            0 | 2 => Ok(Arc::new(Whole((0..VOXELS).map(whole).collect()))),
            1 => Ok(Arc::new(Real((0..VOXELS).map(|at| self.quarter(at, 1) as f32 / 4.0).collect()))),
            _ => Err(Fault::OutOfRange),
        }
    }

    fn open_cost(&self, _: u32) -> u64 {
        10_000
    }

    fn open_on(&self, _: u32, _: u32) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Absent)
    }

    fn open_mask(&self, series: u32, label: &str) -> Result<Arc<dyn Mask>, Fault> {
        if self.0 == 0 || !matches!((series, label), (0, "Lesion") | (1, "GTV_Mass_PET")) {
            return Err(Fault::Absent);
        }
        let inside = |at: usize| u8::from((at % 40) as u32 > 30 - self.0 && at.is_multiple_of(3));
        Ok(Arc::new(Marks((0..VOXELS).map(inside).collect())))
    }

    fn open_mask_cost(&self, _: u32, _: &str) -> u64 {
        10_000
    }
}

struct Whole(Arc<[i16]>);
struct Real(Arc<[f32]>);
struct Marks(Arc<[u8]>);

fn slab<T: Clone>(all: &[T], first: u32, count: u32) -> Result<Arc<[T]>, Fault> {
    let place = |slice: u32| slice as usize * (VOXELS / 7);
    let end = first.checked_add(count).ok_or(Fault::OutOfRange)?;
    all.get(place(first)..place(end)).map(Arc::from).ok_or(Fault::OutOfRange)
}

impl Volume for Whole {
    fn grid(&self) -> Grid {
        GRID
    }

    fn integral(&self) -> bool {
        true
    }

    fn opening_cost(&self) -> u64 {
        10_000
    }

    fn slab_cost(&self, _: u32, _: u32) -> u64 {
        10_000
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        slab(&self.0, first, count)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        Ok(slab(&self.0, first, count)?.iter().map(|voxel| f32::from(*voxel)).collect())
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

impl Volume for Real {
    fn grid(&self) -> Grid {
        GRID
    }

    fn integral(&self) -> bool {
        false
    }

    fn opening_cost(&self) -> u64 {
        10_000
    }

    fn slab_cost(&self, _: u32, _: u32) -> u64 {
        10_000
    }

    fn read_s16(&self, _: u32, _: u32) -> Result<Arc<[i16]>, Fault> {
        Err(Fault::Unsupported)
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        slab(&self.0, first, count)
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

impl Mask for Marks {
    fn grid(&self) -> Grid {
        GRID
    }

    fn opening_cost(&self) -> u64 {
        10_000
    }

    fn slab_cost(&self, _: u32) -> u64 {
        10_000
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        slab(&self.0, first, count)
    }

    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Mask>, Fault> {
        Err(Fault::Unsupported)
    }
}
