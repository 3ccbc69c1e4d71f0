use std::path::PathBuf;
use trocar_tlog::NoteError;

/// Why nothing was countersigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The witness has seen more of this ledger than there is here.
    #[error(
        "the witness has seen a longer ledger than this one: an old copy was put in its place. Nothing runs until the newer one is restored"
    )]
    Rollback,
    /// The witness has seen another ledger of the same origin.
    #[error(
        "the witness has seen another history of this ledger: a copy of it was used elsewhere. Nothing runs until it is restored"
    )]
    OtherHistory,
    /// The witness does not know this ledger or its key.
    #[error(
        "the witness does not know this ledger: start it with --log and the key that `trocar node audit --key` prints"
    )]
    Unknown,
    /// The witness could not be asked.
    #[error("the witness cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The witness answered something else than the protocol has.
    #[error("the witness gave no answer that can be used")]
    Answer,
    /// Its cosignature is not one by the key that the policy names.
    #[error("the witness's signature does not verify")]
    Signature(#[source] NoteError),
    /// A file of the witness cannot be read or written.
    #[error("cannot {what} {} of the witness", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the witness kept is not as it was written: it countersigns nothing.
    #[error("the checkpoint {} of the witness is damaged", .0.display())]
    Damaged(PathBuf),
}
