//! results.csv, RFC 4180.

use super::{Column, Sheet};
use crate::BundleError;

/// One header, then one line a row; lines end with CR LF.
pub(crate) fn csv(sheet: &Sheet) -> Result<Vec<u8>, BundleError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(sheet.0.iter().map(|(name, _)| name))?;
    for row in 0..sheet.rows() {
        writer.write_record(sheet.0.iter().map(|(_, column)| field(column, row)))?;
    }
    writer.into_inner().map_err(|e| BundleError::Table(e.into_error().into()))
}

fn field(column: &Column, row: usize) -> String {
    match column {
        Column::Text(cells) => cells.get(row).cloned().unwrap_or_default(),
        Column::Real(cells) => cells.get(row).copied().flatten().map_or_else(String::new, text),
        Column::Flag(cells) => cells.get(row).copied().unwrap_or_default().to_string(),
    }
}

/// As results.json writes it: the shortest text that is read back as the same number.
fn text(value: f64) -> String {
    serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string())
}
