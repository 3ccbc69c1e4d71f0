//! Mapped -> Charged -> Released | Withheld: charge, sync, then draw; the bundle is kept before the job is finished.

use super::admit::SubmitRequest;
use super::grant::{Details, Grant, Granted};
use super::map::{Mapped, Progress};
use super::status::JobStatus;
use crate::error::NodeError;
use crate::files;
use crate::history;
use crate::keys::system_random;
use crate::node::Node;
use trocar_bundle::{Content, Request};
use trocar_filter::{Outcome, Sums};
use trocar_ledger::{Event, Reservation};
use trocar_terms::{Code, Digest, JobId, RhoUnits};

/// A job whose charge is on disk: only now may the filter draw.
struct Charged {
    granted: Granted,
    sums: Sums,
}

impl Node {
    /// Takes a package from its bytes to an accepted job or a refusal. Runs nothing yet.
    ///
    /// # Errors
    /// The package is damaged, the dataset unknown, or the node's own files cannot be used.
    pub async fn accept(&self, bytes: &[u8], request: SubmitRequest) -> Result<JobStatus, NodeError> {
        let _lock = self.home().lock_jobs()?;
        let received = self.receive(bytes, request).await?;
        let dataset = received.dataset.id;
        let (package, manifest) = (received.digest, received.package.manifest.digest());
        let refusal = match self.admit(received)? {
            Err(refusal) => refusal,
            Ok(admitted) => match self.grant(admitted).await? {
                Grant::New(granted) => return self.status(&granted.job),
                Grant::Cached(job) => return self.status(&job),
                Grant::Refused(refusal) => refusal,
            },
        };
        self.refuse(dataset, package, manifest, refusal)
    }

    /// Runs every accepted job that is not finished, oldest first. A restarted node goes on here.
    ///
    /// # Errors
    /// The node's own files cannot be used; the job stays accepted and can be run again.
    pub async fn run_accepted(&self, progress: Progress<'_>) -> Result<(), NodeError> {
        let _lock = self.home().lock_jobs()?;
        for reservation in self.unfinished()? {
            self.run(&reservation, progress).await?;
        }
        Ok(())
    }

    async fn run(&self, reservation: &Reservation, progress: Progress<'_>) -> Result<(), NodeError> {
        match self.regrant(reservation).await? {
            Some(granted) => {
                let mapped = tokio::task::block_in_place(|| self.map(granted, progress))?;
                self.release(self.charge(mapped)?)
            }
            None => self.fail(&reservation.job),
        }
    }

    /// The granted job again, from the ledger and the kept files alone; `None` where they no longer agree.
    async fn regrant(&self, reservation: &Reservation) -> Result<Option<Granted>, NodeError> {
        let details: Details = serde_json::from_value(reservation.details.clone())?;
        let (Ok(package), Ok(policy)) =
            (self.home().package(&details.package), self.policy_copy(&details.policy))
        else {
            return Ok(None);
        };
        let Some(dataset) = self.store().datasets().await?.into_iter().find(|d| d.id == reservation.dataset)
        else {
            return Ok(None);
        };
        let Ok(snapshot) = self.store().snapshot(reservation.snapshot).await else { return Ok(None) };
        let request = SubmitRequest {
            dataset: dataset.name.clone(),
            parameters: details.parameters.clone(),
            where_: details.cohort.clone(),
            project: details.project.clone(),
        };
        let received = super::Received { package, digest: details.package, dataset, request };
        let Ok(admitted) = self.admit_under(policy, received)? else { return Ok(None) };
        let Some(approval) = self.approval_at(reservation.approval, &admitted)? else { return Ok(None) };
        let (job, release_at) = (reservation.job, reservation.release_at);
        Ok(Some(Granted { job, admitted, approval, snapshot, details, release_at }))
    }

    fn charge(&self, mapped: Mapped) -> Result<Charged, NodeError> {
        let job = mapped.granted.job;
        let mut ledger = self.home().ledger()?;
        // A node that stopped after this line is charged already; the noise it drew then was never seen.
        if !history::charged(&ledger, &job) {
            ledger.append(self.now(), Event::Charged { job })?;
        }
        Ok(Charged { granted: mapped.granted, sums: mapped.sums })
    }

