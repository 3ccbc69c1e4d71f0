//! Voxels of a block on another grid with the same axes and centre: what `volume.resample` of the host does, for voxels that
//! the guest made itself.

use super::{Refused, shape::Shape};

/// A grid: its shape, and the distance between voxels along columns, rows and slices, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// Voxels along each axis.
    pub shape: Shape,
    /// Millimetres between them.
    pub spacing: [f64; 3],
}

/// Where a voxel of the new grid lies between two of the old one.
#[derive(Clone, Copy)]
struct Place {
    below: usize,
    above: usize,
    share: f32,
}

/// Linear between the eight neighbours. Up to half a voxel beyond the outermost centres the border goes on; further out it is
/// `outside` (as ITK has it).
///
/// # Errors
/// The block is not as long as its shape says, or a spacing is not a positive number.
pub fn linear(voxels: &[f32], from: &Lattice, to: &Lattice, outside: f32) -> Result<Vec<f32>, Refused> {
    let [xs, ys, zs] = places(voxels, from, to)?;
    let mut out = vec![outside; to.shape.voxels()?];
    let mut between = vec![0.0; from.shape.columns];
    for (at, row) in out.chunks_exact_mut(to.shape.columns).enumerate() {
        let (Some(y), Some(z)) = (ys[at % to.shape.rows], zs[at / to.shape.rows]) else { continue };
        let near = |y, z| from.shape.row(voxels, y, z);
        let four =
            [near(y.below, z.below), near(y.above, z.below), near(y.below, z.above), near(y.above, z.above)];
        blend(four, y.share, z.share, &mut between);
        for (voxel, x) in row.iter_mut().zip(&xs) {
            if let Some(x) = x {
                let (a, b) = (between[x.below], between[x.above]);
                *voxel = a + x.share * (b - a);
            }
        }
    }
    Ok(out)
}

/// One row between four.
fn blend(four: [&[f32]; 4], down: f32, deep: f32, out: &mut [f32]) {
    let n = out.len();
    let [a, b, c, d] = four.map(|row| &row[..n]);
    for i in 0..n {
        let (near, far) = (a[i] + down * (b[i] - a[i]), c[i] + down * (d[i] - c[i]));
        out[i] = near + deep * (far - near);
    }
}

/// The nearest voxel (of two as near, the one of the higher index); `outside` where `linear` would be.
///
/// # Errors
/// The block is not as long as its shape says, or a spacing is not a positive number.
pub fn nearest<T: Copy>(voxels: &[T], from: &Lattice, to: &Lattice, outside: T) -> Result<Vec<T>, Refused> {
    let [xs, ys, zs] = places(voxels, from, to)?;
    let mut out = vec![outside; to.shape.voxels()?];
    let closer = |place: &Place| if place.share >= 0.5 { place.above } else { place.below };
    for (at, row) in out.chunks_exact_mut(to.shape.columns).enumerate() {
        let (Some(y), Some(z)) = (ys[at % to.shape.rows], zs[at / to.shape.rows]) else { continue };
        let source = from.shape.row(voxels, closer(&y), closer(&z));
        for (voxel, x) in row.iter_mut().zip(&xs) {
            *voxel = x.as_ref().map_or(outside, |x| source[closer(x)]);
        }
    }
    Ok(out)
}

fn places<T>(voxels: &[T], from: &Lattice, to: &Lattice) -> Result<[Vec<Option<Place>>; 3], Refused> {
    from.shape.of(voxels)?;
    to.shape.voxels()?;
    let sides = |shape: Shape| [shape.columns, shape.rows, shape.slices];
    let good = |spacing: &f64| spacing.is_finite() && *spacing > 0.0;
    if !from.spacing.iter().chain(&to.spacing).all(good) {
        return Err(Refused::Size);
    }
    let axis = |i: usize| along((sides(from.shape)[i], from.spacing[i]), (sides(to.shape)[i], to.spacing[i]));
    Ok([axis(0), axis(1), axis(2)])
}

/// Both axes have their middle at the same place.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held between 0 and the last voxel"
)]
fn along((n, spacing): (usize, f64), (wanted, step): (usize, f64)) -> Vec<Option<Place>> {
    let middle = |n: usize| (n - 1) as f64 / 2.0;
    let place = |i: usize| {
        let at = (i as f64 - middle(wanted)) * step / spacing + middle(n);
        if !(-0.5..n as f64 - 0.5).contains(&at) {
            return None;
        }
        let held = at.clamp(0.0, (n - 1) as f64);
        let below = held as usize;
        Some(Place { below, above: (below + 1).min(n - 1), share: (held - below as f64) as f32 })
    };
    (0..wanted).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: usize, spacing: f64) -> Lattice {
        Lattice { shape: Shape::new(n, 1, 1), spacing: [spacing, 1.0, 1.0] }
    }

    #[test]
    fn a_row_at_half_the_spacing_has_the_means_of_neighbours_between() {
        let found = linear(&[0.0, 10.0, 30.0], &row(3, 2.0), &row(5, 1.0), -1.0).unwrap();
        assert_eq!(found, [0.0, 5.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn the_border_goes_on_for_half_a_voxel_and_no_further() {
        let found = linear(&[1.0, 2.0], &row(2, 2.0), &row(5, 1.0), -9.0).unwrap();
        assert_eq!(found, [1.0, 1.0, 1.5, 2.0, -9.0]);
        assert_eq!(nearest(&[1_u8, 2], &row(2, 2.0), &row(5, 1.0), 7).unwrap(), [1, 1, 2, 2, 7]);
    }

    #[test]
    fn the_same_grid_gives_the_same_voxels() {
        let grid = Lattice { shape: Shape::new(3, 4, 5), spacing: [0.7, 1.3, 2.0] };
        let voxels: Vec<f32> = (0..60).map(|i| (i * i % 23) as f32).collect();
        assert_eq!(linear(&voxels, &grid, &grid, 0.0).unwrap(), voxels);
        assert_eq!(nearest(&voxels, &grid, &grid, 0.0).unwrap(), voxels);
    }

    #[test]
    fn a_spacing_that_is_none_is_refused() {
        for spacing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(linear(&[1.0], &row(1, spacing), &row(1, 1.0), 0.0), Err(Refused::Size));
            assert_eq!(nearest(&[1.0], &row(1, 1.0), &row(1, spacing), 0.0), Err(Refused::Size));
        }
        assert_eq!(linear(&[1.0], &row(2, 1.0), &row(1, 1.0), 0.0), Err(Refused::Length));
    }
}
