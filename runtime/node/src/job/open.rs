//! One patient's granted files, opened where they are still the ones that were scanned.

use super::subject::subject;
use crate::store::Indexed;
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use trocar_worker::{FileEntry, Grant, Slot, Subject};

/// Files that one patient's map may open. Beyond it her contribution is the default; below it a lack of descriptors is
/// the node's own, so that no patient's files decide the fate of a job.
const MOST_FILES: usize = 8_000;

/// Maps one patient in a slot, in a process of her own. `all` are the files that her record's numbers stand for.
#[must_use]
pub fn map_one(
    slot: &mut Slot<'_>,
    grant: &Grant,
    patient: &Indexed,
    all: &[FileEntry],
    root: &Path,
) -> trocar_worker::Mapped {
    match opened(patient, grant, all, root) {
        Ok(Opened { subject, files }) => slot.map(&subject, &files),
        Err(unopened) => unopened.mapped(),
    }
}

/// What a worker is given of one patient.
pub(super) struct Opened {
    pub(super) subject: Subject,
    pub(super) files: Vec<File>,
}

pub(super) fn opened(
    patient: &Indexed,
    grant: &Grant,
    all: &[FileEntry],
    root: &Path,
) -> Result<Opened, Unopened> {
    let (subject, numbers) = subject(patient, grant);
    if numbers.len() > MOST_FILES {
        return Err(Unopened::TooMany);
    }
    let files = numbers.iter().map(|n| open_unchanged(root, all.get(*n as usize)));
    Ok(Opened { subject, files: files.collect::<Result<_, _>>()? })
}

/// Why a file of the snapshot is not handed over.
pub(super) enum Unopened {
    /// It is not the one of the snapshot any more, so it is not hers any more.
    Changed,
    /// The node has no descriptor left: nothing is said of the file.
    NoDescriptor,
    /// More than one map may open.
    TooMany,
}

impl Unopened {
    pub(super) fn mapped(self) -> trocar_worker::Mapped {
        match self {
            Self::Changed => trocar_worker::Mapped::failed("a file is not the one that was scanned"),
            Self::TooMany => trocar_worker::Mapped::failed("she has more files than one map may open"),
            Self::NoDescriptor => {
                let detail = Some("the node has too many files open".to_owned());
                trocar_worker::Mapped { contribution: None, detail, node_fault: true }
            }
        }
    }
}

/// Whether a file is still the one that was scanned. A lack of descriptors says nothing of it.
pub(super) fn is_unchanged(root: &Path, entry: Option<&FileEntry>) -> bool {
    matches!(open_unchanged(root, entry), Ok(_) | Err(Unopened::NoDescriptor))
}

fn open_unchanged(root: &Path, entry: Option<&FileEntry>) -> Result<File, Unopened> {
    let entry = entry.ok_or(Unopened::Changed)?;
    let file = entry.open(root).map_err(unopened)?;
    if entry.is_still(&file) { Ok(file) } else { Err(Unopened::Changed) }
}

fn unopened(error: std::io::Error) -> Unopened {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Unopened::NoDescriptor,
        Some(_) | None => Unopened::Changed,
    }
}
