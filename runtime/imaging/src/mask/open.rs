//! A label of a patient on one of her series: which segments are meant, and their union.

use super::{GridMask, MaskKind, SubjectMask, contours, segmentation, structures};
use crate::{
    Reason, cost,
    lattice::Lattice,
    nifti,
    volume::{At, length},
    walk::{Wanted, walk},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::fs::File;
use trocar_terms::{Fault, Mask as _};

/// The segments that a label means on a series: those that were drawn on it, or else all in its frame of reference.
fn meant<'a>(masks: &'a [SubjectMask], series: u32, label: &str) -> Vec<&'a SubjectMask> {
    let on: Vec<_> = masks.iter().filter(|m| m.label == label && m.series.contains(&series)).collect();
    let drawn: Vec<_> = on.iter().copied().filter(|m| m.drawn_on.contains(&series)).collect();
    if drawn.is_empty() { on } else { drawn }
}

fn file<'a>(mask: &SubjectMask, files: &'a [File]) -> Option<&'a File> {
    files.get(*mask.files.first()? as usize)
}

/// What opening surely takes: every file that is meant is read, and what a structure set has is mostly contours.
pub(crate) fn known_cost(masks: &[SubjectMask], files: &[File], series: u32, label: &str) -> u64 {
    let of = |mask: &SubjectMask| {
        let bytes = file(mask, files).and_then(|f| length(f).ok()).unwrap_or(0);
        let price = match mask.kind {
            MaskKind::Structures => cost::CONTOUR_BYTE,
            MaskKind::Segmentation | MaskKind::Labels => cost::FILE_BYTE,
        };
        bytes.saturating_mul(price).saturating_add(cost::FILE)
    };
    meant(masks, series, label).into_iter().map(of).fold(0, u64::saturating_add)
}

/// Makes the mask of a label on the lattice of a series.
///
/// # Errors
/// `Absent` where no segment is meant, `Unsupported` where one cannot be read.
pub(crate) fn open_mask(
    masks: &[SubjectMask],
    files: &[File],
    (series, lattice): (u32, &Lattice),
    label: &str,
) -> Result<GridMask, Fault> {
    let meant = meant(masks, series, label);
    if meant.is_empty() {
        return Err(Fault::Absent);
    }
    let mut mask = GridMask::new(lattice)?;
    for segment in meant {
        let file = file(segment, files).ok_or(Fault::Unsupported)?;
        match segment.kind {
            MaskKind::Segmentation => segmentation::map(file, segment.number, label, lattice, &mut mask)?,
            MaskKind::Structures => structure(file, segment, series, lattice, &mut mask)?,
            MaskKind::Labels => nifti::map(file, segment.number, lattice, &mut mask)?,
        }
    }
    debug_assert_eq!(mask.grid(), lattice.grid());
    Ok(mask)
}

fn structure(
    file: &File,
    segment: &SubjectMask,
    series: u32,
    lattice: &Lattice,
    mask: &mut GridMask,
) -> Result<(), Fault> {
    let walked = walk(At::new(file), &Contours).map_err(|_| Fault::Unsupported)?;
    let inflated = walked.inflated.as_ref().map_or(0, Vec::len) as u64;
    mask.spend(u64::from(walked.heads).saturating_mul(cost::HEAD));
    mask.spend(inflated.saturating_mul(cost::INFLATED_BYTE.saturating_add(cost::CONTOUR_BYTE)));
    mask.spend(walked.packed.saturating_mul(cost::PACKED_BYTE));
    let contours = contours::read(&walked.elements.bytes, walked.syntax.encoding, segment.number);
    let contours = contours.map_err(|_| Fault::Unsupported)?;
    structures::rasterise(&contours, lattice, segment.drawn_on.contains(&series), mask)
}

/// Wants the contours and nothing else.
struct Contours;

impl Wanted for Contours {
    /// The reader of contours makes no strings, and bounds them itself.
    fn longest(&self) -> u32 {
        u32::MAX
    }

    fn wants(&self, tag: Tag) -> bool {
        tag == tags::ROI_CONTOUR_SEQUENCE
    }

    fn check(&self, _: Tag, _: &[u8]) -> Result<(), Reason> {
        Ok(())
    }
}
