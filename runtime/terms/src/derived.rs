//! Statistics that are computed from released numbers alone: they cost nothing and read no patient.

use crate::{Axis, Kind, Name};
use serde::{Deserialize, Serialize};

/// One derived statistic of a manifest: what it is and which output it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    /// Unique among outputs and derived statistics.
    pub name: Name,
    /// The output that it reads.
    pub from: Name,
    /// What it is.
    #[serde(flatten)]
    pub kind: DerivedKind,
}

/// The kinds of derived statistic. Each says which shape of output it reads; [`DerivedKind::reads`] holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DerivedKind {
    /// Receiver operating characteristic and the area under it, of a table of score edges by two labels. A patient is
    /// called positive where her score is at least the threshold, an edge.
    Roc {
        /// The label of those who have what is looked for.
        positive: String,
    },
    /// Observed against predicted, of a table of score edges within 0 to 1 by two labels.
    Calibration {
        /// The label of those who have what is predicted.
        positive: String,
    },
    /// Agreement of two classifications, of a table of truth by prediction with the same categories.
    Confusion,
    /// Kaplan-Meier curves, of a table of time edges by {event, censored}, or of a group by both. The time of an
    /// interval is its upper edge; patients who are censored within an interval are at risk in the whole of it.
    Survival {
        /// The category of those who had the event; the other one is censored.
        event: String,
    },
    /// Means, covariances and correlations of all variables, of `moments`.
    Covariance,
    /// Least squares, of `moments`.
    Linear {
        /// The variable that is explained.
        outcome: Name,
        /// The variables that explain it; an intercept is added.
        predictors: Vec<Name>,
    },
    /// Logistic regression by one Newton step a round, of a `vector` that holds for d coefficients (an intercept and one
    /// for each predictor) first the d numbers of the gradient of the log likelihood, then the upper triangle of its
    /// negative Hessian row by row: d + d (d + 1) / 2 numbers. The state of the next round is the d coefficients.
    Logistic {
        /// Names of the predictors, in the order of the vector; the intercept before them has none.
        predictors: Vec<Name>,
        /// Ridge penalty on all coefficients but the intercept: l2 / 2 * sum of their squares.
        l2: f64,
        /// The share of each Newton step that is taken: above 0, at most 1.
        step: f64,
    },
}

/// The words of `kind` in `[[derived]]`.
pub const DERIVED_KINDS: [&str; 7] =
    ["roc", "calibration", "confusion", "survival", "covariance", "linear", "logistic"];

impl DerivedKind {
    /// The word of the manifest.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Roc { .. } => "roc",
            Self::Calibration { .. } => "calibration",
            Self::Confusion => "confusion",
            Self::Survival { .. } => "survival",
            Self::Covariance => "covariance",
            Self::Linear { .. } => "linear",
            Self::Logistic { .. } => "logistic",
        }
    }

    /// How many numbers it has at most, of an output of kind `source` that it can read.
    #[must_use]
    pub fn numbers(&self, source: &Kind) -> usize {
        let along = |i: usize| axes(source).get(i).map_or(0, Axis::cells);
        let rest: usize = axes(source).iter().rev().skip(1).map(Axis::cells).fold(1, usize::saturating_mul);
        let p = if let Kind::Moments { variables } = source { variables.len() } else { 0 };
        match self {
            Self::Roc { .. } => along(0).saturating_mul(2).saturating_add(3),
            Self::Calibration { .. } => along(0).saturating_add(1),
            Self::Confusion => along(0).saturating_mul(5).saturating_add(1),
            // Two for each interval of each group, and a median a group, of which there are no more than intervals.
            Self::Survival { .. } => rest.saturating_mul(3),
            Self::Covariance => p.saturating_mul(p.saturating_add(1)),
            Self::Linear { predictors, .. } => predictors.len().saturating_add(2),
            Self::Logistic { predictors, .. } => predictors.len().saturating_add(2).saturating_mul(4),
        }
    }

    /// Whether it can read an output of kind `source`.
    ///
    /// # Errors
    /// What it reads instead.
    pub fn reads(&self, source: &Kind) -> Result<(), &'static str> {
        let (reads, wanted) = match self {
            Self::Roc { positive } => (scored(source, positive), SCORED),
            Self::Calibration { positive } => (scored(source, positive) && within_one(source), PREDICTED),
            Self::Confusion => (confused(source), CONFUSED),
            Self::Survival { event } => (timed(source, event), TIMED),
            Self::Covariance => (matches!(source, Kind::Moments { .. }), "moments"),
            Self::Linear { outcome, predictors } => (explained(source, outcome, predictors), EXPLAINED),
            Self::Logistic { predictors, .. } => (newton(source, predictors.len()), NEWTON),
        };
        if reads { Ok(()) } else { Err(wanted) }
    }
}

const SCORED: &str = "a table with two axes: edges of a score, then two categories, one of them `positive`";
const PREDICTED: &str =
    "a table with two axes: edges from 0 to 1, then two categories, one of them `positive`";
const CONFUSED: &str =
    "a table with two axes of the same two or more categories: the truth, then the prediction";
const TIMED: &str = "a table with edges of time, then two categories, one of them `event`; before both it may have \
                     an axis of groups";
const EXPLAINED: &str = "moments that have `outcome` and `predictors` among their variables, each once";
const NEWTON: &str = "a vector of d + d (d + 1) / 2 numbers, d the predictors and the intercept";

fn axes(source: &Kind) -> &[Axis] {
    match source {
        Kind::Table { axes, .. } => axes,
        Kind::Count
        | Kind::Sum(_)
        | Kind::Mean(_)
        | Kind::Variance(_)
        | Kind::Histogram { .. }
        | Kind::Quantiles { .. }
        | Kind::Moments { .. }
        | Kind::Vector { .. } => &[],
    }
}

