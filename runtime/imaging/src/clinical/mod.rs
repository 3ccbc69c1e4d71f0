//! Clinical tables: CSV or Parquet in, the admitted cells of each patient out.
//!
//! Two halves. [`read_cells`] parses hostile bytes, in a worker, and gives the text of the wanted columns row by row.
//! [`Admission`] holds that text against the policy's rules and keeps what it lets through.

mod admit;
mod cells;
mod comma;
mod error;
mod parquet;
mod table;

pub use admit::{Admission, Admitted, ColumnCount};
pub use cells::{Place, Row, read_cells, read_head};
pub use error::ClinicalError;
pub use table::ClinicalTable;

/// A clinical table of a node's disk is at most this long; no real one comes near it.
pub const MAX_CLINICAL_BYTES: u64 = 256 << 20;
/// The largest bound of patients that a policy may declare.
pub const MAX_ROWS: u64 = 10_000_000;
/// Registries of whole hospitals have a few hundred.
pub const MAX_COLUMNS: usize = 4_096;
/// Bytes of a cell that is kept: a number, a date, a category or an id.
pub const MAX_CELL: usize = 1 << 10;
/// Bytes of all kept cells together: a Parquet file of few bytes may stand for any number of equal cells.
pub const MAX_TEXT: u64 = 1 << 30;
