//! Repeats: the same question is the same answer; another question is another draw and another charge.

use super::lab::tiny;
use super::row::Row;
use super::tries;
use crate::world::World;

#[test]
fn a_question_that_is_asked_again_and_again_is_drawn_and_charged_once() {
    let world = World::new();
    world.dataset("liver", &tiny(&world, "cohort", 60), &[]).exits(0);
    let package = world.pack("attack_low_bit", &[]);
    world.approve(&package, "liver");
    let first = world.submit(&package, "liver", &[]).json();
    let spent =
        |world: &World| world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].as_f64().unwrap();
    let once = spent(&world);
    let submissions = tries(40, 1_000);
    for _ in 1..submissions {
        assert_eq!(world.submit(&package, "liver", &[]).json(), first, "a repeat is another answer");
    }
    let ledger = || std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let draws = ledger().matches("\"charged\"").count();
    assert_eq!((draws, spent(&world)), (1, once));
    // The same cohort in other words is the same question; another cohort is another.
    let narrowed = world.submit(&package, "liver", &["--where", "age_years >= 1"]).json();
    assert_ne!(narrowed["job"], first["job"], "another --where gave the old answer");
    let again = world.submit(&package, "liver", &["--where", "age_years  >=  1"]).json();
    assert_eq!(again, narrowed, "the same cohort in other words is drawn anew");
    assert_eq!(ledger().matches("\"charged\"").count(), 2);
    assert!(spent(&world) > once, "another question costs nothing");
    Row {
        name: "repeats",
        guest: "attack_low_bit",
        tries: "submits one question again and again, to average the noise away",
        bound: "one draw, one charge; another --where: another draw and charge",
        measured: format!("{draws} draw of {submissions} submissions"),
        noise_off: "the same: nothing here rests on noise",
        value: draws as f64,
        unit: "draws",
        bar: 1.0,
    }
    .holds();
}