fn two_with(axis: &Axis, word: &str) -> bool {
    matches!(axis, Axis::Categories { categories, .. } if categories.len() == 2 && categories.iter().any(|c| c == word))
}

fn scored(source: &Kind, positive: &str) -> bool {
    matches!(axes(source), [Axis::Edges { .. }, label] if two_with(label, positive))
}

fn within_one(source: &Kind) -> bool {
    let inside = |edges: &[f64]| edges.iter().all(|e| (0.0..=1.0).contains(e));
    matches!(axes(source), [Axis::Edges { edges, .. }, _] if inside(edges))
}

fn confused(source: &Kind) -> bool {
    let [Axis::Categories { categories: truth, .. }, Axis::Categories { categories: said, .. }] =
        axes(source)
    else {
        return false;
    };
    truth == said && truth.len() >= 2
}

fn timed(source: &Kind, event: &str) -> bool {
    let later = |edges: &[f64]| edges.first().is_some_and(|e| *e >= 0.0);
    match axes(source) {
        [Axis::Edges { edges, .. }, status]
        | [Axis::Categories { .. }, Axis::Edges { edges, .. }, status] => {
            later(edges) && two_with(status, event)
        }
        _ => false,
    }
}

fn explained(source: &Kind, outcome: &Name, predictors: &[Name]) -> bool {
    let Kind::Moments { variables } = source else { return false };
    let mut seen = std::collections::BTreeSet::from([outcome]);
    let known = |name: &Name| variables.iter().any(|v| &v.name == name);
    !predictors.is_empty() && known(outcome) && predictors.iter().all(|p| known(p) && seen.insert(p))
}

fn newton(source: &Kind, predictors: usize) -> bool {
    let Kind::Vector { length, .. } = source else { return false };
    let d = predictors.saturating_add(1);
    let triangle = d.saturating_mul(d.saturating_add(1)) >> 1;
    predictors > 0 && *length as usize == d.saturating_add(triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(axes: &str) -> Kind {
        serde_json::from_str(&format!(r#"{{"kind":"table","cells_per_patient":1,"axes":[{axes}]}}"#)).unwrap()
    }

    const SCORE: &str = r#"{"name":"score","edges":[0,0.5,1]}"#;
    const LABEL: &str = r#"{"name":"label","categories":["no","yes"]}"#;
    const SAID: &str = r#"{"name":"said","categories":["no","yes"]}"#;
    const THREE: &str = r#"{"name":"three","categories":["a","b","yes"]}"#;
    const DAYS: &str = r#"{"name":"days","edges":[0,365,730]}"#;
    const BEFORE: &str = r#"{"name":"days","edges":[-1,365]}"#;

    #[test]
    fn a_statistic_reads_the_shape_it_names_and_no_other() {
        let yes = || "yes".to_owned();
        let roc = DerivedKind::Roc { positive: yes() };
        let calibration = DerivedKind::Calibration { positive: yes() };
        let survival = DerivedKind::Survival { event: yes() };
        let rows = [
            (&roc, vec![SCORE, LABEL], true),
            (&roc, vec![LABEL, SCORE], false),
            (&roc, vec![SCORE, THREE], false),
            (&roc, vec![SCORE], false),
            (&roc, vec![DAYS, LABEL], true),
            (&calibration, vec![SCORE, LABEL], true),
            (&calibration, vec![DAYS, LABEL], false),
            (&DerivedKind::Confusion, vec![LABEL, SAID], true),
            (&DerivedKind::Confusion, vec![LABEL, THREE], false),
            (&survival, vec![DAYS, LABEL], true),
            (&survival, vec![THREE, DAYS, LABEL], true),
            (&survival, vec![THREE, THREE, DAYS, LABEL], false),
            (&survival, vec![BEFORE, LABEL], false),
            (&survival, vec![DAYS, THREE], false),
            (&DerivedKind::Covariance, vec![DAYS, THREE], false),
        ];
        for (kind, axes, good) in rows {
            assert_eq!(kind.reads(&table(&axes.join(","))).is_ok(), good, "{kind:?} of {axes:?}");
        }
        let other = DerivedKind::Roc { positive: "maybe".into() };
        assert!(other.reads(&table(&[SCORE, LABEL].join(","))).is_err());
    }

    #[test]
    fn a_regression_reads_its_variables_each_once() {
        let variable = |n: &str| format!(r#"{{"name":"{n}","unit":"1","lower":0,"upper":1}}"#);
        let list = ["a", "b", "c"].map(variable).join(",");
        let moments: Kind =
            serde_json::from_str(&format!(r#"{{"kind":"moments","variables":[{list}]}}"#)).unwrap();
        let linear = |outcome: &str, predictors: &[&str]| {
            let predictors = predictors.iter().map(|p| p.parse().unwrap()).collect();
            DerivedKind::Linear { outcome: outcome.parse().unwrap(), predictors }.reads(&moments).is_ok()
        };
        assert!(linear("a", &["b"]) && linear("c", &["a", "b"]));
        assert!(
            !linear("a", &[]) && !linear("a", &["a"]) && !linear("a", &["b", "b"]) && !linear("a", &["d"])
        );
    }

    #[test]
    fn a_newton_step_reads_gradient_and_upper_triangle() {
        let logistic = DerivedKind::Logistic { predictors: vec!["age".parse().unwrap()], l2: 1.0, step: 1.0 };
        let vector = |length| Kind::Vector { length, clip: 1.0, grid_bits: 10 };
        assert!(logistic.reads(&vector(5)).is_ok() && logistic.reads(&vector(6)).is_err());
    }
}
