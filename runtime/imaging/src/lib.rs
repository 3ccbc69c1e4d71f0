//! DICOM files and clinical tables in, patients and calibrated volumes out. The only user of dicom-*.
//!
//! Runs inside a worker process: a file is hostile until it has been read.

mod acquisition;
/// Clinical tables.
pub mod clinical;
mod codestream;
mod cost;
mod dataset;
mod decode;
mod element;
mod facts;
mod group;
mod header;
mod image;
mod lattice;
mod layout;
mod meta;
mod preview;
mod reason;
mod record;
mod resample;
mod rle;
mod source;
mod stack;
mod subject;
mod syntax;
mod tilt;
mod volume;
mod walk;

pub use clinical::{Admitted, ClinicalError, ClinicalTable, ColumnCount};
pub use facts::{Facts, Mandatory};
pub use group::{Grouped, group};
pub use header::{FileHeader, read_header};
pub use preview::{Thumbnail, middle_slice};
pub use reason::Reason;
pub use record::{PatientRecord, Place, ScanRules, SeriesRecord, Subject, SubjectSeries};
pub use subject::{OpenPatient, open_patient};
