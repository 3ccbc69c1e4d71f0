//! Which elements of a file are asked for.

use crate::{
    Reason, ScanRules, calibration,
    dataset::Dataset,
    element::text,
    facts, format,
    mask::{STOP, TAGS},
    walk::Wanted,
};
use dicom_core::{
    Tag,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use std::{cell::Cell, collections::BTreeMap};
use trocar_terms::{AttributeRule, Modality, PrivateGroups, Value};

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

    pub(super) fn new(
        modalities: &'a [Modality],
        attributes: Vec<(Tag, &'a AttributeRule)>,
        whole: bool,
    ) -> Self {
        let always = [&ALWAYS[..], &facts::WANTED, &format::TAGS, &calibration::TAGS];
        let own = attributes.iter().map(|(tag, _)| *tag);
        let mut tags: Vec<Tag> = always.into_iter().flatten().copied().chain(own).collect();
        tags.sort_unstable();
        tags.dedup();
        Self { modalities, attributes, tags, whole }
    }

    /// Whether a rule keeps this element as an attribute.
    pub(super) fn keeps(&self, tag: Tag) -> bool {
        self.attributes.iter().any(|(own, _)| *own == tag)
    }

    pub(crate) fn attributes(&self, data: Dataset<'_>) -> BTreeMap<String, Value> {
        let value =
            |tag, rule: &AttributeRule| data.text(tag).map_or(Value::Missing, |text| rule.admit(&text));
        self.attributes.iter().map(|(tag, rule)| (rule.keyword.clone(), value(*tag, rule))).collect()
    }
}

/// What is asked of one file.
pub(super) struct Wants<'a> {
    asked: &'a Asked<'a>,
    /// Place of the next tag that may come: they are asked about in order.
    next: Cell<usize>,
    /// What the file turned out to be once its modality was read; `None` for an image.
    pub(super) mask: Cell<Option<Mask>>,
}

/// A segmentation, which is taken whatever modalities the policy grants: it lies on a series of one of them or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
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
    pub(super) const fn new(asked: &'a Asked<'a>) -> Self {
        Self { asked, next: Cell::new(0), mask: Cell::new(None) }
    }

    fn is_asked(&self, tag: Tag) -> bool {
        let from = self.next.get();
        let before = self.asked.tags.iter().skip(from).take_while(|asked| **asked < tag).count();
        self.next.set(from.saturating_add(before));
        self.asked.tags.get(self.next.get()) == Some(&tag)
    }
}

impl Wanted for Wants<'_> {
    fn wants(&self, tag: Tag) -> bool {
        let asked = self.is_asked(tag);
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
