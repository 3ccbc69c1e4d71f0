use super::{MaskHeader, NamedCode};
use crate::Reason;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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

/// Segments times series of one object: an atlas of the brain has some hundreds, a patient some dozens.
const MAX_OBJECT_LINKS: usize = 1_000_000;

/// The same of all objects of one patient.
pub(crate) const MAX_LINKS: usize = 4_000_000;

/// A segmentation with the series that it lies on, which takes its links from what the patient has `left`.
///
/// # Errors
/// `NoReference` where it lies on none, `TooLarge` where it has too many segments for so many series.
pub(crate) fn linked(
    header: &MaskHeader,
    files: Vec<u32>,
    series: &[Anchor<'_>],
    left: &mut usize,
) -> Result<MaskRecord, Reason> {
    let links = header.segments.len().saturating_mul(series.len());
    let rest = left.checked_sub(links).filter(|_| links <= MAX_OBJECT_LINKS);
    *left = rest.ok_or(Reason::TooLarge)?;
    let named: BTreeSet<&str> = header.series.iter().map(String::as_str).collect();
    let is_named: Vec<bool> = series.iter().map(|anchor| named.contains(anchor.uid)).collect();
    // Once for each frame of reference: the segments of a SEG share one.
    let mut known: BTreeMap<&str, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
    let mut segments = Vec::new();
    for segment in &header.segments {
        let frame = segment.frame_of_reference.as_str();
        let (series, drawn_on) =
            known.entry(frame).or_insert_with(|| on(header.kind, frame, series, &is_named));
        if series.is_empty() {
            continue;
        }
        segments.push(SegmentRecord {
            number: segment.number,
            label: segment.label.clone(),
            category: segment.category.clone(),
            property: segment.property.clone(),
            series: series.clone(),
            drawn_on: drawn_on.clone(),
        });
    }
    if segments.is_empty() {
        return Err(Reason::NoReference);
    }
    Ok(MaskRecord { kind: header.kind, files, segments })
}

/// The series that something in a frame of reference lies on, and those of them that are named.
fn on(kind: MaskKind, frame: &str, series: &[Anchor<'_>], named: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let (mut all, mut drawn_on) = (Vec::new(), Vec::new());
    for ((at, anchor), named) in (0..).zip(series).zip(named) {
        if lies_on(kind, (frame, anchor.frame), *named) {
            all.push(at);
            drawn_on.extend(named.then_some(at));
        }
    }
    (all, drawn_on)
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
    use crate::mask::header::Segment;
    use std::time::Instant;

    fn object(segments: u32, frame: impl Fn(u32) -> String, series: Vec<String>) -> MaskHeader {
        let segment = |number| Segment {
            number,
            label: "GTV".into(),
            category: None,
            property: None,
            frame_of_reference: frame(number),
        };
        MaskHeader { kind: MaskKind::Segmentation, series, segments: (1..=segments).map(segment).collect() }
    }

    #[test]
    fn each_segment_has_the_series_of_its_own_frame_and_those_that_are_named() {
        let anchors =
            [("A", "1"), ("B", "2"), ("A", "3"), ("", "4")].map(|(frame, uid)| Anchor { frame, uid });
        let frame = |n: u32| ["A", "B", "C"][n as usize - 1].to_owned();
        let header = object(3, frame, vec!["3".into(), "4".into()]);
        let mut left = 12;
        let record = linked(&header, vec![7], &anchors, &mut left).unwrap();
        let links = record.segments.iter().map(|s| (s.number, s.series.clone(), s.drawn_on.clone()));
        let expected = [(1, vec![0, 2, 3], vec![2, 3]), (2, vec![1, 3], vec![3]), (3, vec![3], vec![3])];
        assert_eq!((links.collect::<Vec<_>>(), left), (expected.to_vec(), 0));
        assert_eq!(linked(&header, vec![7], &anchors, &mut left).err(), Some(Reason::TooLarge));
        let none = linked(&object(1, |_| "C".into(), vec![]), vec![7], &anchors[..3], &mut 12);
        assert_eq!(none.err(), Some(Reason::NoReference));
    }

    #[test]
    fn thousands_of_segments_and_names_on_a_thousand_volumes_are_linked_soon_or_refused() {
        let uids: Vec<String> = (0..4_096).map(|n| format!("1.2.3.{n}")).collect();
        let anchors: Vec<_> = uids.iter().take(1_000).map(|uid| Anchor { frame: "", uid }).collect();
        let header = object(4_096, |n| format!("9.{n}"), uids.clone());
        let start = Instant::now();
        assert_eq!(linked(&header, vec![0], &anchors, &mut MAX_LINKS.clone()).err(), Some(Reason::TooLarge));
        let mut left = MAX_LINKS;
        let record = linked(&header, vec![0], &anchors[..244], &mut left).unwrap();
        assert_eq!((record.segments.len(), record.segments[0].drawn_on.len()), (4_096, 244));
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
        // The patient's own bound: the fifth such object is one too many.
        let more =
            (0..4).map(|_| linked(&header, vec![0], &anchors[..244], &mut left).err()).collect::<Vec<_>>();
        assert_eq!(more, [None, None, None, Some(Reason::TooLarge)]);
    }

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
