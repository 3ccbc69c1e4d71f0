//! The noised block that a derived statistic reads, in natural units.

use crate::block::{Block, CELL_ONE, Encoding, SCALE_BITS};
use crate::figure::Number;
use crate::interval::{Estimate, fieller};
use crate::plan::Plan;
use trocar_terms::{Axis, Kind};

/// A noised block: every coordinate has independent noise of the same standard deviation.
pub(crate) struct Source<'a> {
    pub(crate) kind: &'a Kind,
    /// In patients for a table, in scaled units for moments.
    pub(crate) y: Vec<f64>,
    /// Standard deviation of the noise of each coordinate, in the same unit.
    pub(crate) sigma: f64,
    /// What rests on fewer patients is not shown.
    pub(crate) k: f64,
    /// The declared size of the dataset.
    pub(crate) n_pub: f64,
}

/// A sum and its variance and covariance with another, in units of sigma^2.
pub(crate) struct Pair {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) aa: f64,
    pub(crate) ab: f64,
    pub(crate) bb: f64,
}

impl<'a> Source<'a> {
    pub(crate) fn new(plan: &Plan, block: &'a Block, noised: &[i128]) -> Self {
        let unit = match block.encoding {
            Encoding::Products { .. } => f64::exp2(-f64::from(SCALE_BITS)),
            Encoding::Free { grid_bits, .. } => f64::exp2(-f64::from(grid_bits)),
            Encoding::Cells { .. }
            | Encoding::Binned { .. }
            | Encoding::Centred { .. }
            | Encoding::Squared { .. } => 1.0 / CELL_ONE as f64,
        };
        let y = noised.iter().map(|y| *y as f64 * unit).collect();
        let (k, n_pub) = (f64::from(plan.gate().k), f64::from(plan.n_pub()));
        Self { kind: &block.output.kind, y, sigma: block.spread() * unit, k, n_pub }
    }

    pub(crate) fn axes(&self) -> &'a [Axis] {
        if let Kind::Table { axes, .. } = self.kind { axes } else { &[] }
    }

    /// The ratio of two sums.
    pub(crate) fn share(&self, pair: &Pair) -> Option<Estimate> {
        let v = self.sigma * self.sigma;
        fieller(pair.a, pair.b, [v * pair.aa, v * pair.ab, v * pair.bb])
    }

    /// A share of patients: shown where those below the line are enough.
    pub(crate) fn proportion(&self, pair: &Pair) -> Number {
        Number::new(self.share(pair), pair.b >= self.k, (0.0, 1.0))
    }

    /// The ratio of two sums with these weights on the coordinates.
    pub(crate) fn weighted(&self, a: &[f64], b: &[f64]) -> Pair {
        let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
        Pair { a: dot(a, &self.y), b: dot(b, &self.y), aa: dot(a, a), ab: dot(a, b), bb: dot(b, b) }
    }
}

/// The categories of an axis; none of an axis of edges.
pub(crate) fn categories(axis: Option<&Axis>) -> &[String] {
    if let Some(Axis::Categories { categories, .. }) = axis { categories } else { &[] }
}

/// The edges of an axis; none of an axis of categories.
pub(crate) fn edges(axis: Option<&Axis>) -> &[f64] {
    if let Some(Axis::Edges { edges, .. }) = axis { edges } else { &[] }
}

/// The cells of a table whose last axis has two categories: for each place before it those of `word`, and the others.
pub(crate) fn two(cells: &[f64], categories: &[String], word: &str) -> (Vec<f64>, Vec<f64>) {
    let first = categories.first().is_some_and(|c| c == word);
    let pair = |cell: &[f64]| match cell {
        [a, b] if first => (*a, *b),
        [a, b] => (*b, *a),
        _ => (0.0, 0.0),
    };
    cells.chunks(2).map(pair).unzip()
}
