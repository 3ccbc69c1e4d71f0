//! Order, index, number of patients: a guest cannot tell how many came before, and the order changes no bit.

use super::lab::{mapped, tiny};
use super::row::Row;
use super::sandboxed::Guest;
use crate::world::World;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use trocar_filter::{Contribution, Sums, Untrusted, release};

pub const GUEST: &str = "attack_order";

const ORDERS: u64 = 100;

#[test]
fn a_guest_learns_nothing_of_its_place_and_a_hundred_orders_give_the_same_bytes() {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let all = mapped(&world, GUEST, &tiny(&world, "cohort", 50));
    assert!(
        all.iter().all(|one| *one == all[0] && one.0[0][0] == 1.0),
        "a guest can tell patients by their place"
    );
    // Sums of numbers that differ, so that an order could matter.
    let guest = Guest::built(GUEST);
    let plan = trocar_node::plan_of(&guest.manifest, 10, 500).unwrap();
    let cohort: Vec<Contribution> =
        (0..50).map(|n| Contribution(vec![vec![f64::from(n) * 0.7, 1e6 / f64::from(n + 1)]])).collect();
    let outcomes = (0..ORDERS).map(|order| {
        let mut sums = Sums::new(&plan);
        shuffled(&cohort, order).into_iter().for_each(|one| sums.add(Untrusted::new(one)));
        (sums.bytes(), release(sums, &mut ChaCha20Rng::seed_from_u64(7)))
    });
    let outcomes: Vec<_> = outcomes.collect();
    let other = outcomes.iter().filter(|outcome| **outcome != outcomes[0]).count();
    Row {
        name: "order, index, number of patients, ids",
        guest: GUEST,
        tries: "counts its calls, and looks where heap and stack lie",
        bound: "100 orders, same bytes; every patient is the first",
        measured: format!("{other} of {ORDERS} orders differ; 50 of 50 patients were the first"),
        noise_off: "the same: nothing here rests on noise",
        value: other as f64,
        unit: "orders that differ",
        bar: 0.0,
    }
    .holds();
}

fn shuffled(cohort: &[Contribution], order: u64) -> Vec<Contribution> {
    let mut rng = ChaCha20Rng::seed_from_u64(order);
    let mut keyed: Vec<(u64, &Contribution)> = cohort.iter().map(|one| (rng.next_u64(), one)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, one)| one.clone()).collect()
}
