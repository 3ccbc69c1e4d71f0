//! How one output's numbers are read of a guest: steps 4 and 5 of PRIVACY.md section 3, as for `any-code`.

use crate::block::{CELL_BITS, CELL_ONE};
use crate::clip::clip;
use crate::quantise::{bin, quantise};
use trocar_terms::Kind;

/// One output as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// A weight of 0 to 2^8 a cell; at most `s` long.
    Cells { cells: usize, s: u64 },
    /// One value in grid units, not centred: the dominance rules are on the value itself. A sum is not about a patient who
    /// adds 0 to it: else a guest could hide in it whom a predicate of its own leaves out.
    Value { lower: f64, upper: f64, grid_bits: u8, zero_counts: bool },
    /// One weight of 1, in the bin that the value falls into.
    Binned { edges: Vec<f64> },
    /// Coordinates within `clip`; at most `s` long.
    Coordinates { length: usize, clip: f64, grid_bits: u8, s: u64 },
}

impl Reading {
    /// For a kind whose bounds and edges were checked, with the sensitivity that clips it.
    /// `None` for a kind that reviewed code does not release.
    pub(super) fn of(kind: &Kind, s: u64) -> Option<Self> {
        Some(match kind {
            Kind::Count | Kind::Histogram { .. } | Kind::Table { .. } => {
                Self::Cells { cells: kind.length(), s }
            }
            Kind::Sum(b) | Kind::Mean(b) | Kind::Variance(b) => {
                let zero_counts = !matches!(kind, Kind::Sum(_));
                Self::Value { lower: b.lower, upper: b.upper, grid_bits: b.grid_bits, zero_counts }
            }
            Kind::Quantiles { edges, .. } => Self::Binned { edges: edges.clone() },
            Kind::Vector { length, clip, grid_bits } => {
                Self::Coordinates { length: *length as usize, clip: *clip, grid_bits: *grid_bits, s }
            }
            Kind::Moments { .. } => return None,
        })
    }

    /// How many numbers are tallied.
    pub(super) const fn columns(&self) -> usize {
        match self {
            Self::Binned { edges } => edges.len().saturating_sub(1),
            Self::Cells { cells, .. } => *cells,
            Self::Value { .. } => 1,
            Self::Coordinates { length, .. } => *length,
        }
    }

    /// How many grid units are one, as a power of two.
    pub(super) const fn grid_bits(&self) -> u8 {
        match self {
            Self::Binned { .. } => 0,
            Self::Cells { .. } => CELL_BITS,
            Self::Value { grid_bits, .. } | Self::Coordinates { grid_bits, .. } => *grid_bits,
        }
    }

    /// One patient's contribution to each number; `None` where she is not among those that it is about.
    pub(super) fn read(&self, raw: &[f64]) -> Vec<Option<i64>> {
        match self {
            Self::Cells { s, .. } => vector(raw, (0.0, 1.0), CELL_BITS, *s),
            Self::Value { lower, upper, grid_bits, zero_counts } => {
                let value = raw.first().and_then(|x| quantise(*x, *lower, *upper, 0.0, *grid_bits));
                vec![value.filter(|q| *zero_counts || *q != 0)]
            }
            Self::Binned { edges } => binned(raw, edges),
            Self::Coordinates { clip, grid_bits, s, .. } => vector(raw, (-clip, *clip), *grid_bits, *s),
        }
    }
}

/// The lower edge included; beyond the edges the first bin or the last.
fn binned(raw: &[f64], edges: &[f64]) -> Vec<Option<i64>> {
    let found = raw.first().and_then(|x| bin(*x, edges));
    (0..edges.len().saturating_sub(1)).map(|at| (found == Some(at)).then_some(1)).collect()
}

/// A weight of 0 is nobody's.
fn vector(raw: &[f64], (lower, upper): (f64, f64), grid_bits: u8, s: u64) -> Vec<Option<i64>> {
    let mut q: Vec<i64> =
        raw.iter().map(|x| quantise(*x, lower, upper, 0.0, grid_bits).unwrap_or(0)).collect();
    clip(&mut q, s);
    q.into_iter().map(|q| Some(q).filter(|q| *q != 0)).collect()
}

/// Units of one whole patient in a cell.
pub(super) const ONE: u64 = CELL_ONE;
