//! Volumes that a job has decoded, kept for the next one.

use super::map::Mapped;
use super::open::{Opened, opened};
use super::subject::granted_series;
use crate::error::NodeError;
use crate::node::Node;
use crate::store::Indexed;
use crate::volumes::VolumeCache;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;
use trocar_terms::{Digest, Timestamp};
use trocar_worker::{FileEntry, Grant, SeriesRecord};

impl Node {
    /// Keeps volumes that a finished job has decoded, until the end that it was scheduled for: nobody outside sees more than
    /// that this time is not over.
    pub(crate) fn keep_volumes(&self, later: &Later) -> Result<(), NodeError> {
        let Some(cache) = VolumeCache::of(self.home())? else { return Ok(()) };
        let left = u64::try_from(later.until.seconds().saturating_sub(self.now().seconds())).unwrap_or(0);
        let Some(end) = Instant::now().checked_add(Duration::from_secs(left)) else { return Ok(()) };
        for digest in &later.patients {
            let patient = Handle::current().block_on(self.store().record(digest))?;
            let Ok(Opened { subject, files }) = opened(&patient, &later.grant, &patient.files, &later.root)
            else {
                continue;
            };
            let worth = worth(&patient, &later.grant, &patient.files);
            if !cache.fill(self.launcher(), (&subject, &files, &worth), later.begun, end) {
                break;
            }
        }
        Ok(())
    }
}

/// What is kept once a job is finished.
pub(crate) struct Later {
    patients: Vec<Digest>,
    grant: Grant,
    root: PathBuf,
    begun: SystemTime,
    until: Timestamp,
}

impl Mapped {
    /// What of it is worth keeping; `begun` is when its job was.
    pub(crate) fn later(&mut self, begun: SystemTime) -> Later {
        Later {
            patients: std::mem::take(&mut self.decoded),
            grant: self.granted.admitted.grant.clone(),
            root: self.granted.snapshot.root.clone(),
            begun,
            until: self.granted.details.scheduled_end,
        }
    }
}

/// The files of each granted series, where decoding them takes longer than reading.
pub(super) fn worth<'a>(
    patient: &Indexed,
    grant: &Grant,
    all: &'a [FileEntry],
) -> Vec<Option<Vec<&'a FileEntry>>> {
    let entries = |s: &SeriesRecord| s.files.iter().map(|n| all.get(*n as usize)).collect::<Option<Vec<_>>>();
    granted_series(patient, grant).map(|s| entries(s).filter(|_| s.compressed)).collect()
}
