//! results.csv holds the numbers of results.json, in their order, and no other.

use crate::bag::Files;
use crate::error::VerifyError;
use crate::verify::get;
use crate::write::TABLE;
use serde_json::Value;

/// A row of the table, or a place of results.json: a number that is shown, or a blank.
type Shown = Option<f64>;

/// Compares the two files number by number.
pub(crate) fn check(files: &Files, results: &Value) -> Result<(), VerifyError> {
    let rows = rows(get(files, TABLE)?)?;
    let expected = numbers(results);
    let same = |(a, b): (&Shown, &Shown)| a.map(f64::to_bits) == b.map(f64::to_bits);
    if rows.len() == expected.len() && rows.iter().zip(&expected).all(same) {
        return Ok(());
    }
    Err(VerifyError::disagrees(TABLE, "other numbers than results.json"))
}

fn rows(bytes: &[u8]) -> Result<Vec<Shown>, VerifyError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let unreadable = |e: csv::Error| VerifyError::unreadable(TABLE, e);
    let header = reader.headers().map_err(unreadable)?.clone();
    let column = |name: &str| {
        let place = header.iter().position(|h| h == name);
        place.ok_or_else(|| VerifyError::unreadable(TABLE, "a column is missing"))
    };
    let (value, shown) = (column("value")?, column("shown")?);
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(unreadable)?;
        match (record.get(shown), record.get(value)) {
            (Some("false"), Some("")) => Ok(None),
            (Some("true"), Some(text)) => {
                text.parse().map(Some).map_err(|e| VerifyError::unreadable(TABLE, e))
            }
            _ => Err(VerifyError::unreadable(TABLE, "a row is neither shown nor blank")),
        }
    };
    reader.records().map(row).collect()
}

/// In the order of the table: the noisy number of patients, the outputs, the parts of the derived statistics. The table of
/// an exact result has no row for its patients.
fn numbers(results: &Value) -> Vec<Shown> {
    let exact = results.get("rounding_base").is_some();
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let parts = list(results, "derived").into_iter().flat_map(|derived| list(&derived, "parts"));
    let patients = results.get("patients").filter(|_| !exact).cloned();
    let all = patients.into_iter().chain(list(results, "outputs")).chain(parts);
    all.flat_map(|figure| of(&figure)).collect()
}

/// The number or numbers of one figure. What has no mark of its own, as the number of patients, is shown.
fn of(figure: &Value) -> Vec<Shown> {
    let values = figure.get("value");
    match (values, figure.get("shown")) {
        (Some(Value::Array(values)), Some(Value::Array(shown))) => {
            values.iter().zip(shown).map(|(value, shown)| one(value, shown)).collect()
        }
        (Some(value), shown) => vec![one(value, shown.unwrap_or(&Value::Bool(true)))],
        (None, _) => Vec::new(),
    }
}

fn one(value: &Value, shown: &Value) -> Shown {
    value.as_f64().filter(|_| *shown == Value::Bool(true))
}
