//! Separable filters: box and Gaussian, or any three rows of weights.

use super::{
    Refused,
    shape::{Edge, Shape},
    taps::{Tap, sum},
};
use std::ops::Range;

/// Weights to either side of a voxel that one axis may have.
const WIDEST: usize = 512;

/// A filter that is the product of one row of weights for each axis. It correlates (weights are not turned round) in single
/// precision, slices first, then rows, then columns; it holds one slice at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Separable {
    /// Columns, rows, slices.
    weights: [Vec<f32>; 3],
    edge: Edge,
}

impl Separable {
    /// A filter of these weights for columns, rows and slices: an odd number each, the middle one at the voxel itself.
    ///
    /// # Errors
    /// An even number of weights, over 1,025, or one that is not finite.
    pub fn new(weights: [Vec<f32>; 3], edge: Edge) -> Result<Self, Refused> {
        let fits =
            |w: &Vec<f32>| w.len() % 2 == 1 && w.len() <= 2 * WIDEST + 1 && w.iter().all(|w| w.is_finite());
        if weights.iter().all(fits) { Ok(Self { weights, edge }) } else { Err(Refused::Size) }
    }

    /// The mean of a box: so many voxels to either side along columns, rows and slices (scipy: `uniform_filter` of size 2 r + 1).
    ///
    /// # Errors
    /// A side over 512.
    pub fn mean(radius: [usize; 3], edge: Edge) -> Result<Self, Refused> {
        if radius.iter().any(|r| *r > WIDEST) {
            return Err(Refused::Size);
        }
        Self::new(radius.map(|r| vec![1.0 / (2 * r + 1) as f32; 2 * r + 1]), edge)
    }

    /// A Gaussian of these standard deviations in voxels, cut at four of them and scaled to a sum of 1 (scipy:
    /// `gaussian_filter`). Zero leaves an axis alone.
    ///
    /// # Errors
    /// A deviation that is negative, not finite, or over 128.
    pub fn gaussian(sigma: [f64; 3], edge: Edge) -> Result<Self, Refused> {
        if !sigma.iter().all(|s| (0.0..=WIDEST as f64 / 4.0).contains(s)) {
            return Err(Refused::Size);
        }
        Self::new(sigma.map(bell), edge)
    }

    /// Slices that it needs to either side of one: the halo of a slab.
    #[must_use]
    pub const fn halo(&self) -> usize {
        self.weights[2].len() / 2
    }

    /// The filtered block.
    ///
    /// # Errors
    /// The block is not as long as its shape says.
    pub fn apply(&self, voxels: &[f32], shape: Shape) -> Result<Vec<f32>, Refused> {
        self.apply_to(voxels, shape, 0..shape.slices)
    }

    /// Some slices of the filtered block: of a slab that was read with a halo, its own ones. The border rule holds where
    /// the block ends, so a slab whose halo is whole is filtered as the whole volume would be.
    ///
    /// # Errors
    /// The block is not as long as its shape says, or does not have those slices.
    pub fn apply_to(&self, voxels: &[f32], shape: Shape, slices: Range<usize>) -> Result<Vec<f32>, Refused> {
        shape.of(voxels)?;
        if slices.end > shape.slices || slices.start > slices.end {
            return Err(Refused::Size);
        }
        let mut out = vec![0.0; slices.len() * shape.plane()];
        let mut plane = vec![0.0; shape.plane()];
        for (z, done) in slices.zip(out.chunks_exact_mut(shape.plane())) {
            let whole = |z: usize| &voxels[z * shape.plane()..(z + 1) * shape.plane()];
            sum(&self.taps(2, z, shape.slices, whole), &mut plane);
            self.in_plane(&plane, shape, done);
        }
        Ok(out)
    }

