use crate::{
    Launcher, PatientRecord, Reason, ScanRules, WorkerError,
    process::{HELLO, Process, borrow, deadline},
    task::{HEADER_BYTES, Header, Task},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};
use trocar_imaging::group;
use walkdir::{DirEntry, WalkDir};

/// Files that a worker gets at once.
const BATCH: usize = 200;

/// One file of a dataset, as the scan found it: what a later run checks before it opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Below the dataset's folder.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Time of its last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
}

impl FileEntry {
    /// Opens the file below `root`: not through a link, and without waiting, since a FIFO in its place must hang nothing.
    ///
    /// # Errors
    /// It cannot be opened, or is no regular file.
    pub fn open(&self, root: &Path) -> io::Result<File> {
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(root.join(&self.path))?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Whether an open file is still the one that was scanned, by size and time of last change.
    #[must_use]
    pub fn is_still(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|seen| seen.len() == self.size && mtime_ns(&seen) == Some(self.mtime_ns))
    }
}

fn mtime_ns(seen: &Metadata) -> Option<i64> {
    seen.mtime().checked_mul(1_000_000_000)?.checked_add(seen.mtime_nsec())
}

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
    let (files, mut quarantined) = list(root)?;
    let headers = read_all(&Reader { launcher, root, rules, files: &files }, workers, progress)?;
    let mut good = Vec::new();
    for ((index, entry), header) in (0_u32..).zip(&files).zip(headers) {
        match header {
            Ok(header) => good.push((index, header)),
            Err(reason) => quarantined.push((entry.path.clone(), reason)),
        }
    }
    let grouped = group(good);
    let path = |index: u32| files.get(index as usize).map(|entry| entry.path.clone());
    quarantined
        .extend(grouped.refused.into_iter().filter_map(|(index, reason)| Some((path(index)?, reason))));
    quarantined.sort();
    Ok(Scan { patients: grouped.patients, files, quarantined })
}

type Listed = (Vec<FileEntry>, Vec<(PathBuf, Reason)>);

/// Where `trocar node pull` and `receive` keep what is not whole yet.
const UNFINISHED: &str = ".trocar-incoming";

fn list(root: &Path) -> Result<Listed, WorkerError> {
    let (mut files, mut other) = (Vec::new(), Vec::new());
    // The root itself may be a link: the operator named it.
    let walk = WalkDir::new(root).min_depth(1).follow_links(false).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| entry.file_name() != UNFINISHED) {
        let entry = entry.map_err(|error| unlisted(root, error))?;
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
        match describe(&entry, path.clone()) {
            _ if entry.file_type().is_dir() => {}
            Some(file) if entry.file_type().is_file() => files.push(file),
            Some(_) | None => other.push((path, Reason::Unreadable)),
        }
    }
    if u32::try_from(files.len()).is_err() {
        return Err(WorkerError::TooManyFiles);
    }
    Ok((files, other))
}

fn unlisted(root: &Path, error: walkdir::Error) -> WorkerError {
    let path = error.path().unwrap_or(root).to_owned();
    WorkerError::List { path, source: error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into()) }
}

fn describe(entry: &DirEntry, path: PathBuf) -> Option<FileEntry> {
    let seen = entry.metadata().ok()?;
    Some(FileEntry { path, size: seen.len(), mtime_ns: mtime_ns(&seen)? })
}

struct Reader<'a> {
    launcher: &'a Launcher,
    root: &'a Path,
    rules: &'a ScanRules,
    files: &'a [FileEntry],
}

/// Where a batch begins, and its headers in order; or why workers cannot be had.
type Read = Result<(usize, Vec<Header>), WorkerError>;

fn read_all(
    reader: &Reader<'_>,
    workers: usize,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Header>, WorkerError> {
    let total = reader.files.len();
    let mut headers: Vec<Header> = Vec::new();
    headers.resize_with(total, || Err(Reason::Unreadable));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        for _ in 0..workers.clamp(1, total.div_ceil(BATCH).max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || reader.drain(next, &sender));
        }
        drop(sender);
        let mut done = 0;
        for read in receiver {
            let (first, batch) = read?;
            done += batch.len();
            progress(done as u64, total as u64);
            headers.iter_mut().skip(first).zip(batch).for_each(|(slot, header)| *slot = header);
        }
        Ok(headers)
    })
}

