//! The witness of a ledger's head: a folder on another disk, or a process that speaks C2SP tlog-witness.
//!
//! It keeps the last checkpoint of each log that it was told of, and countersigns a new one only where that extends the last. So
//! a ledger that was put back to an older state can get nothing countersigned, and a node whose policy names a witness reads no
//! patient before its head is.
//!
//! Absent on purpose: a way to forget a log or to go back, and any log that nobody named. What it is sent is hostile.

mod client;
mod error;
mod server;
mod state;

pub use client::{Client, countersign};
pub use error::WitnessError;
pub use server::serve;
pub use state::{Answer, Witness};
