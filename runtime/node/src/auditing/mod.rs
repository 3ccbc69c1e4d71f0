//! What an auditor asks of a home: the ledger in plain words, and whether all that it says holds.

mod fold;
mod verify;
mod words;

pub use verify::Check;
pub use words::AuditRow;
