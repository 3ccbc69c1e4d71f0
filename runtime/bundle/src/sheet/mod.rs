//! The table of results, one row a number, and its two files: results.csv and results.parquet.
//!
//! Both are written from the same columns, so that they cannot say different things.

mod comma;
mod exact;
mod noised;
mod parquet;
mod units;

pub(crate) use comma::csv;
pub(crate) use exact::exact;
pub(crate) use noised::noised;
pub(crate) use parquet::parquet;

/// Columns of one length, in the order of the files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet(Vec<(&'static str, Column)>);

/// One column.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    /// Empty where it does not apply.
    Text(Vec<String>),
    /// Absent where it does not apply, is blanked, or is the open end of an interval.
    Real(Vec<Option<f64>>),
    Flag(Vec<bool>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
            Self::Flag(cells) => cells.len(),
        }
    }
}

impl Sheet {
    fn rows(&self) -> usize {
        self.0.first().map_or(0, |(_, column)| column.len())
    }
}

/// A cell's words as a machine reads them: a minus sign is the hyphen of ASCII.
fn ascii(label: &str) -> String {
    label.replace('\u{2212}', "-")
}

fn texts<R>(rows: &[R], of: impl Fn(&R) -> String) -> Column {
    Column::Text(rows.iter().map(of).collect())
}

/// A number that is not finite is no number.
fn reals<R>(rows: &[R], of: impl Fn(&R) -> Option<f64>) -> Column {
    Column::Real(rows.iter().map(|row| of(row).filter(|x| x.is_finite())).collect())
}
