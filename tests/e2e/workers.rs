//! One worker a core, patients handed out as workers come free: how many there are and in which order is never in a sum.

use crate::airlock::Hospital;
use crate::world::root;
use serde_json::Value;
use std::process::Command;

/// The exact sums that 70 synthetic patients have, whichever build of Trocar, order or number of workers made them.
const PINNED: &str = "tests/oracles/sums_of_70.json";

/// Cores of this machine that this process may run on, as `taskset` takes them.
fn cores() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let number = |text: &str| text.trim().parse::<u32>().unwrap();
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(part)..=number(part),
    };
    list.split(',').flat_map(range).map(|core| core.to_string()).collect()
}

/// Runs a job of the whole cohort on these cores and gives its exact sums.
fn sums(hospital: &Hospital, cores: &str, where_: &str) -> Value {
    let package = hospital.package.display().to_string();
    let command = hospital.world.command(&["submit", &package, "--dataset", "liver", "--where", where_]);
    let mut bound = Command::new("taskset");
    bound.args(["-c", cores]).arg(command.get_program()).args(command.get_args());
    bound.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = bound.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let job: Value = serde_json::from_slice(&output.stdout).unwrap();
    hospital.show(job["job"].as_str().unwrap())["evidence"].clone()
}

#[test]
fn a_job_has_the_same_sums_on_one_core_and_on_two_in_any_order_and_on_every_build() {
    let hospital = Hospital::approved(70, "pet-suv", &crate::airlock::BY_AGE);
    let all = cores();
    let two = all[..2.min(all.len())].join(",");
    // Each is another question about the same patients, so that none is answered from the one before.
    let runs = [(&all[0], "age_years >= 0"), (&two, "age_years >= 1"), (&two, "age_years < 200")];
    let runs = runs.map(|(cores, where_)| sums(&hospital, cores, where_));
    assert_eq!(runs[0]["patients"], 70, "{}", runs[0]);
    assert_eq!(runs[0], runs[1], "two workers gave other sums than one");
    assert_eq!(runs[1], runs[2], "another order gave other sums");
    let pinned = root().join(PINNED);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&pinned, serde_json::to_string_pretty(&runs[0]).unwrap() + "\n").unwrap();
    }
    let pinned: Value = serde_json::from_str(&std::fs::read_to_string(pinned).unwrap()).unwrap();
    assert_eq!(runs[0], pinned, "this build gives other sums than the one that was pinned");
}
