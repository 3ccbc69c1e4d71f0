//! Parts of a volume: slabs with a halo, boxes, and slabs of a mask. Whatever reads is handed in, so that all of this runs
//! without a host too.

use crate::kernels::{Bounds, Region, Shape};
use crate::slabs::slices_a_slab;
use crate::{Failure, Fault, Grid, Mask, SeriesInfo, Slab, Volume, Voxels};
use std::ops::Range;

/// A volume of so many voxels.
impl From<&Grid> for Shape {
    fn from(grid: &Grid) -> Self {
        Self::new(grid.columns as usize, grid.rows as usize, grid.slices as usize)
    }
}

/// Some slices with those to either side of them that a filter needs.
#[derive(Debug)]
pub struct Window<'a> {
    /// All of them, as reals.
    pub voxels: &'a [f32],
    /// Their shape.
    pub shape: Shape,
    /// Index of the first slice in the volume.
    pub first: u32,
    /// The slices that are not halo, counted from `first`: what `Separable::apply_to` and `Kernel::apply_to` take.
    pub own: Range<usize>,
}

/// A volume slab by slab, with a halo of slices that overlap. Each slice is read once and held as long as it is needed.
#[derive(Debug)]
pub struct Windows<R> {
    read: R,
    shape: Shape,
    halo: usize,
    step: usize,
    voxels: Vec<f32>,
    /// Voxels at the front that are not needed any more.
    done: usize,
    /// Slices that are held behind them.
    held: Range<usize>,
    next: usize,
}

impl<R: FnMut(u32, u32) -> Result<Vec<f32>, Fault>> Windows<R> {
    /// Over the slices of a grid, read by `read(first, count)`, with `halo` slices to either side as far as there are any.
    pub fn new(read: R, grid: &Grid, halo: usize) -> Self {
        let step = slices_a_slab(grid, 4) as usize;
        Self { read, shape: grid.into(), halo, step, voxels: Vec::new(), done: 0, held: 0..0, next: 0 }
    }

    /// The next window; `None` after the last one.
    ///
    /// # Errors
    /// What the host answers instead of slices.
    pub fn advance(&mut self) -> Result<Option<Window<'_>>, Fault> {
        let own = self.next..(self.next + self.step).min(self.shape.slices);
        if own.is_empty() {
            return Ok(None);
        }
        let wanted = own.start.saturating_sub(self.halo)..(own.end + self.halo).min(self.shape.slices);
        self.hold(wanted)?;
        self.next = own.end;
        let shape = Shape { slices: self.held.len(), ..self.shape };
        let own = own.start - self.held.start..own.end - self.held.start;
        Ok(Some(Window { voxels: &self.voxels[self.done..], shape, first: number(self.held.start), own }))
    }

    /// Lets go of slices that lie before, reads those that are missing.
    fn hold(&mut self, wanted: Range<usize>) -> Result<(), Fault> {
        let plane = self.shape.columns * self.shape.rows;
        self.done += (wanted.start - self.held.start) * plane;
        self.held.start = wanted.start;
        // Only when they are half of all: else each slice would be moved as often as there are windows over it.
        if 2 * self.done >= self.voxels.len() {
            self.voxels.drain(..self.done);
            self.done = 0;
        }
        while self.held.end < wanted.end {
            let count = self.step.min(wanted.end - self.held.end);
            self.voxels.extend((self.read)(number(self.held.end), number(count))?);
            self.held.end += count;
        }
        Ok(())
    }
}

/// The grid's own numbers have 32 bits.
fn number(slice: usize) -> u32 {
    u32::try_from(slice).unwrap_or(u32::MAX)
}

/// Reads a box slab by slab.
fn boxed<T: Copy>(
    grid: &Grid,
    region: &Region,
    step: u32,
    mut read: impl FnMut(u32, u32) -> Result<Vec<T>, Fault>,
) -> Result<Vec<T>, Failure> {
    // Reserved at once: what grows step by step is copied, and leaves more memory touched than it takes.
    let most = Shape::from(grid).voxels()?;
    let mut all = Vec::with_capacity(region.shape().voxels().map_or(0, |voxels| voxels.min(most)));
    let last = number(region.slices.end);
    for first in (number(region.slices.start)..last).step_by(step as usize) {
        let count = step.min(last - first);
        let shape = Shape { slices: count as usize, ..grid.into() };
        region.cut(&read(first, count)?, shape, first as usize, &mut all)?;
    }
    Ok(all)
}

