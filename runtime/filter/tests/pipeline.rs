//! The filter from outside: what goes in, what comes out, and what never does.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test numbers are small"
)]

use chacha20::ChaCha20Rng;
use proptest::prelude::*;
use rand::SeedableRng;
use std::collections::BTreeSet;
use trocar_filter::{
    Admission, Contribution, GaussianNoise, NoiseSource, Number, OtherPlan, Outcome, Plan, Refusal, Sums,
    Untrusted, rehearse, release,
};
use trocar_terms::{Axis, Bounds, Decimal, Kind, Output, RhoUnits};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn output(name: &str, rho: &str, kind: Kind) -> Output {
    Output {
        name: name.parse().unwrap(),
        unit: "1".into(),
        rho: decimal(rho),
        kind,
    }
}

fn bounds(lower: f64, upper: f64, grid_bits: u8) -> Bounds {
    Bounds {
        lower,
        upper,
        grid_bits,
    }
}

fn histogram() -> Kind {
    Kind::Histogram {
        edges: vec![0.0, 1.0, 2.0, 5.0],
        cells_per_patient: 1,
    }
}

fn table() -> Kind {
    let sex = Axis::Categories {
        name: "sex".parse().unwrap(),
        categories: vec!["F".into(), "M".into()],
    };
    let age = Axis::Edges {
        name: "age".parse().unwrap(),
        edges: vec![0.0, 50.0, 100.0],
    };
    Kind::Table {
        axes: vec![sex, age],
        cells_per_patient: 2,
    }
}

fn vector() -> Kind {
    Kind::Vector {
        length: 3,
        clip: 2.0,
        grid_bits: 12,
    }
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
    ]
}

fn admission(outputs: &[Output]) -> Admission<'_> {
    Admission {
        outputs,
        gate_rho: decimal("0.02"),
        gate_delta: decimal("1e-8"),
        k: 10,
        n_pub: 500,
    }
}

fn plan(outputs: &[Output]) -> Plan {
    Plan::admit(&admission(outputs)).unwrap()
}

fn refusal(kind: Kind, rho: &str) -> String {
    Plan::admit(&admission(&[output("x", rho, kind)]))
        .unwrap_err()
        .to_string()
}

fn patient(i: u32) -> Contribution {
    let x = f64::from(i);
    let weights = |n: u32| {
        (0..n)
            .map(|c| f64::from(u8::from(i % n == c)))
            .collect::<Vec<_>>()
    };
    Contribution(vec![
        vec![1.0],
        vec![x % 64.0],
        vec![x * 7.3 - 900.0],
        weights(3),
        weights(4),
        vec![x / 100.0, -1.0, 0.3],
    ])
}

fn sums(plan: &Plan, contributions: impl IntoIterator<Item = Contribution>) -> Sums {
    let mut sums = Sums::new(plan);
    contributions
        .into_iter()
        .for_each(|c| sums.add(Untrusted::new(c)));
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
    Some(
        figures
            .outputs
            .iter()
            .map(|o| o.numbers.iter().map(|n| n.value.unwrap()).collect())
            .collect(),
    )
}

fn released(
    plan: &Plan,
    contributions: impl IntoIterator<Item = Contribution>,
    seed: u64,
) -> Option<Vec<Number>> {
    match release(sums(plan, contributions), &mut rng(seed)) {
        Outcome::Released(r) => Some(
            r.figures()
                .outputs
                .iter()
                .flat_map(|o| o.numbers.clone())
                .collect(),
        ),
        Outcome::Withheld(_) => None,
    }
}

// ---- step 1 ----

#[test]
fn the_charge_is_the_one_of_the_integer_sigma() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let charge = plan.charge();
    assert_eq!(charge.gate_rho, RhoUnits(21_990_232_556), "2^40 / (2 * 5^2), up");
    assert_eq!(
        charge.block_rho,
        RhoUnits(5_497_558_139),
        "256^2 * 2^40 / (2 * 2560^2), up"
    );
    assert_eq!(charge.delta.0, 10_000_000_000);
    assert_eq!(plan.shape(), [1]);
}