impl Reader<'_> {
    fn drain(&self, next: &AtomicUsize, sender: &Sender<Read>) {
        let mut process = None;
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = self.files.get(first..).filter(|rest| !rest.is_empty()) else {
                return;
            };
            let batch = batch.get(..BATCH).unwrap_or(batch);
            let mut headers = Vec::with_capacity(batch.len());
            let read = self.read(batch, &mut process, &mut headers).map(|()| (first, headers));
            let failed = read.is_err();
            if sender.send(read).is_err() || failed {
                // Nobody waits for more: let the other threads stop too.
                return next.store(self.files.len(), Ordering::Relaxed);
            }
        }
    }

    /// Reads a batch; where its worker dies, each half by itself, down to the one file that kills.
    fn read(
        &self,
        batch: &[FileEntry],
        process: &mut Option<Process>,
        headers: &mut Vec<Header>,
    ) -> Result<(), WorkerError> {
        let answered = self.ask(batch, process)?;
        match (answered, batch) {
            (Some(answered), _) => headers.extend(answered),
            (None, []) => {}
            (None, [_]) => headers.push(Err(Reason::Died)),
            (None, _) => {
                let (left, right) = batch.split_at(batch.len() / 2);
                self.read(left, process, headers)?;
                self.read(right, process, headers)?;
            }
        }
        Ok(())
    }

    /// `None` where the worker died, hung or answered nonsense.
    fn ask(
        &self,
        batch: &[FileEntry],
        process: &mut Option<Process>,
    ) -> Result<Option<Vec<Header>>, WorkerError> {
        let opened: Vec<Option<File>> = batch.iter().map(|entry| entry.open(self.root).ok()).collect();
        let files: Vec<&File> = opened.iter().flatten().collect();
        let mut worker = match process.take() {
            Some(worker) => worker,
            None => Process::start(self.launcher, deadline(HELLO))?,
        };
        // Slow disks are not hostile files: seconds for the batch, and more for each file.
        let end = deadline(Duration::from_millis(10_000 + 250 * files.len() as u64));
        let Ok(answer) = self.headers(&mut worker, &files, end) else {
            return Ok(None);
        };
        *process = Some(worker);
        let mut answer = answer.into_iter();
        let header = |file: Option<File>| file.and_then(|_| answer.next()).unwrap_or(Err(Reason::Unreadable));
        Ok(Some(opened.into_iter().map(header).collect()))
    }

    /// Exactly one frame a file, each looked at before the next is taken: the worker may speak for a hostile file.
    fn headers(&self, worker: &mut Process, files: &[&File], end: Instant) -> io::Result<Vec<Header>> {
        let channel = worker.order(Task::Headers(self.rules.clone()), &borrow(files), end)?;
        let mut headers = Vec::new();
        for _ in files {
            let header: Header = channel.receive(HEADER_BYTES)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            headers.push(header.and_then(|header| header.checked(self.rules)));
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_since_the_scan_is_not_the_one_that_was_scanned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"old").unwrap();
        let seen = std::fs::metadata(&path).unwrap();
        let entry = FileEntry { path: "f".into(), size: 3, mtime_ns: mtime_ns(&seen).unwrap() };
        let still = || entry.open(folder.path()).is_ok_and(|file| entry.is_still(&file));
        assert!(still(), "an unchanged file was not known again");
        std::fs::write(&path, b"longer").unwrap();
        File::options().append(true).open(&path).unwrap().set_modified(seen.modified().unwrap()).unwrap();
        assert!(!still(), "another length was not seen");
        std::fs::write(&path, b"new").unwrap();
        let later = seen.modified().unwrap() + Duration::from_secs(1);
        File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(!still(), "another time of change was not seen");
        std::fs::rename(&path, folder.path().join("g")).unwrap();
        std::os::unix::fs::symlink("g", &path).unwrap();
        assert!(entry.open(folder.path()).is_err(), "a link was followed");
    }
}
