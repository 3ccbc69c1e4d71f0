use super::MaskKind;
use crate::{
    Reason,
    dataset::Dataset,
    syntax::Coding,
    walk::{Pixels, Walked},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use serde::{Deserialize, Serialize};

/// Segments or regions of one object. Atlases of the brain have some hundreds.
const MAX_SEGMENTS: usize = 4096;
/// Series that one object names.
const MAX_SERIES: usize = 4096;
/// Bytes of a label, of which DICOM allows 64 characters, or of a code.
const MAX_LABEL: usize = 256;
/// Bytes of a UID.
const MAX_UID: usize = 1 << 10;
/// Voxels of one frame, as for images.
const MAX_FRAME: u64 = 1 << 24;
/// Frames of one object, as for images.
const MAX_FRAMES: u32 = 20_000;

/// Where an RTSTRUCT's contours begin: a header stops before them.
pub(crate) const STOP: Tag = tags::ROI_CONTOUR_SEQUENCE;

/// What a segmentation is asked for beyond what every file is.
pub(crate) const TAGS: [Tag; 6] = [
    tags::REFERENCED_SERIES_SEQUENCE,
    tags::SEGMENTATION_TYPE,
    tags::SEGMENT_SEQUENCE,
    tags::MAXIMUM_FRACTIONAL_VALUE,
    tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
    tags::STRUCTURE_SET_ROI_SEQUENCE,
];

/// A segmentation as its header states it: no contour, no frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MaskHeader {
    pub(crate) kind: MaskKind,
    /// Series that it names as what it was drawn on.
    pub(crate) series: Vec<String>,
    pub(crate) segments: Vec<Segment>,
}

/// One segment or region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) label: String,
    pub(crate) category: Option<NamedCode>,
    pub(crate) property: Option<NamedCode>,
    /// Empty where the object does not say.
    pub(crate) frame_of_reference: String,
}

/// A coded concept (PS3.3 section 8.8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedCode {
    /// Coding Scheme Designator.
    pub scheme: String,
    /// Code Value.
    pub value: String,
    /// Code Meaning.
    pub meaning: String,
}

impl NamedCode {
    fn read(data: Dataset<'_>) -> Option<Self> {
        Some(Self {
            scheme: data.own(tags::CODING_SCHEME_DESIGNATOR)?,
            value: data.own(tags::CODE_VALUE)?,
            meaning: data.own(tags::CODE_MEANING).unwrap_or_default(),
        })
    }

    fn is_short(&self) -> bool {
        [&self.scheme, &self.value, &self.meaning].into_iter().all(|text| text.len() <= MAX_LABEL)
    }
}

impl MaskHeader {
    /// Bounds that hold for every segmentation, whoever says what is in it.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        let codes = |s: &Segment| s.category.iter().chain(&s.property).all(NamedCode::is_short);
        let short = |s: &Segment| s.label.len() <= MAX_LABEL && s.frame_of_reference.len() <= MAX_UID;
        let many = self.segments.len() > MAX_SEGMENTS || self.series.len() > MAX_SERIES;
        if many || self.series.iter().any(|uid| uid.len() > MAX_UID) {
            return Err(Reason::TooLarge);
        }
        if !self.segments.iter().all(|s| short(s) && codes(s)) {
            return Err(Reason::TooLarge);
        }
        let mut numbers: Vec<u32> = self.segments.iter().map(|s| s.number).collect();
        numbers.sort_unstable();
        let twice = numbers.iter().zip(numbers.iter().skip(1)).any(|(a, b)| a == b);
        let unnamed = self.segments.iter().any(|s| s.label.is_empty());
        if numbers.is_empty() || twice || unnamed { Err(Reason::NoSegments) } else { Ok(()) }
    }
}

/// Reads a DICOM Segmentation's header (PS3.3 section C.8.20).
pub(crate) fn read_segmentation(data: Dataset<'_>, walked: &Walked) -> Result<MaskHeader, Reason> {
    let kind = data.text(tags::SEGMENTATION_TYPE).ok_or(Reason::SegmentType)?;
    if !matches!(kind.as_ref(), "BINARY" | "FRACTIONAL" | "LABELMAP") {
        return Err(Reason::SegmentType);
    }
    whole(data, walked)?;
    let header = segments(data, MaskKind::Segmentation)?;
    header.check()?;
    Ok(header)
}

