//! Time: `release_at` is fixed at admission, and until then a job looks the same whatever it does and whether it has begun.

use super::lab::{Call, Lab, QUIET, Told, asked, exported, moments, morning, told};
use super::row::Row;
use super::tries;
use crate::world::World;
use std::fs::File;
use trocar_terms::Timestamp;

const GUEST: &str = "attack_endless";
/// The first voxel at which the guest takes almost all its fuel.
const SLOW: i16 = 1992;

/// At each moment both jobs, and what the public log has.
type Seen = Vec<(i64, [Call; 2], [Call; 2], Vec<String>)>;

#[test]
fn when_a_job_ends_is_not_seen_in_its_history_nor_in_that_of_the_next() {
    let lab = Lab::new(GUEST, 6);
    let ends = ends(&lab);
    let quiet = history(&lab, QUIET, morning());
    let differ: Vec<_> =
        ends.iter().filter_map(|end| Some((end, difference(&history(&lab, SLOW, *end), &quiet)?))).collect();
    assert!(differ.is_empty(), "these ends are seen from outside: {differ:#?}");
    let states: std::collections::BTreeSet<String> =
        quiet.iter().flat_map(|(_, one, two, _)| [one, two]).map(|said| state(&said[0].1)).collect();
    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["accepted", "withheld"]);
    Row {
        name: "time of the job, queue position",
        guest: GUEST,
        tries: "ends just before, at and after the end of every slot, before another job in the queue",
        bound: "identical history of both jobs",
        measured: format!("{} of {} ends are seen", differ.len(), ends.len()),
        noise_off: "the same: nothing here rests on noise",
        value: differ.len() as f64,
        unit: "ends that are seen",
        bar: 0.0,
    }
    .holds();
}

/// The first moment at which two histories differ, with what was said.
fn difference(one: &Seen, other: &Seen) -> Option<String> {
    let (a, b) = one.iter().zip(other).find(|(a, b)| a != b)?;
    Some(format!("{a:#?}\n{b:#?}"))
}

fn state(status: &str) -> String {
    let status: serde_json::Value = serde_json::from_str(status).unwrap();
    status["state"].as_str().unwrap().to_owned()
}

/// Every moment round the end of a slot until the first job is released: a guest has no longer, by declared durations.
fn ends(lab: &Lab) -> Vec<Timestamp> {
    let world = lab.world.twin();
    let said = world.submit(&lab.package, "liver", &["--detach"]).exits(0).json();
    let release_at: Timestamp = said["release_at"].as_str().unwrap().parse().unwrap();
    world.run(&["node", "resume"]).exits(0);
    let all: Vec<_> = moments(release_at).filter(|at| *at <= release_at).collect();
    let few = tries(1, 0) == 1;
    // A short run takes the first slot's three and the last three.
    let some = |at: &usize| !few || *at < 3 || *at >= all.len() - 2;
    (0..all.len()).filter(some).map(|at| all[at]).collect()
}

/// Two jobs, of which the first does not end before `end`; all that is said of both, moment by moment.
fn history(lab: &Lab, hu: i16, end: Timestamp) -> Seen {
    lab.mark(hu);
    let world = lab.world.twin();
    let held = hold(&world);
    let submit =
        |more: &[&str]| world.submit(&lab.package, "liver", &[&["--detach"], more].concat()).exits(0).json();
    let first = submit(&[]);
    world.set_clock(morning().plus(60));
    let second = submit(&["--where", "age_years >= 1"]);
    let id = |job: &serde_json::Value| job["job"].as_str().unwrap().to_owned();
    let last: Timestamp = second["release_at"].as_str().unwrap().parse().unwrap();
    let mut held = Some(held);
    let mut history = Vec::new();
    for at in moments(last) {
        if at >= end && held.take().is_some() {
            world.set_clock(end.max(morning().plus(60)));
            world.run(&["node", "resume"]).exits(0);
        }
        let [one, two] = [&first, &second].map(|job| asked(&world, &id(job), at));
        history.push((at.seconds(), one, two, log(&world)));
    }
    history
}

