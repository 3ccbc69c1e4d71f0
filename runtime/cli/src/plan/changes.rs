//! What fewer or coarser outputs would buy: each change is planned as a manifest of its own, by the same steps.

use super::{Row, expect, row};
use serde::Serialize;
use trocar_filter::Expected;
use trocar_manifest::Manifest;
use trocar_policy::Policy;
use trocar_terms::{Axis, Bounds, Decimal, Kind, Name, RhoUnits};

/// One change of a manifest and what comes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Change {
    /// In words.
    pub(super) change: String,
    /// The output that it is about; none: all.
    pub(super) output: Option<String>,
    /// What the job would cost.
    pub(super) rho: f64,
    /// What it would cost less.
    pub(super) saves: f64,
    /// The standard deviation that the output would have, and before.
    pub(super) sd: Option<f64>,
    pub(super) sd_now: Option<f64>,
    /// The same in percent of what the output is held against.
    pub(super) percent: Option<f64>,
    pub(super) percent_now: Option<f64>,
}

/// All changes that a manifest allows: a change that would be refused is none.
pub(super) fn of(
    manifest: &Manifest,
    policy: &Policy,
    patients: u32,
    now: &Expected,
    rho: RhoUnits,
) -> Vec<Change> {
    let rows: Vec<Row> = now.figures.outputs.iter().map(|figure| row(figure, patients)).collect();
    let plan = |(change, output, changed): (String, Option<Name>, Manifest)| {
        let (then, cost) = expect(&changed, policy, patients).ok()?;
        let mine = |name: &Name| then.figures.outputs.iter().find(|figure| figure.name == *name);
        let after = output.as_ref().and_then(mine).map(|figure| row(figure, patients));
        let before = output.as_ref().and_then(|name| rows.iter().find(|row| row.name == name.as_str()));
        Some(Change {
            change,
            output: output.map(|name| name.to_string()),
            rho: cost.to_f64(),
            saves: rho.to_f64() - cost.to_f64(),
            sd: after.as_ref().and_then(|row| row.sd),
            sd_now: before.and_then(|row| row.sd),
            percent: after.and_then(|row| row.percent),
            percent_now: before.and_then(|row| row.percent),
        })
    };
    let fitting = fitting(manifest, policy, rho);
    fitting.into_iter().chain(each(manifest)).filter_map(plan).collect()
}

type Changed = (String, Option<Name>, Manifest);

/// The same outputs at as much of their rho as one job may cost, where they cost more.
fn fitting(manifest: &Manifest, policy: &Policy, rho: RhoUnits) -> Option<Changed> {
    let cap = RhoUnits::floor(&policy.rho_job());
    let gate = Decimal::to_f64(&manifest.privacy.gate_rho);
    if rho <= cap {
        return None;
    }
    // A thousandth less than fits: the charge is rounded up for each output.
    let share = (cap.to_f64() - gate) / (rho.to_f64() - gate) * 0.999;
    let mut changed = manifest.clone();
    for output in &mut changed.outputs {
        output.rho = format!("{:.9}", output.rho.to_f64() * share).parse().ok()?;
    }
    Some((format!("all outputs at {:.0} % of their rho: the job fits", share * 100.0), None, changed))
}

fn each(manifest: &Manifest) -> Vec<Changed> {
    let all = manifest.outputs.iter().map(|output| &output.name);
    all.flat_map(|name| {
        let rest = [halved(manifest, name), coarser(manifest, name), narrower(manifest, name)];
        without(manifest, name).into_iter().chain(rest.into_iter().flatten())
    })
    .collect()
}

fn without(manifest: &Manifest, name: &Name) -> Option<Changed> {
    let mut changed = manifest.clone();
    changed.outputs.retain(|output| output.name != *name);
    changed.derived.retain(|derived| derived.from != *name);
    (!changed.outputs.is_empty()).then(|| (format!("without {name}"), Some(name.clone()), changed))
}

fn halved(manifest: &Manifest, name: &Name) -> Option<Changed> {
    let mut changed = manifest.clone();
    let output = changed.outputs.iter_mut().find(|output| output.name == *name)?;
    output.rho = divided(output.rho, 2)?;
    Some((format!("{name} at half its rho"), Some(name.clone()), changed))
}

/// Pairs of bins made one hold twice as many patients, so that a quarter of the rho gives the same noise in percent.
fn coarser(manifest: &Manifest, name: &Name) -> Option<Changed> {
    let mut changed = manifest.clone();
    let output = changed.outputs.iter_mut().find(|output| output.name == *name)?;
    let edges = match &mut output.kind {
        Kind::Histogram { edges, .. } => edges,
        Kind::Table { axes, .. } => axes.iter_mut().rev().find_map(|axis| match axis {
            Axis::Edges { edges, .. } => Some(edges),
            Axis::Categories { .. } => None,
        })?,
        _ => return None,
    };
    *edges = every_second(edges).filter(|fewer| fewer.len() < edges.len())?;
    let bins = edges.len() - 1;
    output.rho = divided(output.rho, 4)?;
    Some((format!("{name} with {bins} bins, at a quarter of its rho"), Some(name.clone()), changed))
}

fn every_second(edges: &[f64]) -> Option<Vec<f64>> {
    let mut fewer: Vec<f64> = edges.iter().copied().step_by(2).collect();
    let last = *edges.last()?;
    if fewer.last().is_some_and(|kept| *kept < last) {
        fewer.push(last);
    }
    (fewer.len() >= 3).then_some(fewer)
}

fn narrower(manifest: &Manifest, name: &Name) -> Option<Changed> {
    let mut changed = manifest.clone();
    let output = changed.outputs.iter_mut().find(|output| output.name == *name)?;
    let (Kind::Sum(bounds) | Kind::Mean(bounds) | Kind::Variance(bounds)) = &mut output.kind else {
        return None;
    };
    let Bounds { lower, upper, .. } = *bounds;
    let quarter = (upper - lower) / 4.0;
    (bounds.lower, bounds.upper) = (lower + quarter, upper - quarter);
    let range = format!("{} to {}", bounds.lower, bounds.upper);
    Some((format!("{name} clamped to {range}, at the same rho"), Some(name.clone()), changed))
}

fn divided(rho: Decimal, by: u128) -> Option<Decimal> {
    format!("{}e-18", rho.attos() / by).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_bins_become_one_and_both_ends_stay() {
        assert_eq!(every_second(&[0.0, 1.0, 2.0, 3.0, 4.0]), Some(vec![0.0, 2.0, 4.0]));
        assert_eq!(every_second(&[0.0, 1.0, 2.0, 3.0]), Some(vec![0.0, 2.0, 3.0]));
        assert_eq!(every_second(&[0.0, 1.0, 2.0]), None, "one bin is a count");
    }

    #[test]
    fn half_a_rho_is_exact() {
        assert_eq!(divided("0.005".parse().unwrap(), 2), Some("0.0025".parse().unwrap()));
        assert_eq!(divided("1e-18".parse().unwrap(), 2), Some(Decimal::ZERO));
    }
}
