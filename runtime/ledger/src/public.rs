//! What may be shown of the records outside the node, in an order that tells nothing of when a job was really done.
//!
//! A record that a job's end depends on (`Charged`, `Held`, `Decided`, `Finished`, `Returned`) shows when its outcome does, at the end of a slot, and
//! stands where it began to show: the place of a record among others would else tell a researcher, who can hand in a job at any
//! moment, whether an earlier one was over by then. All other records are written at moments that depend on no patient.
//!
//! Not shown at all: names, cohorts, parameters, projects, the words of approvals, which datasets share patients, and the digest
//! of a record, which is no hiding commitment: it could be tried for every second at which a job may have ended.

use crate::caps::Limits;
use crate::event::{Event, Reservation};
use crate::record::Record;
use serde::Serialize;
use std::collections::BTreeMap;
use trocar_terms::{Charge, Code, DatasetId, Digest, JobId, RhoUnits, SnapshotId, Timestamp};

/// One record as the world may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Public {
    /// When it began to show.
    pub at: Timestamp,
    /// What of it is shown.
    pub event: PublicEvent,
    /// The record itself, for the node alone: its digest is bound under a key before it is shown.
    pub record: Digest,
    /// The record's place in the ledger, for the node alone.
    pub seq: u64,
}

/// The part of an event that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is a part of the event of this name")]
pub enum PublicEvent {
    Genesis {
        version: u32,
    },
    DatasetAdded {
        dataset: DatasetId,
        policy: Digest,
    },
    Limited {
        dataset: DatasetId,
        limits: Limits,
    },
    Submitted {
        job: JobId,
        dataset: DatasetId,
        package: Digest,
    },
    Approved {
        dataset: DatasetId,
        manifest: Digest,
        component: Digest,
    },
    Rejected {
        dataset: DatasetId,
        manifest: Digest,
    },
    Revoked {
        dataset: DatasetId,
        manifest: Digest,
    },
    Reviewed {
        manifest: Digest,
        component: Digest,
    },
    Refused {
        job: JobId,
        code: Code,
    },
    Reserved(Box<PublicReservation>),
    Charged {
        job: JobId,
    },
    Returned {
        job: JobId,
        rho: RhoUnits,
    },
    Finished {
        job: JobId,
        code: Code,
        bundle: Option<Digest>,
    },
    Counted {
        dataset: DatasetId,
        rho: RhoUnits,
        answer_at: Timestamp,
    },
    /// Something that only the operator sees, or nothing at all.
    Kept,
}

/// The part of a reservation that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the field of this name")]
pub struct PublicReservation {
    pub job: JobId,
    pub dataset: DatasetId,
    pub manifest: Digest,
    pub charge: Charge,
    pub snapshot: SnapshotId,
    pub commitment: Digest,
    pub release_at: Timestamp,
}

/// All that shows by the time of the last record.
///
/// It only grows at its end: a record that is written later shows no earlier than it is written, and takes its place behind all
/// that showed by then.
pub(crate) fn public(records: &[Record]) -> Vec<Public> {
    let Some(now) = records.last().map(|last| last.time) else { return Vec::new() };
    let jobs = Jobs::of(records);
    let mut shown: Vec<_> = records.iter().filter_map(|record| Some((jobs.place(record)?, record))).collect();
    shown.retain(|((at, ..), _)| *at <= now);
    shown.sort_by_key(|(place, _)| *place);
    let public = |((at, ..), record): ((Timestamp, u64, u64), &Record)| Public {
        at,
        event: shown_of(&record.event),
        record: record.digest,
        seq: record.seq,
    };
    shown.into_iter().map(public).collect()
}

/// What decides when a job's or a count's records show.
struct Jobs<'a> {
    reserved: BTreeMap<JobId, &'a Reservation>,
    finished: BTreeMap<JobId, &'a Record>,
    answers: BTreeMap<JobId, Timestamp>,
}

impl<'a> Jobs<'a> {
    fn of(records: &'a [Record]) -> Self {
        let mut jobs =
            Self { reserved: BTreeMap::new(), finished: BTreeMap::new(), answers: BTreeMap::new() };
        for record in records {
            if let Event::Reserved(asked) = &record.event {
                jobs.reserved.insert(asked.job, asked);
            } else if let Event::Finished { job, .. } = &record.event {
                jobs.finished.insert(*job, record);
            } else if let Event::Counted(asked) = &record.event {
                jobs.answers.insert(asked.count, asked.answer_at);
            }
        }
        jobs
    }

