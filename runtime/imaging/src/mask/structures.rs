//! Contours of a region to slices. Each contour lies on the slice whose half of the spacing reaches its plane; nothing is
//! interpolated between planes.

use super::{
    GridMask,
    contours::Contour,
    raster::{Corner, crossings, fill},
};
use crate::{
    cost,
    lattice::Lattice,
    stack::{SPACING_TOLERANCE, SPACING_TOLERANCE_MM},
};
use std::collections::BTreeMap;
use trocar_terms::Fault;

/// Crossings of edges and rows of one region: 4 million points with ten rows each.
const MAX_CROSSINGS: u64 = 40_000_000;

/// A contour in the lattice's own coordinates.
struct Flat {
    /// Slices, with fractions.
    depth: f64,
    corners: Vec<Corner>,
}

/// Marks the voxels whose centres lie inside the region.
///
/// `drawn` says that it was drawn on this series: then slices without a contour are slices without the region. On another
/// series they may only be slices that lie between its planes, so planes wider apart than slices are refused.
///
/// # Errors
/// `Unsupported` for contours that are not parallel to the slices, or take more work than a real region.
pub(crate) fn rasterise(
    contours: &[Contour],
    lattice: &Lattice,
    drawn: bool,
    mask: &mut GridMask,
) -> Result<(), Fault> {
    let flat: Vec<Flat> = contours.iter().map(|c| flatten(c, lattice)).collect::<Result<_, _>>()?;
    if !drawn && sparse(&flat, lattice) {
        return Err(Fault::Unsupported);
    }
    let [_, rows, slices] = lattice.size;
    let work = flat.iter().map(|f| crossings(&f.corners, rows)).fold(0, u64::saturating_add);
    if work > MAX_CROSSINGS {
        return Err(Fault::Unsupported);
    }
    mask.spend(work.saturating_mul(cost::CROSSING));
    for (slice, plane) in planes(&flat, lattice, slices) {
        let mut stencil = mask.stencil();
        let bytes = (stencil.rows() as u64).saturating_mul(stencil.columns() as u64).div_ceil(8);
        mask.spend(bytes.saturating_mul(cost::STENCIL_BYTE));
        fill(plane.iter().map(|f| f.corners.as_slice()), &mut stencil);
        mask.unite(slice, stencil);
    }
    Ok(())
}

/// How far from its plane a point may be, in slices: coordinates are often written with one decimal.
fn tolerance(lattice: &Lattice) -> f64 {
    SPACING_TOLERANCE_MM / lattice.spacing[2]
}

fn flatten(contour: &Contour, lattice: &Lattice) -> Result<Flat, Fault> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut corners = Vec::with_capacity(contour.len());
    for point in contour {
        let [u, v, w] = lattice.index(*point);
        (low, high) = (low.min(w), high.max(w));
        corners.push([u, v]);
    }
    // The thickness of the contour is at most twice what a point may be off.
    if high - low > 2.0 * tolerance(lattice) {
        return Err(Fault::Unsupported);
    }
    Ok(Flat { depth: f64::midpoint(low, high), corners })
}

/// Whether the planes of a region lie further apart than the slices.
fn sparse(flat: &[Flat], lattice: &Lattice) -> bool {
    let mut depths: Vec<f64> = flat.iter().map(|f| f.depth).collect();
    depths.sort_by(f64::total_cmp);
    let steps = depths.iter().zip(depths.iter().skip(1)).map(|(a, b)| b - a);
    let least = steps.filter(|step| *step > tolerance(lattice)).fold(f64::INFINITY, f64::min);
    least.is_finite() && least > 1.0 + SPACING_TOLERANCE.max(tolerance(lattice))
}

