//! What a guest costs by itself: an instance, a slab, a unit of fuel.

use super::super::rows::{Op, Row};
use super::super::{ROUNDS, median};
use super::Measure;
use crate::run::say;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Figures of all rounds, by name.
type Figures = BTreeMap<String, Vec<f64>>;

pub(super) fn rows(measure: &Measure) -> Result<Vec<Row>> {
    let mut all = Figures::new();
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        for what in ["fresh", "slabs", "fuel"] {
            for (name, figure) in measure.figures(&[what])? {
                all.entry(name).or_default().push(figure);
            }
        }
    }
    let mut rows = vec![fresh(&all)?];
    for kind in ["s16", "f32", "bytes", "mask"] {
        rows.push(slab(&all, kind)?);
    }
    rows.extend(all.iter().filter_map(|(name, figures)| unit(name, figures)));
    Ok(rows)
}

fn of<'a>(all: &'a Figures, name: &str) -> Result<&'a Vec<f64>> {
    all.get(name).with_context(|| format!("no figure of {name}"))
}

fn fresh(all: &Figures) -> Result<Row> {
    Ok(Row {
        name: "fresh guest for a trivial map, instantiate to drop".to_owned(),
        value: median(of(all, "fresh")?.clone()) / 1e3,
        unit: "us",
        against: String::new(),
        ratio: None,
        bar: 50.0,
        op: Op::AtMost,
    })
}

/// A volume read slab by slab by a guest that looks at nothing, against the same bytes copied through 2 MiB.
fn slab(all: &Figures, kind: &str) -> Result<Row> {
    let (ours, peer) = (of(all, &format!("slabs, {kind}"))?, of(all, &format!("copy, {kind}"))?);
    Ok(Row {
        name: format!("slabs of {kind}, 512 x 512 x 300 in slabs of 2 MiB"),
        value: median(ours.clone()) / 1e6,
        unit: "ms",
        against: "a copy through 2 MiB into 2 MiB".to_owned(),
        ratio: Some(median(ours.iter().zip(peer).map(|(ours, peer)| peer / ours).collect())),
        bar: 0.8,
        op: Op::AtLeast,
    })
}

/// What `seconds` of a manifest stand on (terms/src/limits.rs): 4 ns a unit, four times what a unit may take; 8 ns in more
/// than 64 MiB.
fn unit(name: &str, figures: &[f64]) -> Option<Row> {
    let what = name.strip_prefix("fuel, ")?;
    Some(Row {
        name: format!("a unit of fuel, {what}"),
        value: median(figures.to_vec()),
        unit: "ns",
        against: String::new(),
        ratio: None,
        bar: if what.contains("twice the time") { 2.0 } else { 1.0 },
        op: Op::AtMost,
    })
}
