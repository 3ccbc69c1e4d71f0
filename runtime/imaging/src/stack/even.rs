//! Slices at even distances to one grid.

use super::{
    GAP, MAX_SHEAR, MAX_SLAB_BYTES, SAME_PLACE_MM, SHEAR_TOLERANCE, SPACING_TOLERANCE, SPACING_TOLERANCE_MM,
    Slice, Stack,
};
use crate::{
    Reason,
    image::Image,
    lattice::{Lattice, Point, dot},
};
use trocar_terms::SeriesInfo;

/// Slices in order of depth to a stack; `integral` says whether all of the files that they are of are.
pub(super) fn stack(
    integral: bool,
    first: &Image,
    slices: Vec<Slice>,
    normal: Point,
) -> Result<Stack, Reason> {
    let distance = distance(&slices, first)?;
    let straight = straight(first, &slices, normal, distance)?;
    let shear = shear(&slices, &straight)?;
    let (lattice, tilted) = match shear {
        Some(shear) => (widened(straight, shear)?, true),
        None => (straight, false),
    };
    // A moved slice is interpolated, so its values are whole no more.
    let integral = integral && !tilted;
    let [columns, rows, _] = lattice.size.map(|n| n as usize);
    if columns.saturating_mul(rows).saturating_mul(if integral { 2 } else { 4 }) > MAX_SLAB_BYTES {
        return Err(Reason::TooLarge);
    }
    let (modality, unit) = (first.modality.code().to_owned(), first.unit.ucum().to_owned());
    let info = SeriesInfo { modality, unit, grid: lattice.grid(), integral };
    Ok(Stack { info, lattice, slices, tilted })
}

/// A direction without what rounding left of its length.
fn unit(direction: Point) -> Point {
    let length = dot(direction, direction).sqrt();
    direction.map(|v| v / length)
}

/// The grid of slices that lie exactly above each other. Nothing that is not a grid leaves here, whatever rounding did.
fn straight(image: &Image, slices: &[Slice], normal: Point, distance: f64) -> Result<Lattice, Reason> {
    let count = u32::try_from(slices.len()).map_err(|_| Reason::TooLarge)?;
    let [row_spacing, column_spacing] = image.plane.spacing;
    let [a, b, c, d, e, f] = image.plane.orientation;
    let lattice = Lattice {
        size: [u32::from(image.format.columns), u32::from(image.format.rows), count],
        origin: slices.first().ok_or(Reason::NoPixels)?.position,
        // Cosines are written with four digits at times; ITK makes them unit vectors too.
        directions: [unit([a, b, c]), unit([d, e, f]), normal],
        spacing: [column_spacing, row_spacing, distance],
    };
    if lattice.is_grid() { Ok(lattice) } else { Err(Reason::NoGeometry) }
}

/// The distance between slices, where it is one.
fn distance(slices: &[Slice], image: &Image) -> Result<f64, Reason> {
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
    if off > SPACING_TOLERANCE_MM.max(SPACING_TOLERANCE * mean) { Err(Reason::Spacing) } else { Ok(mean) }
}

/// The lower of two: a missing slice only ever lengthens a step.
fn median(steps: &[f64]) -> Option<f64> {
    let mut steps = steps.to_vec();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len().saturating_sub(1) / 2).copied()
}

/// How far slices move within their plane, columns and rows in mm for each mm along the normal; `None` where they lie
/// above each other. Slices that move unevenly are refused.
fn shear(slices: &[Slice], straight: &Lattice) -> Result<Option<[f64; 2]>, Reason> {
    let moved: Vec<([f64; 2], f64)> = slices.iter().map(|slice| moved(slice, straight)).collect();
    let over = |[x, y]: [f64; 2], along: f64| x.hypot(y) > SHEAR_TOLERANCE * along + SPACING_TOLERANCE_MM;
    if !moved.iter().any(|(shift, along)| over(*shift, *along)) {
        return Ok(None);
    }
    let ([x, y], along) = moved.last().copied().ok_or(Reason::NoPixels)?;
    let [u, v] = [x / along, y / along];
    let uneven = moved.iter().any(|([x, y], along)| over([x - u * along, y - v * along], *along));
    if uneven || u.hypot(v) > MAX_SHEAR { Err(Reason::Sheared) } else { Ok(Some([u, v])) }
}

/// How far a slice lies from where a straight stack has it, within its plane; and how far along the normal.
fn moved(slice: &Slice, straight: &Lattice) -> ([f64; 2], f64) {
    let [x, y, z] = straight.origin;
    let [a, b, c] = slice.position;
    let offset = [a - x, b - y, c - z];
    let [row, column, normal] = straight.directions;
    ([dot(offset, row), dot(offset, column)], dot(offset, normal))
}

/// The straight grid that holds every slice of a tilted stack.
fn widened(straight: Lattice, [u, v]: [f64; 2]) -> Result<Lattice, Reason> {
    let [columns, rows, slices] = straight.size;
    let [across, down, between] = straight.spacing;
    let height = f64::from(slices.saturating_sub(1)) * between;
    let widen = |shift: f64, spacing: f64, size: u32| {
        let voxels = (shift * height / spacing).abs().ceil();
        // Where slices move backwards, the corner moves with them, by whole voxels.
        (if shift < 0.0 { -voxels } else { 0.0 }, f64::from(size) + voxels)
    };
    let (back, wide) = widen(u, across, columns);
    let (up, tall) = widen(v, down, rows);
    let size = [whole(wide)?, whole(tall)?, slices];
    Ok(Lattice { size, origin: straight.point([back, up, 0.0]), ..straight })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held against both ends first")]
fn whole(size: f64) -> Result<u32, Reason> {
    if (1.0..=65_535.0).contains(&size) { Ok(size as u32) } else { Err(Reason::TooLarge) }
}

/// Decided from a file's header alone: whole slopes and intercepts, and no storable value outside 16 bits.
pub(super) fn integral(image: &Image) -> bool {
    let Some((low, high)) = image.range() else { return false };
    image.frames.iter().all(|f| {
        let fits = |stored: f64| (-32768.0..=32767.0).contains(&(f.slope * stored + f.intercept));
        f.slope.fract() == 0.0 && f.intercept.fract() == 0.0 && fits(low) && fits(high)
    })
}
