//! The two ways a job may go after it is admitted: noised sums, or exact ones that wait for an output checker.
//!
//! They part here and never meet again: exact sums are of another type, which the filter's release does not take.

use crate::store::Indexed;
use trocar_filter::{Contribution, ExactPlan, ExactSums, OtherPlan, Plan, Pseudonym, Sums, Untrusted};
use trocar_terms::{Charge, DeltaUnits, RhoUnits};

/// What may be released, by the class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JobPlan {
    /// `any-code`.
    Noised(Plan),
    /// `reviewed-code`.
    Exact(ExactPlan),
}

impl JobPlan {
    /// What the ledger reserves. An exact result has no noise, so no rho tells what it costs.
    pub(crate) fn charge(&self) -> Charge {
        match self {
            Self::Noised(plan) => plan.charge(),
            Self::Exact(_) => Charge { gate_rho: RhoUnits(0), block_rho: RhoUnits(0), delta: DeltaUnits(0) },
        }
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Noised(plan) => plan.shape(),
            Self::Exact(plan) => plan.shape(),
        }
    }

    pub(crate) fn rounds(&self) -> u32 {
        match self {
            Self::Noised(plan) => plan.rounds(),
            Self::Exact(_) => 1,
        }
    }
}

/// The sums of one worker's patients, or of all.
pub(crate) enum Added {
    Noised(Sums),
    Exact(ExactSums),
}

impl Added {
    pub(super) fn new(plan: &JobPlan) -> Self {
        match plan {
            JobPlan::Noised(plan) => Self::Noised(Sums::new(plan)),
            JobPlan::Exact(plan) => Self::Exact(ExactSums::new(plan)),
        }
    }

    /// Adds a patient; without a contribution the default one.
    pub(super) fn add(
        &mut self,
        patient: &Indexed,
        contribution: Option<Untrusted<Contribution>>,
    ) -> Option<()> {
        match (self, contribution) {
            (Self::Noised(sums), Some(contribution)) => sums.add(contribution),
            (Self::Noised(sums), None) => sums.add_default(),
            (Self::Exact(sums), Some(contribution)) => sums.add(pseudonym(patient)?, contribution),
            (Self::Exact(sums), None) => sums.add_default(pseudonym(patient)?),
        }
        Some(())
    }

    pub(super) fn merge(&mut self, other: Self) -> Result<(), OtherPlan> {
        match (self, other) {
            (Self::Noised(mine), Self::Noised(theirs)) => mine.merge(theirs),
            (Self::Exact(mine), Self::Exact(theirs)) => mine.merge(theirs),
            (Self::Noised(_), Self::Exact(_)) | (Self::Exact(_), Self::Noised(_)) => Err(OtherPlan),
        }
    }
}

/// The first half of the HMAC that the index keeps in hex; `None` where it holds something else.
fn pseudonym(patient: &Indexed) -> Option<Pseudonym> {
    let bytes = hex::decode(patient.pseudonym.get(..32)?).ok()?;
    bytes.try_into().ok()
}
