//! The released numbers beside the labels of their cells: what table, plots and report are made of.

use crate::number::{decimals, plain, short};
use trocar_filter::{Outcome, Released};
use trocar_terms::{Axis, Kind, Output, Variable};

/// One declared output and what was released of it; no cells where the job was withheld.
#[derive(Debug, Clone)]
pub(crate) struct Figure<'a> {
    pub(crate) output: &'a Output,
    pub(crate) cells: Vec<Cell>,
}

/// One released number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    /// What it counts, empty for an output of one number.
    pub(crate) label: String,
    /// The edges of a histogram's bin.
    pub(crate) edges: Option<(f64, f64)>,
    /// Absent where it is blanked.
    pub(crate) number: Option<Number>,
}

/// A number that is shown, with the interval that the noise alone puts round it. An end that is absent is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    /// As computed.
    pub(crate) value: f64,
    /// For the eye: held inside its public range.
    pub(crate) display: f64,
    /// Absent where the interval is open: there is no one width to state.
    pub(crate) sd: Option<f64>,
    pub(crate) low95: Option<f64>,
    pub(crate) high95: Option<f64>,
    /// The ends for the eye, held inside the public range too.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

/// The two-sided 95 % point of the normal distribution.
const Z95: f64 = 1.959_964;

impl Figure<'_> {
    /// The number of an output that has only one, if it is shown.
    pub(crate) fn single(&self) -> Option<Number> {
        let one = matches!(self.output.kind, Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_));
        self.cells.first().filter(|_| one).and_then(|cell| cell.number)
    }

    /// How many cells are blanked.
    pub(crate) fn blanked(&self) -> usize {
        self.cells.iter().filter(|c| c.number.is_none()).count()
    }
}

/// Each declared output with what was released of it.
pub(crate) fn figures<'a>(outputs: &'a [Output], outcome: &Outcome) -> Vec<Figure<'a>> {
    let Outcome::Released(released) = outcome else {
        return outputs.iter().map(|output| Figure { output, cells: Vec::new() }).collect();
    };
    outputs.iter().map(|output| Figure { output, cells: cells(output, released) }).collect()
}

/// The noisy number of patients.
pub(crate) fn patients(outcome: &Outcome) -> Option<Number> {
    let Outcome::Released(released) = outcome else {
        return None;
    };
    let patients = released.figures().patients;
    let (value, sd) = (patients.value as f64, patients.sd);
    let (low95, high95) = (Some(value - Z95 * sd), Some(value + Z95 * sd));
    // The number of patients is not below 0.
    let (low, high) = (low95.map(|x| x.max(0.0)), high95);
    Some(Number { value, display: value, sd: Some(sd), low95, high95, low, high })
}

fn cells(output: &Output, released: &Released) -> Vec<Cell> {
    let figure = released.figures().outputs.iter().find(|f| f.name == output.name);
    let numbers = figure.map_or(&[][..], |f| f.numbers.as_slice());
    let labelled = labels(&output.kind).into_iter().zip(numbers);
    labelled.map(|((label, edges), n)| Cell { label, edges, number: number(n) }).collect()
}

/// Absent where the filter does not show it.
pub(crate) fn number(n: &trocar_filter::Number) -> Option<Number> {
    let (value, display) = (n.value?, n.display?);
    let (low, high) = (n.display_low95, n.display_high95);
    Some(Number { value, display, sd: n.sd, low95: n.low95, high95: n.high95, low, high })
}

impl Number {
    /// For the eye, with two digits of the noise; as short as it can be written where the noise has no one width.
    pub(crate) fn text(&self, x: f64) -> String {
        self.sd.map_or_else(|| short(x), |sd| plain(x, decimals(sd)))
    }

    /// The interval in words.
    pub(crate) fn interval(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                format!("95 % noise interval {} to {}", self.text(low), self.text(high))
            }
            (Some(low), None) => format!("at least {}", self.text(low)),
            (None, Some(high)) => format!("at most {}", self.text(high)),
            (None, None) => "not bounded by the noise".to_owned(),
        }
    }

    /// Where a plot puts the ends: an open one beyond any axis.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.low.unwrap_or(f64::NEG_INFINITY), self.high.unwrap_or(f64::INFINITY))
    }
}

pub(crate) type Label = (String, Option<(f64, f64)>);

pub(crate) fn labels(kind: &Kind) -> Vec<Label> {
    match kind {
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) => vec![(String::new(), None)],
        Kind::Histogram { edges, .. } => bins(edges).map(|b| (range(b), Some(b))).collect(),
        Kind::Table { axes, .. } => table_labels(axes).into_iter().map(|l| (l, None)).collect(),
        Kind::Quantiles { probabilities, .. } => probabilities.iter().map(|p| (short(*p), None)).collect(),
        Kind::Moments { variables } => moment_labels(variables).into_iter().map(|l| (l, None)).collect(),
        Kind::Vector { length, .. } => (0..*length).map(|i| (i.to_string(), None)).collect(),
    }
}

