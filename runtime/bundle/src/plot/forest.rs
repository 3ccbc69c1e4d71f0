//! Which numbers of a derived statistic stand in its plot, one row each.

use super::LABELLED;
use crate::figures::{Cell, Number};
use crate::statistics::Statistic;
use trocar_terms::{DerivedKind, Kind, Variable};

/// The rows, at most as many as a plot has room for, and the words under their axis.
pub(super) fn cells(statistic: &Statistic<'_>) -> (Vec<Cell>, String) {
    let (cells, words) = match &statistic.derived.kind {
        DerivedKind::Covariance => correlations(statistic),
        DerivedKind::Linear { outcome, .. } => {
            (effects(statistic, outcome.as_str()), format!("change of {outcome} over the range of each"))
        }
        DerivedKind::Confusion
        | DerivedKind::Roc { .. }
        | DerivedKind::Calibration { .. }
        | DerivedKind::Survival { .. } => (statistic.cells().collect(), "share of patients".to_owned()),
        DerivedKind::Logistic { .. } => {
            let last = statistic.named("coefficient").flat_map(|part| part.cells.clone());
            (last.collect(), "change of the logarithm of the odds".to_owned())
        }
    };
    (cells.into_iter().take(LABELLED).collect(), words)
}

/// Of one variable alone there is no correlation: its mean.
fn correlations(statistic: &Statistic<'_>) -> (Vec<Cell>, String) {
    let of = |name| statistic.named(name).flat_map(|part| part.cells.clone()).collect::<Vec<_>>();
    let correlations = of("correlation");
    if correlations.is_empty() {
        (of("mean"), "mean".to_owned())
    } else {
        (correlations, "correlation".to_owned())
    }
}

/// Coefficients have units of their own; times the width of the predictor's range all have the outcome's.
fn effects(statistic: &Statistic<'_>, outcome: &str) -> Vec<Cell> {
    let Kind::Moments { variables } = statistic.source else { return Vec::new() };
    let width = |name: &str| variables.iter().find(|v| v.name.as_str() == name).map(Variable::width);
    let coefficients = statistic.named("coefficient").flat_map(|part| &part.cells);
    let effect = |cell: &Cell| {
        let width = width(&cell.label).filter(|_| cell.label != outcome)?;
        Some(Cell { number: cell.number.map(|n| scaled(&n, width)), ..cell.clone() })
    };
    coefficients.filter_map(effect).collect()
}

fn scaled(n: &Number, by: f64) -> Number {
    let Number { value, display, sd, low95, high95, low, high } = *n;
    let [sd, low95, high95, low, high] = [sd, low95, high95, low, high].map(|x| x.map(|x| x * by));
    Number { value: value * by, display: display * by, sd, low95, high95, low, high }
}
