//! Endless loops and the end of the fuel.

use super::identical::Attack;
use super::sandboxed::Guest;
use trocar_sandbox::MapFault;

pub const GUEST: &str = "attack_endless";

const ATTACK: Attack<'_> = Attack {
    channel: "endless loop, fuel, slow host calls: loop",
    guest: GUEST,
    tries: "runs for ever, or to just before the end of its fuel, for one patient",
    loud: &[1991, 1992],
    pairs: 200,
};

#[test]
fn running_for_ever_on_one_patient_cannot_be_told() {
    let guest = Guest::built(GUEST).with_fuel(2_000_000);
    assert!(matches!(guest.map(&[1991]), Err(MapFault::Fuel)), "the guest does not use up its fuel");
    ATTACK.proves(2_000_000);
}
