use crate::bindings::exports::trocar::kernels::statistics::{Region, Selection};
use trocar_guest::{Fault, Grid};

/// A selection that lies inside its volume.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selected {
    pub(crate) columns: (usize, usize),
    pub(crate) rows: (usize, usize),
    pub(crate) slices: (u32, u32),
    /// Columns and rows of the volume.
    pub(crate) plane: (usize, usize),
    at_least: Option<f64>,
    below: Option<f64>,
}

impl Selected {
    /// Out of range where the region reaches beyond the grid.
    pub(crate) fn new(of: &Selection, grid: &Grid) -> Result<Self, Fault> {
        let whole = Region { first: (0, 0, 0), size: (grid.columns, grid.rows, grid.slices) };
        let Region { first, size } = of.region.unwrap_or(whole);
        let size_of = |n: u32| usize::try_from(n).map_err(|_| Fault::OutOfRange);
        let (columns, rows) = (span(first.0, size.0, grid.columns)?, span(first.1, size.1, grid.rows)?);
        Ok(Self {
            columns: (size_of(columns.0)?, size_of(columns.1)?),
            rows: (size_of(rows.0)?, size_of(rows.1)?),
            slices: span(first.2, size.2, grid.slices)?,
            plane: (size_of(grid.columns)?, size_of(grid.rows)?),
            at_least: of.at_least,
            below: of.below,
        })
    }

    /// Whether its values have limits.
    pub(crate) const fn limited(&self) -> bool {
        self.at_least.is_some() || self.below.is_some()
    }

    /// Whether a value lies within the limits.
    #[inline]
    pub(crate) fn keeps(&self, value: f64) -> bool {
        self.at_least.is_none_or(|low| value >= low) && self.below.is_none_or(|high| value < high)
    }

    /// Stretches of neighbouring voxels of a slab, as offset and length: one where whole slices are selected, else one a row.
    pub(crate) fn runs(&self, slices: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (columns, rows) = self.plane;
        let whole = self.columns == (0, columns) && self.rows == (0, rows);
        let all = whole.then_some((0, slices * rows * columns));
        let width = self.columns.1 - self.columns.0;
        let lines = (0..if whole { 0 } else { slices }).flat_map(move |slice| {
            let (first, end) = self.rows;
            (first..end).map(move |row| ((slice * rows + row) * columns + self.columns.0, width))
        });
        all.into_iter().chain(lines)
    }
}

fn span(first: u32, size: u32, whole: u32) -> Result<(u32, u32), Fault> {
    let end = first.checked_add(size).filter(|end| *end <= whole).ok_or(Fault::OutOfRange)?;
    Ok((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { columns: 4, rows: 3, slices: 2, spacing_mm: (1.0, 1.0, 1.0) };

    fn within(first: (u32, u32, u32), size: (u32, u32, u32)) -> Result<Selected, Fault> {
        let region = Some(Region { first, size });
        Selected::new(&Selection { region, at_least: None, below: None }, &GRID)
    }

    #[test]
    fn a_region_is_a_run_a_row_and_the_whole_plane_is_one_run() {
        let some = within((1, 1, 0), (2, 2, 2)).unwrap();
        assert_eq!(some.runs(2).collect::<Vec<_>>(), [(5, 2), (9, 2), (17, 2), (21, 2)]);
        let all = within((0, 0, 1), (4, 3, 1)).unwrap();
        assert_eq!((all.runs(1).collect::<Vec<_>>(), all.slices), (vec![(0, 12)], (1, 2)));
    }

    #[test]
    fn a_region_that_reaches_outside_is_out_of_range() {
        for (first, size) in [((4, 0, 0), (1, 1, 1)), ((0, 0, 0), (4, 3, 3)), ((1, 0, 0), (u32::MAX, 1, 1))] {
            assert_eq!(within(first, size), Err(Fault::OutOfRange), "{first:?} {size:?}");
        }
        assert_eq!(within((4, 3, 2), (0, 0, 0)).unwrap().runs(0).count(), 0);
    }

    #[test]
    fn limits_hold_their_lower_end_and_keep_nothing_that_is_not_a_number() {
        let of = Selection { region: None, at_least: Some(1.0), below: Some(2.0) };
        let limits = Selected::new(&of, &GRID).unwrap();
        assert!(limits.limited());
        assert_eq!(
            [0.9, 1.0, 1.9, 2.0, f64::NAN].map(|v| limits.keeps(v)),
            [false, true, true, false, false]
        );
        assert!(within((0, 0, 0), (1, 1, 1)).unwrap().keeps(f64::NAN));
    }
}
