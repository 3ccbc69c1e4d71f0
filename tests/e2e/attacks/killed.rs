//! A job during which every worker that lives long is killed.

use super::lab::{Lab, morning};
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A patient's worker lives for some ms; the one of an endless guest until it is killed.
const LONG: Duration = Duration::from_millis(150);

/// How many workers were killed, and what was seen from outside.
pub struct Killed {
    pub kills: usize,
    /// Standard output and error of the submission, bundle, budget and ledger.
    pub seen: Vec<Vec<u8>>,
}

pub fn killing(lab: &Lab, hu: i16) -> Killed {
    lab.mark(hu);
    let world = lab.world.twin();
    // The same words at the same time draw the same id, and these were said before the approval.
    world.set_clock(morning().plus(1));
    let package = lab.package.display().to_string();
    let mut submit = world.command(&["submit", &package, "--dataset", "liver"]);
    let mut submit = submit.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ledger = || std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    let (mut young, mut kills) = (BTreeMap::new(), 0);
    while !ledger().contains("\"finished\"") {
        if submit.try_wait().unwrap().is_some() {
            panic!("the job ended early: {:?}", submit.wait_with_output());
        }
        // The node's own children look at no patient: they fork for each.
        for worker in children(submit.id()).into_iter().flat_map(children) {
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

/// Running processes whose parent is this one (proc(5): state and parent stand behind the name in brackets).
fn children(of: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_hers = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = after.split_whitespace();
        fields.next() != Some("Z") && fields.next() == Some(of.to_string().as_str())
    };
    all.filter(is_hers).collect()
}
