//! Faults that archives have, planted in the first series of a patient.

use crate::{
    dicom::DataSet,
    image::Image,
    patient::{Patient, Stream, uid},
    series::uid_text,
};
use rand_chacha::ChaCha8Rng;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The slice in the middle is not there.
    MissingSlice,
    /// The slice in the middle comes twice, as two SOP instances.
    DuplicateSlice,
    /// The file of the slice in the middle is there twice.
    CopiedFile,
    /// Slices are shifted in their plane, as behind a tilted gantry.
    GantryTilt,
    /// The second half of the slices lies 1.3 times as far apart.
    MixedSpacing,
    /// A sagittal localizer is in the series.
    Localizer,
    /// The series was acquired twice.
    TwoAcquisitions,
    /// The file of the slice in the middle is cut.
    Truncated,
    /// Burned In Annotation is YES.
    BurnedIn,
    /// Patient Identity Removed is NO.
    NotDeidentified,
    /// Patient ID is empty.
    NoPatientId,
    /// The slice in the middle has half of its pixels.
    ShortPixels,
    /// An empty file lies among the others.
    EmptyFile,
    /// A text file lies among the others.
    TextFile,
    /// The slice in the middle nests sequences 40 deep.
    DeepSequence,
}

/// Files that are planted, by name.
pub(crate) type Named = (String, Vec<u8>);

/// What was planted: a file's name, and what is expected to become of it.
pub(crate) type Outcomes = Vec<(String, &'static str)>;

impl Fault {
    /// Every fault.
    pub const ALL: &'static [Self] = &[
        Self::MissingSlice,
        Self::DuplicateSlice,
        Self::CopiedFile,
        Self::GantryTilt,
        Self::MixedSpacing,
        Self::Localizer,
        Self::TwoAcquisitions,
        Self::Truncated,
        Self::BurnedIn,
        Self::NotDeidentified,
        Self::NoPatientId,
        Self::ShortPixels,
        Self::EmptyFile,
        Self::TextFile,
        Self::DeepSequence,
    ];

    /// Its name in `faults.csv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingSlice => "missing-slice",
            Self::DuplicateSlice => "duplicate-slice",
            Self::CopiedFile => "copied-file",
            Self::GantryTilt => "gantry-tilt",
            Self::MixedSpacing => "mixed-spacing",
            Self::Localizer => "localizer",
            Self::TwoAcquisitions => "two-acquisitions",
            Self::Truncated => "truncated",
            Self::BurnedIn => "burned-in",
            Self::NotDeidentified => "not-deidentified",
            Self::NoPatientId => "no-patient-id",
            Self::ShortPixels => "short-pixels",
            Self::EmptyFile => "empty-file",
            Self::TextFile => "text-file",
            Self::DeepSequence => "deep-sequence",
        }
    }

    /// What becomes of the file that is wrong, or of every file of the series where none is by itself: a word of the
    /// node's quarantine, or `used` where the node copes with it.
    #[must_use]
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::MissingSlice => GAP,
            Self::DuplicateSlice => "duplicate",
            Self::CopiedFile => "copy",
            // Two volumes, and a volume that is straightened.
            Self::TwoAcquisitions | Self::GantryTilt => "used",
            Self::MixedSpacing => "spacing",
            Self::Localizer => "localizer",
            Self::Truncated | Self::ShortPixels => "truncated",
            Self::BurnedIn => "burned-in",
            Self::NotDeidentified => "not-deidentified",
            Self::NoPatientId => "no-patient-id",
            Self::EmptyFile | Self::TextFile => "not-dicom",
            Self::DeepSequence => "too-deep",
        }
    }

    /// What becomes of the other files of the series; none where they are taken.
    const fn of_others(self) -> Option<&'static str> {
        match self {
            Self::Localizer | Self::CopiedFile | Self::EmptyFile | Self::TextFile => None,
            Self::Truncated | Self::ShortPixels | Self::DeepSequence => Some(GAP),
            _ => Some(self.outcome()),
        }
    }

    /// A compressed frame has no length that could be wrong.
    pub(crate) fn needs_native(self) -> bool {
        self == Self::ShortPixels
    }

    /// Plants the fault among the images of a series.
    pub(crate) fn plant(self, patient: &Patient, seed: u64, images: Vec<Image>) -> (Vec<Named>, Outcomes) {
        let middle = images.len() / 2;
        let mut rng = Stream::Fault.of(seed, patient.index);
        let images = self.change(patient, &mut rng, images);
        let mut files: Vec<Named> = (1..).zip(&images).map(|(number, i)| (name(number), i.file())).collect();
        let mut wrong = files.get(middle).map(|(name, _)| name.clone());
        match self {
            Self::Truncated => files.iter_mut().skip(middle).take(1).for_each(|(_, bytes)| cut(bytes)),
            Self::EmptyFile => wrong = Some(add(&mut files, "empty", Vec::new())),
            Self::TextFile => wrong = Some(add(&mut files, "notes.txt", NOTES.to_vec())),
            Self::CopiedFile => {
                let again = files.get(middle).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
                wrong = Some(add(&mut files, "copy.dcm", again));
            }
            Self::Localizer => wrong = files.last().map(|(name, _)| name.clone()),
            _ => {}
        }
        let fate = |name: &String| {
            let by_itself = wrong.as_ref() == Some(name);
            if by_itself { Some(self.outcome()) } else { self.of_others() }
        };
        let outcomes = files.iter().filter_map(|(name, _)| Some((name.clone(), fate(name)?))).collect();
        (files, outcomes)
    }

    fn change(self, patient: &Patient, rng: &mut ChaCha8Rng, mut images: Vec<Image>) -> Vec<Image> {
        let middle = images.len() / 2;
        match self {
            Self::MissingSlice => drop(images.remove(middle)),
            Self::DuplicateSlice => {
                let again = images.get(middle).map(|image| renamed(image, rng));
                images.extend(again);
            }
            Self::TwoAcquisitions => {
                let again: Vec<Image> = images.iter().map(|image| renamed(image, rng)).collect();
                set(&mut images, (0x0020, 0x0012), *b"IS", "1");
                let from = images.len();
                images.extend(again);
                images.iter_mut().skip(from).for_each(|image| acquired_again(&mut image.data));
            }
            Self::GantryTilt => moved(patient, &mut images, |[x, y, z], _| [x, y + 0.25 * z, z]),
            Self::MixedSpacing => moved(patient, &mut images, stretched),
            Self::Localizer => images.extend(images.first().map(|image| localizer(image, rng))),
            Self::BurnedIn => set(&mut images, (0x0028, 0x0301), *b"CS", "YES"),
            Self::NotDeidentified => set(&mut images, (0x0012, 0x0062), *b"CS", "NO"),
            Self::NoPatientId => set(&mut images, (0x0010, 0x0020), *b"LO", ""),
            Self::ShortPixels => shorten(patient, &mut images),
            Self::DeepSequence => images.iter_mut().skip(middle).take(1).for_each(|i| nest(&mut i.data)),
            Self::CopiedFile | Self::Truncated | Self::EmptyFile | Self::TextFile => {}
        }
        images
    }
}

