//! An operator ends a job: at once, with nothing of it left over, and nothing to be seen of it before its time.

use crate::attacks::lab::{Lab, gather, write_voxels};
use crate::world::World;
use std::process::Command;
use std::time::{Duration, Instant};

/// A job of patients whose guests use up all their fuel, accepted and running in the background.
fn endless() -> (Lab, World, String) {
    let lab = Lab::new("attack_endless", 24);
    let mut files = Vec::new();
    gather(&lab.world.path("cohort"), &mut files);
    files.iter().for_each(|file| write_voxels(file, &[1991]));
    let world = lab.world.twin();
    let said = world.submit(&lab.package, "liver", &["--detach"]).exits(0);
    let job = said.json()["job"].as_str().unwrap().to_owned();
    waited(|| runner(&world).is_some_and(|runner| workers(runner) > 0));
    (lab, world, job)
}

/// The process that `submit --detach` left to run the job.
fn runner(world: &World) -> Option<u32> {
    let home = world.home().display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|number: &u32| {
        let words = std::fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        words.contains(&home) && words.contains("resume")
    })
}

/// Workers below a process, by the system's list of all processes.
fn workers(parent: u32) -> usize {
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    let is_child = |stat: &String| {
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().nth(1).map(str::to_owned));
        fields.flatten() == Some(parent.to_string())
    };
    stats.filter(is_child).count()
}

fn waited(mut done: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited for a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

#[test]
fn a_running_job_is_ended_at_once_and_looks_until_its_time_like_any_other() {
    let (_lab, world, job) = endless();
    let before = world.run(&["status", &job]);
    let running = runner(&world).unwrap();
    let begun = Instant::now();
    world.run(&["node", "cancel", &job]).exits(0);
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(workers(running), 0, "a worker is left");
    waited(|| runner(&world).is_none());
    let now = world.run(&["status", &job]);
    assert_eq!((&before.out, before.code), (&now.out, now.code), "the end shows before its time");
    let out = world.path("bundle.zip").display().to_string();
    world.run(&["results", "get", &job, "-o", &out]).exits(1);
    assert!(!world.path("bundle.zip").exists());
    let twice = world.run(&["node", "cancel", &job]).exits(1);
    assert!(twice.err.contains("is over already"), "{}", twice.err);
    // From release_at on it is a failure of the node, and what it reserved is spent.
    world.set_clock(before.json()["release_at"].as_str().unwrap().parse().unwrap());
    assert_eq!(world.run(&["status", &job]).json()["code"], "NOD-01");
    assert!(!world.home().join("cancel").join(&job).exists(), "the wish is still there");
}

#[test]
fn a_job_that_nobody_runs_is_ended_too_and_is_not_run_any_more() {
    let (_lab, world, job) = endless();
    let running = runner(&world).unwrap().to_string();
    assert!(Command::new("kill").args(["-9", &running]).status().unwrap().success());
    waited(|| runner(&world).is_none());
    world.run(&["node", "cancel", &job]).exits(0);
    let begun = Instant::now();
    assert_eq!(world.run(&["node", "resume"]).exits(0).json()["finished"], 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "a cancelled job was run");
    let unknown = world.run(&["node", "cancel", "00000000000000000000000000000000"]).exits(1);
    assert!(unknown.err.contains("no accepted job"), "{}", unknown.err);
}
