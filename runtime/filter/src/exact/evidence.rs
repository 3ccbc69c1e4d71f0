//! What stands behind each number: for the output checker's eyes alone.

use super::rules::{Verdict, Weight};
use serde::{Deserialize, Serialize};
use trocar_terms::Name;

/// The evidence of one held result. It holds exact numbers of patients: it never leaves the operator's store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Patients in the cohort, exactly.
    pub patients: u64,
    /// Fewest that may be told.
    pub k: u32,
    /// What the rules say of the cohort as a whole: unless it is shown, nothing of the job may leave.
    pub cohort: Verdict,
    /// Each output, in the manifest's order.
    pub outputs: Vec<OutputEvidence>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputEvidence {
    /// The manifest's name.
    pub name: Name,
    /// The manifest's word for its kind.
    pub kind: String,
    /// Each number of it, in order.
    pub cells: Vec<CellEvidence>,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CellEvidence {
    /// Patients who contributed.
    pub n: u64,
    /// Share of the total of absolute contributions that the largest has; absent where the total is 0.
    pub top1_share: Option<f64>,
    /// Share that the two largest have together.
    pub top2_share: Option<f64>,
    /// What the rules say.
    pub verdict: Verdict,
    /// As it would leave, or as it would have.
    pub value: Option<f64>,
}

impl CellEvidence {
    pub(super) fn new(weight: &Weight, verdict: Verdict, value: Option<f64>) -> Self {
        let share = |top: u128| (weight.total > 0).then(|| top as f64 / weight.total as f64);
        let (top1, top2) = (u128::from(weight.top1), u128::from(weight.top2));
        Self {
            n: weight.n,
            top1_share: share(top1),
            top2_share: share(top1.saturating_add(top2)),
            verdict,
            value,
        }
    }
}
