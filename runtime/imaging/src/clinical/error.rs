use super::Place;
use serde::{Deserialize, Serialize};

/// Why a clinical table is refused. Column names come from the policy, never from a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ClinicalError {
    /// It cannot be read from the disk.
    #[error("the clinical table cannot be read")]
    Unreadable,
    /// Over [`MAX_CLINICAL_BYTES`](super::MAX_CLINICAL_BYTES), or it unfolds to more than [`MAX_TEXT`](super::MAX_TEXT).
    #[error("the clinical table is larger than 256 MiB, or unfolds to more than 1 GiB")]
    TooLarge,
    /// Over [`MAX_ROWS`](super::MAX_ROWS).
    #[error("the clinical table has more than ten million rows")]
    TooManyRows,
    /// Over [`MAX_COLUMNS`](super::MAX_COLUMNS).
    #[error("the clinical table has more than 4096 columns")]
    TooManyColumns,
    /// A kept cell over [`MAX_CELL`](super::MAX_CELL).
    #[error("{0}: a cell is longer than 1024 bytes")]
    CellTooLong(Place),
    /// No header line, or no column.
    #[error("the clinical table is empty: line 1 must name its columns")]
    Empty,
    /// The key column is not there.
    #[error("line 1: the clinical table has no column `{0}` to find patients by")]
    NoKey(String),
    /// The column of the index date is not there.
    #[error("line 1: the clinical table has no column `{0}` to count days from")]
    NoIndexDate(String),
    /// A granted column is not there.
    #[error("line 1: the clinical table has no column `{0}`, which the policy grants")]
    NoColumn(String),
    /// A column name comes twice.
    #[error("line 1: the clinical table names the column `{0}` twice")]
    ColumnTwice(String),
    /// A row without a patient.
    #[error("{0}: the row names no patient")]
    NoPatient(Place),
    /// A patient comes twice.
    #[error("{0}: this patient already has a row")]
    PatientTwice(Place),
    /// A row of another length.
    #[error("{0}: the row has another number of cells than line 1")]
    Ragged(Place),
    /// Not UTF-8, or not CSV.
    #[error("{0}: not CSV text in UTF-8")]
    NotText(Place),
    /// It begins as Parquet does and is damaged or of a kind that is not read.
    #[error("the clinical table begins as a Parquet file does, and cannot be read as one")]
    NotParquet,
    /// Lists, maps or structures.
    #[error("the clinical table is a Parquet file with columns in columns: write a flat one")]
    Nested,
    /// A Parquet type that has no text.
    #[error("the column `{0}` has a Parquet type that is no number, text, date or yes and no")]
    ParquetType(String),
    /// The process that read it died, hung or answered nonsense.
    #[error("the process that read the clinical table died or took too long")]
    Died,
}
