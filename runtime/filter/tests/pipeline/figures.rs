//! Steps 9 and 10: numbers, intervals, display, JSON.

use crate::*;

#[test]
fn without_noise_the_figures_are_the_statistics_of_the_patients() {
    let outputs = all_kinds();
    let figures = exact(&plan(&outputs), (0..60).map(patient)).unwrap();
    let xs: Vec<f64> = (0..60).map(|i| f64::from(i) * 7.3 - 900.0).collect();
    let grid = |x: f64| (x * 16.0).round_ties_even() / 16.0;
    let mean = xs.iter().map(|x| grid(*x)).sum::<f64>() / 60.0;
    assert_eq!(figures[0], [60.0]);
    assert_eq!(figures[1], [f64::from((0..60).sum::<i32>())]);
    assert!((figures[2][0] - mean).abs() < 1e-9, "{} against {mean}", figures[2][0]);
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
    assert!(numbers[0].sd.unwrap() <= 2.0 && (numbers[0].value.unwrap() - 49.5).abs() <= 4.0, "{numbers:?}");
}

#[test]
fn a_mean_that_hardly_anybody_has_is_unknown_and_not_shown() {
    let plan = plan(&[output("mean", "0.005", Kind::Mean(bounds(0.0, 100.0, 10)))]);
    let none = (0..100).map(|_| Contribution(vec![vec![f64::NAN]]));
    let number = exact_numbers(&plan, none)[0];
    assert_eq!((number.value, number.low95, number.shown, number.display), (None, None, false, None));
}

fn exact_numbers(plan: &Plan, contributions: impl IntoIterator<Item = Contribution>) -> Vec<Number> {
    let wrapped = contributions.into_iter().map(Untrusted::new).collect();
    let figures = rehearse(plan, wrapped, &mut Silent::default(), true).figures.unwrap();
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
    assert_eq!((numbers[0].value, numbers[0].shown, numbers[0].display), (Some(9.0), false, None));
    assert_eq!((numbers[1].value, numbers[1].shown, numbers[1].display), (Some(10.0), true, Some(10.0)));
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
    let all = (0..20).map(|_| Untrusted::new(Contribution(vec![vec![1.0]]))).collect();
    let figures = rehearse(&plan, all, &mut Shift(256_000), true).figures.unwrap();
    let number = figures.outputs[0].numbers[0];
    assert_eq!((number.value, number.display), (Some(1020.0), Some(500.0)));
}

#[test]
fn the_json_is_the_one_of_the_contract() {
    let outputs =
        [output("mean", "0.02", Kind::Mean(bounds(0.0, 16.0, 4))), output("bins", "0.02", histogram())];
    let one = || Untrusted::new(Contribution(vec![vec![4.0], vec![1.0, 0.0, 0.0]]));
    let rehearsal =
        rehearse(&plan(&outputs), (0..100).map(|_| one()).collect(), &mut Silent::default(), true);
    let json = serde_json::to_value(rehearsal.figures.unwrap()).unwrap();
    let keys = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let words = |text: &str| text.split(' ').map(String::from).collect::<BTreeSet<_>>();
    assert_eq!(keys(&json), words("patients rho delta epsilon_at_1e-6 outputs"));
    assert_eq!(json["patients"], serde_json::json!({"value": 100, "sd": 5.0}));
    assert_eq!((&json["rho"], &json["delta"]), (&"0.06".into(), &"0.00000001".into()));
    assert_eq!(keys(&json["outputs"][0]), words("name kind unit value sd low95 high95 shown rho"));
    assert_eq!(keys(&json["outputs"][1]), words("name kind unit edges value sd low95 high95 shown rho"));
    assert_eq!(json["outputs"][1]["shown"], serde_json::json!([true, false, false]));
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
            let (expected, seen) =
                (20_000.0 * weight(x) / total, draws.iter().filter(|d| **d == i128::from(x)).count() as f64);
            (seen - expected).powi(2) / expected
        })
        .sum();
    // 19 points: the 99.9 % quantile of chi-squared at 18 is 42.3.
    assert!(chi2 < 42.3, "chi-squared {chi2}");
}
