//! A job during which every worker that lives long is killed.

use super::lab::{Lab, morning};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A worker lives for some 20 ms; the one of an endless guest until it is killed.
const LONG: Duration = Duration::from_millis(250);

/// How many workers were killed, and what was seen from outside.
pub struct Killed {
    pub kills: usize,
    /// Standard output and error of the submission, bundle, budget and ledger.
    pub seen: Vec<Vec<u8>>,
}

pub fn killing(lab: &Lab, hu: i16) -> Killed {
    lab.mark(hu);
    let world = lab.world.twin();
    let package = lab.package.display().to_string();
    let mut submit = world.command(&["submit", &package, "--dataset", "liver"]);
    let mut submit = submit.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ledger = || std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let (mut young, mut kills) = (BTreeMap::new(), 0);
    while !ledger().contains("\"finished\"") {
        assert!(submit.try_wait().unwrap().is_none(), "the job ended early");
        for worker in children(submit.id()) {
            let age = young.entry(worker).or_insert_with(Instant::now).elapsed();
            if age > LONG
                && Command::new("kill").args(["-9", &worker.to_string()]).status().unwrap().success()
            {
                kills += 1;
                // Gone, or reaped within the next turn.
                young.insert(worker, Instant::now());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    world.set_clock(morning().plus(86_400));
    assert_eq!(submit.wait().unwrap().code(), Some(0), "the job was not released");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    submit.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    submit.stderr.take().unwrap().read_to_end(&mut err).unwrap();
    let bundles = std::fs::read_dir(world.home().join("bundles")).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundles.map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>().concat();
    let budget = world.run(&["node", "budget"]).exits(0).out.into_bytes();
    Killed { kills, seen: vec![out, err, bundle, budget, ledger().into_bytes()] }
}

/// Processes that this one has started and not yet reaped: its own threads' lists of children.
fn children(of: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{of}/task")) else { return Vec::new() };
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let all: Vec<String> = lists.collect();
    all.iter().flat_map(|list| list.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}