/// The contours of each slice: of the planes that it reaches, those of the nearest one.
fn planes<'a>(flat: &'a [Flat], lattice: &Lattice, slices: u32) -> BTreeMap<u32, Vec<&'a Flat>> {
    let mut sorted: Vec<&Flat> = flat.iter().collect();
    sorted.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    let mut planes: BTreeMap<u32, Vec<Vec<&Flat>>> = BTreeMap::new();
    for contour in sorted {
        let Some(slice) = nearest(contour.depth, slices) else { continue };
        let there = planes.entry(slice).or_default();
        match there.last_mut() {
            Some(last) if last.first().is_some_and(|f| contour.depth - f.depth <= tolerance(lattice)) => {
                last.push(contour);
            }
            _ => there.push(vec![contour]),
        }
    }
    let off = |slice: u32, plane: &[&Flat]| {
        plane.first().map_or(f64::INFINITY, |f| (f.depth - f64::from(slice)).abs())
    };
    let best = |slice: u32, planes: Vec<Vec<&'a Flat>>| {
        planes.into_iter().min_by(|a, b| off(slice, a).total_cmp(&off(slice, b))).unwrap_or_default()
    };
    planes.into_iter().map(|(slice, planes)| (slice, best(slice, planes))).collect()
}

/// The slice whose half of the spacing reaches a depth, the lower half included.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to a count of slices, checked before"
)]
fn nearest(depth: f64, slices: u32) -> Option<u32> {
    let slice = (depth + 0.5).floor();
    (slice >= 0.0 && slice < f64::from(slices)).then_some(slice as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_terms::Mask;

    fn lattice() -> Lattice {
        Lattice {
            size: [6, 5, 4],
            origin: [10.0, 20.0, 30.0],
            directions: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            spacing: [2.0, 2.0, 3.0],
        }
    }

    /// A square over columns and rows 1 to 3, at a height above the first slice.
    fn square(z: f64) -> Contour {
        [[11.0, 21.0], [17.0, 21.0], [17.0, 27.0], [11.0, 27.0]].map(|[x, y]| [x, y, 30.0 + z]).into()
    }

    fn voxels(contours: &[Contour], drawn: bool) -> Result<Vec<u32>, Fault> {
        let mut mask = GridMask::new(&lattice()).unwrap();
        rasterise(contours, &lattice(), drawn, &mut mask)?;
        let slice = |i| mask.read(i, 1).unwrap().iter().map(|v| u32::from(*v)).sum();
        Ok((0..4).map(slice).collect())
    }

    #[test]
    fn a_contour_lies_on_the_slice_within_half_the_spacing_and_beyond_the_volume_nowhere() {
        assert_eq!(voxels(&[square(1.4), square(9.0)], true), Ok(vec![9, 0, 0, 9]));
        assert_eq!(voxels(&[square(1.5)], true), Ok(vec![0, 9, 0, 0]));
        assert_eq!(voxels(&[square(-1.6), square(10.6)], true), Ok(vec![0; 4]));
    }

    #[test]
    fn contours_of_one_plane_are_holes_and_those_of_another_plane_in_reach_are_not() {
        assert_eq!(voxels(&[square(3.0), square(3.05)], true), Ok(vec![0; 4]));
        assert_eq!(voxels(&[square(3.0), square(3.9)], true), Ok(vec![0, 9, 0, 0]));
    }

    #[test]
    fn contours_across_the_slices_are_refused() {
        let mut tilted = square(3.0);
        tilted[0][2] += 0.15;
        assert_eq!(voxels(&[tilted.clone()], true), Ok(vec![0, 9, 0, 0]));
        tilted[0][2] += 0.1;
        assert_eq!(voxels(&[tilted], true), Err(Fault::Unsupported));
    }

    #[test]
    fn edges_that_cross_more_rows_than_those_of_a_real_region_are_refused() {
        let tall = Lattice { size: [4, 4096, 4], ..lattice() };
        let zigzag: Contour = (0..5_000).flat_map(|_| [[11.0, -1e5, 33.0], [17.0, 1e5, 33.0]]).collect();
        let mut mask = GridMask::new(&tall).unwrap();
        assert_eq!(rasterise(&[zigzag], &tall, true, &mut mask), Err(Fault::Unsupported));
    }

    #[test]
    fn planes_wider_apart_than_the_slices_are_refused_on_a_series_they_were_not_drawn_on() {
        let wide = [square(0.0), square(6.0)];
        assert_eq!(voxels(&wide, true), Ok(vec![9, 0, 9, 0]));
        assert_eq!(voxels(&wide, false), Err(Fault::Unsupported));
        assert_eq!(voxels(&[square(0.0), square(3.0)], false), Ok(vec![9, 9, 0, 0]));
    }
}
