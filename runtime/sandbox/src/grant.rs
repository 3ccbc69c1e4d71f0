use serde::{Deserialize, Serialize};
use trocar_terms::Modality;

/// What a guest may reach: its manifest's capabilities, which the policy admitted. What is not here does not exist
/// for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Series of these modalities are listed.
    pub modalities: Vec<Modality>,
    /// Whether volumes may be opened.
    pub pixels: bool,
    /// Labels of the segmentations that may be opened.
    pub masks: Vec<String>,
    /// DICOM keywords of the attributes that may be read.
    pub attributes: Vec<String>,
    /// Clinical columns that may be read.
    pub columns: Vec<String>,
    /// Whether the interface `model` may be imported.
    pub models: bool,
}

impl Grant {
    /// Whether a series of this DICOM modality is listed.
    pub(crate) fn modality(&self, code: &str) -> bool {
        Modality::from_code(code).is_some_and(|m| self.modalities.contains(&m))
    }
}
