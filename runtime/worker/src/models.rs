//! The models of a job: checked in a process of their own, then handed to workers as sealed files.

use crate::{
    Launcher,
    compile::sealed,
    process::{Process, borrow, deadline},
    task::{MODEL_BYTES, Task},
};
use rustix::fs::fstat;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    sync::Arc,
    time::Duration,
};
use trocar_inference::{Library, Model, ModelError, ModelFacts, Runtime};
use trocar_sandbox::Models;

/// What checking one model may take: the analysis of some thousand nodes takes seconds.
const TIME: Duration = Duration::from_secs(120);

/// What computes models: the embedded runtime, or a sealed copy of the library that the operator's policy names.
#[derive(Debug, Clone, Default)]
pub struct ModelRuntime {
    library: Option<Arc<File>>,
}

impl ModelRuntime {
    /// The embedded one.
    #[must_use]
    pub fn embedded() -> Self {
        Self::default()
    }

    /// A library, whose digest the caller has checked over these very bytes.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn library(bytes: &[u8]) -> io::Result<Self> {
        Ok(Self { library: Some(Arc::new(sealed(bytes)?)) })
    }
}

/// Why a model is not admitted. Depends on its bytes and the runtime alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelRefused {
    /// A rule that it breaks, in words.
    #[error("{0}")]
    Why(String),
    /// The worker could not be started, died, or did not end in time.
    #[error("it could not be checked within the limits")]
    Died,
}

/// What a worker says of one model.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum CheckedModel {
    Facts(Box<ModelFacts>),
    Refused(String),
}

/// The models of a job, as sealed files with their names, and what computes them.
#[derive(Debug, Clone, Default)]
pub struct JobModels {
    runtime: ModelRuntime,
    files: Vec<(String, Arc<File>)>,
}

impl JobModels {
    /// Takes models whose digests the caller has checked, by the names that the manifest gives them.
    ///
    /// # Errors
    /// The system has no memory for them.
    pub fn new<'a>(
        models: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        runtime: ModelRuntime,
    ) -> io::Result<Self> {
        let file = |(name, bytes): (&str, &[u8])| Ok((name.to_owned(), Arc::new(sealed(bytes)?)));
        Ok(Self { runtime, files: models.into_iter().map(file).collect::<io::Result<_>>()? })
    }

    /// What the worker is told: names in order, and whether a library follows.
    pub(crate) fn told(&self) -> ToldModels {
        let names = self.files.iter().map(|(name, _)| name.clone()).collect();
        ToldModels { names, library: self.library().is_some() }
    }

    /// Their descriptors, in the order in which the worker takes them.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &File> {
        self.files.iter().map(|(_, file)| file.as_ref()).chain(self.library())
    }

    /// A library is opened only where there is a model for it.
    fn library(&self) -> Option<&File> {
        self.runtime.library.as_deref().filter(|_| !self.files.is_empty())
    }
}

/// Which of a task's descriptors are models.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ToldModels {
    names: Vec<String>,
    library: bool,
}

/// Checks a model and measures what a run costs, in a process of its own.
///
/// # Errors
/// The model is refused, or its check did not end well.
pub fn check_model(
    launcher: &Launcher,
    bytes: &[u8],
    runtime: &ModelRuntime,
) -> Result<ModelFacts, ModelRefused> {
    let file = sealed(bytes).map_err(|_| ModelRefused::Died)?;
    let end = deadline(TIME);
    let mut process = Process::start(launcher, end).map_err(|_| ModelRefused::Died)?;
    let files: Vec<&File> = [&file].into_iter().chain(runtime.library.as_deref()).collect();
    let task = Task::CheckModel { library: runtime.library.is_some() };
    match process.ask(task, &borrow(&files), MODEL_BYTES, end).map_err(|_| ModelRefused::Died)? {
        CheckedModel::Facts(facts) => Ok(*facts),
        CheckedModel::Refused(why) => Err(ModelRefused::Why(why)),
    }
}

// From here on the worker's side.

/// What computes, once its library is open.
pub(crate) type Opened = Result<Runtime, ModelError>;

fn opened(library: Option<&File>) -> Opened {
    library.map_or(Ok(Runtime::Embedded), |file| Library::open(file).map(Runtime::Installed))
}

/// The runtime for a task. Loading a library takes paths and executable memory, which a worker that is locked has not.
pub(crate) fn runtime(task: &Task, files: &[File], unlocked: bool) -> Opened {
    match task {
        Task::CheckModel { library: true } if unlocked => opened(files.get(1)),
        Task::CheckModel { library: true } => Err(ModelError::NoRuntime),
        _ => Ok(Runtime::Embedded),
    }
}

/// The task of [`check_model`]. A model that is admitted has been run once.
pub(crate) fn checked(files: &[File], runtime: Opened) -> io::Result<CheckedModel> {
    let bytes = model(files.first().ok_or(ErrorKind::InvalidData)?)?;
    Ok(match runtime.and_then(|runtime| Model::load(&bytes, &runtime)) {
        Ok(model) => CheckedModel::Facts(Box::new(model.facts().clone())),
        Err(error) => CheckedModel::Refused(error.to_string()),
    })
}

/// A file of at most so many bytes that a model which is too large is refused as such. Read by position: several workers share
/// the descriptor's own.
fn model(file: &File) -> io::Result<Vec<u8>> {
    let most = trocar_inference::MODEL_BYTES.saturating_add(1);
    let length = usize::try_from(fstat(file)?.st_size).map_or(most, |length| length.min(most));
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The bytes of a job's models, and its runtime, before anything looked at them.
pub(crate) struct Unloaded {
    runtime: Opened,
    models: Vec<(String, Vec<u8>)>,
}

impl Unloaded {
    /// What is done before a worker is locked: descriptors are read, and the runtime's library, if there is one, is opened.
    pub(crate) fn read(told: &ToldModels, files: &[File]) -> io::Result<Self> {
        let count = told.names.len();
        if files.len() != count.saturating_add(usize::from(told.library)) {
            return Err(ErrorKind::InvalidData.into());
        }
        let runtime = opened(files.get(count));
        let named = |(name, file): (&String, &File)| Ok((name.clone(), model(file)?));
        let models = told.names.iter().zip(files).map(named).collect::<io::Result<_>>()?;
        Ok(Self { runtime, models })
    }

    /// What is done once it is locked: everything that a run will allocate or measure happens here, before a patient is there.
    pub(crate) fn load(self) -> Result<Arc<Models>, ModelError> {
        let Self { runtime, models } = self;
        let runtime = runtime?;
        let load = |(name, bytes): (String, Vec<u8>)| Ok((name, Model::load(&bytes, &runtime)?));
        models.into_iter().map(load).collect::<Result<_, _>>().map(Arc::new)
    }
}
