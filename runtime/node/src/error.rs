use std::path::{Path, PathBuf};

/// Why the node could not do what its operator asked. For the operator alone: it may name paths.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// There is no home here.
    #[error("there is no node home at {}: make one with `trocar node init`, or name another with --home or TROCAR_HOME", .0.display())]
    NoHome(PathBuf),
    /// There is a home already.
    #[error("there is a node home at {} already: choose another folder with --home", .0.display())]
    HomeExists(PathBuf),
    /// A file could not be read or written.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// What was tried: `read`, `write`, ...
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The ledger refused.
    #[error("the ledger cannot be used")]
    Ledger(#[from] trocar_ledger::LedgerError),
    /// The witness did not countersign the ledger's head.
    #[error(transparent)]
    Witness(#[from] trocar_witness::WitnessError),
    /// A name, key or head of the ledger as a log is not of its form.
    #[error("the head of the ledger cannot be signed")]
    Head(#[from] trocar_tlog::NoteError),
    /// The index could not be read or written.
    #[error("the index (index.db) cannot be used")]
    Store(#[from] sqlx::Error),
    /// The index holds something that it was never given. The entry itself is not quoted: it may hold a patient's value.
    #[error("the index (index.db) holds an entry that cannot be read: run `trocar node scan`")]
    Index,
    /// A policy file is wrong.
    #[error(transparent)]
    Policy(Box<trocar_policy::PolicyError>),
    /// Something cannot be written as canonical JSON.
    #[error("it cannot be written as canonical JSON")]
    Canonical(#[from] trocar_manifest::canonical::CanonicalError),
    /// An approval cannot be signed.
    #[error("the approval cannot be signed")]
    Approval(#[from] trocar_manifest::ApprovalError),
    /// A review or a decision cannot be signed.
    #[error("the statement cannot be signed")]
    Signed(#[from] trocar_manifest::SignedError),
    /// A package is damaged or not signed.
    #[error(transparent)]
    Package(#[from] trocar_manifest::PackageError),
    /// Something that a person named does not exist or cannot be done now; the text says what to do.
    #[error("{0}")]
    Ask(String),
    /// A worker process could not be used.
    #[error("a worker process cannot be used")]
    Worker(#[from] trocar_worker::WorkerError),
    /// The clinical table cannot be read.
    #[error("the clinical table {} cannot be used", .path.display())]
    Clinical {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: trocar_worker::ClinicalError,
    },
    /// What a reserved job was admitted with is not there any more, or is another.
    #[error("{0} is gone or is not the one that the job was admitted with")]
    Lost(&'static str),
    /// What the policy asks for first is not there yet; the text says what to do.
    #[error("{0}")]
    Forbidden(String),
    /// The operator ended the job while it ran.
    #[error("the job was cancelled")]
    Cancelled,
    /// The bundle could not be written.
    #[error("the bundle cannot be written")]
    Bundle(#[from] trocar_bundle::BundleError),
    /// Statements about the node's keys.
    #[error("what was said of the node's keys cannot be believed")]
    KeyHistory(#[from] trocar_manifest::key_history::HistoryError),
}

impl NodeError {
    /// Whether trying again cannot help, since what the job was admitted with is gone or changed. Anything else may pass,
    /// or the operator may restore it.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// For a file that was kept for the job: gone, damaged or another means lost.
    pub(crate) fn or_lost(self, what: &'static str) -> Self {
        let gone = |source: &std::io::Error| {
            matches!(source.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData)
        };
        let lost = matches!(&self, Self::Package(_) | Self::Policy(_))
            || matches!(&self, Self::File { source, .. } if gone(source));
        if lost { Self::Lost(what) } else { self }
    }
}

impl From<serde_json::Error> for NodeError {
    fn from(_: serde_json::Error) -> Self {
        Self::Index
    }
}

/// Wraps an I/O error with what was tried on which file.
pub(crate) fn file<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> NodeError + 'a {
    move |source| NodeError::File { what, path: path.to_owned(), source }
}

/// An error that tells a person what to do.
pub(crate) fn ask<T>(text: impl Into<String>) -> Result<T, NodeError> {
    Err(NodeError::Ask(text.into()))
}
