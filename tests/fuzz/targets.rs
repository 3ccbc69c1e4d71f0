//! What each fuzz target does with its bytes. The fuzzer calls these, and so does a plain test over the corpus
//! (`runtime/imaging/tests/imaging/corpus.rs`): whatever the bytes are, nothing panics.

use std::{collections::BTreeMap, fs::File, io::Cursor, io::Write};
use trocar_imaging::{
    FileHeader, Reason, ScanRules, Subject, SubjectSeries, group, open_patient, read_header, thumbnail,
};
use trocar_terms::{Deidentification, Modality, Patient as _, PrivateGroups, Volume};

/// Every target, by name.
pub(crate) const ALL: &[(&str, fn(&[u8]))] =
    &[("header", header), ("pixels", pixels), ("picture", picture), ("masks", masks)];

fn rules() -> ScanRules {
    ScanRules {
        deidentification: Deidentification { require: false, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        attributes: Vec::new(),
    }
}

/// What a scan does with a file.
pub(crate) fn scanned(bytes: &[u8]) -> Result<FileHeader, Reason> {
    read_header(&mut Cursor::new(bytes), &rules())
}

/// Reads the header, and checks once more what a worker has answered.
pub(crate) fn header(bytes: &[u8]) {
    if let Ok(header) = scanned(bytes) {
        assert!(header.checked(&rules()).is_ok(), "a header that is read is one that is taken");
    }
}

/// The first slices and the last one: a file may declare thousands.
const SLICES: u32 = 8;

/// Reads header and voxels, as scan and map do.
pub(crate) fn pixels(bytes: &[u8]) {
    let Ok(header) = scanned(bytes) else { return };
    let grouped = group(vec![(0, header)]);
    let Some(record) = grouped.patients.first().and_then(|p| p.series.first()) else { return };
    let Some(file) = on_disk(bytes) else { return };
    let series = SubjectSeries {
        info: record.info.clone(),
        attributes: BTreeMap::new(),
        files: record.files.clone(),
        part: record.part,
        decoded: None,
    };
    let patient = open_patient(Subject { series: vec![series], ..Subject::default() }, vec![file]);
    let _ = patient.open_mask(0, "Lesion").is_ok();
    if let Ok(volume) = patient.open(0) {
        read(volume.as_ref());
    }
}

fn read(volume: &dyn Volume) {
    let slices = volume.grid().slices;
    for slice in (0..slices.min(SLICES)).chain(slices.checked_sub(1)) {
        let _ = (volume.slab_cost(slice, 1), volume.read_f32(slice, 1), volume.read_s16(slice, 1));
    }
}

/// Makes the operator's picture of a file of any modality.
pub(crate) fn picture(bytes: &[u8]) {
    let _ = thumbnail(Cursor::new(bytes), 64).is_ok();
}

/// Reads a segmentation or a structure set as a scan meets it, among images.
pub(crate) fn masks(bytes: &[u8]) {
    header(bytes);
}

fn on_disk(bytes: &[u8]) -> Option<File> {
    let mut file = tempfile::tempfile().ok()?;
    file.write_all(bytes).ok()?;
    Some(file)
}
