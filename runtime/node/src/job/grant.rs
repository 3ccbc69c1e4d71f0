//! Admitted -> Granted: the approval is found, the snapshot frozen, the whole cost reserved, all before any patient
//! is read.

use super::admit::{Admitted, Refusal};
use crate::approvals::{HeldApproval, approvals_for};
use crate::error::NodeError;
use crate::history;
use crate::node::Node;
use crate::store::Snapshot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_ledger::{Caps, Ledger, Reservation, Verdict};
use trocar_terms::{Class, Code, DeltaUnits, Digest, JobId, Name, RhoUnits, Timestamp};

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
    pub(crate) class: Class,
    pub(crate) admitted_at: Timestamp,
    /// When the declared durations of this job end; the next one is scheduled after it.
    pub(crate) scheduled_end: Timestamp,
    /// The policy's slot: a job that ends late shows at the end of one.
    pub(crate) slot_minutes: u32,
}

impl Details {
    /// What a reservation keeps; `None` where another version wrote it.
    pub(crate) fn of(reservation: &Reservation) -> Option<Self> {
        serde_json::from_value(reservation.details.clone()).ok()
    }
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
        let now = ledger.time(self.now());
        let approvals = match approvals_for(&ledger, &admitted) {
            Ok(approvals) => approvals,
            Err(refusal) => return Ok(Grant::Refused(refusal)),
        };
        let snapshot = self.newest_snapshot(&admitted).await?;
        let details = self.details(&ledger, &admitted, &snapshot, now)?;
        // A repeat costs nothing, so it needs no run of the approval either.
        if let Some(job) = cached(&ledger, &details.key, now) {
            return Ok(Grant::Cached(job));
        }
        let Some(approval) = approvals.into_iter().rev().find(|h| h.is_live(&ledger, now)) else {
            return Ok(Grant::Refused(Refusal::of(
                Code::ApprovalSpent,
                "ask the operator for a new approval",
            )));
        };
        self.keep_policy(&admitted.policy)?;
        // An old copy of the ledger takes no job.
        self.countersign(&admitted.policy).await?;
        let job = JobId::from_bytes(self.random_bytes());
        let release_at = release_at(&details);
        let granted = Granted { job, admitted, approval, snapshot, details, release_at };
        reserve(&mut ledger, now, granted)
    }

    async fn newest_snapshot(&self, admitted: &Admitted) -> Result<Snapshot, NodeError> {
        self.scanned(&admitted.received.dataset, &admitted.policy).await
    }

    fn details(
        &self,
        ledger: &Ledger,
        admitted: &Admitted,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Details, NodeError> {
        let start = scheduled_ends(ledger).fold(now, Timestamp::max);
        let request = &admitted.received.request;
        Ok(Details {
            package: admitted.received.digest,
            policy: admitted.policy.digest(),
            parameters: request.parameters.clone(),
            cohort: request.where_.clone(),
            project: request.project.clone(),
            key: release_key(admitted, snapshot)?,
            class: admitted.received.package.manifest.class,
            admitted_at: now,
            scheduled_end: start.plus(self.declared_seconds(admitted)),
            slot_minutes: admitted.policy.slot_minutes(),
        })
    }

    /// W * ceil(N_pub / workers) a round, whether the gate opens for it or not, and what the node itself needs: declared
    /// figures only.
    fn declared_seconds(&self, admitted: &Admitted) -> i64 {
        let limits = &admitted.received.package.manifest.limits;
        let workers = self.workers_within(limits).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        let turns = admitted.policy.size_bound().div_ceil(workers);
        let wall = admitted.received.package.manifest.limits.seconds().saturating_add(PATIENT_SECONDS);
        let round = i64::from(turns).saturating_mul(i64::from(wall));
        let later = i64::from(admitted.plan.rounds()).saturating_sub(1);
        let rounds = round.saturating_add(later.saturating_mul(round.saturating_add(ROUND_SECONDS)));
        rounds.saturating_add(JOB_SECONDS)
    }
}

