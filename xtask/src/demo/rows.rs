//! The numbers of a results.json as rows, and as a table to read.

use serde_json::{Value, json};

/// One row a released number, in the order of the manifest; none for a withheld job.
pub(crate) fn rows(dataset: &str, algorithm: &str, results: &Value) -> Vec<Value> {
    if results["status"] != "released" {
        return Vec::new();
    }
    let patients = cell(dataset, format!("patients ({algorithm})"), &results["patients"], None, "1");
    let outputs = results["outputs"].as_array().into_iter().flatten();
    std::iter::once(patients).chain(outputs.flat_map(|output| output_rows(dataset, output))).collect()
}

fn output_rows(dataset: &str, output: &Value) -> Vec<Value> {
    let name = output["name"].as_str().unwrap_or_default();
    let unit = output["unit"].as_str().unwrap_or_default();
    match output["value"].as_array() {
        None => vec![cell(dataset, name.to_owned(), output, None, unit)],
        Some(cells) => {
            let labels = labels(output, cells.len()).into_iter().enumerate();
            labels.map(|(i, label)| cell(dataset, format!("{name} {label}"), output, Some(i), unit)).collect()
        }
    }
}

/// A blanked cell keeps its row: that it was blanked is part of the release. The noise of a cell has no unit of its own
/// in a histogram, whose `unit` is its axis'; so cells count patients.
fn cell(dataset: &str, output: String, from: &Value, index: Option<usize>, unit: &str) -> Value {
    let shown = pick(&from["shown"], index) != &Value::Bool(false);
    let number = |key: &str| {
        if shown { pick(&from[key], index).clone() } else { Value::Null }
    };
    let unit = if from["edges"].is_array() || from["axes"].is_array() { "{patients}" } else { unit };
    json!({"dataset": dataset, "output": output, "value": number("value"), "sd": number("sd"),
        "low95": number("low95"), "high95": number("high95"), "unit": unit})
}

fn pick(value: &Value, index: Option<usize>) -> &Value {
    index.map_or(value, |i| &value[i])
}

fn labels(output: &Value, cells: usize) -> Vec<String> {
    let labels = match (output["edges"].as_array(), output["axes"].as_array()) {
        (Some(edges), _) => bins(edges),
        (None, Some(axes)) => axes.iter().map(axis).fold(vec![String::new()], product),
        (None, None) => Vec::new(),
    };
    let fits = labels.len() == cells;
    if fits { labels } else { (0..cells).map(|i| format!("[{i}]")).collect() }
}

fn bins(edges: &[Value]) -> Vec<String> {
    let edge = |edge: &Value| edge.as_f64().unwrap_or(f64::NAN);
    edges.windows(2).map(|pair| format!("[{}, {})", edge(&pair[0]), edge(&pair[1]))).collect()
}

fn axis(axis: &Value) -> Vec<String> {
    let name = axis["name"].as_str().unwrap_or_default();
    let texts = axis["categories"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let edges = axis["edges"].as_array().map(|edges| bins(edges)).unwrap_or_default();
    texts.map(str::to_owned).chain(edges).map(|cell| format!("{name} {cell}")).collect()
}

/// The last axis fastest, as results have it.
fn product(before: Vec<String>, axis: Vec<String>) -> Vec<String> {
    let joined = |left: &String, right: &String| format!("{left} {right}").trim_start().to_owned();
    before.iter().flat_map(|left| axis.iter().map(move |right| joined(left, right))).collect()
}

/// Columns wide enough for their longest entry.
pub(crate) fn table(rows: &[Value]) -> String {
    let head = ["output", "value", "noise sd", "95 % interval of the noise", "unit"].map(str::to_owned);
    let lines: Vec<[String; 5]> = std::iter::once(head).chain(rows.iter().map(line)).collect();
    let widths: Vec<usize> =
        (0..5).map(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0)).collect();
    let padded = |line: &[String; 5]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

fn line(row: &Value) -> [String; 5] {
    let decimals = decimals(row["sd"].as_f64());
    let number = |key: &str| row[key].as_f64().map(|number| format!("{number:.decimals$}"));
    let interval = number("low95").zip(number("high95")).map(|(low, high)| format!("{low} .. {high}"));
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let value = number("value").unwrap_or_else(|| "(below k)".to_owned());
    [text("output"), value, number("sd").unwrap_or_default(), interval.unwrap_or_default(), text("unit")]
}

/// As many as show two digits of the noise: more would be noise. The JSON keeps all.
fn decimals(sd: Option<f64>) -> usize {
    let wanted = |sd: &f64| (0..9).find(|n| sd * 10_f64.powi(*n) >= 10.0);
    sd.filter(|sd| *sd > 0.0).as_ref().and_then(wanted).and_then(|n| usize::try_from(n).ok()).unwrap_or(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Value {
        json!({"status": "released", "patients": {"value": 198, "sd": 5.0}, "outputs": [
            {"name": "mean", "unit": "g/mL", "value": 3.9, "sd": 0.2, "low95": 3.5, "high95": 4.3},
            {"name": "volume", "unit": "mL", "edges": [0, 10, 50], "value": [12.1, 3.0], "sd": [5.0, 5.0],
                "shown": [true, false]}]})
    }

    #[test]
    fn every_number_of_a_release_has_a_row_and_keeps_its_value() {
        let rows = rows("real", "pet-suv", &results());
        let seen: Vec<_> =
            rows.iter().map(|row| (row["output"].as_str().unwrap(), row["value"].as_f64())).collect();
        let expected = [
            ("patients (pet-suv)", Some(198.0)),
            ("mean", Some(3.9)),
            ("volume [0, 10)", Some(12.1)),
            ("volume [10, 50)", None),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_table_shows_two_digits_of_the_noise() {
        assert_eq!([36.9, 5.0, 0.2, 0.012, 250.0].map(|sd| decimals(Some(sd))), [0, 1, 2, 3, 0]);
    }

    #[test]
    fn a_withheld_job_has_no_rows() {
        let withheld = json!({"status": "withheld"});
        assert!(rows("real", "pet-suv", &withheld).is_empty());
    }

    #[test]
    fn a_table_s_cells_are_named_with_the_last_axis_fastest() {
        let output = json!({"axes": [{"name": "sex", "categories": ["F", "M"]}, {"name": "age", "edges": [0, 50, 90]}]});
        assert_eq!(
            labels(&output, 4),
            ["sex F age [0, 50)", "sex F age [50, 90)", "sex M age [0, 50)", "sex M age [50, 90)"]
        );
    }

    #[test]
    fn a_table_shows_a_blanked_cell_as_below_k() {
        assert!(
            table(&rows("real", "pet-suv", &results()))
                .lines()
                .any(|line| line.contains("volume [10, 50)") && line.contains("below k"))
        );
    }
}
