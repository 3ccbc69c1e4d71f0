use super::{Refused, shape::Shape};
use std::ops::Range;

/// A box of voxels within a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Columns.
    pub columns: Range<usize>,
    /// Rows.
    pub rows: Range<usize>,
    /// Slices.
    pub slices: Range<usize>,
}

impl Region {
    /// All of a volume.
    #[must_use]
    pub const fn whole(shape: Shape) -> Self {
        Self { columns: 0..shape.columns, rows: 0..shape.rows, slices: 0..shape.slices }
    }

    /// Its own shape; a side is 0 where nothing is in it.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape::new(self.columns.len(), self.rows.len(), self.slices.len())
    }

    /// With so many voxels more to each side of an axis, as far as the volume goes.
    #[must_use]
    pub fn grown(&self, by: [usize; 3], within: Shape) -> Self {
        let more = |range: &Range<usize>, by: usize, end: usize| {
            range.start.saturating_sub(by)..range.end.saturating_add(by).min(end)
        };
        Self {
            columns: more(&self.columns, by[0], within.columns),
            rows: more(&self.rows, by[1], within.rows),
            slices: more(&self.slices, by[2], within.slices),
        }
    }

    /// The smallest box round both.
    fn with(self, other: Self) -> Self {
        let both = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            columns: both(self.columns, other.columns),
            rows: both(self.rows, other.rows),
            slices: both(self.slices, other.slices),
        }
    }

    /// Appends the voxels of this box that lie in a slab of whole slices, the first of which is slice `first` of the volume.
    /// The slices of the box must come in order.
    ///
    /// # Errors
    /// The slab is not as long as its shape says, or the box is wider than it.
    pub fn cut<T: Copy>(
        &self,
        slab: &[T],
        shape: Shape,
        first: usize,
        into: &mut Vec<T>,
    ) -> Result<(), Refused> {
        shape.of(slab)?;
        if self.columns.end > shape.columns || self.rows.end > shape.rows {
            return Err(Refused::Size);
        }
        let last = first.saturating_add(shape.slices);
        for z in self.slices.start.max(first)..self.slices.end.min(last) {
            for y in self.rows.clone() {
                into.extend_from_slice(&shape.row(slab, y, z - first)[self.columns.clone()]);
            }
        }
        Ok(())
    }
}

/// The smallest box round all marks, slab by slab.
#[derive(Debug, Clone, Default)]
pub struct Bounds(Option<Region>);

impl Bounds {
    /// Adds a slab of whole slices, the first of which is slice `first` of the volume.
    ///
    /// # Errors
    /// The slab is not as long as its shape says.
    pub fn add(&mut self, marks: &[u8], shape: Shape, first: usize) -> Result<(), Refused> {
        shape.of(marks)?;
        let marked = |mark: &u8| *mark == 1;
        for (at, row) in marks.chunks_exact(shape.columns).enumerate() {
            let (Some(left), Some(right)) = (row.iter().position(marked), row.iter().rposition(marked))
            else {
                continue;
            };
            let (y, z) = (at % shape.rows, at / shape.rows + first);
            let row = Region { columns: left..right + 1, rows: y..y + 1, slices: z..z + 1 };
            self.0 = Some(match self.0.take() {
                Some(all) => all.with(row),
                None => row,
            });
        }
        Ok(())
    }

    /// The box; `None` without a mark.
    #[must_use]
    pub fn region(self) -> Option<Region> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::new(5, 4, 6);

    #[test]
    fn a_box_is_cut_out_of_slabs_of_any_height() {
        let volume: Vec<u32> = (0..120).collect();
        let region = Region { columns: 1..4, rows: 2..4, slices: 1..5 };
        let want: Vec<u32> =
            (1..5).flat_map(|z| (2..4).flat_map(move |y| (1..4).map(move |x| z * 20 + y * 5 + x))).collect();
        for step in 1..=6 {
            let mut found = Vec::new();
            for (slab, first) in volume.chunks(20 * step).zip((0..).step_by(step)) {
                let shape = Shape { slices: slab.len() / 20, ..SHAPE };
                region.cut(slab, shape, first, &mut found).unwrap();
            }
            assert_eq!(found, want, "slabs of {step}");
        }
    }

    #[test]
    fn bounds_are_those_of_all_slabs_and_grow_as_far_as_the_volume() {
        let mut marks = [0; 120];
        (marks[20 + 5 + 2], marks[80 + 15 + 3]) = (1, 1);
        let mut bounds = Bounds::default();
        marks.chunks(40).zip([0, 2, 4]).for_each(|(slab, first)| {
            bounds.add(slab, Shape { slices: 2, ..SHAPE }, first).unwrap();
        });
        let found = bounds.region().unwrap();
        assert_eq!(found, Region { columns: 2..4, rows: 1..4, slices: 1..5 });
        assert_eq!(found.shape(), Shape::new(2, 3, 4));
        assert_eq!(found.grown([1, 9, 9], SHAPE), Region { columns: 1..5, rows: 0..4, slices: 0..6 });
        assert_eq!(Bounds::default().region(), None);
    }

    #[test]
    fn a_box_that_is_wider_than_its_slab_is_refused() {
        let region = Region { columns: 0..6, rows: 0..1, slices: 0..1 };
        assert_eq!(region.cut(&[0; 120], SHAPE, 0, &mut Vec::new()), Err(Refused::Size));
        assert_eq!(Region::whole(SHAPE).cut(&[0; 119], SHAPE, 0, &mut Vec::new()), Err(Refused::Length));
        assert!(Bounds::default().add(&[1; 119], SHAPE, 0).is_err());
    }
}
