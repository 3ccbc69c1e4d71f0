//! Channels that no guest can try: what proves them are tests of the crate that closes them, run here by name.

use crate::run::{capture, say};
use anyhow::Result;
use serde_json::{Value, json};
use std::process::Command;

/// A channel and the tests that prove it. A test that is gone counts as one that failed.
pub(super) struct Proof {
    name: &'static str,
    who: &'static str,
    tries: &'static str,
    bound: &'static str,
    /// The test target and its tests.
    pub(super) target: &'static str,
    tests: &'static [&'static str],
}

pub(super) const PROOFS: [Proof; 3] = [
    Proof {
        name: "crash, race, rollback of the ledger: crash",
        who: "none: processes that are killed, files that are cut",
        tries: "kill -9 while reserving; a file cut at every byte",
        bound: "no accepted reservation is lost",
        target: "ledger",
        tests: &[
            "damage::a_crash_at_any_byte_of_a_write_loses_at_most_that_record",
            "damage::a_kill_at_any_moment_loses_no_accepted_reservation",
        ],
    },
    Proof {
        name: "crash, race, rollback of the ledger: race",
        who: "none: reservations at the same time",
        tries: "64 threads and 64 processes reserve at once",
        bound: "the cap is never passed",
        target: "ledger",
        tests: &[
            "crowd::sixty_four_threads_never_pass_the_cap",
            "crowd::sixty_four_processes_never_pass_the_cap",
        ],
    },
    Proof {
        name: "crash, race, rollback of the ledger: rollback",
        who: "none: an operator who restores an old home",
        tries: "a copy of the home from before a job is put back",
        bound: "the old copy is refused",
        target: "e2e",
        tests: &["ledger::an_old_copy_of_a_home_is_refused_by_a_witness_on_another_disk"],
    },
];

impl Proof {
    /// Runs the tests with this command, which ends where their names go, and gives the row.
    pub(super) fn row(&self, mut command: Command) -> Result<Value> {
        command.arg("--exact").args(self.tests);
        say(&format!("{} ...", self.name));
        let said = String::from_utf8_lossy(&capture(&mut command)?.stdout).into_owned();
        let (passed, all) = (passed(&said), self.tests.len());
        let missing = all.saturating_sub(passed);
        Ok(json!({"name": self.name, "guest": self.who, "tries": self.tries, "bound": self.bound,
            "measured": format!("{passed} of {all} tests passed"), "noise_off": "-", "value": missing,
            "unit": "tests that did not pass", "against": "PRIVACY.md section 5", "ratio": null, "bar": 0, "op": "<=",
            "holds": missing == 0}))
    }
}

/// Tests that passed, by the lines of the test harness.
fn passed(said: &str) -> usize {
    said.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ... ok")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_tests_that_passed_count() {
        let said =
            "running 2 tests\ntest a::b ... ok\ntest a::c ... FAILED\n\ntest result: FAILED. 1 passed; ok";
        assert_eq!(passed(said), 1);
    }

    #[test]
    fn a_test_that_does_not_run_is_one_that_did_not_pass() {
        let row = PROOFS[0].row(Command::new("true")).unwrap();
        assert_eq!((&row["holds"], &row["value"]), (&false.into(), &2.into()));
    }
}