impl Volume {
    /// Slabs of reals with a halo: what filters in three dimensions go over.
    pub fn windows(
        &self,
        series: &SeriesInfo,
        halo: usize,
    ) -> Windows<impl FnMut(u32, u32) -> Result<Vec<f32>, Fault>> {
        Windows::new(|first, count| self.read_f32(first, count), &series.grid, halo)
    }

    /// The voxels of a box, as reals.
    ///
    /// # Errors
    /// What the host answers instead of slices; a box that is wider than the volume.
    pub fn region(&self, series: &SeriesInfo, region: &Region) -> Result<Vec<f32>, Failure> {
        let step = slices_a_slab(&series.grid, 4);
        boxed(&series.grid, region, step, |first, count| self.read_f32(first, count))
    }

    /// The slabs in which a mask of the same series has any voxel, each with the mask's slices. No other is read.
    pub fn slabs_inside<'a>(
        &'a self,
        series: &'a SeriesInfo,
        mask: &'a Mask,
    ) -> impl Iterator<Item = Result<(Slab, Vec<u8>), Fault>> + 'a {
        marked(
            &series.grid,
            slices_a_slab(&series.grid, if series.integral { 2 } else { 4 }),
            |first, count| mask.read(first, count),
            |first, count| match series.integral {
                true => self.read_s16(first, count).map(Voxels::Whole),
                false => self.read_f32(first, count).map(Voxels::Real),
            },
        )
    }
}

/// It ends after the first error.
fn marked<'a>(
    grid: &Grid,
    step: u32,
    mut marks: impl FnMut(u32, u32) -> Result<Vec<u8>, Fault> + 'a,
    mut voxels: impl FnMut(u32, u32) -> Result<Voxels, Fault> + 'a,
) -> impl Iterator<Item = Result<(Slab, Vec<u8>), Fault>> + 'a {
    let (slices, mut ended) = (grid.slices, false);
    (0..slices).step_by(step as usize).filter_map(move |first| {
        let count = step.min(slices - first);
        if ended {
            return None;
        }
        let inside = match marks(first, count) {
            Ok(inside) if inside.contains(&1) => inside,
            Ok(_) => return None,
            Err(fault) => {
                ended = true;
                return Some(Err(fault));
            }
        };
        let slab = voxels(first, count).map(|voxels| (Slab { first, count, voxels }, inside));
        ended = slab.is_err();
        Some(slab)
    })
}

impl Mask {
    /// The smallest box round its voxels; `None` where it has none.
    ///
    /// # Errors
    /// What the host answers instead of its slices.
    pub fn bounds(&self) -> Result<Option<Region>, Failure> {
        let grid = self.grid();
        bounds(&grid, |first, count| self.read(first, count))
    }

    /// Its voxels in a box.
    ///
    /// # Errors
    /// What the host answers instead of its slices; a box that is wider than the mask.
    pub fn region(&self, region: &Region) -> Result<Vec<u8>, Failure> {
        let grid = self.grid();
        boxed(&grid, region, slices_a_slab(&grid, 1), |first, count| self.read(first, count))
    }
}

