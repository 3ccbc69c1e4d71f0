//! Granted -> Mapped: each patient of the cohort in a worker process of her own, in an order that nobody chose.

use super::cancel::Watch;
use super::grant::Granted;
use super::keep::worth;
use super::open::{Opened, opened};
use super::path::{Added, JobPlan};
use super::share::shares;
use super::subject::granted_series;
use crate::error::{NodeError, ask};
use crate::node::Node;
use crate::store::{Indexed, Snapshot, Store};
use crate::volumes::VolumeCache;
use rand::seq::SliceRandom;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Handle;
use trocar_manifest::cohort::{Expr, Record};
use trocar_terms::{Digest, Value};
use trocar_worker::{Grant, Launcher, MapJob, Slot};

/// Told the operator's terminal how many patients are done, of how many. Never a researcher.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// A job whose patients have all been mapped and added in its first round.
pub(crate) struct Mapped {
    pub(crate) granted: Granted,
    pub(crate) cohort: Vec<Digest>,
    pub(crate) sums: Added,
    /// Patients some of whose volumes were decoded and are worth keeping.
    pub(crate) decoded: Vec<Digest>,
}

impl Node {
    pub(crate) fn map(&self, granted: Granted, progress: Progress<'_>) -> Result<Mapped, NodeError> {
        let cohort = Handle::current().block_on(self.members(&granted))?;
        let (sums, decoded) = self.map_round(&granted, &cohort, (1, &[]), progress)?;
        Ok(Mapped { granted, cohort, sums, decoded })
    }

    /// One round over the whole cohort, with the state that its guests are given. Fuel and time are a patient's and a round's.
    pub(super) fn map_round(
        &self,
        granted: &Granted,
        cohort: &[Digest],
        round: (u32, &[f64]),
        progress: Progress<'_>,
    ) -> Result<(Added, Vec<Digest>), NodeError> {
        let cache = VolumeCache::of(self.home())?;
        self.map_round_with(cache.as_ref(), granted, cohort, round, progress)
    }

    /// The same with these kept volumes, or with none.
    pub(super) fn map_round_with(
        &self,
        cache: Option<&VolumeCache>,
        granted: &Granted,
        cohort: &[Digest],
        (round, state): (u32, &[f64]),
        progress: Progress<'_>,
    ) -> Result<(Added, Vec<Digest>), NodeError> {
        let job = map_job(granted, state);
        let wish = self.wish(&granted.job);
        let work = Work {
            watch: Watch::new(&wish),
            launcher: &self.launcher_for(&granted.admitted.policy),
            plan: &granted.admitted.plan,
            job: &job,
            snapshot: &granted.snapshot,
            cache,
            store: self.store(),
            runtime: Handle::current(),
            decoded: Mutex::default(),
        };
        let rounds = u64::from(granted.admitted.plan.rounds());
        let before = u64::from(round.saturating_sub(1));
        let mut progress = |done: u64, of: u64| {
            progress(before.saturating_mul(of).saturating_add(done), of.saturating_mul(rounds));
        };
        let limits = &granted.admitted.received.package.manifest.limits;
        let Some(workers) = self.workers_within(limits) else {
            return ask("the machine's memory does not hold one worker of this job");
        };
        let sums = work.run(cohort, workers, &mut progress)?;
        Ok((sums, work.decoded.into_inner().unwrap_or_default()))
    }

    /// The cohort is decided on one patient's record alone, with no other in memory; the order is shuffled before
    /// anything runs.
    pub(super) async fn members(&self, granted: &Granted) -> Result<Vec<Digest>, NodeError> {
        let (cohort, grant) = (&granted.admitted.decision.cohort, &granted.admitted.grant);
        let mut members = Vec::new();
        let see = |digest, patient: Indexed| {
            if patient.is_in(cohort, grant) {
                members.push(digest);
            }
        };
        self.store().each_member(&granted.snapshot, see).await?;
        members.shuffle(&mut self.random());
        Ok(members)
    }
}

fn map_job(granted: &Granted, state: &[f64]) -> MapJob {
    let admitted = &granted.admitted;
    MapJob {
        code: admitted.code.clone(),
        models: admitted.models.files.clone(),
        grant: admitted.grant.clone(),
        limits: admitted.received.package.manifest.limits,
        params: admitted.decision.parameters.clone().into_iter().collect(),
        state: state.to_vec(),
        shape: admitted.plan.shape(),
        author: false,
        shared: shares(granted),
    }
}

