//! The file under the ledger: lock, read on, cut a torn tail, append durably.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// An open ledger file.
#[derive(Debug)]
pub(crate) struct LogFile(File);

/// Bytes that were appended since, up to the last newline, and what follows it.
pub(crate) struct Tail {
    pub(crate) whole: Vec<u8>,
    pub(crate) torn: Vec<u8>,
}

impl LogFile {
    /// Creates `path` with `first` as its content, or fails where it exists. A crash leaves all of it or nothing.
    pub(crate) fn create(path: &Path, first: &[u8]) -> io::Result<()> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(format!(".{}.new", std::process::id()));
        let fresh = Path::new(&fresh);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(fresh)?;
        let written = file.write_all(first).and_then(|()| file.sync_all());
        // A hard link, unlike a rename, never replaces a ledger that is there.
        let linked = written.and_then(|()| std::fs::hard_link(fresh, path));
        let removed = std::fs::remove_file(fresh);
        linked.and(removed).and_then(|()| File::open(folder)?.sync_all())
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(path).map(Self)
    }

    /// Waits for the file's lock, which is let go when the guard is dropped or the process dies.
    pub(crate) fn lock(&self) -> io::Result<Guard> {
        let file = self.0.try_clone()?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                other => return other.map(|()| Guard(file)).map_err(io::Error::from),
            }
        }
    }

    /// Everything after `from`; `None` where the file has become shorter than that.
    pub(crate) fn read_on(&self, from: u64) -> io::Result<Option<Tail>> {
        let Some(length) = self.0.metadata()?.len().checked_sub(from) else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut whole = vec![0; length];
        self.0.read_exact_at(&mut whole, from)?;
        let end = whole.iter().rposition(|b| *b == b'\n').map_or(0, |last| last.saturating_add(1));
        let torn = whole.split_off(end);
        Ok(Some(Tail { whole, torn }))
    }

    /// Writes `bytes` at `at` and returns once they are on disk. On failure the file is cut back to `at`.
    pub(crate) fn append(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let written = self.0.write_all_at(bytes, at).and_then(|()| self.0.sync_data());
        if written.is_err() {
            // If even this fails, the next reader cuts the torn line, or finds a whole one: spent, never under-counted.
            self.cut(at).unwrap_or_default();
        }
        written
    }

    /// Cuts the file to `length` bytes, durably.
    pub(crate) fn cut(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)?;
        self.0.sync_data()
    }
}

/// The lock of a ledger file.
#[derive(Debug)]
pub(crate) struct Guard(File);

impl Drop for Guard {
    fn drop(&mut self) {
        // It cannot fail for a descriptor that holds the lock; if it did, closing the ledger lets go as well.
        flock(&self.0, FlockOperation::Unlock).unwrap_or_default();
    }
}
