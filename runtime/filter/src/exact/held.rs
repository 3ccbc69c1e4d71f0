//! From exact sums to a result that waits: the rules are applied, numbers are suppressed and rounded.

use super::evidence::{CellEvidence, Evidence, OutputEvidence};
use super::figure::{Exact, ExactFigure, ExactFigures, ExactPatients};
use super::members::{Members, Pseudonym, place};
use super::partition::Checked;
use super::plan::ExactPlan;
use super::reading::{ONE, Reading};
use super::rules::{self, Verdict};
use super::sums::{ExactSums, Tallied, pack};
use super::tally::Tally;
use crate::contribution::{Contribution, Untrusted};
use crate::figure::fixed;
use serde::{Deserialize, Serialize};
use trocar_terms::{JobId, Kind, Name, Output};

/// A result that waits for the output checker. It shows its evidence and nothing else: the figures come out of
/// [`Held::released`] alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    job: JobId,
    figures: ExactFigures,
    evidence: Evidence,
}

/// An exact result that no earlier release can be held against. It is not [`crate::Released`] and cannot become it; a
/// bundle takes it only beside a signed decision.
#[derive(Debug, PartialEq)]
pub struct ExactReleased {
    job: JobId,
    figures: ExactFigures,
}

impl Held {
    /// The job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// What the output checker looks at.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Lets the figures out; `None` where the cohort is below k, or where another job was checked.
    #[must_use]
    pub fn released(self, checked: Checked) -> Option<ExactReleased> {
        let may = checked.job() == self.job && self.evidence.cohort == Verdict::Shown;
        may.then_some(ExactReleased { job: self.job, figures: self.figures })
    }
}

impl ExactReleased {
    /// The job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// The figures, to write.
    #[must_use]
    pub const fn figures(&self) -> &ExactFigures {
        &self.figures
    }
}

impl ExactSums {
    /// Applies the rules. The sums do not survive it.
    #[must_use]
    pub fn hold(self, job: JobId) -> (Held, Members) {
        let (figures, evidence) = self.judge();
        let members = self.into_members(job, &evidence);
        (Held { job, figures, evidence }, members)
    }

    fn judge(&self) -> (ExactFigures, Evidence) {
        let (n, k) = (self.rows.len() as u64, self.plan.k());
        let cohort = if n >= u64::from(k) { Verdict::Shown } else { Verdict::TooFew };
        let judged = self.plan.outputs().zip(&self.outputs).map(|((output, reading), tallied)| {
            let job = Cohort { n, k, verdict: cohort };
            judged(output, reading, tallied, &job)
        });
        let (outputs, evidence) = judged.unzip();
        let value = (cohort == Verdict::Shown).then(|| rules::rounded(u128::from(n), 1));
        let figures = ExactFigures { patients: ExactPatients { value }, outputs };
        (figures, Evidence { patients: n, k, cohort, outputs: evidence })
    }

    /// Everyone in the cohort, and, where parameters may change what numbers mean, who is behind each that is shown.
    fn into_members(self, job: JobId, evidence: &Evidence) -> Members {
        let numbers = evidence.outputs.iter().flat_map(|o| {
            (0..).zip(&o.cells).map(|(at, cell): (u32, _)| ((o.name.clone(), at), cell.verdict))
        });
        let kept = numbers.enumerate().filter(|(_, (_, verdict))| *verdict == Verdict::Shown);
        let kept: Vec<(usize, (Name, u32))> = kept.map(|(column, (number, _))| (column, number)).collect();
        let kept = if self.plan.parametrised() { kept } else { Vec::new() };
        let narrowed = |row: &[u8]| {
            let behind = kept.iter().map(|(column, _)| {
                let (byte, mask) = place(*column);
                row.get(byte).is_some_and(|b| b & mask != 0)
            });
            pack(&behind.collect::<Vec<_>>())
        };
        let rows = self.rows.iter().map(|(who, row)| (*who, narrowed(row))).collect();
        Members::new(job, self.plan.k(), kept.iter().map(|(_, number)| number.clone()).collect(), rows)
    }
}

/// What the rules need of the job as a whole.
struct Cohort {
    n: u64,
    k: u32,
    verdict: Verdict,
}

