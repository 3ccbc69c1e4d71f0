use std::path::PathBuf;

/// Why the ledger could not be read or written. Nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The operating system refused.
    #[error("cannot {doing} the ledger {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A record is damaged, missing or out of order. A ledger in this state charges nothing: restore it from a backup.
    #[error("the ledger {} is damaged at line {line}: nothing may run until it is restored", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first line that is not as it was written, counted from 1.
        line: u64,
    },
    /// The event cannot follow the records that are there.
    #[error("not recorded: {0}")]
    Refused(
        /// The rule.
        &'static str,
    ),
    /// The event cannot be written as JSON.
    #[error("not recorded: the event cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}
