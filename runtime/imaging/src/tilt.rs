//! Slices of a tilted gantry onto a straight grid.

use crate::{
    lattice::{Lattice, Point},
    resample::{between, rounded},
};

/// Units of fuel for a voxel of the grid: two products each way.
pub(crate) const VOXEL: u64 = 64;

/// A slice of `size` (columns, rows) whose first voxel is at `position`, moved within its plane onto the grid: linear
/// between voxels, `outside` beyond half a voxel from its edges.
pub(crate) fn moved(
    voxels: &[f32],
    size: [usize; 2],
    position: Point,
    lattice: &Lattice,
    outside: f32,
) -> Vec<f32> {
    let [across, down, _] = lattice.index(position);
    let [columns, rows, _] = lattice.size.map(|n| n as usize);
    let ([wide, tall], across, down) =
        (size, weights(columns, across, size[0]), weights(rows, down, size[1]));
    let mut out = Vec::with_capacity(columns.saturating_mul(rows));
    let at = |i: usize, j: usize| voxels.get(j * wide + i).copied().map(f64::from);
    debug_assert_eq!(voxels.len(), wide * tall, "a slice has the pixels that its header says");
    for row in &down {
        out.extend(across.iter().map(|column| {
            let voxel = column.zip(*row).and_then(|((i0, i1, u), (j0, j1, v))| {
                let line = |j| Some(at(i0, j)? * (1.0 - u) + at(i1, j)? * u);
                Some(line(j0)? * (1.0 - v) + line(j1)? * v)
            });
            voxel.map_or(outside, rounded)
        }));
    }
    out
}

/// Two neighbours of the source, and how far from the first to the second.
type Weight = Option<(usize, usize, f64)>;

/// For each of `count` voxels of the grid, where it falls in a row of `size` that begins at `shift`.
fn weights(count: usize, shift: f64, size: usize) -> Vec<Weight> {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let weight = |n: usize| {
        let (below, above, share) = between(n as f64 - shift, size)?;
        Some((below as usize, above as usize, share))
    };
    (0..count).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lattice(columns: u32, rows: u32) -> Lattice {
        Lattice {
            size: [columns, rows, 1],
            origin: [0.0; 3],
            directions: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            spacing: [1.0, 2.0, 1.0],
        }
    }

    #[test]
    fn a_slice_moved_by_half_a_row_is_the_mean_of_its_rows_and_air_beyond() {
        let voxels = [0.0, 10.0, 20.0, 30.0];
        let moved = moved(&voxels, [2, 2], [0.0, 3.0, 0.0], &lattice(2, 4), -1000.0);
        // The slice begins one and a half rows down: rows 0 is outside, row 1 its edge, row 2 the mean, row 3 its edge.
        assert_eq!(moved, [-1000.0, -1000.0, 0.0, 10.0, 10.0, 20.0, 20.0, 30.0]);
    }

    #[test]
    fn a_slice_that_is_not_moved_is_as_it_was() {
        let voxels = [1.5, -2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(moved(&voxels, [3, 2], [0.0; 3], &lattice(3, 2), 0.0), voxels);
    }
}
