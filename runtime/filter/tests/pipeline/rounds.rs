//! Jobs of several rounds: one gate, one noise a round, and released numbers alone on the way back.

use crate::*;

fn rounds(outputs: &[Output], rounds: u32) -> Plan {
    Plan::admit(&Admission { rounds, ..admission(outputs) }).unwrap()
}

fn count_and_gradient() -> Vec<Output> {
    vec![output("n", "0.005", Kind::Count), output("g", "0.02", vector())]
}

fn one() -> Contribution {
    Contribution(vec![vec![1.0], vec![0.5, 0.0, -0.5]])
}

#[test]
fn the_charge_is_the_gate_and_every_block_of_every_round() {
    let (one, five) = (rounds(&all_kinds(), 1).charge(), rounds(&all_kinds(), 5).charge());
    assert_eq!((five.gate_rho, five.delta), (one.gate_rho, one.delta), "the gate is drawn once");
    assert_eq!(five.block_rho.0, 5 * one.block_rho.0);
}

#[test]
fn no_round_too_many_and_a_price_beyond_64_bits_are_refused() {
    let outputs = count_and_gradient();
    for wrong in [0, 65, u32::MAX] {
        let refusal = Plan::admit(&Admission { rounds: wrong, ..admission(&outputs) }).unwrap_err();
        assert_eq!(refusal, Refusal::NumberOfRounds);
    }
    // rho just below 2^22 is just below 2^62 units: four rounds fit into 64 bits and five do not.
    let dear = [output("g", "4194304", Kind::Vector { length: 1, clip: 16_777_216.0, grid_bits: 0 })];
    let admit = |rounds| Plan::admit(&Admission { rounds, ..admission(&dear) }).map(|plan| plan.rounds());
    assert_eq!((admit(1), admit(4)), (Ok(1), Ok(4)));
    assert_eq!((admit(5), admit(64)), (Err(Refusal::Unchargeable), Err(Refusal::Unchargeable)));
}

#[test]
fn a_closed_gate_ends_the_job_and_gives_back_the_blocks_of_all_rounds() {
    let plan = rounds(&all_kinds(), 7);
    for n in [0, 1, 9] {
        let Step::Done(outcome) = first_round(sums(&plan, (0..n).map(patient)), &mut rng(n.into())) else {
            panic!("{n} patients opened the gate")
        };
        assert_eq!(outcome.undrawn().0, 7 * rounds(&all_kinds(), 1).charge().block_rho.0);
        let Outcome::Withheld(withheld) = outcome else { panic!("withheld") };
        assert_eq!(withheld.rho(), decimal("0.02"), "only the gate was drawn");
    }
}

#[test]
fn the_gate_is_drawn_once_and_each_round_draws_its_own_noise() {
    let plan = rounds(&count_and_gradient(), 3);
    let draws = |n: usize| {
        let (mut silent, mut maps) = (Silent::default(), 0);
        let map = |_: &[f64]| {
            maps += 1;
            Ok::<_, OtherPlan>((0..n).map(|_| Untrusted::new(one())).collect())
        };
        let opened = rehearse_rounds(&plan, map, &mut silent, false).unwrap().figures.is_some();
        (opened, maps, silent.0)
    };
    let round = [2560, 40_960, 40_960, 40_960];
    assert_eq!(draws(40), (true, 3, [&[5][..], &round, &round, &round].concat()));
    assert_eq!(draws(39), (false, 1, vec![5]), "behind a closed gate nothing more is mapped or drawn");
}

/// All rounds of a job of equal patients; each step's state, and the figures.
fn run(plan: &Plan, patients: u32, seed: u64) -> (Vec<Vec<f64>>, serde_json::Value) {
    let add = || sums(plan, (0..patients).map(|_| one()));
    let (mut states, mut step) = (Vec::new(), first_round(add(), &mut rng(seed)));
    loop {
        match step {
            Step::Again(round) => {
                assert_eq!(round.number() as usize, states.len() + 2);
                states.push(round.state().to_vec());
                step = round.next(add()).unwrap();
            }
            Step::Done(Outcome::Released(released)) => {
                return (states, serde_json::to_value(released).unwrap());
            }
            Step::Done(Outcome::Withheld(_)) => panic!("the gate stayed shut"),
        }
    }
}

