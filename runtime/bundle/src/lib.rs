//! What is handed over: the bundle of one finished job, written, and verified offline.
//!
//! A bundle is one canonical zip with one top folder, `trocar-<job>/`, which is a BagIt 1.0 bag:
//!
//! ```text
//! bagit.txt  bag-info.txt  manifest-sha512.txt  tagmanifest-sha512.txt
//! provenance.dsse.json         in-toto Statement v1 over every file with SLSA provenance v1, signed by the node
//! data/ro-crate-preview.html   for people: no script, no server, plots inside
//! data/results.json            CONTRACT.md section 6
//! data/results.schema.json     what results.json is
//! data/results.csv             the same numbers, RFC 4180
//! data/results.parquet         the same again, with types
//! data/plots/NAME.svg          one an output and a derived statistic
//! data/plots/NAME.vl.json      the same as a Vega-Lite 6 specification, data inside
//! data/algorithm/              a Workflow RO-Crate: manifest.toml, which ran, and package.dsse.json, its author's signature
//! data/approval.dsse.json      the operator's approval
//! data/{node,author,operator}.pub
//! data/log-entry.json          the job's line in the node's public log
//! data/log.tlog-proof          that it is there (C2SP tlog-proof), with the log's signed head
//! data/ro-crate-metadata.json  Five Safes RO-Crate 0.4 on RO-Crate 1.2: data/ is the crate
//! data/padding                 spaces: all bundles of one request have one length
//! ```
//!
//! **Invariant**: `verify` accepts no two archives that differ in one byte unless the node signed both.
//! An exact result has no plots, and in their place the reviews and the output checker's decision:
//! `data/review-N.dsse.json`, `data/decision.dsse.json`.
//!
//! **Boundary**: numbers come as `trocar_filter::Outcome`, or exact beside a signed decision (`Decided`). No clock is read and nothing random is drawn here.

mod allowed;
mod bag;
mod compared;
mod consistent;
mod content;
mod crate_algorithm;
mod crate_metadata;
mod crate_people;
mod crate_phases;
mod decided;
mod error;
mod figures;
mod five_safes;
#[cfg(test)]
mod five_safes_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod key_tests;
mod logged;
mod number;
#[cfg(test)]
mod oracle_tests;
mod padding;
#[cfg(test)]
mod peers_tests;
mod plot;
mod proof;
mod report;
mod reviewed;
#[cfg(test)]
mod reviewed_tests;
mod sheet;
mod statement;
mod statistics;
#[cfg(test)]
mod tampered_tests;
#[cfg(test)]
mod tests;
mod trail;
mod trust;
mod units;
mod vega;
mod verify;
mod write;

pub use content::{Airlock, Asked, Content, Logged, Request, ReviewedContent};
pub use decided::Decided;
pub use error::{BundleError, VerifyError};
pub use reviewed::write_reviewed;
pub use statement::Status;
pub use trail::{Check, Ended};
pub use trust::Trust;
pub use verify::{Examined, Verification, examine, verify};
pub use write::write;