fn bounds(
    grid: &Grid,
    mut read: impl FnMut(u32, u32) -> Result<Vec<u8>, Fault>,
) -> Result<Option<Region>, Failure> {
    let (step, mut bounds) = (slices_a_slab(grid, 1), Bounds::default());
    for first in (0..grid.slices).step_by(step as usize) {
        let count = step.min(grid.slices - first);
        let shape = Shape { slices: count as usize, ..grid.into() };
        bounds.add(&read(first, count)?, shape, first as usize)?;
    }
    Ok(bounds.region())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Edge, Separable};

    /// Slices of 512 x 512 reals: one a slab.
    const GRID: Grid = Grid { columns: 512, rows: 512, slices: 7, spacing_mm: (1.0, 1.0, 1.0) };
    const PLANE: usize = 512 * 512;

    fn slices(first: u32, count: u32) -> Vec<f32> {
        (first..first + count)
            .flat_map(|z| (0..PLANE).map(move |i| (z * 10) as f32 + (i % 7) as f32))
            .collect()
    }

    #[test]
    fn windows_hold_their_halo_and_read_each_slice_once() {
        let mut asked = Vec::new();
        let read = |first, count| {
            asked.extend(first..first + count);
            Ok(slices(first, count))
        };
        let mut windows = Windows::new(read, &GRID, 2);
        for own in 0..7_usize {
            let window = windows.advance().unwrap().unwrap();
            let (from, to) = (own.saturating_sub(2), (own + 3).min(7));
            assert_eq!((window.first as usize, window.shape.slices), (from, to - from));
            assert_eq!(window.own, own - from..own - from + 1);
            assert_eq!(window.voxels.len(), (to - from) * PLANE);
            assert_eq!(window.voxels[window.own.start * PLANE], own as f32 * 10.0);
        }
        assert!(windows.advance().unwrap().is_none() && windows.advance().unwrap().is_none());
        assert_eq!(asked, (0..7).collect::<Vec<_>>());
    }

    #[test]
    fn a_filter_over_windows_is_the_filter_of_the_volume() {
        let filter = Separable::mean([1, 1, 1], Edge::Reflect).unwrap();
        let whole = filter.apply(&slices(0, 7), Shape::from(&GRID)).unwrap();
        let mut windows = Windows::new(|first, count| Ok(slices(first, count)), &GRID, filter.halo());
        let mut all = Vec::new();
        while let Some(window) = windows.advance().unwrap() {
            all.extend(filter.apply_to(window.voxels, window.shape, window.own).unwrap());
        }
        assert!(all == whole, "some voxel differs");
    }

    #[test]
    fn a_halo_wider_than_the_volume_holds_all_of_it() {
        let mut windows = Windows::new(|first, count| Ok(slices(first, count)), &GRID, 99);
        for own in 0..7 {
            let window = windows.advance().unwrap().unwrap();
            assert_eq!((window.first, window.shape.slices, window.own), (0, 7, own..own + 1));
        }
    }

    #[test]
    fn what_the_host_answers_instead_of_slices_is_handed_on() {
        let mut windows = Windows::new(|_, _| Err(Fault::Absent), &GRID, 1);
        assert_eq!(windows.advance().err(), Some(Fault::Absent));
        let refused: Result<Vec<f32>, _> =
            boxed(&GRID, &Region::whole((&GRID).into()), 1, |_, _| Err(Fault::Absent));
        assert_eq!(refused, Err(Failure::Host(Fault::Absent)));
        assert_eq!(bounds(&GRID, |_, _| Err(Fault::Absent)), Err(Failure::Host(Fault::Absent)));
    }

    #[test]
    fn a_box_asks_for_its_slices_alone() {
        let mut asked = Vec::new();
        let region = Region { columns: 3..5, rows: 7..8, slices: 2..6 };
        let found = boxed(&GRID, &region, 3, |first, count| {
            asked.push((first, count));
            Ok(slices(first, count))
        });
        let at = |z: usize, x: usize| z as f32 * 10.0 + ((7 * 512 + x) % 7) as f32;
        assert_eq!(found.unwrap(), (2..6).flat_map(|z| [at(z, 3), at(z, 4)]).collect::<Vec<_>>());
        assert_eq!(asked, [(2, 3), (5, 1)]);
    }

    fn marks(first: u32, count: u32) -> Vec<u8> {
        (first..first + count).flat_map(|z| (0..PLANE).map(move |i| u8::from(z == 4 && i == 513))).collect()
    }

    #[test]
    fn slabs_without_a_mark_are_not_read() {
        let mut read = Vec::new();
        let voxels = |first, count| {
            read.push(first);
            Ok(Voxels::Real(slices(first, count)))
        };
        let found: Vec<_> = marked(&GRID, 1, |a, b| Ok(marks(a, b)), voxels).collect();
        let (slab, inside) = found[0].as_ref().unwrap();
        assert_eq!((found.len(), slab.first, inside.iter().filter(|m| **m == 1).count()), (1, 4, 1));
        assert_eq!(read, [4]);
        let region = bounds(&GRID, |a, b| Ok(marks(a, b))).unwrap().unwrap();
        assert_eq!(region, Region { columns: 1..2, rows: 1..2, slices: 4..5 });
    }

    #[test]
    fn slabs_of_a_mask_end_with_the_first_error() {
        let failing =
            |first, count| if first > 1 { Err(Fault::Absent) } else { Ok(vec![1; PLANE * count as usize]) };
        let found: Vec<_> = marked(&GRID, 1, failing, |a, b| Ok(Voxels::Real(slices(a, b)))).collect();
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
        let broken: Vec<_> = marked(
            &GRID,
            1,
            |a, b| Ok(vec![1; PLANE * b as usize * usize::from(a < 9)]),
            |_, _| Err(Fault::Unsupported),
        )
        .collect();
        assert_eq!(broken.len(), 1);
    }
}
