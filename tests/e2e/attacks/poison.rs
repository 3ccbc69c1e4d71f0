//! A poisoned contribution moves a sum by at most S, in L2 over all its coordinates.

use super::row::Row;
use super::sandboxed::Guest;
use trocar_filter::{Contribution, Untrusted, rehearse};
use trocar_testkit::NoNoise;

pub const GUEST: &str = "attack_poison";

/// S of each output of the manifest in its grid units: 2^8; ceil(sqrt 2 * 16 * 2^8); 16 * 2^8.
const S: [f64; 3] = [256.0, 5_793.0, 4_096.0];

#[test]
fn the_largest_numbers_move_a_sum_by_no_more_than_s() {
    let guest = Guest::built(GUEST);
    let plan = trocar_node::plan_of(&guest.manifest, 10, 500).unwrap();
    let (mut most, mut tried) = (0.0_f64, 0);
    for poison in poisons(&guest) {
        let row = rehearse(&plan, vec![Untrusted::new(poison)], &mut NoNoise, true).patients.remove(0);
        for (added, s) in row.quantised.iter().zip(S) {
            let norm = added.iter().map(|x| (*x as f64).powi(2)).sum::<f64>().sqrt();
            most = most.max(norm / s);
            tried += 1;
        }
    }
    assert!(most > 0.99, "the poison is none: {most}");
    Row {
        name: "poisoned contribution",
        guest: GUEST,
        tries: "i64::MAX, the largest float, infinity, in every coordinate",
        bound: "S",
        measured: format!("{most:.6} S at most, over {tried} vectors"),
        noise_off: "the same: what is added is looked at before noise",
        value: most,
        unit: "S",
        bar: 1.0,
    }
    .holds();
}

/// What the guest returns, and what a worker that an adversary has taken over could answer in its place.
fn poisons(guest: &Guest) -> Vec<Contribution> {
    let mapped = [1991, 1992, 1994].map(|hu| guest.numbers(&[hu]));
    let extremes = [i64::MAX as f64, i64::MIN as f64, f64::MAX, f64::MIN, f64::INFINITY, 16.0, -16.0, 9e15];
    let made = extremes.map(|x| Contribution(vec![vec![x], vec![x], vec![x, -x, x, x, -x]]));
    mapped.into_iter().chain(made).collect()
}
