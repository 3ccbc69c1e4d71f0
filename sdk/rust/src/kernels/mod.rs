//! What algorithms compute, over plain slices: these functions know no host, so they run and are tested natively too.
//!
//! Voxels lie as in a slab: columns fastest, then rows, then slices. Masks hold 0 outside and 1 inside. Whatever goes over many
//! slabs is a struct with `add`, which takes them one after another and keeps nothing of a voxel. Sums run in a fixed
//! number of lanes and a fixed order: the same voxels in the same slabs give the same bits.

pub mod census;
pub mod components;
pub mod convolve;
pub mod filter;
pub mod histogram;
pub mod radiomics;
mod region;
pub mod resample;
mod shape;
pub mod statistics;
mod taps;
mod voxel;

pub use census::Census;
pub use components::{Found, Labelled, Neighbours, Sizes, label, within};
pub use convolve::Kernel;
pub use filter::Separable;
pub use histogram::{EvenBins, Histogram};
pub use region::{Bounds, Region};
pub use resample::Lattice;
pub use shape::{Edge, Shape};
pub use statistics::Statistics;
pub use voxel::Voxel;

/// Why a kernel did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A slice is not as long as its shape says, or two are of different lengths.
    Length,
    /// A size, width or count that means nothing: zero, negative, not finite, or more than memory holds.
    Size,
}

impl Refused {
    const fn words(self) -> &'static str {
        match self {
            Self::Length => "a slice has another length than its shape",
            Self::Size => "a size that a kernel cannot take",
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for crate::Failure {
    fn from(refused: Refused) -> Self {
        Self::Other(refused.words())
    }
}
