//! Slices to one grid. The tolerances are the ones that README and docs state.

use crate::{
    Reason,
    image::{Frame, Image},
    lattice::{Lattice, Point, cross, dot},
};
use trocar_terms::SeriesInfo;

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
/// Shift within the plane for each mm along the normal: 0.57 degrees of tilt.
pub(crate) const SHEAR_TOLERANCE: f64 = 0.01;

/// A slab of the guest contract; a slice that does not fit in one could never be read.
pub(crate) const MAX_SLAB_BYTES: usize = 2 << 20;

/// A series on one grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stack {
    pub(crate) info: SeriesInfo,
    /// Where its voxels lie.
    pub(crate) lattice: Lattice,
    /// The slices along the normal.
    pub(crate) slices: Vec<Slice>,
}

/// One slice: which file, which frame of it, and how far along the normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slice {
    pub(crate) file: usize,
    pub(crate) frame: usize,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    depth: f64,
    position: Point,
}

/// Puts the frames of a series' files on one grid.
pub(crate) fn stack(images: &[&Image]) -> Result<Stack, Reason> {
    let first = images.first().ok_or(Reason::NoPixels)?;
    for image in images {
        image.check()?;
        same_kind(first, image)?;
    }
    let normal = normal(first.plane.orientation)?;
    let slices = sorted(images, normal);
    let distance = distance(&slices, first, normal)?;
    let lattice = lattice(first, &slices, normal, distance)?;
    let integral = integral(images);
    let slice_bytes = first.format.pixels().saturating_mul(if integral { 2 } else { 4 });
    if slice_bytes > MAX_SLAB_BYTES {
        return Err(Reason::TooLarge);
    }
    let (modality, unit) = (first.modality.code().to_owned(), first.unit.ucum().to_owned());
    let info = SeriesInfo { modality, unit, grid: lattice.grid(), integral };
    Ok(Stack { info, lattice, slices })
}

/// Nothing that is not a grid leaves here, whatever rounding did.
fn lattice(image: &Image, slices: &[Slice], normal: Point, distance: f64) -> Result<Lattice, Reason> {
    let count = u32::try_from(slices.len()).map_err(|_| Reason::TooLarge)?;
    let [row_spacing, column_spacing] = image.plane.spacing;
    let [a, b, c, d, e, f] = image.plane.orientation;
    let lattice = Lattice {
        size: [u32::from(image.format.columns), u32::from(image.format.rows), count],
        origin: slices.first().ok_or(Reason::NoPixels)?.position,
        directions: [[a, b, c], [d, e, f], normal],
        spacing: [column_spacing, row_spacing, distance],
    };
    if lattice.is_grid() { Ok(lattice) } else { Err(Reason::NoGeometry) }
}

fn same_kind(a: &Image, b: &Image) -> Result<(), Reason> {
    if (a.modality, a.unit, &a.frame_of_reference) != (b.modality, b.unit, &b.frame_of_reference) {
        return Err(Reason::MixedKind);
    }
    if (a.format.rows, a.format.columns) != (b.format.rows, b.format.columns) {
        return Err(Reason::MixedSize);
    }
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= PIXEL_TOLERANCE * x;
    if !a.plane.spacing.iter().zip(&b.plane.spacing).all(close) {
        return Err(Reason::MixedSize);
    }
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= ORIENTATION_TOLERANCE;
    let same = a.plane.orientation.iter().zip(&b.plane.orientation).all(close);
    if same { Ok(()) } else { Err(Reason::Orientation) }
}

