//! Mapped -> Charged -> Released | Withheld: charge, sync, then draw; the bundle is kept before the job is finished.

use super::grant::Granted;
use super::map::{Mapped, Progress};
use super::path::Added;
use super::sealed::{Seals, Summed};
use crate::error::NodeError;
use crate::files;
use crate::history;
use crate::log::Log;
use crate::node::Node;
use trocar_bundle::{Asked, Content, Logged, Request};
use trocar_filter::{ExactSums, Outcome, Step, Sums};
use trocar_ledger::{Event, Ledger};
use trocar_policy::Policy;
use trocar_terms::{Code, Digest, JobId, RhoUnits};

/// A job whose charge is on disk: only now may the filter draw.
pub(super) struct Charged {
    granted: Granted,
    cohort: Vec<Digest>,
    sums: Sums,
}

impl Node {
    /// Charges a job on the noised path. One on the exact path is given back: nothing of it is drawn.
    pub(super) fn charge(&self, mapped: Mapped) -> Result<Result<Charged, (Granted, ExactSums)>, NodeError> {
        let Mapped { granted, cohort, sums, .. } = mapped;
        let sums = match sums {
            Added::Noised(sums) => sums,
            Added::Exact(sums) => return Ok(Err((granted, sums))),
        };
        let job = granted.job;
        let mut ledger = self.home().ledger()?;
        // A node that stopped after this line is charged already; the noise it drew then was never seen.
        if !history::charged(&ledger, &job) {
            ledger.append(self.now(), Event::Charged { job })?;
        }
        Ok(Ok(Charged { granted, cohort, sums }))
    }

    /// Draws every round, maps the patients of each next one, and keeps the bundle.
    ///
    /// A node that stops half way begins the whole job again, with a new gate and new noise. That is no second release: what
    /// was drawn before lived in this process and, as the state of a round, in workers that died with it; nobody outside saw
    /// it. Nor can a guest choose which run counts: whatever it does to one patient changes her contribution and nothing else
    /// (PRIVACY.md 3.3), so whether a node stops does not depend on what was drawn. A half-drawn release is not stored, since
    /// whoever can read one back can write one.
    pub(super) fn release(&self, charged: Charged, progress: Progress<'_>) -> Result<(), NodeError> {
        let Charged { granted, cohort, sums } = charged;
        let mut seals = Seals::of(self.home(), granted.job)?;
        let Some(outcome) = self.drawn(&granted, &cohort, sums, &mut seals, progress)? else {
            return self.fail(&granted.job);
        };
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
        let sums = seals.keep(self.home(), self.random_bytes(), granted.admitted.models.engine_id())?;
        self.finish(&granted.job, code, (Some(Digest::of(&bundle)), Some(sums)), outcome.undrawn())
    }

    /// Gate and first round, then each later round on the state before it; `None` where the sums are of another plan, which
    /// mapping again would not mend.
    fn drawn(
        &self,
        granted: &Granted,
        cohort: &[Digest],
        sums: Sums,
        seals: &mut Seals,
        progress: Progress<'_>,
    ) -> Result<Option<Outcome>, NodeError> {
        seals.add(&[], &Summed::from(&sums));
        let mut step = trocar_filter::first_round(sums, &mut self.random());
        loop {
            let round = match step {
                Step::Done(outcome) => return Ok(Some(outcome)),
                Step::Again(round) => round,
            };
            let state = (round.number(), round.state());
            let (Added::Noised(sums), _) = self.map_round(granted, cohort, state, progress)? else {
                return Ok(None);
            };
            seals.add(round.state(), &Summed::from(&sums));
            let Ok(next) = round.next(sums) else { return Ok(None) };
            step = next;
        }
    }

