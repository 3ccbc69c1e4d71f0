//! The folder that objects come into.
//!
//! A folder is ours where it holds the folder [`MARK`], which is made only in an empty one: an operator's own archive is never
//! written to. [`MARK`] also holds the partial files, so that no scan takes one for an object, and it is what is locked.

use crate::error::{IntakeError, file};
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::report::Kept;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tempfile::{NamedTempFile, TempPath};

/// A scan passes over names that begin like this.
const MARK: &str = ".trocar-incoming";

/// An incoming folder that this process alone fills, within its quotas.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    quotas: Quotas,
    objects: AtomicU64,
    bytes: AtomicU64,
    /// Held until the end.
    _lock: File,
}

impl Incoming {
    /// Opens the dataset's folder, or `into` below it, and cleans up what a killed process left half written.
    ///
    /// # Errors
    /// The folder has files that trocar did not put there, `into` leads elsewhere, another process is filling it, or the
    /// disk refuses.
    pub fn open(dataset: &Path, into: Option<&Path>, quotas: Quotas) -> Result<Self, IntakeError> {
        let folder = place(dataset, into)?;
        let mark = claim(&folder)?;
        let lock = File::open(&mark).map_err(file("lock", &mark))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(IntakeError::Busy(folder)),
            other => other.map_err(|e| file("lock", &mark)(e.into()))?,
        }
        empty(&mark).map_err(file("clean", &mark))?;
        let (objects, bytes) = usage(&folder).map_err(file("read", &folder))?;
        Ok(Self { folder, quotas, objects: objects.into(), bytes: bytes.into(), _lock: lock })
    }

    /// Where objects land.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Two hundred and fifty-six folders keep each small enough to list.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name.get(..2).unwrap_or("00")).join(format!("{name}.dcm"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Files that are named by a place and a version, by their place.
    pub(crate) fn versions(&self) -> BTreeMap<String, PathBuf> {
        let shards = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files = shards.flat_map(|shard| fs::read_dir(shard.path()).into_iter().flatten().flatten());
        let named = files.filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            Some((name.split_once('-')?.0.to_owned(), entry.path()))
        });
        named.collect()
    }

    /// Removes an older version. Where it stays it is a second copy, which the scan reports: no reason to fail.
    pub(crate) fn remove(&self, path: &Path) {
        let length = path.metadata().map_or(0, |m| m.len());
        if fs::remove_file(path).is_ok() {
            self.objects.fetch_sub(1, SeqCst);
            self.bytes.fetch_sub(length, SeqCst);
        }
    }

    /// A partial file that is to get this name, counted as an object from now on unless it is there: one that is sent again
    /// takes no room.
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> Result<Partial, Refusal> {
        self.room()?;
        let objects = u64::from(!self.has(name));
        if self.objects.fetch_add(objects, SeqCst).saturating_add(objects) > self.quotas.objects {
            self.objects.fetch_sub(objects, SeqCst);
            return Err(Refusal::Quota);
        }
        let made = NamedTempFile::with_prefix_in("object-", self.folder.join(MARK));
        match made.map(NamedTempFile::into_parts) {
            Ok((file, path)) => {
                let (incoming, path) = (Some(Arc::clone(self)), Some(path));
                Ok(Partial { incoming, file, path, bytes: 0, objects })
            }
            Err(error) => {
                self.objects.fetch_sub(objects, SeqCst);
                Err(Refusal::of_io(&error))
            }
        }
    }

    fn room(&self) -> Result<(), Refusal> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(|_| Refusal::Disk)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.quotas.free_bytes { Err(Refusal::Disk) } else { Ok(()) }
    }

    fn take_bytes(&self, count: u64) -> Result<(), Refusal> {
        let before = self.bytes.fetch_add(count, SeqCst);
        if before.saturating_add(count) <= self.quotas.bytes {
            return Ok(());
        }
        self.bytes.fetch_sub(count, SeqCst);
        Err(Refusal::Quota)
    }
}

/// An object that is coming in. Dropped before it is kept, it leaves neither file nor count.
#[derive(Debug)]
pub(crate) struct Partial {
    incoming: Option<Arc<Incoming>>,
    file: File,
    path: Option<TempPath>,
    bytes: u64,
    /// How many objects it counts as.
    objects: u64,
}

/// Free space is looked at once in so many bytes.
const LOOK: u64 = 16 << 20;

