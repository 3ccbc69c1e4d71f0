//! Granted -> Mapped: each patient of the cohort in a worker process of her own, in an order that nobody chose.

use super::grant::Granted;
use super::subject::{granted_series, subject};
use crate::error::{NodeError, ask};
use crate::keys::system_random;
use crate::node::Node;
use crate::store::{Indexed, Snapshot, Store};
use crate::volumes::VolumeCache;
use rand::seq::SliceRandom;
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use trocar_filter::{Plan, Sums};
use trocar_manifest::cohort::{Expr, Record};
use trocar_terms::{Digest, Value};
use trocar_worker::{FileEntry, Grant, Launcher, MapJob};

/// Told the operator's terminal how many patients are done, of how many. Never a researcher.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// A job whose patients have all been mapped and added.
pub(crate) struct Mapped {
    pub(crate) granted: Granted,
    pub(crate) sums: Sums,
}

impl Node {
    pub(crate) fn map(&self, granted: Granted, progress: Progress<'_>) -> Result<Mapped, NodeError> {
        let runtime = Handle::current();
        let cohort = runtime.block_on(self.members(&granted))?;
        let job = map_job(&granted);
        let cache = VolumeCache::of(self.home())?;
        let work = Work {
            launcher: self.launcher(),
            plan: &granted.admitted.plan,
            job: &job,
            snapshot: &granted.snapshot,
            cache: cache.as_ref(),
            store: self.store(),
            runtime,
        };
        let sums = work.run(&cohort, self.workers(), progress)?;
        Ok(Mapped { granted, sums })
    }

    /// The cohort is decided on one patient's record alone, with no other in memory; the order is shuffled before
    /// anything runs.
    async fn members(&self, granted: &Granted) -> Result<Vec<Digest>, NodeError> {
        let (cohort, grant) = (&granted.admitted.decision.cohort, &granted.admitted.grant);
        let mut members = Vec::new();
        let see = |digest, patient: Indexed| {
            if patient.is_in(cohort, grant) {
                members.push(digest);
            }
        };
        self.store().each_member(&granted.snapshot, see).await?;
        members.shuffle(&mut system_random());
        Ok(members)
    }
}

fn map_job(granted: &Granted) -> MapJob {
    let admitted = &granted.admitted;
    MapJob {
        code: admitted.code.clone(),
        grant: admitted.grant.clone(),
        limits: admitted.received.package.manifest.limits,
        params: admitted.decision.parameters.clone().into_iter().collect(),
        shape: admitted.plan.shape(),
        author: false,
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
    launcher: &'a Launcher,
    plan: &'a Plan,
    job: &'a MapJob,
    snapshot: &'a Snapshot,
    cache: Option<&'a VolumeCache>,
    store: &'a Store,
    runtime: Handle,
}

impl Work<'_> {
    /// Integer sums are the same whichever thread adds which patient.
    fn run(&self, cohort: &[Digest], workers: usize, progress: Progress<'_>) -> Result<Sums, NodeError> {
        let next = AtomicUsize::new(0);
        let progress = Mutex::new(progress);
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..workers.max(1)).map(|_| scope.spawn(|| self.drain(cohort, &next, &progress))).collect();
            let mut total = Sums::new(self.plan);
            for thread in threads {
                let sums = thread.join().ok().flatten();
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
    fn drain(&self, cohort: &[Digest], next: &AtomicUsize, progress: &Mutex<Progress<'_>>) -> Option<Sums> {
        let mut sums = Sums::new(self.plan);
        while let Some(patient) = cohort.get(next.fetch_add(1, Ordering::Relaxed)) {
            self.add(patient, &mut sums)?;
            if let Ok(mut tell) = progress.lock() {
                let done = next.load(Ordering::Relaxed).min(cohort.len());
                tell(done as u64, cohort.len() as u64);
            }
        }
        Some(sums)
    }

    /// Whatever happens to one patient changes her contribution and nothing else. That her record cannot be fetched is the
    /// node's fault, as is a worker that cannot be started.
    fn add(&self, patient: &Digest, sums: &mut Sums) -> Option<()> {
        let patient = self.runtime.block_on(self.store.record(patient)).ok()?;
        let mapped =
            map_one(self.launcher, self.job, &patient, &patient.files, &self.snapshot.root, self.cache);
        match mapped.contribution {
            Some(contribution) => sums.add(contribution),
            None if mapped.node_fault => return None,
            None => sums.add_default(),
        }
        Some(())
    }
}

/// Files that one patient's map may open. Beyond it her contribution is the default; below it a lack of descriptors is
/// the node's own, so that no patient's files decide the fate of a job.
const MOST_FILES: usize = 8_000;

/// Maps one patient in a worker process of her own. `all` are the files that her record's numbers stand for.
#[must_use]
pub fn map_one(
    launcher: &Launcher,
    job: &MapJob,
    patient: &Indexed,
    all: &[FileEntry],
    root: &Path,
    cache: Option<&VolumeCache>,
) -> trocar_worker::Mapped {
    let end = Instant::now().checked_add(Duration::from_secs(job.limits.seconds().into()));
    let (mut subject, numbers) = subject(patient, &job.grant);
    if numbers.len() > MOST_FILES {
        return trocar_worker::Mapped::failed("she has more files than one map may open");
    }
    let mut files = match numbers.iter().map(|n| open_unchanged(root, all.get(*n as usize))).collect() {
        Ok(files) => files,
        Err(Unopened::Changed) => {
            return trocar_worker::Mapped::failed("a file is not the one that was scanned");
        }
        Err(Unopened::NoDescriptor) => {
            let detail = Some("the node has too many files open".to_owned());
            return trocar_worker::Mapped { contribution: None, detail, node_fault: true };
        }
    };
    let compressed: Vec<bool> = granted_series(patient, &job.grant).map(|s| s.compressed).collect();
    let lacking = cache.map(|cache| cache.look(&mut subject, &mut files, &compressed));
    let mapped = trocar_worker::map(launcher, job, subject, files);
    if let (Some(cache), Some(lacking), Some(end)) = (cache, lacking, end) {
        cache.fill_all(launcher, &lacking, end);
    }
    mapped
}

/// Why a file of the snapshot is not handed over.
enum Unopened {
    /// It is not the one of the snapshot any more, so it is not hers any more.
    Changed,
    /// The node has no descriptor left: nothing is said of the file.
    NoDescriptor,
}

fn open_unchanged(root: &Path, entry: Option<&FileEntry>) -> Result<File, Unopened> {
    let entry = entry.ok_or(Unopened::Changed)?;
    let file = entry.open(root).map_err(unopened)?;
    if entry.is_still(&file) { Ok(file) } else { Err(Unopened::Changed) }
}

fn unopened(error: std::io::Error) -> Unopened {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Unopened::NoDescriptor,
        Some(_) | None => Unopened::Changed,
    }
}