impl Indexed {
    /// Whether the cohort has this patient: decided on her record alone, and on series that were granted.
    #[must_use]
    pub fn is_in(&self, cohort: &Expr, grant: &Grant) -> bool {
        cohort.matches(&Seen { patient: self, grant })
    }
}

/// A patient as a cohort may see her: an attribute or modality of a series that was not granted does not exist.
struct Seen<'a> {
    patient: &'a Indexed,
    grant: &'a Grant,
}

impl Record for Seen<'_> {
    fn values(&self, name: &str) -> Vec<Value> {
        let series = granted_series(self.patient, self.grant);
        if name == "modality" {
            return series.map(|s| Value::Text(s.info.modality.clone())).collect();
        }
        match self.patient.columns.get(name) {
            Some(value) => vec![value.clone()],
            None => series.filter_map(|s| s.attributes.get(name).cloned()).collect(),
        }
    }
}

struct Work<'a> {
    watch: Watch<'a>,
    launcher: &'a Launcher,
    plan: &'a JobPlan,
    job: &'a MapJob,
    snapshot: &'a Snapshot,
    cache: Option<&'a VolumeCache>,
    store: &'a Store,
    runtime: Handle,
    decoded: Mutex<Vec<Digest>>,
}

impl Work<'_> {
    /// Integer sums are the same whichever thread adds which patient.
    fn run(&self, cohort: &[Digest], workers: usize, progress: Progress<'_>) -> Result<Added, NodeError> {
        let next = AtomicUsize::new(0);
        let progress = Mutex::new(progress);
        std::thread::scope(|scope| {
            let watch = scope.spawn(|| self.watch.run());
            let threads: Vec<_> =
                (0..workers.max(1)).map(|_| scope.spawn(|| self.drain(cohort, &next, &progress))).collect();
            let all: Vec<_> = threads.into_iter().map(|thread| thread.join().ok().flatten()).collect();
            self.watch.end();
            watch.thread().unpark();
            if self.watch.wished() {
                return Err(NodeError::Cancelled);
            }
            let mut total = Added::new(self.plan);
            for sums in all {
                if sums.is_none_or(|sums| total.merge(sums).is_err()) {
                    return ask(
                        "a worker process cannot be started or the index not be read; the job stays accepted: run `trocar node resume`",
                    );
                }
            }
            Ok(total)
        })
    }

    /// `None` where the node itself could not go on: then nothing of the job is released or lost.
    fn drain(&self, cohort: &[Digest], next: &AtomicUsize, progress: &Mutex<Progress<'_>>) -> Option<Added> {
        let mut sums = Added::new(self.plan);
        let mut slot = Slot::new(self.launcher, self.job);
        slot.warm();
        while let Some(patient) = cohort.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.watch.wished() {
                return None;
            }
            self.add(patient, &mut slot, &mut sums)?;
            if let Ok(mut tell) = progress.lock() {
                let done = next.load(Ordering::Relaxed).min(cohort.len());
                tell(done as u64, cohort.len() as u64);
            }
        }
        Some(sums)
    }

    /// Whatever happens to one patient changes her contribution and nothing else. That her record cannot be fetched is the
    /// node's fault, as is a worker that cannot be started.
    fn add(&self, digest: &Digest, slot: &mut Slot<'_>, sums: &mut Added) -> Option<()> {
        let patient = self.runtime.block_on(self.store.record(digest)).ok()?;
        let mapped = match opened(&patient, &self.job.grant, &patient.files, &self.snapshot.root) {
            Ok(Opened { mut subject, mut files }) => {
                let lacks = |cache: &VolumeCache| {
                    let worth = worth(&patient, &self.job.grant, &patient.files);
                    !cache.look(&mut subject, &mut files, &worth)
                };
                if self.cache.is_some_and(lacks)
                    && let Ok(mut decoded) = self.decoded.lock()
                {
                    decoded.push(*digest);
                }
                slot.map(&subject, &files)
            }
            Err(unopened) => unopened.mapped(),
        };
        if mapped.contribution.is_none() && mapped.node_fault {
            return None;
        }
        sums.add(&patient, mapped.contribution)
    }
}
