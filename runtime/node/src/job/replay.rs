//! A finished job summed again: on the node that ran it, on the same snapshot, for the operator alone.
//!
//! Nothing is released, charged, drawn or written: what comes out is whether the sums before noise are those that were sealed when the
//! job ran. That is one bit for who has the home, and so the patients' data, anyway. An approval that has expired since still
//! carries it, or no bundle could be checked after a year; one that was taken back does not: that code is not run again.

use super::grant::Granted;
use super::map::Progress;
use super::open::is_unchanged;
use super::path::Added;
use super::sealed::{Sealed, Seals, Summed};
use super::subject::subject;
use crate::error::NodeError;
use crate::history::{self, answers};
use crate::node::Node;
use std::collections::BTreeSet;
use tokio::runtime::Handle;
use trocar_ledger::{Event, Ledger, Reservation};
use trocar_terms::{Code, Digest, JobId};

/// What a replay showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// The job.
    pub job: JobId,
    /// Whether every round summed to what was recorded.
    pub matches: bool,
    /// How many rounds were summed again: the last is the one that did not match, if one did not.
    pub rounds: usize,
}

/// Why nothing was summed again, or what was cannot be held against anything. Constant sentences but for the node's own errors.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It does not verify.
    #[error("the bundle is not as its node signed it: nothing of it was run")]
    Bundle(#[source] Box<trocar_bundle::VerifyError>),
    /// There is no such job here.
    #[error("this bundle is of another node: a job is replayed where it ran")]
    OtherNode,
    /// The ledger knows the job with another bundle.
    #[error("the ledger names another bundle for this job: this one did not come from this node as it is")]
    OtherBundle,
    /// It ran before such records were kept.
    #[error("this job left no record of its sums: there is nothing to hold a replay against")]
    NotRecorded,
    /// The record is not there or not the one.
    #[error("the record of this job's sums is gone or changed: restore the folder replays of the home")]
    Record,
    /// Another wasmtime, or other settings of it.
    #[error("this job ran on another engine: replay it with the trocar that its bundle names")]
    Engine,
    /// Revoked or rejected since.
    #[error("the approval of this code was taken back since: it is not run again")]
    TakenBack,
    /// `jobs.lock` is held.
    #[error("the node is running jobs: replay when they are over")]
    Busy,
    /// Image files.
    #[error("image files of the snapshot were changed or removed since: it cannot be summed again")]
    Images,
    /// Segmentations.
    #[error("mask files of the snapshot were changed or removed since: it cannot be summed again")]
    Masks,
    /// Both.
    #[error(
        "image files and mask files of the snapshot were changed or removed since: it cannot be summed again"
    )]
    ImagesAndMasks,
    /// A worker process could not be started, or the index not be read.
    #[error(
        "the patients of the snapshot could not all be mapped: nothing is said about the sums; try again"
    )]
    Unmapped,
    /// What the job was admitted with is gone, or the home cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl ReplayError {
    /// Whether the bundle itself is at fault, rather than what is left of the job.
    #[must_use]
    pub const fn is_unverified(&self) -> bool {
        matches!(self, Self::Bundle(_) | Self::OtherBundle)
    }
}

impl Node {
    /// Sums the job of a bundle again. The ledger, the budget and the bundle stay as they are.
    ///
    /// # Errors
    /// `ReplayError` where it cannot be done, each for one reason.
    pub async fn replay(&self, bundle: &[u8], progress: Progress<'_>) -> Result<Replayed, ReplayError> {
        let seen = trocar_bundle::verify(bundle, &[]).map_err(|e| ReplayError::Bundle(Box::new(e)))?;
        let job = seen.request.job;
        let ledger = self.home().ledger()?;
        let reservation = self.reserved_here(&ledger, &job)?;
        let named = named(&ledger, &job, Digest::of(bundle))?;
        let sealed = Sealed::read(self.home(), &job, named).ok_or(ReplayError::Record)?;
        if is_taken_back(&ledger, &reservation) {
            return Err(ReplayError::TakenBack);
        }
        // Two jobs at once could ask for more memory than there is.
        let _lock = self.home().try_lock("jobs.lock")?.ok_or(ReplayError::Busy)?;
        let granted = self.regrant(&reservation).await?;
        if !sealed.is_of(&granted.admitted.models.engine_id()) {
            return Err(ReplayError::Engine);
        }
        tokio::task::block_in_place(|| self.summed_again(&granted, &sealed, progress))
    }

