//! Logistic regression by Newton steps over rounds.

use crate::derived::derived;
use crate::*;
use trocar_filter::{At, Figures};

const PATIENTS: u32 = 400;

/// Two predictors in [-1, 1] and an outcome that goes with the first.
fn rows() -> Vec<([f64; 2], bool)> {
    let chance = |i: u32, by: f64| (f64::from(i) * by).fract();
    let row = |i: u32| {
        let x = [2.0 * chance(i, 0.618_034) - 1.0, 2.0 * chance(i, 0.414_214) - 1.0];
        (x, chance(i, 0.732_051) < 1.0 / (1.0 + (0.3 - 1.5 * x[0] + 0.5 * x[1]).exp()))
    };
    (1..=PATIENTS).map(row).collect()
}

/// Gradient and upper triangle of the negative Hessian at `beta`, as the SDK gives them.
fn vector(x: [f64; 2], y: bool, beta: &[f64]) -> Vec<f64> {
    let z = [1.0, x[0], x[1]];
    let score: f64 = z.iter().zip(beta).map(|(z, b)| z * b).sum();
    let p = 1.0 / (1.0 + (-score).exp());
    let gradient = z.map(|z| (f64::from(u8::from(y)) - p) * z);
    let triangle = (0..3).flat_map(|i| (i..3).map(move |j| p * (1.0 - p) * z[i] * z[j]));
    gradient.into_iter().chain(triangle).collect()
}

fn regression(rho: &str, rounds: u32, l2: f64) -> Plan {
    let outputs = [output("step", rho, Kind::Vector { length: 9, clip: 2.0, grid_bits: 32 })];
    let predictors = ["a", "b"].map(|name| name.parse().unwrap()).into();
    let fit = [derived("fit", "step", DerivedKind::Logistic { predictors, l2, step: 1.0 })];
    Plan::admit(&Admission { derived: &fit, rounds, ..admission(&outputs) }).unwrap()
}

fn fitted(plan: &Plan, noise: &mut dyn NoiseSource, exact: bool) -> (Vec<Vec<f64>>, Figures) {
    let (rows, mut states) = (rows(), Vec::new());
    let map = |state: &[f64]| {
        states.push(state.to_vec());
        let one = |(x, y): &([f64; 2], bool)| Untrusted::new(Contribution(vec![vector(*x, *y, state)]));
        Ok::<_, OtherPlan>(rows.iter().map(one).collect())
    };
    let figures = rehearse_rounds(plan, map, noise, exact).unwrap().figures.unwrap();
    (states, figures)
}

fn part<'a>(figures: &'a Figures, name: &str) -> &'a [Number] {
    &figures.derived[0].parts.iter().find(|part| part.name == name).unwrap().numbers
}

#[test]
fn without_noise_the_rounds_end_where_the_penalised_score_is_zero() {
    for l2 in [0.0, 1.0, 25.0] {
        let (states, figures) = fitted(&regression("0.02", 6, l2), &mut Silent::default(), true);
        assert_eq!(
            (states[0].len(), states[5].len()),
            (0, 3),
            "the first state is empty, later ones are coefficients"
        );
        let beta: Vec<f64> = part(&figures, "coefficient").iter().map(|n| n.value.unwrap()).collect();
        let mut score = [0.0, -l2 * beta[1], -l2 * beta[2]];
        for (x, y) in rows() {
            vector(x, y, &beta).iter().zip(&mut score).for_each(|(g, s)| *s += g);
        }
        assert!(score.iter().all(|s| s.abs() < 1e-6), "l2 {l2}: {beta:?} leaves {score:?}");
        let last = &states[5];
        assert!(beta.iter().zip(last).all(|(b, s)| (b - s).abs() < 1e-6), "{beta:?} {states:?}");
    }
}

