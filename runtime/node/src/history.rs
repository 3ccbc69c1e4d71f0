//! What the ledger says of one job or one package: a fold over its records, which are the only state of a job.

use std::collections::BTreeMap;
use trocar_ledger::{Event, Ledger, Reservation};
use trocar_terms::{Code, DatasetId, Digest, JobId, Name, Timestamp};

/// Every reservation, oldest first.
pub(crate) fn reservations(ledger: &Ledger) -> impl Iterator<Item = &Reservation> {
    events(ledger).filter_map(|e| if let Event::Reserved(r) = e { Some(&**r) } else { None })
}

/// The id of the dataset that once was added under this name.
pub(crate) fn dataset(ledger: &Ledger, name: &Name) -> Option<DatasetId> {
    events(ledger).find_map(|e| {
        let Event::DatasetAdded { dataset, name: n, .. } = e else { return None };
        (n == name).then_some(*dataset)
    })
}

/// The names of all datasets that were ever added.
pub(crate) fn datasets(ledger: &Ledger) -> BTreeMap<DatasetId, (Name, Name)> {
    let added = events(ledger).filter_map(|e| {
        let Event::DatasetAdded { dataset, name, home, .. } = e else { return None };
        Some((*dataset, (name.clone(), home.clone())))
    });
    added.collect()
}

/// The place of a job's reservation in the ledger.
pub(crate) fn reserved_at(ledger: &Ledger, job: &JobId) -> Option<u64> {
    let mine = |e: &Event| matches!(e, Event::Reserved(r) if r.job == *job);
    ledger.records().iter().find(|r| mine(&r.event)).map(|r| r.seq)
}

/// The place of a job's end in the ledger.
pub(crate) fn finished_at(ledger: &Ledger, job: &JobId) -> Option<u64> {
    let mine = |e: &Event| matches!(e, Event::Finished { job: j, .. } if j == job);
    ledger.records().iter().find(|r| mine(&r.event)).map(|r| r.seq)
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    pub(crate) code: Code,
    pub(crate) bundle: Option<Digest>,
    pub(crate) sums: Option<Digest>,
    pub(crate) at: Timestamp,
}

/// The outcome of a job, once final.
pub(crate) fn finished(ledger: &Ledger, job: &JobId) -> Option<Finished> {
    ledger.records().iter().find_map(|r| {
        let Event::Finished { job: j, code, bundle, sums } = &r.event else { return None };
        (j == job).then_some(Finished { code: *code, bundle: *bundle, sums: *sums, at: r.time })
    })
}

/// When the outcome of a finished job shows: at `release_at`, or, where it ended later, at the end of a later slot and
/// not at its true end.
pub(crate) fn shows_at(ledger: &Ledger, job: &JobId) -> Option<Timestamp> {
    let ended = finished(ledger, job)?.at;
    Some(reservations(ledger).find(|r| r.job == *job)?.shows_at(ended))
}

/// The outcome of a job as a researcher may know it.
pub(crate) fn shown(ledger: &Ledger, job: &JobId, now: Timestamp) -> Option<Finished> {
    finished(ledger, job).filter(|_| shows_at(ledger, job).is_some_and(|at| now >= at))
}

/// Why a job was refused, if it was.
pub(crate) fn refused(ledger: &Ledger, job: &JobId) -> Option<Code> {
    events(ledger).find_map(|e| {
        let Event::Refused { job: j, code } = e else { return None };
        (j == job).then_some(*code)
    })
}

/// Whether a job's noise may have been drawn already by a process that then stopped.
pub(crate) fn charged(ledger: &Ledger, job: &JobId) -> bool {
    events(ledger).any(|e| matches!(e, Event::Charged { job: j } if j == job))
}

/// Whether an exact result waits for an output checker.
pub(crate) fn waits(ledger: &Ledger, job: &JobId) -> bool {
    let held = events(ledger).any(|e| matches!(e, Event::Held { job: j } if j == job));
    held && decided(ledger, job).is_none() && finished(ledger, job).is_none()
}

/// What an output checker said of a held result: whether it leaves.
pub(crate) fn decided(ledger: &Ledger, job: &JobId) -> Option<bool> {
    events(ledger).find_map(|e| {
        let Event::Decided { job: j, release, .. } = e else { return None };
        (j == job).then_some(*release)
    })
}

/// Exact results that were let out, oldest first: all, or those before `until` was decided.
pub(crate) fn exact_releases(ledger: &Ledger, until: Option<&JobId>) -> Vec<JobId> {
    let decided = events(ledger).filter_map(|e| {
        let Event::Decided { job, release, .. } = e else { return None };
        Some((*job, *release))
    });
    let before = decided.take_while(|(job, _)| Some(job) != until);
    before.filter_map(|(job, release)| release.then_some(job)).collect()
}

/// Whether an exact result of the dataset was let out before a job was reserved: nothing that comes later may change the
/// job's bundle, whose length is fixed by then. Of this dataset alone: which others share patients is not to be seen.
pub(crate) fn exact_before(ledger: &Ledger, dataset: DatasetId, job: &JobId) -> bool {
    let reserved = |e: &Event| matches!(e, Event::Reserved(r) if r.job == *job);
    let earlier = events(ledger).take_while(|e| !reserved(e));
    let released: Vec<JobId> = earlier
        .filter_map(|e| if let Event::Decided { job, release: true, .. } = e { Some(*job) } else { None })
        .collect();
    reservations(ledger).any(|r| released.contains(&r.job) && r.dataset == dataset)
}

/// Datasets and digests of all packages handed in, oldest first.
pub(crate) fn submissions(ledger: &Ledger) -> impl Iterator<Item = (DatasetId, Digest)> {
    events(ledger).filter_map(|e| {
        let Event::Submitted { dataset, package, .. } = e else { return None };
        Some((*dataset, *package))
    })
}

/// Whether an event is an operator's answer to this package on this dataset.
pub(crate) fn answers(event: &Event, dataset: DatasetId, manifest: Digest) -> bool {
    let (Event::Approved { dataset: d, manifest: m, .. }
    | Event::Rejected { dataset: d, manifest: m }
    | Event::Revoked { dataset: d, manifest: m }) = event
    else {
        return false;
    };
    *d == dataset && *m == manifest
}

fn events(ledger: &Ledger) -> impl Iterator<Item = &Event> {
    ledger.records().iter().map(|r| &r.event)
}