/// Times, kinds and places of the entries of the public log. What is left out is the digest of each record, bound under the
/// node's key, and the hashes over it: they say nothing to anyone else.
fn log(world: &World) -> Vec<String> {
    let (_, text, _) = exported(world);
    let entries = text.split("{\"time\":").skip(1);
    entries.map(|entry| entry.split(",\"record\":").next().unwrap_or_default().to_owned()).collect()
}

/// Holds the lock that whoever runs a job holds.
fn hold(world: &World) -> File {
    let path = world.home().join("jobs.lock");
    let lock = File::options().create(true).append(true).open(path).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn until_release_at_a_job_that_waits_one_that_runs_and_one_that_is_over_are_one() {
    let lab = Lab::new(GUEST, 6);
    lab.mark(SLOW);
    let world = lab.world.twin();
    let held = hold(&world);
    let job = world.submit(&lab.package, "liver", &["--detach"]).exits(0).json()["job"]
        .as_str()
        .unwrap()
        .to_owned();
    let at = morning().plus(60);
    let waiting = told(&world, &job, at);
    drop(held);
    let mut running = world.command(&["node", "resume"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut bodies = vec![];
    while running.try_wait().unwrap().is_none() {
        bodies.push(told(&world, &job, at));
    }
    world.run(&["node", "resume"]).exits(0);
    bodies.push(told(&world, &job, at));
    let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    assert!(ledger.contains("\"finished\""), "the job did not run");
    let differ = bodies.iter().filter(|body| **body != waiting).count();
    Row {
        name: "progress, worker counts, per-patient times",
        guest: GUEST,
        tries: "asks for status, result and public log while the job waits, runs and is over",
        bound: "API bodies equal until release_at",
        measured: format!("{differ} of {} bodies differ", bodies.len()),
        noise_off: "the same: nothing here rests on noise",
        value: differ as f64,
        unit: "bodies that differ",
        bar: 0.0,
    }
    .holds();
}

#[test]
fn a_guest_cannot_change_its_charge() {
    let lab = Lab::new("attack_low_bit", 50);
    let runs = [QUIET, QUIET + 1].map(|hu| lab.run(hu));
    assert_ne!(runs[0].bundle, runs[1].bundle, "the guest does nothing");
    let lengths = runs.each_ref().map(|run| run.bundle.len());
    assert_eq!(lengths[0], lengths[1], "a value changes the length of the bundle");
    // The public log names the bundle once it is out.
    let but_log = |(at, [status, fetched, _]): (i64, Told)| (at, status, fetched);
    let [quiet, loud] =
        runs.map(|run| (run.submitted, run.budget, run.history.into_iter().map(but_log).collect::<Vec<_>>()));
    assert!(quiet == loud, "a value changes a status or the charge");
    Row {
        name: "budget as a signal",
        guest: "attack_low_bit",
        tries: "another value on one patient, to change charge, status or length",
        bound: "a guest cannot change its charge",
        measured: "the same budget, statuses and length".to_owned(),
        noise_off: "the same: nothing here rests on noise",
        value: 0.0,
        unit: "charges that differ",
        bar: 0.0,
    }
    .holds();
}

#[test]
fn a_bundle_has_one_length_and_its_history_one_form_whether_released_or_withheld() {
    // As many patients as the gate's margin asks for: the noise alone decides.
    let lab = Lab::new("attack_trap", 39);
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..16 {
        std::fs::write(lab.world.path("seed"), seed.to_string()).unwrap();
        let run = lab.run(QUIET);
        let (length, times) = (run.bundle.len(), run.history.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        seen.insert(run.state(), (length, times, run.submitted.0));
        if seen.len() == 2 {
            break;
        }
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["released", "withheld"], "the noise decided one way only");
    assert_eq!(seen["released"], seen["withheld"], "the outcome shows in a length or a time");
}
