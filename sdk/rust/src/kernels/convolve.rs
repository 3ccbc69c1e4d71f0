//! Convolution with any small kernel, in a plane or in a volume.

use super::{
    Refused,
    filter::border,
    shape::{Edge, Shape},
    taps::{Tap, sum},
};
use std::collections::VecDeque;
use std::ops::Range;

/// Weights that a kernel may have.
const MOST: usize = 1 << 15;

/// A kernel of odd sides; one slice makes it a plane's. It convolves: the first weight meets the voxel that lies furthest
/// *after*, as `scipy.ndimage.convolve` does it. Single precision, in the order of the block's voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// As they weigh the block's voxels: turned round.
    weights: Vec<f32>,
    shape: Shape,
    edge: Edge,
}

impl Kernel {
    /// A kernel with these weights, columns fastest.
    ///
    /// # Errors
    /// A side that is even, another number of weights than the shape says, over 32,768, or one that is not finite.
    pub fn new(weights: &[f32], shape: Shape, edge: Edge) -> Result<Self, Refused> {
        let n = shape.of(weights)?;
        let odd = [shape.columns, shape.rows, shape.slices].iter().all(|side| side % 2 == 1);
        if !odd || n > MOST || !weights.iter().all(|w| w.is_finite()) {
            return Err(Refused::Size);
        }
        Ok(Self { weights: weights.iter().rev().copied().collect(), shape, edge })
    }

    /// Slices that it needs to either side of one: the halo of a slab.
    #[must_use]
    pub const fn halo(&self) -> usize {
        self.shape.slices / 2
    }

    /// The block, convolved.
    ///
    /// # Errors
    /// The block is not as long as its shape says.
    pub fn apply(&self, voxels: &[f32], shape: Shape) -> Result<Vec<f32>, Refused> {
        self.apply_to(voxels, shape, 0..shape.slices)
    }

    /// Some slices of the convolved block: of a slab that was read with a halo, its own ones.
    ///
    /// # Errors
    /// The block is not as long as its shape says, or does not have those slices.
    pub fn apply_to(&self, voxels: &[f32], shape: Shape, slices: Range<usize>) -> Result<Vec<f32>, Refused> {
        shape.of(voxels)?;
        if slices.end > shape.slices || slices.start > slices.end {
            return Err(Refused::Size);
        }
        let mut out = vec![0.0; slices.len() * shape.plane()];
        let slice = |at: usize| self.widened(voxels, shape, self.edge.place(at, self.halo(), shape.slices));
        let mut near: VecDeque<Vec<f32>> = (0..2 * self.halo()).map(|k| slice(slices.start + k)).collect();
        for (z, done) in slices.zip(out.chunks_exact_mut(shape.plane())) {
            near.push_back(slice(z + 2 * self.halo()));
            self.plane(&near, shape, done);
            near.pop_front();
        }
        Ok(out)
    }

    /// A slice with its border; empty where it is all zero.
    fn widened(&self, voxels: &[f32], shape: Shape, z: Option<usize>) -> Vec<f32> {
        let Some(z) = z else { return Vec::new() };
        let (across, down) = (self.shape.columns / 2, self.shape.rows / 2);
        let width = shape.columns + 2 * across;
        let mut wide = vec![0.0; width * (shape.rows + 2 * down)];
        for (at, row) in wide.chunks_exact_mut(width).enumerate() {
            if let Some(y) = self.edge.place(at, down, shape.rows) {
                row[across..across + shape.columns].copy_from_slice(shape.row(voxels, y, z));
                border(row, across, self.edge);
            }
        }
        wide
    }

    fn plane(&self, near: &VecDeque<Vec<f32>>, shape: Shape, out: &mut [f32]) {
        let width = shape.columns + self.shape.columns - 1;
        let mut taps: Vec<Tap<'_>> = Vec::with_capacity(self.weights.len());
        for (y, done) in out.chunks_exact_mut(shape.columns).enumerate() {
            taps.clear();
            for (rows, slice) in self.weights.chunks_exact(self.shape.plane()).zip(near) {
                for (row, weights) in rows.chunks_exact(self.shape.columns).enumerate() {
                    let Some(row) = slice.get((y + row) * width..(y + row + 1) * width) else { continue };
                    taps.extend(weights.iter().enumerate().map(|(k, w)| (*w, &row[k..])));
                }
            }
            sum(&taps, done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_voxel_becomes_the_kernel() {
        let shape = Shape::new(5, 4, 3);
        let mut block = vec![0.0; 60];
        block[(20 + 5) + 2] = 1.0;
        let weights: Vec<f32> = (1..=27).map(|w| w as f32).collect();
        let found =
            Kernel::new(&weights, Shape::new(3, 3, 3), Edge::Zero).unwrap().apply(&block, shape).unwrap();
        for (z, y, x) in (0..27).map(|i| (i / 9, i / 3 % 3, i % 3)) {
            assert_eq!(found[z * 20 + y * 5 + x + 1], weights[z * 9 + y * 3 + x]);
        }
        assert_eq!(found.iter().sum::<f32>(), weights.iter().sum::<f32>(), "and nothing anywhere else");
    }

    #[test]
    fn a_plane_s_kernel_treats_each_slice_alone() {
        let block: Vec<f32> = (0..24).map(|i| (i * i % 17) as f32).collect();
        let kernel = Kernel::new(&[1.0, 2.0, 3.0], Shape::new(3, 1, 1), Edge::Nearest).unwrap();
        let whole = kernel.apply(&block, Shape::new(4, 3, 2)).unwrap();
        let second = kernel.apply(&block[12..], Shape::new(4, 3, 1)).unwrap();
        assert_eq!(whole[12..], second);
    }

    #[test]
    fn a_slab_with_its_halo_is_convolved_as_the_whole_volume_is() {
        let (shape, weights) =
            (Shape::new(6, 5, 8), (0..75).map(|i| (i % 7) as f32 - 2.5).collect::<Vec<_>>());
        let all: Vec<f32> = (0..240).map(|i| ((i * 29) % 83) as f32).collect();
        for edge in [Edge::Nearest, Edge::Reflect, Edge::Zero] {
            let kernel = Kernel::new(&weights, Shape::new(5, 3, 5), edge).unwrap();
            let whole = kernel.apply(&all, shape).unwrap();
            for first in 0_usize..8 {
                let (from, to) = (first.saturating_sub(2), (first + 3).min(8));
                let part = Shape { slices: to - from, ..shape };
                let slab =
                    kernel.apply_to(&all[from * 30..to * 30], part, first - from..first - from + 1).unwrap();
                assert_eq!(slab, whole[first * 30..(first + 1) * 30], "{edge:?}, slice {first}");
            }
        }
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        let kernel = |n: usize, shape| Kernel::new(&vec![0.5; n], shape, Edge::Zero).map(|_| ());
        assert_eq!(kernel(6, Shape::new(3, 2, 1)), Err(Refused::Size), "an even side");
        assert_eq!(kernel(8, Shape::new(3, 3, 1)), Err(Refused::Length));
        assert_eq!(kernel(33 * 33 * 33, Shape::new(33, 33, 33)), Err(Refused::Size), "too many weights");
        assert_eq!(Kernel::new(&[f32::NAN], Shape::new(1, 1, 1), Edge::Zero), Err(Refused::Size));
    }
}
