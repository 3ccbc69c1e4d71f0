//! Voxels that were decoded before, handed to a worker beside the files.

use crate::{
    arrays::{codestreams, decoded},
    files_under,
    made::{file, read, slice},
    raw::fragments,
    rules,
};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};
use trocar_imaging::{
    Decoded, SeriesRecord, Subject, decode_series, decoded_bytes, group, open_patient, read_header,
};
use trocar_terms::{Digest, Modality, Patient};
use trocar_testkit::cohort::{self, CohortSpec};

fn series(folder: &Path, modality: Modality) -> (SeriesRecord, Vec<PathBuf>) {
    cohort::write(folder, &CohortSpec { patients: 1, seed: 3, modality }).unwrap();
    let mut paths = Vec::new();
    files_under(&folder.join("dicom"), &mut paths);
    let header =
        |(at, path): (u32, &PathBuf)| (at, read_header(&mut File::open(path).unwrap(), &rules()).unwrap());
    let mut grouped = group((0..).zip(&paths).map(header).collect());
    (grouped.patients.remove(0).series.remove(0), paths)
}

fn opened(record: &SeriesRecord, paths: &[PathBuf]) -> Vec<File> {
    record.files.iter().map(|f| File::open(&paths[*f as usize]).unwrap()).collect()
}

fn places(record: &SeriesRecord) -> Vec<u32> {
    (0..u32::try_from(record.files.len()).unwrap()).collect()
}

/// The series' voxels as single precision, with these kept ones beside its files.
fn voxels(record: &SeriesRecord, paths: &[PathBuf], kept: Option<(&[u8], Vec<Digest>)>) -> Vec<f32> {
    let mut files = opened(record, paths);
    let mut one = record.subject(places(record));
    if let Some((bytes, digests)) = kept {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        one.decoded = Some(Decoded { file: u32::try_from(files.len()).unwrap(), digests });
        files.push(file);
    }
    let patient = open_patient(Subject { series: vec![one], ..Subject::default() }, files);
    let volume = patient.open(0).unwrap();
    (0..record.info.grid.slices).flat_map(|z| volume.read_f32(z, 1).unwrap().to_vec()).collect()
}

fn hold(modality: Modality) {
    let folder = tempfile::tempdir().unwrap();
    let (record, paths) = series(folder.path(), modality);
    let out = tempfile::NamedTempFile::new().unwrap();
    let one = record.subject(places(&record));
    let threads = 3.try_into().unwrap();
    let digests = decode_series(one, opened(&record, &paths), out.as_file(), threads).unwrap();
    let mut bytes = std::fs::read(out.path()).unwrap();
    assert_eq!(Some(bytes.len() as u64), decoded_bytes(&record.info));
    let plain = voxels(&record, &paths, None);
    assert!(plain == voxels(&record, &paths, Some((&bytes, digests.clone()))), "kept voxels differ");
    // A slice whose digest does not hold is decoded; one whose digest holds is believed, which shows that it is read.
    let slice = bytes.len() / record.info.grid.slices as usize;
    bytes[slice] ^= 1;
    assert!(plain == voxels(&record, &paths, Some((&bytes, digests.clone()))), "a damaged slice was taken");
    let mut other = digests;
    other[1] = Digest::of(&bytes[slice..2 * slice]);
    assert!(plain != voxels(&record, &paths, Some((&bytes, other.clone()))), "kept voxels were not read");
    other.pop();
    assert!(plain == voxels(&record, &paths, Some((&bytes, other))), "an account of other slices was taken");
    assert!(plain == voxels(&record, &paths, Some((&[], vec![Digest::of(b""); 16]))), "nothing was taken");
}

#[test]
fn kept_voxels_of_a_ct_are_those_that_decoding_gives() {
    hold(Modality::CT);
}

#[test]
fn kept_voxels_of_a_pet_are_those_that_decoding_gives() {
    hold(Modality::PT);
}

/// A CT slice of 12 bits by its header whose stream has 16, of the same size.
fn wider_than_its_header() -> Vec<u8> {
    let row = codestreams().into_iter().find(|row| row[0] == "htj2k-16-bits").unwrap();
    let mut data = slice(0.0);
    data.short((0x0028, 0x0010), row[2].parse().unwrap()).short((0x0028, 0x0011), row[3].parse().unwrap());
    let mut bytes = file(&data);
    bytes.truncate(bytes.len() - 12 - 24);
    bytes.extend(fragments(&[], &[&decoded(&row[8])]));
    let explicit = b"1.2.840.10008.1.2.1\0";
    let uid = bytes.windows(explicit.len()).position(|w| w == explicit).unwrap();
    bytes.splice(uid..uid + explicit.len(), *b"1.2.840.10008.1.2.4.201\0");
    bytes[uid - 2] = 24;
    bytes[140] += 4;
    bytes
}

#[test]
fn values_beyond_the_bits_that_a_header_states_are_the_same_kept_and_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.dcm");
    std::fs::write(&path, wider_than_its_header()).unwrap();
    let header = read(&std::fs::read(&path).unwrap(), &rules()).unwrap();
    let record = group(vec![(0, header)]).patients.remove(0).series.remove(0);
    assert!(record.info.integral);
    let out = tempfile::NamedTempFile::new().unwrap();
    let (one, paths) = (record.subject(places(&record)), [path]);
    let digests = decode_series(one, opened(&record, &paths), out.as_file(), 1.try_into().unwrap()).unwrap();
    let bytes = std::fs::read(out.path()).unwrap();
    let plain = voxels(&record, &paths, None);
    assert!(plain.contains(&32_767.0), "no value was beyond 16 bits");
    assert!(plain == voxels(&record, &paths, Some((&bytes, digests))), "kept voxels differ");
}
