//! DICOM files and clinical tables in, patients and calibrated volumes out. The only user of dicom-*.
//!
//! Runs inside a worker process: a file is hostile until it has been read.

mod acquisition;
mod calibration;
mod chain;
/// Clinical tables.
pub mod clinical;
mod codec;
mod codestream;
mod cost;
mod dataset;
mod decoded;
mod element;
mod facts;
mod format;
mod functional;
mod group;
mod header;
mod image;
mod jpeg;
mod lattice;
mod layout;
mod mask;
mod meta;
mod nifti;
mod pixels;
mod preview;
mod reason;
mod record;
mod resample;
mod source;
mod stack;
mod subject;
mod suv;
mod syntax;
mod tilt;
mod values;
mod volume;
mod walk;

pub use chain::{HeaderChain, Heard, Told};
pub use clinical::{Admitted, ClinicalError, ClinicalTable, ColumnCount};
pub use decoded::{Decoded, decode_series, decoded_bytes};
pub use facts::{Facts, Mandatory};
pub use group::{Grouped, group};
pub use header::{FileHeader, HeaderReader, read_header};
pub use mask::{MaskKind, MaskRecord, NamedCode, SegmentRecord, SubjectMask};
pub use nifti::{read_header_nifti, read_sidecar};
pub use pixels::{PixelArray, PixelFile, pixel_array};
pub use preview::{Thumbnail, middle_slice};
pub use reason::Reason;
pub use record::{PatientRecord, Place, ScanRules, SeriesFormat, SeriesRecord, Subject, SubjectSeries};
pub use subject::{OpenPatient, open_patient};
pub use values::Values;
