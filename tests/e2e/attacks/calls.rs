//! Slow host calls: what the host does for a guest is paid for in fuel.

use super::identical::Attack;
use super::sandboxed::Guest;
use trocar_sandbox::MapFault;

pub const GUEST: &str = "attack_calls";

const ATTACK: Attack<'_> = Attack {
    channel: "endless loop, fuel, slow host calls: host calls",
    guest: GUEST,
    tries: "keeps the host reading, opening, listing or resampling for one patient",
    loud: &[1991, 1992, 1993, 1994],
    pairs: 200,
};

#[test]
fn keeping_the_host_at_work_on_one_patient_cannot_be_told() {
    let guest = Guest::built(GUEST).with_fuel(2_000_000);
    for hu in ATTACK.loud {
        assert!(matches!(guest.map(&[*hu]), Err(MapFault::Fuel)), "host calls at {hu} cost too little");
    }
    ATTACK.proves(2_000_000);
}
