//! Feasibility counts: how many patients a condition has, noised, out of a budget of their own.
//!
//! The same question on the same snapshot under the same policy is answered once: the answer is kept and shown again. When it
//! shows is fixed before any record is looked at.

use crate::error::{NodeError, ask};
use crate::files;
use crate::job::Refusal;
use crate::node::Node;
use crate::store::{Dataset, Snapshot};
use serde::Serialize;
use trocar_filter::CountPlan;
use trocar_ledger::{CountCaps, CountReservation, Event, Verdict};
use trocar_manifest::cohort::Expr;
use trocar_policy::Policy;
use trocar_terms::{Code, ColumnType, Digest, JobId, Name, RhoUnits, Timestamp};
use trocar_worker::Grant;

/// A feasibility count.
#[derive(Debug, Clone)]
pub struct CountRequest {
    /// The dataset.
    pub dataset: Name,
    /// Which patients; all where it is not there.
    pub where_: Option<String>,
}

/// What a feasibility count may say.
#[derive(Debug, Clone, Serialize)]
pub struct CountAnswer {
    /// The dataset.
    pub dataset: Name,
    /// The condition, normalised; `all` where there is none.
    #[serde(rename = "where")]
    pub where_: String,
    /// The noised number: `value`, `sd`, `low95`, `high95`, `shown`.
    pub patients: serde_json::Value,
    /// What it cost when it was drawn.
    pub rho: f64,
    /// Before this time nobody may see it.
    pub answer_at: Timestamp,
    /// Whether it was drawn for an earlier question.
    pub cached: bool,
}

/// A question that the policy allows.
struct Asked {
    dataset: Dataset,
    policy: Policy,
    snapshot: Snapshot,
    plan: CountPlan,
    cohort: Option<Expr>,
    where_: String,
    key: Digest,
}

/// Records that are looked at in a second, at the very least: decides when an answer shows.
const RECORDS_A_SECOND: u32 = 500;

