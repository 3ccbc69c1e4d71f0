//! Step 6: integer sums, the same bits in whatever order and on however many machines they are added.
#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

use crate::contribution::{Contribution, Untrusted};
use crate::plan::Plan;

/// The sums of one plan, before noise. They have no accessor: [`crate::release`] and
/// [`crate::Round::next`] take them whole.
pub struct Sums {
    plan: Plan,
    patients: u64,
    blocks: Vec<Vec<i128>>,
}

/// Sums of two different plans cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these sums belong to another plan")]
pub struct OtherPlan;

impl Sums {
    /// No patient yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let blocks = plan.blocks().iter().map(|block| vec![0; block.coordinates()]).collect();
        Self { plan: plan.clone(), patients: 0, blocks }
    }

    /// Opens one patient's contribution, quantises, clips and adds it. One of the wrong shape is the default one.
    pub fn add(&mut self, contribution: Untrusted<Contribution>) {
        let contribution = contribution.open();
        self.patients = self.patients.saturating_add(1);
        if !fits(&self.plan, &contribution) {
            return;
        }
        let blocks = self.plan.blocks().iter().zip(&contribution.0);
        for (sums, (block, raw)) in self.blocks.iter_mut().zip(blocks) {
            add(sums, &block.encode(raw));
        }
    }

    /// Adds the default contribution: all zero. She counts as a patient like any other.
    pub fn add_default(&mut self) {
        self.patients = self.patients.saturating_add(1);
    }

    pub(crate) fn add_clipped(&mut self, clipped: &[Vec<i64>]) {
        self.patients = self.patients.saturating_add(1);
        self.blocks.iter_mut().zip(clipped).for_each(|(sums, q)| add(sums, q));
    }

    /// Adds the sums of another worker.
    ///
    /// # Errors
    /// They belong to another plan; nothing is added.
    pub fn merge(&mut self, other: Self) -> Result<(), OtherPlan> {
        if self.plan != other.plan {
            return Err(OtherPlan);
        }
        self.patients = self.patients.saturating_add(other.patients);
        for (sum, more) in self.blocks.iter_mut().flatten().zip(other.blocks.into_iter().flatten()) {
            *sum = sum.saturating_add(more);
        }
        Ok(())
    }

    pub(crate) fn are_of(&self, plan: &Plan) -> bool {
        self.plan == *plan
    }

    /// Canonical bytes, for tests that compare two ways of adding and for the keyed record that a replay is held against. They are
    /// patients' data: they never leave a process.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let numbers = self.blocks.iter().flatten().flat_map(|sum| sum.to_be_bytes());
        self.patients.to_be_bytes().into_iter().chain(numbers).collect()
    }

    pub(crate) fn into_parts(self) -> (Plan, u64, Vec<Vec<i128>>) {
        (self.plan, self.patients, self.blocks)
    }
}

fn add(sums: &mut [i128], clipped: &[i64]) {
    for (sum, q) in sums.iter_mut().zip(clipped) {
        // 2^65 patients at 2^62 each would be needed to saturate.
        *sum = sum.saturating_add(i128::from(*q));
    }
}

impl std::fmt::Debug for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sums(..)")
    }
}

/// Steps 4 and 5 for one patient. A wrong length anywhere makes all of it the default contribution.
pub(crate) fn encode(plan: &Plan, contribution: &Contribution) -> Vec<Vec<i64>> {
    if !fits(plan, contribution) {
        return plan.blocks().iter().map(|block| vec![0; block.coordinates()]).collect();
    }
    plan.blocks().iter().zip(&contribution.0).map(|(block, raw)| block.encode(raw)).collect()
}

pub(crate) fn fits(plan: &Plan, contribution: &Contribution) -> bool {
    contribution.0.iter().map(Vec::len).eq(plan.blocks().iter().map(|block| block.output.kind.length()))
}
