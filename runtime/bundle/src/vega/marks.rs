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

fn labels(title: Option<&str>) -> Value {
    json!({"field": "label", "type": "nominal", "sort": null, "title": title, "axis": {"labelLimit": 260}})
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

/// One labelled row a number.
pub(super) fn rows(along: &str) -> Map<String, Value> {
    let y = labels(None);
    fields(json!({
        "width": WIDTH,
        "layer": [
            {"mark": {"type": "bar", "color": BAR},
             "encoding": {"y": y, "x": number("value", along, true), "tooltip": told()}},
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "size": 2},
             "encoding": {"y": y, "x": number("low95", along, true), "x2": {"field": "high95"}}},
        ],
    }))
}

/// Upright bars in the order of the cells.
pub(super) fn bars(axis: &Axis<'_>) -> Map<String, Value> {
    let x = labels(Some(axis.along));
    fields(json!({
        "width": WIDTH, "height": 240,
        "layer": [
            {"mark": {"type": "bar", "color": BAR},
             "encoding": {"x": x, "y": number("value", axis.up, true), "tooltip": told()}},
            {"transform": closed(), "mark": {"type": "rule", "color": NOISE, "size": 2},
             "encoding": {"x": x, "y": number("low95", axis.up, true), "y2": {"field": "high95"}}},
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
