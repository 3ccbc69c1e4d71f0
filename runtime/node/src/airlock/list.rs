//! What waits, and the evidence behind it.

use super::decide::against_all;
use super::store::Airlock;
use crate::error::{NodeError, ask};
use crate::history;
use crate::job::Details;
use crate::node::Node;
use serde::Serialize;
use trocar_filter::{Evidence, SmallAtom, rules};
use trocar_ledger::{Event, Ledger, Reservation};
use trocar_terms::{DatasetId, JobId, Name, Output, Timestamp};

/// One held result.
#[derive(Debug, Serialize)]
pub struct AirlockRow {
    /// The job.
    pub job: JobId,
    /// The dataset.
    pub dataset: Name,
    /// The algorithm's name and version.
    pub algorithm: String,
    /// Since when it waits.
    pub held_at: Timestamp,
    /// Whether it still does.
    pub state: AirlockState,
}

/// Where a held result stands, for the operator: a researcher sees it at the end of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AirlockState {
    /// Nobody has decided.
    Waits,
    /// It left.
    Released,
    /// It was kept.
    Withheld,
}

/// All that an output checker looks at. It holds exact numbers: it must not leave the node.
#[derive(Debug, Serialize)]
pub struct AirlockShown {
    /// Which.
    #[serde(flatten)]
    pub row: AirlockRow,
    /// The outputs of its manifest, to name their numbers by.
    #[serde(skip)]
    pub outputs: Vec<Output>,
    /// What was asked.
    pub parameters: std::collections::BTreeMap<String, String>,
    /// What narrowed the cohort.
    #[serde(rename = "where")]
    pub where_: Option<String>,
    /// The evidence behind each number.
    pub evidence: Evidence,
    /// How many exact results of this node's patients were released before.
    pub earlier_releases: usize,
    /// What would be left too small by this release: then it can only be withheld.
    pub small: Vec<SmallAtom>,
    /// Whether the rules let it out.
    pub may_leave: bool,
    /// The output checker's reason, once decided.
    pub why: Option<String>,
}

impl Node {
    /// Every result that was ever held, oldest first.
    ///
    /// # Errors
    /// The ledger or a kept package cannot be read.
    pub async fn airlock(&self) -> Result<Vec<AirlockRow>, NodeError> {
        let ledger = self.home().ledger()?;
        let held = ledger.records().iter().filter_map(|record| {
            let Event::Held { job } = &record.event else { return None };
            Some((*job, record.time))
        });
        // Of another home that shares the ledger there is neither package nor key here.
        let (datasets, home) = (history::datasets(&ledger), self.home().name()?);
        let own = |(job, _): &(JobId, Timestamp)| {
            let reservation = reservation(&ledger, job).ok();
            reservation.and_then(|r| datasets.get(&r.dataset)).is_some_and(|(_, h)| *h == home)
        };
        let rows = held.filter(|row| !self.home().is_shared() || own(row));
        rows.map(|(job, at)| self.airlock_row(&ledger, job, at)).collect()
    }

    /// How many exact results about this dataset's patients were released.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn exact_releases(&self, dataset: DatasetId) -> Result<usize, NodeError> {
        let ledger = self.home().ledger()?;
        let (pool, released) = (ledger.pool(dataset), history::exact_releases(&ledger, None));
        let mine = |r: &&Reservation| released.contains(&r.job) && pool.contains(&r.dataset);
        Ok(history::reservations(&ledger).filter(mine).count())
    }

    fn airlock_row(&self, ledger: &Ledger, job: JobId, held_at: Timestamp) -> Result<AirlockRow, NodeError> {
        let reservation = reservation(ledger, &job)?;
        let package = self.home().package(&details(reservation)?.package)?;
        let (dataset, _) = history::datasets(ledger).remove(&reservation.dataset).ok_or(NodeError::Index)?;
        let algorithm = format!("{} {}", package.manifest.name, package.manifest.version);
        Ok(AirlockRow { job, dataset, algorithm, held_at, state: state(ledger, &job) })
    }

    /// The evidence behind a held result, for an operator of its dataset.
    ///
    /// # Errors
    /// Nothing is held of that job, or the key is no operator's.
    pub async fn airlock_show(&self, job: &JobId, as_: &Name) -> Result<AirlockShown, NodeError> {
        let _lock = self.home().common_lock("airlock.lock")?;
        let Some(row) = self.airlock().await?.into_iter().find(|row| row.job == *job) else {
            return ask(format!("no result of job {job} was held: see `trocar node airlock list`"));
        };
        if !self.policy(&row.dataset)?.operators().contains(&self.home().keys().get(as_)?.public()) {
            return ask(format!("the key {as_} is not among `operators` in the policy of {}", row.dataset));
        }
        let (ledger, airlock) = (self.home().ledger()?, Airlock::of(self.home())?);
        let evidence = airlock.held(job)?.evidence().clone();
        let small = match against_all(&airlock, &ledger, &airlock.members(job)?)? {
            Ok(_) => Vec::new(),
            Err(small) => small,
        };
        let details = details(reservation(&ledger, job)?)?;
        let earlier = history::exact_releases(&ledger, Some(job));
        Ok(AirlockShown {
            outputs: self.home().package(&details.package)?.manifest.outputs,
            parameters: details.parameters,
            where_: details.cohort,
            earlier_releases: earlier.len(),
            may_leave: small.is_empty() && evidence.cohort == rules::Verdict::Shown,
            why: airlock.reason(job).ok().filter(|_| row.state != AirlockState::Waits).map(|r| r.why),
            row,
            evidence,
            small,
        })
    }
}

fn reservation<'a>(ledger: &'a Ledger, job: &JobId) -> Result<&'a Reservation, NodeError> {
    history::reservations(ledger).find(|r| r.job == *job).ok_or(NodeError::Index)
}

fn details(reservation: &Reservation) -> Result<Details, NodeError> {
    Details::of(reservation).ok_or(NodeError::Lost("its details"))
}

fn state(ledger: &Ledger, job: &JobId) -> AirlockState {
    match history::decided(ledger, job) {
        None => AirlockState::Waits,
        Some(true) => AirlockState::Released,
        Some(false) => AirlockState::Withheld,
    }
}
