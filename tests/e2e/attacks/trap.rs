//! Trap, abort and every other early end.

use super::identical::Attack;
use super::killed::{Killed, killing};
use super::lab::{Lab, QUIET};
use super::row::Row;
use super::sandboxed::Guest;

pub const GUEST: &str = "attack_trap";

const ATTACK: Attack<'_> = Attack {
    channel: "trap, abort, worker death",
    guest: GUEST,
    tries: "ends early for one patient: abort, stack overflow, wrong lengths, no output, failure",
    loud: &[1991, 1992, 1993, 1994, 1995],
    pairs: 1_000,
};

#[test]
fn an_early_end_on_one_patient_cannot_be_told() {
    let guest = Guest::built(GUEST);
    let early = ATTACK.loud.iter().filter(|hu| guest.map(&[**hu]).is_err());
    assert_eq!(early.count(), ATTACK.loud.len(), "the guest does not attack");
    ATTACK.proves(100_000_000);
}

/// A guest cannot kill its worker, but a hostile file may, and the node does at the end of the time box.
#[test]
fn a_worker_that_is_killed_twice_cannot_be_told_from_one_whose_guest_is_quiet() {
    let lab = Lab::new("attack_endless", 45);
    let Killed { kills: none, seen: quiet } = killing(&lab, QUIET);
    let Killed { kills, seen: loud } = killing(&lab, 1991);
    assert!(kills >= 2, "{kills} workers were killed: the node tries twice");
    assert!(loud == quiet, "the death of a worker can be told");
    Row {
        name: "trap, abort, worker death: killed",
        guest: "attack_endless",
        tries: "the worker of one patient is killed, and the one that takes its place",
        bound: "bundle, statuses, release_at, charge and ledger the same bytes",
        measured: format!("0 differences; {kills} kills against {none}"),
        noise_off: "the same: nothing here rests on noise",
        value: 0.0,
        unit: "runs that differ",
        bar: 0.0,
    }
    .holds();
}
