//! A Vega-Lite 6 specification for each plot: the same numbers, to be drawn again in a paper's own style.
//!
//! The data are inside and nothing is fetched: the only address is that of the specification's own schema.

mod curve;
mod marks;

use crate::figures::{Cell, Figure, Number};
use crate::plot::{self, MOST};
use crate::statistics::{Statistic, title};
use crate::{number, units};
use marks::{Axis, bars, one, rows};
use serde_json::{Map, Value, json};
use trocar_terms::{DerivedKind, Kind};

const SCHEMA: &str = "https://vega.github.io/schema/vega-lite/v6.json";
/// The colours of the SVG plots.
const NOISE: &str = "#124E78";
const BAR: &str = "#8FB8D8";
const FAINT: &str = "#5B6770";

/// The plot of an output; one without data where nothing was released.
pub(crate) fn figure(figure: &Figure<'_>) -> Value {
    let (output, words, counted) = (figure.output, units::axis(figure), units::counted(figure));
    let cells: Vec<Cell> = figure.cells.iter().take(MOST).cloned().collect();
    let labelled = figure.cells.len() <= plot::LABELLED;
    let drawn = match &output.kind {
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) => one(&words),
        Kind::Table { .. } | Kind::Quantiles { .. } | Kind::Moments { .. } if labelled => {
            rows(&labels(&cells), counted, "blanked: too few patients")
        }
        Kind::Histogram { .. }
        | Kind::Table { .. }
        | Kind::Quantiles { .. }
        | Kind::Moments { .. }
        | Kind::Vector { .. } => bars(&labels(&cells), &Axis { along: &words, up: counted }),
    };
    specification(output.name.as_str(), &plot::sentence(figure), cells.iter().map(cell).collect(), drawn)
}

/// The plot of a derived statistic; one without data where nothing was released.
pub(crate) fn statistic(statistic: &Statistic<'_>) -> Value {
    let (values, drawn) = match &statistic.derived.kind {
        DerivedKind::Roc { .. } => curve::roc(statistic),
        DerivedKind::Calibration { .. } => curve::calibration(statistic),
        DerivedKind::Survival { .. } => curve::survival(statistic),
        DerivedKind::Confusion
        | DerivedKind::Covariance
        | DerivedKind::Linear { .. }
        | DerivedKind::Logistic { .. } => {
            let (cells, words) = plot::forest(statistic);
            (cells.iter().map(cell).collect(), rows(&labels(&cells), &words, "not known"))
        }
    };
    let name = statistic.derived.name.as_str();
    let titled = format!("{name}: {}", title(&statistic.derived.kind));
    specification(&titled, &plot::statistic_sentence(statistic), values, drawn)
}

fn labels(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(|cell| cell.label.as_str()).collect()
}

fn specification(title: &str, sentence: &str, values: Vec<Value>, drawn: Map<String, Value>) -> Value {
    let mut all = fields(json!({
        "$schema": SCHEMA,
        "title": {"text": title, "anchor": "start"},
        "description": sentence,
        "data": {"values": values},
        "config": {"font": "sans-serif", "view": {"stroke": null}},
    }));
    all.extend(drawn);
    Value::Object(all)
}

fn fields(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// One that is blanked has its label and no value.
fn cell(cell: &Cell) -> Value {
    let label = json!({"label": cell.label});
    cell.number.map_or_else(
        || json!({"label": cell.label, "value": null, "low95": null, "high95": null, "text": "not shown"}),
        |n| datum(&n, label),
    )
}

/// A number for the eye with its interval; an end that is absent is open.
fn datum(n: &Number, more: Value) -> Value {
    let mut map = fields(more);
    map.insert("value".into(), json!(n.display));
    map.insert("low95".into(), json!(n.low));
    map.insert("high95".into(), json!(n.high));
    map.insert("text".into(), format!("{}, {}", n.text(n.display), n.interval()).into());
    Value::Object(map)
}

/// A place along an axis in words.
fn place(x: f64) -> String {
    number::short(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn all(patients: u32) -> Vec<Value> {
        let job = fixture::job(&[fixture::ALL, fixture::DERIVED].concat());
        let outcome = job.outcome(patients, 1);
        let figures = crate::figures::figures(&job.manifest.outputs, &outcome);
        let statistics = crate::statistics::statistics(&job.manifest, &outcome);
        figures.iter().map(figure).chain(statistics.iter().map(statistic)).collect()
    }

    #[test]
    fn a_specification_has_its_data_inside_and_no_address_but_its_schema() {
        let specifications = all(480);
        assert_eq!(specifications.len(), 20);
        for specification in specifications {
            let text = specification.to_string();
            assert_eq!(text.matches("://").count(), 1, "{text}");
            for word in ["\"url\"", "\"href\"", "\"expr\"", "\"image\""] {
                assert!(!text.contains(word), "{word} in {text}");
            }
            assert!(specification["description"].as_str().unwrap().ends_with('.'));
            assert!(!specification["data"]["values"].as_array().unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn a_withheld_specification_has_no_number_and_says_so() {
        for specification in all(9) {
            assert_eq!(specification["data"]["values"], json!([]));
            assert!(specification["description"].as_str().unwrap().contains("withheld"));
        }
    }

    #[test]
    fn a_blanked_cell_keeps_its_place_and_has_no_number() {
        let job = fixture::job(fixture::ALL);
        let outcome = job.outcome(200, 1);
        let figures = crate::figures::figures(&job.manifest.outputs, &outcome);
        let volume = &figures[1];
        assert!(volume.blanked() > 0);
        let values = figure(volume)["data"]["values"].as_array().unwrap().clone();
        assert_eq!(values.len(), volume.cells.len());
        for (value, cell) in values.iter().zip(&volume.cells) {
            assert_eq!(value["label"], cell.label);
            let shown = ["value", "low95", "high95"].map(|key| value[key].is_number());
            assert_eq!(shown, [cell.number.is_some(); 3], "{value}");
        }
    }
}
