//! Statistics that are made of noised blocks.

use crate::*;
use trocar_filter::{At, Figures};

pub(crate) fn derived(name: &str, from: &str, kind: DerivedKind) -> Derived {
    Derived { name: name.parse().unwrap(), from: from.parse().unwrap(), kind }
}

pub(crate) fn categories(name: &str, list: &[&str]) -> Axis {
    let categories = list.iter().map(|c| (*c).to_owned()).collect();
    Axis::Categories { name: name.parse().unwrap(), categories }
}

pub(crate) fn edges(name: &str, edges: &[f64]) -> Axis {
    Axis::Edges { name: name.parse().unwrap(), edges: edges.into() }
}

pub(crate) fn cells(axes: Vec<Axis>) -> Kind {
    Kind::Table { axes, cells_per_patient: 1 }
}

/// A job of one output and one statistic of it.
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) patients: Vec<Vec<f64>>,
}

impl Job {
    /// `patients`: what each returns; for a table the number of her cell alone.
    pub(crate) fn new(
        kind: Kind,
        rho: &str,
        statistic: Option<DerivedKind>,
        patients: Vec<Vec<f64>>,
    ) -> Self {
        let length = kind.length();
        let one_hot = matches!(kind, Kind::Table { .. });
        let outputs = [output("x", rho, kind)];
        let derived: Vec<Derived> = statistic.into_iter().map(|kind| derived("d", "x", kind)).collect();
        let admission = Admission { derived: &derived, n_pub: 100_000, ..admission(&outputs) };
        let hot = |cell: Vec<f64>| (0..length).map(|i| f64::from(u8::from(i as f64 == cell[0]))).collect();
        let patients = if one_hot { patients.into_iter().map(hot).collect() } else { patients };
        Self { plan: Plan::admit(&admission).unwrap(), patients }
    }

    fn contributions(&self) -> Vec<Untrusted<Contribution>> {
        self.patients.iter().map(|p| Untrusted::new(Contribution(vec![p.clone()]))).collect()
    }

    pub(crate) fn exact(&self) -> Figures {
        rehearse(&self.plan, self.contributions(), &mut Silent::default(), true).figures.unwrap()
    }

    pub(crate) fn noisy(&self, noise: &mut dyn NoiseSource) -> Figures {
        rehearse(&self.plan, self.contributions(), noise, true).figures.unwrap()
    }
}

/// Each number under the name of its part, its group and its place.
pub(crate) fn named(figures: &Figures) -> BTreeMap<String, Number> {
    let outputs = figures.outputs.iter().flat_map(|f| {
        f.numbers.iter().enumerate().map(|(i, n)| (format!("{} {i}", f.name), *n)).collect::<Vec<_>>()
    });
    let parts = figures.derived.iter().flat_map(|d| &d.parts);
    let numbers = parts.flat_map(|part| {
        let place = |i: usize| match &part.at {
            At::One => String::new(),
            At::Numbers(at) => at[i].to_string(),
            At::Words(at) => at[i].clone(),
        };
        let group = part.group.clone().unwrap_or_default();
        let named = |(i, n): (usize, &Number)| (format!("{} {group} {}", part.name, place(i)), *n);
        part.numbers.iter().enumerate().map(named).collect::<Vec<_>>()
    });
    outputs.chain(numbers).collect()
}

/// tests/oracles/derived.py: for each case what each patient returns, and every statistic.
struct Oracle {
    patients: Vec<Vec<f64>>,
    /// Part, group, place and value.
    rows: Vec<[String; 4]>,
}

fn oracle(case: &str) -> Oracle {
    let table = include_str!("../../../../tests/oracles/derived.tsv");
    let mut found = Oracle { patients: vec![], rows: vec![] };
    for line in table.lines() {
        let [of, part, group, at, value] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        if of == case && part == "patient" {
            found.patients.push(value.split(' ').map(|v| v.parse().unwrap()).collect());
        } else if of == case {
            found.rows.push([part, group, at, value].map(str::to_owned));
        }
    }
    assert!(found.patients.len() > 100 && !found.rows.is_empty());
    found
}

impl Oracle {
    /// From the place along each axis to the number of the cell.
    fn cells(&self, axes: &[usize]) -> Vec<Vec<f64>> {
        let cell = |p: &Vec<f64>| p.iter().zip(axes).fold(0.0, |cell, (at, n)| cell * *n as f64 + at);
        self.patients.iter().map(|p| vec![cell(p)]).collect()
    }

    /// Every row of the oracle is a number of ours, within `tolerance` of its size.
    fn holds(&self, figures: &Figures, tolerance: f64) {
        let numbers = figures.derived.iter().flat_map(|d| &d.parts).map(|p| p.numbers.len()).sum::<usize>();
        let most = figures.derived[0].derived.kind.numbers(&figures.outputs[0].kind);
        assert!((1..=most).contains(&numbers), "{numbers} numbers where {most} were announced");
        for row in &self.rows {
            let [part, group, at, value] = row;
            let value: f64 = value.parse().unwrap();
            let ours = find(figures, part, group, at).value.unwrap_or_else(|| panic!("{row:?} is unknown"));
            assert!((ours - value).abs() <= tolerance * value.abs().max(1.0), "{row:?}: {ours}");
        }
    }
}

