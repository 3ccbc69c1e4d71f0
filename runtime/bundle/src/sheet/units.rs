//! Units of derived numbers, as UCUM codes.

use crate::statistics::Statistic;
use trocar_terms::{DerivedKind, Kind, Name};

/// A bare number.
const ONE: &str = "1";

/// The unit of one number of a part; empty where the manifest does not name it.
pub(super) fn unit(statistic: &Statistic<'_>, part: &str, place: &str) -> String {
    match &statistic.derived.kind {
        DerivedKind::Roc { .. } | DerivedKind::Calibration { .. } | DerivedKind::Confusion => ONE.to_owned(),
        // An axis of times has no unit of its own; the logarithm of odds is per unit of a predictor that the guest scaled.
        DerivedKind::Survival { .. } if part == "median" => String::new(),
        DerivedKind::Survival { .. } => ONE.to_owned(),
        DerivedKind::Logistic { .. } => String::new(),
        DerivedKind::Covariance => moment(statistic.source, part, place),
        DerivedKind::Linear { outcome, .. } => coefficient(statistic.source, outcome, part, place),
    }
}

fn of_variable(source: &Kind, name: &str) -> Option<String> {
    let Kind::Moments { variables } = source else { return None };
    variables.iter().find(|variable| variable.name.as_str() == name).map(|variable| variable.unit.clone())
}

fn moment(source: &Kind, part: &str, place: &str) -> String {
    let both = || {
        let (first, second) = place.split_once(", ")?;
        Some(product(&of_variable(source, first)?, &of_variable(source, second)?))
    };
    match part {
        "mean" => of_variable(source, place).unwrap_or_default(),
        "covariance" => both().unwrap_or_default(),
        _ => ONE.to_owned(),
    }
}

/// UCUM section 2.2: a point between two units; a bare number leaves the other as it is.
fn product(first: &str, second: &str) -> String {
    match (first, second) {
        (ONE, other) | (other, ONE) => other.to_owned(),
        (first, second) => format!("({first}).({second})"),
    }
}

/// The outcome's unit, for a predictor over the predictor's.
fn coefficient(source: &Kind, outcome: &Name, part: &str, place: &str) -> String {
    let explained = of_variable(source, outcome.as_str()).unwrap_or_default();
    match (part, of_variable(source, place).as_deref()) {
        ("coefficient", None | Some(ONE)) => explained,
        ("coefficient", Some(unit)) => format!("({explained})/({unit})"),
        _ => ONE.to_owned(),
    }
}
