use super::*;
use crate::{cost, mask::GridMask};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use trocar_terms::{Mask, Volume};

/// Voxels that count upwards, or are a plane: value = 2 i + 3 j + 5 k.
struct Ramp(Grid);

impl Volume for Ramp {
    fn grid(&self) -> Grid {
        self.0
    }
    fn integral(&self) -> bool {
        false
    }
    fn opening_cost(&self) -> u64 {
        7
    }
    fn slab_cost(&self, _: u32, count: u32) -> u64 {
        1_000 * u64::from(count)
    }
    fn read_s16(&self, _: u32, _: u32) -> Result<Arc<[i16]>, Fault> {
        Err(Fault::Unsupported)
    }
    fn read_f32(&self, first: u32, count: u32) -> Result<Arc<[f32]>, Fault> {
        let mut voxels = Vec::new();
        for k in slab(self.0, first, count, 4)? {
            let row = |j: u32| (0..self.0.columns).map(move |i| (2 * i + 3 * j + 5 * k) as f32);
            voxels.extend((0..self.0.rows).flat_map(row));
        }
        Ok(voxels.into())
    }
    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

/// The voxels whose column is even.
struct Stripes(Grid);

impl Mask for Stripes {
    fn grid(&self) -> Grid {
        self.0
    }

    fn opening_cost(&self) -> u64 {
        0
    }
    fn slab_cost(&self, _: u32) -> u64 {
        0
    }
    fn read(&self, first: u32, count: u32) -> Result<Arc<[u8]>, Fault> {
        let slice =
            |_| (0..self.0.columns * self.0.rows).map(|n| u8::from((n % self.0.columns).is_multiple_of(2)));
        Ok(slab(self.0, first, count, 1)?.flat_map(slice).collect())
    }
    fn resampled(self: Arc<Self>, to: Grid) -> Result<Arc<dyn Mask>, Fault> {
        nearest(self, to)
    }
}

fn grid(columns: u32, rows: u32, slices: u32, spacing_mm: (f64, f64, f64)) -> Grid {
    Grid { columns, rows, slices, spacing_mm }
}

fn lattice(grid: Grid, origin: [f64; 3], angle: f64) -> Lattice {
    let (s, c) = angle.sin_cos();
    let (x, y, z) = grid.spacing_mm;
    Lattice {
        size: [grid.columns, grid.rows, grid.slices],
        origin,
        directions: [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]],
        spacing: [x, y, z],
    }
}

const SMALL: Grid = Grid { columns: 6, rows: 5, slices: 4, spacing_mm: (1.0, 2.0, 3.0) };

fn onto(to: Grid) -> Resampled {
    let from = lattice(SMALL, [10.0, -20.0, 30.0], 0.3);
    Resampled::new(Arc::new(Ramp(SMALL)), from, centred(&from, to).unwrap(), -1000.0).unwrap()
}

#[test]
fn a_volume_on_its_own_grid_is_itself() {
    let (ours, theirs) = (onto(SMALL).read_f32(0, 4).unwrap(), Ramp(SMALL).read_f32(0, 4).unwrap());
    ours.iter().zip(theirs.iter()).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
}

#[test]
fn a_plane_stays_a_plane_between_its_voxels() {
    // Twice as many voxels at half the spacing: their centres lie a quarter of a voxel from the old ones.
    let fine = onto(grid(12, 10, 8, (0.5, 1.0, 1.5)));
    let voxels = fine.read_f32(0, 8).unwrap();
    let at = |i: usize, j: usize, k: usize| f64::from(voxels[(k * 10 + j) * 12 + i]);
    // Inside, where nothing is clamped to an edge.
    let value = |n: f64| n / 2.0 - 0.25;
    for (i, j, k) in [(1, 1, 1), (4, 7, 3), (10, 8, 6)] {
        let expected = 2.0 * value(i as f64) + 3.0 * value(j as f64) + 5.0 * value(k as f64);
        assert!((at(i, j, k) - expected).abs() < 1e-5, "{i} {j} {k}: {} {expected}", at(i, j, k));
    }
}

#[test]
fn beyond_half_a_voxel_there_is_air() {
    let wide = onto(grid(10, 5, 4, (1.0, 2.0, 3.0)));
    let row: Vec<f32> = wide.read_f32(0, 1).unwrap()[..10].to_vec();
    assert_eq!(row[..2], [-1000.0, -1000.0]);
    assert!(row[2].abs() < 1e-5 && row[8] == -1000.0, "{row:?}");
}

#[test]
fn a_grid_of_nothing_without_end_or_too_wide_for_a_slab_is_refused() {
    let from = lattice(SMALL, [0.0; 3], 0.0);
    let unit = (1.0, 1.0, 1.0);
    for bad in [
        grid(0, 5, 4, unit),
        grid(5, 0, 4, unit),
        grid(5, 5, 0, unit),
        grid(5, 5, 20_001, unit),
        grid(1024, 513, 1, unit),
        grid(u32::MAX, u32::MAX, 1, unit),
        grid(5, 5, 5, (0.0, 1.0, 1.0)),
        grid(5, 5, 5, (1.0, f64::NAN, 1.0)),
        grid(5, 5, 5, (1.0, 1.0, f64::INFINITY)),
        grid(5, 5, 5, (-1.0, 1.0, 1.0)),
    ] {
        assert!(centred(&from, bad).is_none(), "{bad:?}");
    }
    assert!(centred(&from, grid(1024, 512, 20_000, unit)).is_some());
}

