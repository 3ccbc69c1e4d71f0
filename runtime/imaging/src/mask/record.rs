use super::{MaskHeader, NamedCode};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a segmentation's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaskKind {
    /// DICOM Segmentation (PS3.3 section A.51).
    Segmentation,
    /// RT Structure Set (PS3.3 section A.19).
    Structures,
    /// A NIfTI image of labels with its sidecar.
    Labels,
}

/// One segmentation object of a patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MaskRecord {
    /// What it is.
    pub kind: MaskKind,
    /// Index of its file; a NIfTI image's sidecar follows.
    pub files: Vec<u32>,
    /// Its segments that lie on a usable series.
    pub segments: Vec<SegmentRecord>,
}

/// One segment or region.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Segment Number, ROI Number or voxel value.
    pub number: u32,
    /// Segment Label or ROI Name.
    pub label: String,
    /// Segmented Property Category, where it has one.
    pub category: Option<NamedCode>,
    /// Segmented Property Type, where it has one.
    pub property: Option<NamedCode>,
    /// The patient's series in its frame of reference.
    pub series: Vec<u32>,
    /// Those of them that it names as what it was drawn on.
    pub drawn_on: Vec<u32>,
}

/// One segment of a granted label, as a worker is told of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectMask {
    /// What its file is.
    pub kind: MaskKind,
    /// Segment Number, ROI Number or voxel value.
    pub number: u32,
    /// Segment Label or ROI Name.
    pub label: String,
    /// Positions in the list of descriptors.
    pub files: Vec<u32>,
    /// Granted series in its frame of reference.
    pub series: Vec<u32>,
    /// Granted series that it was drawn on.
    pub drawn_on: Vec<u32>,
}

impl fmt::Debug for MaskRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskRecord").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SegmentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentRecord").field("series", &self.series.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for SubjectMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectMask").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Frame of reference and Series Instance UID of a usable series.
pub(crate) struct Anchor<'a> {
    pub(crate) frame: &'a str,
    pub(crate) uid: &'a str,
}

/// A segmentation with the series that it lies on; `None` where it lies on none.
pub(crate) fn linked(header: &MaskHeader, files: Vec<u32>, series: &[(&str, &str)]) -> Option<MaskRecord> {
    let anchors: Vec<_> = series.iter().map(|(frame, uid)| Anchor { frame, uid }).collect();
    let segments = header.segments.iter().filter_map(|segment| {
        let of = |test: &dyn Fn(&Anchor<'_>) -> bool| -> Vec<u32> {
            (0..).zip(&anchors).filter(|(_, a)| test(a)).map(|(i, _)| i).collect()
        };
        let named = |a: &Anchor<'_>| header.series.iter().any(|uid| uid == a.uid);
        let on = |a: &Anchor<'_>| lies_on(header.kind, (&segment.frame_of_reference, a.frame), named(a));
        let series = of(&on);
        (!series.is_empty()).then(|| SegmentRecord {
            number: segment.number,
            label: segment.label.clone(),
            category: segment.category.clone(),
            property: segment.property.clone(),
            drawn_on: of(&|a| on(a) && named(a)),
            series,
        })
    });
    let segments: Vec<_> = segments.collect();
    (!segments.is_empty()).then_some(MaskRecord { kind: header.kind, files, segments })
}

/// One frame of reference, or, where one of the two does not say, a series that is named.
///
/// Contours are drawn on the images that they name, so a structure set's word for its series is enough: de-identified
/// ones are found whose frame of reference was replaced by another. A SEG has planes of its own, which lie in its frame.
fn lies_on(kind: MaskKind, (mine, theirs): (&str, &str), named: bool) -> bool {
    let unknown = mine.is_empty() || theirs.is_empty();
    let same = !unknown && mine == theirs;
    same || (named && (unknown || kind == MaskKind::Structures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_reference_outweighs_a_name_but_for_contours_and_its_absence_never_does() {
        let (seg, structures) = (MaskKind::Segmentation, MaskKind::Structures);
        assert!(lies_on(seg, ("1.2", "1.2"), false) && !lies_on(seg, ("1.2", "1.3"), true));
        assert!(lies_on(structures, ("1.2", "1.3"), true) && !lies_on(structures, ("1.2", "1.3"), false));
        for kind in [seg, structures, MaskKind::Labels] {
            assert!(lies_on(kind, ("", "1.2"), true) && lies_on(kind, ("1.2", ""), true));
            assert!(!lies_on(kind, ("", ""), false) && !lies_on(kind, ("", "1.2"), false));
        }
    }
}
