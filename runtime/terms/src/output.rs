//! The shape of one declared output. `manifest` reads these, `filter` computes on them.

use crate::{Decimal, Name};
use serde::{Deserialize, Serialize};

/// One output of a manifest: what each patient's vector means and what it may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Unique within the manifest.
    pub name: Name,
    /// UCUM unit of the value.
    pub unit: String,
    /// Privacy cost for one round.
    pub rho: Decimal,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// The kinds of output (PRIVACY.md section 3). Absent on purpose: minimum and maximum, which are never released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    /// The guest returns `[x]`, x in 0..=1: how much this patient counts. The result is the sum.
    Count,
    /// The guest returns `[x]` in `unit`; not finite: no value. The result is the sum.
    Sum(Bounds),
    /// The guest returns `[x]` in `unit`; not finite: no value. The result is the mean over patients with a value.
    Mean(Bounds),
    /// The guest returns `[x]` in `unit`; not finite: no value. The result is the variance of the patients with a value,
    /// divided by their number.
    Variance(Bounds),
    /// The guest returns one weight in 0..=1 for each of `edges.len() - 1` bins, lower edge included.
    Histogram {
        /// Strictly increasing bin edges in `unit`.
        edges: Vec<f64>,
        /// How many bins one patient may fill; the L2 norm is clipped to its square root.
        cells_per_patient: u32,
    },
    /// The guest returns one weight in 0..=1 a cell, the last axis fastest.
    Table {
        /// One to four axes.
        axes: Vec<Axis>,
        /// As for a histogram.
        cells_per_patient: u32,
    },
    /// The guest returns `[x]` in `unit`; not finite: no value. The host finds its bin, lower edge included; beyond the
    /// edges the first or the last. The result is for each probability the least edge below which it is reached.
    Quantiles {
        /// Strictly increasing bin edges in `unit`.
        edges: Vec<f64>,
        /// Strictly increasing, each above 0 and below 1.
        probabilities: Vec<f64>,
    },
    /// The guest returns one real a variable; one that is not finite: no value of any. The result is the sums of 1, of
    /// the variables and of their products, each scaled to [-1, 1].
    Moments {
        /// At least one.
        variables: Vec<Variable>,
    },
    /// The guest returns `length` reals; their L2 norm is clipped to `clip`. The result is the sum.
    Vector {
        /// Number of coordinates.
        length: u32,
        /// Bound of the L2 norm.
        clip: f64,
        /// Coordinates are rounded to multiples of `2^-grid_bits`.
        grid_bits: u8,
    },
}

/// The public range of a number and its grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Values below are raised to it; a multiple of the grid.
    pub lower: f64,
    /// Values above are lowered to it; a multiple of the grid.
    pub upper: f64,
    /// The grid is `2^-grid_bits`.
    pub grid_bits: u8,
}

/// One variable of `moments`: its public range becomes [-1, 1], on a grid of 2^-16.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Unique within the output.
    pub name: Name,
    /// UCUM unit.
    pub unit: String,
    /// Values below are raised to it.
    pub lower: f64,
    /// Values above are lowered to it.
    pub upper: f64,
}

impl Variable {
    /// The width of its range.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

/// One axis of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Axis {
    /// A closed list.
    Categories {
        /// Name of the axis.
        name: Name,
        /// The categories, in order.
        categories: Vec<String>,
    },
    /// Bins of a number.
    Edges {
        /// Name of the axis.
        name: Name,
        /// Strictly increasing edges.
        edges: Vec<f64>,
    },
}

impl Axis {
    /// Number of cells along this axis.
    #[must_use]
    pub const fn cells(&self) -> usize {
        match self {
            Self::Categories { categories, .. } => categories.len(),
            Self::Edges { edges, .. } => edges.len().saturating_sub(1),
        }
    }
}

impl Kind {
    /// How many numbers the guest returns for this output.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Count | Self::Sum(_) | Self::Mean(_) | Self::Variance(_) | Self::Quantiles { .. } => 1,
            Self::Histogram { edges, .. } => edges.len().saturating_sub(1),
            Self::Table { axes, .. } => axes.iter().map(Axis::cells).fold(1, usize::saturating_mul),
            Self::Moments { variables } => variables.len(),
            Self::Vector { length, .. } => *length as usize,
        }
    }

    /// How many integers the host sums for this output, each with noise of its own.
    #[must_use]
    pub fn coordinates(&self) -> usize {
        match self {
            Self::Count => 1,
            Self::Sum(_) | Self::Mean(_) => 2,
            Self::Variance(_) => 3,
            Self::Quantiles { edges, .. } => edges.len().saturating_sub(1),
            Self::Moments { variables } => moments(variables.len()),
            Self::Histogram { .. } | Self::Table { .. } | Self::Vector { .. } => self.length(),
        }
    }

    /// How many numbers are released.
    #[must_use]
    pub fn numbers(&self) -> usize {
        match self {
            Self::Count | Self::Sum(_) | Self::Mean(_) | Self::Variance(_) => 1,
            Self::Quantiles { probabilities, .. } => probabilities.len(),
            Self::Histogram { .. } | Self::Table { .. } | Self::Moments { .. } | Self::Vector { .. } => {
                self.coordinates()
            }
        }
    }

    /// The word of the manifest.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum(_) => "sum",
            Self::Mean(_) => "mean",
            Self::Variance(_) => "variance",
            Self::Histogram { .. } => "histogram",
            Self::Table { .. } => "table",
            Self::Quantiles { .. } => "quantiles",
            Self::Moments { .. } => "moments",
            Self::Vector { .. } => "vector",
        }
    }
}

/// 1, p variables, and the p (p + 1) / 2 products of two of them.
const fn moments(p: usize) -> usize {
    let products = p.saturating_mul(p.saturating_add(1)) >> 1;
    products.saturating_add(p).saturating_add(1)
}
