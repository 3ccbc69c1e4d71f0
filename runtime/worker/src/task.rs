//! What the node asks of a worker, and what it answers.

use crate::{Layers, MapJob, contain::Kind, models::ToldModels};
use serde::{Deserialize, Serialize};
use trocar_filter::{Contribution, Untrusted};
use trocar_imaging::{ClinicalError, Heard, Reason, ScanRules, Subject, SubjectSeries, Told, clinical::Row};
use trocar_sandbox::Grant;
use trocar_terms::{Limits, Value};

/// The first frame that a worker sends: both ends are the same build.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello(pub(crate) String);

impl Hello {
    pub(crate) fn ours() -> Self {
        Self(format!("trocar worker {} {}", env!("CARGO_PKG_VERSION"), trocar_sandbox::ENGINE))
    }
}

/// A task with the number of descriptors that follow it, and the layers without which it is not to be done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: Task,
    pub(crate) files: u32,
    pub(crate) required: Layers,
}

/// What to do with the descriptors.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Read the header of each file; a NIfTI image's sidecar is the descriptor after it. Answer: a [`ToldHeader`] for each entry of
    /// `forms`, in a frame of its own.
    Headers { rules: ScanRules, forms: Vec<Form> },
    /// Compile the component in the one descriptor. Answer: [`Compiled`].
    Compile(Grant),
    /// Check a model, and run it once on zeros: its file, then the library of its runtime if there is one. Answer:
    /// [`CheckedModel`](crate::models::CheckedModel).
    CheckModel { library: bool },
    /// Decode one series, whose files are all descriptors but the last, into the last. Answer: the digest of each slice,
    /// `None` where it cannot be.
    Decode(Box<SubjectSeries>),
    /// Read a clinical table: the cells of these columns. Answer: [`TablePart`]s, the last of which is no `Rows`.
    Table(Vec<String>),
    /// Read the names of a clinical table's columns. Answer: [`TableHead`].
    TableHead,
    /// Draw the middle slice of a subject's one series, with at most so many pixels an edge. Answer: a thumbnail or `None`.
    Thumbnail(Box<Subject>, u32),
    /// Load the machine code in the first descriptor and the models in the others, and then fork for each socket that comes. Answer: [`Prepared`].
    Prepare(Box<Prepare>),
    /// Say which layers of containment hold. Answer: [`Layers`].
    Probe,
}

impl Task {
    /// What a worker must be able to do for it; `None` where it tries that out.
    pub(crate) const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Headers { .. } | Self::CheckModel { .. } | Self::Thumbnail(..) => Kind::Reads,
            Self::Table(_) | Self::TableHead => Kind::Table,
            Self::Compile(_) => Kind::Compiles,
            Self::Decode(_) => Kind::Decodes,
            Self::Prepare(_) => Kind::Forks,
            Self::Probe => return None,
        })
    }
}

/// What to read a file as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// DICOM of so many bytes, which the node has asked the system for.
    Dicom(u64),
    Nifti,
    Sidecar,
}

/// One file's header after those before it in its batch, or why it is quarantined.
pub(crate) type ToldHeader<'a> = Result<Told<'a>, Reason>;

/// The other end's side of it.
pub(crate) type HeardHeader = Result<Heard, Reason>;

/// A piece of a clinical table.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum TablePart {
    /// Rows with the cells that were asked for.
    Rows(Vec<Row>),
    /// There are no more.
    End,
    /// It is refused.
    Refused(ClinicalError),
}

/// The names of a table's columns.
pub(crate) type TableHead = Result<Vec<String>, ClinicalError>;

/// What is the same for every patient of a round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Prepare {
    pub(crate) grant: Grant,
    pub(crate) limits: Limits,
    pub(crate) params: Vec<(String, Value)>,
    pub(crate) state: Vec<f64>,
    pub(crate) shape: Vec<usize>,
    pub(crate) author: bool,
    /// One child serves many patients: reviewed code on the index alone.
    pub(crate) shared: bool,
    /// Which descriptors after the first are models.
    pub(crate) models: ToldModels,
}

impl Prepare {
    pub(crate) fn new(job: &MapJob) -> Self {
        let MapJob { code: _, models, grant, limits, params, state, shape, author, shared } = job;
        let (grant, params, state, shape) = (grant.clone(), params.clone(), state.clone(), shape.clone());
        let (limits, models) = (*limits, models.told());
        Self { grant, limits, params, state, shape, author: *author, shared: *shared, models }
    }
}

/// Whether the machine code could be loaded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Prepared(pub(crate) bool);

/// One patient, whose files follow. Answer: [`MapAnswer`], and the child exits unless it is shared.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Patient {
    pub(crate) subject: Subject,
    pub(crate) files: u32,
}

/// What became of a component.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Compiled {
    Code(Vec<u8>),
    ImportRefused(String),
    Invalid(String),
}

/// What became of a patient.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum MapAnswer {
    Contribution(Untrusted<Contribution>),
    /// Nothing; with words in author mode only.
    Nothing(Option<String>),
}

/// Bounds of frames: what a task or answer may weigh.
pub(crate) const ORDER_BYTES: u64 = 64 << 20;
pub(crate) const CODE_BYTES: u64 = 512 << 20;
/// What a worker says of a model: names of 16 inputs and outputs, whatever length they have.
pub(crate) const MODEL_BYTES: u64 = 1 << 20;
/// 20,000 frames of 40 bytes fit.
pub(crate) const HEADER_BYTES: u64 = 1 << 20;
/// A worker sends rows once they weigh a quarter of it.
pub(crate) const TABLE_BYTES: u64 = 4 << 20;
pub(crate) const THUMBNAIL_BYTES: u64 = 1 << 20;
pub(crate) const HELLO_BYTES: u64 = 1 << 10;
/// Files of one patient, or of one batch of a scan.
pub(crate) const FILES: u32 = 1 << 18;