    /// When a record shows, and its place among those that show at the same second; `None` while that is not known.
    fn place(&self, record: &Record) -> Option<(Timestamp, u64, u64)> {
        match Shows::of(&record.event) {
            Shows::AtOnce => Some((record.time, record.seq, record.seq)),
            Shows::WithJob(job) => {
                let finished = self.finished.get(job)?;
                let at = self.reserved.get(job).map_or(finished.time, |asked| asked.shows_at(finished.time));
                Some((at.max(record.time), record.seq.max(finished.seq), record.seq))
            }
            Shows::WithAnswer(count) => {
                let fixed = *self.answers.get(count)?;
                // In time, when it was done is not seen; late, only the minute is.
                let at = if record.time <= fixed { fixed } else { record.time.slot_ceil(60) };
                Some((at, record.seq, record.seq))
            }
        }
    }
}

/// When a record begins to show.
pub(crate) enum Shows<'a> {
    /// When it is written: at a moment that depends on no patient.
    AtOnce,
    /// When this job's outcome does.
    WithJob(&'a JobId),
    /// When this count's answer does.
    WithAnswer(&'a JobId),
}

impl<'a> Shows<'a> {
    pub(crate) const fn of(event: &'a Event) -> Self {
        match event {
            Event::Charged { job }
            | Event::Held { job }
            | Event::Decided { job, .. }
            | Event::Finished { job, .. }
            | Event::Returned { job, .. } => Self::WithJob(job),
            Event::Answered { count } => Self::WithAnswer(count),
            Event::Genesis { .. }
            | Event::DatasetAdded { .. }
            | Event::Limited { .. }
            | Event::Pooled { .. }
            | Event::Submitted { .. }
            | Event::Approved { .. }
            | Event::Rejected { .. }
            | Event::Revoked { .. }
            | Event::Reviewed { .. }
            | Event::Refused { .. }
            | Event::Reserved(_)
            | Event::Counted(_)
            | Event::Moment => Self::AtOnce,
        }
    }
}

impl Reservation {
    /// When the outcome of a job that ended then shows: at `release_at`, or, where it ended later, at the end of a later slot
    /// and not at its true end.
    #[must_use]
    pub fn shows_at(&self, ended: Timestamp) -> Timestamp {
        if ended <= self.release_at {
            self.release_at
        } else {
            ended.slot_ceil(self.slot_minutes.saturating_mul(60))
        }
    }
}

fn shown_of(event: &Event) -> PublicEvent {
    match event {
        Event::Genesis { version } => PublicEvent::Genesis { version: *version },
        Event::DatasetAdded { dataset, policy, .. } => {
            PublicEvent::DatasetAdded { dataset: *dataset, policy: *policy }
        }
        Event::Limited { dataset, limits } => PublicEvent::Limited { dataset: *dataset, limits: *limits },
        Event::Submitted { job, dataset, package } => {
            PublicEvent::Submitted { job: *job, dataset: *dataset, package: *package }
        }
        Event::Approved { dataset, manifest, component, .. } => {
            PublicEvent::Approved { dataset: *dataset, manifest: *manifest, component: *component }
        }
        Event::Rejected { dataset, manifest } => {
            PublicEvent::Rejected { dataset: *dataset, manifest: *manifest }
        }
        Event::Revoked { dataset, manifest } => {
            PublicEvent::Revoked { dataset: *dataset, manifest: *manifest }
        }
        Event::Refused { job, code } => PublicEvent::Refused { job: *job, code: *code },
        Event::Reserved(asked) => PublicEvent::Reserved(Box::new(reservation(asked))),
        Event::Charged { job } => PublicEvent::Charged { job: *job },
        Event::Returned { job, rho, .. } => PublicEvent::Returned { job: *job, rho: *rho },
        Event::Finished { job, code, bundle, .. } => {
            PublicEvent::Finished { job: *job, code: *code, bundle: *bundle }
        }
        Event::Counted(asked) => {
            let (dataset, rho, answer_at) = (asked.dataset, asked.rho, asked.answer_at);
            PublicEvent::Counted { dataset, rho, answer_at }
        }
        Event::Reviewed { manifest, component, .. } => {
            PublicEvent::Reviewed { manifest: *manifest, component: *component }
        }
        Event::Pooled { .. }
        | Event::Answered { .. }
        | Event::Held { .. }
        | Event::Decided { .. }
        | Event::Moment => PublicEvent::Kept,
    }
}

const fn reservation(asked: &Reservation) -> PublicReservation {
    PublicReservation {
        job: asked.job,
        dataset: asked.dataset,
        manifest: asked.manifest,
        charge: asked.charge,
        snapshot: asked.snapshot,
        commitment: asked.commitment,
        release_at: asked.release_at,
    }
}
