//! The ledger folded: which events may follow, and what was reserved.

use crate::caps::Limits;
use crate::event::{CountReservation, Event, Reservation};
use std::collections::{BTreeMap, BTreeSet};
use trocar_terms::{Code, DatasetId, Digest, JobId, RhoUnits, Timestamp};

/// The format that this version reads and writes.
pub(crate) const VERSION: u32 = 2;

/// All that the rules need to know of the records so far.
#[derive(Debug, Default)]
pub(crate) struct State {
    begun: bool,
    /// Each dataset with the pool that it is in, which goes by one of its datasets.
    datasets: BTreeMap<DatasetId, DatasetId>,
    limits: BTreeMap<DatasetId, Limits>,
    counts: BTreeMap<JobId, CountRow>,
    approvals: BTreeMap<u64, Approval>,
    rows: BTreeMap<JobId, Row>,
    finished: BTreeMap<JobId, Code>,
}

#[derive(Debug)]
struct Approval {
    dataset: DatasetId,
    manifest: Digest,
    ended: Option<Code>,
}

/// One reservation and what became of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) time: Timestamp,
    pub(crate) reservation: Reservation,
    returned: Option<(RhoUnits, Timestamp)>,
    charged: bool,
    held: bool,
    decided: Option<bool>,
}

impl Row {
    /// What it has spent by `now`. At most `block_rho` was returned, so the gate is always in it.
    pub(crate) fn spent(&self, now: Timestamp) -> RhoUnits {
        let whole = self.reservation.charge.rho().unwrap_or(RhoUnits(u64::MAX));
        let due = self.returned.filter(|(_, from)| now >= *from).map_or(RhoUnits(0), |(rho, _)| rho);
        RhoUnits(whole.0.saturating_sub(due.0))
    }
}

/// One feasibility count.
#[derive(Debug)]
pub(crate) struct CountRow {
    pub(crate) time: Timestamp,
    pub(crate) reservation: CountReservation,
    pub(crate) answered: bool,
}

type Rule = Result<(), &'static str>;

impl State {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = &CountRow> {
        self.counts.values()
    }

    /// The datasets that share a budget with this one, itself included.
    pub(crate) fn pool(&self, dataset: DatasetId) -> BTreeSet<DatasetId> {
        let pool = self.datasets.get(&dataset).copied().unwrap_or(dataset);
        let members = self.datasets.iter().filter(|(_, p)| **p == pool).map(|(d, _)| *d);
        members.chain([dataset]).collect()
    }

    /// The strictest limits of a dataset's pool; `None` where none were recorded.
    pub(crate) fn limits(&self, dataset: DatasetId) -> Option<Limits> {
        let pool = self.pool(dataset);
        let limits = pool.iter().filter_map(|dataset| self.limits.get(dataset).copied());
        limits.reduce(Limits::strictest)
    }

    pub(crate) fn own_limits(&self, dataset: DatasetId) -> Option<Limits> {
        self.limits.get(&dataset).copied()
    }

    /// Whether `event` may follow. Nothing is changed.
    pub(crate) fn check(&self, event: &Event) -> Rule {
        match event {
            Event::Genesis { version } if self.begun || *version != VERSION => {
                Err("a ledger of version 2 begins once, with its first record")
            }
            Event::Genesis { .. } => Ok(()),
            _ if !self.begun => Err("a ledger begins with its genesis record"),
            Event::DatasetAdded { dataset, .. } => {
                need(!self.datasets.contains_key(dataset), "the dataset exists already")
            }
            Event::Submitted { dataset, .. }
            | Event::Approved { dataset, .. }
            | Event::Rejected { dataset, .. }
            | Event::Limited { dataset, .. }
            | Event::Revoked { dataset, .. } => self.known(*dataset),
            Event::Pooled { datasets } => self.may_pool(datasets),
            Event::Counted(asked) => self.may_count(asked),
            Event::Answered { count } => {
                let row = self.counts.get(count).ok_or("the count is not reserved")?;
                need(!row.answered, "the count is answered already")
            }
            Event::Moment => Ok(()),
            Event::Reserved(asked) => {
                self.known(asked.dataset)?;
                need(!self.rows.contains_key(&asked.job), "the job is reserved already")
            }
            Event::Reviewed { .. } => Ok(()),
            Event::Held { job } => {
                let row = self.open(job)?;
                need(!row.held && !row.charged, "the job is charged or held already")
            }
            Event::Decided { job, .. } => {
                let row = self.open(job)?;
                need(row.held, "the job is not held")?;
                need(row.decided.is_none(), "the job is decided already")
            }
            Event::Charged { job } => {
                let row = self.open(job)?;
                need(!row.charged && !row.held, "the job is charged or held already")
            }
            Event::Returned { job, rho, from } => self.may_return(job, *rho, *from),
            Event::Refused { job, .. } => {
                need(!self.rows.contains_key(job), "the job is reserved: it can only finish")
            }
            Event::Finished { job, code, .. } => {
                need(!self.finished.contains_key(job), "the job has finished already")?;
                self.may_finish(job, *code)
            }
        }
    }