const GAP: &str = "gap";
const NOTES: &[u8] = b"Slices were sent again on Tuesday.\n";

pub(crate) fn name(number: usize) -> String {
    format!("{number:04}.dcm")
}

fn add(files: &mut Vec<Named>, name: &str, bytes: Vec<u8>) -> String {
    files.push((name.to_owned(), bytes));
    name.to_owned()
}

/// Inside the pixel data, or the stream that deflates it.
fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() - bytes.len() / 20 - 8);
}

fn set(images: &mut [Image], tag: (u16, u16), vr: [u8; 2], value: &str) {
    for image in images {
        image.data.text(tag, vr, value);
    }
}

/// The same image as another SOP instance.
fn renamed(image: &Image, rng: &mut ChaCha8Rng) -> Image {
    let mut again = image.clone();
    again.sop_instance = uid_text(uid(rng));
    again.data.text((0x0008, 0x0018), *b"UI", &again.sop_instance);
    again
}

fn acquired_again(data: &mut DataSet) {
    data.text((0x0020, 0x0012), *b"IS", "2");
}

/// Moves each image: a function of its position and of its number.
fn moved(patient: &Patient, images: &mut [Image], to: impl Fn([f64; 3], usize) -> [f64; 3]) {
    let Some(series) = patient.series.first() else { return };
    for (z, image) in images.iter_mut().enumerate() {
        image.data.decimals((0x0020, 0x0032), &to(series.grid.position_mm(z), z));
    }
}

/// Volumes are centred, so the second half begins above zero.
fn stretched([x, y, z]: [f64; 3], _number: usize) -> [f64; 3] {
    [x, y, if z > 0.0 { 1.3 * z } else { z }]
}

fn localizer(image: &Image, rng: &mut ChaCha8Rng) -> Image {
    let mut scout = renamed(image, rng);
    scout.data.text((0x0008, 0x0008), *b"CS", "ORIGINAL\\PRIMARY\\LOCALIZER");
    scout.data.decimals((0x0020, 0x0037), &[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]);
    scout
}

fn shorten(patient: &Patient, images: &mut [Image]) {
    let middle = images.len() / 2;
    let slice = patient.series.first().and_then(|series| series.slices.get(middle));
    let half = slice.and_then(|slice| slice.samples.get(..slice.samples.len() / 2));
    if let Some((image, samples)) = images.get_mut(middle).zip(half) {
        image.data.pixels(samples);
    }
}

fn nest(data: &mut DataSet) {
    let mut inner = DataSet::new();
    inner.text((0x0008, 0x0104), *b"LO", "the bottom");
    for _ in 0..39 {
        let mut outer = DataSet::new();
        outer.sequence((0x0040, 0xA730), &[inner]);
        inner = outer;
    }
    data.sequence((0x0040, 0xA730), &[inner]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
