//! The process in which hostile bytes are read and guests run, and how the node talks to it.
//!
//! The node starts `PROGRAM worker` with one end of a socket pair as standard input and nothing else: no environment,
//! no output, no path. Each task comes as one length-framed message; the files that it is about come as descriptors.
//! A worker never opens a path, and holds no key, no sum and no second patient: a mapped patient is the end of it.
//!
//! **Boundary**: whatever a worker does, the node survives it: frames are bounded, waiting is bounded, and a worker that
//! dies, hangs or answers nonsense means one quarantined file or one default contribution.

mod child;
mod compile;
mod decode;
mod launcher;
mod map;
mod process;
mod scan;
mod task;
mod wire;

pub use child::serve;
pub use compile::{CompileError, MachineCode, compile, engine_id, engine_name};
pub use decode::decode;
pub use launcher::Launcher;
pub use map::{MapJob, Mapped, map};
pub use process::WorkerError;
pub use scan::{
    Crawled, Entry, FileEntry, Folder, Index, Kind, Read, ReadHeader, Scan, Unread, crawl, header_of, pair,
    scan,
};
pub use trocar_imaging::{
    ClinicalError, ClinicalTable, Decoded, Facts, FileHeader, Grouped, Mandatory, MaskKind, MaskRecord,
    NamedCode, PatientRecord, Place, Reason, ScanRules, SegmentRecord, SeriesFormat, SeriesRecord, Subject,
    SubjectMask, SubjectSeries, decoded_bytes, group,
};
pub use trocar_sandbox::Grant;

use trocar_terms::ColumnRule;

/// What reads headers: an index made by another is read again.
pub const READER: &str = concat!(env!("CARGO_PKG_VERSION"), " headers 1");

/// Reads a clinical table, keyed by its column `patient_id`. It is the operator's own file, so no worker is needed.
///
/// # Errors
/// The first thing that is wrong with it, with its line.
pub fn clinical(input: impl std::io::Read, rules: &[ColumnRule]) -> Result<ClinicalTable, ClinicalError> {
    trocar_imaging::clinical::read(input, "patient_id", rules)
}
