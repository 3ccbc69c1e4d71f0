//! How often the interval of each statistic holds the number without noise.

use crate::derived::{Job, categories, cells, edges, named};
use crate::*;

const DRAWS: u32 = 1000;

/// Checks every number of the job that at least half of the draws give. Three and a half standard errors at 95 % over 1000
/// draws are 2.4 %.
fn covered(job: &Job, what: &str, seed: u64) {
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
    for (name, n) in &truth {
        let (hits, all) = held.get(name).copied().unwrap_or_default();
        eprintln!(
            "{what:12} {name:40} {:?} held {:.3} known {:.3}",
            n.value,
            f64::from(hits) / f64::from(all),
            f64::from(all) / f64::from(DRAWS)
        );
    }
}

fn spread(n: u32, f: impl Fn(f64) -> Vec<f64>) -> Vec<Vec<f64>> {
    (0..n).map(|i| f((f64::from(i) + 0.5) / f64::from(n))).collect()
}

/// A number in 0..1 that looks like chance.
fn mixed(u: f64) -> f64 {
    (u * 7919.0 * 1.618).fract()
}

#[test]
fn explore() {
    for (n, rho) in [(60, "0.02"), (100, "0.02"), (300, "0.02"), (300, "0.1"), (2000, "0.02")] {
        let tag = format!("{n} {rho}");
        let axes = vec![edges("score", &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), categories("label", &["no", "yes"])];
        let patients = spread(n, |u| {
            let score = (u * 5.0).floor().min(4.0);
            vec![2.0 * score + f64::from(u8::from(mixed(u) < 0.1 + 0.16 * score))]
        });
        let positive = || "yes".to_owned();
        covered(
            &Job::new(
                cells(axes.clone()),
                rho,
                Some(DerivedKind::Roc { positive: positive() }),
                patients.clone(),
            ),
            &tag,
            1,
        );
        covered(
            &Job::new(cells(axes), rho, Some(DerivedKind::Calibration { positive: positive() }), patients),
            &tag,
            2,
        );
        let axes = vec![categories("truth", &["a", "b", "c"]), categories("said", &["a", "b", "c"])];
        let patients = spread(n, |u| {
            let truth = (u * 3.0).floor();
            let said = if mixed(u) < 0.7 { truth } else { (mixed(u) * 100.0).floor() % 3.0 };
            vec![3.0 * truth + said]
        });
        covered(&Job::new(cells(axes), rho, Some(DerivedKind::Confusion), patients), &tag, 3);
        let axes = vec![
            edges("days", &[0.0, 100.0, 200.0, 400.0, 800.0, 1600.0]),
            categories("status", &["died", "censored"]),
        ];
        let patients = spread(n, |u| {
            let time = (-u.ln() * 2.0).floor().min(4.0);
            vec![2.0 * time + f64::from(u8::from(mixed(u) < 0.3))]
        });
        covered(
            &Job::new(cells(axes), rho, Some(DerivedKind::Survival { event: "died".into() }), patients),
            &tag,
            4,
        );
        let variables = || Kind::Moments {
            variables: vec![
                variable("age", 0.0, 120.0),
                variable("dose", 0.0, 10.0),
                variable("size", 0.0, 500.0),
            ],
        };
        let patients = spread(n, |u| {
            let (age, dose) = (20.0 + 80.0 * mixed(u), 10.0 * u);
            vec![age, dose, 50.0 + 2.0 * age + 10.0 * dose + 60.0 * mixed(u * 3.7)]
        });
        covered(&Job::new(variables(), rho, Some(DerivedKind::Covariance), patients.clone()), &tag, 5);
        let linear = DerivedKind::Linear {
            outcome: "size".parse().unwrap(),
            predictors: vec!["age".parse().unwrap(), "dose".parse().unwrap()],
        };
        covered(&Job::new(variables(), rho, Some(linear), patients), &tag, 6);
        covered(
            &Job::new(
                Kind::Variance(bounds(0.0, 128.0, 4)),
                rho,
                None,
                spread(n, |u| vec![20.0 + 80.0 * mixed(u)]),
            ),
            &tag,
            7,
        );
        let quantiles = Kind::Quantiles {
            edges: (0..=16).map(|i| f64::from(i) * 8.0).collect(),
            probabilities: vec![0.1, 0.25, 0.5, 0.75],
        };
        covered(&Job::new(quantiles, rho, None, spread(n, |u| vec![20.0 + 80.0 * mixed(u)])), &tag, 8);
    }
}
