//! Memory growth.

use super::identical::Attack;
use super::sandboxed::Guest;
use trocar_sandbox::MapFault;

pub const GUEST: &str = "attack_memory";

const ATTACK: Attack<'_> = Attack {
    channel: "memory growth",
    guest: GUEST,
    tries: "takes memory for ever, all at once, or to just below its limit, for one patient",
    loud: &[1991, 1993, 1992],
    pairs: 100,
};

#[test]
fn taking_memory_on_one_patient_cannot_be_told() {
    let guest = Guest::built(GUEST);
    for hu in [1991, 1993] {
        assert!(
            matches!(guest.map(&[hu]), Err(MapFault::Memory)),
            "the guest at {hu} is not stopped by its limit"
        );
    }
    assert!(guest.map(&[1992]).is_ok(), "the guest at 1992 does not stay below its limit");
    ATTACK.proves(100_000_000);
}
