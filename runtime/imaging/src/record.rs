use crate::{Decoded, Facts, MaskRecord, SubjectMask};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use trocar_terms::{AttributeRule, Deidentification, Modality, SeriesInfo, Value};

/// What a policy says about files: which are taken, and which attributes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRules {
    /// The de-identification gate. Burned-in annotation is refused whatever it says.
    pub deidentification: Deidentification,
    /// Modalities that are taken.
    pub modalities: Vec<Modality>,
    /// Attributes that are kept, each with its closed list.
    pub attributes: Vec<AttributeRule>,
}

/// One patient of a dataset: the privacy unit.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PatientRecord {
    /// Patient ID (0010,0020).
    pub patient_id: String,
    /// Issuer of Patient ID (0010,0021), empty where absent.
    pub issuer: String,
    /// Number of studies with a usable series.
    pub studies: u32,
    /// What her series agree on, for the operator alone.
    pub facts: Facts,
    /// Usable series, sorted by modality and geometry.
    pub series: Vec<SeriesRecord>,
    /// Segmentations that lie on them, in the order of their files.
    pub masks: Vec<MaskRecord>,
}

/// One usable series of a patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesRecord {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// What a guest sees of it.
    pub info: SeriesInfo,
    /// Allow-listed attributes by keyword; `Missing` where the images differ.
    pub attributes: BTreeMap<String, Value>,
    /// What its files agree on, for the operator alone.
    pub facts: Facts,
    /// What its files are.
    pub format: SeriesFormat,
    /// Indices of its files, in slice order; a NIfTI image's sidecar follows it.
    pub files: Vec<u32>,
    /// Which of the volumes in these files it is: not the first only where files of many frames hold several.
    pub part: u32,
    /// Where its voxels lie.
    pub place: Place,
    /// Decoding it takes longer than reading it: its voxels are worth keeping.
    pub compressed: bool,
    /// Which of the patient's frames of reference it lies in, counted as they come; `None` where it does not say.
    pub frame: Option<u32>,
}

impl SeriesRecord {
    /// What a worker is told of it where all of it is granted; `files` are positions in the list of descriptors.
    #[must_use]
    pub fn subject(&self, files: Vec<u32>) -> SubjectSeries {
        let Self { info, attributes, format, part, place, frame, .. } = self.clone();
        SubjectSeries { info, attributes, format, part, place, frame, files, decoded: None }
    }
}

/// Where a volume lies in the patient's coordinates (PS3.3 section C.7.6.2.1.1): left, posterior, superior, in mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Centre of the first voxel of the first slice.
    pub origin_mm: [f64; 3],
    /// Unit vectors of growing column, row and slice.
    pub directions: [[f64; 3]; 3],
    /// The gantry was tilted, and the slices are moved onto a straight grid.
    pub tilted: bool,
}

/// What the files of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeriesFormat {
    /// DICOM Part 10.
    Dicom,
    /// One NIfTI-1 image with its sidecar.
    Nifti,
}

/// What a worker is told of the one patient it maps; the files come as descriptors.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Subject {
    /// Granted cells of the clinical table.
    pub columns: BTreeMap<String, Value>,
    /// Granted series.
    pub series: Vec<SubjectSeries>,
    /// Segments of granted labels.
    pub masks: Vec<SubjectMask>,
}

/// One series of a [`Subject`].
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectSeries {
    /// What a guest sees of it, as the scan found it.
    pub info: SeriesInfo,
    /// Granted attributes.
    pub attributes: BTreeMap<String, Value>,
    /// Where its voxels lie, as the scan found it.
    pub place: Place,
    /// Which of the patient's frames of reference it lies in.
    pub frame: Option<u32>,
    /// What its files are.
    pub format: SeriesFormat,
    /// Positions in the list of descriptors, in slice order; none where pixels are not granted.
    pub files: Vec<u32>,
    /// Which of the volumes in these files it is.
    pub part: u32,
    /// Its voxels, where the node's cache has them.
    pub decoded: Option<Decoded>,
}

// Ids and a patient's values stay out of logs: Debug shows shapes only.
impl fmt::Debug for PatientRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatientRecord").field("series", &self.series.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SeriesRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesRecord").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("series", &self.series.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SubjectSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectSeries").field("files", &self.files.len()).finish_non_exhaustive()
    }
}
