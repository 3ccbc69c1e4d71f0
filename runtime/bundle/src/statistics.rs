//! Derived statistics beside the words of their parts: what table, plots and report are made of.

use crate::figures::{Cell, Number, number};
use crate::number::short;
use trocar_filter::{At, Outcome};
use trocar_manifest::Manifest;
use trocar_terms::{Axis, Derived, DerivedKind, Kind};

/// One derived statistic; no parts where the job was withheld.
#[derive(Debug, Clone)]
pub(crate) struct Statistic<'a> {
    pub(crate) derived: &'a Derived,
    /// The kind of the output that it reads.
    pub(crate) source: &'a Kind,
    pub(crate) parts: Vec<Part>,
}

/// One number or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// The filter's name of it.
    pub(crate) name: &'static str,
    /// The group of patients, empty where there are none.
    pub(crate) group: String,
    /// Thresholds, times or predictions; empty where the numbers stand at words.
    pub(crate) places: Vec<f64>,
    pub(crate) cells: Vec<Cell>,
}

impl Statistic<'_> {
    /// The number that says most, if there is one of that sort and it is shown.
    pub(crate) fn single(&self) -> Option<Number> {
        let first = self.parts.first().filter(|part| part.group.is_empty())?;
        if let [cell] = first.cells.as_slice() { cell.number.filter(|_| cell.label.is_empty()) } else { None }
    }

    /// All parts of this name, one a group.
    pub(crate) fn named<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Part> {
        self.parts.iter().filter(move |part| part.name == name)
    }

    /// Each cell under its whole label.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.parts.iter().flat_map(|part| {
            part.cells.iter().map(|cell| Cell { label: part.label(&cell.label), ..cell.clone() })
        })
    }

    /// The name of an axis of the table that it reads, counted from the last.
    pub(crate) fn axis(&self, from_last: usize) -> &str {
        let Kind::Table { axes, .. } = self.source else { return "" };
        match axes.iter().rev().nth(from_last) {
            Some(Axis::Categories { name, .. } | Axis::Edges { name, .. }) => name.as_str(),
            None => "",
        }
    }
}

impl Part {
    /// The part in words, its group and the place.
    fn label(&self, place: &str) -> String {
        let words = [self.name.replace('_', " "), self.group.clone(), place.to_owned()];
        words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// Each derived statistic of the manifest.
pub(crate) fn statistics<'a>(manifest: &'a Manifest, outcome: &Outcome) -> Vec<Statistic<'a>> {
    let of = |derived: &'a Derived| {
        let output = manifest.outputs.iter().find(|output| output.name == derived.from)?;
        Some(Statistic { derived, source: &output.kind, parts: parts(derived, outcome) })
    };
    manifest.derived.iter().filter_map(of).collect()
}

fn parts(derived: &Derived, outcome: &Outcome) -> Vec<Part> {
    let Outcome::Released(released) = outcome else { return Vec::new() };
    let found = released.figures().derived.iter().find(|d| d.derived.name == derived.name);
    found.map_or_else(Vec::new, |figure| figure.parts.iter().map(part).collect())
}

fn part(part: &trocar_filter::Part) -> Part {
    let (labels, places): (Vec<String>, Vec<f64>) = match &part.at {
        At::One => (vec![String::new()], Vec::new()),
        At::Numbers(at) => (at.iter().map(|x| short(*x)).collect(), at.clone()),
        At::Words(at) => (at.clone(), Vec::new()),
    };
    let cell = |(label, n)| Cell { label, edges: None, number: number(n) };
    let cells = labels.into_iter().zip(&part.numbers).map(cell).collect();
    Part { name: part.name, group: part.group.clone().unwrap_or_default(), places, cells }
}

/// The statistic as a person calls it.
pub(crate) const fn title(kind: &DerivedKind) -> &'static str {
    match kind {
        DerivedKind::Roc { .. } => "ROC curve",
        DerivedKind::Calibration { .. } => "Calibration",
        DerivedKind::Confusion => "Agreement of truth and prediction",
        DerivedKind::Survival { .. } => "Kaplan-Meier curve",
        DerivedKind::Covariance => "Means, covariances and correlations",
        DerivedKind::Linear { .. } => "Linear regression",
        DerivedKind::Logistic { .. } => "Logistic regression",
    }
}
