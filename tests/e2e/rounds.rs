//! Jobs of several rounds: a logistic regression by Newton steps, on the real node.

use crate::world::{HELD, World, guest, manifest, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use trocar_terms::Timestamp;

/// What the guest reads beside age and sex.
const EVENT: (&str, &str) = (
    "    { name = \"sex\", type",
    "    { name = \"event\", type = \"integer\", min = 0, max = 1 },\n    { name = \"sex\", type",
);

/// The rows of tests/oracles/logistic.tsv: penalty, quantity, and its three numbers.
fn expected() -> Vec<(f64, String, Vec<f64>)> {
    let text = std::fs::read_to_string(root().join("tests/oracles/logistic.tsv")).unwrap();
    let lines = text.lines().filter(|l| !l.starts_with('#')).skip(1);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (
            cells[0].parse().unwrap(),
            cells[1].to_owned(),
            cells[2..].iter().map(|c| c.parse().unwrap()).collect(),
        )
    };
    lines.map(row).collect()
}

/// The numbers of one part of the first derived statistic, under one of its keys.
fn part(figures: &Value, name: &str, key: &str) -> Vec<Option<f64>> {
    let parts = figures["derived"][0]["parts"].as_array().unwrap_or_else(|| panic!("no parts: {figures}"));
    let part = parts.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("no {name}: {figures}"));
    part[key].as_array().unwrap().iter().map(Value::as_f64).collect()
}

/// Author mode on a folder; the manifest changed as asked.
fn rehearsed(world: &World, folder: &Path, change: &[(&str, &str)], more: &[&str]) -> Value {
    let mut text = std::fs::read_to_string(manifest("event-logistic")).unwrap();
    for (from, to) in change {
        assert!(text.contains(from), "the manifest does not say {from:?}");
        text = text.replace(from, to);
    }
    let path = world.path("rehearsed.toml");
    std::fs::write(&path, text).unwrap();
    let clinical = folder.join("clinical.csv");
    let [m, c, d, t] = [&path, &guest("event-logistic"), folder, &clinical].map(|p| p.display().to_string());
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &d, "--clinical", &t];
    world.run(&[&args[..], more].concat()).exits(0).json()
}

#[test]
fn five_rounds_without_noise_end_at_the_coefficients_of_scikit_learn() {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let folder = world.path("cohort");
    let out = folder.display().to_string();
    world.run(&["testkit", "cohort", "-o", &out, "--patients", "120", "--seed", "5"]).exits(0);
    for (l2, quantity, theirs) in expected() {
        let penalty = format!("l2 = {l2:?}");
        let figures = rehearsed(&world, &folder, &[("l2 = 1.0", &penalty)], &["--exact"])["figures"].clone();
        assert_eq!(figures["rounds"], 5);
        for (ours, theirs) in part(&figures, &quantity, "value").iter().zip(&theirs) {
            let ours = ours.unwrap();
            assert!((ours - theirs).abs() < 1e-6, "{quantity} at l2 {l2}: {ours} is not {theirs}");
        }
    }
}

/// A node with a scanned cohort whose policy grants the event.
fn node(patients: u32) -> (World, PathBuf) {
    let world = World::new();
    let folder = world.cohort("cohort", patients, "CT");
    world.dataset("liver", &folder, &[EVENT]).exits(0);
    (world, folder)
}

/// Its five rounds and the gate cost 0.1: all that a job may, and a project in a year.
fn approved(world: &World, change: &[(&str, &str)]) -> PathBuf {
    let package = world.pack("event-logistic", change);
    world.approve(&package, "liver");
    package
}

fn spent(world: &World) -> f64 {
    world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].as_f64().unwrap()
}

fn lines(world: &World, word: &str) -> usize {
    let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    ledger.lines().filter(|line| line.contains(word)).count()
}

