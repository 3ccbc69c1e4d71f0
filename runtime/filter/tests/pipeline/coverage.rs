//! How often the interval of each statistic holds the number without noise.

use crate::derived::{Job, categories, cells, edges, named};
use crate::*;

const DRAWS: u32 = 1000;

/// Every number that at least half of the draws give. Three and a half standard errors at 95 % over 1000 draws are 2.4 %.
fn assert_covered(job: &Job, seed: u64) {
    let truth = named(&job.exact());
    let mut noise = GaussianNoise::new(&mut rng(seed));
    let mut held: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for _ in 0..DRAWS {
        for (name, number) in named(&job.noisy(&mut noise)) {
            let (Some(low), Some(high), Some(value)) = (number.low95, number.high95, truth[&name].value)
            else {
                continue;
            };
            let (hits, all) = held.entry(name).or_default();
            *hits += u32::from(low <= value && value <= high);
            *all += 1;
        }
    }
    held.retain(|_, (_, all)| *all >= DRAWS / 2);
    assert!(!held.is_empty(), "nothing is known");
    for (name, (hits, all)) in held {
        let share = f64::from(hits) / f64::from(all);
        assert!(share >= 0.926, "{name}: {share} of {all}");
    }
}

/// Few patients under much noise, and many under little.
const SIZES: [(u32, &str); 3] = [(100, "0.02"), (300, "0.05"), (1000, "0.01")];

fn every_size(kind: Kind, statistic: Option<DerivedKind>, patient: impl Fn(f64) -> Vec<f64>) {
    for (n, rho) in SIZES {
        let patients = (0..n).map(|i| patient((f64::from(i) + 0.5) / f64::from(n))).collect();
        assert_covered(&Job::new(kind.clone(), rho, statistic.clone(), patients), u64::from(n));
    }
}

/// A number in 0..1 that looks like chance.
fn mixed(u: f64) -> f64 {
    (u * 7919.0 * 1.618).fract()
}

fn scores() -> Kind {
    cells(vec![edges("score", &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), categories("label", &["no", "yes"])])
}

fn scored(u: f64) -> Vec<f64> {
    let score = (u * 5.0).floor().min(4.0);
    vec![2.0 * score + f64::from(u8::from(mixed(u) < 0.1 + 0.16 * score))]
}

#[test]
fn intervals_of_a_roc_curve_hold_95_times_in_100() {
    every_size(scores(), Some(DerivedKind::Roc { positive: "yes".into() }), scored);
}

#[test]
fn intervals_of_a_calibration_hold_95_times_in_100() {
    every_size(scores(), Some(DerivedKind::Calibration { positive: "yes".into() }), scored);
}

#[test]
fn intervals_of_a_confusion_matrix_hold_95_times_in_100() {
    let classes = ["a", "b", "c"];
    let kind = cells(vec![categories("truth", &classes), categories("said", &classes)]);
    every_size(kind, Some(DerivedKind::Confusion), |u| {
        let truth = (u * 3.0).floor();
        let said = if mixed(u) < 0.7 { truth } else { (mixed(u) * 100.0).floor() % 3.0 };
        vec![3.0 * truth + said]
    });
}

#[test]
fn intervals_of_a_survival_curve_hold_95_times_in_100() {
    let days = [0.0, 100.0, 200.0, 400.0, 800.0, 1600.0];
    let kind = cells(vec![edges("days", &days), categories("status", &["died", "censored"])]);
    every_size(kind, Some(DerivedKind::Survival { event: "died".into() }), |u| {
        let time = (-u.ln() * 2.0).floor().min(4.0);
        vec![2.0 * time + f64::from(u8::from(mixed(u) < 0.3))]
    });
}

fn three() -> Kind {
    let variables =
        vec![variable("age", 0.0, 120.0), variable("dose", 0.0, 10.0), variable("size", 0.0, 500.0)];
    Kind::Moments { variables }
}

fn of_three(u: f64) -> Vec<f64> {
    let (age, dose) = (20.0 + 80.0 * mixed(u), 10.0 * u);
    vec![age, dose, 50.0 + 2.0 * age + 10.0 * dose + 60.0 * mixed(u * 3.7)]
}

#[test]
fn intervals_of_covariances_and_correlations_hold_95_times_in_100() {
    every_size(three(), Some(DerivedKind::Covariance), of_three);
}

#[test]
fn intervals_of_a_linear_regression_hold_95_times_in_100() {
    let name = |n: &str| n.parse().unwrap();
    let linear = DerivedKind::Linear { outcome: name("size"), predictors: vec![name("age"), name("dose")] };
    every_size(three(), Some(linear), of_three);
}

#[test]
fn intervals_of_a_variance_and_of_quantiles_hold_95_times_in_100() {
    let patient = |u| vec![20.0 + 80.0 * mixed(u)];
    every_size(Kind::Variance(bounds(0.0, 128.0, 4)), None, patient);
    let edges = (0..=16).map(|i| f64::from(i) * 8.0).collect();
    every_size(Kind::Quantiles { edges, probabilities: vec![0.1, 0.25, 0.5, 0.75] }, None, patient);
}
