//! An operator ends a job at once. Whoever handed it in sees what a failure of the node shows, and when it would show it.
//!
//! The process that runs jobs holds their lock, so a wish is left as a file in the home, which that process looks for while it
//! maps. Where nobody runs jobs, the job is ended here. Nothing of what was mapped is drawn, kept or told, and what was
//! reserved stays spent: patients may have been read.

use crate::error::{NodeError, ask};
use crate::files;
use crate::history;
use crate::node::Node;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use trocar_terms::{Code, JobId};

/// How often a running job looks for the wish, and the wish for the job's end.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end may take: workers are killed within `LOOK`, and one line of the ledger is written.
const PATIENCE: Duration = Duration::from_secs(30);

impl Node {
    /// Ends an accepted job, its workers at once.
    ///
    /// # Errors
    /// There is no such job, it is over, it waits for an output checker, or it does not end in time.
    pub fn cancel(&self, job: &JobId) -> Result<(), NodeError> {
        self.can_be_cancelled(job)?;
        let wish = self.wish(job);
        if let Some(folder) = wish.parent() {
            files::private_dir(folder)?;
        }
        files::write_durably(&wish, b"")?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(_lock) = self.home().try_lock("jobs.lock")? {
                // It may have ended, or begun to wait for a checker, just before the wish was there.
                return match self.can_be_cancelled(job) {
                    Ok(()) => self.end_if_wished(job).map(drop),
                    Err(_) => self.ended(job, &wish),
                };
            }
            if history::finished(&self.home().ledger()?, job).is_some() {
                return self.ended(job, &wish);
            }
            std::thread::sleep(LOOK);
        }
        ask("the process that runs the job has not ended it yet; it will before it draws anything")
    }

    /// Whether a job that is over ended as was wished.
    fn ended(&self, job: &JobId, wish: &Path) -> Result<(), NodeError> {
        let _ = std::fs::remove_file(wish);
        match history::finished(&self.home().ledger()?, job) {
            Some(finished) if finished.code == Code::NodeFailure => Ok(()),
            _ => ask(format!("job {job} was mapped before it could be ended")),
        }
    }

    fn can_be_cancelled(&self, job: &JobId) -> Result<(), NodeError> {
        let ledger = self.home().ledger()?;
        if !history::reservations(&ledger).any(|r| r.job == *job) {
            return ask(format!("there is no accepted job {job} on this node"));
        }
        if history::finished(&ledger, job).is_some() {
            return ask(format!("job {job} is over already"));
        }
        if history::waits(&ledger, job) || history::decided(&ledger, job).is_some() {
            return ask(format!(
                "job {job} has been mapped and is in the airlock: `trocar node airlock withhold {job}`"
            ));
        }
        Ok(())
    }

    /// Where the wish to end a job stands.
    pub(super) fn wish(&self, job: &JobId) -> PathBuf {
        self.home().root().join("cancel").join(job.to_string())
    }

    /// Ends a job whose end is wished for, under the lock of running jobs. Whether it is over.
    pub(super) fn end_if_wished(&self, job: &JobId) -> Result<bool, NodeError> {
        let wish = self.wish(job);
        if !wish.exists() {
            return Ok(false);
        }
        if history::finished(&self.home().ledger()?, job).is_none() {
            self.fail(job)?;
        }
        // One that stays says only that the job is to be over, which it is.
        let _ = std::fs::remove_file(wish);
        Ok(true)
    }
}

/// Looks for the wish to end a job while its patients are mapped, until it is told that they are.
pub(super) struct Watch<'a> {
    wish: &'a Path,
    wished: AtomicBool,
    over: AtomicBool,
}

impl<'a> Watch<'a> {
    pub(super) const fn new(wish: &'a Path) -> Self {
        Self { wish, wished: AtomicBool::new(false), over: AtomicBool::new(false) }
    }

    /// Whether the job is to end.
    pub(super) fn wished(&self) -> bool {
        self.wished.load(Ordering::Relaxed)
    }

    /// Nobody maps any more.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Kills every worker of this process as soon as the end is wished for, and those that are started in their place.
    pub(super) fn run(&self) {
        while !self.over.load(Ordering::Relaxed) {
            if self.wished() || self.wish.exists() {
                self.wished.store(true, Ordering::Relaxed);
                descendants().into_iter().for_each(kill);
            }
            std::thread::park_timeout(LOOK);
        }
    }
}

fn kill(process: u32) {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    // One that is gone already needs no signal.
    let _ = process.map(|process| rustix::process::kill_process(process, rustix::process::Signal::KILL));
}

/// Processes that this one started, and those that they started: workers, all of them.
fn descendants() -> Vec<u32> {
    let mut children = BTreeMap::<u32, Vec<u32>>::new();
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = process.file_name().to_str().and_then(|name| name.parse().ok());
        let parent = std::fs::read_to_string(process.path().join("stat")).ok().and_then(|stat| parent(&stat));
        if let (Some(number), Some(parent)) = (number, parent) {
            children.entry(parent).or_default().push(number);
        }
    }
    let mut found = children.remove(&std::process::id()).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(process).unwrap_or_default());
        next = next.saturating_add(1);
    }
    found
}

/// The parent in a line of `/proc/PID/stat`: two fields behind the name, which may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    #[test]
    fn the_parent_is_read_behind_whatever_name_a_process_has() {
        assert_eq!(parent("12 (a) S 7 12 12 0"), Some(7));
        assert_eq!(parent("12 (a) 3 (b) S 8 12"), Some(8));
        assert_eq!(parent("12 (a"), None);
    }

    #[test]
    fn children_and_their_children_are_found_and_nobody_else() {
        let mut child: Child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let begun = Instant::now();
        let mut found = descendants();
        while found.len() < 2 && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(LOOK);
            found = descendants();
        }
        assert!(found.contains(&child.id()) && found.len() >= 2, "{found:?}");
        assert!(!found.contains(&1) && !found.contains(&std::process::id()));
        found.into_iter().for_each(kill);
        assert!(!child.wait().unwrap().success());
    }
}
