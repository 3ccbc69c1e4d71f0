//! Real files against the voxels that pydicom reads (tests/oracles/pixels.py made the tables).

use crate::{files_under, series_of};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};
use trocar_terms::Digest;

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of real files, or a line that says why the test has nothing to read.
pub(crate) fn folder(variable: &str, default: &str, name: &str) -> Option<PathBuf> {
    let root = std::env::var_os(variable).map_or_else(|| project().join(default), PathBuf::from);
    let folder = root.join(name);
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
    }
    folder.exists().then_some(folder)
}

fn digest(voxels: &[f32]) -> String {
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    Digest::of(&bytes).to_string()
}

/// Rows of a table: name, then the digest of the voxels or the word of the reason.
fn table(name: &str) -> BTreeMap<String, String> {
    let path = project().join("tests/oracles").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap());
    rows.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Reads each file of a folder by itself and holds it against the table of digests and that of refusals.
fn hold_files(folder: &Path, digests: &str, refusals: &str) {
    let (digests, refusals) = (table(digests), table(refusals));
    let (mut paths, mut wrong) = (Vec::new(), Vec::new());
    files_under(folder, &mut paths);
    for path in paths {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let (series, refused) = series_of(std::slice::from_ref(&path));
        let found = match (series.as_slice(), refused.as_slice()) {
            ([(_, voxels)], []) => digest(voxels),
            ([], [(_, reason)]) => reason.word().to_owned(),
            _ => panic!("{name}: {} series, {} refusals", series.len(), refused.len()),
        };
        let expected = refusals.get(&name).or_else(|| digests.get(&name));
        if Some(&found) != expected {
            wrong.push(format!("{name}\t{found}"));
        }
    }
    assert!(wrong.is_empty(), "not as pydicom reads them, nor refused as stated:\n{}", wrong.join("\n"));
}

#[test]
fn every_pydicom_file_has_the_voxels_that_pydicom_reads_or_its_stated_reason() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "pydicom") else {
        return;
    };
    hold_files(&folder, "pixels_pydicom.tsv", "refused_pydicom.tsv");
}

fn one(folder: &Path, name: &str) -> Vec<f32> {
    let (mut series, refused) = series_of(&[folder.join(name)]);
    assert_eq!(refused, []);
    series.remove(0).1
}

#[test]
fn lossless_transfer_syntaxes_give_the_voxels_of_the_uncompressed_file() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ct512") else {
        return;
    };
    let expected = table("pixels_ct512.tsv");
    for name in ["EVLE", "DEFLATE", "RLE", "JPEGLL_SV1", "J2KR"] {
        let name = format!("{name}.dcm");
        assert_eq!(digest(&one(&folder, &name)), expected[&name], "{name}");
    }
}

#[test]
#[cfg(feature = "jpeg-ls")]
fn jpeg_ls_gives_the_voxels_of_the_uncompressed_file_and_near_lossless_those_of_pydicom() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ct512") else {
        return;
    };
    let expected = table("pixels_ct512.tsv");
    for name in ["JLSL.dcm", "JLSN.dcm"] {
        assert_eq!(digest(&one(&folder, name)), expected[name], "{name}");
    }
}

fn differences(a: &[f32], b: &[f32]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let off: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).collect();
    (off.iter().sum::<f64>() / off.len() as f64, off.iter().copied().fold(0.0, f64::max))
}

#[test]
fn lossy_jpeg_2000_stays_within_4_hu_of_the_uncompressed_file_on_average_and_26_everywhere() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ct512") else {
        return;
    };
    let (mean, most) = differences(&one(&folder, "EVLE.dcm"), &one(&folder, "J2KI.dcm"));
    assert!(mean < 4.0 && most <= 26.0, "{mean} {most}");
}

/// The file holds the stored values divided by 16 and says that their unit is unspecified, for which it is refused
/// as it stands; a copy that says HU shows what the decoder does.
#[test]
fn jpeg_baseline_stays_within_2_steps_of_the_uncompressed_file_on_average_and_20_everywhere() {
    let Some(folder) = folder("TROCAR_TEST_DATA", "../shared/data", "ct512") else {
        return;
    };
    let mut bytes = std::fs::read(folder.join("JPEG8.dcm")).unwrap();
    let at = bytes.windows(10).position(|w| w == b"\x28\0\x54\x10LO\x02\0US").unwrap();
    bytes[at + 8..at + 10].copy_from_slice(b"HU");
    let copy = tempfile::tempdir().unwrap();
    std::fs::write(copy.path().join("hu.dcm"), bytes).unwrap();
    let plain: Vec<f32> = one(&folder, "EVLE.dcm").iter().map(|hu| ((hu + 1024.0) / 16.0).floor()).collect();
    let (mean, most) = differences(&plain, &one(copy.path(), "hu.dcm"));
    assert!(mean < 2.0 && most <= 20.0, "{mean} {most}");
}

/// Unpacks an archive of real patients into a temporary folder.
pub(crate) fn unpacked(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(folder.path()).status();
    assert!(tar.unwrap().success(), "tar cannot unpack {}", archive.display());
    folder
}

/// Every series of an archive, as the table's rows say it.
fn hold_series(archive: &str, rows: &str) {
    let Some(archive) = folder("TROCAR_TEST_DATA", "../shared/data", archive) else {
        return;
    };
    let folder = unpacked(&archive);
    let mut paths = Vec::new();
    files_under(folder.path(), &mut paths);
    let (series, refused) = series_of(&paths);
    assert_eq!(refused, [], "an image or its RTSTRUCT is refused");
    let text = std::fs::read_to_string(project().join("tests/oracles").join(rows)).unwrap();
    let row = |line: &str| line.split('\t').skip(1).take(5).map(str::to_owned).collect::<Vec<_>>();
    let mut expected: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(row).collect();
    let found = series.iter().map(|(info, voxels)| {
        let grid = info.grid;
        let size = [grid.columns, grid.rows, grid.slices].map(|n| n.to_string());
        [vec![info.modality.clone()], size.to_vec(), vec![digest(voxels)]].concat()
    });
    let mut found: Vec<_> = found.collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn real_pet_volumes_of_51_patients_equal_those_of_pydicom() {
    hold_series("sts/sts51_pet_rtstruct.tar.zst", "pixels_sts51.tsv");
}

#[test]
fn real_ct_mr_and_pet_volumes_of_five_patients_equal_those_of_pydicom() {
    hold_series("sts/sts5_ct_mr_pet_rtstruct.tar.zst", "pixels_sts5.tsv");
}