#[test]
fn a_node_releases_a_fit_within_its_noise_and_says_how_many_rounds_it_paid() {
    let (world, folder) = node(300);
    // Two rounds of 0.04 and the gate are 0.1. Hessian and penalty of some 47 then stand five times above where the noise of 6.6
    // would hide a coefficient.
    let penalty = ("l2 = 1.0", "l2 = 25.0");
    let two = [("rounds = 5", "rounds = 2"), ("rho = \"0.016\"", "rho = \"0.04\""), penalty];
    let package = approved(&world, &two);
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    let (_, results) = world.fetch(&job["job"], 0);
    assert_eq!(
        (&results["rounds"], &results["rho"], &results["outputs"][0]["rho"]),
        (&2.into(), &"0.1".into(), &"0.08".into())
    );
    assert!((spent(&world) - 0.1).abs() < 1e-5, "the ledger says {}", spent(&world));
    let exact = rehearsed(&world, &folder, &[penalty], &["--exact"])["figures"].clone();
    let truth = part(&exact, "coefficient", "value");
    let (values, sds) = (part(&results, "coefficient", "value"), part(&results, "coefficient", "sd"));
    for ((value, sd), truth) in values.iter().zip(&sds).zip(&truth) {
        let (Some(value), Some(sd), Some(truth)) = (value, sd, truth) else {
            panic!("a coefficient is not known: {results}")
        };
        assert!((value - truth).abs() < 6.0 * sd, "{value} with sd {sd}, without noise {truth}");
    }
    assert_eq!(part(&results, "earlier_round", "value").len(), 3);
}

#[test]
fn a_job_whose_node_was_killed_between_two_rounds_is_released_once_and_charged_once() {
    let (world, _) = node(70);
    let package = approved(&world, &[]);
    let submit = ["submit", &package.display().to_string(), "--dataset", "liver"];
    let mut child = world.command(&submit).spawn().unwrap();
    // The charge is written before the first draw, and four rounds come after it.
    while lines(&world, "\"charged\"") == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the job was over before it could be killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lines(&world, "\"finished\""), 0, "the job was over before it could be killed");
    let before = spent(&world);
    assert!((before - 0.1).abs() < 1e-5, "{before}");
    world.run(&["node", "resume"]).exits(0);
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    assert_eq!(job["state"], "released");
    let counts =
        ["\"reserved\"", "\"charged\"", "\"finished\"", "\"returned\""].map(|word| lines(&world, word));
    assert_eq!((counts, spent(&world)), ([1, 1, 1, 0], before), "it was charged or released twice");
}

#[test]
fn a_round_more_than_the_policy_allows_is_refused_before_anything_is_charged() {
    let (world, _) = node(2);
    let package = world.pack("event-logistic", &[("rounds = 5", "rounds = 6")]);
    let refused = world.submit(&package, "liver", &[]).exits(3).json();
    assert_eq!(refused["code"], "BUD-01");
    assert_eq!(spent(&world), 0.0);
}

#[test]
fn a_closed_gate_gives_back_the_blocks_of_every_round() {
    let (world, _) = node(9);
    let package = approved(&world, &[]);
    let job = world.submit(&package, "liver", &[]).exits(4).json();
    let (_, results) = world.fetch(&job["job"], 4);
    assert_eq!(
        (&results["status"], &results["rounds"], &results["rho"]),
        (&"withheld".into(), &5.into(), &"0.02".into())
    );
    assert!((spent(&world) - 0.02).abs() < 1e-5, "the ledger says {}", spent(&world));
}

#[test]
fn the_release_time_counts_every_round_whether_its_gate_opens_or_not() {
    let admitted: Timestamp = "2027-03-01T08:00:00Z".parse().unwrap();
    let workers = std::thread::available_parallelism().unwrap().get() as i64;
    for rounds in [1, 5] {
        let world = World::at(admitted, "7");
        world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[HELD, EVENT]).exits(0);
        let package = approved(&world, &[("rounds = 5", &format!("rounds = {rounds}"))]);
        let job = world.submit(&package, "liver", &["--detach"]).exits(0).json();
        // Waits for the process that --detach left behind, or does its work.
        world.run(&["node", "resume"]).exits(0);
        let release_at: Timestamp = job["release_at"].as_str().unwrap().parse().unwrap();
        // 500 patients at 2 s and the node's 1 s a round, 5 s for each draw beyond the first, 180 s a job; slots of 15 minutes.
        let turns = (500 + workers - 1) / workers;
        let seconds = rounds * turns * 3 + (rounds - 1) * 5 + 180;
        assert_eq!(release_at.seconds(), admitted.plus(seconds).slot_ceil(900).seconds(), "{rounds} rounds");
    }
}