impl Node {
    /// Counts, or shows what was counted before. Whoever shows the answer waits for its `answer_at`.
    ///
    /// # Errors
    /// The dataset is unknown or not scanned, or the node's own files or its witness cannot be used. A refusal is a value.
    pub async fn count(&self, request: &CountRequest) -> Result<Result<CountAnswer, Refusal>, NodeError> {
        let _lock = self.home().lock("counts.lock")?;
        let asked = match self.asked(request).await? {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.countersign(&asked.policy).await?;
        let ledger = self.home().ledger()?;
        let known = ledger.count(&asked.key).map(|(reservation, answered)| (reservation.clone(), answered));
        match known {
            Some((reservation, true)) => self.kept(&asked, &reservation).map(Ok),
            Some((reservation, false)) => self.answer(&asked, &reservation).await.map(Ok),
            None => match self.reserve_count(&asked)? {
                Ok(reservation) => self.answer(&asked, &reservation).await.map(Ok),
                Err(code) => Ok(Err(Refusal::of(code, counts_words(&asked)))),
            },
        }
    }

    /// The conditions whose counts a catalogue shows: everyone, and each word of each closed list that the policy grants.
    ///
    /// # Errors
    /// The policy cannot be read.
    pub fn margins(&self, dataset: &Name) -> Result<Vec<Option<String>>, NodeError> {
        let policy = self.policy(dataset)?;
        let mut all = vec![None];
        all.extend(policy.modalities().iter().map(|m| Some(format!("modality = \"{}\"", m.code()))));
        for column in policy.columns() {
            if let ColumnType::Category { categories } = &column.kind {
                all.extend(categories.iter().map(|word| Some(format!("{} = {word:?}", column.name))));
            }
        }
        for attribute in policy.attributes() {
            all.extend(
                attribute.categories.iter().map(|word| Some(format!("{} = {word:?}", attribute.keyword))),
            );
        }
        Ok(all)
    }

    async fn asked(&self, request: &CountRequest) -> Result<Result<Asked, Refusal>, NodeError> {
        let dataset = self.store().dataset(&request.dataset).await?;
        let policy = self.policy(&dataset.name)?;
        let cohort =
            request.where_.as_deref().map(|text| trocar_policy::countable(&policy, text)).transpose();
        let cohort = match cohort {
            Ok(cohort) => cohort,
            Err((code, detail)) => return Ok(Err(Refusal::of(code, detail))),
        };
        let Some(plan) = CountPlan::admit(&policy.counts_rho_each(), policy.k()) else {
            return Ok(Err(Refusal::of(
                Code::FilterRefuses,
                "counts_rho_each leaves no noise that can be drawn",
            )));
        };
        let snapshot = self.scanned(&dataset, &policy).await?;
        let where_ = cohort.as_ref().map_or_else(|| "all".to_owned(), Expr::normalised);
        let parts = (dataset.id, snapshot.id, policy.digest(), &where_, plan.charge());
        let key = Digest::of(&serde_json::to_vec(&parts)?);
        Ok(Ok(Asked { dataset, policy, snapshot, plan, cohort, where_, key }))
    }

    /// The newest snapshot of a dataset, if it was made under this policy.
    pub(crate) async fn scanned(&self, dataset: &Dataset, policy: &Policy) -> Result<Snapshot, NodeError> {
        let scan = format!("run `trocar node scan {}`", dataset.name);
        let Some(id) = dataset.snapshot else {
            return ask(format!("{} has not been scanned: {scan}", dataset.name));
        };
        let snapshot = self.store().snapshot(id).await?;
        if snapshot.policy != policy.digest() {
            return ask(format!("the policy of {} was changed after its last scan: {scan}", dataset.name));
        }
        Ok(snapshot)
    }

    fn reserve_count(&self, asked: &Asked) -> Result<Result<CountReservation, Code>, NodeError> {
        let mut ledger = self.home().ledger()?;
        let now = ledger.time(self.now());
        let reservation = CountReservation {
            count: JobId::from_bytes(self.random_bytes()),
            dataset: asked.dataset.id,
            snapshot: asked.snapshot.id,
            key: asked.key,
            rho: asked.plan.charge(),
            answer_at: now.plus(declared_seconds(&asked.policy)),
        };
        let caps = CountCaps {
            each: RhoUnits::floor(&asked.policy.counts_rho_each()),
            year: RhoUnits::floor(&asked.policy.counts_rho_year()),
        };
        Ok(match ledger.reserve_count(now, reservation.clone(), &caps)? {
            Verdict::Reserved(_) => Ok(reservation),
            Verdict::Denied(code) => Err(code),
        })
    }

    /// Counts and draws what is reserved. A count whose process died was seen by nobody: it is drawn again.
    async fn answer(&self, asked: &Asked, reservation: &CountReservation) -> Result<CountAnswer, NodeError> {
        self.countersign(&asked.policy).await?;
        let count = asked.plan.draw(self.matching(asked).await?, &mut self.random());
        files::private_dir(&self.home().root().join("counts"))?;
        files::write_durably(&self.home().count_path(&asked.key), &serde_json::to_vec(&count)?)?;
        let answered = Event::Answered { count: reservation.count };
        self.home().ledger()?.append(self.now(), answered)?;
        let mut answer = self.kept(asked, reservation)?;
        answer.answer_at = shows(reservation.answer_at, self.now(), declared_seconds(&asked.policy));
        answer.cached = false;
        Ok(answer)
    }

    async fn matching(&self, asked: &Asked) -> Result<u64, NodeError> {
        let grant = everything(&asked.policy);
        let mut patients = 0_u64;
        let see = |_, patient: crate::store::Indexed| {
            let is_in = asked.cohort.as_ref().is_none_or(|cohort| patient.is_in(cohort, &grant));
            patients = patients.saturating_add(u64::from(is_in));
        };
        self.store().each_member(&asked.snapshot, see).await?;
        Ok(patients)
    }

    fn kept(&self, asked: &Asked, reservation: &CountReservation) -> Result<CountAnswer, NodeError> {
        let Ok(bytes) = files::read(&self.home().count_path(&asked.key)) else {
            return ask(
                "the answer was drawn before, and its file is not in counts/ of the home: restore it",
            );
        };
        Ok(CountAnswer {
            dataset: asked.dataset.name.clone(),
            where_: asked.where_.clone(),
            patients: serde_json::from_slice(&bytes)?,
            rho: reservation.rho.to_f64(),
            answer_at: reservation.answer_at,
            cached: true,
        })
    }
}

/// The price and the policy's own caps alone: what is spent is the pool's, and would tell which datasets share patients.
fn counts_words(asked: &Asked) -> String {
    let (each, year) = (asked.policy.counts_rho_each(), asked.policy.counts_rho_year());
    format!("it asks for rho {each}; this dataset's policy allows {year} of counts in 365 days")
}

/// From declared figures alone; nothing is held back where the policy has no slot (demo).
fn declared_seconds(policy: &Policy) -> i64 {
    let seconds = policy.size_bound().div_ceil(RECORDS_A_SECOND).saturating_add(2);
    if policy.slot_minutes() == 0 { 0 } else { i64::from(seconds) }
}

/// The time that was fixed; a count that took longer shows one or more such times later, and not when it was done.
fn shows(answer_at: Timestamp, done: Timestamp, step: i64) -> Timestamp {
    let late = done.seconds().saturating_sub(answer_at.seconds()).max(0);
    let steps = late.checked_div(step).unwrap_or(0).saturating_add(i64::from(late > 0));
    answer_at.plus(steps.saturating_mul(step))
}

/// All that a manifest could be granted: a count sees no more than that.
fn everything(policy: &Policy) -> Grant {
    Grant {
        modalities: policy.modalities().to_vec(),
        pixels: false,
        masks: Vec::new(),
        attributes: policy.attributes().iter().map(|a| a.keyword.clone()).collect(),
        columns: policy.columns().iter().map(|c| c.name.to_string()).collect(),
        models: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_count_shows_at_a_step_and_not_when_it_was_done() {
        let at = Timestamp::from_seconds;
        for (done, shown) in [(0, 100), (99, 100), (100, 100), (101, 110), (110, 120), (119, 120)] {
            assert_eq!(shows(at(100), at(done), 10), at(shown), "done at {done}");
        }
        assert_eq!(shows(at(100), at(105), 0), at(100), "a demo holds nothing back");
    }
}
