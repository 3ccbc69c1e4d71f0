use crate::{
    Grant, Launcher, MachineCode, Subject,
    process::{Process, borrow, deadline},
    task::{MapAnswer, MapTask, Task},
};
use std::{
    fs::File,
    io::{self, Seek},
    time::{Duration, Instant},
};
use trocar_filter::{Contribution, Untrusted};
use trocar_terms::{Limits, Value};

/// What is the same for every patient of one round of a job.
#[derive(Debug, Clone)]
pub struct MapJob {
    /// The compiled component.
    pub code: MachineCode,
    /// What the guest may reach.
    pub grant: Grant,
    /// What it may use.
    pub limits: Limits,
    /// The job's parameters, all of them.
    pub params: Vec<(String, Value)>,
    /// What the last round released; empty in the first.
    pub state: Vec<f64>,
    /// How many numbers each output has.
    pub shape: Vec<usize>,
    /// Author mode: the data are the author's own, and she is told why a patient failed.
    pub author: bool,
}

/// What became of one patient.
#[derive(Debug)]
pub struct Mapped {
    /// Her contribution; `None` means the default one.
    pub contribution: Option<Untrusted<Contribution>>,
    /// Why there is none: in author mode only.
    pub detail: Option<String>,
    /// The worker could not be started: the node's fault, whoever the patient is. Nothing that a worker says or does
    /// is, since one patient's hostile files could then hold up the job of all.
    pub node_fault: bool,
}

impl Mapped {
    /// No contribution, for a reason that the author may read.
    #[must_use]
    pub fn failed(detail: &str) -> Self {
        Self { contribution: None, detail: Some(detail.to_owned()), node_fault: false }
    }

    fn default_for(detail: Option<String>) -> Self {
        Self { contribution: None, detail, node_fault: false }
    }

    fn node_fault(job: &MapJob, detail: &str) -> Self {
        Self { contribution: None, detail: job.author.then(|| detail.to_owned()), node_fault: true }
    }
}

/// Bytes that words in author mode may take.
const DETAIL: u64 = 64 << 10;

/// Maps one patient in a process of her own, which then exits.
///
/// A worker that dies or answers nonsense is replaced once within the same time box; at its end the worker is killed.
/// Whatever happens, there is an answer.
#[must_use]
pub fn map(launcher: &Launcher, job: &MapJob, subject: Subject, files: Vec<File>) -> Mapped {
    let deadline = deadline(Duration::from_secs(job.limits.seconds().into()));
    let Some(code) = job.code.file() else {
        return Mapped::node_fault(job, "no memory for the machine code");
    };
    let mut all = vec![code];
    all.extend(&files);
    let mut started = false;
    // At the end of the box there is no second worker: W bounds a patient's time, whatever her files or guest do.
    for _ in (0..2).take_while(|_| Instant::now() < deadline) {
        let Ok(process) = Process::start_patiently(launcher, deadline) else {
            continue;
        };
        started = true;
        match attempt(process, job, &subject, &all, deadline) {
            Ok(MapAnswer::Contribution(contribution)) => {
                return Mapped { contribution: Some(contribution), detail: None, node_fault: false };
            }
            Ok(MapAnswer::Nothing(detail)) => return Mapped::default_for(detail.filter(|_| job.author)),
            Err(_) => {}
        }
    }
    if !started && Instant::now() < deadline {
        return Mapped::node_fault(job, "the worker could not be started");
    }
    Mapped::default_for(job.author.then(|| "the worker died or ran out of time".to_owned()))
}

fn attempt(
    mut process: Process,
    job: &MapJob,
    subject: &Subject,
    files: &[&File],
    deadline: Instant,
) -> io::Result<MapAnswer> {
    // A position is shared with a worker that may have died half way.
    files.iter().try_for_each(|file| file.to_owned().rewind())?;
    let task = Task::Map(Box::new(MapTask::new(job, subject.clone())));
    process.ask(task, &borrow(files), answer_bytes(&job.shape), deadline)
}

/// The largest answer that is not nonsense: each number takes 8 bytes, each length at most 10.
fn answer_bytes(shape: &[usize]) -> u64 {
    let numbers = shape.iter().fold(0_u64, |sum, n| sum.saturating_add((*n as u64).saturating_mul(8)));
    numbers.saturating_add((shape.len() as u64).saturating_mul(10)).saturating_add(DETAIL)
}
