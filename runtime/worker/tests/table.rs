//! Clinical tables and pictures through real worker processes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of a test may panic as the test itself may, and it says what it met"
)]

use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use std::{
    fs::File,
    io::{Seek, Write},
    os::unix::fs::FileExt,
    sync::Arc,
    time::{Duration, Instant},
};
use trocar_terms::{ColumnRule, ColumnType, Deidentification, Modality, PrivateGroups, TableRules, Value};
use trocar_testkit::cohort::{self, CohortSpec};
use trocar_worker::{
    ClinicalError, Launcher, ScanRules, TableError, clinical, clinical_head, scan, thumbnail,
};

fn launcher() -> Launcher {
    Launcher::new(env!("CARGO_BIN_EXE_trocar-worker").into())
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn rules() -> TableRules {
    TableRules::of(&[ColumnRule::new("age_years".parse().unwrap(), ColumnType::Integer { min: 0, max: 120 })])
}

#[test]
fn a_table_of_many_rows_comes_through_in_pieces_and_whole() {
    let mut text = "patient_id,age_years,note\n".to_owned();
    (0..120_000).for_each(|n| text.push_str(&format!("patient-{n:06},{},{}\n", n % 130, "x".repeat(20))));
    let admitted = clinical(&launcher(), &file(text.as_bytes()), &rules()).unwrap();
    assert_eq!(admitted.table.len(), 120_000);
    assert_eq!(admitted.table.row("patient-000119").unwrap()["age_years"], Value::Integer(119));
    assert_eq!(admitted.table.row("patient-000121").unwrap()["age_years"], Value::Missing);
    assert_eq!(admitted.columns[0].admitted + admitted.columns[0].missing.values().sum::<u64>(), 120_000);
}

#[test]
fn an_error_in_the_worker_is_told_in_the_nodes_words() {
    let refused = |text: &str| match clinical(&launcher(), &file(text.as_bytes()), &rules()) {
        Err(TableError::Refused(error)) => error,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(refused("id,age_years\n"), ClinicalError::NoKey("patient_id".into()));
    assert_eq!(refused("patient_id,age\n"), ClinicalError::NoColumn("age_years".into()));
    assert_eq!(
        refused("patient_id,age_years\np,1\np,1\n").to_string(),
        "line 3: this patient already has a row"
    );
}

#[test]
fn the_head_of_a_table_is_read_alone() {
    let head = clinical_head(&launcher(), &file(b"patient_id, Age ,Sex\nbroken")).unwrap();
    assert_eq!(head, ["patient_id", "Age", "Sex"]);
}

/// A small Parquet file with texts in a dictionary.
fn two_patients() -> Vec<u8> {
    let schema = "message m { required binary patient_id (UTF8); required int64 age_years; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut ids = group.next_column().unwrap().unwrap();
    let texts = ["p1", "p2"].map(ByteArray::from);
    ids.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
    ids.close().unwrap();
    let mut ages = group.next_column().unwrap().unwrap();
    ages.typed::<Int64Type>().write_batch(&[61, 62], None, None).unwrap();
    ages.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// A Parquet file that another program's bits fell into is refused or read, and never takes the node with it.
#[test]
fn mutated_parquet_files_end_in_an_answer() {
    let whole = two_patients();
    let launcher = launcher();
    assert_eq!(clinical(&launcher, &file(&whole), &rules()).unwrap().table.len(), 2);
    let started = Instant::now();
    let (mut read, mut refused, mut died) = (0, 0, 0);
    for at in 0..whole.len() {
        let broken = file(&whole);
        broken.write_all_at(&[whole[at] ^ (1 << (at % 8))], at as u64).unwrap();
        let asked = Instant::now();
        match clinical(&launcher, &broken, &rules()) {
            Ok(_) => read += 1,
            Err(TableError::Refused(ClinicalError::Died)) => died += 1,
            Err(TableError::Refused(_)) => refused += 1,
            Err(TableError::Worker(error)) => unreachable!("{error}"),
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "byte {at} took {:?}", asked.elapsed());
    }
    println!("{read} read, {refused} refused, {died} died, in {:?}", started.elapsed());
    assert!(refused > 0 && read + refused + died == whole.len());
}

#[test]
fn a_picture_of_a_series_is_drawn_in_a_worker_and_a_broken_series_has_none() {
    let folder = tempfile::tempdir().unwrap();
    cohort::write(folder.path(), &CohortSpec { patients: 1, seed: 3, modality: Modality::CT }).unwrap();
    let rules = ScanRules {
        deidentification: Deidentification { require: false, private_groups: PrivateGroups::Ignore },
        modalities: vec![Modality::CT],
        attributes: vec![],
    };
    let scan = scan(&launcher(), folder.path(), &rules, 1, &mut |_, _| ()).unwrap();
    let record = &scan.patients[0].series[0];
    let open = || record.files.iter().map(|at| scan.files[*at as usize].open(folder.path()).unwrap());
    let places = 0..u32::try_from(record.files.len()).unwrap();
    let series = record.subject(places.collect());
    let picture = thumbnail(&launcher(), series.clone(), &open().collect::<Vec<_>>(), 48).unwrap().unwrap();
    assert_eq!(
        picture.columns.max(picture.rows),
        48.min(record.info.grid.columns.max(record.info.grid.rows))
    );
    assert!(picture.grey.iter().min() < picture.grey.iter().max(), "the phantom has more than one grey");
    let nonsense: Vec<File> = open().map(|_| file(b"no DICOM")).collect();
    assert_eq!(thumbnail(&launcher(), series, &nonsense, 48).unwrap(), None);
}
