//! Sentences about derived statistics.

use crate::statistics::{Statistic, title};
use trocar_terms::{Derived, DerivedKind, Name};

/// What the one number under the name is.
pub(super) fn single(statistic: &Statistic<'_>) -> String {
    let name = statistic.parts.first().map_or("", |part| part.name);
    match name {
        "auc" => "area under the curve".to_owned(),
        "r_squared" => "of the variance explained".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What it is made of.
pub(super) fn meaning(derived: &Derived) -> String {
    let (from, title) = (&derived.from, title(&derived.kind).to_lowercase().replacen("roc", "ROC", 1));
    let listed = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
    let of = match &derived.kind {
        DerivedKind::Roc { positive } | DerivedKind::Calibration { positive } => {
            format!("{from}, where {positive} is what is looked for")
        }
        DerivedKind::Survival { event } => format!("{from}, where {event} is the event"),
        DerivedKind::Linear { outcome, predictors } => {
            format!("{outcome} on {}, from {from}", listed(predictors))
        }
        DerivedKind::Logistic { predictors, .. } => {
            format!("the outcome on {}, from {from}", listed(predictors))
        }
        DerivedKind::Confusion | DerivedKind::Covariance => from.to_string(),
    };
    format!("{} of {of}", title.replacen("kaplan-meier", "Kaplan-Meier", 1))
}

/// What to know when looking at the plot.
pub(super) fn note(statistic: &Statistic<'_>) -> &'static str {
    if statistic.parts.is_empty() {
        return "";
    }
    match statistic.derived.kind {
        DerivedKind::Roc { .. } => {
            "Each score stands for its bin, and two in one bin count half. The curve is drawn so that it never falls; \
             results.csv has it as computed."
        }
        DerivedKind::Calibration { .. } => {
            "Each bin stands at its middle. On the thin line as many have it as were predicted."
        }
        DerivedKind::Confusion => {
            "Predictive values depend on how common each class is among these patients."
        }
        DerivedKind::Survival { .. } => {
            "Who is censored within an interval is at risk in the whole of it. The curve is drawn so that it never rises; \
             results.csv has it as computed. It ends where the noise hides those at risk."
        }
        DerivedKind::Covariance => "Divided by the number of patients. The plot shows the correlations.",
        DerivedKind::Linear { .. } => {
            "The plot shows by how much the outcome changes over the whole declared range of each predictor."
        }
        DerivedKind::Logistic { .. } => "Coefficients are changes of the logarithm of the odds.",
    }
}

pub(super) fn caption(statistic: &Statistic<'_>, all: usize, rows: usize) -> String {
    let words = format!("computed from the noisy numbers of {} alone", statistic.derived.from);
    if all <= rows { words } else { format!("{words}, the first {rows} of {all}; results.csv has all") }
}
