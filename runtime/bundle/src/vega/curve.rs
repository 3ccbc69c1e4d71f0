//! Derived statistics that are curves.

use super::marks::{closed, diagonal, share};
use super::{NOISE, datum, fields, place};
use crate::figures::Number;
use crate::plot::MOST;
use crate::statistics::{Part, Statistic};
use serde_json::{Map, Value, json};

/// The side of a square plot.
const SIDE: u32 = 360;

fn numbers(part: &Part) -> impl Iterator<Item = (f64, Option<Number>)> + '_ {
    let step = part.cells.len().div_ceil(MOST).max(1);
    part.places.iter().copied().zip(part.cells.iter().map(|cell| cell.number)).step_by(step)
}

pub(super) fn roc(statistic: &Statistic<'_>) -> (Vec<Value>, Map<String, Value>) {
    let all = |name| statistic.named(name).flat_map(numbers);
    let points = all("false_positive_rate").zip(all("true_positive_rate"));
    let point = |((threshold, x), (_, y)): ((f64, Option<Number>), (f64, Option<Number>))| {
        let (x, y) = x.zip(y)?;
        Some(datum(
            &y,
            json!({"threshold": threshold, "place": x.display, "place_low95": x.low, "place_high95": x.high}),
        ))
    };
    (points.filter_map(point).collect(), square("false positive rate", "true positive rate", "line"))
}

pub(super) fn calibration(statistic: &Statistic<'_>) -> (Vec<Value>, Map<String, Value>) {
    let points = statistic.named("observed").flat_map(numbers);
    let point = |(x, n): (f64, Option<Number>)| n.map(|n| datum(&n, json!({"place": x})));
    (points.filter_map(point).collect(), square("predicted", "observed", "point"))
}

fn square(along: &str, up: &str, kind: &str) -> Map<String, Value> {
    let x = share("place", along);
    let mark = if kind == "line" {
        json!({"type": "line", "point": true, "color": NOISE})
    } else {
        json!({"type": "point", "filled": true, "size": 60, "color": NOISE})
    };
    // Points of a curve stand in the order of its thresholds.
    let order = if kind == "line" { json!({"field": "threshold"}) } else { json!({"value": 0}) };
    fields(json!({
        "width": SIDE, "height": SIDE,
        "layer": [
            diagonal(),
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "opacity": 0.5},
             "encoding": {"x": x, "y": share("low95", up), "y2": {"field": "high95"}}},
            {"mark": mark, "encoding": {"x": x, "y": share("value", up), "order": order,
             "tooltip": {"field": "text", "type": "nominal", "title": up}}},
        ],
    }))
}

pub(super) fn survival(statistic: &Statistic<'_>) -> (Vec<Value>, Map<String, Value>) {
    let curves = statistic.named("survival").zip(statistic.named("at_risk"));
    let values = curves.flat_map(|(curve, risk)| steps(curve, risk)).collect();
    (values, curve(statistic.axis(1)))
}

/// 1 at the start, then the number at the end of each interval, until the first that is not known.
fn steps(curve: &Part, risk: &Part) -> Vec<Value> {
    let group = if curve.group.is_empty() { "all" } else { &curve.group };
    let start = risk.places.first().copied().unwrap_or(0.0);
    let known = numbers(curve).map_while(|(end, n)| Some((end, n?)));
    let step = |(end, n): (f64, Number)| datum(&n, json!({"group": group, "place": end}));
    let words = format!("1 at {}", place(start));
    let first =
        json!({"group": group, "place": start, "value": 1, "low95": null, "high95": null, "text": words});
    let steps: Vec<Value> = known.map(step).collect();
    if steps.is_empty() { steps } else { std::iter::once(first).chain(steps).collect() }
}

fn curve(along: &str) -> Map<String, Value> {
    let x = json!({"field": "place", "type": "quantitative", "title": along});
    let colour = json!({"field": "group", "type": "nominal", "title": null});
    fields(json!({
        "width": 560, "height": 280,
        "layer": [
            {"mark": {"type": "line", "interpolate": "step-after"},
             "encoding": {"x": x, "y": share("value", "without the event"), "color": colour,
                "tooltip": {"field": "text", "type": "nominal", "title": "Value"}}},
            {"transform": closed(), "mark": {"type": "rule", "opacity": 0.5},
             "encoding": {"x": x, "y": share("low95", "without the event"), "y2": {"field": "high95"}, "color": colour}},
        ],
    }))
}
