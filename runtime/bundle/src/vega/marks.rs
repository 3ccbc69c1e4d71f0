//! The marks that plots are made of: a bar or dot for the number, a rule for the interval of its noise.

use super::{BAR, FAINT, NOISE, fields};
use serde_json::{Map, Value, json};

/// Words along and up.
pub(super) struct Axis<'a> {
    pub(super) along: &'a str,
    pub(super) up: &'a str,
}

/// Wide enough for a column of a page.
const WIDTH: u32 = 560;

/// A number of which both ends are known: Vega-Lite would draw an open one from 0.
pub(super) fn closed() -> Value {
    json!([{"filter": "isValid(datum.low95) && isValid(datum.high95)"}])
}

/// One channel of numbers.
pub(super) fn number(field: &str, title: &str, zero: bool) -> Value {
    json!({"field": field, "type": "quantitative", "title": title, "scale": {"zero": zero}})
}

/// More labels than this stand upright beside each other.
const LEVEL: usize = 8;

/// One channel of words. The domain is told, so that cells stand in their order and blanked ones in their places.
fn words(labels: &[&str], title: Option<&str>) -> Value {
    let angle = if labels.len() <= LEVEL { 0 } else { -90 };
    let axis = json!({"labelLimit": 260, "labelAngle": angle});
    json!({"field": "label", "type": "nominal", "title": title, "axis": axis, "scale": {"domain": labels}})
}

fn told() -> Value {
    json!({"field": "text", "type": "nominal", "title": "Value"})
}

/// One number on its axis.
pub(super) fn one(along: &str) -> Map<String, Value> {
    let x = number("value", along, false);
    fields(json!({
        "width": WIDTH, "height": 40,
        "layer": [
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "size": 2},
             "encoding": {"x": number("low95", along, false), "x2": {"field": "high95"}}},
            {"mark": {"type": "point", "filled": true, "size": 90, "color": NOISE},
             "encoding": {"x": x, "tooltip": told()}},
        ],
    }))
}

/// One labelled row a number; `blank` stands where there is none.
pub(super) fn rows(labels: &[&str], along: &str, blank: &str) -> Map<String, Value> {
    let mut y = words(labels, None);
    if let Some(axis) = y.get_mut("axis") {
        *axis = json!({"labelLimit": 260});
    }
    fields(json!({
        "width": WIDTH,
        "layer": [
            {"mark": {"type": "bar", "color": BAR},
             "encoding": {"y": y, "x": number("value", along, true), "tooltip": told()}},
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "size": 2},
             "encoding": {"y": y, "x": number("low95", along, true), "x2": {"field": "high95"}}},
            {"transform": missing(), "mark": {"type": "text", "text": blank, "align": "left", "dx": 4, "color": FAINT},
             "encoding": {"y": y, "x": {"datum": 0}}},
        ],
    }))
}

/// A number that is not shown.
fn missing() -> Value {
    json!([{"filter": "!isValid(datum.value)"}])
}

/// Upright bars in the order of the cells; a cross on the floor where one is blanked.
pub(super) fn bars(labels: &[&str], axis: &Axis<'_>) -> Map<String, Value> {
    let x = words(labels, Some(axis.along));
    fields(json!({
        "width": WIDTH, "height": 240,
        "layer": [
            {"mark": {"type": "bar", "color": BAR},
             "encoding": {"x": x, "y": number("value", axis.up, true), "tooltip": told()}},
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "size": 2},
             "encoding": {"x": x, "y": number("low95", axis.up, true), "y2": {"field": "high95"}}},
            {"transform": missing(), "mark": {"type": "text", "text": "\u{d7}", "dy": -6, "color": FAINT},
             "encoding": {"x": x, "y": {"datum": 0}, "tooltip": told()}},
        ],
    }))
}

/// The diagonal of a square from 0 to 1.
pub(super) fn diagonal() -> Value {
    json!({
        "data": {"values": [{"place": 0, "value": 0}, {"place": 1, "value": 1}]},
        "mark": {"type": "line", "color": FAINT, "strokeWidth": 1},
        "encoding": {"x": {"field": "place", "type": "quantitative"}, "y": {"field": "value", "type": "quantitative"}},
    })
}

/// From 0 to 1.
pub(super) fn share(field: &str, title: &str) -> Value {
    json!({"field": field, "type": "quantitative", "title": title, "scale": {"domain": [0, 1]}})
}
