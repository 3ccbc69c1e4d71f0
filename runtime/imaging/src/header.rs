//! What is read of one file without touching its pixels.

use crate::{
    Facts, Reason, ScanRules, calibration, codestream,
    dataset::{Dataset, parse},
    element::text,
    facts,
    format::{self, Format},
    image::Image,
    layout::Layout,
    mask::{MaskHeader, MaskKind, STOP, TAGS, read_segmentation, read_structures},
    nifti::NiftiHeader,
    syntax::Coding,
    volume::At,
    walk::{Walked, Wanted, walk},
};
use dicom_core::{
    Tag,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use serde::{Deserialize, Serialize};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};
use trocar_terms::{AttributeRule, Modality, PrivateGroups, Value};

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
    Nifti(NiftiHeader),
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

/// Reads one file up to its pixel data, and checks that the pixel data is wholly there.
///
/// # Errors
/// Why the file is quarantined.
pub fn read_header(file: &mut (impl Read + Seek), rules: &ScanRules) -> Result<FileHeader, Reason> {
    HeaderReader::new(rules).read(file)
}

/// Reads files under the same rules, one after the other.
#[derive(Debug)]
pub struct HeaderReader<'a> {
    rules: &'a ScanRules,
    asked: Asked<'a>,
}

impl<'a> HeaderReader<'a> {
    /// Under these rules.
    #[must_use]
    pub fn new(rules: &'a ScanRules) -> Self {
        Self { rules, asked: Asked::by(rules) }
    }

    /// As [`read_header`].
    ///
    /// # Errors
    /// Why the file is quarantined.
    pub fn read(&self, file: &mut (impl Read + Seek)) -> Result<FileHeader, Reason> {
        let wants = Wants::new(&self.asked);
        let walked = walk(&mut *file, &wants)?;
        let elements = parse(&walked.elements, walked.syntax)?;
        let data = elements.data();
        check_deidentified(data, walked.private, self.rules)?;
        let (content, compressed) = match wants.mask.get() {
            Some(Mask::Segmentation) => (Content::Mask(read_segmentation(data, &walked)?), false),
            Some(Mask::Structures) => (Content::Mask(read_structures(data)?), false),
            None => {
                image(file, data, &walked).map(|(image, compressed)| (Content::Image(image), compressed))?
            }
        };
        FileHeader::new(data, self.asked.attributes(data), content, compressed)?.checked(self.rules)
    }

    /// As [`read_header`], of an open file, wherever it stands.
    ///
    /// # Errors
    /// Why the file is quarantined.
    pub fn read_file(&self, file: &File) -> Result<FileHeader, Reason> {
        self.read(&mut At::new(file))
    }
}

/// An image, and whether decoding it takes longer than reading it.
fn image(file: &mut (impl Read + Seek), data: Dataset<'_>, walked: &Walked) -> Result<(Image, bool), Reason> {
    let image = Image::read(data, modality(data)?, walked)?;
    let layout = Layout::new(walked, &image.format)?;
    check_first_frame(file, &layout, &image.format)?;
    let compressed = !layout.syntax.deflated && layout.syntax.coding != Coding::Native;
    Ok((image, compressed))
}

/// Reads image and layout again, of a file that a scan has already let through.
pub(crate) fn read_image(file: impl Read + Seek) -> Result<(Image, Layout, Walked), Reason> {
    let asked = Asked::new(&[Modality::CT, Modality::MR, Modality::PT], Vec::new(), true);
    let walked = walk(file, &Wants::new(&asked))?;
    let elements = parse(&walked.elements, walked.syntax)?;
    let data = elements.data();
    let image = Image::read(data, modality(data)?, &walked)?;
    drop(elements);
    let layout = Layout::new(&walked, &image.format)?;
    Ok((image, layout, walked))
}

/// Holds the first compressed frame's own header against the file's, as decoding will for each.
fn check_first_frame(file: &mut (impl Read + Seek), layout: &Layout, format: &Format) -> Result<(), Reason> {
    let Some((offset, length)) = layout.frames.first().and_then(|runs| runs.first()) else { return Ok(()) };
    if layout.syntax.coding == Coding::Native {
        return Ok(());
    }
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(*offset)).map_err(|_| Reason::Unreadable)?;
    let length = u64::from(*length).min(CODESTREAM_HEADER);
    file.take(length).read_to_end(&mut start).map_err(|_| Reason::Unreadable)?;
    if codestream::fits(layout.syntax.coding, format, &start) { Ok(()) } else { Err(Reason::Codestream) }
}

/// Frame headers stand in the first few hundred bytes; comments may come before them.
const CODESTREAM_HEADER: u64 = 64 << 10;