#[test]
fn every_kind_is_admitted_with_the_shape_that_the_guest_returns() {
    assert_eq!(plan(&all_kinds()).shape(), [1, 1, 1, 3, 4, 3]);
}

#[test]
fn every_rule_for_one_output_is_enforced() {
    let cells = |edges: &[f64], cells_per_patient| Kind::Histogram {
        edges: edges.into(),
        cells_per_patient,
    };
    let axes = |axes: Vec<Axis>| Kind::Table {
        axes,
        cells_per_patient: 1,
    };
    let axis = |list: &[&str]| Axis::Categories {
        name: "a".parse().unwrap(),
        categories: list.iter().map(|c| (*c).into()).collect(),
    };
    let free = |length, clip, grid_bits| Kind::Vector {
        length,
        clip,
        grid_bits,
    };
    let rows = [
        (Kind::Count, "0", "its rho is 0"),
        (Kind::Count, "9999", "below 4 grid units"),
        (Kind::Mean(bounds(0.0, 1.0, 1)), "0.4", "below 4 grid units"),
        (
            Kind::Mean(bounds(0.0, 0.1, 4)),
            "0.02",
            "multiples of 2^-grid_bits",
        ),
        (
            Kind::Mean(bounds(0.0, 1.0, 0)),
            "0.02",
            "multiples of 2^-grid_bits",
        ),
        (
            Kind::Sum(bounds(f64::NAN, 1.0, 4)),
            "0.02",
            "multiples of 2^-grid_bits",
        ),
        (
            Kind::Sum(bounds(0.0, f64::INFINITY, 4)),
            "0.02",
            "multiples of 2^-grid_bits",
        ),
        (
            Kind::Sum(bounds(0.0, 1.0, 255)),
            "0.02",
            "multiples of 2^-grid_bits",
        ),
        (
            Kind::Sum(bounds(1.0, 1.0, 4)),
            "0.02",
            "upper must be above lower",
        ),
        (
            Kind::Sum(bounds(2.0, 1.0, 4)),
            "0.02",
            "upper must be above lower",
        ),
        (Kind::Sum(bounds(0.0, 4e15, 1)), "1e-6", "could overflow"),
        (Kind::Sum(bounds(0.0, 4e15, 1)), "1e-12", "cannot be charged"),
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
        (
            free(u32::MAX, 4_503_599_627_370_496.0, 1),
            "0.02",
            "could overflow",
        ),
    ];
    for (kind, rho, why) in rows {
        let words = refusal(kind.clone(), rho);
        assert!(words.contains(why), "{kind:?} at rho {rho}: {words}");
    }
}

#[test]
fn every_rule_for_the_whole_job_is_enforced() {
    let one = [output("n", "0.005", Kind::Count)];
    let two = [one[0].clone(), one[0].clone()];
    let many: Vec<Output> = (0..65)
        .map(|i| output(&format!("n{i}"), "0.005", Kind::Count))
        .collect();
    let good = admission(&one);
    let rows = [
        (Admission { outputs: &[], ..good }, Refusal::NumberOfOutputs),
        (
            Admission {
                outputs: &many,
                ..good
            },
            Refusal::NumberOfOutputs,
        ),
        (
            Admission {
                outputs: &two,
                ..good
            },
            Refusal::SameName {
                output: "n".parse().unwrap(),
            },
        ),
        (Admission { k: 4, ..good }, Refusal::SmallK),
        (Admission { n_pub: 0, ..good }, Refusal::NoSizeBound),
        (
            Admission {
                gate_rho: decimal("0"),
                ..good
            },
            Refusal::GateRho,
        ),
        (
            Admission {
                gate_rho: decimal("0.06"),
                ..good
            },
            Refusal::GateRho,
        ),
        (
            Admission {
                gate_delta: decimal("0"),
                ..good
            },
            Refusal::GateDelta,
        ),
        (
            Admission {
                gate_delta: decimal("1e-6"),
                ..good
            },
            Refusal::GateDelta,
        ),
    ];
    for (bad, why) in rows {
        assert_eq!(Plan::admit(&bad).unwrap_err(), why);
    }
    assert!(
        Plan::admit(&Admission {
            gate_rho: decimal("0.055"),
            ..good
        })
        .is_ok()
    );
}