/// Segments of a SEG, or of the sidecar of a labelled image, which says it in the same words.
pub(crate) fn segments(data: Dataset<'_>, kind: MaskKind) -> Result<MaskHeader, Reason> {
    let frame_of_reference = data.own(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default();
    let segment = |item: &InMemDicomObject| {
        let item = Dataset::Object(item);
        let code = |tag| item.item(tag).and_then(NamedCode::read);
        Some(Segment {
            number: item.whole(tags::SEGMENT_NUMBER)?,
            label: item.own(tags::SEGMENT_LABEL)?,
            category: code(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE),
            property: code(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE),
            frame_of_reference: frame_of_reference.clone(),
        })
    };
    let items = bounded(data.items(tags::SEGMENT_SEQUENCE), MAX_SEGMENTS)?;
    let segments: Option<Vec<_>> = items.iter().map(segment).collect();
    let mut series = Vec::new();
    push_series(&mut series, data.items(tags::REFERENCED_SERIES_SEQUENCE))?;
    Ok(MaskHeader { kind, series, segments: segments.ok_or(Reason::NoSegments)? })
}

/// Holds the pixel data's length against what the header declares.
fn whole(data: Dataset<'_>, walked: &Walked) -> Result<(), Reason> {
    let short = |tag| data.short(tag).map(u64::from).ok_or(Reason::NoPixels);
    let frames = data.whole(tags::NUMBER_OF_FRAMES).unwrap_or(1);
    let pixels = short(tags::ROWS)?.saturating_mul(short(tags::COLUMNS)?);
    if pixels > MAX_FRAME || frames > MAX_FRAMES {
        return Err(Reason::TooLarge);
    }
    if pixels == 0 || frames == 0 {
        return Err(Reason::NoPixels);
    }
    let bits = pixels.saturating_mul(u64::from(frames)).saturating_mul(short(tags::BITS_ALLOCATED)?);
    match walked.pixels.as_ref().ok_or(Reason::NoPixels)? {
        Pixels::Native { length, .. } if bits.div_ceil(8) > *length => Err(Reason::Truncated),
        Pixels::Fragments { items, .. } if items.len() < frames as usize => Err(Reason::Truncated),
        Pixels::Fragments { .. } if walked.syntax.coding == Coding::Native => Err(Reason::Malformed),
        Pixels::Native { .. } | Pixels::Fragments { .. } => Ok(()),
    }
}

/// Reads an RT Structure Set's header (PS3.3 section C.8.8.5): what stands before its contours.
pub(crate) fn read_structures(data: Dataset<'_>) -> Result<MaskHeader, Reason> {
    let frames = data.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE);
    let only = match frames {
        [one] => Dataset::Object(one).own(tags::FRAME_OF_REFERENCE_UID),
        _ => None,
    };
    let region = |item: &InMemDicomObject| {
        let item = Dataset::Object(item);
        let own = item.own(tags::REFERENCED_FRAME_OF_REFERENCE_UID);
        Some(Segment {
            number: item.whole(tags::ROI_NUMBER)?,
            label: item.own(tags::ROI_NAME)?,
            category: None,
            property: None,
            frame_of_reference: own.or_else(|| only.clone()).unwrap_or_default(),
        })
    };
    // A region without a name cannot be asked for: it is as if it were not there.
    let items = bounded(data.items(tags::STRUCTURE_SET_ROI_SEQUENCE), MAX_SEGMENTS)?;
    let segments = items.iter().filter_map(region).collect();
    let mut series = Vec::new();
    for study in frames.iter().flat_map(|f| Dataset::Object(f).items(tags::RT_REFERENCED_STUDY_SEQUENCE)) {
        push_series(&mut series, Dataset::Object(study).items(tags::RT_REFERENCED_SERIES_SEQUENCE))?;
    }
    let header = MaskHeader { kind: MaskKind::Structures, series, segments };
    header.check()?;
    Ok(header)
}

fn bounded(items: &[InMemDicomObject], most: usize) -> Result<&[InMemDicomObject], Reason> {
    if items.len() > most { Err(Reason::TooLarge) } else { Ok(items) }
}

fn push_series(series: &mut Vec<String>, items: &[InMemDicomObject]) -> Result<(), Reason> {
    let room = MAX_SERIES.saturating_sub(series.len());
    let uids = bounded(items, room)?.iter().filter_map(|i| Dataset::Object(i).own(tags::SERIES_INSTANCE_UID));
    series.extend(uids);
    Ok(())
}
