use crate::{Grant, JobModels, Launcher, MachineCode, Slot, Subject};
use std::fs::File;
use trocar_filter::{Contribution, Untrusted};
use trocar_terms::{Limits, Value};

/// What is the same for every patient of one round of a job.
#[derive(Debug, Clone)]
pub struct MapJob {
    /// The compiled component.
    pub code: MachineCode,
    /// The models that it may run.
    pub models: JobModels,
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
    /// One child of a slot serves all its patients. For reviewed code that sees no image: nothing but the engine stands between
    /// them then.
    pub shared: bool,
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

    pub(crate) fn default_for(detail: Option<String>) -> Self {
        Self { contribution: None, detail, node_fault: false }
    }

    pub(crate) fn node_fault(job: &MapJob, detail: &str) -> Self {
        Self { contribution: None, detail: job.author.then(|| detail.to_owned()), node_fault: true }
    }
}

/// Maps one patient by herself, with a slot of her own.
#[must_use]
pub fn map(launcher: &Launcher, job: &MapJob, subject: Subject, files: Vec<File>) -> Mapped {
    Slot::new(launcher, job).map(&subject, &files)
}