/// Opening files, starting and reaping a process lie outside a patient's time box.
const PATIENT_SECONDS: u32 = 1;
/// Compiling (120 s at most), drawing and writing the bundle lie outside every patient's.
const JOB_SECONDS: i64 = 180;
/// Drawing a round beyond the first: 65,536 coordinates take about a second.
const ROUND_SECONDS: i64 = 5;

/// A slot of 0 holds nothing back: the release time is the admission time (demo and rehearsal only).
fn release_at(details: &Details) -> Timestamp {
    match details.slot_minutes.saturating_mul(60) {
        0 => details.admitted_at,
        slot => details.scheduled_end.slot_ceil(slot),
    }
}

fn scheduled_ends(ledger: &Ledger) -> impl Iterator<Item = Timestamp> {
    reserved(ledger).map(|(_, details)| details.scheduled_end)
}

fn reserved(ledger: &Ledger) -> impl Iterator<Item = (JobId, Details)> {
    history::reservations(ledger).filter_map(|r| Some((r.job, Details::of(r)?)))
}

/// A job with the same key that is finished or still running; one that failed for the node's own reasons is not.
fn cached(ledger: &Ledger, key: &Digest, now: Timestamp) -> Option<JobId> {
    let failed = |job: &JobId| history::shown(ledger, job, now).is_some_and(|f| f.code == Code::NodeFailure);
    reserved(ledger).find(|(job, d)| d.key == *key && !failed(job)).map(|(job, _)| job)
}

/// Everything that the noised answer depends on; the same key is the same question.
///
/// How many rounds is in the manifest. The key is that of the first round and its empty state: the later states are drawn
/// within the job, so that nobody can ask for a round of it again.
fn release_key(admitted: &Admitted, snapshot: &Snapshot) -> Result<Digest, NodeError> {
    let manifest = &admitted.received.package.manifest;
    let parts = (
        (
            admitted.received.dataset.id,
            snapshot.id,
            manifest.digest(),
            admitted.received.package.component_digest(),
        ),
        (&admitted.decision.parameters, admitted.decision.cohort.normalised(), manifest.class.word()),
        (admitted.policy.digest(), admitted.models.engine_id()),
        (FIRST_ROUND, Digest::of(b"")),
    );
    Ok(Digest::of(&serde_json::to_vec(&parts)?))
}

const FIRST_ROUND: u32 = 1;

fn reserve(ledger: &mut Ledger, now: Timestamp, granted: Granted) -> Result<Grant, NodeError> {
    let reservation = Reservation {
        job: granted.job,
        dataset: granted.admitted.received.dataset.id,
        // The project that the operator approved pays, not whatever name a researcher types.
        project: granted.approval.approval.project.clone(),
        manifest: granted.admitted.received.package.manifest.digest(),
        approval: granted.approval.seq,
        charge: granted.admitted.plan.charge(),
        snapshot: granted.snapshot.id,
        commitment: granted.snapshot.commitment,
        release_at: granted.release_at,
        slot_minutes: granted.details.slot_minutes,
        details: serde_json::to_value(&granted.details)?,
    };
    Ok(match ledger.reserve(now, reservation, &caps(&granted))? {
        Verdict::Reserved(_) => Grant::New(Box::new(granted)),
        Verdict::Denied(code) => Grant::Refused(Refusal::of(code, budget_words(&granted))),
    })
}

/// The job's price and the policy's own caps alone. What is spent is the pool's, and would tell which datasets share
/// patients; so would the strictest cap of a pool.
fn budget_words(granted: &Granted) -> String {
    let asks = granted.admitted.plan.charge().rho().unwrap_or_default().to_f64();
    let caps = caps(granted);
    let [job, year, project] =
        [caps.job.min(caps.rho_max), caps.year, caps.project_share_of_year].map(|rho| rho.to_f64());
    format!(
        "it asks for rho {asks:.4}; this dataset's policy and approval allow at most {job:.4} a job, {year:.4} in 365 days, {project:.4} a project"
    )
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
