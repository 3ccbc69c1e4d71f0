use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, io::Read};
use trocar_terms::{ColumnRule, Value};

/// A clinical table is read whole; no real one comes near this.
pub const MAX_CLINICAL_BYTES: u64 = 256 << 20;

/// The granted columns of a clinical table, keyed by patient.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClinicalTable(BTreeMap<String, BTreeMap<String, Value>>);

impl ClinicalTable {
    /// A patient's granted cells; `None` where the table has no row for her.
    #[must_use]
    pub fn row(&self, patient_id: &str) -> Option<&BTreeMap<String, Value>> {
        self.0.get(patient_id)
    }

    /// Number of patients in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no patient.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ClinicalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClinicalTable({} rows)", self.len())
    }
}

/// Why a clinical table is refused. Column names come from the policy or the header line, never from a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ClinicalError {
    /// It cannot be read from the disk.
    #[error("the clinical table cannot be read")]
    Unreadable,
    /// Over [`MAX_CLINICAL_BYTES`].
    #[error("the clinical table is larger than 256 MiB")]
    TooLarge,
    /// No header line.
    #[error("the clinical table is empty: line 1 must name its columns")]
    Empty,
    /// The key column is not there.
    #[error("line 1: the clinical table has no column `{0}` to find patients by")]
    NoKey(String),
    /// A granted column is not there.
    #[error("line 1: the clinical table has no column `{0}`, which the policy grants")]
    NoColumn(String),
    /// A column name comes twice.
    #[error("line 1: the clinical table names the column `{0}` twice")]
    ColumnTwice(String),
    /// A row without a patient.
    #[error("line {0}: the row names no patient")]
    NoPatient(u64),
    /// A patient comes twice.
    #[error("line {0}: this patient already has a row")]
    PatientTwice(u64),
    /// A row of another length.
    #[error("line {0}: the row has another number of cells than line 1")]
    Ragged(u64),
    /// Not UTF-8, or not CSV.
    #[error("line {0}: not CSV text in UTF-8")]
    NotText(u64),
}

/// Reads a clinical table with commas, quotes as in RFC 4180, and a header line.
///
/// Only the columns of `rules` are kept; a cell outside its rule is `Missing`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(
    reader: impl Read,
    key_column: &str,
    rules: &[ColumnRule],
) -> Result<ClinicalTable, ClinicalError> {
    let bytes = read_bounded(reader)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut csv = ReaderBuilder::new().from_reader(text);
    let header = csv.headers().map_err(|e| describe(&e))?.clone();
    let columns = Columns::find(&header, key_column, rules)?;
    let mut table = ClinicalTable::default();
    for record in csv.records() {
        let record = record.map_err(|e| describe(&e))?;
        columns.add(&record, &mut table)?;
    }
    Ok(table)
}

fn read_bounded(reader: impl Read) -> Result<Vec<u8>, ClinicalError> {
    let mut bytes = Vec::new();
    reader.take(MAX_CLINICAL_BYTES + 1).read_to_end(&mut bytes).map_err(|_| ClinicalError::Unreadable)?;
    if bytes.len() as u64 > MAX_CLINICAL_BYTES {
        return Err(ClinicalError::TooLarge);
    }
    Ok(bytes)
}

fn describe(error: &csv::Error) -> ClinicalError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { .. } => ClinicalError::Ragged(line),
        csv::ErrorKind::Io(_) => ClinicalError::Unreadable,
        _ => ClinicalError::NotText(line),
    }
}

/// Where the wanted columns are.
struct Columns<'a> {
    key: usize,
    granted: Vec<(usize, &'a ColumnRule)>,
}

impl<'a> Columns<'a> {
    fn find(header: &StringRecord, key: &str, rules: &'a [ColumnRule]) -> Result<Self, ClinicalError> {
        if header.iter().all(|name| name.trim().is_empty()) {
            return Err(ClinicalError::Empty);
        }
        let key = position(header, key)?.ok_or_else(|| ClinicalError::NoKey(key.to_owned()))?;
        let granted = rules.iter().map(|rule| {
            let name = rule.name.as_str();
            let at = position(header, name)?.ok_or_else(|| ClinicalError::NoColumn(name.to_owned()))?;
            Ok((at, rule))
        });
        Ok(Self { key, granted: granted.collect::<Result<_, _>>()? })
    }

