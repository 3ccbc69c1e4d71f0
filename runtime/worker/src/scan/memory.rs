//! A scan that is kept nowhere: an author's rehearsal, and tests.

use super::{
    crawl::{Index, crawl},
    entry::FileEntry,
    list::Folder,
    nifti::pair,
    read::{Kind, Read, Unread},
};
use crate::{Launcher, PatientRecord, Reason, ScanRules, WorkerError};
use std::path::{Path, PathBuf};
use trocar_imaging::{FileHeader, group};

/// A dataset's files, sorted into patients.
#[derive(Debug)]
pub struct Scan {
    /// Every regular file, in order of path; records refer to them by index.
    pub files: Vec<FileEntry>,
    /// Patients with a usable series.
    pub patients: Vec<PatientRecord>,
    /// Every other file, in order of path, and why.
    pub quarantined: Vec<(PathBuf, Reason)>,
}

/// Reads the header of every file under `root` in worker processes, and groups them into patients.
///
/// Symbolic links are not followed and special files not opened: they are listed as unreadable. `progress` is told
/// files done and files in all. A file whose worker dies is found by halving its batch.
///
/// # Errors
/// A folder cannot be listed, or workers cannot be started.
pub fn scan(
    launcher: &Launcher,
    root: &Path,
    rules: &ScanRules,
    workers: usize,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Scan, WorkerError> {
    let mut memory = Memory::default();
    crawl(launcher, root, rules, workers, &mut memory, progress)?;
    memory.grouped()
}

/// All that was read.
#[derive(Default)]
struct Memory {
    read: Vec<(FileEntry, Result<FileHeader, Reason>)>,
    other: Vec<(PathBuf, Reason)>,
}

impl Index for Memory {
    type Error = WorkerError;

    fn found(&mut self, folder: Folder) -> Result<Vec<Unread>, WorkerError> {
        let mut unread = Vec::with_capacity(folder.entries.len());
        for entry in &folder.entries {
            let path = folder.path_of(&entry.name);
            if entry.regular {
                let file = FileEntry { path, size: entry.size, mtime_ns: entry.mtime_ns };
                unread.push(Unread { folder: 0, file, kind: Kind::Dicom });
            } else {
                self.other.push((path, Reason::Unreadable));
            }
        }
        Ok(unread)
    }

    fn keep(&mut self, read: Vec<Read>) -> Result<(), WorkerError> {
        for Read { unread, header } in read {
            self.read.push((unread.file, header));
        }
        Ok(())
    }
}

impl Memory {
    fn grouped(self) -> Result<Scan, WorkerError> {
        let Self { mut read, other: mut quarantined } = self;
        if u32::try_from(read.len()).is_err() {
            return Err(WorkerError::TooManyFiles);
        }
        read.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let (mut files, mut good) = (Vec::with_capacity(read.len()), Vec::new());
        for (index, (entry, header)) in (0_u32..).zip(read) {
            match header {
                Ok(header) => good.push((index, header)),
                Err(reason) => quarantined.push((entry.path.clone(), reason)),
            }
            files.push(entry);
        }
        pair(&files, &mut good);
        let grouped = group(good);
        let path = |index: u32| files.get(index as usize).map(|entry: &FileEntry| entry.path.clone());
        let refused = grouped.refused.into_iter().filter_map(|(index, reason)| Some((path(index)?, reason)));
        quarantined.extend(refused);
        quarantined.sort();
        Ok(Scan { patients: grouped.patients, files, quarantined })
    }
}
