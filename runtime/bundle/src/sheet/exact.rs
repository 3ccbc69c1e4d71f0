//! Exact results as a sheet: no noise, so no interval.

use super::{Column, Sheet, ascii, reals, texts};
use crate::reviewed::Row;

/// One row a number; a suppressed one has no value.
pub(crate) fn exact(rows: &[Row]) -> Sheet {
    let edge = |pick: fn((f64, f64)) -> f64| reals(rows, move |row: &Row| row.label.1.map(pick));
    Sheet(vec![
        ("output", texts(rows, |row| row.output.clone())),
        ("kind", texts(rows, |row| row.kind.to_owned())),
        ("unit", texts(rows, |row| row.unit.clone())),
        ("cell", texts(rows, |row| ascii(&row.label.0))),
        ("lower", edge(|edges| edges.0)),
        ("upper", edge(|edges| edges.1)),
        ("value", reals(rows, |row| row.value)),
        ("shown", Column::Flag(rows.iter().map(|row| row.value.is_some()).collect())),
    ])
}
