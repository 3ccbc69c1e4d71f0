use trocar_manifest::archive::ArchiveError;
use trocar_manifest::dsse::DsseError;
use trocar_manifest::keys::PublicKey;
use trocar_terms::Timestamp;

/// Why a bundle cannot be written. Display says what its source does not.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The table of results.
    #[error("results.csv cannot be written")]
    Table(#[from] csv::Error),
    /// The same table for data frames.
    #[error("results.parquet cannot be written: {0}")]
    Parquet(String),
    /// A plot.
    #[error("a plot cannot be drawn: {0}")]
    Plot(String),
    /// The report.
    #[error("the report cannot be written")]
    Report(#[from] askama::Error),
    /// A JSON file.
    #[error("a JSON file cannot be written")]
    Json(#[from] serde_json::Error),
    /// A signed statement or envelope.
    #[error("a statement cannot be written: {0}")]
    Statement(String),
    /// Too large for the size that its request has.
    #[error("the payload has {used} bytes, more than the {size} of every bundle of this request")]
    TooLarge {
        /// What it has.
        used: usize,
        /// What it may have.
        size: usize,
    },
    /// A result of one class was handed to the writer of the other.
    #[error("the result is of another class than its request")]
    Class,
    /// The output checker's word is not there, or is another.
    #[error("the output checker's decision does not cover this result")]
    Undecided,
    /// The archive.
    #[error("the archive cannot be written")]
    Archive(#[from] ArchiveError),
    /// What was written does not verify: the request and its manifest, package or approval disagree.
    #[error("the bundle would not verify")]
    Disagrees(#[from] Box<VerifyError>),
}

impl BundleError {
    pub(crate) fn plot(error: impl std::fmt::Display) -> Self {
        Self::Plot(error.to_string())
    }
}

/// Where a bundle is not what it says, or not from whom it should be. Display says what its source does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The zip is not canonical.
    #[error("{}", if *.0 == ArchiveError::NotZip { "this is not a Trocar bundle" } else { "the bundle is damaged" })]
    Archive(#[from] ArchiveError),
    /// A file that every bundle has is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file that no bundle of this manifest has.
    #[error("{0} does not belong in this bundle")]
    Extra(String),
    /// A file is not the one that the bag lists.
    #[error("{path} was changed: its SHA-512 digest is not the one in {list}")]
    Digest {
        /// The file.
        path: String,
        /// The list.
        list: &'static str,
    },
    /// A tag file that follows from the others is another.
    #[error("{path} differs at byte {offset} from what the other files make of it")]
    Tag {
        /// The file.
        path: String,
        /// The first byte that differs.
        offset: usize,
    },
    /// A file cannot be read as what it is.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A signature does not verify.
    #[error("{path} is not as it was signed")]
    Signature {
        /// The file.
        path: String,
        /// Why.
        source: Box<DsseError>,
    },
    /// Two parts of the bundle say different things.
    #[error("{path} does not agree with the signed statement: {what}")]
    Disagrees {
        /// The file.
        path: String,
        /// About what.
        what: &'static str,
    },
    /// A sentence of the Five Safes profile does not hold.
    #[error("the crate breaks Five Safes RO-Crate 0.4, {section}: {says}")]
    FiveSafes {
        /// Its section.
        section: &'static str,
        /// What it asks.
        says: &'static str,
    },
    /// The node took the key back.
    #[error("intact, but signed by {key}, whose node has revoked it from {at} on")]
    Revoked {
        /// Which.
        key: Box<PublicKey>,
        /// Since when.
        at: Timestamp,
    },
    /// Another key signed in its place by then.
    #[error("intact, but signed by {key}, which had handed over to another key at {at}")]
    Retired {
        /// Which.
        key: Box<PublicKey>,
        /// When.
        at: Timestamp,
    },
    /// Another key signed than those that were pinned.
    #[error("intact, but signed by {0}, which is not a key you trust")]
    OtherSigner(Box<PublicKey>),
}

impl VerifyError {
    pub(crate) fn unreadable(path: &str, why: impl std::fmt::Display) -> Self {
        Self::Unreadable { path: path.to_owned(), why: why.to_string() }
    }

    pub(crate) fn disagrees(path: &str, what: &'static str) -> Self {
        Self::Disagrees { path: path.to_owned(), what }
    }
}