/// The unit normal of a plane whose two directions are of unit length and at right angles.
fn normal([a, b, c, d, e, f]: [f64; 6]) -> Result<Point, Reason> {
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

fn sorted(images: &[&Image], normal: Point) -> Vec<Slice> {
    let slice = |file: usize, frame: usize, f: &Frame| Slice {
        file,
        frame,
        slope: f.slope,
        intercept: f.intercept,
        depth: dot(f.position, normal),
        position: f.position,
    };
    let frames = images.iter().enumerate();
    let mut slices: Vec<_> = frames
        .flat_map(|(i, image)| image.frames.iter().enumerate().map(move |(j, f)| slice(i, j, f)))
        .collect();
    slices.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    slices
}

/// The distance between slices, where it is one.
fn distance(slices: &[Slice], image: &Image, normal: Point) -> Result<f64, Reason> {
    let steps: Vec<f64> = slices.iter().zip(slices.iter().skip(1)).map(|(a, b)| b.depth - a.depth).collect();
    let Some(usual) = median(&steps) else {
        return image.plane.thickness.ok_or(Reason::NoThickness);
    };
    if steps.iter().any(|step| *step < SAME_PLACE_MM) {
        return Err(Reason::Duplicate);
    }
    if steps.iter().any(|step| *step > GAP * usual) {
        return Err(Reason::Gap);
    }
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let off = steps.iter().map(|step| (step - mean).abs()).fold(0.0, f64::max);
    if off > SPACING_TOLERANCE_MM.max(SPACING_TOLERANCE * mean) {
        return Err(Reason::Spacing);
    }
    if slices.iter().any(|s| sheared(slices, s, normal)) { Err(Reason::Sheared) } else { Ok(mean) }
}

/// The lower of two: a missing slice only ever lengthens a step.
fn median(steps: &[f64]) -> Option<f64> {
    let mut steps = steps.to_vec();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len().saturating_sub(1) / 2).copied()
}

fn sheared(slices: &[Slice], slice: &Slice, normal: Point) -> bool {
    let Some(first) = slices.first() else { return false };
    let [x, y, z] = first.position;
    let [u, v, w] = slice.position;
    let along = slice.depth - first.depth;
    let [a, b, c] = normal.map(|n| n * along);
    let shift = [u - x - a, v - y - b, w - z - c];
    dot(shift, shift).sqrt() > SHEAR_TOLERANCE * along + SPACING_TOLERANCE_MM
}