fn find(figures: &Figures, part: &str, group: &str, at: &str) -> Number {
    let all = figures.derived.iter().flat_map(|d| &d.parts);
    let group = (group != "-").then(|| group.to_owned());
    let found = all.clone().find(|p| p.name == part && p.group == group);
    let found = found.unwrap_or_else(|| panic!("no part {part} of {group:?}"));
    let place = match &found.at {
        At::One => Some(0),
        At::Numbers(all) => all.iter().position(|x| (x - at.parse::<f64>().unwrap()).abs() < 1e-9),
        At::Words(all) => all.iter().position(|word| word == at),
    };
    found.numbers[place.unwrap_or_else(|| panic!("{part} has no {at}"))]
}

#[test]
fn a_roc_curve_is_the_one_of_scikit_learn() {
    let oracle = oracle("roc");
    let score = edges("score", &[0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0]);
    let kind = cells(vec![score, categories("label", &["no", "yes"])]);
    let roc = |positive: &str| Some(DerivedKind::Roc { positive: positive.into() });
    let job = Job::new(kind.clone(), "0.02", roc("yes"), oracle.cells(&[8, 2]));
    oracle.holds(&job.exact(), 1e-11);
    let auc = |positive| {
        let job = Job::new(kind.clone(), "0.02", roc(positive), oracle.cells(&[8, 2]));
        find(&job.exact(), "auc", "-", "-").value.unwrap()
    };
    assert!((auc("yes") + auc("no") - 1.0).abs() < 1e-11, "the other label turns the curve round");
}

