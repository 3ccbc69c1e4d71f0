//! The frames of a series to volumes, each on one grid. The tolerances are the ones that README and docs state.
//!
//! A series becomes as many volumes as it has kinds of image (size, spacing, orientation, unit) and, where its frames do
//! not make one even stack, as many as it has acquisitions. What is left over is refused, never guessed at.

mod arrange;
mod even;
mod kinds;

use crate::{
    Reason,
    image::Frame,
    lattice::{Lattice, Point, cross, dot},
};
use trocar_terms::SeriesInfo;

pub(crate) use arrange::stacks;

/// Orientation: each component, between slices and from unit length.
pub(crate) const ORIENTATION_TOLERANCE: f64 = 1e-3;
/// Pixel spacing between slices, relative.
pub(crate) const PIXEL_TOLERANCE: f64 = 1e-4;
/// Distance between neighbours from the mean distance: relative, or in mm where that is more. Positions are
/// often written with one decimal, which moves a distance by up to 0.1 mm.
pub(crate) const SPACING_TOLERANCE: f64 = 0.01;
pub(crate) const SPACING_TOLERANCE_MM: f64 = 0.1;
/// Slices closer than this lie at one place.
pub(crate) const SAME_PLACE_MM: f64 = 0.01;
/// A distance of this many times the usual one is a missing slice.
pub(crate) const GAP: f64 = 1.5;
/// Shift within the plane for each mm along the normal that is still called straight: 0.57 degrees of tilt.
pub(crate) const SHEAR_TOLERANCE: f64 = 0.01;
/// Gantries tilt by 30 degrees at most; beyond 35 (tangent 0.7) the positions are wrong.
pub(crate) const MAX_SHEAR: f64 = 0.7;

/// A slab of the guest contract; a slice that does not fit in one could never be read.
pub(crate) const MAX_SLAB_BYTES: usize = 2 << 20;

/// One volume: slices on one grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stack {
    pub(crate) info: SeriesInfo,
    /// Where its voxels lie.
    pub(crate) lattice: Lattice,
    /// The slices along the normal.
    pub(crate) slices: Vec<Slice>,
    /// The slices were taken with a tilted gantry: each is moved within its plane onto the grid, which is larger.
    pub(crate) tilted: bool,
}

/// One slice: which file, which frame of it, and how far along the normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slice {
    pub(crate) file: usize,
    pub(crate) frame: usize,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) depth: f64,
    pub(crate) position: Point,
}

impl Slice {
    fn new(file: usize, frame: usize, f: &Frame, normal: Point) -> Self {
        let (slope, intercept, position) = (f.slope, f.intercept, f.position);
        Self { file, frame, slope, intercept, depth: dot(position, normal), position }
    }
}

/// The volumes of a series, and the files of which no frame is in any.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Stacks {
    pub(crate) volumes: Vec<Stack>,
    /// By place among the files.
    pub(crate) refused: Vec<(usize, Reason)>,
}

/// The unit normal of a plane whose two directions are of unit length and at right angles.
pub(crate) fn normal([a, b, c, d, e, f]: [f64; 6]) -> Result<Point, Reason> {
    let (row, column) = ([a, b, c], [d, e, f]);
    let off = [dot(row, row) - 1.0, dot(column, column) - 1.0, dot(row, column)];
    // Twice, since a square is off by twice as much as a length.
    if !off.iter().all(|o| o.abs() <= 2.0 * ORIENTATION_TOLERANCE) {
        return Err(Reason::NoGeometry);
    }
    let across = cross(row, column);
    let length = dot(across, across).sqrt();
    Ok(across.map(|v| v / length))
}

#[cfg(test)]
mod tests;
