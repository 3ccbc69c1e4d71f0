//! One SVG a declared output. Each has a title and a description for those who do not see it.

mod bars;
mod canvas;
mod curve;
mod forest;
mod interval;
mod rows;
mod scale;

use crate::figures::{Cell, Figure, Number};
use crate::statistics::{Statistic, title};
use crate::{BundleError, units};
use askama::filters::{Html, escape};
pub(crate) use bars::MOST;
use canvas::{Canvas, FAINT};
use plotters::style::text_anchor::HPos;
use trocar_terms::{DerivedKind, Kind};

/// Pixels across every plot.
const WIDTH: u32 = 680;
/// A table with more cells than this is drawn as bars without a label each.
pub(crate) const LABELLED: usize = 24;

/// Draws what was released of one output, or a hatched box where nothing was.
pub(crate) fn plot(figure: &Figure<'_>) -> Result<String, BundleError> {
    let mut svg = String::new();
    match (&figure.output.kind, figure.cells.len()) {
        (_, 0) => withheld(&mut svg)?,
        (Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_), _) => {
            interval::draw(figure, &mut svg)?
        }
        (Kind::Table { .. } | Kind::Quantiles { .. } | Kind::Moments { .. }, cells) if cells <= LABELLED => {
            rows::draw(&figure.cells, units::counted(figure), "blanked, too few patients", &mut svg)?
        }
        (
            Kind::Histogram { .. }
            | Kind::Table { .. }
            | Kind::Quantiles { .. }
            | Kind::Moments { .. }
            | Kind::Vector { .. },
            _,
        ) => bars::draw(figure, &mut svg)?,
    }
    Ok(described(&svg, figure.output.name.as_str(), &sentence(figure)))
}

/// Draws a derived statistic, or a hatched box where nothing was released.
pub(crate) fn statistic(statistic: &Statistic<'_>) -> Result<String, BundleError> {
    let mut svg = String::new();
    match &statistic.derived.kind {
        _ if statistic.parts.is_empty() => withheld(&mut svg)?,
        DerivedKind::Roc { .. } => curve::roc(statistic, &mut svg)?,
        DerivedKind::Calibration { .. } => curve::calibration(statistic, &mut svg)?,
        DerivedKind::Survival { .. } => curve::survival(statistic, &mut svg)?,
        DerivedKind::Confusion
        | DerivedKind::Covariance
        | DerivedKind::Linear { .. }
        | DerivedKind::Logistic { .. } => {
            let (cells, words) = forest::cells(statistic);
            rows::draw(&cells, &words, "not known", &mut svg)?;
        }
    }
    Ok(described(&svg, statistic.derived.name.as_str(), &statistic_sentence(statistic)))
}

/// The rows of a plot of coefficients, correlations or shares, and the words under their axis.
pub(crate) fn forest(statistic: &Statistic<'_>) -> (Vec<Cell>, String) {
    forest::cells(statistic)
}

/// What the plot of a derived statistic shows, in words.
pub(crate) fn statistic_sentence(statistic: &Statistic<'_>) -> String {
    let title = title(&statistic.derived.kind);
    let (all, hidden) = (statistic.cells().count(), statistic.cells().filter(|c| c.number.is_none()).count());
    if all == 0 {
        return format!("{title}: withheld, nothing was released.");
    }
    let lead = match statistic.single() {
        Some(n) => format!("{title}: {}", interval_words(&n)),
        None => format!("{title} of {all} numbers, each with its 95 % noise interval"),
    };
    if hidden == 0 { format!("{lead}.") } else { format!("{lead}; {hidden} of {all} numbers are not known.") }
}

fn interval_words(n: &Number) -> String {
    format!("{}, {}", n.text(n.display), n.interval())
}

fn withheld(svg: &mut String) -> Result<(), BundleError> {
    let canvas = Canvas::new(svg, WIDTH, 96)?;
    canvas.hatch((8, 8), (672, 60))?;
    canvas.text("Withheld: nothing was released.", (340, 80), HPos::Center, FAINT)?;
    canvas.finish()
}