// ---- steps 4 to 6 ----

fn any_contribution() -> impl Strategy<Value = Contribution> {
    let number = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        -2.0..2.0,
        Just(f64::NAN),
        Just(f64::MAX)
    ];
    let lengths =
        prop_oneof![4 => Just(vec![1_usize, 1, 1, 3, 4, 3]), 1 => prop::collection::vec(0_usize..5, 0..8)];
    lengths.prop_flat_map(move |lengths| {
        let vectors: Vec<_> = lengths
            .into_iter()
            .map(|n| prop::collection::vec(number.clone(), n))
            .collect();
        vectors.prop_map(Contribution)
    })
}

proptest! {
    #[test]
    fn sums_are_the_same_bits_in_any_order_and_split(
        all in prop::collection::vec(any_contribution(), 0..12).prop_shuffle(),
        cut in 0_usize..12,
    ) {
        let plan = plan(&all_kinds());
        let (left, right) = all.split_at(cut.min(all.len()));
        let mut split = sums(&plan, right.iter().rev().cloned());
        split.merge(sums(&plan, left.iter().cloned())).unwrap();
        prop_assert_eq!(split.bytes(), sums(&plan, all).bytes());
    }

    #[test]
    fn whatever_one_patient_returns_her_norm_stays_within_the_sensitivity(hers in any_contribution()) {
        let wrapped = vec![Untrusted::new(hers)];
        let rehearsal = rehearse(&plan(&all_kinds()), wrapped, &mut Silent::default(), true);
        // S of each kind: 256; ceil(sqrt 2 * half); 256 sqrt(m); clip * 2^grid_bits.
        let bounds: [u64; 6] = [256, 11_586, 46_341, 256, 363, 8192];
        for (q, s) in rehearsal.patients[0].quantised.iter().zip(bounds) {
            let norm2: i128 = q.iter().map(|v| i128::from(*v).pow(2)).sum();
            prop_assert!(norm2 <= i128::from(s).pow(2), "{q:?} is longer than {s}");
        }
    }
}

#[test]
fn a_wrong_shape_is_the_default_contribution() {
    let plan = plan(&all_kinds());
    let mut default = Sums::new(&plan);
    default.add_default();
    let mut long = patient(3);
    long.0[2].push(1.0);
    let mut extra = patient(3);
    extra.0.push(vec![]);
    for wrong in [Contribution::default(), long, extra] {
        assert_eq!(sums(&plan, [wrong]).bytes(), default.bytes());
    }
}

#[test]
fn a_nan_carries_no_payload_and_a_negative_zero_no_sign() {
    let plan = plan(&all_kinds());
    let with = |x: f64| {
        sums(
            &plan,
            [Contribution(
                all_kinds().iter().map(|o| vec![x; o.kind.length()]).collect(),
            )],
        )
    };
    for bits in [
        0x7ff8_0000_0000_0001,
        0xfff8_dead_beef_cafe,
        0x7ff0_0000_0000_0001,
    ] {
        assert_eq!(with(f64::from_bits(bits)).bytes(), with(f64::NAN).bytes());
        assert_eq!(with(f64::INFINITY).bytes(), with(f64::NAN).bytes());
    }
    assert_eq!(with(-0.0).bytes(), with(0.0).bytes());
}

