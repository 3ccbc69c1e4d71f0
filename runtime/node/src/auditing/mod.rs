//! What an auditor asks of a home: the ledger in plain words, and whether all that it says holds.

mod check;
mod fold;
mod signed;
mod verify;
mod witnessed;
mod words;

pub(crate) use check::in_words;
pub use check::{Check, Finding};
pub use words::AuditRow;
