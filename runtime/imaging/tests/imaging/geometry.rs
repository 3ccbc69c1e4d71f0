//! Where volumes lie, against SimpleITK (tests/oracles/geometry.py made the tables).

use crate::{files_under, real::folder, real::unpacked, rules};
use std::{collections::BTreeMap, fs::File, path::Path, path::PathBuf};
use trocar_imaging::{Grouped, SeriesRecord, group, read_header};
use trocar_terms::Digest;

/// Millimetres, and the same for direction cosines.
const TOLERANCE: f64 = 1e-6;

/// Name, then columns, rows, slices, spacing, origin and directions.
fn table(name: &str) -> BTreeMap<String, Vec<f64>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let (name, numbers) = line.split_once('\t').unwrap();
        (name.to_owned(), numbers.split('\t').map(|n| n.parse().unwrap()).collect())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

fn grouped(paths: &[PathBuf]) -> Grouped {
    let header = |(index, path): (u32, &PathBuf)| {
        Some((index, read_header(&mut File::open(path).unwrap(), &rules()).ok()?))
    };
    group((0..).zip(paths).filter_map(header).collect())
}

fn numbers(record: &SeriesRecord) -> Vec<f64> {
    let grid = record.info.grid;
    let (x, y, z) = grid.spacing_mm;
    let size = [grid.columns, grid.rows, grid.slices].map(f64::from);
    [&size[..], &[x, y, z], &record.place.origin_mm, record.place.directions.as_flattened()].concat()
}

#[track_caller]
fn hold(name: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    let single = (ours[2] - 1.0).abs() < 0.5;
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        // ITK says 1 mm between the slices of a single one; ours is as thick as its file says.
        let exempt = single && at == 5;
        assert!(exempt || (a - b).abs() <= TOLERANCE, "{name}, number {at}: {a} is not {b}");
    }
}

fn hold_series(archive: &str, rows: &str, expected: usize) {
    let Some(archive) = folder("TROCAR_TEST_DATA", "../shared/data", archive) else { return };
    let folder = unpacked(&archive);
    let mut paths = Vec::new();
    files_under(folder.path(), &mut paths);
    let theirs = table(rows);
    let ours: Vec<SeriesRecord> = grouped(&paths).patients.into_iter().flat_map(|p| p.series).collect();
    assert_eq!((ours.len(), theirs.len()), (expected, expected));
    for record in ours {
        let digest = Digest::of(record.series_uid.as_bytes()).to_string();
        let name = digest.trim_start_matches("sha256:");
        hold(name, &numbers(&record), &theirs[name]);
    }
}

#[test]
fn real_pet_series_of_51_patients_lie_where_simpleitk_has_them() {
    hold_series("sts/sts51_pet_rtstruct.tar.zst", "geometry_sts51.tsv", 51);
}

#[test]
fn real_ct_mr_and_pet_series_of_five_patients_lie_where_simpleitk_has_them() {
    hold_series("sts/sts5_ct_mr_pet_rtstruct.tar.zst", "geometry_sts5.tsv", 15);
}

#[test]
fn pydicom_s_files_lie_where_simpleitk_has_them() {
    let Some(folder) = folder("TROCAR_DATA", "target/data", "pydicom") else { return };
    let mut held = 0;
    for (name, theirs) in table("geometry_pydicom.tsv") {
        let found = grouped(&[folder.join(&name)]).patients.into_iter().flat_map(|p| p.series);
        for record in found {
            hold(&name, &numbers(&record), &theirs);
            held += 1;
        }
    }
    assert!(held >= 35, "only {held} files of the table were read");
}
