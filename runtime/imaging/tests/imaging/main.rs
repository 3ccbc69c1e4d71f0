//! One binary: real files, synthetic files, hostile files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, and say on one line what they skip"
)]

mod arrays;
mod bombs;
mod calibrated;
mod clinical;
mod corpus;
mod formats;
mod geometry;
mod hostile;
mod kept;
mod made;
mod masks;
mod mutated;
mod nifti;
mod patient;
mod raw;
mod real;
mod refused;
mod resampled;
mod synthetic;
#[path = "../../../../tests/fuzz/targets.rs"]
mod targets;
mod together;

use std::{
    fs::File,
    path::{Path, PathBuf},
};
use trocar_imaging::{
    Reason, ScanRules, SeriesRecord, Subject, SubjectSeries, group, open_patient, read_header,
};
use trocar_terms::{Deidentification, Modality, Patient as _, PrivateGroups, SeriesInfo, Volume};

fn rules() -> ScanRules {
    ScanRules {
        deidentification: Deidentification { require: false, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT, Modality::MR, Modality::PT],
        attributes: Vec::new(),
    }
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() { files_under(&entry, found) } else { found.push(entry) }
    }
}

/// What a worker is told of a series, without a file.
fn sent(record: &SeriesRecord) -> SubjectSeries {
    record.subject(vec![])
}

type Series = Vec<(SeriesInfo, Vec<f32>)>;

/// Every series of some files, with all its voxels.
fn series_of(paths: &[PathBuf]) -> (Series, Vec<(PathBuf, Reason)>) {
    let (mut headers, mut refused) = (Vec::new(), Vec::new());
    for (index, path) in paths.iter().enumerate() {
        match read_header(&mut File::open(path).unwrap(), &rules()) {
            Ok(header) => headers.push((u32::try_from(index).unwrap(), header)),
            Err(reason) => refused.push((path.clone(), reason)),
        }
    }
    let grouped = group(headers);
    refused.extend(grouped.refused.iter().map(|(i, reason)| (paths[*i as usize].clone(), *reason)));
    let records = grouped.patients.into_iter().flat_map(|p| p.series);
    let found = records.map(|record| {
        let files = record.files.iter().map(|i| File::open(&paths[*i as usize]).unwrap()).collect();
        let places = (0..u32::try_from(record.files.len()).unwrap()).collect();
        let series = SubjectSeries { files: places, ..sent(&record) };
        let patient =
            open_patient(Subject { columns: [].into(), series: vec![series], masks: vec![] }, files);
        let volume = patient.open(0).unwrap_or_else(|e| panic!("{e}"));
        (record.info, voxels(volume.as_ref()))
    });
    (found.collect(), refused)
}

fn voxels(volume: &dyn Volume) -> Vec<f32> {
    let slices = volume.grid().slices;
    let all: Vec<f32> =
        (0..slices).flat_map(|i| volume.read_f32(i, 1).unwrap_or_default().to_vec()).collect();
    if volume.integral() {
        let whole: Vec<f32> =
            (0..slices).flat_map(|i| volume.read_s16(i, 1).unwrap().to_vec()).map(f32::from).collect();
        assert_eq!(whole, all);
    }
    all
}