#[test]
fn the_rounds_before_the_last_are_shown_under_names_of_their_own() {
    let (states, figures) = fitted(&regression("0.02", 3, 1.0), &mut Silent::default(), true);
    let parts = &figures.derived[0].parts;
    assert_eq!(
        parts.iter().map(|p| (p.name, p.numbers.len())).collect::<Vec<_>>(),
        [("coefficient", 3), ("standard_error", 3), ("earlier_round", 6)]
    );
    let At::Words(words) = &parts[2].at else { panic!("words") };
    assert_eq!((words[0].as_str(), words[5].as_str()), ("round 1, intercept", "round 2, b"));
    let shown: Vec<f64> = parts[2].numbers.iter().map(|n| n.value.unwrap()).collect();
    let given = [&states[1][..], &states[2]].concat();
    assert!(shown.iter().zip(&given).all(|(a, b)| (a - b).abs() < 1e-9), "{shown:?} {given:?}");
    let four = fitted(&regression("0.02", 4, 1.0), &mut Silent::default(), true).1;
    let At::Words(words) = &four.derived[0].parts[2].at else { panic!("words") };
    assert_eq!((words.len(), words[0].as_str()), (6, "round 2, intercept"), "the last two before the end");
    let one = fitted(&regression("0.02", 1, 1.0), &mut Silent::default(), true).1;
    assert_eq!(one.derived[0].parts.len(), 2, "with one round there is no earlier one");
}

/// How often the intervals of a part hold what `truth` says, over 400 jobs.
fn coverage(plan: &Plan, truth: &Figures, name: &str) -> [f64; 3] {
    let (mut held, mut unknown) = ([0.0; 3], 0.0);
    for seed in 0..400 {
        let figures = fitted(plan, &mut GaussianNoise::new(&mut rng(seed)), false).1;
        for (held, (noisy, exact)) in held.iter_mut().zip(part(&figures, name).iter().zip(part(truth, name)))
        {
            let exact = exact.value.unwrap();
            // One that is not known has the whole line for its interval; there are few.
            let inside =
                noisy.low95.is_none_or(|low| low <= exact) && noisy.high95.is_none_or(|high| exact <= high);
            unknown += f64::from(u8::from(noisy.value.is_none())) / 1200.0;
            *held += f64::from(u8::from(inside)) / 400.0;
        }
    }
    assert!(unknown < 0.02, "{unknown} are not known");
    held
}

#[test]
fn intervals_of_coefficients_hold_the_fit_without_noise_95_times_in_100() {
    let truth = fitted(&regression("0.02", 6, 1.0), &mut Silent::default(), true).1;
    // Noise of 0.9 to 4.5 on a Hessian of some 90, 30 and 30.
    for (rho, rounds) in [("2.5", 3), ("0.5", 4), ("0.1", 4)] {
        let held = coverage(&regression(rho, rounds, 1.0), &truth, "coefficient");
        // Three standard errors at 95 % over 400 are 3.3 %.
        assert!(held.iter().all(|h| *h >= 0.917), "at rho {rho}: {held:?}");
    }
}

#[test]
fn intervals_of_standard_errors_hold_what_the_hessian_of_that_round_gives() {
    for rho in ["2.5", "0.5", "0.1"] {
        let plan = regression(rho, 1, 1.0);
        let truth = fitted(&plan, &mut Silent::default(), true).1;
        let held = coverage(&plan, &truth, "standard_error");
        assert!(held.iter().all(|h| *h >= 0.917), "at rho {rho}: {held:?}");
    }
}

#[test]
fn what_the_noise_hides_is_absent_and_the_state_stays_within_reach() {
    let plan = regression("0.0005", 5, 1.0);
    let mut unknown = 0;
    for seed in 0..100 {
        let (states, figures) = fitted(&plan, &mut GaussianNoise::new(&mut rng(seed)), false);
        assert!(states.iter().flatten().all(|b| b.abs() <= 50.0), "{states:?}");
        unknown += u32::from(part(&figures, "coefficient")[0].value.is_none());
        for number in part(&figures, "coefficient") {
            assert_eq!(
                (number.shown, number.low95.is_some()),
                (number.value.is_some(), number.value.is_some())
            );
        }
    }
    // The noise of 63 is above both slopes' 30.
    assert!(unknown >= 90, "{unknown} of 100 are not known");
}

#[test]
fn a_released_fit_is_the_rehearsed_one_and_its_state_holds_nothing_else() {
    let plan = regression("0.02", 2, 1.0);
    let add =
        |state: &[f64]| sums(&plan, rows().iter().map(|(x, y)| Contribution(vec![vector(*x, *y, state)])));
    let Step::Again(round) = first_round(add(&[]), &mut rng(9)) else { panic!("two rounds") };
    assert_eq!(round.state().len(), 3);
    let state = round.state().to_vec();
    let Step::Done(Outcome::Released(released)) = round.next(add(&state)).unwrap() else {
        panic!("released")
    };
    let (states, figures) = fitted(&plan, &mut GaussianNoise::new(&mut rng(9)), false);
    assert_eq!((&states[1], released.figures()), (&state, &figures));
}
