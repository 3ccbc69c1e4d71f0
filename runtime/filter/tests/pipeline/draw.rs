//! Steps 7 and 8: gate and noise.

use crate::*;

#[test]
fn nobody_one_and_k_minus_one_patients_get_the_same_answer() {
    let plan = plan(&all_kinds());
    let mut answers = BTreeSet::new();
    for seed in 0..500 {
        for n in [0, 1, 9] {
            let outcome = release(sums(&plan, (0..n).map(patient)), &mut rng(seed));
            assert_eq!(outcome.undrawn(), plan.charge().block_rho);
            let Outcome::Withheld(withheld) = outcome else { panic!("{n} patients opened the gate") };
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
        let all = (0..n).map(|_| Untrusted::new(Contribution(vec![vec![1.0], vec![0.0; 3]]))).collect();
        let opened = rehearse(&plan, all, &mut silent, false).figures.is_some();
        (opened, silent.0)
    };
    assert_eq!(draws(39), (false, vec![5]), "n' = 30 is not above the margin of 30");
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
    let open = (0..2000).filter(|seed| released(&plan, (0..51).map(|_| one()), *seed).is_some()).count();
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
    assert!((mean - 100.0).abs() < 0.5 && (sd - 10.0).abs() < 0.35, "mean {mean}, sd {sd}");
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

#[test]
fn each_coordinate_has_noise_of_its_own() {
    let plan = plan(&[output("g", "0.02", vector())]);
    let (mut products, mut squares) = (0.0, 0.0);
    for seed in 0..2000 {
        let zeros = (0..100).map(|_| Contribution(vec![vec![0.0; 3]]));
        let numbers = released(&plan, zeros, seed).unwrap();
        let [a, b] = [0, 1].map(|i| numbers[i].value.unwrap());
        products += a * b;
        squares += (a * a + b * b) / 2.0;
    }
    // The correlation of independent draws has a standard error of 1 / sqrt(2000) = 0.022; shared noise gives 1.
    let correlation: f64 = products / squares;
    assert!(correlation.abs() < 0.08, "correlation {correlation}");
}