#[test]
fn a_calibration_is_the_one_of_scikit_learn() {
    let oracle = oracle("calibration");
    let edges = edges("risk", &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    let kind = cells(vec![edges, categories("label", &["no", "yes"])]);
    let calibration = DerivedKind::Calibration { positive: "yes".into() };
    let job = Job::new(kind, "0.02", Some(calibration), oracle.cells(&[5, 2]));
    oracle.holds(&job.exact(), 1e-11);
}

#[test]
fn a_confusion_matrix_is_the_one_of_scikit_learn() {
    let oracle = oracle("confusion");
    let classes = ["a", "b", "c"];
    let kind = cells(vec![categories("truth", &classes), categories("said", &classes)]);
    let job = Job::new(kind, "0.02", Some(DerivedKind::Confusion), oracle.cells(&[3, 3]));
    oracle.holds(&job.exact(), 1e-11);
}

#[test]
fn a_survival_curve_of_each_group_is_the_one_of_lifelines() {
    let oracle = oracle("survival");
    let days = edges("days", &[0.0, 90.0, 180.0, 365.0, 730.0, 1095.0, 1825.0]);
    let status = categories("status", &["died", "censored"]);
    let kind = cells(vec![categories("sex", &["F", "M"]), days, status]);
    // With this rho the noise of nobody hides the last interval; there is none in the numbers.
    let survival = DerivedKind::Survival { event: "died".into() };
    let job = Job::new(kind, "1.0", Some(survival), oracle.cells(&[2, 6, 2]));
    oracle.holds(&job.exact(), 1e-11);
}

#[test]
fn covariances_correlations_and_coefficients_are_those_of_numpy() {
    let mut oracle = oracle("moments");
    let variables =
        vec![variable("age", 0.0, 128.0), variable("dose", -1.0, 1.0), variable("size", 0.0, 512.0)];
    let name = |n: &str| n.parse().unwrap();
    let linear = DerivedKind::Linear { outcome: name("size"), predictors: vec![name("age"), name("dose")] };
    let of = |statistic| {
        let kind = Kind::Moments { variables: variables.clone() };
        Job::new(kind, "0.5", Some(statistic), oracle.patients.clone()).exact()
    };
    let figures = [of(DerivedKind::Covariance), of(linear)];
    let regression = |row: &[String; 4]| matches!(row[0].as_str(), "coefficient" | "r_squared");
    let all = std::mem::take(&mut oracle.rows);
    for (figures, mine) in figures.iter().zip([false, true]) {
        oracle.rows = all.iter().filter(|row| regression(row) == mine).cloned().collect();
        // What is left is the rounding of products to 2^-16 of their range.
        oracle.holds(figures, 1e-4);
    }
}

#[test]
fn variance_and_quantiles_are_those_of_numpy() {
    let oracle = oracle("alone");
    let edges = vec![0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0, 100.0, 128.0];
    let probabilities = vec![0.05, 0.25, 0.5, 0.9];
    let exact =
        |kind| Job::new(kind, "0.5", None, oracle.patients.clone()).exact().outputs[0].numbers.clone();
    let variance = exact(Kind::Variance(bounds(0.0, 128.0, 4)))[0].value.unwrap();
    let quantiles: Vec<f64> =
        exact(Kind::Quantiles { edges, probabilities }).iter().map(|n| n.value.unwrap()).collect();
    let theirs = |part: &str| -> Vec<f64> {
        oracle.rows.iter().filter(|r| r[0] == part).map(|r| r[3].parse().unwrap()).collect()
    };
    assert_eq!(quantiles, theirs("quantile"));
    assert!(
        (variance / theirs("variance")[0] - 1.0).abs() < 2e-5,
        "{variance} against {:?}",
        theirs("variance")
    );
}

#[test]
fn what_the_noise_hides_is_unknown_and_not_a_number_made_up() {
    let kind = || cells(vec![edges("days", &[0.0, 1.0, 2.0]), categories("status", &["died", "censored"])]);
    let few = (0..12).map(|i| vec![f64::from(i % 4)]).collect();
    let job = Job::new(kind(), "0.0001", Some(DerivedKind::Survival { event: "died".into() }), few);
    let survival = find(&job.exact(), "survival", "-", "1");
    assert_eq!(
        (survival.value, survival.high95, survival.shown, survival.display),
        (None, None, false, None)
    );
    let none = DerivedKind::Covariance;
    let job = Job::new(moments(), "0.0001", Some(none), (0..12).map(|i| vec![f64::from(i), 0.0]).collect());
    assert_eq!(find(&job.exact(), "correlation", "-", "a, b").value, None);
}

/// Two up, two down, so that a curve made of noise alone rises and falls.
struct Saw(i128);

impl NoiseSource for Saw {
    fn draw(&mut self, sigma: u64) -> i128 {
        self.0 += 1;
        i128::from(sigma) * if self.0 % 4 < 2 { 2 } else { -2 }
    }
}

#[test]
fn only_what_is_drawn_of_a_curve_is_monotone_and_within_0_and_1() {
    let days = edges("days", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let kind = cells(vec![days, categories("status", &["died", "censored"])]);
    let patients = (0..2000).map(|i| vec![if i % 20 == 0 { 2.0 } else { 9.0 }]).collect();
    let job = Job::new(kind, "0.005", Some(DerivedKind::Survival { event: "died".into() }), patients);
    let figures = job.noisy(&mut Saw(0));
    let curve = figures.derived[0].parts.iter().find(|p| p.name == "survival").unwrap();
    let falls = |all: &[f64]| all.windows(2).all(|pair| pair[0] >= pair[1]);
    let values: Vec<f64> = curve.numbers.iter().filter_map(|n| n.value).collect();
    let drawn: Vec<f64> = curve.numbers.iter().filter_map(|n| n.display).collect();
    assert!(values.len() >= 4 && !falls(&values), "{values:?}");
    assert!(falls(&drawn) && drawn.iter().all(|s| (0.0..=1.0).contains(s)), "{drawn:?}");
}

/// Every number with an interval, of outputs and statistics, and whether some end of one lies outside the range.
fn eyed(figures: &Figures, (least, most): (f64, f64)) -> bool {
    let all = named(figures).into_values().filter(|n| n.low95.is_some()).collect::<Vec<_>>();
    for n in &all {
        for (seen, computed) in [(n.display_low95, n.low95), (n.display_high95, n.high95)] {
            assert_eq!(seen, computed.map(|x| x.clamp(least, most)), "{n:?}");
        }
    }
    all.iter().any(|n| n.low95 < Some(least) || n.high95 > Some(most))
}

#[test]
fn an_interval_is_computed_as_it_is_and_clamped_to_the_public_range_for_the_eye() {
    let label = || categories("label", &["no", "yes"]);
    let kind = cells(vec![edges("score", &[0.0, 0.25, 0.5, 0.75, 1.0]), label()]);
    let patients: Vec<Vec<f64>> = (0..400).map(|i| vec![if i % 2 == 0 { 0.0 } else { 7.0 }]).collect();
    let roc = DerivedKind::Roc { positive: "yes".into() };
    let mut figures = Job::new(kind, "0.005", Some(roc), patients).exact();
    figures.outputs.clear();
    assert!(eyed(&figures, (0.0, 1.0)), "a perfect test has intervals beyond 0 and 1");
    let truth = cells(vec![label(), categories("said", &["no", "yes"])]);
    let right = (0..400).map(|i| vec![if i % 2 == 0 { 0.0 } else { 3.0 }]).collect();
    let mut figures = Job::new(truth, "0.005", Some(DerivedKind::Confusion), right).exact();
    figures.outputs.clear();
    assert!(eyed(&figures, (0.0, 1.0)), "so has perfect agreement");
    let variance = Kind::Variance(bounds(0.0, 128.0, 4));
    let figures = Job::new(variance, "0.005", None, vec![vec![64.0]; 400]).exact();
    assert!(eyed(&figures, (0.0, 4096.0)), "patients who are all alike vary by less than nothing");
    let count = Job::new(Kind::Count, "0.005", None, vec![vec![0.0]; 400]).exact();
    assert!(eyed(&count, (0.0, 100_000.0)), "and there may be fewer than none");
}
