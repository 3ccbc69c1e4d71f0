use crate::refusal::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came in: counts only, so that it can be shown and logged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Objects written.
    pub received: u64,
    /// Objects that were there already.
    pub already_there: u64,
    /// Objects refused, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Bytes written.
    pub bytes: u64,
}

impl Report {
    /// Whether everything that was asked for and can be kept is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.refused.keys().any(|refusal| refusal.may_pass())
    }

    /// Objects refused for any reason.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.values().fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// How an object ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is durably there, this many bytes.
    New(u64),
    /// It was there.
    Already,
}

/// A report that many tasks write.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Report>);

impl Tally {
    pub(crate) fn count(&self, outcome: Result<Kept, Refusal>) {
        let mut report = self.lock();
        match outcome {
            Ok(Kept::New(bytes)) => {
                report.received = report.received.saturating_add(1);
                report.bytes = report.bytes.saturating_add(bytes);
            }
            Ok(Kept::Already) => report.already_there = report.already_there.saturating_add(1),
            Err(refusal) => {
                let count = report.refused.entry(refusal).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    pub(crate) fn report(&self) -> Report {
        self.lock().clone()
    }

    /// Counts stay right whatever happened to another task.
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
