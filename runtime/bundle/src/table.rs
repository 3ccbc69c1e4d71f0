//! results.csv: one row a number, RFC 4180.

use crate::{
    BundleError,
    figures::{Cell, Figure, Number},
    statistics::Statistic,
};

const HEADER: [&str; 11] =
    ["output", "kind", "unit", "cell", "lower", "upper", "value", "sd", "low95", "high95", "shown"];

/// Writes the noisy number of patients, every cell of every output and every number of every derived statistic; a blanked
/// one has empty fields, an open end of an interval an empty one.
pub(crate) fn csv(
    patients: Option<Number>,
    figures: &[Figure<'_>],
    statistics: &[Statistic<'_>],
) -> Result<Vec<u8>, BundleError> {
    // RFC 4180 ends lines with CR LF.
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER)?;
    if let Some(number) = patients {
        let cell = Cell { label: String::new(), edges: None, number: Some(number) };
        writer.write_record(row("patients", "cohort", "1", &cell))?;
    }
    for figure in figures {
        let output = figure.output;
        for cell in &figure.cells {
            writer.write_record(row(output.name.as_str(), output.kind.word(), &output.unit, cell))?;
        }
    }
    for statistic in statistics {
        let derived = statistic.derived;
        for cell in statistic.cells() {
            writer.write_record(row(derived.name.as_str(), derived.kind.word(), "", &cell))?;
        }
    }
    writer.into_inner().map_err(|e| BundleError::Table(e.into_error().into()))
}

fn row(name: &str, kind: &str, unit: &str, cell: &Cell) -> [String; 11] {
    let edge = |f: fn((f64, f64)) -> f64| cell.edges.map(f).map_or_else(String::new, text);
    let number = |f: fn(Number) -> Option<f64>| cell.number.and_then(f).map_or_else(String::new, text);
    [
        name.to_owned(),
        kind.to_owned(),
        unit.to_owned(),
        cell.label.replace('\u{2212}', "-"),
        edge(|e| e.0),
        edge(|e| e.1),
        number(|n| Some(n.value)),
        number(|n| n.sd),
        number(|n| n.low95),
        number(|n| n.high95),
        cell.number.is_some().to_string(),
    ]
}

/// As results.json writes it: the shortest text that is read back as the same number.
fn text(value: f64) -> String {
    serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use trocar_terms::Output;

    fn table() -> Output {
        let axes = json!([{"name": "scanner", "categories": ["x"]}]);
        let fields = json!({"name": "x", "unit": "1", "rho": "0.02", "kind": "table", "axes": axes, "cells_per_patient": 1});
        serde_json::from_value(fields).unwrap()
    }

    fn cell(label: &str) -> Cell {
        let (low95, high95) = (Some(2.7), Some(22.3));
        let (low, high) = (low95, high95);
        let number = Number { value: 12.5, display: 12.5, sd: Some(5.0), low95, high95, low, high };
        Cell { label: label.to_owned(), edges: None, number: Some(number) }
    }

    fn rows(bytes: &[u8]) -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(bytes).records().map(Result::unwrap).collect()
    }

    #[test]
    fn separators_and_quotes_in_a_category_stay_in_their_field() {
        let label = "scanner GE, \"Discovery\"\r\n2";
        let output = table();
        let figure = Figure { output: &output, cells: vec![cell(label)] };
        let rows = rows(&csv(None, &[figure], &[]).unwrap());
        assert_eq!((&rows[0][3], &rows[0][6], &rows[0][9], &rows[0][10]), (label, "12.5", "22.3", "true"));
    }

    #[test]
    fn a_blanked_cell_has_empty_fields() {
        let output = table();
        let blanked = Cell { number: None, ..cell("scanner x") };
        let rows = rows(&csv(None, &[Figure { output: &output, cells: vec![blanked] }], &[]).unwrap());
        assert_eq!(rows[0].iter().skip(6).collect::<Vec<_>>(), ["", "", "", "", "false"]);
    }

    #[test]
    fn a_number_with_an_open_interval_is_shown_with_an_empty_end() {
        let output = table();
        let all = cell("scanner x");
        let open = all.number.map(|n| Number { sd: None, high95: None, high: None, ..n });
        let figure = Figure { output: &output, cells: vec![Cell { number: open, ..all }] };
        let rows = rows(&csv(None, &[figure], &[]).unwrap());
        assert_eq!(rows[0].iter().skip(6).collect::<Vec<_>>(), ["12.5", "", "2.7", "", "true"]);
    }

    #[test]
    fn a_withheld_table_has_its_header_alone() {
        let output = table();
        let bytes = csv(None, &[Figure { output: &output, cells: vec![] }], &[]).unwrap();
        assert_eq!(bytes, format!("{}\r\n", HEADER.join(",")).as_bytes());
    }
}