    /// Takes in an event that [`Self::check`] let through.
    pub(crate) fn apply(&mut self, seq: u64, time: Timestamp, event: &Event) {
        match event {
            Event::Genesis { .. } => self.begun = true,
            Event::DatasetAdded { dataset, .. } => drop(self.datasets.insert(*dataset, *dataset)),
            Event::Limited { dataset, limits } => drop(self.limits.insert(*dataset, *limits)),
            Event::Pooled { datasets } => self.merge(datasets),
            Event::Counted(asked) => {
                let row = CountRow { time, reservation: (**asked).clone(), answered: false };
                self.counts.insert(asked.count, row);
            }
            Event::Answered { count } => {
                if let Some(row) = self.counts.get_mut(count) {
                    row.answered = true;
                }
            }
            Event::Approved { dataset, manifest, .. } => {
                let approval = Approval { dataset: *dataset, manifest: *manifest, ended: None };
                self.approvals.insert(seq, approval);
            }
            Event::Rejected { dataset, manifest } => self.end_approvals(*dataset, *manifest, Code::Rejected),
            Event::Revoked { dataset, manifest } => {
                self.end_approvals(*dataset, *manifest, Code::NotApproved)
            }
            Event::Reserved(asked) => {
                let row = Row {
                    time,
                    reservation: (**asked).clone(),
                    returned: None,
                    charged: false,
                    held: false,
                    decided: None,
                };
                self.rows.insert(asked.job, row);
            }
            Event::Charged { job } => self.update(job, |row| row.charged = true),
            Event::Held { job } => self.update(job, |row| row.held = true),
            Event::Decided { job, release, .. } => self.update(job, |row| row.decided = Some(*release)),
            Event::Returned { job, rho, from } => self.update(job, |row| row.returned = Some((*rho, *from))),
            Event::Finished { job, code, .. } => {
                self.finished.insert(*job, *code);
            }
            Event::Submitted { .. } | Event::Refused { .. } | Event::Reviewed { .. } | Event::Moment => {}
        }
    }

    /// How many reservations an approval has carried. A returned one counts: its gate was drawn.
    pub(crate) fn runs_of(&self, approval: u64) -> u64 {
        let runs = self.rows().filter(|row| row.reservation.approval == approval).count();
        u64::try_from(runs).unwrap_or(u64::MAX)
    }

    /// Why the approval at `seq` does not carry this manifest on this dataset, if it does not.
    pub(crate) fn approval_fault(&self, seq: u64, dataset: DatasetId, manifest: Digest) -> Option<Code> {
        match self.approvals.get(&seq) {
            Some(a) if a.dataset == dataset && a.manifest == manifest => a.ended,
            Some(_) | None => Some(Code::NotApproved),
        }
    }

    fn known(&self, dataset: DatasetId) -> Rule {
        need(self.datasets.contains_key(&dataset), "there is no such dataset")
    }

    fn may_pool(&self, datasets: &[DatasetId]) -> Rule {
        datasets.iter().try_for_each(|dataset| self.known(*dataset))?;
        need(datasets.iter().is_sorted_by(|a, b| a < b), "the datasets of a pool are in order of their ids")?;
        let pools: BTreeSet<_> = datasets.iter().filter_map(|dataset| self.datasets.get(dataset)).collect();
        need(pools.len() > 1, "the datasets share a pool already")
    }

    /// Whoever is in a pool with one of them is in the new one too.
    fn merge(&mut self, datasets: &[DatasetId]) {
        let old: BTreeSet<DatasetId> =
            datasets.iter().filter_map(|dataset| self.datasets.get(dataset).copied()).collect();
        let Some(new) = old.first().copied() else { return };
        self.datasets.values_mut().filter(|pool| old.contains(pool)).for_each(|pool| *pool = new);
    }

    fn may_count(&self, asked: &CountReservation) -> Rule {
        self.known(asked.dataset)?;
        need(!self.counts.contains_key(&asked.count), "the count is reserved already")?;
        need(self.counts().all(|row| row.reservation.key != asked.key), "the question was asked already")
    }

    fn open(&self, job: &JobId) -> Result<&Row, &'static str> {
        need(!self.finished.contains_key(job), "the job has finished already")?;
        self.rows.get(job).ok_or("the job is not reserved")
    }

    /// Only behind a closed gate, and only once that verdict is final: a job that was given its blocks back and then
    /// drew again after a crash would be under-counted.
    fn may_return(&self, job: &JobId, rho: RhoUnits, from: Timestamp) -> Rule {
        let row = self.rows.get(job).ok_or("the job is not reserved")?;
        need(
            self.finished.get(job) == Some(&Code::Withheld),
            "a job returns its blocks after it was withheld",
        )?;
        need(row.returned.is_none(), "the job's blocks are returned already")?;
        need(from >= row.reservation.release_at, "the job's blocks return at its release time or later")?;
        need(rho <= row.reservation.charge.block_rho, "a job returns at most its blocks, never its gate")
    }

    /// A held result leaves or stays as its output checker said. Nothing else ends it but the node's own failure, and a
    /// result that was never held is not kept by anyone's word.
    fn may_finish(&self, job: &JobId, code: Code) -> Rule {
        let Some(row) = self.rows.get(job) else { return Ok(()) };
        match (row.held, row.decided) {
            (true, Some(true)) if matches!(code, Code::Released | Code::NodeFailure) => Ok(()),
            (true, Some(false)) if matches!(code, Code::HeldBack | Code::NodeFailure) => Ok(()),
            (true, _) if code == Code::NodeFailure => Ok(()),
            (true, _) => Err("a held result ends as its output checker said"),
            (false, _) => need(code != Code::HeldBack, "the job is not held"),
        }
    }

    fn end_approvals(&mut self, dataset: DatasetId, manifest: Digest, code: Code) {
        let mine = self.approvals.values_mut().filter(|a| a.dataset == dataset && a.manifest == manifest);
        mine.for_each(|approval| approval.ended = Some(code));
    }

    fn update(&mut self, job: &JobId, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.rows.get_mut(job) {
            change(row);
        }
    }
}

const fn need(holds: bool, rule: &'static str) -> Rule {
    if holds { Ok(()) } else { Err(rule) }
}