    /// The blocks behind a closed gate come back last: a crash before that leaves them charged, never uncounted. What is kept of the
    /// job, bundle and record of its sums, is named by digest.
    pub(crate) fn finish(
        &self,
        job: &JobId,
        code: Code,
        (bundle, sums): (Option<Digest>, Option<Digest>),
        undrawn: RhoUnits,
    ) -> Result<(), NodeError> {
        let mut ledger = self.home().ledger()?;
        ledger.append(self.now(), Event::Finished { job: *job, code, bundle, sums })?;
        if undrawn > RhoUnits(0) {
            let from = history::shows_at(&ledger, job).unwrap_or_else(|| self.now());
            ledger.append(self.now(), Event::Returned { job: *job, rho: undrawn, from })?;
        }
        Ok(())
    }

    pub(crate) fn fail(&self, job: &JobId) -> Result<(), NodeError> {
        self.finish(job, Code::NodeFailure, (None, None), RhoUnits(0))
    }

    fn bundle(&self, granted: &Granted, outcome: &Outcome) -> Result<Vec<u8>, NodeError> {
        let request = self.request(granted)?;
        let logged = self.logged(&granted.job)?;
        let content = Content { outcome, asked: asked(granted, &request, &logged) };
        Ok(trocar_bundle::write(&content, &self.home().node_key()?)?)
    }

    /// What the bundle of a job says was asked, allowed and run.
    pub(crate) fn request(&self, granted: &Granted) -> Result<Request, NodeError> {
        let received = &granted.admitted.received;
        let package = &received.package;
        let ledger = self.home().ledger()?;
        Ok(Request {
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
            co_approvers: granted.approval.co_approvers.clone(),
            airlock: None,
            parameters: granted.admitted.decision.parameters.clone(),
            where_: granted.admitted.decision.cohort.normalised(),
            trocar_version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: granted.admitted.models.engine(),
            node_name: self.home().name()?.to_string(),
            ledger_head: self.reserved_head(&ledger, &granted.job)?,
            log: Log::of(self.home(), &ledger)?.verifier(self.home())?.to_string(),
            conditions: conditions(granted, &ledger),
        })
    }

    /// The line of the job's reservation in the public log, and the proof that it is there.
    pub(crate) fn logged(&self, job: &JobId) -> Result<Logged, NodeError> {
        let ledger = self.home().ledger()?;
        let log = Log::of(self.home(), &ledger)?;
        let lost = NodeError::Lost("its reservation");
        let Some(seq) = history::reserved_at(&ledger, job) else { return Err(lost) };
        log.logged(self.home(), seq)?.ok_or(lost)
    }

    /// The root over what showed of the ledger once the job was reserved: the same whatever happened on the node since. The
    /// record's own digest stays here: those before it hold the seconds at which other jobs were done.
    fn reserved_head(&self, ledger: &Ledger, job: &JobId) -> Result<Digest, NodeError> {
        let log = Log::of(self.home(), ledger)?;
        let root = history::reserved_at(ledger, job).and_then(|seq| log.root_at(seq));
        root.ok_or(NodeError::Lost("its reservation"))
    }
}

/// The request with the signed parts that it rests on.
pub(crate) fn asked<'a>(granted: &'a Granted, request: &'a Request, logged: &'a Logged) -> Asked<'a> {
    let package = &granted.admitted.received.package;
    Asked {
        request,
        manifest_text: &package.manifest_text,
        manifest: &package.manifest,
        package: &package.signature,
        approval: &granted.approval.envelope,
        logged,
    }
}

/// What a reader of the bundle must know about how this node was run.
fn conditions(granted: &Granted, ledger: &Ledger) -> Vec<String> {
    let policy = &granted.admitted.policy;
    let mut words = vec![witness_words(policy).to_owned()];
    words.push("The worker process is not yet contained by seccomp and Landlock.".to_owned());
    if policy.slot_minutes() == 0 {
        words.push("Release times are not held to a slot: slot_minutes is 0.".to_owned());
    }
    if !policy.deidentification().require {
        words.push("Files that do not declare de-identification were taken.".to_owned());
    }
    if history::exact_before(ledger, granted.admitted.received.dataset.id, &granted.job) {
        words.push(EXACT.to_owned());
    }
    words.extend(granted.approval.approval.conditions.iter().cloned());
    words
}

