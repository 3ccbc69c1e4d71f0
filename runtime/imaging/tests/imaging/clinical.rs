//! Clinical tables: CSV and Parquet, good and bad.

use parquet::{
    basic::{Compression, GzipLevel, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, Write},
    sync::Arc,
};
use trocar_imaging::{
    ClinicalError,
    clinical::{Admission, Admitted, MAX_CLINICAL_BYTES, Place, read_cells, read_head},
};
use trocar_terms::{ColumnRule, ColumnType, NoValue, TableRules, Value};

fn rules() -> TableRules {
    let categories = vec!["F".into(), "M".into()];
    TableRules::of(&[
        ColumnRule::new("age_years".parse().unwrap(), ColumnType::Integer { min: 0, max: 120 }),
        ColumnRule::new("sex".parse().unwrap(), ColumnType::Category { categories }),
    ])
}

fn admitted(file: &File, rules: &TableRules) -> Result<Admitted, ClinicalError> {
    let mut admission = Admission::new(rules);
    let wanted = admission.wanted();
    let file = file.try_clone().unwrap();
    let read = read_cells(file, &wanted, &mut |row| admission.add(&row));
    read.map_err(|error| admission.describe(error))?;
    Ok(admission.finish())
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn csv(text: &str) -> Result<Admitted, ClinicalError> {
    admitted(&file(text.as_bytes()), &rules())
}

/// Why a CSV with these rows is refused.
fn refused(text: &str) -> ClinicalError {
    csv(text).unwrap_err()
}

#[test]
fn granted_columns_are_kept_and_others_never_leave_the_reader() {
    let table =
        csv("\u{feff}name,sex,patient_id,age_years\n\"Doe, J\",F,p1,61\nRoe,x,p2,200\n").unwrap().table;
    let row = table.row("p1").unwrap();
    assert_eq!(row.len(), 2);
    assert_eq!((&row["age_years"], &row["sex"]), (&Value::Integer(61), &Value::Text("F".into())));
    assert_eq!(table.row("p2").unwrap()["sex"], Value::Missing);
    assert_eq!((table.len(), table.row("p3")), (2, None));
    assert_eq!(format!("{table:?}"), "ClinicalTable(2 rows)");
}

#[test]
fn why_cells_are_missing_is_counted_column_by_column() {
    let mut rules = rules();
    rules.columns[0].missing = vec!["999".into()];
    let text = "patient_id,age_years,sex\na,61,F\nb,,M\nc,999,W\nd,130,\ne,old,X\n";
    let admitted = admitted(&file(text.as_bytes()), &rules).unwrap();
    let counts: Vec<_> = admitted.columns.iter().map(|c| (c.admitted, c.missing.clone())).collect();
    let age = [NoValue::Empty, NoValue::Code, NoValue::Unreadable, NoValue::OutOfRange].map(|why| (why, 1));
    assert_eq!(counts[0], (1, BTreeMap::from(age)));
    assert_eq!(counts[1], (2, BTreeMap::from([(NoValue::Empty, 1), (NoValue::NotListed, 2)])));
}

#[test]
fn one_source_may_feed_two_columns_under_names_of_their_own() {
    let mut rules = rules();
    rules.key = "Subject".into();
    rules.columns[0].source = Some("Age".into());
    let old = ColumnType::Category { categories: vec!["80".into()] };
    rules.columns[1] =
        ColumnRule { source: Some("Age".into()), ..ColumnRule::new("old".parse().unwrap(), old) };
    let table = admitted(&file(b"Subject, Age \n7,80\n"), &rules).unwrap().table;
    let row = table.row("7").unwrap();
    assert_eq!((&row["age_years"], &row["old"]), (&Value::Integer(80), &Value::Text("80".into())));
}

#[test]
fn days_are_counted_from_each_patients_own_index_date() {
    let mut rules = rules();
    rules.index_date = Some("diagnosed".into());
    let days = ColumnType::Days { min: -1000, max: 1000 };
    rules.columns = vec![ColumnRule::new("seen".parse().unwrap(), days)];
    let text =
        "patient_id,diagnosed,seen\na,2024-01-01,2024-02-01\nb,20240201,20240101\nc,,2024-02-01\nd,soon,5\n";
    let admitted = admitted(&file(text.as_bytes()), &rules).unwrap();
    let seen = |id: &str| admitted.table.row(id).unwrap()["seen"].clone();
    assert_eq!((seen("a"), seen("b")), (Value::Days(31), Value::Days(-31)));
    assert_eq!((seen("c"), seen("d")), (Value::Missing, Value::Days(5)));
    assert_eq!(admitted.columns[0].missing, [(NoValue::NoIndexDate, 1)].into());
    assert_eq!(admitted.without_index_date, 2);
}

#[test]
fn a_table_without_the_index_date_or_the_key_says_which_column_is_not_there() {
    let mut rules = rules();
    rules.index_date = Some("diagnosed".into());
    let refused = |text: &str| admitted(&file(text.as_bytes()), &rules).unwrap_err();
    assert_eq!(refused("patient_id,age_years,sex\n"), ClinicalError::NoIndexDate("diagnosed".into()));
    assert_eq!(refused("id,age_years,sex,diagnosed\n"), ClinicalError::NoKey("patient_id".into()));
    assert_eq!(refused("patient_id,age_years,diagnosed\n"), ClinicalError::NoColumn("sex".into()));
}

#[test]
fn a_csv_that_is_wrong_is_refused_with_its_line() {
    let line = Place::Line;
    assert_eq!(refused(""), ClinicalError::Empty);
    assert_eq!(refused("\n\n"), ClinicalError::Empty);
    assert_eq!(refused("id,age_years,sex\n"), ClinicalError::NoKey("patient_id".into()));
    assert_eq!(refused("patient_id,age_years\n"), ClinicalError::NoColumn("sex".into()));
    assert_eq!(refused("patient_id,sex,age_years,sex\n"), ClinicalError::ColumnTwice("sex".into()));
    let head = "patient_id,age_years,sex\n";
    for (rows, error) in [
        ("p1,1,F\np2,1,F\np1,2,F\n", ClinicalError::PatientTwice(line(4))),
        ("p1,1,F\np2,1\n", ClinicalError::Ragged(line(3))),
        (" ,1,F\n", ClinicalError::NoPatient(line(2))),
    ] {
        assert_eq!(refused(&format!("{head}{rows}")), error);
    }
    let latin = file(b"patient_id,age_years,sex\np1,1,\xff\n");
    assert_eq!(admitted(&latin, &rules()).unwrap_err(), ClinicalError::NotText(line(2)));
}

#[test]
fn a_csv_beyond_the_bounds_is_refused() {
    let head = "patient_id,age_years,sex\n";
    let long = format!("{head}p1,1,{}\n", "F".repeat(1025));
    assert_eq!(refused(&long), ClinicalError::CellTooLong(Place::Line(2)));
    let wide = format!("patient_id,age_years,sex{}\n", ",c".repeat(5000));
    assert_eq!(refused(&wide), ClinicalError::TooManyColumns);
    let large = tempfile::tempfile().unwrap();
    large.set_len(MAX_CLINICAL_BYTES + 1).unwrap();
    assert_eq!(admitted(&large, &rules()).unwrap_err(), ClinicalError::TooLarge);
}

/// One column of a Parquet file to be.
enum Column {
    Text(Vec<Option<&'static str>>),
    Whole(Vec<i64>),
    Real(Vec<f64>),
    Days(Vec<i32>),
    Flag(Vec<bool>),
}

fn parquet(schema: &str, columns: &[Column], compression: Compression) -> File {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let file = tempfile::tempfile().unwrap();
    let mut writer = SerializedFileWriter::new(file.try_clone().unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in columns {
        let mut next = group.next_column().unwrap().unwrap();
        match column {
            Column::Text(cells) => {
                let texts: Vec<ByteArray> = cells.iter().flatten().map(|t| ByteArray::from(*t)).collect();
                let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
                next.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).unwrap();
            }
            Column::Whole(cells) => {
                next.typed::<Int64Type>().write_batch(cells, None, None).unwrap();
            }
            Column::Real(cells) => {
                next.typed::<DoubleType>().write_batch(cells, None, None).unwrap();
            }
            Column::Days(cells) => {
                next.typed::<Int32Type>().write_batch(cells, None, None).unwrap();
            }
            Column::Flag(cells) => {
                next.typed::<BoolType>().write_batch(cells, None, None).unwrap();
            }
        }
        next.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    file
}

const FLAT: &str = "required int64 patient_id; optional binary sex (UTF8); required double age_years;";

fn two_patients(compression: Compression) -> File {
    let columns =
        [Column::Whole(vec![7, 8]), Column::Text(vec![Some("F"), None]), Column::Real(vec![61.0, 61.5])];
    parquet(FLAT, &columns, compression)
}

#[test]
fn a_parquet_file_of_any_codec_that_is_read_gives_what_its_csv_would() {
    let text = csv("patient_id,sex,age_years\n7,F,61.0\n8,,61.5\n").unwrap();
    let gzip = Compression::GZIP(GzipLevel::default());
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip, zstd] {
        let file = two_patients(compression);
        assert_eq!(read_head(file.try_clone().unwrap()).unwrap(), ["patient_id", "sex", "age_years"]);
        assert_eq!(admitted(&file, &rules()).unwrap(), text, "{compression:?}");
    }
}

#[test]
fn dates_and_time_stamps_of_parquet_are_days() {
    let schema = "required int64 patient_id; required int32 diagnosed (DATE);
        required int64 ms (TIMESTAMP(MILLIS,true)); required int64 us (TIMESTAMP(MICROS,false));
        required int64 ns (TIMESTAMP(NANOS,false)); required boolean flag;";
    let day = 19_723; // 2024-01-01
    let seconds = (day + 31) * 86_400 - 1;
    let columns = [
        Column::Whole(vec![1]),
        Column::Days(vec![19_723]),
        Column::Whole(vec![seconds * 1_000]),
        Column::Whole(vec![seconds * 1_000_000]),
        Column::Whole(vec![seconds * 1_000_000_000]),
        Column::Flag(vec![true]),
    ];
    let days = ColumnType::Days { min: -1000, max: 1000 };
    let mut columns_of =
        ["ms", "us", "ns"].map(|name| ColumnRule::new(name.parse().unwrap(), days.clone())).to_vec();
    let flag = ColumnType::Category { categories: vec!["true".into(), "false".into()] };
    columns_of.push(ColumnRule::new("flag".parse().unwrap(), flag));
    let rules = TableRules { index_date: Some("diagnosed".into()), ..TableRules::of(&columns_of) };
    let admitted = admitted(&parquet(schema, &columns, Compression::SNAPPY), &rules).unwrap();
    let row = admitted.table.row("1").unwrap();
    for name in ["ms", "us", "ns"] {
        assert_eq!(row[name], Value::Days(30), "{name}");
    }
    assert_eq!(row["flag"], Value::Text("true".into()));
}

#[test]
fn parquet_is_known_by_its_content_and_a_broken_one_is_not_read_as_csv() {
    assert_eq!(refused("PAR1,age_years,sex\np1,1,F\n"), ClinicalError::NotParquet);
    let file = two_patients(Compression::SNAPPY);
    let length = file.metadata().unwrap().len();
    file.set_len(length - 9).unwrap();
    assert_eq!(admitted(&file, &rules()).unwrap_err(), ClinicalError::NotParquet);
}

#[test]
fn a_parquet_row_that_is_wrong_is_refused_with_its_number() {
    let twice = [Column::Whole(vec![7, 7]), Column::Text(vec![None, None]), Column::Real(vec![1.0, 1.0])];
    let file = parquet(FLAT, &twice, Compression::SNAPPY);
    assert_eq!(admitted(&file, &rules()).unwrap_err(), ClinicalError::PatientTwice(Place::Row(2)));
    let schema = "required binary patient_id; required binary sex (UTF8); required int64 age_years;";
    let schema = schema.replace("required binary", "optional binary");
    let nobody = [Column::Text(vec![None]), Column::Text(vec![None]), Column::Whole(vec![1])];
    let file = parquet(&schema, &nobody, Compression::SNAPPY);
    assert_eq!(admitted(&file, &rules()).unwrap_err(), ClinicalError::NoPatient(Place::Row(1)));
}

#[test]
fn a_parquet_file_with_columns_in_columns_is_refused_whatever_is_granted() {
    let list = "required int64 patient_id; optional group sex (LIST) { repeated group list { optional int64 element; } }";
    let structure = "required int64 patient_id; required group sex { required int64 code; }";
    let repeated = "required int64 patient_id; repeated int64 sex;";
    for schema in [list, structure, repeated] {
        let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
        let file = tempfile::tempfile().unwrap();
        let writer = SerializedFileWriter::new(file.try_clone().unwrap(), schema, Arc::default()).unwrap();
        writer.close().unwrap();
        assert_eq!(admitted(&file, &rules()).unwrap_err(), ClinicalError::Nested);
    }
}

#[test]
fn a_parquet_type_without_a_text_is_refused_where_it_is_granted_and_ignored_elsewhere() {
    let schema = "required int64 patient_id; optional binary sex (UTF8); required int32 age_years (TIME(MILLIS,true));";
    let columns = [Column::Whole(vec![1]), Column::Text(vec![Some("F")]), Column::Days(vec![5])];
    let file = parquet(schema, &columns, Compression::SNAPPY);
    assert_eq!(admitted(&file, &rules()).unwrap_err(), ClinicalError::ParquetType("age_years".into()));
    let rules = TableRules::of(&rules().columns[1..]);
    assert_eq!(admitted(&file, &rules).unwrap().table.len(), 1);
}

#[test]
fn a_parquet_file_that_unfolds_is_refused_at_the_bound() {
    let schema = "required boolean patient_id; optional binary sex (UTF8); required double age_years;";
    let many = parquet(
        &schema.replace("optional binary sex (UTF8); required double age_years;", ""),
        &[Column::Flag(vec![true; 11_000_000])],
        Compression::ZSTD(ZstdLevel::default()),
    );
    assert!(many.metadata().unwrap().len() < 100_000);
    assert_eq!(admitted(&many, &TableRules::of(&[])).unwrap_err(), ClinicalError::TooManyRows);
    // A long text once in the dictionary, and a million references to it.
    let texts = vec![Some("x".repeat(1_000).leak() as &'static str); 1_200_000];
    let wide = parquet("optional binary patient_id (UTF8);", &[Column::Text(texts)], Compression::SNAPPY);
    assert!(wide.metadata().unwrap().len() < 100_000);
    let read = read_cells(wide, &["patient_id"], &mut |_| Ok(()));
    assert_eq!(read, Err(ClinicalError::TooLarge));
    let long = parquet(
        "optional binary patient_id (UTF8);",
        &[Column::Text(vec![Some("x".repeat(2_000).leak())])],
        Compression::SNAPPY,
    );
    assert_eq!(admitted(&long, &TableRules::of(&[])).unwrap_err(), ClinicalError::CellTooLong(Place::Row(1)));
    let names: String = (0..5000).map(|n| format!("required int64 c{n};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {names} }}")).unwrap());
    let file = tempfile::tempfile().unwrap();
    let writer = SerializedFileWriter::new(file.try_clone().unwrap(), schema, Arc::default()).unwrap();
    writer.close().unwrap();
    assert_eq!(read_head(file), Err(ClinicalError::TooManyColumns));
}

/// The rules of tests/oracles/clinical.py.
fn oracle_rules() -> TableRules {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let rule = |name: &str, source: &str, kind| ColumnRule {
        source: Some(source.to_owned()),
        ..ColumnRule::new(name.parse().unwrap(), kind)
    };
    let map = [("male", "M"), ("Male", "M"), ("female", "F")].map(|(from, to)| (from.into(), to.into()));
    let columns = vec![
        ColumnRule {
            missing: words(&["999"]),
            ..rule("age_years", "Age", ColumnType::Integer { min: 0, max: 120 })
        },
        ColumnRule {
            missing: words(&["unknown"]),
            map: map.into(),
            ..rule("sex", "Gender", ColumnType::Category { categories: words(&["F", "M"]) })
        },
        rule("size_mm", "Size", ColumnType::Real { min: 0.0, max: 50.0 }),
        ColumnRule {
            missing: words(&["NA"]),
            ..rule("stage", "Stage", ColumnType::Category { categories: words(&["I", "II", "III", "IV"]) })
        },
        rule("seen", "Seen", ColumnType::Days { min: -100, max: 2000 }),
    ];
    TableRules { key: "Subject".to_owned(), index_date: Some("Diagnosed".to_owned()), columns }
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Integer(i) => (*i).into(),
        Value::Real(x) => (*x).into(),
        Value::Text(text) => text.clone().into(),
        Value::Days(days) => (*days).into(),
        Value::Missing => serde_json::Value::Null,
    }
}

/// Python with pandas and pyarrow: `TROCAR_PYTHON`, else `python3`; `None`, said on one line, where there is none.
fn pandas() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("TROCAR_PYTHON").unwrap_or_else(|| "python3".into());
    let there = std::process::Command::new(&python).args(["-c", "import pandas, pyarrow"]).output();
    if there.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: no Python with pandas and pyarrow (TROCAR_PYTHON names one)");
    None
}

#[test]
fn csv_and_parquet_give_the_cells_that_pandas_and_pyarrow_read() {
    let Some(python) = pandas() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracles/clinical.py");
    assert!(std::process::Command::new(python).arg(script).arg(folder.path()).status().unwrap().success());
    let rules = oracle_rules();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        let expected = std::fs::read(entry.with_extension("json")).unwrap();
        let expected: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
            serde_json::from_slice(&expected).unwrap();
        let table = admitted(&File::open(&entry).unwrap(), &rules).unwrap().table;
        assert_eq!(table.len(), expected.len());
        for (patient, cells) in &expected {
            for (column, cell) in cells {
                let ours = as_json(&table.row(patient).unwrap()[column]);
                let same = match (ours.as_f64(), cell.as_f64()) {
                    (Some(a), Some(b)) => a == b,
                    _ => ours == *cell,
                };
                assert!(same, "{}: {patient} {column}: ours {ours}, pandas {cell}", entry.display());
            }
        }
        files += 1;
    }
    assert_eq!(files, 5);
}
