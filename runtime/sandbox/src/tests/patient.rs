use std::sync::Arc;
use trocar_terms::{Fault, Grid, Mask, Patient, SeriesInfo, Value, Volume};

/// A patient with a CT, an MR and a PET series, each of 4 x 2 x 3 voxels that count upwards, and a CT of 1024 x 1024
/// x 2 voxels.
pub(super) struct Fake;

struct Counting {
    grid: Grid,
    integral: bool,
}

/// Prices of this patient.
pub(super) const OPEN: u64 = 10_000_000;
pub(super) const OPENING: u64 = 1_000_000;
pub(super) const SLICE: u64 = 100_000;

const SMALL: Grid = Grid { columns: 4, rows: 2, slices: 3, spacing_mm: (0.5, 0.75, 2.0) };
const LARGE: Grid = Grid { columns: 1024, rows: 1024, slices: 2, spacing_mm: (1.0, 1.0, 1.0) };

const SERIES: [(&str, &str, Grid, bool); 4] = [
    ("CT", "[hnsf'U]", SMALL, true),
    ("MR", "1", SMALL, true),
    ("PT", "g/mL", SMALL, false),
    ("CT", "[hnsf'U]", LARGE, true),
];

impl Patient for Fake {
    fn column(&self, name: &str) -> Result<Value, Fault> {
        match name {
            "age_years" => Ok(Value::Integer(61)),
            "sex" => Ok(Value::Text("F".into())),
            "secret" => Ok(Value::Real(6.5)),
            _ => Err(Fault::Absent),
        }
    }

    fn series(&self) -> Vec<SeriesInfo> {
        let info = |(modality, unit, grid, integral): (&str, &str, Grid, bool)| SeriesInfo {
            modality: modality.into(),
            unit: unit.into(),
            grid,
            integral,
        };
        SERIES.into_iter().map(info).collect()
    }

    fn attribute(&self, series: u32, keyword: &str) -> Result<Value, Fault> {
        let (modality, ..) = SERIES.get(series as usize).ok_or(Fault::OutOfRange)?;
        if keyword == "Manufacturer" { Ok(Value::Text((*modality).into())) } else { Err(Fault::Absent) }
    }

    fn open(&self, series: u32) -> Result<Arc<dyn Volume>, Fault> {
        let (.., grid, integral) = *SERIES.get(series as usize).ok_or(Fault::OutOfRange)?;
        Ok(Arc::new(Counting { grid, integral }))
    }

    /// Real series differ in frame of reference: here only the CT and the PET share one.
    fn open_on(&self, series: u32, like: u32) -> Result<Arc<dyn Volume>, Fault> {
        let (.., grid, _) = *SERIES.get(like as usize).ok_or(Fault::OutOfRange)?;
        let shared = [0, 2].contains(&series) && [0, 2].contains(&like);
        if shared { Ok(Arc::new(Counting { grid, integral: false })) } else { Err(Fault::Absent) }
    }

    fn open_cost(&self, series: u32) -> u64 {
        OPEN + u64::from(series)
    }

    fn open_mask(&self, series: u32, label: &str) -> Result<Arc<dyn Mask>, Fault> {
        let (.., grid, _) = *SERIES.get(series as usize).ok_or(Fault::OutOfRange)?;
        if label == "liver" { Ok(Arc::new(Odd(grid))) } else { Err(Fault::Absent) }
    }

    fn open_mask_cost(&self, _: u32, label: &str) -> u64 {
        if label == "liver" { OPEN } else { 0 }
    }
}

/// Every second voxel of a grid.
struct Odd(Grid);

impl Mask for Odd {
    fn grid(&self) -> Grid {
        self.0
    }

    fn slab_cost(&self, count: u32) -> u64 {
        SLICE * u64::from(count)
    }

    fn opening_cost(&self) -> u64 {
        OPENING
    }

    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        let slice = self.0.columns * self.0.rows;
        Ok((first * slice..(first + count) * slice).map(|i| u8::from(i % 2 == 1)).collect())
    }

    fn resampled(self: Arc<Self>, grid: Grid) -> Result<Arc<dyn Mask>, Fault> {
        Ok(Arc::new(Self(grid)))
    }
}

impl Counting {
    fn voxels<T>(&self, first: u32, count: u32, voxel: impl Fn(u16) -> T) -> Arc<[T]> {
        let slice = self.grid.columns * self.grid.rows;
        (first * slice..(first + count) * slice).map(|i| voxel(u16::try_from(i % 1000).unwrap())).collect()
    }
}

impl Volume for Counting {
    fn grid(&self) -> Grid {
        self.grid
    }

    fn integral(&self) -> bool {
        self.integral
    }

    fn opening_cost(&self) -> u64 {
        OPENING
    }

    fn slab_cost(&self, _: u32, count: u32) -> u64 {
        SLICE * u64::from(count)
    }

    fn read_s16(&self, first: u32, count: u32) -> Result<Arc<[i16]>, Fault> {
        let voxel = |i| i16::try_from(i).unwrap() - 10;
        if self.integral { Ok(self.voxels(first, count, voxel)) } else { Err(Fault::Unsupported) }
    }

    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        Ok(self.voxels(first, count, |i| f32::from(i) + 0.5))
    }

    fn resampled(self: Arc<Self>, grid: Grid) -> Result<Arc<dyn Volume>, Fault> {
        if grid.slices == 0 { Err(Fault::OutOfRange) } else { Ok(Arc::new(Self { grid, integral: false })) }
    }
}
