//! Released numbers as a sheet.

use super::{Column, Sheet, ascii, reals, texts, units};
use crate::figures::{Cell, Figure, Number};
use crate::statistics::{Part, Statistic};

/// One number, and what it is a number of.
struct Row {
    output: String,
    kind: &'static str,
    unit: String,
    /// Of a derived statistic: which of its parts.
    part: &'static str,
    /// And of which patients, where the output has an axis of groups.
    group: String,
    cell: Cell,
}

/// The noisy number of patients, every cell of every output and every number of every derived statistic; nothing where the
/// job was withheld.
pub(crate) fn noised(
    patients: Option<Number>,
    figures: &[Figure<'_>],
    statistics: &[Statistic<'_>],
) -> Sheet {
    let cohort = patients.map(of_cohort);
    let outputs = figures.iter().flat_map(of_output);
    let derived = statistics.iter().flat_map(|s| s.parts.iter().flat_map(|part| of_part(s, part)));
    sheet(&cohort.into_iter().chain(outputs).chain(derived).collect::<Vec<_>>())
}

fn of_cohort(number: Number) -> Row {
    let cell = Cell { label: String::new(), edges: None, number: Some(number) };
    Row { output: "patients".into(), kind: "cohort", unit: "1".into(), part: "", group: String::new(), cell }
}

fn of_output(figure: &Figure<'_>) -> Vec<Row> {
    let output = figure.output;
    let row = |cell: &Cell| Row {
        output: output.name.to_string(),
        kind: output.kind.word(),
        unit: output.unit.clone(),
        part: "",
        group: String::new(),
        cell: cell.clone(),
    };
    figure.cells.iter().map(row).collect()
}

fn of_part(statistic: &Statistic<'_>, part: &Part) -> Vec<Row> {
    let row = |cell: &Cell| Row {
        output: statistic.derived.name.to_string(),
        kind: statistic.derived.kind.word(),
        unit: units::unit(statistic, part.name, &cell.label),
        part: part.name,
        group: part.group.clone(),
        cell: cell.clone(),
    };
    part.cells.iter().map(row).collect()
}

fn sheet(rows: &[Row]) -> Sheet {
    let number = |of: fn(Number) -> Option<f64>| reals(rows, move |row: &Row| row.cell.number.and_then(of));
    let edge = |of: fn((f64, f64)) -> f64| reals(rows, move |row: &Row| row.cell.edges.map(of));
    Sheet(vec![
        ("output", texts(rows, |row| row.output.clone())),
        ("kind", texts(rows, |row| row.kind.to_owned())),
        ("unit", texts(rows, |row| row.unit.clone())),
        ("part", texts(rows, |row| row.part.to_owned())),
        ("group", texts(rows, |row| row.group.clone())),
        ("cell", texts(rows, |row| ascii(&row.cell.label))),
        ("lower", edge(|edges| edges.0)),
        ("upper", edge(|edges| edges.1)),
        ("value", number(|n| Some(n.value))),
        ("sd", number(|n| n.sd)),
        ("low95", number(|n| n.low95)),
        ("high95", number(|n| n.high95)),
        ("shown", Column::Flag(rows.iter().map(|row| row.cell.number.is_some()).collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::{csv, parquet};
    use super::*;
    use crate::{fixture, statistics};
    use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
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

    fn row(cell: Cell) -> Vec<String> {
        let output = table();
        let bytes = csv(&noised(None, &[Figure { output: &output, cells: vec![cell] }], &[])).unwrap();
        let row = csv::Reader::from_reader(&*bytes).records().next().unwrap().unwrap();
        row.iter().map(str::to_owned).collect()
    }

    #[test]
    fn separators_and_quotes_in_a_category_stay_in_their_field() {
        let label = "scanner GE, \"Discovery\"\r\n2";
        let row = row(cell(label));
        assert_eq!([&row[5], &row[8], &row[11], &row[12]], [label, "12.5", "22.3", "true"]);
    }

    #[test]
    fn a_blanked_cell_has_empty_fields() {
        let row = row(Cell { number: None, ..cell("scanner x") });
        assert_eq!(row[8..], ["", "", "", "", "false"]);
    }

    #[test]
    fn a_number_with_an_open_interval_is_shown_with_an_empty_end() {
        let all = cell("scanner x");
        let open = all.number.map(|n| Number { sd: None, high95: None, high: None, ..n });
        assert_eq!(row(Cell { number: open, ..all })[8..], ["12.5", "", "2.7", "", "true"]);
    }

    #[test]
    fn a_withheld_sheet_has_its_header_alone_in_both_files() {
        let output = table();
        let sheet = noised(None, &[Figure { output: &output, cells: vec![] }], &[]);
        let text = String::from_utf8(csv(&sheet).unwrap()).unwrap();
        assert_eq!(text, "output,kind,unit,part,group,cell,lower,upper,value,sd,low95,high95,shown\r\n");
        let reader = reader(&parquet(&sheet).unwrap());
        let meta = reader.metadata().file_metadata();
        assert_eq!((meta.num_rows(), meta.schema().get_fields().len()), (0, 13));
    }

    fn reader(bytes: &[u8]) -> SerializedFileReader<std::fs::File> {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        SerializedFileReader::new(file).unwrap()
    }

    /// All numbers of all kinds, and those that a derived statistic has of its own.
    fn everything() -> Sheet {
        let job = fixture::job(&[fixture::ALL, fixture::DERIVED].concat());
        let outcome = job.outcome(480, 1);
        let figures = crate::figures::figures(&job.manifest.outputs, &outcome);
        let statistics = statistics::statistics(&job.manifest, &outcome);
        noised(crate::figures::patients(&outcome), &figures, &statistics)
    }

    #[test]
    fn parquet_holds_what_csv_holds_and_the_same_bytes_each_time() {
        let sheet = everything();
        let bytes = parquet(&sheet).unwrap();
        assert_eq!(bytes, parquet(&everything()).unwrap());
        let reader = reader(&bytes);
        let text = csv(&sheet).unwrap();
        let lines: Vec<csv::StringRecord> =
            csv::Reader::from_reader(&*text).records().map(Result::unwrap).collect();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert!(rows.len() == lines.len() && rows.len() > 100);
        for (row, line) in rows.iter().zip(&lines) {
            for ((_, field), text) in row.get_column_iter().zip(line) {
                use ::parquet::record::Field::{Bool, Double, Null, Str};
                let same = match field {
                    Str(field) => field == text,
                    Double(field) => text.parse::<f64>().unwrap().to_bits() == field.to_bits(),
                    Bool(field) => field.to_string() == text,
                    Null => text.is_empty(),
                    _ => false,
                };
                assert!(same, "{field} is {text} in results.csv");
            }
        }
    }

    #[test]
    fn derived_numbers_have_the_unit_of_what_they_are_made_of() {
        let Sheet(columns) = everything();
        let column = |name: &str| match &columns.iter().find(|(n, _)| *n == name).unwrap().1 {
            Column::Text(cells) => cells.clone(),
            Column::Real(_) | Column::Flag(_) => panic!("{name} is no text"),
        };
        let [outputs, parts, cells, units] = ["output", "part", "cell", "unit"].map(column);
        let unit = |output: &str, part: &str, cell: &str| {
            let same = |i: &usize| outputs[*i] == output && parts[*i] == part && cells[*i] == cell;
            let at = (0..cells.len()).find(same);
            units[at.unwrap_or_else(|| panic!("no {part} of {cell} in {output}"))].clone()
        };
        assert_eq!((unit("together", "mean", "age"), unit("auc", "auc", "")), ("a".into(), "1".into()));
        assert_eq!(unit("together", "correlation", "age, suv"), "1");
        assert_eq!(unit("together", "covariance", "age, volume"), "(a).(mL)");
        assert_eq!(unit("fit", "coefficient", "age"), "(g/mL)/(a)");
        assert_eq!(unit("fit", "coefficient", "intercept"), "g/mL");
        assert_eq!(unit("odds", "coefficient", "age"), "", "the guest scaled it");
    }
}
