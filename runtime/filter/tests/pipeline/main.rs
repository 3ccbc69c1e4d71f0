//! The filter from outside: what goes in, what comes out, and what never does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod admit;
mod coverage;
mod derived;
mod draw;
mod expected;
mod figures;
mod logistic;
mod rounds;
mod sum;

use chacha20::ChaCha20Rng;
use proptest::prelude::*;
use rand::SeedableRng;
use std::collections::{BTreeMap, BTreeSet};
use trocar_filter::{
    Admission, Contribution, GaussianNoise, NoiseSource, Number, OtherPlan, Outcome, Plan, Refusal, Step,
    Sums, Untrusted, first_round, rehearse, rehearse_rounds, release,
};
use trocar_terms::{Axis, Bounds, Decimal, Derived, DerivedKind, Kind, Output, RhoUnits, Variable};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn output(name: &str, rho: &str, kind: Kind) -> Output {
    Output { name: name.parse().unwrap(), unit: "1".into(), rho: decimal(rho), kind }
}

fn bounds(lower: f64, upper: f64, grid_bits: u8) -> Bounds {
    Bounds { lower, upper, grid_bits }
}

fn histogram() -> Kind {
    Kind::Histogram { edges: vec![0.0, 1.0, 2.0, 5.0], cells_per_patient: 1 }
}

fn table() -> Kind {
    let sex = Axis::Categories { name: "sex".parse().unwrap(), categories: vec!["F".into(), "M".into()] };
    let age = Axis::Edges { name: "age".parse().unwrap(), edges: vec![0.0, 50.0, 100.0] };
    Kind::Table { axes: vec![sex, age], cells_per_patient: 2 }
}

fn vector() -> Kind {
    Kind::Vector { length: 3, clip: 2.0, grid_bits: 12 }
}

fn quantiles() -> Kind {
    Kind::Quantiles { edges: vec![0.0, 16.0, 32.0, 48.0, 64.0], probabilities: vec![0.25, 0.5] }
}

fn variable(name: &str, lower: f64, upper: f64) -> Variable {
    Variable { name: name.parse().unwrap(), unit: "1".into(), lower, upper }
}

fn moments() -> Kind {
    Kind::Moments { variables: vec![variable("a", 0.0, 64.0), variable("b", -1.0, 1.0)] }
}

/// One output of each kind.
fn all_kinds() -> Vec<Output> {
    vec![
        output("n", "0.005", Kind::Count),
        output("total", "0.01", Kind::Sum(bounds(0.0, 64.0, 8))),
        output("mean", "0.02", Kind::Mean(bounds(-1024.0, 3072.0, 4))),
        output("bins", "0.02", histogram()),
        output("cells", "0.02", table()),
        output("gradient", "0.02", vector()),
        output("spread", "0.02", Kind::Variance(bounds(-1024.0, 3072.0, 4))),
        output("middle", "0.02", quantiles()),
        output("products", "0.02", moments()),
    ]
}

fn admission(outputs: &[Output]) -> Admission<'_> {
    let (gate_rho, gate_delta) = (decimal("0.02"), decimal("1e-8"));
    Admission { outputs, derived: &[], gate_rho, gate_delta, rounds: 1, k: 10, n_pub: 500 }
}

fn plan(outputs: &[Output]) -> Plan {
    Plan::admit(&admission(outputs)).unwrap()
}

fn refusal(kind: Kind, rho: &str) -> String {
    Plan::admit(&admission(&[output("x", rho, kind)])).unwrap_err().to_string()
}

fn patient(i: u32) -> Contribution {
    let x = f64::from(i);
    let weights = |n: u32| (0..n).map(|c| f64::from(u8::from(i % n == c))).collect::<Vec<_>>();
    Contribution(vec![
        vec![1.0],
        vec![x % 64.0],
        vec![x * 7.3 - 900.0],
        weights(3),
        weights(4),
        vec![x / 100.0, -1.0, 0.3],
        vec![x * 7.3 - 900.0],
        vec![x % 64.0],
        vec![x % 64.0, (x / 7.0).sin()],
    ])
}

fn sums(plan: &Plan, contributions: impl IntoIterator<Item = Contribution>) -> Sums {
    let mut sums = Sums::new(plan);
    contributions.into_iter().for_each(|c| sums.add(Untrusted::new(c)));
    sums
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// No noise, and a list of the sigmas that were asked for.
#[derive(Default)]
struct Silent(Vec<u64>);

impl NoiseSource for Silent {
    fn draw(&mut self, sigma: u64) -> i128 {
        self.0.push(sigma);
        0
    }
}

fn exact(plan: &Plan, contributions: impl IntoIterator<Item = Contribution>) -> Option<Vec<Vec<f64>>> {
    let wrapped = contributions.into_iter().map(Untrusted::new).collect();
    let figures = rehearse(plan, wrapped, &mut Silent::default(), true).figures?;
    Some(figures.outputs.iter().map(|o| o.numbers.iter().map(|n| n.value.unwrap()).collect()).collect())
}

fn released(
    plan: &Plan,
    contributions: impl IntoIterator<Item = Contribution>,
    seed: u64,
) -> Option<Vec<Number>> {
    match release(sums(plan, contributions), &mut rng(seed)) {
        Outcome::Released(r) => Some(r.figures().outputs.iter().flat_map(|o| o.numbers.clone()).collect()),
        Outcome::Withheld(_) => None,
    }
}
