//! The views' types as the contract has them.

use crate::bindings::trocar::guest::types;
use trocar_terms::{Fault, Grid, SeriesInfo, Value};

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotGranted => Self::NotGranted,
            Fault::Absent => Self::Absent,
            Fault::Unsupported => Self::Unsupported,
            Fault::OutOfRange => Self::OutOfRange,
        }
    }
}

impl From<Value> for types::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Integer(x) => Self::Integer(x),
            Value::Real(x) => Self::Real(x),
            Value::Text(x) => Self::Text(x),
            Value::Days(x) => Self::Days(x),
            Value::Missing => Self::Missing,
        }
    }
}

impl From<Grid> for types::Grid {
    fn from(grid: Grid) -> Self {
        let Grid { columns, rows, slices, spacing_mm } = grid;
        Self { columns, rows, slices, spacing_mm }
    }
}

impl From<types::Grid> for Grid {
    fn from(grid: types::Grid) -> Self {
        let types::Grid { columns, rows, slices, spacing_mm } = grid;
        Self { columns, rows, slices, spacing_mm }
    }
}

impl From<&SeriesInfo> for types::SeriesInfo {
    fn from(info: &SeriesInfo) -> Self {
        let SeriesInfo { modality, unit, grid, integral } = info;
        Self { modality: modality.clone(), unit: unit.clone(), grid: (*grid).into(), integral: *integral }
    }
}
