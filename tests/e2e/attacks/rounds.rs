//! State between rounds: a guest gets back released numbers alone, and all rounds together say no more than their price.

use super::claim::Claim;
use super::estimate::{Fact, Noise, mu, plan_of_rounds, share};
use super::lab::QUIET;
use super::sandboxed::Guest;
use super::tries;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::convert::Infallible;
use trocar_filter::{
    Contribution, Figures, GaussianNoise, NoiseSource, Outcome, Plan, Step, Sums, Untrusted, first_round,
    rehearse_rounds,
};
use trocar_testkit::{NoNoise, WeakNoise};

pub const GUEST: &str = "attack_rounds";

/// Patients beside the target.
const OTHERS: usize = 59;

#[test]
fn a_bit_that_is_told_in_every_round_and_carried_on_is_recovered_no_more_often_than_all_rounds_are_paid_for()
{
    let guest = Guest::built(GUEST);
    let plan = plan_of_rounds(&guest.manifest.outputs, "0.25", 2);
    Claim {
        name: "state between rounds",
        guest: GUEST,
        tries: "one bit in each of two rounds; the others carry the first round's answer into the second",
        bound: "Phi(mu) of the rho of both rounds, and 3 standard errors",
        fact: Fact::Bit,
        mu: mu(&plan),
        trials: tries(5_000, 50_000),
        sure: 100,
    }
    .holds(|noise, trials| recovery(&guest, &plan, noise, trials));
}

fn recovery(guest: &Guest, plan: &Plan, noise: Noise, trials: u32) -> f64 {
    share(trials, |truth, seed| {
        let figures = figures(guest, plan, noise, truth == 1, seed)?;
        Some(usize::from(guess(&figures)))
    })
}

/// The likelier bit: both rounds weigh alike, the first as the others carried it.
fn guess(figures: &Figures) -> bool {
    let numbers = &figures.outputs[0].numbers;
    let [second, carried] = [0, 1].map(|at| numbers[at].value.unwrap());
    second + carried * 8.0 / OTHERS as f64 > 0.0
}

fn figures(guest: &Guest, plan: &Plan, noise: Noise, truth: bool, seed: u64) -> Option<Figures> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    match noise {
        Noise::Real => released(guest, plan, truth, &mut rng),
        Noise::Weak => {
            rehearsed(guest, plan, truth, &mut WeakNoise::new(GaussianNoise::new(&mut rng)), false)
        }
        Noise::Off => rehearsed(guest, plan, truth, &mut NoNoise, true),
    }
}

/// The product's own door, round by round, as node/job/release.rs goes through it.
fn released(guest: &Guest, plan: &Plan, truth: bool, rng: &mut ChaCha20Rng) -> Option<Figures> {
    let sums = |state: &[f64]| {
        let mut sums = Sums::new(plan);
        mapped(guest, truth, state).into_iter().for_each(|one| sums.add(one));
        sums
    };
    let mut step = first_round(sums(&[]), rng);
    loop {
        step = match step {
            Step::Again(round) => {
                let sums = sums(round.state());
                round.next(sums).expect("the sums are of this plan")
            }
            Step::Done(Outcome::Released(released)) => return Some(released.figures().clone()),
            Step::Done(Outcome::Withheld(_)) => return None,
        };
    }
}

fn rehearsed(
    guest: &Guest,
    plan: &Plan,
    truth: bool,
    noise: &mut dyn NoiseSource,
    exact: bool,
) -> Option<Figures> {
    let Ok(rehearsal) =
        rehearse_rounds(plan, |state| Ok::<_, Infallible>(mapped(guest, truth, state)), noise, exact);
    rehearsal.figures
}

/// The target, and the others, who are all alike.
fn mapped(guest: &Guest, truth: bool, state: &[f64]) -> Vec<Untrusted<Contribution>> {
    let target = guest.map_in(&[QUIET + i16::from(truth)], state).expect("the guest answers");
    let other = guest.map_in(&[0], state).expect("the guest answers");
    std::iter::once(target).chain(std::iter::repeat_n(other, OTHERS)).collect()
}
