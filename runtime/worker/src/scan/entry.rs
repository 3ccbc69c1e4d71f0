use super::beneath::{beneath, folder};
use rustix::fs::{FileType, OFlags, Stat, fstat};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

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

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK);

/// A folder below the dataset's, opened once for the files in it.
#[derive(Debug)]
pub(super) struct OpenFolder {
    path: PathBuf,
    descriptor: OwnedFd,
}

impl OpenFolder {
    /// The folder of a file: this one, or another that is opened, not through a link at any place of its path.
    pub(super) fn of(opened: Option<Self>, file: &FileEntry, root: impl AsFd) -> io::Result<Self> {
        let path = file.path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        match opened.filter(|opened| opened.path == path) {
            Some(opened) => Ok(opened),
            None => {
                let descriptor = beneath(root.as_fd(), path, OFlags::PATH | OFlags::DIRECTORY)?;
                Ok(Self { path: path.to_owned(), descriptor })
            }
        }
    }
}

impl FileEntry {
    /// Opens the file below `root`: not through a link at any place of its path, and without waiting, since a FIFO in its
    /// place must hang nothing. `root` may be a link: the operator named it.
    ///
    /// # Errors
    /// It cannot be opened, or is no regular file.
    pub fn open(&self, root: &Path) -> io::Result<File> {
        let file = self.descriptor(folder(root)?)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// As [`open`](Self::open), in a folder that was opened, and only where the file is still the one that was listed.
    pub(super) fn open_in(&self, folder: &OpenFolder) -> io::Result<File> {
        let name = self.path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let file = File::from(beneath(folder.descriptor.as_fd(), Path::new(name), READ)?);
        if self.is_still(&file) { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn descriptor(&self, folder: impl AsFd) -> io::Result<File> {
        Ok(File::from(beneath(folder.as_fd(), &self.path, READ)?))
    }

    /// Whether an open file is still the one that was scanned, by kind, size and time of last change.
    #[must_use]
    pub fn is_still(&self, file: &File) -> bool {
        let same = |seen: &Stat| {
            let kind = FileType::from_raw_mode(seen.st_mode);
            let size = u64::try_from(seen.st_size).is_ok_and(|size| size == self.size);
            kind == FileType::RegularFile && size && mtime_ns(seen) == self.mtime_ns
        };
        fstat(file).is_ok_and(|seen| same(&seen))
    }
}

fn mtime_ns(seen: &Stat) -> i64 {
    nanoseconds(seen.st_mtime, i64::try_from(seen.st_mtime_nsec).unwrap_or_default())
}

/// Years that do not fit are all alike: such a file is changed by size alone.
pub(super) const fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_file_that_was_changed_since_the_scan_is_not_the_one_that_was_scanned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"old").unwrap();
        let seen = std::fs::metadata(&path).unwrap();
        let mtime_ns = mtime_ns(&fstat(File::open(&path).unwrap()).unwrap());
        let entry = FileEntry { path: "f".into(), size: 3, mtime_ns };
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
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::rename(folder.path().join("g"), folder.path().join("below/g")).unwrap();
        std::os::unix::fs::symlink("below", folder.path().join("link")).unwrap();
        let below = |path: &str| FileEntry { path: path.into(), ..entry.clone() }.open(folder.path());
        assert!(below("below/g").is_ok());
        assert!(below("link/g").is_err(), "a link on the way was followed");
    }
}
