use super::{ClinicalError, MAX_CELL, MAX_CLINICAL_BYTES, MAX_ROWS, MAX_TEXT, comma, parquet};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// Where a row stands, in the words of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A line of a CSV file, from 1: the header's.
    Line(u64),
    /// A row of a Parquet file, from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Row(n) => write!(f, "row {n}"),
        }
    }
}

/// The wanted cells of one row, in the order in which they were asked for; an empty text where there is none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// Its cells.
    pub cells: Vec<String>,
}

// A row is a patient's: Debug shows where it stands alone.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The first and the last bytes of a Parquet file. No CSV of a hospital begins with a column of that name.
const PARQUET: &[u8; 4] = b"PAR1";

/// Gives the cells of the columns `wanted`, row by row, of a CSV or Parquet file: which it is says its content.
///
/// `take` may end the reading with an error of its own.
///
/// # Errors
/// What is wrong with the file, or what `take` returned.
pub fn read_cells(
    mut file: File,
    wanted: &[&str],
    take: &mut dyn FnMut(Row) -> Result<(), ClinicalError>,
) -> Result<(), ClinicalError> {
    let mut bounded = Bounded { take, rows: 0, text: 0 };
    let mut take = |row| bounded.add(row);
    if is_parquet(&mut file)? {
        parquet::rows(file, wanted, &mut take)
    } else {
        comma::rows(file, wanted, &mut take)
    }
}

/// The names of a table's columns, in its order.
///
/// # Errors
/// What is wrong with the file's head.
pub fn read_head(mut file: File) -> Result<Vec<String>, ClinicalError> {
    if is_parquet(&mut file)? { parquet::head(file) } else { comma::head(file) }
}

fn is_parquet(file: &mut File) -> Result<bool, ClinicalError> {
    if file.metadata().map_err(|_| ClinicalError::Unreadable)?.len() > MAX_CLINICAL_BYTES {
        return Err(ClinicalError::TooLarge);
    }
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(|_| ClinicalError::Unreadable)?;
    let head = Read::by_ref(file).take(PARQUET.len() as u64).read_to_end(&mut start);
    head.map_err(|_| ClinicalError::Unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(|_| ClinicalError::Unreadable)?;
    Ok(start == PARQUET)
}

/// Counts what is handed on, whatever the file is.
struct Bounded<'a> {
    take: &'a mut dyn FnMut(Row) -> Result<(), ClinicalError>,
    rows: u64,
    text: u64,
}

impl Bounded<'_> {
    fn add(&mut self, row: Row) -> Result<(), ClinicalError> {
        if row.cells.iter().any(|cell| cell.len() > MAX_CELL) {
            return Err(ClinicalError::CellTooLong(row.place));
        }
        let length: u64 = row.cells.iter().map(|cell| cell.len() as u64).sum();
        self.rows += 1;
        self.text += length;
        if self.rows > MAX_ROWS {
            return Err(ClinicalError::TooManyRows);
        }
        if self.text > MAX_TEXT {
            return Err(ClinicalError::TooLarge);
        }
        (self.take)(row)
    }
}

/// The places of `wanted` in a head: one that is not there is `None`, one that is there twice an error.
pub(super) fn places(head: &[&str], wanted: &[&str]) -> Result<Vec<Option<usize>>, ClinicalError> {
    let asked: BTreeSet<&str> = wanted.iter().copied().collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = head.iter().find(|name| asked.contains(*name) && !seen.insert(**name)) {
        return Err(ClinicalError::ColumnTwice((*twice).to_owned()));
    }
    Ok(wanted.iter().map(|name| head.iter().position(|column| column == name)).collect())
}

/// As [`places`], where each must be there.
pub(super) fn all_places(head: &[&str], wanted: &[&str]) -> Result<Vec<usize>, ClinicalError> {
    let absent = |name: &&str| ClinicalError::NoColumn((*name).to_owned());
    let places = places(head, wanted)?;
    places.into_iter().zip(wanted).map(|(place, name)| place.ok_or_else(|| absent(name))).collect()
}
