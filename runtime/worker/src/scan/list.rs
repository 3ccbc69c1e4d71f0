//! Lists a tree: every folder once, its entries by `statx` below the folder's own descriptor, on several threads.

use super::{beneath::beneath, entry::nanoseconds};
use crate::WorkerError;
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, StatxFlags, open, statx},
    io::Errno,
};
use std::{
    ffi::CStr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, mpsc::SyncSender},
};
use trocar_terms::Digest;

/// Where `trocar node pull` and `receive` keep what is not whole yet.
const UNFINISHED: &str = ".trocar-incoming";

/// One folder of a dataset, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Below the dataset's folder; empty for that folder itself.
    pub path: String,
    /// All that is in it but other folders, in order of name.
    pub entries: Vec<Entry>,
    /// SHA-256 over its entries: while it stays, nothing in the folder has changed by name, kind, size or time.
    pub digest: Digest,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Time of its last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// A file with a name of valid UTF-8. Links are not followed, and nothing else is opened.
    pub regular: bool,
}

impl Folder {
    fn new(path: String, mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable();
        let mut text = Vec::with_capacity(entries.len().saturating_mul(64));
        for entry in &entries {
            text.extend_from_slice(&(entry.name.len() as u64).to_le_bytes());
            text.extend_from_slice(entry.name.as_bytes());
            text.extend_from_slice(&entry.size.to_le_bytes());
            text.extend_from_slice(&entry.mtime_ns.to_le_bytes());
            text.push(u8::from(entry.regular));
        }
        Self { path, entries, digest: Digest::of(&text) }
    }

    /// The path of one of its entries below the dataset's folder.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        joined(&self.path, name).into()
    }
}

/// Path below the dataset's folder, of what is `name` in `folder`.
fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { [folder, "/", name].concat() }
}

/// A listing in progress: folders that wait, and how many threads are looking at one.
pub(super) struct Listing<'a> {
    root: &'a OwnedFd,
    shown: &'a Path,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: Vec<String>,
    busy: usize,
}

/// Folders that were listed together, so that threads meet less often than once a folder.
pub(super) type Found = Result<Vec<Folder>, WorkerError>;

/// Folders that a thread lists at once.
const AT_ONCE: usize = 64;

/// Opens the dataset's folder. It may be a link: the operator named it.
pub(super) fn open_root(root: &Path) -> Result<OwnedFd, WorkerError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(root, flags, Mode::empty()).map_err(|error| unlisted(root, error))
}

fn unlisted(path: &Path, error: Errno) -> WorkerError {
    WorkerError::List { path: path.to_owned(), source: error.into() }
}

impl<'a> Listing<'a> {
    pub(super) fn new(root: &'a OwnedFd, shown: &'a Path) -> Self {
        let state = State { waiting: vec![String::new()], busy: 0 };
        Self { root, shown, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// What each thread does: takes folders until none is left, and sends them on. Stops where nobody listens.
    pub(super) fn work(&self, found: &SyncSender<Found>) {
        while let Some(paths) = self.next() {
            let mut below = Vec::new();
            let listed = self.list_all(paths, &mut below);
            let failed = listed.is_err();
            let sent = found.send(listed).is_ok();
            if self.done(below, failed || !sent).is_none() {
                return;
            }
        }
    }

    /// Some of the folders that wait, and not all where others could take them.
    fn next(&self) -> Option<Vec<String>> {
        let mut state = self.state.lock().ok()?;
        loop {
            if !state.waiting.is_empty() {
                let left = state.waiting.len().saturating_sub(AT_ONCE).max(state.waiting.len() / 2);
                state.busy = state.busy.saturating_add(1);
                return Some(state.waiting.split_off(left));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).ok()?;
        }
    }

    fn done(&self, below: Vec<String>, stop: bool) -> Option<()> {
        let mut state = self.state.lock().ok()?;
        state.busy = state.busy.saturating_sub(1);
        if stop {
            state.waiting.clear();
        } else {
            state.waiting.extend(below);
        }
        // Who waits wants folders, or to hear that there will be none.
        if state.busy == 0 || !state.waiting.is_empty() {
            self.changed.notify_all();
        }
        Some(())
    }

    fn list_all(&self, paths: Vec<String>, below: &mut Vec<String>) -> Found {
        let mut folders = Vec::with_capacity(paths.len());
        for path in paths {
            folders.extend(self.list(path, below)?);
        }
        Ok(folders)
    }

    /// `None` for a folder that is gone by now.
    fn list(&self, path: String, below: &mut Vec<String>) -> Result<Option<Folder>, WorkerError> {
        match self.entries(&path, below) {
            Ok(entries) => Ok(Some(Folder::new(path, entries))),
            Err(Errno::NOENT) if !path.is_empty() => Ok(None),
            Err(error) => Err(unlisted(&self.shown.join(&path), error)),
        }
    }

    fn entries(&self, path: &str, below: &mut Vec<String>) -> Result<Vec<Entry>, Errno> {
        let here = beneath(self.root.as_fd(), Path::new(path), OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut folder = Dir::new(here)?;
        let (mut entries, mut others) = (Vec::new(), Vec::new());
        while let Some(entry) = folder.read() {
            let entry = entry?;
            let name = entry.file_name();
            match (entry.file_type(), name.to_str()) {
                (_, Ok("." | ".." | UNFINISHED)) => {}
                (FileType::Directory, Ok(name)) => below.push(joined(path, name)),
                _ => others.push(entry),
            }
        }
        for entry in others {
            let name = entry.file_name();
            match look(folder.fd()?, name, entry.file_type())? {
                Some(Seen::Folder) => below.push(joined(path, &name.to_string_lossy())),
                Some(Seen::Other(entry)) => entries.push(entry),
                None => {}
            }
        }
        Ok(entries)
    }
}

enum Seen {
    Folder,
    Other(Entry),
}

/// `None` for an entry that is gone by now.
fn look(folder: BorrowedFd<'_>, name: &CStr, kind: FileType) -> Result<Option<Seen>, Errno> {
    let wanted = StatxFlags::TYPE | StatxFlags::SIZE | StatxFlags::MTIME;
    let seen = match statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, wanted) {
        Ok(seen) => seen,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let real = FileType::from_raw_mode(seen.stx_mode.into());
    // Not every file system says in its listing what an entry is.
    if real == FileType::Directory && kind == FileType::Unknown && name.to_str().is_ok() {
        return Ok(Some(Seen::Folder));
    }
    let regular = real == FileType::RegularFile && name.to_str().is_ok();
    let mtime_ns = nanoseconds(seen.stx_mtime.tv_sec, seen.stx_mtime.tv_nsec.into());
    Ok(Some(Seen::Other(Entry { name: shown(name), size: seen.stx_size, mtime_ns, regular })))
}

fn shown(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
