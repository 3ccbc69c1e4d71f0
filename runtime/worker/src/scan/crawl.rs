//! A whole scan: the tree is listed, an index says what of it is new, and the headers of that are read and kept.

use super::{
    list::{Folder, Found, Listing, open_root},
    nifti::{kinds, tell},
    read::{BATCH, Batch, Read, Reader, Unread},
};
use crate::{Launcher, ScanRules, WorkerError};
use std::{
    path::Path,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Where a scan looks up what an earlier one has read, and keeps what it reads.
pub trait Index {
    /// Why it cannot.
    type Error: From<WorkerError>;

    /// Takes note of a folder, which comes once a scan, and answers which of its files are to be read.
    ///
    /// # Errors
    /// The index cannot be read or written.
    fn found(&mut self, folder: Folder) -> Result<Vec<Unread>, Self::Error>;

    /// Keeps files that were read, all or none of them.
    ///
    /// # Errors
    /// The index cannot be written.
    fn keep(&mut self, read: Vec<Read>) -> Result<(), Self::Error>;
}

/// What a scan has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crawled {
    /// Files, links and other entries in the tree.
    pub files: u64,
    /// Files whose header was read, or tried to.
    pub read: u64,
}

/// Lists of folders that may wait for the index.
const FOLDERS: usize = 32;
/// Batches that may wait for a worker.
const AHEAD: usize = 4;
/// Files that are kept at once, and how long one that was read waits for others at most.
const KEPT: usize = 2_000;
const WAIT: Duration = Duration::from_millis(500);

/// Scans the tree under `root` into an index, with `workers` processes and as many threads that list.
///
/// A killed scan goes on where it stopped: what was kept is not read again. `progress` is told files done and files found so
/// far.
///
/// # Errors
/// A folder cannot be listed, workers cannot be started, or the index fails.
pub fn crawl<I: Index>(
    launcher: &Launcher,
    root: &Path,
    rules: &ScanRules,
    workers: usize,
    index: &mut I,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Crawled, I::Error> {
    let open = open_root(root)?;
    let (listing, reader) = (Listing::new(&open, root), Reader { launcher, root: &open, rules });
    let (orders, batches) = channel();
    let batches = Mutex::new(batches);
    thread::scope(|scope| {
        let (found, folders) = sync_channel(FOLDERS);
        let (done, read) = channel();
        for _ in 0..workers.max(1) {
            let (found, done) = (found.clone(), done.clone());
            let (listing, reader, batches) = (&listing, &reader, &batches);
            scope.spawn(move || listing.work(&found));
            scope.spawn(move || reader.work(batches, &done));
        }
        drop((found, done));
        let pump = Pump::new(index, orders, folders, read, workers.max(1) * AHEAD);
        pump.run(progress)
    })
}

/// The one thread that speaks with the index.
struct Pump<'a, I> {
    index: &'a mut I,
    orders: Sender<Vec<Unread>>,
    folders: Receiver<Found>,
    read: Receiver<Batch>,
    waiting: Vec<Unread>,
    /// Files that were read and not kept yet, and since when the index has kept none.
    unkept: Vec<Read>,
    since: Instant,
    /// Batches with the workers, and how many of them are enough.
    ordered: usize,
    enough: usize,
    done: u64,
    crawled: Crawled,
}

impl<'a, I: Index> Pump<'a, I> {
    fn new(
        index: &'a mut I,
        orders: Sender<Vec<Unread>>,
        folders: Receiver<Found>,
        read: Receiver<Batch>,
        enough: usize,
    ) -> Self {
        let (waiting, unkept, since) = (Vec::new(), Vec::new(), Instant::now());
        let crawled = Crawled::default();
        Self { index, orders, folders, read, waiting, unkept, since, ordered: 0, enough, done: 0, crawled }
    }

    /// Waits for a folder while the workers want more, and else for a batch: one of the two always comes.
    fn run(mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<Crawled, I::Error> {
        let mut listing = true;
        while listing || self.ordered > 0 {
            if listing && self.ordered < self.enough {
                match self.folders.recv() {
                    Ok(folders) => folders?.into_iter().try_for_each(|folder| self.found(folder))?,
                    Err(_) => listing = false,
                }
                self.order(listing);
            } else if let Ok(batch) = self.read.recv() {
                self.take(batch)?;
                self.keep(self.unkept.len() >= KEPT || self.since.elapsed() >= WAIT)?;
            } else {
                // Only a thread that is gone leaves a batch unanswered.
                return Err(WorkerError::Stopped.into());
            }
            progress(self.done, self.crawled.files);
        }
        self.keep(true)?;
        Ok(self.crawled)
    }

    fn found(&mut self, folder: Folder) -> Result<(), I::Error> {
        let all = folder.entries.len() as u64;
        let kinds = kinds(&folder);
        let mut unread = self.index.found(folder)?;
        tell(&mut unread, kinds);
        self.crawled.files += all;
        self.done += all.saturating_sub(unread.len() as u64);
        self.waiting.extend(unread);
        Ok(())
    }

    /// Orders whole batches, and at the end of the listing the rest too.
    fn order(&mut self, more_to_come: bool) {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while !waiting.as_slice().is_empty() {
            let batch: Vec<Unread> = waiting.by_ref().take(BATCH).collect();
            if batch.len() < BATCH && more_to_come {
                self.waiting = batch;
                return;
            }
            self.ordered += 1;
            // Where the readers are gone, the next answer that is waited for says so.
            let _ = self.orders.send(batch);
        }
    }

    fn take(&mut self, batch: Batch) -> Result<(), WorkerError> {
        let read = batch?;
        self.ordered -= 1;
        self.crawled.read += read.len() as u64;
        self.done += read.len() as u64;
        self.unkept.extend(read);
        Ok(())
    }

    /// Keeps what was read, where there is enough of it.
    fn keep(&mut self, enough: bool) -> Result<(), I::Error> {
        if !enough || self.unkept.is_empty() {
            return Ok(());
        }
        self.since = Instant::now();
        self.index.keep(std::mem::take(&mut self.unkept))
    }
}