fn judged(
    output: &Output,
    reading: &Reading,
    tallied: &Tallied,
    cohort: &Cohort,
) -> (ExactFigure, OutputEvidence) {
    let verdicts = match reading {
        _ if cohort.verdict != Verdict::Shown => vec![cohort.verdict; tallied.columns.len()],
        Reading::Cells { .. } => cells(tallied, cohort),
        Reading::Value { .. } | Reading::Coordinates { .. } => {
            tallied.columns.iter().map(|t| rules::sum(&t.weight, cohort.k)).collect()
        }
    };
    let values: Vec<Option<f64>> = tallied.columns.iter().map(|t| value(&output.kind, reading, t)).collect();
    let rows = tallied.columns.iter().zip(&verdicts).zip(&values);
    let evidence = rows.clone().map(|((t, verdict), value)| CellEvidence::new(&t.weight, *verdict, *value));
    let evidence = OutputEvidence {
        name: output.name.clone(),
        kind: output.kind.word().to_owned(),
        cells: evidence.collect(),
    };
    let numbers: Vec<Exact> =
        rows.map(|((_, verdict), value)| Exact(value.filter(|_| *verdict == Verdict::Shown))).collect();
    let total = total(reading, tallied, &verdicts);
    (ExactFigure { name: output.name.clone(), numbers, total }, evidence)
}

/// Suppression in two steps: cells below k, and then, while the patients who are in no shown cell are fewer than k
/// and some cell is suppressed, the smallest shown one: else it could be told from the number of the cohort.
fn cells(tallied: &Tallied, cohort: &Cohort) -> Vec<Verdict> {
    if !rules::third(tallied.columns.len() as u64, cohort.n) {
        return vec![Verdict::Levels; tallied.columns.len()];
    }
    let mut verdicts: Vec<Verdict> =
        tallied.columns.iter().map(|t| rules::cell(&t.weight, cohort.k)).collect();
    let nowhere = cohort.n.saturating_sub(tallied.anywhere);
    while let Some(smallest) = to_hide(tallied, &verdicts, nowhere, cohort.k) {
        verdicts.get_mut(smallest).into_iter().for_each(|v| *v = Verdict::Complement);
    }
    verdicts
}

fn to_hide(tallied: &Tallied, verdicts: &[Verdict], nowhere: u64, k: u32) -> Option<usize> {
    let counts = || tallied.columns.iter().map(|t| t.weight.n).zip(verdicts).enumerate();
    let hidden = counts().filter(|(_, (_, v))| **v != Verdict::Shown);
    let hidden = hidden.map(|(_, (n, _))| n).reduce(u64::saturating_add)?;
    if hidden.saturating_add(nowhere) >= u64::from(k) {
        return None;
    }
    let shown = counts().filter(|(_, (n, v))| *n > 0 && **v == Verdict::Shown);
    shown.min_by_key(|(_, (n, _))| *n).map(|(at, _)| at)
}

/// Totals are sums of released cells, as they are released.
fn total(reading: &Reading, tallied: &Tallied, verdicts: &[Verdict]) -> Option<u64> {
    let Reading::Cells { .. } = reading else { return None };
    let shown = tallied.columns.iter().zip(verdicts).filter(|(_, v)| **v == Verdict::Shown);
    Some(shown.map(|(t, _)| count(t)).fold(0, u64::saturating_add))
}

fn count(tally: &Tally) -> u64 {
    rules::rounded(u128::try_from(tally.sum).unwrap_or(0), ONE)
}

/// As it leaves: cells rounded to five, sums and means in their unit; `None` where nobody has a value.
fn value(kind: &Kind, reading: &Reading, tally: &Tally) -> Option<f64> {
    let unit = f64::exp2(-f64::from(reading.grid_bits()));
    match kind {
        Kind::Count | Kind::Histogram { .. } | Kind::Table { .. } => Some(count(tally) as f64),
        Kind::Sum(_) | Kind::Vector { .. } => Some(fixed(tally.sum as f64 * unit)),
        Kind::Mean(_) if tally.weight.n == 0 => None,
        Kind::Mean(_) => Some(fixed(tally.sum as f64 / tally.weight.n as f64 * unit)),
    }
}

/// Author mode: what the rules would do, with everything on show. No node and no bundle takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExactRehearsal {
    /// As they would wait in the airlock.
    pub figures: ExactFigures,
    /// What the output checker would see.
    pub evidence: Evidence,
}

/// Applies the rules to one contribution a patient; for a patient whose guest failed, the default one.
#[must_use]
pub fn rehearse_exact(plan: &ExactPlan, contributions: Vec<Untrusted<Contribution>>) -> ExactRehearsal {
    let mut sums = ExactSums::new(plan);
    for (number, contribution) in (0_u128..).zip(contributions) {
        let who: Pseudonym = number.to_be_bytes();
        sums.add(who, contribution);
    }
    let (figures, evidence) = sums.judge();
    ExactRehearsal { figures, evidence }
}
