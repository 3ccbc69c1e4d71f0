//! Exact sums of one plan. Nothing reads them but [`ExactSums::hold`], which takes them whole.

use super::members::{Pseudonym, place};
use super::plan::ExactPlan;
use super::reading::Reading;
use super::tally::Tally;
use crate::contribution::{Contribution, Untrusted};
use crate::sums::OtherPlan;

/// The sums and, beside each, the evidence of the dominance rules; and who stands behind which number.
pub struct ExactSums {
    pub(super) plan: ExactPlan,
    pub(super) outputs: Vec<Tallied>,
    /// Each patient with a bit a number, where parameters may have changed what the numbers mean.
    pub(super) rows: Vec<(Pseudonym, Vec<u8>)>,
}

/// One output's numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tallied {
    pub(super) columns: Vec<Tally>,
    /// Patients behind at least one of them.
    pub(super) anywhere: u64,
}

impl ExactSums {
    /// No patient yet.
    #[must_use]
    pub fn new(plan: &ExactPlan) -> Self {
        let empty = |(_, reading): &(_, Reading)| Tallied {
            columns: vec![Tally::default(); reading.columns()],
            anywhere: 0,
        };
        let outputs = plan.outputs().map(empty).collect();
        Self { plan: plan.clone(), outputs, rows: Vec::new() }
    }

    /// Opens one patient's contribution and adds it. One of the wrong shape is the default one.
    pub fn add(&mut self, who: Pseudonym, contribution: Untrusted<Contribution>) {
        let Contribution(raw) = contribution.open();
        if !raw.iter().map(Vec::len).eq(self.plan.shape()) {
            return self.add_default(who);
        }
        let readings = self.plan.outputs().map(|(_, reading)| reading);
        let read: Vec<Vec<Option<i64>>> = readings.zip(&raw).map(|(r, raw)| r.read(raw)).collect();
        self.outputs.iter_mut().zip(&read).for_each(|(tallied, values)| tallied.add(values));
        let row = if self.plan.parametrised() { bits(&read) } else { Vec::new() };
        self.rows.push((who, row));
    }

    /// Adds a patient who contributes to nothing. She is in the cohort like any other.
    pub fn add_default(&mut self, who: Pseudonym) {
        let numbers: usize = self.outputs.iter().map(|t| t.columns.len()).fold(0, usize::saturating_add);
        let bytes = if self.plan.parametrised() { numbers.div_ceil(8) } else { 0 };
        self.rows.push((who, vec![0; bytes]));
    }

    /// Adds the sums of another worker.
    ///
    /// # Errors
    /// They belong to another plan; nothing is added.
    pub fn merge(&mut self, other: Self) -> Result<(), OtherPlan> {
        if self.plan != other.plan {
            return Err(OtherPlan);
        }
        self.outputs.iter_mut().zip(&other.outputs).for_each(|(mine, theirs)| mine.merge(theirs));
        self.rows.extend(other.rows);
        Ok(())
    }
}

impl Tallied {
    /// How many patients are behind each column.
    pub(super) fn counts(&self) -> Vec<u64> {
        self.columns.iter().map(|tally| tally.weight.n).collect()
    }

    fn add(&mut self, values: &[Option<i64>]) {
        for (tally, value) in self.columns.iter_mut().zip(values) {
            value.iter().for_each(|v| tally.add(*v));
        }
        let any = values.iter().any(Option::is_some);
        self.anywhere = self.anywhere.saturating_add(u64::from(any));
    }

    fn merge(&mut self, other: &Self) {
        self.columns.iter_mut().zip(&other.columns).for_each(|(mine, theirs)| mine.merge(theirs));
        self.anywhere = self.anywhere.saturating_add(other.anywhere);
    }
}

/// One bit a number of all outputs in order.
fn bits(read: &[Vec<Option<i64>>]) -> Vec<u8> {
    let numbers: Vec<bool> = read.iter().flatten().map(Option::is_some).collect();
    pack(&numbers)
}

/// One bit each, the lowest first.
pub(super) fn pack(numbers: &[bool]) -> Vec<u8> {
    let mut row = vec![0; numbers.len().div_ceil(8)];
    for (column, _) in numbers.iter().enumerate().filter(|(_, behind)| **behind) {
        let (byte, mask) = place(column);
        row.get_mut(byte).into_iter().for_each(|b: &mut u8| *b |= mask);
    }
    row
}

impl std::fmt::Debug for ExactSums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExactSums(..)")
    }
}