pub(crate) fn modality(data: Dataset<'_>) -> Result<Modality, Reason> {
    let code = data.text(tags::MODALITY).ok_or(Reason::Modality)?;
    Modality::from_code(&code).ok_or(Reason::Modality)
}

pub(crate) fn check_deidentified(data: Dataset<'_>, private: bool, rules: &ScanRules) -> Result<(), Reason> {
    if rules.deidentification.require && !data.is(tags::PATIENT_IDENTITY_REMOVED, "YES") {
        return Err(Reason::NotDeidentified);
    }
    if data.says(tags::BURNED_IN_ANNOTATION, "YES") {
        return Err(Reason::BurnedIn);
    }
    match rules.deidentification.private_groups {
        PrivateGroups::Refuse if private => Err(Reason::PrivateGroups),
        PrivateGroups::Refuse | PrivateGroups::Ignore => Ok(()),
    }
}

/// The elements that every file is asked for.
const ALWAYS: [Tag; 23] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_INSTANCE_UID,
    tags::IMAGE_TYPE,
    tags::MODALITY,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::SLICE_THICKNESS,
    tags::ECHO_NUMBERS,
    tags::SPACING_BETWEEN_SLICES,
    tags::TRIGGER_TIME,
    tags::DIFFUSION_B_VALUE,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::ACQUISITION_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::PIXEL_SPACING,
    tags::BURNED_IN_ANNOTATION,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// What a segmentation's frames cost is not for its header.
const FRAMES: [Tag; 2] =
    [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];

/// What the rules ask of every file.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    modalities: &'a [Modality],
    attributes: Vec<(Tag, &'a AttributeRule)>,
    /// All tags, in order.
    tags: Vec<Tag>,
    /// Whether private elements are looked for in contours too.
    whole: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn by(rules: &'a ScanRules) -> Self {
        let tag = |keyword: &str| StandardDataDictionary.by_name(keyword).map(DataDictionaryEntry::tag);
        let attributes = rules.attributes.iter().filter_map(|rule| Some((tag(&rule.keyword)?, rule)));
        let whole = rules.deidentification.private_groups == PrivateGroups::Refuse;
        Self::new(&rules.modalities, attributes.collect(), whole)
    }

    fn new(modalities: &'a [Modality], attributes: Vec<(Tag, &'a AttributeRule)>, whole: bool) -> Self {
        let always = [&ALWAYS[..], &facts::WANTED, &format::TAGS, &calibration::TAGS];
        let own = attributes.iter().map(|(tag, _)| *tag);
        let mut tags: Vec<Tag> = always.into_iter().flatten().copied().chain(own).collect();
        tags.sort_unstable();
        tags.dedup();
        Self { modalities, attributes, tags, whole }
    }

    pub(crate) fn attributes(&self, data: Dataset<'_>) -> BTreeMap<String, Value> {
        let value =
            |tag, rule: &AttributeRule| data.text(tag).map_or(Value::Missing, |text| rule.admit(&text));
        self.attributes.iter().map(|(tag, rule)| (rule.keyword.clone(), value(*tag, rule))).collect()
    }
}

/// What is asked of one file.
struct Wants<'a> {
    asked: &'a Asked<'a>,
    /// What the file turned out to be once its modality was read; `None` for an image.
    mask: Cell<Option<Mask>>,
}

/// A segmentation, which is taken whatever modalities the policy grants: it lies on a series of one of them or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mask {
    Segmentation,
    Structures,
}

impl Mask {
    fn find(code: &str) -> Option<Self> {
        match code {
            "SEG" => Some(Self::Segmentation),
            "RTSTRUCT" => Some(Self::Structures),
            _ => None,
        }
    }
}

impl<'a> Wants<'a> {
    const fn new(asked: &'a Asked<'a>) -> Self {
        Self { asked, mask: Cell::new(None) }
    }
}

impl Wanted for Wants<'_> {
    fn wants(&self, tag: Tag) -> bool {
        let asked = self.asked.tags.binary_search(&tag).is_ok();
        match self.mask.get() {
            Some(_) => TAGS.contains(&tag) || (asked && !FRAMES.contains(&tag)),
            None => asked,
        }
    }

    fn stops_before(&self, tag: Tag) -> bool {
        self.mask.get() == Some(Mask::Structures) && tag >= STOP && !self.asked.whole
    }

    /// A report is left before its long sequences are read.
    fn check(&self, tag: Tag, value: &[u8]) -> Result<(), Reason> {
        if tag != tags::MODALITY {
            return Ok(());
        }
        let code = text(value);
        self.mask.set(Mask::find(&code));
        let granted = Modality::from_code(&code).is_some_and(|m| self.asked.modalities.contains(&m));
        if granted || self.mask.get().is_some() { Ok(()) } else { Err(Reason::Modality) }
    }
}