    fn add(&self, record: &StringRecord, table: &mut ClinicalTable) -> Result<(), ClinicalError> {
        let line = record.position().map_or(0, csv::Position::line);
        let patient = record.get(self.key).map(str::trim).filter(|id| !id.is_empty());
        let patient = patient.ok_or(ClinicalError::NoPatient(line))?;
        let cells = self.granted.iter().map(|(at, rule)| {
            let cell = record.get(*at).unwrap_or_default();
            (rule.name.as_str().to_owned(), rule.kind.admit(cell))
        });
        match table.0.insert(patient.to_owned(), cells.collect()) {
            None => Ok(()),
            Some(_) => Err(ClinicalError::PatientTwice(line)),
        }
    }
}

fn position(header: &StringRecord, name: &str) -> Result<Option<usize>, ClinicalError> {
    let mut places = header.iter().enumerate().filter(|(_, column)| column.trim() == name);
    let first = places.next().map(|(at, _)| at);
    match places.next() {
        None => Ok(first),
        Some(_) => Err(ClinicalError::ColumnTwice(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_terms::ColumnType;

    fn rules() -> Vec<ColumnRule> {
        vec![
            ColumnRule { name: "age_years".parse().unwrap(), kind: ColumnType::Integer { min: 0, max: 120 } },
            ColumnRule {
                name: "sex".parse().unwrap(),
                kind: ColumnType::Category { categories: vec!["F".into(), "M".into()] },
            },
        ]
    }

    fn parse(text: &str) -> Result<ClinicalTable, ClinicalError> {
        read(text.as_bytes(), "patient_id", &rules())
    }

    #[test]
    fn granted_columns_are_kept_and_others_never_leave_the_reader() {
        let table =
            parse("\u{feff}name,sex,patient_id,age_years\n\"Doe, J\",F,p1,61\nRoe,x,p2,200\n").unwrap();
        let row = table.row("p1").unwrap();
        assert_eq!(row.len(), 2);
        assert_eq!((&row["age_years"], &row["sex"]), (&Value::Integer(61), &Value::Text("F".into())));
        assert_eq!(table.row("p2").unwrap()["sex"], Value::Missing);
        assert_eq!((table.len(), table.row("p3")), (2, None));
        assert_eq!(format!("{table:?}"), "ClinicalTable(2 rows)");
    }

    #[test]
    fn an_empty_file_is_refused() {
        assert_eq!(parse(""), Err(ClinicalError::Empty));
        assert_eq!(parse("\n\n"), Err(ClinicalError::Empty));
    }

    #[test]
    fn a_table_without_the_key_column_is_refused() {
        assert_eq!(parse("id,age_years,sex\n"), Err(ClinicalError::NoKey("patient_id".into())));
    }

    #[test]
    fn a_table_without_a_granted_column_is_refused() {
        assert_eq!(parse("patient_id,age_years\n"), Err(ClinicalError::NoColumn("sex".into())));
    }

    #[test]
    fn a_column_named_twice_is_refused() {
        assert_eq!(parse("patient_id,sex,age_years,sex\n"), Err(ClinicalError::ColumnTwice("sex".into())));
    }

    #[test]
    fn a_second_row_for_a_patient_is_refused() {
        let text = "patient_id,age_years,sex\np1,1,F\np2,1,F\np1,2,F\n";
        assert_eq!(parse(text), Err(ClinicalError::PatientTwice(4)));
    }

    #[test]
    fn a_ragged_row_is_refused_with_its_line() {
        assert_eq!(parse("patient_id,age_years,sex\np1,1,F\np2,1\n"), Err(ClinicalError::Ragged(3)));
    }

    #[test]
    fn a_row_without_a_patient_is_refused() {
        assert_eq!(parse("patient_id,age_years,sex\n ,1,F\n"), Err(ClinicalError::NoPatient(2)));
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        let bytes = b"patient_id,age_years,sex\np1,1,\xff\n";
        assert_eq!(read(&bytes[..], "patient_id", &rules()), Err(ClinicalError::NotText(2)));
    }
}
