//! Statistics that are made of noised blocks alone: post-processing, which costs nothing and reads no patient.
//!
//! Intervals are closed forms and no simulation: Fieller's for whatever is a ratio of sums (or solves an equation that is
//! linear in them), which holds where the noise is large against the sum below the line too, where a bootstrap would not; the
//! delta method for the products of a survival curve. A number whose noise hides it is absent. The coverage of each is simulated in tests/pipeline/coverage.rs.

mod calibration;
mod confusion;
mod covariance;
mod linear;
mod matrix;
mod moments;
mod monotone;
mod newton;
mod roc;
mod source;
mod survival;

use crate::figure::{Number, columns, scalar};
use crate::plan::Plan;
pub(crate) use moments::pairs;
pub(crate) use newton::Fit;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use source::Source;
use trocar_terms::{Derived, DerivedKind};

/// One derived statistic: its parts, each one number or a list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DerivedFigure {
    /// What the manifest says of it.
    #[serde(flatten)]
    pub derived: Derived,
    /// The parts, in the order of CONTRACT.md section 6.
    pub parts: Vec<Part>,
}

/// One part, such as the area under a curve, or the curve.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// What it is, in snake case; constant for each kind.
    pub name: &'static str,
    /// The group of patients that it describes, where the output has an axis of groups.
    pub group: Option<String>,
    /// Where its numbers stand.
    pub at: At,
    /// One number, or one for each place of `at`.
    pub numbers: Vec<Number>,
}

/// Where the numbers of a part stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum At {
    /// One number.
    #[serde(skip)]
    One,
    /// Thresholds, times or predictions.
    Numbers(Vec<f64>),
    /// Categories, variables or pairs of them.
    Words(Vec<String>),
}

/// Every derived statistic of the plan, from its noised blocks, and the steps that were taken between rounds.
pub(crate) fn compute(plan: &Plan, blocks: &[Vec<i128>], fits: &[Fit]) -> Vec<DerivedFigure> {
    plan.derived().iter().filter_map(|derived| figure(plan, blocks, fits, derived)).collect()
}

/// `None` only where the output is not there, which admission refuses.
fn figure(plan: &Plan, blocks: &[Vec<i128>], fits: &[Fit], derived: &Derived) -> Option<DerivedFigure> {
    let mut all = plan.blocks().iter().zip(blocks);
    let (block, noised) = all.find(|(block, _)| block.output.name == derived.from)?;
    let source = Source::new(plan, block, noised);
    let parts = match &derived.kind {
        DerivedKind::Roc { positive } => roc::parts(&source, positive),
        DerivedKind::Calibration { positive } => calibration::parts(&source, positive),
        DerivedKind::Confusion => confusion::parts(&source),
        DerivedKind::Survival { event } => survival::parts(&source, event),
        DerivedKind::Covariance => covariance::parts(&source),
        DerivedKind::Linear { outcome, predictors } => linear::parts(&source, outcome, predictors),
        DerivedKind::Logistic { .. } => fits.iter().find(|fit| fit.is_of(derived))?.parts(),
    };
    Some(DerivedFigure { derived: derived.clone(), parts })
}

impl Part {
    /// One number.
    pub(crate) fn one(name: &'static str, number: Number) -> Self {
        Self { name, group: None, at: At::One, numbers: vec![number] }
    }

    /// One number for each place.
    pub(crate) const fn many(name: &'static str, at: At, numbers: Vec<Number>) -> Self {
        Self { name, group: None, at, numbers }
    }

    /// The same of one group of patients.
    pub(crate) fn of(self, group: Option<&String>) -> Self {
        Self { group: group.cloned(), ..self }
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        if let Some(group) = &self.group {
            map.serialize_entry("group", group)?;
        }
        if let (At::One, [number]) = (&self.at, self.numbers.as_slice()) {
            scalar(number, &mut map)?;
            return map.end();
        }
        map.serialize_entry("at", &self.at)?;
        columns(&self.numbers, &mut map)?;
        map.end()
    }
}
