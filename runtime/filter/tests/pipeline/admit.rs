//! Step 1: what is refused, and what it costs.

use crate::*;

#[test]
fn the_charge_is_the_one_of_the_integer_sigma() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let charge = plan.charge();
    assert_eq!(charge.gate_rho, RhoUnits(21_990_232_556), "2^40 / (2 * 5^2), up");
    assert_eq!(charge.block_rho, RhoUnits(5_497_558_139), "256^2 * 2^40 / (2 * 2560^2), up");
    assert_eq!(charge.delta.0, 10_000_000_000);
    assert_eq!(plan.shape(), [1]);
}

#[test]
fn every_kind_is_admitted_with_the_shape_that_the_guest_returns() {
    assert_eq!(plan(&all_kinds()).shape(), [1, 1, 1, 3, 4, 3, 1, 1, 2]);
}

#[test]
fn every_rule_for_one_output_is_enforced() {
    let cells = |edges: &[f64], cells_per_patient| Kind::Histogram { edges: edges.into(), cells_per_patient };
    let axes = |axes: Vec<Axis>| Kind::Table { axes, cells_per_patient: 1 };
    let axis = |list: &[&str]| Axis::Categories {
        name: "a".parse().unwrap(),
        categories: list.iter().map(|c| (*c).into()).collect(),
    };
    let free = |length, clip, grid_bits| Kind::Vector { length, clip, grid_bits };
    let quantiles = |edges: &[f64], probabilities: &[f64]| Kind::Quantiles {
        edges: edges.into(),
        probabilities: probabilities.into(),
    };
    let moments = |variables: &[(&str, f64, f64)]| Kind::Moments {
        variables: variables.iter().map(|(n, low, high)| variable(n, *low, *high)).collect(),
    };
    let rows = [
        (Kind::Count, "0", "its rho is 0"),
        (Kind::Count, "9999", "below 4 grid units"),
        (Kind::Mean(bounds(0.0, 1.0, 1)), "0.4", "below 4 grid units"),
        (Kind::Mean(bounds(0.0, 0.1, 4)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Mean(bounds(0.0, 1.0, 0)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Sum(bounds(f64::NAN, 1.0, 4)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Sum(bounds(0.0, f64::INFINITY, 4)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Sum(bounds(0.0, 1.0, 255)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Sum(bounds(1.0, 1.0, 4)), "0.02", "upper must be above lower"),
        (Kind::Sum(bounds(2.0, 1.0, 4)), "0.02", "upper must be above lower"),
        (Kind::Sum(bounds(0.0, 4e15, 1)), "1e-6", "could overflow"),
        (Kind::Sum(bounds(0.0, 4e15, 1)), "1e-12", "cannot be charged"),
        (Kind::Variance(bounds(2.0, 1.0, 4)), "0.02", "upper must be above lower"),
        (Kind::Variance(bounds(0.0, f64::NAN, 4)), "0.02", "multiples of 2^-grid_bits"),
        (Kind::Variance(bounds(0.0, 4e15, 1)), "1e-6", "could overflow"),
        (Kind::Variance(bounds(0.0, 1.0, 4)), "0", "its rho is 0"),
        (quantiles(&[0.0], &[0.5]), "0.02", "edges must be"),
        (quantiles(&[0.0, 2.0, 1.0], &[0.5]), "0.02", "edges must be"),
        (quantiles(&[0.0, 1.0], &[]), "0.02", "probabilities must be"),
        (quantiles(&[0.0, 1.0], &[0.0]), "0.02", "probabilities must be"),
        (quantiles(&[0.0, 1.0], &[0.5, 1.0]), "0.02", "probabilities must be"),
        (quantiles(&[0.0, 1.0], &[0.5, 0.5]), "0.02", "probabilities must be"),
        (quantiles(&[0.0, 1.0], &[f64::NAN]), "0.02", "probabilities must be"),
        (moments(&[]), "0.02", "at least one variable"),
        (moments(&[("a", 0.0, 1.0), ("a", 0.0, 2.0)]), "0.02", "no variable twice"),
        (moments(&[("a", 1.0, 0.0)]), "0.02", "upper must be above"),
        (moments(&[("a", 1.0, 1.0)]), "0.02", "upper must be above"),
        (moments(&[("a", 0.0, f64::INFINITY)]), "0.02", "upper must be above"),
        (moments(&[("a", f64::NAN, 1.0)]), "0.02", "upper must be above"),
        (moments(&[("a", 0.0, 5e-324)]), "0.02", "upper must be above"),
        (cells(&[0.0], 1), "0.02", "edges must be"),
        (cells(&[0.0, 0.0], 1), "0.02", "edges must be"),
        (cells(&[0.0, f64::NAN, 1.0], 1), "0.02", "edges must be"),
        (cells(&[f64::NEG_INFINITY, 1.0], 1), "0.02", "edges must be"),
        (cells(&[0.0, 1.0], 0), "0.02", "cells_per_patient"),
        (cells(&[0.0, 1.0], 2), "0.02", "cells_per_patient"),
        (axes(vec![]), "0.02", "1 to 4 axes"),
        (axes(vec![axis(&["x"]); 5]), "0.02", "1 to 4 axes"),
        (axes(vec![axis(&["x"]); 2]), "0.02", "same name"),
        (axes(vec![axis(&[])]), "0.02", "at least one category"),
        (axes(vec![axis(&["x", "x"])]), "0.02", "no category twice"),
        (free(0, 1.0, 8), "0.02", "length must be"),
        (free(3, 0.0, 8), "0.02", "clip must be"),
        (free(3, -1.0, 8), "0.02", "clip must be"),
        (free(3, 0.3, 8), "0.02", "clip must be"),
        (free(3, f64::NAN, 8), "0.02", "clip must be"),
        (free(100_000, 1.0, 8), "0.02", "more than 65536 numbers"),
        (free(u32::MAX, 4_503_599_627_370_496.0, 1), "0.02", "could overflow"),
    ];
    for (kind, rho, why) in rows {
        let words = refusal(kind.clone(), rho);
        assert!(words.contains(why), "{kind:?} at rho {rho}: {words}");
    }
}

#[test]
fn a_derived_statistic_without_its_output_or_with_another_shape_is_refused() {
    let outputs = [output("cells", "0.02", table())];
    let refused = |from: &str, kind| {
        let derived = [Derived { name: "d".parse().unwrap(), from: from.parse().unwrap(), kind }];
        Plan::admit(&Admission { derived: &derived, ..admission(&outputs) }).unwrap_err().to_string()
    };
    assert_eq!(refused("cell", DerivedKind::Confusion), "derived d: it reads an output of this manifest");
    assert_eq!(refused("cells", DerivedKind::Covariance), "derived d: it reads moments");
    let survival = DerivedKind::Survival { event: "died".into() };
    assert!(refused("cells", survival).starts_with("derived d: it reads a table with edges of time"));
}

#[test]
fn every_rule_for_the_whole_job_is_enforced() {
    let one = [output("n", "0.005", Kind::Count)];
    let two = [one[0].clone(), one[0].clone()];
    let many: Vec<Output> = (0..65).map(|i| output(&format!("n{i}"), "0.005", Kind::Count)).collect();
    let good = admission(&one);
    let rows = [
        (Admission { outputs: &[], ..good }, Refusal::NumberOfOutputs),
        (Admission { outputs: &many, ..good }, Refusal::NumberOfOutputs),
        (Admission { outputs: &two, ..good }, Refusal::SameName { output: "n".parse().unwrap() }),
        (Admission { k: 4, ..good }, Refusal::SmallK),
        (Admission { n_pub: 0, ..good }, Refusal::NoSizeBound),
        (Admission { gate_rho: decimal("0"), ..good }, Refusal::GateRho),
        (Admission { gate_rho: decimal("0.06"), ..good }, Refusal::GateRho),
        (Admission { gate_delta: decimal("0"), ..good }, Refusal::GateDelta),
        (Admission { gate_delta: decimal("1e-6"), ..good }, Refusal::GateDelta),
    ];
    for (bad, why) in rows {
        assert_eq!(Plan::admit(&bad).unwrap_err(), why);
    }
    assert!(Plan::admit(&Admission { gate_rho: decimal("0.055"), ..good }).is_ok());
}
