//! Series on other grids, against SimpleITK (tests/oracles/resample.py made the table).

use crate::{files_under, real::folder, real::unpacked, rules};
use std::{collections::BTreeMap, fs::File, path::Path, path::PathBuf, sync::Arc};
use trocar_imaging::{OpenPatient, PatientRecord, Subject, group, open_patient, read_header};
use trocar_terms::{Fault, Grid, Patient, Volume};

/// Kind of grid; column, row, slice; value.
type Row = (String, [u32; 3], f64);

fn table() -> BTreeMap<String, Vec<Row>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/resample_sts5.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('\t').collect();
        let at = [2, 3, 4].map(|n: usize| cells[n].parse().unwrap());
        let row = (cells[1].to_owned(), at, cells[5].parse().unwrap());
        rows.entry(cells[0].to_owned()).or_default().push(row);
    }
    rows
}

/// A patient with all her series, and the modality of each.
fn opened(record: &PatientRecord, paths: &[PathBuf]) -> OpenPatient {
    let (mut files, mut series) = (Vec::new(), Vec::new());
    for one in &record.series {
        let first = u32::try_from(files.len()).unwrap();
        files.extend(one.files.iter().map(|f| File::open(&paths[*f as usize]).unwrap()));
        series.push(one.subject((first..u32::try_from(files.len()).unwrap()).collect()));
    }
    open_patient(Subject { series, ..Subject::default() }, files)
}

/// Voxel by voxel, and each slice read once.
fn hold(name: &str, volume: &dyn Volume, rows: &[&Row]) {
    let grid = volume.grid();
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(_, [_, _, slice], _)| *slice);
    let mut last: Option<(u32, Arc<[f32]>)> = None;
    for (kind, [column, row, slice], theirs) in rows {
        let voxels = match last.take() {
            Some((at, voxels)) if at == *slice => voxels,
            _ => volume.read_f32(*slice, 1).unwrap(),
        };
        let ours = f64::from(voxels[(row * grid.columns + column) as usize]);
        assert!(
            (ours - theirs).abs() <= 1e-4 * theirs.abs().max(1.0),
            "{name} {kind} {column} {row} {slice}: {ours} is not {theirs}"
        );
        last = Some((*slice, voxels));
    }
}

#[test]
fn real_series_on_other_grids_have_the_voxels_that_itk_interpolates() {
    let archive = "sts/sts5_ct_mr_pet_rtstruct.tar.zst";
    let Some(archive) = folder("TROCAR_TEST_DATA", "../shared/data", archive) else { return };
    let folder = unpacked(&archive);
    let mut paths = Vec::new();
    files_under(folder.path(), &mut paths);
    let header =
        |(at, path): (u32, &PathBuf)| Some((at, read_header(&mut File::open(path).unwrap(), &rules()).ok()?));
    let grouped = group((0..).zip(&paths).filter_map(header).collect());
    let table = table();
    assert_eq!((grouped.patients.len(), table.len()), (5, 5));
    for record in &grouped.patients {
        let patient = opened(record, &paths);
        let at = |modality: &str| {
            let found = record.series.iter().position(|s| s.info.modality == modality);
            u32::try_from(found.unwrap()).unwrap()
        };
        let rows = &table[&record.patient_id];
        let of = |kind: &str| rows.iter().filter(|(k, ..)| k == kind).collect::<Vec<_>>();
        let pet_on_ct = patient.open_on(at("PT"), at("CT")).unwrap();
        hold(&record.patient_id, pet_on_ct.as_ref(), &of("on"));
        let grid = Grid { columns: 45, rows: 42, slices: 40, spacing_mm: (3.0, 3.0, 3.5) };
        let coarse = patient.open(at("CT")).unwrap().resampled(grid).unwrap();
        hold(&record.patient_id, coarse.as_ref(), &of("centred"));
        assert_eq!(patient.open_on(at("MR"), 99).err(), Some(Fault::OutOfRange));
    }
}
