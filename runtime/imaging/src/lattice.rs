//! Where voxels lie in the patient: columns, rows and slices along three directions from one corner.

use crate::{Place, image::is_length};
use serde::{Deserialize, Serialize};
use trocar_terms::{Grid, SeriesInfo};

/// A place or direction in the patient's coordinates: left, posterior, superior, in mm (PS3.3 section C.7.6.2.1.1).
pub(crate) type Point = [f64; 3];

/// A regular grid of voxel centres. Directions are of unit length and at right angles to each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lattice {
    /// Columns, rows, slices.
    pub(crate) size: [u32; 3],
    /// Centre of the first voxel of the first slice.
    pub(crate) origin: Point,
    /// Of growing column, row and slice.
    pub(crate) directions: [Point; 3],
    /// Distance of neighbours along each direction, in mm.
    pub(crate) spacing: [f64; 3],
}

impl Lattice {
    /// The lattice of a volume as its record states it.
    pub(crate) const fn of(info: &SeriesInfo, place: &Place) -> Self {
        let Grid { columns, rows, slices, spacing_mm: (x, y, z) } = info.grid;
        let (size, spacing) = ([columns, rows, slices], [x, y, z]);
        Self { size, origin: place.origin_mm, directions: place.directions, spacing }
    }

    /// Where it lies, for a record.
    pub(crate) const fn place(&self, tilted: bool) -> Place {
        Place { origin_mm: self.origin, directions: self.directions, tilted }
    }

    /// The centre of the voxel `at` (column, row, slice); fractions lie between centres.
    pub(crate) fn point(&self, at: [f64; 3]) -> Point {
        let mut point = self.origin;
        for ((direction, spacing), index) in self.directions.iter().zip(self.spacing).zip(at) {
            for (sum, part) in point.iter_mut().zip(direction) {
                *sum += part * spacing * index;
            }
        }
        point
    }

    /// Column, row and slice of a place, with fractions; the inverse of [`Lattice::point`].
    pub(crate) fn index(&self, [x, y, z]: Point) -> [f64; 3] {
        let [a, b, c] = self.origin;
        let offset = [x - a, y - b, z - c];
        let along = |(direction, spacing): (&Point, f64)| dot(*direction, offset) / spacing;
        let [i, j, k] = &self.directions;
        let [u, v, w] = self.spacing;
        [along((i, u)), along((j, v)), along((k, w))]
    }

    /// What a guest sees of it.
    pub(crate) const fn grid(&self) -> Grid {
        let [columns, rows, slices] = self.size;
        let [x, y, z] = self.spacing;
        Grid { columns, rows, slices, spacing_mm: (x, y, z) }
    }

    /// Whether every spacing is a length that can be meant.
    pub(crate) fn is_grid(&self) -> bool {
        self.spacing.into_iter().all(is_length)
    }
}

pub(crate) fn dot([a, b, c]: Point, [d, e, f]: Point) -> f64 {
    a * d + b * e + c * f
}

pub(crate) fn cross([a, b, c]: Point, [d, e, f]: Point) -> Point {
    [b * f - c * e, c * d - a * f, a * e - b * d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn index_undoes_point(at in prop::array::uniform3(-500.0..500.0_f64), angle in 0.0..6.3_f64) {
            let (s, c) = angle.sin_cos();
            let lattice = Lattice {
                size: [4, 5, 6],
                origin: [12.5, -300.0, 77.0],
                directions: [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]],
                spacing: [0.7, 0.9, 3.0],
            };
            let back = lattice.index(lattice.point(at));
            for (a, b) in at.iter().zip(back) {
                prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }
}