    fn reserved_here(&self, ledger: &Ledger, job: &JobId) -> Result<Reservation, ReplayError> {
        let found = history::reservations(ledger).find(|r| r.job == *job).ok_or(ReplayError::OtherNode)?;
        let home = history::datasets(ledger).remove(&found.dataset).map(|(_, home)| home);
        // Several homes may keep one ledger; the patients are in one of them.
        if home == Some(self.home().name()?) { Ok(found.clone()) } else { Err(ReplayError::OtherNode) }
    }

    fn summed_again(
        &self,
        granted: &Granted,
        sealed: &Sealed,
        progress: Progress<'_>,
    ) -> Result<Replayed, ReplayError> {
        let cohort = Handle::current().block_on(self.members(granted))?;
        self.check_files(granted, &cohort)?;
        let job = granted.job;
        let seals = Seals::of(self.home(), job)?;
        for (at, round) in sealed.rounds.iter().enumerate() {
            let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
            // Decoded anew: nothing that was kept of the first run goes into the second.
            let added = self.map_round_with(None, granted, &cohort, (number, &round.state()), progress);
            let (added, _) = added.map_err(|_| ReplayError::Unmapped)?;
            if !seals.fits(at, round, &summed(added, job)?) {
                self.check_files(granted, &cohort)?;
                return Ok(Replayed { job, matches: false, rounds: number as usize });
            }
        }
        Ok(Replayed { job, matches: true, rounds: sealed.rounds.len() })
    }

    /// Says of which kind the files are that are not those of the snapshot any more, and not whose.
    fn check_files(&self, granted: &Granted, cohort: &[Digest]) -> Result<(), ReplayError> {
        let (mut images, mut masks) = (false, false);
        for digest in cohort {
            let patient = Handle::current().block_on(self.store().record(digest))?;
            let of_masks: BTreeSet<u32> =
                patient.record.masks.iter().flat_map(|m| m.files.iter().copied()).collect();
            let (_, numbers) = subject(&patient, &granted.admitted.grant);
            for number in numbers {
                let entry = patient.files.get(number as usize);
                if !is_unchanged(&granted.snapshot.root, entry) {
                    let is_mask = of_masks.contains(&number);
                    (images, masks) = (images || !is_mask, masks || is_mask);
                }
            }
        }
        match (images, masks) {
            (false, false) => Ok(()),
            (true, false) => Err(ReplayError::Images),
            (false, true) => Err(ReplayError::Masks),
            (true, true) => Err(ReplayError::ImagesAndMasks),
        }
    }
}

fn summed(added: Added, job: JobId) -> Result<Summed, NodeError> {
    match added {
        Added::Noised(sums) => Ok(Summed::from(&sums)),
        Added::Exact(sums) => {
            let (held, members) = sums.hold(job);
            Summed::held(&held, &members)
        }
    }
}

/// The digest of the record of the job's sums, if the ledger ends the job with this very bundle.
fn named(ledger: &Ledger, job: &JobId, bundle: Digest) -> Result<Digest, ReplayError> {
    let finished = history::finished(ledger, job).ok_or(ReplayError::OtherBundle)?;
    if finished.bundle != Some(bundle) || finished.code == Code::NodeFailure {
        return Err(ReplayError::OtherBundle);
    }
    finished.sums.ok_or(ReplayError::NotRecorded)
}

