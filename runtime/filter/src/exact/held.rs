//! From exact sums to a result that waits: the rules are applied, numbers are suppressed and rounded.

use super::evidence::{CellEvidence, Evidence, OutputEvidence};
use super::figure::{Exact, ExactFigure, ExactFigures, ExactPatients};
use super::members::{Members, Pseudonym, place};
use super::partition::Checked;
use super::plan::ExactPlan;
use super::reading::{ONE, Reading};
use super::rules::{self, Verdict, Weight};
use super::sums::{ExactSums, Tallied, pack};
use super::tally::Tally;
use crate::contribution::{Contribution, Untrusted};
use crate::digits::fixed;
use serde::{Deserialize, Serialize};
use std::ops::Range;
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
        let kept = if self.plan.parametrised() { self.kept(evidence) } else { Vec::new() };
        let rows = self.rows.iter().map(|(who, row)| (*who, narrowed(row, &kept))).collect();
        Members::new(job, self.plan.k(), kept.into_iter().map(|(number, _)| number).collect(), rows)
    }

    /// Each shown number with the columns whose patients are behind it.
    fn kept(&self, evidence: &Evidence) -> Vec<((Name, u32), Range<usize>)> {
        let (mut kept, mut first) = (Vec::new(), 0_usize);
        for ((output, reading), (tallied, said)) in
            self.plan.outputs().zip(self.outputs.iter().zip(&evidence.outputs))
        {
            for (at, _) in (0_u32..).zip(&said.cells).filter(|(_, cell)| cell.verdict == Verdict::Shown) {
                let behind = behind(&output.kind, reading, tallied, at as usize);
                let columns = behind.start.saturating_add(first)..behind.end.saturating_add(first);
                kept.push(((output.name.clone(), at), columns));
            }
            first = first.saturating_add(tallied.columns.len());
        }
        kept
    }
}

/// Those behind a cell; those below the edge that a quantile is.
fn behind(kind: &Kind, reading: &Reading, tallied: &Tallied, at: usize) -> Range<usize> {
    let (Kind::Quantiles { probabilities, .. }, Reading::Binned { .. }) = (kind, reading) else {
        return at..at.saturating_add(1);
    };
    let edge = probabilities.get(at).and_then(|p| rules::quantile(&tallied.counts(), *p, 0));
    0..edge.map_or(0, |(edge, _)| edge)
}

fn narrowed(row: &[u8], kept: &[((Name, u32), Range<usize>)]) -> Vec<u8> {
    let is = |column: usize| {
        let (byte, mask) = place(column);
        row.get(byte).is_some_and(|b| b & mask != 0)
    };
    pack(&kept.iter().map(|(_, columns)| columns.clone().any(is)).collect::<Vec<_>>())
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
    let mut cells = numbers(&output.kind, reading, tallied, cohort);
    if cohort.verdict != Verdict::Shown {
        cells.iter_mut().for_each(|cell| cell.verdict = cohort.verdict);
    }
    let shown = |cell: &CellEvidence| Exact(cell.value.filter(|_| cell.verdict == Verdict::Shown));
    let numbers = cells.iter().map(shown).collect();
    let total = matches!(reading, Reading::Cells { .. }).then(|| total(&cells));
    let (name, kind) = (output.name.clone(), output.kind.word().to_owned());
    (ExactFigure { name: name.clone(), numbers, total }, OutputEvidence { name, kind, cells })
}

/// Each number that would leave, with what the rules say of it.
fn numbers(kind: &Kind, reading: &Reading, tallied: &Tallied, cohort: &Cohort) -> Vec<CellEvidence> {
    let verdicts = match (kind, reading) {
        (Kind::Quantiles { edges, probabilities }, _) => {
            return probabilities.iter().map(|p| quantile(edges, *p, tallied, cohort.k)).collect();
        }
        (_, Reading::Cells { .. }) => cells(tallied, cohort),
        // A regression's statistics can only leave as a vector: the rule for parameters holds for all of them.
        (_, Reading::Coordinates { .. }) => {
            let model = rules::model(tallied.columns.len() as u64, cohort.n);
            let coordinate = |t: &Tally| {
                if model == Verdict::Shown { rules::sum(&t.weight, cohort.k) } else { model }
            };
            tallied.columns.iter().map(coordinate).collect()
        }
        (_, Reading::Value { .. } | Reading::Binned { .. }) => {
            tallied.columns.iter().map(|t| rules::sum(&t.weight, cohort.k)).collect()
        }
    };
    let cell =
        |(t, verdict): (&Tally, Verdict)| CellEvidence::new(&t.weight, verdict, value(kind, reading, t));
    tallied.columns.iter().zip(verdicts).map(cell).collect()
}