fn witness_words(policy: &Policy) -> &'static str {
    match policy.witness() {
        Some(_) => {
            "A witness outside the home countersigned the ledger's head: an old copy of the ledger is refused."
        }
        None => "Rollback of the ledger is not detected: this node has no witness.",
    }
}

/// PRIVACY.md section 1.
const EXACT: &str = "Exact results of reviewed code were released from this dataset: a statement about rho covers the releases of \
                     any-code alone.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::job::{Details, JobState};
    use trocar_ledger::{Caps, Reservation, Verdict};
    use trocar_terms::{Charge, DatasetId, DeltaUnits, FixedClock, SnapshotId, Timestamp};
    use trocar_worker::Launcher;

    const JOB: JobId = JobId::from_bytes([1; 16]);
    const DATASET: DatasetId = DatasetId::from_bytes([2; 16]);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn reservation(approval: u64) -> Reservation {
        let digest = Digest::of(b"any");
        let details = Details {
            package: digest,
            policy: digest,
            parameters: Default::default(),
            cohort: None,
            project: "any".parse().unwrap(),
            key: digest,
            class: trocar_terms::Class::AnyCode,
            admitted_at: at(0),
            scheduled_end: at(900),
            slot_minutes: 15,
        };
        Reservation {
            job: JOB,
            dataset: DATASET,
            project: "any".to_owned(),
            manifest: digest,
            approval,
            charge: Charge { gate_rho: RhoUnits(1), block_rho: RhoUnits(5), delta: DeltaUnits(0) },
            snapshot: SnapshotId::from_bytes([3; 16]),
            commitment: digest,
            release_at: at(900),
            slot_minutes: 15,
            details: serde_json::to_value(details).unwrap(),
        }
    }

    fn reserve(node: &Node) {
        let (digest, all) = (Digest::of(b"any"), RhoUnits(100));
        let mut ledger = node.home().ledger().unwrap();
        let name = "liver".parse().unwrap();
        ledger
            .append(
                at(0),
                Event::DatasetAdded { dataset: DATASET, name, policy: digest, home: "node".parse().unwrap() },
            )
            .unwrap();
        let envelope = serde_json::Value::Null;
        let approved = Event::Approved { dataset: DATASET, manifest: digest, component: digest, envelope };
        let approval = ledger.append(at(0), approved).unwrap();
        let (gate_delta_year, runs) = (DeltaUnits(1), 1);
        let caps = Caps {
            job: all,
            year: all,
            lifetime: all,
            project_share_of_year: all,
            gate_delta_year,
            runs,
            rho_max: all,
        };
        assert!(matches!(ledger.reserve(at(0), reservation(approval), &caps), Ok(Verdict::Reserved(_))));
    }

    #[tokio::test]
    async fn what_a_late_job_gives_back_counts_when_its_outcome_shows_and_not_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let name = "node".parse().unwrap();
        Home::create(folder.path(), &name, &FixedClock(at(0))).unwrap();
        let clock = Box::new(FixedClock(at(1_000)));
        let node = Node::open(folder.path(), Launcher::new("/nowhere".into()), clock).await.unwrap();
        reserve(&node);
        node.finish(&JOB, Code::Withheld, (None, None), RhoUnits(5)).unwrap();
        let ledger = node.home().ledger().unwrap();
        let spent = |seconds| ledger.spent(DATASET, at(seconds)).year;
        assert_eq!(
            (spent(1_799), spent(1_800)),
            (RhoUnits(6), RhoUnits(1)),
            "the budget tells when a job ended"
        );
        assert_eq!(
            node.status(&JOB).await.unwrap().state,
            JobState::Accepted,
            "a late end shows before its slot ends"
        );
    }
}