/// The number of patients, each variable, then each product of two, row by row of the upper triangle.
fn moment_labels(variables: &[Variable]) -> Vec<String> {
    let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
    let product = |i: usize| {
        let rest = names.iter().skip(i).map(|b| format!("{} * {b}", names.get(i).unwrap_or(&"")));
        rest.collect::<Vec<_>>()
    };
    let single = names.iter().map(|name| (*name).to_owned());
    std::iter::once("1".to_owned()).chain(single).chain((0..names.len()).flat_map(product)).collect()
}

fn bins(edges: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    edges.iter().copied().zip(edges.iter().copied().skip(1))
}

fn range((low, high): (f64, f64)) -> String {
    format!("{} to {}", short(low), short(high))
}

/// The last axis fastest, as the guest returns the cells.
fn table_labels(axes: &[Axis]) -> Vec<String> {
    axes.iter().map(steps).fold(vec![String::new()], |before, steps| {
        let joined = |b: &String, s: &String| {
            if b.is_empty() { s.clone() } else { format!("{b}, {s}") }
        };
        before.iter().flat_map(|b| steps.iter().map(move |s| joined(b, s))).collect()
    })
}

fn steps(axis: &Axis) -> Vec<String> {
    match axis {
        Axis::Categories { name, categories } => categories.iter().map(|c| format!("{name} {c}")).collect(),
        Axis::Edges { name, edges } => bins(edges).map(|b| format!("{name} {}", range(b))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_last_axis_of_a_table_runs_fastest() {
        let job = fixture::job(fixture::ALL);
        let labels: Vec<_> = labels(&job.manifest.outputs[2].kind).into_iter().map(|l| l.0).collect();
        assert_eq!(
            labels[..4],
            ["sex F, age 0 to 50", "sex F, age 50 to 70", "sex F, age 70 to 120", "sex M, age 0 to 50"]
        );
    }

    #[test]
    fn a_cell_below_k_has_no_number_and_a_withheld_job_no_cell() {
        let job = fixture::job(fixture::ALL);
        let released = job.outcome(200, 1);
        let all = figures(&job.manifest.outputs, &released);
        assert!(all[1].cells[4].number.is_none(), "nobody is in the last bin");
        assert!(all[1].cells[1].number.is_some() && all[0].single().is_some());
        let withheld = job.outcome(9, 1);
        assert!(figures(&job.manifest.outputs, &withheld).iter().all(|f| f.cells.is_empty()));
        assert_eq!(patients(&withheld), None);
    }

    #[test]
    fn a_number_with_an_open_interval_is_told_with_the_end_that_is_known() {
        let (low95, high95) = (Some(1095.0), None);
        let (low, high) = (low95, high95);
        let open = Number { value: 1095.0, display: 1095.0, sd: None, low95, high95, low, high };
        assert_eq!(format!("{}, {}", open.text(open.display), open.interval()), "1095, at least 1095");
        let below = Number { low: high, high: low, ..open };
        assert_eq!((below.interval(), below.ends()), ("at most 1095".into(), (f64::NEG_INFINITY, 1095.0)));
    }

    #[test]
    fn an_interval_in_words_stays_where_its_number_can_be() {
        let (low95, high95) = (Some(-206.04), Some(312.5));
        let n = Number {
            value: -4.0,
            display: 0.0,
            sd: Some(132.0),
            low95,
            high95,
            low: Some(0.0),
            high: high95,
        };
        assert_eq!(n.interval(), "95 % noise interval 0 to 312");
        assert_eq!(n.ends(), (0.0, 312.5));
    }

    #[test]
    fn every_end_that_is_told_of_a_real_release_is_the_clamped_one() {
        let job = fixture::job(fixture::DERIVED);
        let outcome = job.outcome(120, 1);
        let shares = ["auc", "survival", "true_positive_rate", "false_positive_rate"];
        let parts = crate::statistics::statistics(&job.manifest, &outcome);
        let cells =
            parts.iter().flat_map(|s| &s.parts).filter(|p| shares.contains(&p.name)).flat_map(|p| &p.cells);
        let numbers: Vec<Number> = cells.filter_map(|c| c.number).collect();
        let outside = |n: &Number| n.low95.is_some_and(|x| x < 0.0) || n.high95.is_some_and(|x| x > 1.0);
        assert!(numbers.iter().any(outside), "{numbers:?}");
        for n in numbers {
            let (low, high) = n.ends();
            assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high), "{n:?}");
        }
    }
}