    fn release(&self, charged: Charged) -> Result<(), NodeError> {
        let Charged { granted, sums } = charged;
        let outcome = trocar_filter::release(sums, &mut system_random());
        let bundle = self.bundle(&granted, &outcome)?;
        files::write_durably(&self.home().bundle_path(&granted.job), &bundle)?;
        let code = match outcome {
            Outcome::Released(_) => Code::Released,
            Outcome::Withheld(_) => Code::Withheld,
        };
        self.finish(&granted.job, code, Some(Digest::of(&bundle)), outcome.undrawn())
    }

    /// The blocks behind a closed gate come back last: a crash before that leaves them charged, never uncounted.
    fn finish(
        &self,
        job: &JobId,
        code: Code,
        bundle: Option<Digest>,
        undrawn: RhoUnits,
    ) -> Result<(), NodeError> {
        let mut ledger = self.home().ledger()?;
        ledger.append(self.now(), Event::Finished { job: *job, code, bundle })?;
        if undrawn > RhoUnits(0) {
            ledger.append(self.now(), Event::Returned { job: *job, rho: undrawn })?;
        }
        Ok(())
    }

    fn fail(&self, job: &JobId) -> Result<(), NodeError> {
        self.finish(job, Code::NodeFailure, None, RhoUnits(0))
    }

    fn bundle(&self, granted: &Granted, outcome: &Outcome) -> Result<Vec<u8>, NodeError> {
        let received = &granted.admitted.received;
        let package = &received.package;
        let request = Request {
            job: granted.job,
            dataset: received.dataset.name.clone(),
            dataset_id: received.dataset.id,
            class: package.manifest.class,
            snapshot: granted.snapshot.id,
            commitment: granted.snapshot.commitment,
            admitted_at: granted.details.admitted_at,
            release_at: granted.release_at,
            manifest: package.manifest.digest(),
            component: package.component_digest(),
            package: received.digest,
            author: package.author,
            policy: granted.admitted.policy.digest(),
            approval: Digest::of(&trocar_manifest::canonical::json(&granted.approval.envelope)?),
            approver: granted.approval.approver,
            parameters: granted.admitted.decision.parameters.clone(),
            where_: granted.admitted.decision.cohort.normalised(),
            trocar_version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: trocar_worker::engine_name(),
            node_name: self.home().name()?.to_string(),
            ledger_head: self.reserved_head(&granted.job)?,
            conditions: conditions(granted),
        };
        let content = Content {
            outcome,
            request: &request,
            manifest_text: &package.manifest_text,
            manifest: &package.manifest,
            package: &package.signature,
            approval: &granted.approval.envelope,
        };
        Ok(trocar_bundle::write(&content, &self.home().node_key()?)?)
    }
}

impl Node {
    /// The ledger's head right after the reservation: the same whatever happened on the node since.
    fn reserved_head(&self, job: &JobId) -> Result<Digest, NodeError> {
        let ledger = self.home().ledger()?;
        let mine = |e: &Event| matches!(e, Event::Reserved(r) if r.job == *job);
        Ok(ledger.records().iter().find(|r| mine(&r.event)).map_or_else(|| ledger.head(), |r| r.digest))
    }
}

/// What a reader of the bundle must know about how this node was run.
fn conditions(granted: &Granted) -> Vec<String> {
    let policy = &granted.admitted.policy;
    let mut words = vec!["Rollback of the ledger is not detected: this node has no witness.".to_owned()];
    words.push("The worker process is not yet contained by seccomp and Landlock.".to_owned());
    if policy.slot_minutes() == 0 {
        words.push("Release times are not held to a slot: slot_minutes is 0.".to_owned());
    }
    if !policy.deidentification().require {
        words.push("Files that do not declare de-identification were taken.".to_owned());
    }
    words.extend(granted.approval.approval.conditions.iter().cloned());
    words
}
