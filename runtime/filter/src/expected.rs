//! What noise a plan will add, told before anything is spent: from manifest and policy alone, no patient is read.
//!
//! Nothing here has formulas of its own. A cohort that does not exist is summed by the steps of a release, and its figures are
//! computed as a release computes them, so that what is foretold is what a release will say of itself.

use crate::block::Block;
use crate::contribution::Contribution;
use crate::figure::Figures;
use crate::plan::Plan;
use crate::sums::{Sums, encode};
use trocar_terms::Kind;

/// Patients that are summed one by one; more are these, several times.
const MADE: u32 = 256;

/// What a researcher must expect of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Expected {
    /// The figures of a made-up cohort without noise, with the standard deviations and intervals that noise would give them.
    /// Its values are spread evenly: over each public range, over the cells of each histogram and table; vectors are zero.
    pub figures: Figures,
    /// The cohort gate.
    pub gate: ExpectedGate,
}

/// What a researcher must expect of the cohort gate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ExpectedGate {
    /// Standard deviation of the noise on the number of patients.
    pub sd: f64,
    /// The smallest cohort that opens it with a probability of at least 95 %.
    pub opens_at: u64,
    /// The probability with which the cohort that was asked about opens it.
    pub chance: f64,
}

impl Plan {
    /// What to expect for a cohort of `patients`, each with a value for each output.
    #[must_use]
    pub fn expected(&self, patients: u32) -> Expected {
        let made = patients.clamp(1, MADE);
        let mut sums = Sums::new(self);
        for index in 0..made {
            let outputs = self.blocks().iter().map(|block| assumed(block, index, made)).collect();
            sums.add_clipped(&encode(self, &Contribution(outputs)));
        }
        let (_, _, mut blocks) = sums.into_parts();
        let scale = |sum: &mut i128| {
            *sum = sum.saturating_mul(patients.into()).checked_div(made.into()).unwrap_or(0);
        };
        blocks.iter_mut().flatten().for_each(scale);
        let figures = Figures::compute(self, patients.into(), &blocks, &[]);
        let sd = self.gate().sigma as f64;
        let (opens_at, chance) = (self.gate().opens_at(0.95), self.gate().chance(patients.into()));
        Expected { figures, gate: ExpectedGate { sd, opens_at, chance } }
    }
}

/// What patient `index` of `all` would return.
fn assumed(block: &Block, index: u32, all: u32) -> Vec<f64> {
    let kind = &block.output.kind;
    let share = (f64::from(index) + 0.5) / f64::from(all);
    let within = |lower: f64, upper: f64| vec![lower + (upper - lower) * share];
    match kind {
        Kind::Count => vec![1.0],
        Kind::Sum(bounds) | Kind::Mean(bounds) | Kind::Variance(bounds) => within(bounds.lower, bounds.upper),
        Kind::Histogram { .. } | Kind::Table { .. } => one_hot(index, kind.length()),
        Kind::Quantiles { edges, .. } => match (edges.first(), edges.last()) {
            (Some(first), Some(last)) => within(*first, *last),
            _ => vec![f64::NAN],
        },
        Kind::Moments { variables } => {
            let ranges = variables.iter().enumerate();
            ranges.map(|(at, v)| v.lower + (v.upper - v.lower) * shuffled(index, at, all)).collect()
        }
        Kind::Vector { length, .. } => vec![0.0; *length as usize],
    }
}

fn one_hot(index: u32, cells: usize) -> Vec<f64> {
    let filled = (index as usize).checked_rem(cells);
    (0..cells).map(|cell| if Some(cell) == filled { 1.0 } else { 0.0 }).collect()
}

/// Another order of the same even spread for each variable, so that no two go together.
fn shuffled(index: u32, variable: usize, all: u32) -> f64 {
    let mixed = u64::from(index).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    let mixed = mixed.wrapping_mul((variable as u64).wrapping_mul(2).wrapping_add(3)) ^ mixed >> 29;
    (mixed.checked_rem(all.into()).unwrap_or(0) as f64 + 0.5) / f64::from(all)
}