#[test]
fn the_next_round_sees_the_released_numbers_in_the_outputs_order_and_units() {
    let plan = rounds(&count_and_gradient(), 4);
    let (states, figures) = run(&plan, 400, 1);
    assert_eq!(states.len(), 3);
    for state in &states {
        let [n, a, b, c] = state[..] else { panic!("four numbers: {state:?}") };
        // Six standard deviations: 10 patients, and 2 / sqrt(2 * 0.02) = 10.
        for (value, sum) in [(n, 400.0), (a, 200.0), (b, 0.0), (c, -200.0)] {
            assert!((value - sum).abs() < 60.0, "{state:?}");
        }
    }
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "two rounds have the same noise");
    let last = figures["outputs"][0]["value"].as_f64().unwrap();
    assert!(states.iter().all(|state| state[0] != last), "the last round's noise is an earlier one's");
}

#[test]
fn with_one_round_first_round_and_release_are_the_same() {
    let plan = plan(&all_kinds());
    let all = || sums(&plan, (0..100).map(patient));
    let Step::Done(outcome) = first_round(all(), &mut rng(5)) else { panic!("one round") };
    assert_eq!(outcome, release(all(), &mut rng(5)));
}

#[test]
fn a_job_of_several_rounds_is_not_released_after_its_first() {
    let plan = rounds(&count_and_gradient(), 2);
    let outcome = release(sums(&plan, (0..400).map(|_| one())), &mut rng(1));
    assert!(matches!(outcome, Outcome::Withheld(_)) && outcome.undrawn() == RhoUnits(0));
}

#[test]
fn a_round_takes_no_sums_of_another_plan() {
    let (three, four) = (rounds(&count_and_gradient(), 3), rounds(&count_and_gradient(), 4));
    let add = |plan| sums(plan, (0..400).map(|_| one()));
    let Step::Again(round) = first_round(add(&three), &mut rng(1)) else { panic!("three rounds") };
    assert_eq!(round.next(add(&four)).unwrap_err(), OtherPlan);
}

#[test]
fn results_say_how_many_rounds_they_paid_for_where_it_is_more_than_one() {
    let (_, figures) = run(&rounds(&count_and_gradient(), 3), 400, 1);
    assert_eq!((&figures["rounds"], &figures["rho"]), (&3.into(), &"0.095".into()));
    assert_eq!(figures["outputs"][1]["rho"], "0.06");
    let plan = rounds(&count_and_gradient(), 3);
    let Step::Done(Outcome::Withheld(withheld)) = first_round(Sums::new(&plan), &mut rng(1)) else {
        panic!("nobody")
    };
    assert_eq!(serde_json::to_value(withheld).unwrap()["rounds"], 3);
}

#[test]
fn an_author_rehearses_all_rounds_with_the_state_of_each() {
    let plan = rounds(&[output("total", "0.01", Kind::Sum(bounds(0.0, 64.0, 8)))], 3);
    let mut seen = Vec::new();
    let map = |state: &[f64]| {
        seen.push(state.to_vec());
        let value = state.first().map_or(1.0, |sum| sum / 10.0);
        Ok::<_, OtherPlan>((0..20).map(|_| Untrusted::new(Contribution(vec![vec![value]]))).collect())
    };
    let rehearsal = rehearse_rounds(&plan, map, &mut Silent::default(), true).unwrap();
    assert_eq!(seen, [vec![], vec![20.0], vec![40.0]]);
    assert_eq!(rehearsal.figures.unwrap().outputs[0].numbers[0].value, Some(80.0));
    assert_eq!(rehearsal.patients[0].raw, Some(vec![vec![4.0]]), "the rows are the last round's");
}
