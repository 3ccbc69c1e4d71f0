use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $text:literal;)+) => {
        /// Why a file is quarantined: a closed list of constant sentences, which never quote the file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason { $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+ }

        impl Reason {
            /// Every reason, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// One fixed sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }

        impl std::fmt::Display for Reason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text())
            }
        }

        impl std::error::Error for Reason {}
    };
}

reasons! {
    /// Not readable at all.
    Unreadable = "unreadable", "The file cannot be read.";
    /// Neither a preamble with DICM nor a file meta group.
    NotDicom = "not-dicom", "The file is not a DICOM Part 10 file.";
    /// The file ends inside an element or its pixel data.
    Truncated = "truncated", "The file ends before its declared contents do.";
    /// Lengths or tags contradict each other.
    Malformed = "malformed", "The file breaks the rules of DICOM encoding.";
    /// Sequences nest deeper than a real file does.
    TooDeep = "too-deep", "The file nests sequences too deeply.";
    /// Something in it is over a stated bound.
    TooLarge = "too-large", "The file declares more than this version takes.";
    /// The process that read it died.
    Died = "died", "The process that read the file died.";
    /// Compressed in a way that is not read.
    TransferSyntax = "transfer-syntax", "The transfer syntax is not supported.";
    /// Not a modality that the policy grants.
    Modality = "modality", "The modality is not one that the policy grants.";
    /// No Patient ID.
    NoPatientId = "no-patient-id", "The file has no Patient ID.";
    /// No study or series.
    NoUid = "no-uid", "The file lacks the UID of its study or series.";
    /// Patient Identity Removed is not YES.
    NotDeidentified = "not-deidentified", "The file does not say that the patient's identity was removed.";
    /// Burned In Annotation is YES.
    BurnedIn = "burned-in", "The image has text burned into its pixels.";
    /// The policy refuses private groups.
    PrivateGroups = "private-groups", "The file has private groups, which the policy refuses.";
    /// No image in it.
    NoPixels = "no-pixels", "The file has no pixel data.";
    /// Colour or palette.
    Colour = "colour", "The image is not MONOCHROME1 or MONOCHROME2.";
    /// Bits that are not read.
    PixelFormat = "pixel-format", "The pixel format is not one that this version reads.";
    /// A compressed frame's own header says another size or precision.
    Codestream = "codestream", "The compressed image contradicts the file's header.";
    /// Scout or topogram.
    Localizer = "localizer", "The image is a localizer, not a slice of a volume.";
    /// No rescale slope and intercept where the unit needs them.
    NoRescale = "no-rescale", "The image has no usable rescale slope and intercept.";
    /// A unit that is not handed on.
    Unit = "unit", "The unit of the values is not one that this version takes.";
    /// No position, orientation or pixel spacing.
    NoGeometry = "no-geometry", "The image has no usable position, orientation or pixel spacing.";
    /// One slice, and no thickness.
    NoThickness = "no-thickness", "The series is a single slice without a thickness.";
    /// Rows, columns or pixel spacing differ in the series.
    MixedSize = "mixed-size", "The images of the series differ in size or pixel spacing.";
    /// Orientation differs in the series.
    Orientation = "orientation", "The images of the series differ in orientation.";
    /// Modality, unit or pixel format differ in the series.
    MixedKind = "mixed-kind", "The images of the series differ in modality, unit or study.";
    /// The same SOP instance as another file.
    Copy = "copy", "The file holds a SOP instance that another file holds already.";
    /// Two slices at one place.
    Duplicate = "duplicate", "Two images of the series lie at the same position.";
    /// A slice is missing.
    Gap = "gap", "A slice of the series is missing.";
    /// Uneven distances.
    Spacing = "spacing", "The distance between the slices is not uniform.";
    /// A segmentation of a kind that is not read.
    SegmentType = "segment-type", "The segmentation is of a type that this version does not take.";
    /// Nothing in a segmentation can be asked for.
    NoSegments = "no-segments", "The segmentation has no segment with a number and a label of its own.";
    /// A segmentation of nothing that is here.
    NoReference = "no-reference", "The segmentation lies on no usable series of its patient.";
    /// Not a NIfTI-1 image that is read.
    Nifti = "nifti", "The file is not a NIfTI-1 image with one value a voxel.";
    /// A NIfTI image without its metadata.
    NoSidecar = "no-sidecar", "The NIfTI image has no file of DICOM JSON metadata beside it.";
    /// Metadata that are not in the DICOM JSON model.
    Sidecar = "sidecar", "The metadata beside the NIfTI image are not one object in the DICOM JSON model.";
    /// Slices are moved within their plane, and not evenly or too far.
    Sheared = "sheared", "The slices are shifted against each other in a way that no tilted gantry does.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Reason::ALL.iter().map(|r| r.word()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{}\"", reason.word()));
        }
    }
}
