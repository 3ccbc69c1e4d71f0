//! State between patients: a canary in a global and in every word of memory, which the next patient's guest looks for.

use super::row::Row;
use super::sandboxed::{Guest, opened};
use super::tries;
use crate::world::root;

pub const GUEST: &str = "attack_state";

#[test]
fn no_guest_finds_a_byte_of_the_one_before() {
    let wat = std::fs::read_to_string(root().join("tests/guests").join(GUEST).join("guest.wat")).unwrap();
    // The manifest of a guest that returns a vector; its memory is enough for the 4 MiB that are filled.
    let guest = Guest::written(&wat, "attack_order");
    let instances = tries(1_000, 10_000);
    let (mut seen, mut own) = (0.0, f64::MAX);
    for number in 0..instances {
        let found = opened(guest.map(&[])).0.concat();
        assert!(found[1] > 500_000.0, "instance {number} would not see its own canary: {found:?}");
        seen += found[0];
        own = own.min(found[1]);
    }
    Row {
        name: "state between patients",
        guest: GUEST,
        tries: "canary bytes in a global and in 4 MiB of memory, looked for by the next guest",
        bound: "0 words seen",
        measured: format!("{seen} words in {instances} instantiations"),
        noise_off: &format!("the same instance sees {own} words of its own"),
        value: seen,
        unit: "words seen",
        bar: 0.0,
    }
    .holds();
}
