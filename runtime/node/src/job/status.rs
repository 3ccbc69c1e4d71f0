//! What a researcher may know of a job: read off the ledger, and the same for every patient's data until
//! `release_at`.

use super::Details;
use super::admit::Refusal;
use crate::error::{NodeError, ask};
use crate::files;
use crate::history;
use crate::node::Node;
use serde::Serialize;
use trocar_ledger::{Event, Ledger, Reservation};
use trocar_manifest::Place;
use trocar_terms::{Class, Code, DatasetId, Digest, JobId, Timestamp};

/// The states of CONTRACT.md section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Reserved; the answer comes at `release_at`.
    Accepted,
    /// The bundle can be fetched.
    Released,
    /// The cohort gate stayed closed, or an exact result is kept.
    Withheld,
    /// Never ran.
    Refused,
    /// The node could not finish it.
    NodeFailure,
}

/// One line about a job.
#[derive(Debug, Clone, Serialize)]
pub struct JobStatus {
    /// The job.
    pub job: JobId,
    /// Its state.
    pub state: JobState,
    /// Its code.
    pub code: Code,
    /// When the answer can be fetched; none for a refused job.
    pub release_at: Option<Timestamp>,
    /// What exactly was refused, on the submission that was; what an accepted job waits for, the same for its whole class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where in the manifest that stands, if it is one thing.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// What every accepted job of class `reviewed-code` is told.
const AWAITS_CHECKER: &str =
    "An exact result also waits for an output checker of the node, who may take longer than release_at.";

impl Node {
    /// The state of a job, as it is told: an outcome is, once the policy's witness has seen it, so that no old copy of the ledger
    /// draws it again.
    ///
    /// # Errors
    /// There is no such job, the ledger is damaged, or the witness does not countersign the outcome.
    pub async fn status(&self, job: &JobId) -> Result<JobStatus, NodeError> {
        let status = self.standing(job)?;
        if matches!(status.state, JobState::Released | JobState::Withheld) {
            self.countersign_end(job).await?;
        }
        Ok(status)
    }

    /// Where a job stands by the ledger alone.
    fn standing(&self, job: &JobId) -> Result<JobStatus, NodeError> {
        let ledger = self.home().ledger()?;
        match status_in(&ledger, job, self.now()) {
            Some(status) => Ok(status),
            None => ask(format!("there is no job {job} on this node")),
        }
    }

    /// The bundle of a finished job, from `release_at` on.
    ///
    /// # Errors
    /// The job is not finished, was refused or failed, the bundle on disk is not the one of the ledger, or the policy's witness
    /// does not countersign that the job is over.
    pub async fn results(&self, job: &JobId) -> Result<(JobStatus, Vec<u8>), NodeError> {
        let status = self.status(job).await?;
        match status.state {
            JobState::Released | JobState::Withheld => {}
            JobState::Accepted => {
                let more = status.detail.map_or_else(String::new, |detail| format!(". {detail}"));
                return ask(format!(
                    "the result cannot be fetched before release_at: see `trocar status`{more}"
                ));
            }
            JobState::Refused | JobState::NodeFailure => {
                return ask(format!("there is no result: {}", status.code));
            }
        }
        let bytes = files::read(&self.home().bundle_path(job))?;
        if history::finished(&self.home().ledger()?, job).and_then(|f| f.bundle) != Some(Digest::of(&bytes)) {
            return ask("the bundle on disk is not the one that the ledger names: restore it from a backup");
        }
        Ok((status, bytes))
    }

    /// A job whose end the witness has seen is not run and drawn again on an old copy of the ledger.
    async fn countersign_end(&self, job: &JobId) -> Result<(), NodeError> {
        let ledger = self.home().ledger()?;
        let details = history::reservations(&ledger).find(|r| r.job == *job).and_then(Details::of);
        let (Some(details), Some(seq)) = (details, history::finished_at(&ledger, job)) else {
            return Err(NodeError::Lost("its reservation"));
        };
        self.countersign_record(&self.policy_copy(&details.policy)?, seq).await
    }

    /// The class of an accepted job: an exact result may wait for a person long after `release_at`.
    ///
    /// # Errors
    /// There is no such job.
    pub fn class_of(&self, job: &JobId) -> Result<Class, NodeError> {
        let ledger = self.home().ledger()?;
        let reservation = history::reservations(&ledger).find(|r| r.job == *job);
        match reservation.and_then(Details::of) {
            Some(details) => Ok(details.class),
            None => ask(format!("there is no accepted job {job} on this node")),
        }
    }

    pub(crate) fn unfinished(&self) -> Result<Vec<Reservation>, NodeError> {
        let ledger = self.home().ledger()?;
        let (datasets, home) = (history::datasets(&ledger), self.home().name()?);
        let own = |r: &Reservation| datasets.get(&r.dataset).is_none_or(|(_, h)| *h == home);
        let open = |r: &&Reservation| {
            history::finished(&ledger, &r.job).is_none()
                && !history::waits(&ledger, &r.job)
                && (!self.home().is_shared() || own(r))
        };
        Ok(history::reservations(&ledger).filter(open).cloned().collect())
    }

    pub(crate) fn refuse(
        &self,
        dataset: DatasetId,
        package: Digest,
        manifest: Digest,
        refusal: Refusal,
    ) -> Result<JobStatus, NodeError> {
        let job = JobId::from_bytes(self.random_bytes());
        let Refusal { code, detail, place, .. } = refusal;
        let mut ledger = self.home().ledger()?;
        if code == Code::NotApproved && !self.is_pending(&ledger, dataset, manifest) {
            ledger.append(self.now(), Event::Submitted { job, dataset, package })?;
        }
        ledger.append(self.now(), Event::Refused { job, code })?;
        Ok(JobStatus { job, state: JobState::Refused, code, release_at: None, detail: Some(detail), place })
    }
}

fn status_in(ledger: &Ledger, job: &JobId, now: Timestamp) -> Option<JobStatus> {
    if let Some(code) = history::refused(ledger, job) {
        return Some(JobStatus {
            job: *job,
            state: JobState::Refused,
            code,
            release_at: None,
            detail: None,
            place: None,
        });
    }
    let reservation = history::reservations(ledger).find(|r| r.job == *job)?;
    let outcome = history::shown(ledger, job, ledger.time(now));
    let code = outcome.map_or(Code::Accepted, |f| f.code);
    let (state, release_at) = (state_of(code), Some(reservation.release_at));
    let detail = if state == JobState::Accepted { waits_for(reservation) } else { None };
    Some(JobStatus { job: *job, state, code, release_at, detail, place: None })
}

/// By the class alone, before and after `release_at`: it tells nothing of patients, nor of whether the job was run.
fn waits_for(reservation: &Reservation) -> Option<String> {
    let exact = Details::of(reservation).is_some_and(|details| details.class == Class::ReviewedCode);
    exact.then(|| AWAITS_CHECKER.to_owned())
}

fn state_of(code: Code) -> JobState {
    let states = [
        (Code::Released, JobState::Released),
        (Code::Withheld, JobState::Withheld),
        (Code::HeldBack, JobState::Withheld),
        (Code::Accepted, JobState::Accepted),
    ];
    states.into_iter().find(|(c, _)| *c == code).map_or(JobState::NodeFailure, |(_, state)| state)
}
