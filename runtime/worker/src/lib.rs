//! The process in which hostile bytes are read and guests run, and how the node talks to it.
//!
//! The node starts `PROGRAM worker` with one end of a socket pair as standard input and nothing else: no environment,
//! no output, no path. Each task comes as one length-framed message; the files that it is about come as descriptors.
//! A worker never opens a path, and holds no key and no sum. It contains itself ([`Layers`]) before it looks at what it was given.
//! For a job there is one worker a core that loads the component and looks at no patient: it forks for each, and her map is the end
//! of that child ([`Slot`]).
//!
//! **Boundary**: whatever a worker does, the node survives it: frames are bounded, waiting is bounded, and a worker that
//! dies, hangs or answers nonsense means one quarantined file or one default contribution.

mod child;
mod compile;
mod contain;
mod decode;
mod launcher;
mod map;
mod models;
mod preview;
mod process;
mod scan;
mod slot;
mod table;
mod task;
mod wire;
mod zygote;

pub use child::{most_memory, serve, serve_with};
pub use compile::{CompileError, MachineCode, compile, engine_id, engine_name};
pub use contain::{Layers, probe};
pub use decode::decode;
pub use launcher::Launcher;
pub use map::{MapJob, Mapped, map};
pub use models::{JobModels, ModelRefused, ModelRuntime, check_model};
pub use preview::thumbnail;
pub use process::WorkerError;
pub use scan::{Crawled, Entry, FileEntry, Folder, Index, Kind, Read, Scan, Unread, crawl, pair, scan};
pub use slot::Slot;
pub use table::{TableError, clinical, clinical_head};
pub use trocar_imaging::{
    Admitted, ClinicalError, ClinicalTable, ColumnCount, Decoded, Facts, FileHeader, Grouped, HeaderChain,
    Heard, Mandatory, MaskKind, MaskRecord, NamedCode, PatientRecord, Place, Reason, ScanRules,
    SegmentRecord, SeriesFormat, SeriesRecord, Subject, SubjectMask, SubjectSeries, Thumbnail, decoded_bytes,
    group,
};
pub use trocar_inference::{EMBEDDED, ModelFacts, Port};
pub use trocar_sandbox::Grant;
pub use zygote::{Inside, Instead};

/// What reads headers: an index made by another is read again.
pub const READER: &str = concat!(env!("CARGO_PKG_VERSION"), " headers 3");