/// Puts title and description where a screen reader looks for them.
fn described(svg: &str, name: &str, words: &str) -> String {
    let Some((tag, strokes)) = svg.split_once(">\n") else {
        return String::new();
    };
    let words = escaped(words);
    format!(
        "{tag} role=\"img\" aria-labelledby=\"title-{name} desc-{name}\">\n\
         <title id=\"title-{name}\">{name}</title>\n<desc id=\"desc-{name}\">{words}</desc>\n{strokes}"
    )
}

fn escaped(text: &str) -> String {
    escape(text, Html).map(|w| w.to_string()).unwrap_or_default()
}

/// What the plot shows, in words.
pub(crate) fn sentence(figure: &Figure<'_>) -> String {
    let (kind, cells) = (titled(figure.output.kind.word()), figure.cells.len());
    if cells == 0 {
        return format!("{kind}: withheld, nothing was released.");
    }
    if let Some(n) = figure.single() {
        return format!("{kind}: {}.", interval_words(&n));
    }
    match figure.blanked() {
        0 => format!("{kind} of {cells} cells, each with its 95 % noise interval."),
        blanked => {
            format!("{kind} of {cells} cells with 95 % noise intervals; {blanked} blanked and hatched.")
        }
    }
}

fn titled(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use trocar_terms::Output;

    fn output(fields: serde_json::Value) -> Output {
        let mut all = json!({"name": "x", "unit": "1", "rho": "0.02", "cells_per_patient": 1});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn every_kind() -> Vec<Output> {
        let range = |kind| json!({"kind": kind, "lower": -1024.0, "upper": 3071.0, "grid_bits": 2});
        let names: Vec<String> = (0..9).map(|i| format!("<b>&\"{i}")).collect();
        let axes = json!([{"name": "a", "categories": names}]);
        let edges: Vec<f64> = (0..=400).map(f64::from).collect();
        let vector = json!({"kind": "vector", "length": 600, "clip": 1.0, "grid_bits": 10});
        let kinds = [json!({"kind": "count"}), range("sum"), range("mean"), vector];
        let tables = [json!({"kind": "table", "axes": axes}), json!({"kind": "histogram", "edges": edges})];
        kinds.into_iter().chain(tables).map(output).collect()
    }

    fn filled(output: &Output, number: Option<Number>) -> Figure<'_> {
        let cell = |i| Cell { label: format!("<i>{i}"), edges: Some((i as f64, i as f64 + 1.0)), number };
        Figure { output, cells: (0..output.kind.length()).map(cell).collect() }
    }

    #[test]
    fn no_number_stops_a_plot_or_makes_it_longer_than_its_room() {
        let odd = [0.0, -1.5e300, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, -123_456.789_012_345];
        let number = |value: f64, by: f64| {
            let (low95, high95) = (Some(value - by), Some(value + by));
            let (low, high) = (low95, high95);
            Some(Number { value, display: value, sd: Some(by), low95, high95, low, high })
        };
        let open = |n: Option<Number>| n.map(|n| Number { sd: None, high95: None, high: None, ..n });
        let closed = odd.iter().flat_map(|v| odd.map(|sd| number(*v, sd)));
        let numbers = closed.flat_map(|n| [n, open(n)]).chain([None]);
        for number in numbers {
            for output in every_kind() {
                let svg = plot(&filled(&output, number)).unwrap();
                let room = 4 * 1024 + 900 * output.kind.length().min(MOST);
                assert!(svg.len() < room, "{} bytes of {} for {number:?}", svg.len(), output.kind.word());
            }
        }
    }

    #[test]
    fn each_plot_has_a_title_a_description_and_no_tag_of_others() {
        for output in every_kind() {
            let svg = plot(&filled(&output, None)).unwrap();
            assert!(svg.contains("role=\"img\"") && svg.contains("<title id=\"title-x\">x</title>"));
            assert!(svg.contains("<desc id=\"desc-x\">") && !svg.contains("<b>") && !svg.contains("<i>"));
        }
    }
}