impl Partial {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(incoming) = &self.incoming else { return Err(Refusal::Disk) };
        let count = bytes.len() as u64;
        let after = self.bytes.saturating_add(count);
        if after > incoming.quotas.object_bytes {
            return Err(Refusal::TooLarge);
        }
        if after / LOOK > self.bytes / LOOK {
            incoming.room()?;
        }
        incoming.take_bytes(count)?;
        self.bytes = after;
        std::io::Write::write_all(&mut self.file, bytes).map_err(|e| Refusal::of_io(&e))
    }

    /// Makes the object durable under its name: synced, renamed, its folder synced. It waits for the disk.
    pub(crate) fn keep(mut self, name: &str) -> Result<Kept, Refusal> {
        let (Some(incoming), Some(part)) = (self.incoming.clone(), self.path.take()) else {
            return Err(Refusal::Disk);
        };
        let path = incoming.path(name);
        self.file.sync_all().map_err(|e| Refusal::of_io(&e))?;
        make_shard(&path).map_err(|e| Refusal::of_io(&e))?;
        match part.persist_noclobber(&path) {
            Ok(()) => {}
            Err(e) if e.error.kind() == ErrorKind::AlreadyExists => return same(&path, &e.path),
            Err(e) => return Err(Refusal::of_io(&e.error)),
        }
        // From here on the object is counted: `drop` must give nothing back.
        self.incoming = None;
        sync(path.parent()).map_err(|e| Refusal::of_io(&e))?;
        Ok(Kept::New(self.bytes))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(incoming) = &self.incoming {
            incoming.objects.fetch_sub(self.objects, SeqCst);
            incoming.bytes.fetch_sub(self.bytes, SeqCst);
        }
    }
}

/// The object that is there stays; the same one sent again is no error, and another one is.
fn same(there: &Path, come: &Path) -> Result<Kept, Refusal> {
    let equal = equal(there, come).map_err(|e| Refusal::of_io(&e))?;
    if equal { Ok(Kept::Already) } else { Err(Refusal::Duplicate) }
}

fn equal(a: &Path, b: &Path) -> std::io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        let read = Read::by_ref(&mut a).take(1 << 16).read_to_end(&mut left)?;
        Read::by_ref(&mut b).take(1 << 16).read_to_end(&mut right)?;
        if left != right || read == 0 {
            return Ok(left == right);
        }
    }
}

fn make_shard(path: &Path) -> std::io::Result<()> {
    let Some(shard) = path.parent() else { return Ok(()) };
    match DirBuilder::new().mode(0o700).create(shard) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
        Ok(()) => sync(shard.parent()),
    }
}

fn sync(folder: Option<&Path>) -> std::io::Result<()> {
    folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The dataset's folder, or the one below it that the operator named, made where it is not there yet.
fn place(dataset: &Path, into: Option<&Path>) -> Result<PathBuf, IntakeError> {
    let Some(into) = into else { return Ok(dataset.to_owned()) };
    let below = into.strip_prefix(dataset).unwrap_or(into);
    let mut folder = dataset.to_owned();
    for part in below.components() {
        let Component::Normal(part) = part else { return Err(IntakeError::Outside) };
        folder.push(part);
        match folder.symlink_metadata() {
            Ok(there) if there.is_dir() => {}
            Ok(_) => return Err(IntakeError::Outside),
            Err(_) => DirBuilder::new().mode(0o700).create(&folder).map_err(file("make", &folder))?,
        }
    }
    Ok(folder)
}

/// Sees that the folder is ours, or makes it so where it is empty.
fn claim(folder: &Path) -> Result<PathBuf, IntakeError> {
    let mark = folder.join(MARK);
    if mark.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        return Ok(mark);
    }
    let mut entries = fs::read_dir(folder).map_err(file("read", folder))?;
    if entries.next().is_some() {
        return Err(IntakeError::NotOurs(folder.to_owned()));
    }
    DirBuilder::new().mode(0o700).create(&mark).map_err(file("make", &mark))?;
    sync(Some(folder)).map_err(file("make", &mark))?;
    Ok(mark)
}

fn empty(mark: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(mark)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// Objects and bytes that are there.
fn usage(folder: &Path) -> std::io::Result<(u64, u64)> {
    let (mut objects, mut bytes) = (0_u64, 0_u64);
    for shard in fs::read_dir(folder)? {
        let shard = shard?;
        if shard.file_name() == MARK || !shard.file_type()?.is_dir() {
            continue;
        }
        for entry in fs::read_dir(shard.path())? {
            objects = objects.saturating_add(1);
            bytes = bytes.saturating_add(entry?.metadata()?.len());
        }
    }
    Ok((objects, bytes))
}
