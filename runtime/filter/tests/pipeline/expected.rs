//! What a plan foretells is what releases then do.

use crate::*;

/// Over many releases of a cohort that is spread evenly: the root mean square of each first number's error, and how often its
/// interval would have held the truth.
fn observed(kind: Kind, patient: impl Fn(u32) -> Vec<f64>, truth: f64) -> (f64, f64) {
    let plan = plan(&[output("x", "0.02", kind)]);
    let cohort: Vec<_> = (0..N).map(|i| Contribution(vec![patient(i)])).collect();
    let errors: Vec<f64> = (0..RELEASES)
        .map(|seed| released(&plan, cohort.clone(), seed).unwrap()[0].value.unwrap() - truth)
        .collect();
    let n = errors.len() as f64;
    let number = plan.expected(N).figures.outputs[0].numbers[0];
    let half = (number.high95.unwrap() - number.low95.unwrap()) / 2.0;
    let held = errors.iter().filter(|error| error.abs() <= half).count() as f64;
    let spread = (errors.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
    (spread / number.sd.unwrap(), held / n)
}

const N: u32 = 200;
const RELEASES: u64 = 1500;

#[test]
fn the_foretold_spread_and_interval_are_those_of_many_releases() {
    let even =
        |lower: f64, upper: f64| move |i| vec![lower + (upper - lower) * (f64::from(i) + 0.5) / f64::from(N)];
    let cell = |i: u32| (0..3).map(|c| f64::from(u8::from(i % 3 == c))).collect::<Vec<_>>();
    let rows = [
        ("count", observed(Kind::Count, |_| vec![1.0], f64::from(N))),
        ("sum", observed(Kind::Sum(bounds(0.0, 64.0, 8)), even(0.0, 64.0), 6400.0)),
        ("mean", observed(Kind::Mean(bounds(-1024.0, 3072.0, 4)), even(-1024.0, 3072.0), 1024.0)),
        ("histogram", observed(histogram(), cell, 67.0)),
        ("vector", observed(vector(), |_| vec![0.0; 3], 0.0)),
    ];
    for (kind, (spread, held)) in rows {
        // Three standard errors: 5.5 % of a standard deviation, 1.7 % of the intervals; a ratio's tail is a little heavier.
        assert!((0.94..=1.08).contains(&spread), "{kind}: {spread} of the foretold standard deviation");
        assert!((0.925..=0.985).contains(&held), "{kind}: the foretold interval holds {held}");
    }
}

#[test]
fn the_foretold_cohort_opens_the_gate_95_times_in_100_and_one_patient_fewer_does_not() {
    let plan = plan(&[output("n", "0.005", Kind::Count)]);
    let size = plan.expected(100).gate.opens_at;
    let share = |n: u64| {
        let cohort = || (0..n).map(|_| Contribution(vec![vec![1.0]]));
        let open = (0..4000).filter(|seed| released(&plan, cohort(), *seed).is_some()).count();
        open as f64 / 4000.0
    };
    // 95.5 % and 93.3 %; three standard errors are 1.0 % and 1.2 %.
    assert_eq!(size, 48);
    let (at, below) = (share(size), share(size - 1));
    assert!((0.945..=0.966).contains(&at) && (0.92..=0.945).contains(&below), "{at} and {below}");
    assert!((plan.expected(48).gate.chance - at).abs() < 0.01);
}

#[test]
fn nobody_and_a_cohort_over_the_bound_can_be_foretold() {
    let plan = plan(&all_kinds());
    let nobody = plan.expected(0);
    assert!(nobody.gate.chance <= 0.0 && nobody.figures.outputs[2].numbers[0].value.is_none());
    let many = plan.expected(u32::MAX);
    let count = many.figures.outputs[0].numbers[0];
    assert_eq!((count.value, count.sd), (Some(4_294_967_295.0), Some(10.0)));
}