    /// The rows that weigh in at place `at` of an axis.
    fn taps<'a>(&self, axis: usize, at: usize, n: usize, row: impl Fn(usize) -> &'a [f32]) -> Vec<Tap<'a>> {
        let weights = &self.weights[axis];
        let place = |k: usize| self.edge.place(at + k, weights.len() / 2, n);
        weights.iter().enumerate().filter_map(|(k, w)| Some((*w, row(place(k)?)))).collect()
    }

    fn in_plane(&self, plane: &[f32], shape: Shape, out: &mut [f32]) {
        let radius = self.weights[0].len() / 2;
        let mut row = vec![0.0; shape.columns + 2 * radius];
        for (y, done) in out.chunks_exact_mut(shape.columns).enumerate() {
            let middle = &mut row[radius..radius + shape.columns];
            sum(&self.taps(1, y, shape.rows, |y| shape.row(plane, y, 0)), middle);
            border(&mut row, radius, self.edge);
            let taps: Vec<Tap<'_>> =
                self.weights[0].iter().enumerate().map(|(k, w)| (*w, &row[k..])).collect();
            sum(&taps, done);
        }
    }
}

/// Fills what lies before and behind the middle of a row.
pub(super) fn border(row: &mut [f32], radius: usize, edge: Edge) {
    let n = row.len() - 2 * radius;
    for at in (0..radius).chain(radius + n..row.len()) {
        row[at] = edge.place(at, radius, n).map_or(0.0, |i| row[radius + i]);
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a deviation is in 0..=128, a weight in 0..=1"
)]
fn bell(sigma: f64) -> Vec<f32> {
    let radius = (4.0 * sigma + 0.5) as usize;
    let height = |k: usize| {
        let x = k as f64 - radius as f64;
        if radius == 0 { 1.0 } else { (-0.5 * x * x / (sigma * sigma)).exp() }
    };
    let heights: Vec<f64> = (0..=2 * radius).map(height).collect();
    let total: f64 = heights.iter().sum();
    heights.iter().map(|h| (h / total) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::new(7, 5, 9);

    fn block() -> Vec<f32> {
        (0..315).map(|i| ((i * 37) % 101) as f32).collect()
    }

    #[test]
    fn a_slab_with_its_halo_is_filtered_as_the_whole_volume_is() {
        let all = block();
        for edge in [Edge::Nearest, Edge::Reflect, Edge::Zero] {
            let filter = Separable::gaussian([0.8, 1.1, 0.5], edge).unwrap();
            let (halo, whole) = (filter.halo(), filter.apply(&all, SHAPE).unwrap());
            for first in 0..8 {
                let (from, to) = (first.max(halo) - halo, (first + 2 + halo).min(9));
                let shape = Shape { slices: to - from, ..SHAPE };
                let slab =
                    filter.apply_to(&all[from * 35..to * 35], shape, first - from..first - from + 2).unwrap();
                assert_eq!(
                    slab,
                    whole[first * 35..(first + 2) * 35],
                    "{edge:?}, slices {first} and the next"
                );
            }
        }
    }

    #[test]
    fn a_constant_stays_what_it_is() {
        for edge in [Edge::Nearest, Edge::Reflect] {
            let found = Separable::mean([1, 2, 1], edge).unwrap().apply(&[3.0; 315], SHAPE).unwrap();
            assert!(found.iter().all(|v| (v - 3.0).abs() < 1e-5));
        }
    }

    #[test]
    fn a_filter_wider_than_the_volume_still_has_voxels_for_every_weight() {
        let found = Separable::mean([20, 9, 14], Edge::Reflect).unwrap().apply(&block(), SHAPE).unwrap();
        assert!(found.iter().all(|v| (40.0..60.0).contains(v)), "near the mean everywhere");
    }

    #[test]
    fn what_is_no_filter_or_no_block_is_refused() {
        assert_eq!(Separable::mean([513, 0, 0], Edge::Zero), Err(Refused::Size));
        for sigma in [-1.0, f64::NAN, f64::INFINITY, 129.0] {
            assert_eq!(Separable::gaussian([0.0, sigma, 0.0], Edge::Zero), Err(Refused::Size));
        }
        let weights = |w: &[f32]| Separable::new([w.to_vec(), vec![1.0], vec![1.0]], Edge::Zero);
        assert!(weights(&[]).is_err() && weights(&[1.0, 2.0]).is_err() && weights(&[f32::NAN]).is_err());
        let filter = Separable::mean([1, 1, 1], Edge::Zero).unwrap();
        assert_eq!(filter.apply(&[0.0; 314], SHAPE), Err(Refused::Length));
        assert_eq!(filter.apply_to(&block(), SHAPE, 8..10), Err(Refused::Size));
    }
}
