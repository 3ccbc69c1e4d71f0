//! The ways in: objects come from a PACS (DICOMweb, C-STORE) or an object store into a dataset's incoming folder.
//!
//! What arrives is hostile: nothing of it is parsed here beyond its SOP UIDs (bounded, [`Refusal`] otherwise); the scan's
//! contained worker reads the rest later. A name on disk is a SHA-256, never a word of the server's. An object is told to
//! be there only once it is: written to a partial file, synced, renamed, its folder synced.

mod ae;
mod arrival;
mod association;
mod client;
mod dimse;
mod error;
mod folder;
mod head;
mod multipart;
mod part10;
mod quota;
mod receive;
mod refusal;
mod report;
mod store;
mod syntax;
mod uid;
mod web;

pub use ae::{AeTitle, Peer, Peers};
pub use client::Credentials;
pub use error::IntakeError;
pub use folder::Incoming;
pub use quota::Quotas;
pub use receive::{ReceiveOptions, Until, receive};
pub use refusal::Refusal;
pub use report::Report;
pub use reqwest::Url;
pub use store::pull_store;
pub use uid::{Uid, UidError};
pub use web::{Filter, WebSource, pull_web};
