//! Admitted -> Granted: the approval is found, the snapshot frozen, the whole cost reserved, all before any patient
//! is read.

use super::admit::{Admitted, Refusal};
use crate::approvals::HeldApproval;
use crate::error::{NodeError, ask};
use crate::history;
use crate::keys::random_bytes;
use crate::node::Node;
use crate::store::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_ledger::{Caps, Ledger, Reservation, Verdict};
use trocar_terms::{Code, DeltaUnits, Digest, JobId, Name, RhoUnits, Timestamp};

/// What the ledger keeps of a reserved job, so that a restarted node can finish it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    pub(crate) package: Digest,
    pub(crate) policy: Digest,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) cohort: Option<String>,
    pub(crate) project: Name,
    /// Key of the cached release (PRIVACY.md section 5, repeats).
    pub(crate) key: Digest,
    pub(crate) admitted_at: Timestamp,
    /// When the declared durations of this job end; the next one is scheduled after it.
    pub(crate) scheduled_end: Timestamp,
}

/// A job whose cost is reserved and whose snapshot is frozen.
pub(crate) struct Granted {
    pub(crate) job: JobId,
    pub(crate) admitted: Admitted,
    pub(crate) approval: HeldApproval,
    pub(crate) snapshot: Snapshot,
    pub(crate) details: Details,
    pub(crate) release_at: Timestamp,
}

/// What became of an admitted job.
pub(crate) enum Grant {
    /// A new job, to be run.
    New(Box<Granted>),
    /// The same question was answered before: that job's answer is this one's.
    Cached(JobId),
    /// Refused.
    Refused(Refusal),
}

impl Node {
    pub(crate) async fn grant(&self, admitted: Admitted) -> Result<Grant, NodeError> {
        let mut ledger = self.home().ledger()?;
        let approval = match self.approval_for(&ledger, &admitted) {
            Ok(approval) => approval,
            Err(refusal) => return Ok(Grant::Refused(refusal)),
        };
        let snapshot = self.newest_snapshot(&admitted).await?;
        let details = self.details(&ledger, &admitted, &snapshot)?;
        if let Some(job) = cached(&ledger, &details.key) {
            return Ok(Grant::Cached(job));
        }
        self.keep_policy(&admitted.policy)?;
        let job = JobId::from_bytes(random_bytes());
        let release_at = release_at(&details, admitted.policy.slot_minutes());
        let granted = Granted { job, admitted, approval, snapshot, details, release_at };
        reserve(&mut ledger, self.now(), granted)
    }

    async fn newest_snapshot(&self, admitted: &Admitted) -> Result<Snapshot, NodeError> {
        let dataset = &admitted.received.dataset;
        match dataset.snapshot {
            Some(id) => self.store().snapshot(id).await,
            None => {
                ask(format!("{} has not been scanned: run `trocar node scan {}`", dataset.name, dataset.name))
            }
        }
    }

    fn details(
        &self,
        ledger: &Ledger,
        admitted: &Admitted,
        snapshot: &Snapshot,
    ) -> Result<Details, NodeError> {
        let now = self.now();
        let start = scheduled_ends(ledger).fold(now, Timestamp::max);
        let request = &admitted.received.request;
        Ok(Details {
            package: admitted.received.digest,
            policy: admitted.policy.digest(),
            parameters: request.parameters.clone(),
            cohort: request.where_.clone(),
            project: request.project.clone(),
            key: release_key(admitted, snapshot)?,
            admitted_at: now,
            scheduled_end: start.plus(self.declared_seconds(admitted)),
        })
    }

    /// W * ceil(N_pub / workers): declared figures only.
    fn declared_seconds(&self, admitted: &Admitted) -> i64 {
        let workers = u32::try_from(self.workers()).unwrap_or(1).max(1);
        let turns = admitted.policy.size_bound().div_ceil(workers);
        let wall = admitted.received.package.manifest.limits.seconds();
        i64::from(turns).saturating_mul(i64::from(wall))
    }
}

/// A slot of 0 holds nothing back: the release time is the admission time (demo and rehearsal only).
fn release_at(details: &Details, slot_minutes: u32) -> Timestamp {
    match slot_minutes.checked_mul(60) {
        Some(0) => details.admitted_at,
        Some(slot) => details.scheduled_end.slot_ceil(slot),
        None => details.scheduled_end,
    }
}

fn scheduled_ends(ledger: &Ledger) -> impl Iterator<Item = Timestamp> {
    reserved(ledger).map(|(_, details)| details.scheduled_end)
}

fn reserved(ledger: &Ledger) -> impl Iterator<Item = (JobId, Details)> {
    history::reservations(ledger)
        .filter_map(|r| Some((r.job, serde_json::from_value(r.details.clone()).ok()?)))
}

/// A job with the same key that is finished or still running; one that failed for the node's own reasons is not.
fn cached(ledger: &Ledger, key: &Digest) -> Option<JobId> {
    let failed =
        |job: &JobId| history::finished(ledger, job).is_some_and(|(code, _)| code == Code::NodeFailure);
    reserved(ledger).find(|(job, d)| d.key == *key && !failed(job)).map(|(job, _)| job)
}

/// Everything that the noised answer depends on; the same key is the same question.
fn release_key(admitted: &Admitted, snapshot: &Snapshot) -> Result<Digest, NodeError> {
    let manifest = &admitted.received.package.manifest;
    let parts = (
        (
            admitted.received.dataset.id,
            snapshot.id,
            manifest.digest(),
            Digest::of(&admitted.received.package.component),
        ),
        (&admitted.decision.parameters, admitted.decision.cohort.normalised(), manifest.class.word()),
        (admitted.policy.digest(), trocar_worker::engine_id()),
    );
    Ok(Digest::of(&serde_json::to_vec(&parts)?))
}

fn reserve(ledger: &mut Ledger, now: Timestamp, granted: Granted) -> Result<Grant, NodeError> {
    let reservation = Reservation {
        job: granted.job,
        dataset: granted.admitted.received.dataset.id,
        project: granted.details.project.to_string(),
        manifest: granted.admitted.received.package.manifest.digest(),
        approval: granted.approval.seq,
        charge: granted.admitted.plan.charge(),
        snapshot: granted.snapshot.id,
        commitment: granted.snapshot.commitment,
        release_at: granted.release_at,
        details: serde_json::to_value(&granted.details)?,
    };
    Ok(match ledger.reserve(now, reservation, &caps(&granted))? {
        Verdict::Reserved(_) => Grant::New(Box::new(granted)),
        Verdict::Denied(code) => Grant::Refused(Refusal::of(code, budget_words(&granted))),
    })
}

fn budget_words(granted: &Granted) -> String {
    let rho = granted.admitted.plan.charge().rho().unwrap_or_default();
    format!("it asks for rho {:.6}; see `trocar node budget`", rho.to_f64())
}

fn caps(granted: &Granted) -> Caps {
    let policy = &granted.admitted.policy;
    Caps {
        job: RhoUnits::floor(&policy.rho_job()),
        year: RhoUnits::floor(&policy.rho_year()),
        lifetime: RhoUnits::floor(&policy.rho_lifetime()),
        project_share_of_year: policy.project_rho_year(),
        gate_delta_year: DeltaUnits::of(&policy.gate_delta_year()),
        runs: granted.approval.approval.runs,
        rho_max: RhoUnits::floor(&granted.approval.approval.rho_max),
    }
}
