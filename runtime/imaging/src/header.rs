//! What is read of one file without touching its pixels.

use crate::{Reason, ScanRules};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    io::{Read, Seek},
};
use trocar_terms::{Modality, Value};

/// One usable image file: whose it is, and where its slices lie.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FileHeader {
    pub(crate) patient_id: String,
    pub(crate) issuer: String,
    pub(crate) study_uid: String,
    pub(crate) series_uid: String,
    pub(crate) modality: Modality,
    pub(crate) attributes: BTreeMap<String, Value>,
}

impl fmt::Debug for FileHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileHeader").field("modality", &self.modality).finish_non_exhaustive()
    }
}

/// Reads one file up to its pixel data, and checks that the pixel data is wholly there.
///
/// # Errors
/// Why the file is quarantined.
pub fn read_header(file: &mut (impl Read + Seek), rules: &ScanRules) -> Result<FileHeader, Reason> {
    let _ = (file, rules);
    Err(Reason::Unreadable)
}