/// Decided from headers alone: whole slopes and intercepts, and no storable value outside 16 bits.
fn integral(images: &[&Image]) -> bool {
    images.iter().all(|image| {
        let (low, high) = image.format.range();
        image.frames.iter().all(|f| {
            let fits =
                |stored: i32| (-32768.0..=32767.0).contains(&(f.slope * f64::from(stored) + f.intercept));
            f.slope.fract() == 0.0 && f.intercept.fract() == 0.0 && fits(low) && fits(high)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Format, Plane, Unit};
    use trocar_terms::{Grid, Modality};

    fn image(z: f64) -> Image {
        Image {
            modality: Modality::CT,
            unit: Unit::Hounsfield,
            format: Format { rows: 4, columns: 6, width: 2, bits: 12, signed: false, frames: 1 },
            frame_of_reference: "1.2".into(),
            plane: Plane {
                orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                spacing: [0.5, 0.75],
                thickness: Some(2.0),
            },
            frames: vec![Frame { position: [10.0, 20.0, z], slope: 1.0, intercept: -1024.0 }],
        }
    }

    fn at(depths: &[f64]) -> Result<Stack, Reason> {
        let images: Vec<_> = depths.iter().map(|z| image(*z)).collect();
        stack(&images.iter().collect::<Vec<_>>())
    }

    #[test]
    fn slices_are_sorted_along_the_normal_whatever_their_order() {
        let found = at(&[6.0, 0.0, 3.0]).unwrap();
        assert_eq!(found.slices.iter().map(|s| s.file).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(found.info.grid, Grid { columns: 6, rows: 4, slices: 3, spacing_mm: (0.75, 0.5, 3.0) });
    }

    #[test]
    fn a_missing_slice_is_a_gap() {
        assert_eq!(at(&[0.0, 3.0, 9.0, 12.0]), Err(Reason::Gap));
    }

    #[test]
    fn two_slices_at_one_place_are_duplicates() {
        assert_eq!(at(&[0.0, 3.0, 3.0, 6.0]), Err(Reason::Duplicate));
    }

    #[test]
    fn uneven_slices_are_refused_and_rounded_positions_are_not() {
        assert_eq!(at(&[0.0, 3.0, 6.5, 9.0]), Err(Reason::Spacing));
        assert!(at(&[0.0, 3.3, 6.5, 9.8, 13.1]).is_ok());
    }

    #[test]
    fn a_single_slice_takes_its_thickness() {
        assert!((at(&[5.0]).unwrap().info.grid.spacing_mm.2 - 2.0).abs() < 1e-12);
        let mut bare = image(0.0);
        bare.plane.thickness = None;
        assert_eq!(stack(&[&bare]), Err(Reason::NoThickness));
    }

    #[test]
    fn a_tilted_stack_is_refused() {
        let (a, mut b) = (image(0.0), image(3.0));
        b.frames[0].position[1] += 0.5;
        assert_eq!(stack(&[&a, &b]), Err(Reason::Sheared));
    }

    #[test]
    fn mixed_orientation_size_and_kind_are_refused() {
        let a = image(0.0);
        let mut b = image(3.0);
        b.plane.orientation = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
        assert_eq!(stack(&[&a, &b]), Err(Reason::Orientation));
        let mut b = image(3.0);
        b.format.rows = 5;
        assert_eq!(stack(&[&a, &b]), Err(Reason::MixedSize));
        let mut b = image(3.0);
        b.plane.spacing[0] = 0.51;
        assert_eq!(stack(&[&a, &b]), Err(Reason::MixedSize));
        let mut b = image(3.0);
        b.frame_of_reference = "1.3".into();
        assert_eq!(stack(&[&a, &b]), Err(Reason::MixedKind));
    }

    #[test]
    fn an_orientation_that_is_not_a_plane_is_refused() {
        let mut a = image(0.0);
        a.plane.orientation = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        assert_eq!(stack(&[&a]), Err(Reason::NoGeometry));
    }

    #[test]
    fn a_geometry_that_is_not_finite_or_out_of_all_bounds_is_refused() {
        assert_eq!(at(&[-1.7e308, 1.7e308]), Err(Reason::NoGeometry));
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1.1e5, -1.1e5] {
            assert_eq!(at(&[0.0, bad]), Err(Reason::NoGeometry), "{bad}");
            let with = |change: fn(&mut Image, f64)| {
                let mut a = image(0.0);
                change(&mut a, bad);
                stack(&[&a])
            };
            assert_eq!(with(|a, v| a.plane.spacing[1] = v), Err(Reason::NoGeometry), "{bad}");
            assert_eq!(with(|a, v| a.plane.thickness = Some(v)), Err(Reason::NoGeometry), "{bad}");
            assert_eq!(with(|a, v| a.plane.orientation[2] = v), Err(Reason::NoGeometry), "{bad}");
        }
        for bad in [f64::NAN, f64::INFINITY, 1.1e30] {
            let mut a = image(0.0);
            a.frames[0].slope = bad;
            assert_eq!(stack(&[&a]), Err(Reason::NoRescale), "{bad}");
        }
    }

    #[test]
    fn steps_longer_than_any_length_are_refused() {
        assert!(at(&[-5e4, 5e4]).is_ok());
        assert_eq!(at(&[-6e4, 6e4]), Err(Reason::NoGeometry));
    }

    #[test]
    fn a_format_that_no_file_has_is_refused() {
        let with = |change: fn(&mut Format)| {
            let mut a = image(0.0);
            change(&mut a.format);
            stack(&[&a])
        };
        assert_eq!(with(|f| f.bits = 31), Err(Reason::PixelFormat));
        assert_eq!(with(|f| f.width = 4), Err(Reason::PixelFormat));
        assert_eq!(with(|f| f.frames = 2), Err(Reason::NoPixels));
        assert_eq!(with(|f| f.rows = 0), Err(Reason::NoPixels));
        assert_eq!(with(|f| (f.rows, f.columns) = (5000, 5000)), Err(Reason::TooLarge));
    }

    #[test]
    fn a_volume_is_integral_only_if_no_storable_value_leaves_16_bits() {
        assert!(at(&[0.0]).unwrap().info.integral);
        let mut wide = image(0.0);
        wide.format.bits = 16;
        assert!(!stack(&[&wide]).unwrap().info.integral);
        let mut half = image(0.0);
        half.frames[0].slope = 0.5;
        assert!(!stack(&[&half]).unwrap().info.integral);
    }

    #[test]
    fn a_slice_that_no_slab_can_hold_is_refused() {
        let mut wide = image(0.0);
        (wide.format.rows, wide.format.columns) = (1024, 1024);
        assert!(stack(&[&wide]).is_ok());
        wide.frames[0].slope = 0.5;
        assert_eq!(stack(&[&wide]), Err(Reason::TooLarge));
    }
}