/// Whether an operator rejected or revoked the package on this dataset after the approval that the job ran under.
fn is_taken_back(ledger: &Ledger, reservation: &Reservation) -> bool {
    let later = ledger.records().iter().filter(|r| r.seq > reservation.approval);
    let mut answered = later.filter(|r| answers(&r.event, reservation.dataset, reservation.manifest));
    answered.any(|r| !matches!(r.event, Event::Approved { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_ledger::Caps;
    use trocar_terms::{Charge, DatasetId, DeltaUnits, RhoUnits, SnapshotId, Timestamp};

    const JOB: JobId = JobId::from_bytes([1; 16]);
    const DATASET: DatasetId = DatasetId::from_bytes([2; 16]);

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_795_000_000)
    }

    fn reservation() -> Reservation {
        Reservation {
            job: JOB,
            dataset: DATASET,
            project: "any".into(),
            manifest: Digest::of(b"manifest"),
            approval: 2,
            charge: Charge { gate_rho: RhoUnits(1), block_rho: RhoUnits(1), delta: DeltaUnits(1) },
            snapshot: SnapshotId::from_bytes([3; 16]),
            commitment: Digest::of(b"commitment"),
            release_at: now(),
            slot_minutes: 0,
            details: serde_json::Value::Null,
        }
    }

    /// A ledger with one reserved job.
    fn ledger(folder: &tempfile::TempDir) -> Ledger {
        let mut ledger = Ledger::create(&folder.path().join("ledger.log"), now()).unwrap();
        let (name, home) = ("liver".parse().unwrap(), "node".parse().unwrap());
        let added = Event::DatasetAdded { dataset: DATASET, name, policy: Digest::of(b""), home };
        ledger.append(now(), added).unwrap();
        let (manifest, component) = (Digest::of(b"manifest"), Digest::of(b"component"));
        let envelope = serde_json::json!({});
        ledger.append(now(), Event::Approved { dataset: DATASET, manifest, component, envelope }).unwrap();
        let most = RhoUnits(10);
        let caps = Caps {
            job: most,
            year: most,
            lifetime: most,
            project_share_of_year: most,
            gate_delta_year: DeltaUnits(10),
            runs: 1,
            rho_max: most,
        };
        let verdict = ledger.reserve(now(), reservation(), &caps).unwrap();
        assert!(matches!(verdict, trocar_ledger::Verdict::Reserved(_)), "{verdict:?}");
        ledger
    }

    #[test]
    fn a_bundle_is_replayed_only_where_the_ledger_names_it_and_a_record_of_its_sums() {
        let (bundle, sums) = (Digest::of(b"bundle"), Digest::of(b"sums"));
        for (kept, other) in [(None, false), (Some(sums), false), (Some(sums), true)] {
            let folder = tempfile::tempdir().unwrap();
            let mut ledger = ledger(&folder);
            assert!(matches!(named(&ledger, &JOB, bundle), Err(ReplayError::OtherBundle)));
            ledger.append(now(), Event::Charged { job: JOB }).unwrap();
            let end = Event::Finished { job: JOB, code: Code::Released, bundle: Some(bundle), sums: kept };
            ledger.append(now(), end).unwrap();
            let asked = if other { Digest::of(b"another") } else { bundle };
            match (named(&ledger, &JOB, asked), kept, other) {
                (Ok(found), Some(sums), false) => assert_eq!(found, sums),
                (Err(ReplayError::NotRecorded), None, false) | (Err(ReplayError::OtherBundle), _, true) => {}
                (answer, ..) => panic!("{answer:?}"),
            }
        }
    }

    #[test]
    fn a_later_rejection_or_revocation_takes_the_approval_back_and_a_later_approval_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger(&folder);
        let (manifest, component) = (Digest::of(b"manifest"), Digest::of(b"component"));
        let envelope = serde_json::json!({});
        ledger.append(now(), Event::Approved { dataset: DATASET, manifest, component, envelope }).unwrap();
        let other = Digest::of(b"other");
        ledger.append(now(), Event::Revoked { dataset: DATASET, manifest: other }).unwrap();
        assert!(!is_taken_back(&ledger, &reservation()));
        ledger.append(now(), Event::Rejected { dataset: DATASET, manifest }).unwrap();
        assert!(is_taken_back(&ledger, &reservation()));
    }
}