#[test]
fn a_patient_without_a_value_does_not_pull_the_mean() {
    let plan = plan(&[output("mean", "0.02", Kind::Mean(bounds(0.0, 100.0, 4)))]);
    let values = (0..40).map(|_| 80.0).chain((0..40).map(|_| f64::NAN));
    assert_eq!(
        exact(&plan, values.map(|x| Contribution(vec![vec![x]]))),
        Some(vec![vec![80.0]])
    );
}

#[test]
fn sums_of_another_plan_are_not_added() {
    let (one, other) = (plan(&all_kinds()), plan(&[output("n", "0.005", Kind::Count)]));
    assert_eq!(Sums::new(&one).merge(Sums::new(&other)), Err(OtherPlan));
}

// ---- steps 7 and 8 ----

#[test]
fn nobody_one_and_k_minus_one_patients_get_the_same_answer() {
    let plan = plan(&all_kinds());
    let mut answers = BTreeSet::new();
    for seed in 0..500 {
        for n in [0, 1, 9] {
            let outcome = release(sums(&plan, (0..n).map(patient)), &mut rng(seed));
            assert_eq!(outcome.undrawn(), plan.charge().block_rho);
            let Outcome::Withheld(withheld) = outcome else {
                panic!("{n} patients opened the gate")
            };
            answers.insert(serde_json::to_string(&withheld).unwrap());
        }
    }
    let epsilon = trocar_filter::epsilon(0.02, 1e-6 - 1e-8);
    let only = format!(r#"{{"rho":"0.02","delta":"0.00000001","epsilon_at_1e-6":{epsilon}}}"#);
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), [only]);
}

#[test]
fn behind_a_closed_gate_nothing_but_the_gate_is_drawn() {
    let plan = plan(&[output("n", "0.005", Kind::Count), output("g", "0.02", vector())]);
    let draws = |n| {
        let mut silent = Silent::default();
        let all = (0..n)
            .map(|_| Untrusted::new(Contribution(vec![vec![1.0], vec![0.0; 3]])))
            .collect();
        let opened = rehearse(&plan, all, &mut silent, false).figures.is_some();
        (opened, silent.0)
    };
    assert_eq!(
        draws(39),
        (false, vec![5]),
        "n' = 30 is not above the margin of 30"
    );
    assert_eq!(
        draws(40),
        (true, vec![5, 2560, 40_960, 40_960, 40_960]),
        "the gate first, then the manifest's order"
    );
}

#[test]
fn fifty_one_patients_open_the_gate_as_often_as_promised() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let one = || Contribution(vec![vec![1.0]]);
    let open = (0..2000)
        .filter(|seed| released(&plan, (0..51).map(|_| one()), *seed).is_some())
        .count();
    // Phi(11.5 / 5) = 0.9893; three standard errors are 0.7 %.
    assert!((1960..=1996).contains(&open), "{open} of 2000");
}

#[test]
fn the_noise_of_a_count_has_the_promised_spread() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let counts: Vec<f64> = (0..4000)
        .filter_map(|seed| released(&plan, (0..100).map(|_| Contribution(vec![vec![1.0]])), seed))
        .map(|numbers| numbers[0].value.unwrap())
        .collect();
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    let sd = (counts.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    // Standard errors: 10 / sqrt(4000) = 0.16 and 10 / sqrt(8000) = 0.11; sigma / 1.25 would be 8.
    assert!(
        (mean - 100.0).abs() < 0.5 && (sd - 10.0).abs() < 0.35,
        "mean {mean}, sd {sd}"
    );
}

