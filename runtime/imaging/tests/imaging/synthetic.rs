//! Cohorts of the testkit and files made here, read back as a worker reads them.

use crate::{
    files_under,
    made::{CT, file, pixel_format, read, slice},
    rules, sent, series_of, voxels,
};
use std::{collections::BTreeMap, fs::File, io::Write, path::Path, time::Instant};
use trocar_imaging::{HeaderChain, Reason, Subject, SubjectSeries, group, open_patient};
use trocar_terms::{Fault, Grid, Modality, Patient, SeriesInfo, Value};
use trocar_testkit::{
    cohort::{self, CohortSpec},
    dicom::DataSet,
};

/// Rows of `truth.csv` by patient, each by column.
fn truth(dir: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(dir.join("truth.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    lines.map(|cells| names.iter().cloned().zip(cells).collect()).collect()
}

/// The last bytes of a file that the testkit wrote are its pixels.
fn stored(path: &Path) -> Vec<u16> {
    let bytes = std::fs::read(path).unwrap();
    let pixels = &bytes[bytes.len() - 64 * 64 * 2..];
    pixels.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect()
}

fn reads_back(modality: Modality, unit: &str, thresholds: (f32, f32), scale: fn(usize, u16) -> f64) {
    let dir = tempfile::tempdir().unwrap();
    cohort::write(dir.path(), &CohortSpec { patients: 4, seed: 3, modality }).unwrap();
    let truth = truth(dir.path());
    for row in &truth {
        let mut paths = Vec::new();
        files_under(&dir.path().join("dicom").join(&row["patient_id"]), &mut paths);
        let (series, refused) = series_of(&paths);
        assert_eq!((series.len(), refused.len()), (1, 0));
        let (info, voxels) = &series[0];
        assert_eq!((info.modality.as_str(), info.unit.as_str()), (modality.code(), unit));
        assert_eq!(info.grid, Grid { columns: 64, rows: 64, slices: 16, spacing_mm: (5.0, 5.0, 5.0) });
        let written =
            paths.iter().enumerate().flat_map(|(z, p)| stored(p).into_iter().map(move |v| scale(z, v)));
        #[allow(clippy::cast_possible_truncation, reason = "the one rounding")]
        let written: Vec<f32> = written.map(|v| v as f32).collect();
        assert!(*voxels == written, "{} is not read as it was written", row["patient_id"]);
        let above = |threshold: f32| voxels.iter().filter(|v| **v > threshold).count().to_string();
        assert_eq!(above(thresholds.0), row["body_voxels"]);
        assert_eq!(above(thresholds.1), row["lesion_voxels"]);
        let mean = voxels.iter().copied().map(f64::from).sum::<f64>() / voxels.len() as f64;
        let expected: f64 = row["mean"].parse().unwrap();
        assert!((mean - expected).abs() <= 1e-6 * expected.abs(), "{mean} {expected}");
    }
}

#[test]
fn a_synthetic_ct_is_read_back_as_it_was_written() {
    reads_back(Modality::CT, "[hnsf'U]", (-500.0, 100.0), |_, v| f64::from(v) - 1024.0);
}

#[test]
fn a_synthetic_mr_is_read_back_as_it_was_written() {
    reads_back(Modality::MR, "1", (100.0, 500.0), |_, v| f64::from(v));
}

#[test]
fn a_synthetic_pet_with_a_slope_a_slice_is_read_back_as_it_was_written() {
    reads_back(Modality::PT, "g/mL", (0.15, 2.5), |z, v| f64::from(v) * ((50.0 + z as f64) / 100_000.0));
}

#[test]
fn two_hundred_patients_are_written_in_seconds_and_are_small() {
    let (dir, start) = (tempfile::tempdir().unwrap(), Instant::now());
    let spec = CohortSpec { patients: 200, seed: 1, modality: Modality::CT };
    let summary = cohort::write(dir.path(), &spec).unwrap();
    assert_eq!((summary.patients, summary.files), (200, 3200));
    assert!(summary.bytes < 40 << 20, "{} bytes", summary.bytes);
    // Two seconds on two cores; the bound is for a busy machine.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

fn frame_group(depth: f64, slope: f64) -> DataSet {
    let (mut position, mut plane) = (DataSet::new(), DataSet::new());
    position.decimals((0x0020, 0x0032), &[0.0, 0.0, depth]);
    let mut transformation = DataSet::new();
    transformation.decimals((0x0028, 0x1052), &[-1000.0]).decimals((0x0028, 0x1053), &[slope]);
    transformation.text((0x0028, 0x1054), *b"LO", "HU");
    plane.sequence((0x0020, 0x9113), &[position]).sequence((0x0028, 0x9145), &[transformation]);
    plane
}

/// An enhanced CT with the frames at these depths, whose slopes are 1, 2, 3 ...
fn enhanced(depths: &[f64]) -> DataSet {
    let (mut shared, mut orientation, mut measures) = (DataSet::new(), DataSet::new(), DataSet::new());
    orientation.decimals((0x0020, 0x0037), &[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]);
    measures.decimals((0x0018, 0x0050), &[1.0]).decimals((0x0028, 0x0030), &[2.0, 3.0]);
    shared.sequence((0x0020, 0x9116), &[orientation]).sequence((0x0028, 0x9110), &[measures]);
    let mut data = DataSet::new();
    data.text((0x0008, 0x0060), *b"CS", "CT").text((0x0010, 0x0020), *b"LO", "P1");
    data.text((0x0020, 0x000D), *b"UI", "2.25.1").text((0x0020, 0x000E), *b"UI", "2.25.2");
    data.text((0x0028, 0x0008), *b"IS", &depths.len().to_string());
    pixel_format(&mut data);
    // The normal of this orientation is -x: depth runs against it.
    let groups = depths.iter().zip(1_i32..).map(|(depth, i)| {
        let mut group = frame_group(0.0, f64::from(i));
        let mut position = DataSet::new();
        position.decimals((0x0020, 0x0032), &[-depth, 0.0, 0.0]);
        group.sequence((0x0020, 0x9113), &[position]);
        group
    });
    data.sequence((0x5200, 0x9229), &[shared]).sequence((0x5200, 0x9230), &groups.collect::<Vec<_>>());
    data.pixels(&(0..12 * depths.len()).map(|v| u16::try_from(v).unwrap()).collect::<Vec<_>>());
    data
}

/// Reads a file from a folder, as a node does.
pub(crate) fn read_one(data: &DataSet) -> (Vec<(SeriesInfo, Vec<f32>)>, Vec<Reason>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.dcm");
    std::fs::write(&path, data.file(CT, "2.25.9")).unwrap();
    let (series, refused) = series_of(&[path]);
    (series, refused.into_iter().map(|(_, reason)| reason).collect())
}

#[test]
fn frames_of_an_enhanced_file_are_placed_and_scaled_by_their_functional_groups() {
    let (series, refused) = read_one(&enhanced(&[4.0, 0.0, 8.0]));
    assert_eq!(refused, []);
    let (info, voxels) = &series[0];
    assert_eq!(info.grid, Grid { columns: 4, rows: 3, slices: 3, spacing_mm: (3.0, 2.0, 4.0) });
    // Frame 2 lies first, then 1, then 3; each begins at 12 times its index and has its own slope.
    assert_eq!((voxels[0], voxels[1]), (12.0 * 2.0 - 1000.0, 13.0 * 2.0 - 1000.0));
    assert_eq!((voxels[12], voxels[24]), (0.0 - 1000.0, 24.0 * 3.0 - 1000.0));
}

#[test]
fn an_enhanced_file_with_a_gap_or_without_groups_is_refused() {
    assert_eq!(read_one(&enhanced(&[0.0, 4.0, 12.0])).1, [Reason::Gap]);
    let mut bare = enhanced(&[0.0, 4.0]);
    bare.sequence((0x5200, 0x9230), &[]);
    assert_eq!(read_one(&bare).1, [Reason::NoGeometry]);
}

/// One slice on the disk, and the subject that a worker would be handed.
fn on_disk(data: &DataSet) -> (tempfile::NamedTempFile, Subject) {
    let on_disk = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(on_disk.path(), file(data)).unwrap();
    let record = group(vec![(0, read(&file(data), &rules()).unwrap())]).patients.remove(0).series.remove(0);
    let series = SubjectSeries { files: vec![0], ..sent(&record) };
    (on_disk, Subject { columns: BTreeMap::new(), series: vec![series], masks: vec![] })
}

#[test]
fn a_file_that_changed_after_the_scan_is_not_opened() {
    let (path, subject) = on_disk(&slice(0.0));
    let mut changed = slice(0.0);
    changed.decimals((0x0028, 0x0030), &[0.5, 0.8]);
    std::fs::write(path.path(), file(&changed)).unwrap();
    let patient = open_patient(subject, vec![File::open(path.path()).unwrap()]);
    assert_eq!(patient.open(0).err(), Some(Fault::Unsupported));
}

#[test]
fn a_subject_without_its_descriptor_is_not_opened() {
    let (_path, subject) = on_disk(&slice(0.0));
    assert_eq!(open_patient(subject, Vec::new()).open(0).err(), Some(Fault::Unsupported));
}

#[test]
fn slabs_beyond_the_volume_are_out_of_range() {
    let (path, subject) = on_disk(&slice(0.0));
    let patient = open_patient(subject, vec![File::open(path.path()).unwrap()]);
    let volume = patient.open(0).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(voxels(volume.as_ref()).len(), 12);
    assert_eq!(volume.read_f32(1, 1).err(), Some(Fault::OutOfRange));
    assert_eq!(volume.read_f32(u32::MAX, 2).err(), Some(Fault::OutOfRange));
    assert_eq!(volume.read_s16(0, 2).err(), Some(Fault::OutOfRange));
    assert_eq!(patient.open(1).err(), Some(Fault::OutOfRange));
    assert_eq!(patient.open_mask(0, "GTV").err(), Some(Fault::Absent));
    assert_eq!(patient.open_mask(1, "GTV").err(), Some(Fault::OutOfRange));
    assert_eq!(patient.column("age_years"), Err(Fault::Absent));
}

#[test]
fn unused_high_bits_are_not_part_of_a_value() {
    let mut data = slice(0.0);
    data.short((0x0028, 0x0103), 1).pixels(&[0xF801; 12]);
    let (path, subject) = on_disk(&data);
    let patient = open_patient(subject, vec![File::open(path.path()).unwrap()]);
    let volume = patient.open(0).unwrap_or_else(|e| panic!("{e}"));
    // The low 12 bits, with their sign: 0x801 is -2047.
    assert_eq!(volume.read_s16(0, 1).unwrap()[0], -2047 - 1024);
}

/// The same file with its data set deflated, stored as it is but for the wrapping.
fn deflated(data: &DataSet) -> Vec<u8> {
    let mut bytes = file(data);
    let at = 144 + u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
    let body = bytes.split_off(at);
    let explicit = b"1.2.840.10008.1.2.1\0";
    let uid = bytes.windows(explicit.len()).position(|w| w == explicit).unwrap();
    bytes.splice(uid..uid + explicit.len(), *b"1.2.840.10008.1.2.1.99");
    bytes[uid - 2] = 22;
    bytes[140] += 2;
    // One stored block (RFC 1951 section 3.2.4).
    let length = u16::try_from(body.len()).unwrap();
    bytes.push(1);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&(!length).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

#[test]
fn opening_and_reading_have_a_price_and_inflating_again_has_it_again() {
    let files: Vec<Vec<u8>> = [0.0, 2.0].map(|z| deflated(&slice(z))).into();
    let headers = (0..).zip(files.iter().map(|f| read(f, &rules()).unwrap())).collect();
    let record = group(headers).patients.remove(0).series.remove(0);
    let series = SubjectSeries { files: vec![0, 1], ..sent(&record) };
    let subject = Subject { columns: BTreeMap::new(), series: vec![series.clone(), series], masks: vec![] };
    let disk = files.iter().map(|bytes| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    });
    let patient = open_patient(subject, disk.collect());
    let bytes: u64 = files.iter().map(|f| f.len() as u64).sum();
    assert!(patient.open_cost(0) > bytes && patient.open_cost(2) == 0);
    let open = |series| patient.open(series).unwrap_or_else(|e| panic!("{e}"));
    let (first, second) = (open(0), open(1));
    assert!(first.opening_cost() > 16 * bytes);
    let (cold, both) = (first.slab_cost(0, 1), first.slab_cost(0, 2));
    first.read_s16(0, 1).unwrap();
    let warm = first.slab_cost(0, 1);
    assert!(warm < cold && both > cold, "{warm} {cold} {both}");
    // Volumes of one patient share what was inflated last.
    assert_eq!(second.slab_cost(0, 1), warm);
    second.read_s16(1, 1).unwrap();
    assert_eq!(first.slab_cost(0, 1), cold);
    assert_eq!(first.slab_cost(2, 1), 0);
}

#[test]
fn what_a_worker_says_of_a_file_is_held_against_rules_and_bounds() {
    let header = read(&file(&slice(0.0)), &rules()).unwrap();
    let good = serde_json::to_value(HeaderChain::default().tell(&header)).unwrap();
    let said = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut header = good.clone();
        change(&mut header);
        let heard = serde_json::from_value(header).unwrap();
        HeaderChain::default().hear(heard).unwrap().checked(&rules()).err()
    };
    assert_eq!(said(&|_| {}), None);
    assert_eq!(
        said(&|h| h["content"]["Image"][1][0]["position"][2] = 1.7e308.into()),
        Some(Reason::NoGeometry)
    );
    assert_eq!(
        said(&|h| h["content"]["Image"][0]["plane"]["spacing"][0] = 0.0.into()),
        Some(Reason::NoGeometry)
    );
    assert_eq!(said(&|h| h["content"]["Image"][0]["format"]["bits"] = 31.into()), Some(Reason::PixelFormat));
    assert_eq!(said(&|h| h["content"]["Image"][0]["format"]["frames"] = 2.into()), Some(Reason::NoPixels));
    assert_eq!(said(&|h| h["shared"]["patient_id"] = "".into()), Some(Reason::NoPatientId));
    assert_eq!(said(&|h| h["shared"]["patient_id"] = "x".repeat(1025).into()), Some(Reason::TooLarge));
    assert_eq!(said(&|h| h["sop_uid"] = "x".repeat(1025).into()), Some(Reason::TooLarge));
    assert_eq!(said(&|h| h["shared"]["series_uid"] = "".into()), Some(Reason::NoUid));
    let value = serde_json::to_value(Value::Missing).unwrap();
    assert_eq!(said(&|h| h["shared"]["attributes"]["Other"] = value.clone()), Some(Reason::Malformed));
}

#[test]
fn two_slices_at_the_ends_of_all_numbers_make_no_series() {
    let mut far = slice(0.0);
    far.decimals((0x0020, 0x0032), &[0.0, 0.0, 1.7e308]);
    assert_eq!(read(&file(&far), &rules()), Err(Reason::NoGeometry));
}