fn quantile(edges: &[f64], probability: f64, tallied: &Tallied, k: u32) -> CellEvidence {
    let found = rules::quantile(&tallied.counts(), probability, k);
    let (edge, verdict) = found.unwrap_or((0, Verdict::TooFew));
    // Everyone weighs 1 here: dominance has nothing to say.
    let weight = Weight { n: tallied.anywhere, ..Weight::default() };
    CellEvidence::new(&weight, verdict, found.and_then(|_| edges.get(edge).copied()))
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
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a multiple of 5 below 2^53")]
fn total(cells: &[CellEvidence]) -> u64 {
    let shown = cells.iter().filter(|cell| cell.verdict == Verdict::Shown);
    shown.filter_map(|cell| cell.value).map(|value| value as u64).fold(0, u64::saturating_add)
}

fn count(tally: &Tally) -> u64 {
    rules::rounded(u128::try_from(tally.sum).unwrap_or(0), ONE)
}

/// As it leaves: cells rounded to five, sums and means in their unit; `None` where nobody has a value.
fn value(kind: &Kind, reading: &Reading, tally: &Tally) -> Option<f64> {
    let unit = f64::exp2(-f64::from(reading.grid_bits()));
    let n = tally.weight.n as f64;
    match kind {
        Kind::Count | Kind::Histogram { .. } | Kind::Table { .. } => Some(count(tally) as f64),
        Kind::Sum(_) | Kind::Vector { .. } => Some(fixed(tally.sum as f64 * unit)),
        Kind::Mean(_) | Kind::Variance(_) if tally.weight.n == 0 => None,
        Kind::Mean(_) => Some(fixed(tally.sum as f64 / n * unit)),
        Kind::Variance(_) => Some(fixed(variance(tally) * unit * unit)),
        Kind::Quantiles { .. } | Kind::Moments { .. } => None,
    }
}

/// Divided by their number, in squared units. In integers as far as they go: a large mean takes no digits away.
fn variance(tally: &Tally) -> f64 {
    let n = u128::from(tally.weight.n);
    let size = tally.sum.unsigned_abs();
    let scaled = (tally.squares.checked_mul(n), size.checked_mul(size));
    let (Some(squares), Some(square)) = scaled else {
        let mean = tally.sum as f64 / n as f64;
        return (tally.squares as f64 / n as f64 - mean * mean).max(0.0);
    };
    squares.saturating_sub(square) as f64 / (n as f64 * n as f64)
}

/// Author mode: what the rules would do, with everything on show. No node and no bundle takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExactRehearsal {
    /// As they would wait in the airlock.
    pub figures: ExactFigures,
    /// What the output checker would see.
    pub evidence: Evidence,
    /// Each patient as the guest returned her, in the order given; absent where the default took her place.
    pub patients: Vec<Option<Vec<Vec<f64>>>>,
}

/// Applies the rules to one contribution a patient; for a patient whose guest failed, the default one.
#[must_use]
pub fn rehearse_exact(plan: &ExactPlan, contributions: Vec<Untrusted<Contribution>>) -> ExactRehearsal {
    let (mut sums, mut patients) = (ExactSums::new(plan), Vec::new());
    for (number, contribution) in (0_u128..).zip(contributions) {
        let who: Pseudonym = number.to_be_bytes();
        let Contribution(raw) = contribution.clone().open();
        patients.push(Some(raw).filter(|raw| raw.iter().map(Vec::len).eq(plan.shape())));
        sums.add(who, contribution);
    }
    let (figures, evidence) = sums.judge();
    ExactRehearsal { figures, evidence, patients }
}
