//! What is read of one file without touching its pixels.

mod read;
mod series;
mod wants;

use crate::{
    Facts, Reason, ScanRules,
    dataset::Dataset,
    image::Image,
    mask::{MaskHeader, MaskKind},
    nifti::NiftiHeader,
};
use dicom_dictionary_std::tags;
pub use read::{HeaderReader, read_header};
pub(crate) use read::{check_deidentified, modality, read_image};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};
use trocar_terms::Value;
pub(crate) use wants::Asked;

/// One usable file: whose it is, and what is in it.
#[derive(Clone, PartialEq)]
pub struct FileHeader {
    pub(crate) shared: Arc<Shared>,
    /// SOP Instance UID: one that comes twice is a copy.
    pub(crate) sop_uid: String,
    /// Index of a NIfTI image's sidecar.
    pub(crate) sidecar: Option<u32>,
    pub(crate) content: Content,
}

/// What the files of a series have in common as a rule.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shared {
    pub(crate) patient_id: String,
    pub(crate) issuer: String,
    pub(crate) study_uid: String,
    pub(crate) series_uid: String,
    /// Its pixels are compressed. (A data set that is deflated as a whole is inflated once for all of its frames.)
    pub(crate) compressed: bool,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) facts: Facts,
}

/// What a file has for its patient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Slices of a volume.
    Image(Image),
    /// A whole volume.
    Nifti(Box<NiftiHeader>),
    /// A segmentation of one.
    Mask(MaskHeader),
    /// Metadata of a NIfTI image, which were read with it.
    Sidecar,
}

impl Content {
    fn check(&self, rules: &ScanRules) -> Result<(), Reason> {
        let granted =
            |modality| if rules.modalities.contains(&modality) { Ok(()) } else { Err(Reason::Modality) };
        match self {
            Self::Image(image) => granted(image.modality).and_then(|()| image.check()),
            Self::Nifti(nifti) => granted(nifti.modality).and_then(|()| nifti.check()),
            Self::Mask(mask) => mask.check(),
            Self::Sidecar => Ok(()),
        }
    }
}

// A header names a patient: Debug does not.
impl fmt::Debug for FileHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileHeader").field("sidecar", &self.sidecar).finish_non_exhaustive()
    }
}

/// Bytes of an id or a UID. DICOM has at most 64 characters.
const MAX_ID: usize = 1 << 10;

impl FileHeader {
    /// Whose file it is: Patient ID and its issuer, which is empty where the file names none.
    #[must_use]
    pub fn patient(&self) -> (&str, &str) {
        (&self.shared.patient_id, &self.shared.issuer)
    }

    pub(crate) fn new(
        data: Dataset<'_>,
        attributes: BTreeMap<String, Value>,
        content: Content,
        compressed: bool,
    ) -> Result<Self, Reason> {
        let shared = Shared {
            patient_id: data.own(tags::PATIENT_ID).ok_or(Reason::NoPatientId)?,
            issuer: data.own(tags::ISSUER_OF_PATIENT_ID).unwrap_or_default(),
            study_uid: data.own(tags::STUDY_INSTANCE_UID).ok_or(Reason::NoUid)?,
            series_uid: data.own(tags::SERIES_INSTANCE_UID).ok_or(Reason::NoUid)?,
            attributes,
            facts: Facts::read(data),
            compressed,
        };
        let sop_uid = data.own(tags::SOP_INSTANCE_UID).unwrap_or_default();
        Ok(Self { shared: Arc::new(shared), sop_uid, sidecar: None, content })
    }

    /// Takes note of the index of the file of metadata that was read with it.
    pub const fn set_sidecar(&mut self, sidecar: u32) {
        self.sidecar = Some(sidecar);
    }

    /// Whether it was read with a file of metadata that is not known: then nobody could see that file change.
    pub(crate) fn lacks_sidecar(&self) -> bool {
        let paired = match &self.content {
            Content::Nifti(_) => true,
            Content::Mask(mask) => mask.kind == MaskKind::Labels,
            Content::Image(_) | Content::Sidecar => false,
        };
        paired && self.sidecar.is_none()
    }

    /// The slices of a DICOM image; `None` for anything else.
    pub(crate) const fn image(&self) -> Option<&Image> {
        match &self.content {
            Content::Image(image) => Some(image),
            Content::Nifti(_) | Content::Mask(_) | Content::Sidecar => None,
        }
    }

    /// The frame of reference of a volume; empty where it does not say.
    pub(crate) fn frame_of_reference(&self) -> &str {
        match &self.content {
            Content::Image(image) => &image.frame_of_reference,
            Content::Nifti(nifti) => &nifti.frame_of_reference,
            Content::Mask(_) | Content::Sidecar => "",
        }
    }

    /// Holds a header against its rules and bounds: the process that read it may speak for the file, and what it says
    /// is believed no further than this.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(self, rules: &ScanRules) -> Result<Self, Reason> {
        if self.sop_uid.len() > MAX_ID {
            return Err(Reason::TooLarge);
        }
        self.shared.check(rules)?;
        self.content.check(rules)?;
        Ok(self)
    }
}

impl Shared {
    fn check(&self, rules: &ScanRules) -> Result<(), Reason> {
        let ids = [&self.patient_id, &self.issuer, &self.study_uid, &self.series_uid];
        if ids.iter().any(|id| id.len() > MAX_ID) {
            return Err(Reason::TooLarge);
        }
        if self.patient_id.is_empty() {
            return Err(Reason::NoPatientId);
        }
        if self.study_uid.is_empty() || self.series_uid.is_empty() {
            return Err(Reason::NoUid);
        }
        if !self.attributes.iter().all(|(keyword, value)| listed(rules, keyword, value)) {
            return Err(Reason::Malformed);
        }
        if self.facts.is_bounded() { Ok(()) } else { Err(Reason::TooLarge) }
    }
}

/// Whether a value is missing or on the closed list of its attribute.
fn listed(rules: &ScanRules, keyword: &str, value: &Value) -> bool {
    let mut of = rules.attributes.iter().filter(|rule| rule.keyword == keyword);
    of.any(|rule| match value {
        Value::Missing => true,
        Value::Text(text) => rule.categories.contains(text),
        Value::Integer(_) | Value::Real(_) | Value::Days(_) => false,
    })
}