#[test]
fn slices_beyond_the_grid_and_slabs_over_2_mib_are_out_of_range() {
    let ours = onto(grid(512, 512, 8, (0.1, 0.1, 1.0)));
    assert_eq!(ours.read_f32(0, 3), Err(Fault::OutOfRange));
    assert_eq!(ours.read_f32(8, 1), Err(Fault::OutOfRange));
    assert_eq!(ours.read_f32(u32::MAX, 2), Err(Fault::OutOfRange));
    assert_eq!(ours.read_s16(0, 1), Err(Fault::Unsupported));
    assert!(ours.read_f32(7, 1).is_ok());
}

#[test]
fn the_price_does_not_depend_on_what_was_read_before() {
    let ours = onto(grid(12, 10, 8, (0.5, 1.0, 1.5)));
    let before = ours.slab_cost(3, 2);
    let _ = ours.read_f32(3, 2).unwrap();
    assert_eq!(ours.slab_cost(3, 2), before);
    assert!(before >= 2 * 2 * 1_000, "both source slices of each slice are paid for: {before}");
    assert_eq!(ours.opening_cost(), 7 + 4 * cost::PRICED_SLICE);
    // Slice 3 of eight lies between the source's slices 1 and 2, at depth (3.5 / 2) - 0.5.
    let slices = |n: u64| n * (1_000 + 30 * 4 * SOURCE_BYTE + cost::RUN);
    assert_eq!(ours.slab_cost(3, 1), slices(2) + 12 * 10 * 64);
    assert_eq!(ours.slab_cost(0, 8), (0..8).map(|k| ours.slab_cost(k, 1)).sum::<u64>());
}

/// Ten thousand slices of one voxel, and how often they were asked for a price.
struct Thin(AtomicU32);

impl Volume for Thin {
    fn grid(&self) -> Grid {
        grid(1, 1, 10_000, (1.0, 1.0, 1.0))
    }
    fn integral(&self) -> bool {
        false
    }
    fn opening_cost(&self) -> u64 {
        0
    }
    fn slab_cost(&self, _: u32, count: u32) -> u64 {
        self.0.fetch_add(1, Relaxed);
        50 * u64::from(count)
    }
    fn read_s16(&self, _: u32, _: u32) -> Result<Arc<[i16]>, Fault> {
        Err(Fault::Unsupported)
    }
    fn read_f32(&self, first: u32, _: u32) -> Result<Arc<[f32]>, Fault> {
        Ok([first as f32].into())
    }
    fn resampled(self: Arc<Self>, _: Grid) -> Result<Arc<dyn Volume>, Fault> {
        Err(Fault::Unsupported)
    }
}

#[test]
fn the_price_of_slices_that_each_need_every_slice_of_the_source_is_found_soon() {
    let thin = Arc::new(Thin(AtomicU32::new(0)));
    let from = lattice(thin.grid(), [0.0; 3], 0.0);
    // Columns of this grid run along the source's slices.
    let mut to = lattice(grid(10_000, 1, 10_000, (1.0, 1.0, 1.0)), [0.0; 3], 0.0);
    to.directions = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    let ours = Resampled::new(Arc::<Thin>::clone(&thin), from, to, 0.0).unwrap();
    let asked = thin.0.swap(0, Relaxed);
    assert!(u64::from(asked) * 100 <= ours.opening_cost(), "{asked}");
    let price = ours.slab_cost(0, 10_000);
    assert!(thin.0.load(Relaxed) <= 10_000);
    let slice = 10_000 * (50 + 4 * SOURCE_BYTE + cost::RUN) + 10_000 * 64;
    assert_eq!(price, 10_000 * slice);
    // What is kept is few, however small it is.
    assert_eq!(ours.read_f32(0, 1).unwrap()[..3], [0.0, 1.0, 2.0]);
    assert_eq!(ours.kept_slices(), 64);
}

#[test]
fn a_mask_takes_the_nearest_voxel_and_nothing_outside() {
    let fine = nearest(Arc::new(Stripes(SMALL)), grid(12, 5, 4, (0.5, 2.0, 3.0))).unwrap();
    assert_eq!(fine.read(1, 1).unwrap()[..12], [1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
    let wide = nearest(Arc::new(Stripes(SMALL)), grid(8, 5, 6, (1.0, 2.0, 3.0))).unwrap();
    assert_eq!(wide.read(0, 1).unwrap().iter().map(|v| u32::from(*v)).sum::<u32>(), 0);
    assert_eq!(wide.read(1, 1).unwrap()[..8], [0, 1, 0, 1, 0, 1, 0, 0]);
    assert_eq!(Arc::clone(&fine).resampled(SMALL).err(), Some(Fault::Unsupported));
    // One voxel wanted, but a slice of thirty is read.
    let point = nearest(Arc::new(Stripes(SMALL)), grid(1, 1, 4, (1.0, 2.0, 3.0))).unwrap();
    assert_eq!(point.slab_cost(2), 2 * (30 * SOURCE_BYTE + cost::MASK_SLICE));
    let empty = GridMask::new(&lattice(SMALL, [0.0; 3], 0.0)).unwrap();
    assert_eq!(empty.slab_cost(4), 4 * cost::MASK_SLICE);
}
