//! Trap, abort and every other early end.

use super::identical::Attack;
use super::sandboxed::Guest;

pub const GUEST: &str = "attack_trap";

const ATTACK: Attack<'_> = Attack {
    channel: "trap, abort, worker death",
    guest: GUEST,
    tries: "ends early for one patient: abort, stack overflow, wrong lengths, no output, failure",
    loud: &[1991, 1992, 1993, 1994, 1995],
};

#[test]
fn an_early_end_on_one_patient_cannot_be_told() {
    let guest = Guest::built(GUEST);
    let early = ATTACK.loud.iter().filter(|hu| guest.map(&[**hu]).is_err());
    assert_eq!(early.count(), ATTACK.loud.len(), "the guest does not attack");
    ATTACK.proves(100_000_000);
}
