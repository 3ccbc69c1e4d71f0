//! Mapped -> Charged -> Released | Withheld: charge, sync, then draw; the bundle is kept before the job is finished.

use super::grant::Granted;
use super::map::Mapped;
use crate::error::NodeError;
use crate::files;
use crate::history;
use crate::keys::system_random;
use crate::node::Node;
use trocar_bundle::{Content, Request};
use trocar_filter::{Outcome, Sums};
use trocar_ledger::Event;
use trocar_terms::{Code, Digest, JobId, RhoUnits};

/// A job whose charge is on disk: only now may the filter draw.
pub(super) struct Charged {
    granted: Granted,
    sums: Sums,
}

impl Node {
    pub(super) fn charge(&self, mapped: Mapped) -> Result<Charged, NodeError> {
        let job = mapped.granted.job;
        let mut ledger = self.home().ledger()?;
        // A node that stopped after this line is charged already; the noise it drew then was never seen.
        if !history::charged(&ledger, &job) {
            ledger.append(self.now(), Event::Charged { job })?;
        }
        Ok(Charged { granted: mapped.granted, sums: mapped.sums })
    }

    pub(super) fn release(&self, charged: Charged) -> Result<(), NodeError> {
        let Charged { granted, sums } = charged;
        let outcome = trocar_filter::release(sums, &mut system_random());
        let bundle = match self.bundle(&granted, &outcome) {
            // Drawing again would not mend it, and the draw that was made is spent.
            Err(NodeError::Bundle(_)) => return self.fail(&granted.job),
            other => other?,
        };
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
            let from = history::shows_at(&ledger, job).unwrap_or_else(|| self.now());
            ledger.append(self.now(), Event::Returned { job: *job, rho: undrawn, from })?;
        }
        Ok(())
    }

    pub(super) fn fail(&self, job: &JobId) -> Result<(), NodeError> {
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