#[test]
fn one_generator_state_gives_one_release_and_another_another() {
    let plan = plan(&all_kinds());
    let run = |seed| release(sums(&plan, (0..100).map(patient)), &mut rng(seed));
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn two_releases_from_one_generator_share_no_noise() {
    let plan = plan(&all_kinds());
    let mut rng = rng(1);
    let mut run = || release(sums(&plan, (0..100).map(patient)), &mut rng);
    assert_ne!(run(), run());
}

// ---- step 9 ----

#[test]
fn without_noise_the_figures_are_the_statistics_of_the_patients() {
    let outputs = all_kinds();
    let figures = exact(&plan(&outputs), (0..60).map(patient)).unwrap();
    let xs: Vec<f64> = (0..60).map(|i| f64::from(i) * 7.3 - 900.0).collect();
    let grid = |x: f64| (x * 16.0).round_ties_even() / 16.0;
    let mean = xs.iter().map(|x| grid(*x)).sum::<f64>() / 60.0;
    assert_eq!(figures[0], [60.0]);
    assert_eq!(figures[1], [f64::from((0..60).sum::<i32>())]);
    assert!(
        (figures[2][0] - mean).abs() < 1e-9,
        "{} against {mean}",
        figures[2][0]
    );
    assert_eq!(figures[3], [20.0; 3]);
    assert_eq!(figures[4], [15.0; 4]);
    assert_eq!(figures[5][1], -60.0);
}

/// How often the 95 % interval of the first output holds `truth`, over 1000 releases.
fn coverage(kind: Kind, values: &[f64], truth: f64) -> f64 {
    let plan = plan(&[output("x", "0.02", kind)]);
    let (mut held, mut all) = (0.0, 0.0);
    for seed in 0..1000 {
        let contributions = values.iter().map(|x| Contribution(vec![vec![*x]]));
        let Some(numbers) = released(&plan, contributions, seed) else {
            continue;
        };
        let (low, high) = (numbers[0].low95.unwrap(), numbers[0].high95.unwrap());
        all += 1.0;
        held += f64::from(u8::from(low <= truth && truth <= high));
    }
    held / all
}

#[test]
fn intervals_hold_the_exact_figure_95_times_in_100() {
    let values: Vec<f64> = (0..120).map(|i| f64::from(i % 60)).collect();
    let sum: f64 = values.iter().sum();
    let rows = [
        (Kind::Count, vec![1.0; 120], 120.0),
        (Kind::Sum(bounds(0.0, 64.0, 4)), values.clone(), sum),
        (Kind::Mean(bounds(0.0, 64.0, 4)), values, sum / 120.0),
    ];
    for (kind, values, truth) in rows {
        let covered = coverage(kind.clone(), &values, truth);
        // Three standard errors at 95 % over 1000 are 2.1 %.
        assert!((0.929..=0.975).contains(&covered), "{kind:?}: {covered}");
    }
}

#[test]
fn a_thousand_patients_give_a_mean_within_two_percent_of_its_range() {
    let plan = plan(&[output("mean", "0.005", Kind::Mean(bounds(0.0, 100.0, 10)))]);
    let all = (0..1000).map(|i| Contribution(vec![vec![f64::from(i % 100)]]));
    let numbers = released(&plan, all, 7).unwrap();
    assert!(
        numbers[0].sd.unwrap() <= 2.0 && (numbers[0].value.unwrap() - 49.5).abs() <= 4.0,
        "{numbers:?}"
    );
}

#[test]
fn a_mean_that_hardly_anybody_has_is_unknown_and_not_shown() {
    let plan = plan(&[output("mean", "0.005", Kind::Mean(bounds(0.0, 100.0, 10)))]);
    let none = (0..100).map(|_| Contribution(vec![vec![f64::NAN]]));
    let number = exact_numbers(&plan, none)[0];
    assert_eq!(
        (number.value, number.low95, number.shown, number.display),
        (None, None, false, None)
    );
}

fn exact_numbers(plan: &Plan, contributions: impl IntoIterator<Item = Contribution>) -> Vec<Number> {
    let wrapped = contributions.into_iter().map(Untrusted::new).collect();
    let figures = rehearse(plan, wrapped, &mut Silent::default(), true)
        .figures
        .unwrap();
    figures.outputs.into_iter().flat_map(|o| o.numbers).collect()
}

#[test]
fn a_cell_below_k_is_computed_but_blanked_in_the_display() {
    let plan = plan(&[output("bins", "0.02", histogram())]);
    let fill = |n: usize, cell: usize| {
        let mut weights = vec![0.0; 3];
        weights[cell] = 1.0;
        vec![Contribution(vec![weights]); n]
    };
    let numbers = exact_numbers(&plan, [fill(9, 0), fill(10, 1)].concat());
    assert_eq!(
        (numbers[0].value, numbers[0].shown, numbers[0].display),
        (Some(9.0), false, None)
    );
    assert_eq!(
        (numbers[1].value, numbers[1].shown, numbers[1].display),
        (Some(10.0), true, Some(10.0))
    );
}

/// Adds the same to every draw.
struct Shift(i128);

impl NoiseSource for Shift {
    fn draw(&mut self, _: u64) -> i128 {
        self.0
    }
}

#[test]
fn only_the_display_is_clamped_to_the_public_range() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let all = (0..20)
        .map(|_| Untrusted::new(Contribution(vec![vec![1.0]])))
        .collect();
    let figures = rehearse(&plan, all, &mut Shift(256_000), true).figures.unwrap();
    let number = figures.outputs[0].numbers[0];
    assert_eq!((number.value, number.display), (Some(1020.0), Some(500.0)));
}

