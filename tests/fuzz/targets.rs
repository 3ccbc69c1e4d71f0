//! What each fuzz target does with its bytes. The fuzzer calls these, and so does a plain test over the corpus
//! (`runtime/imaging/tests/imaging/corpus.rs`): whatever the bytes are, nothing panics.

use std::{collections::BTreeMap, fs::File, io::Cursor, io::Write};
use trocar_imaging::{
    FileHeader, HeaderReader, MaskKind, Place, Reason, ScanRules, SeriesFormat, Subject, SubjectMask,
    SubjectSeries, group, open_patient, pixel_array, read_header,
};
use trocar_terms::{Deidentification, Grid, Modality, Patient as _, PrivateGroups, SeriesInfo, Volume};

/// What a target does with its bytes.
pub(crate) type Target = fn(&[u8]);

/// Every target, by name.
pub(crate) const ALL: &[(&str, Target)] =
    &[("header", header), ("pixels", pixels), ("array", array), ("masks", masks)];

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

/// Reads the header, also after itself, and checks once more what a worker has answered.
pub(crate) fn header(bytes: &[u8]) {
    let (alone, rules) = (scanned(bytes), rules());
    let mut reader = HeaderReader::new(&rules);
    for _ in 0..2 {
        assert!(reader.read(&mut Cursor::new(bytes)) == alone, "a header is the same after another");
    }
    if let Ok(header) = alone {
        assert!(header.checked(&rules).is_ok(), "a header that is read is one that is taken");
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
    let series = vec![record.subject(record.files.clone())];
    let patient = open_patient(Subject { series, ..Subject::default() }, vec![file]);
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

/// Reads the pixels of a file of any modality.
pub(crate) fn array(bytes: &[u8]) {
    let _ = pixel_array(Cursor::new(bytes)).is_ok();
}

/// Reads a segmentation or a structure set as a scan meets it, and opens it on a small series.
pub(crate) fn masks(bytes: &[u8]) {
    header(bytes);
    let Some(file) = on_disk(bytes) else { return };
    let mask = |kind| SubjectMask {
        kind,
        number: 1,
        label: "Lesion".to_owned(),
        files: vec![0],
        series: vec![0],
        drawn_on: vec![0],
    };
    let kinds = [MaskKind::Segmentation, MaskKind::Structures, MaskKind::Labels];
    let files = kinds.map(|_| file.try_clone());
    for (kind, file) in kinds.into_iter().zip(files) {
        let subject = Subject { series: vec![small()], masks: vec![mask(kind)], ..Subject::default() };
        let patient = open_patient(subject, file.into_iter().collect());
        if let Ok(mask) = patient.open_mask(0, "Lesion") {
            let slices = mask.grid().slices;
            let marks = (0..slices).filter_map(|slice| mask.read(slice, 1).ok());
            assert!(marks.flat_map(|m| m.to_vec()).all(|mark| mark <= 1), "a mask is 0 or 1");
        }
    }
}

/// Eight slices of 16 x 16 voxels, of which no file is needed.
fn small() -> SubjectSeries {
    let grid = Grid { columns: 16, rows: 16, slices: 8, spacing_mm: (4.0, 4.0, 4.0) };
    let info = SeriesInfo { modality: "CT".to_owned(), unit: "1".to_owned(), grid, integral: true };
    let directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let place = Place { origin_mm: [-30.0, -30.0, -14.0], directions, tilted: false };
    let (attributes, format) = (BTreeMap::new(), SeriesFormat::Dicom);
    SubjectSeries { info, attributes, format, files: Vec::new(), part: 0, place, frame: None, decoded: None }
}

fn on_disk(bytes: &[u8]) -> Option<File> {
    let mut file = tempfile::tempfile().ok()?;
    file.write_all(bytes).ok()?;
    Some(file)
}