// ---- step 10 ----

#[test]
fn the_json_is_the_one_of_the_contract() {
    let outputs = [
        output("mean", "0.02", Kind::Mean(bounds(0.0, 16.0, 4))),
        output("bins", "0.02", histogram()),
    ];
    let one = || Untrusted::new(Contribution(vec![vec![4.0], vec![1.0, 0.0, 0.0]]));
    let rehearsal = rehearse(
        &plan(&outputs),
        (0..100).map(|_| one()).collect(),
        &mut Silent::default(),
        true,
    );
    let json = serde_json::to_value(rehearsal.figures.unwrap()).unwrap();
    let keys = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let words = |text: &str| text.split(' ').map(String::from).collect::<BTreeSet<_>>();
    assert_eq!(keys(&json), words("patients rho delta epsilon_at_1e-6 outputs"));
    assert_eq!(json["patients"], serde_json::json!({"value": 100, "sd": 5.0}));
    assert_eq!(
        (&json["rho"], &json["delta"]),
        (&"0.06".into(), &"0.00000001".into())
    );
    assert_eq!(
        keys(&json["outputs"][0]),
        words("name kind unit value sd low95 high95 shown rho")
    );
    assert_eq!(
        keys(&json["outputs"][1]),
        words("name kind unit edges value sd low95 high95 shown rho")
    );
    assert_eq!(
        json["outputs"][1]["shown"],
        serde_json::json!([true, false, false])
    );
}

#[test]
fn a_contribution_goes_through_a_pipe_and_stays_shut() {
    let plan = plan(&all_kinds());
    let piped = serde_json::to_vec(&Untrusted::new(patient(5))).unwrap();
    let mut other_side = Sums::new(&plan);
    other_side.add(serde_json::from_slice(&piped).unwrap());
    assert_eq!(other_side.bytes(), sums(&plan, [patient(5)]).bytes());
}

#[test]
fn the_sampler_draws_the_discrete_gaussian() {
    let mut noise = GaussianNoise::new(&mut rng(3));
    let draws: Vec<i128> = (0..20_000).map(|_| noise.draw(4)).collect();
    // Expected share of each point: exp(-x^2 / 32) / sum over the integers.
    let weight = |x: i32| (-f64::from(x * x) / 32.0).exp();
    let total: f64 = (-60..=60).map(weight).sum();
    let chi2: f64 = (-9..=9)
        .map(|x| {
            let (expected, seen) = (
                20_000.0 * weight(x) / total,
                draws.iter().filter(|d| **d == i128::from(x)).count() as f64,
            );
            (seen - expected).powi(2) / expected
        })
        .sum();
    // 19 points: the 99.9 % quantile of chi-squared at 18 is 42.3.
    assert!(chi2 < 42.3, "chi-squared {chi2}");
}
