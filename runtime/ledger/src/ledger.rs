//! The ledger itself: every method that writes is lock, read on, decide, write, sync.

use crate::caps::{Caps, CountCaps, Limits, Spent, Verdict, count_denial, denial, spent};
use crate::error::LedgerError;
use crate::event::{CountReservation, Event, Reservation};
use crate::file::{Guard, LogFile};
use crate::public::{Public, Shows, public};
use crate::record::Record;
use crate::state::{State, VERSION};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use trocar_terms::{DatasetId, Digest, Timestamp};

/// An open ledger. Several may be open on one file, in one process or many.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: LogFile,
    /// Bytes of the file that `records` stand for.
    end: u64,
    records: Vec<Record>,
    state: State,
}

impl Ledger {
    /// Makes a new ledger file and opens it.
    ///
    /// # Errors
    /// `Io`, also where the file exists already.
    pub fn create(path: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let genesis = Event::Genesis { version: VERSION };
        let (_, line) =
            Record::write(0, now, Record::before_the_first(), genesis).map_err(LedgerError::Unwritable)?;
        LogFile::create(path, &line).map_err(|source| io_error("create", path, source))?;
        Self::open(path)
    }

    /// Opens a ledger, checks every record, and cuts off a last line that a crash left unfinished.
    ///
    /// # Errors
    /// `Io` where it is missing or cannot be read; `Broken` where any record is not as it was written.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = LogFile::open(path).map_err(|source| io_error("open", path, source))?;
        let (path, state) = (path.to_owned(), State::default());
        let mut ledger = Self { path, file, end: 0, records: Vec::new(), state };
        drop(ledger.locked()?);
        // Not even a genesis record: no crash leaves that, since `create` links a whole file.
        if ledger.records.is_empty() { Err(ledger.broken()) } else { Ok(ledger) }
    }

    /// Reads what others have appended since.
    ///
    /// # Errors
    /// As `open`.
    pub fn refresh(&mut self) -> Result<(), LedgerError> {
        self.locked().map(drop)
    }

    /// Every record, as of the last call that read or wrote the file.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Digest of the last record: what a witness countersigns and a bundle names.
    #[must_use]
    pub fn head(&self) -> Digest {
        self.records.last().map_or_else(Record::before_the_first, |record| record.digest)
    }

    /// What `dataset` has spent by `now`, or by the last record where that is later.
    #[must_use]
    pub fn spent(&self, dataset: DatasetId, now: Timestamp) -> Spent {
        spent(&self.state, dataset, self.time(now))
    }

    /// The datasets whose patients share one budget with those of `dataset`, itself included.
    #[must_use]
    pub fn pool(&self, dataset: DatasetId) -> BTreeSet<DatasetId> {
        self.state.pool(dataset)
    }

    /// The strictest limits in the pool of `dataset`; `None` before its first scan.
    #[must_use]
    pub fn limits(&self, dataset: DatasetId) -> Option<Limits> {
        self.state.limits(dataset)
    }

    /// The limits that the last scan of this one dataset recorded.
    #[must_use]
    pub fn own_limits(&self, dataset: DatasetId) -> Option<Limits> {
        self.state.own_limits(dataset)
    }

    /// What may be shown of the records outside the node by the time of the last one, in the order in which it came to
    /// show. It only ever grows at its end.
    #[must_use]
    pub fn public(&self) -> Vec<Public> {
        public(&self.records)
    }

    /// The feasibility count that asked this question, and whether its answer is kept.
    #[must_use]
    pub fn count(&self, key: &Digest) -> Option<(&CountReservation, bool)> {
        let row = self.state.counts().find(|row| row.reservation.key == *key)?;
        Some((&row.reservation, row.answered))
    }

    /// How many jobs the approval recorded at `approval` has carried.
    #[must_use]
    pub fn runs_of(&self, approval: u64) -> u64 {
        self.state.runs_of(approval)
    }

    /// Records `event` and returns its `seq` once it is on disk.
    ///
    /// # Errors
    /// `Refused` where it cannot follow, and for reservations, which only [`Self::reserve`] and [`Self::reserve_count`]
    /// write; else as `open`.
    pub fn append(&mut self, now: Timestamp, event: Event) -> Result<u64, LedgerError> {
        if matches!(event, Event::Reserved(_) | Event::Counted(_)) {
            return Err(LedgerError::Refused("a reservation goes past the caps: use reserve"));
        }
        let guard = self.locked()?;
        self.write(&guard, now, event)
    }

    /// Spends a job's whole cost if every cap allows it. On `Verdict::Reserved` it is on disk.
    ///
    /// # Errors
    /// `Refused` where the job is reserved already or its dataset is unknown; else as `open`.
    pub fn reserve(
        &mut self,
        now: Timestamp,
        asked: Reservation,
        caps: &Caps,
    ) -> Result<Verdict, LedgerError> {
        let guard = self.locked()?;
        match denial(&self.state, &asked, caps, self.time(now)) {
            Some(code) => Ok(Verdict::Denied(code)),
            None => self.write(&guard, now, Event::Reserved(Box::new(asked))).map(Verdict::Reserved),
        }
    }

    /// Spends a feasibility count's cost if the caps allow it. On `Verdict::Reserved` it is on disk.
    ///
    /// # Errors
    /// `Refused` where the same question was asked before or its dataset is unknown; else as `open`.
    pub fn reserve_count(
        &mut self,
        now: Timestamp,
        asked: CountReservation,
        caps: &CountCaps,
    ) -> Result<Verdict, LedgerError> {
        let guard = self.locked()?;
        match count_denial(&self.state, &asked, caps, self.time(now)) {
            Some(code) => Ok(Verdict::Denied(code)),
            None => self.write(&guard, now, Event::Counted(Box::new(asked))).map(Verdict::Reserved),
        }
    }

    /// Brings the ledger's time to `now`, so that what shows by now is in [`Self::public`].
    ///
    /// # Errors
    /// As `open`.
    pub fn moment(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        let guard = self.locked()?;
        // A job that ended in this very second must not spare the record: its absence would tell.
        let mut since = self.records.iter().rev().take_while(|record| record.time >= now);
        if !since.any(|record| matches!(Shows::of(&record.event), Shows::AtOnce)) {
            self.write(&guard, now, Event::Moment)?;
        }
        Ok(())
    }

    /// Ledger time: `now`, or the last record's time where that is later. A clock that was set back stands still until it
    /// has caught up.
    #[must_use]
    pub fn time(&self, now: Timestamp) -> Timestamp {
        self.records.last().map_or(now, |last| last.time.max(now))
    }

    /// Takes the lock and reads on, so that whoever holds the guard decides on the whole file.
    fn locked(&mut self) -> Result<Guard, LedgerError> {
        let guard = self.file.lock().map_err(|e| self.io("lock", e))?;
        let tail =
            self.file.read_on(self.end).map_err(|e| self.io("read", e))?.ok_or_else(|| self.broken())?;
        for line in tail.whole.split_inclusive(|b| *b == b'\n') {
            let record = line.strip_suffix(b"\n").and_then(Record::read).ok_or_else(|| self.broken())?;
            self.take(record, line.len())?;
        }
        self.mend(&tail.torn)?;
        Ok(guard)
    }

    /// Cuts off a last line without a newline: the crash came before `append` returned, so nobody relied on it.
    ///
    /// A whole record that lacks only the newline is kept, since keeping spends and cutting would not. A whole record
    /// whose newline became another byte was no crash.
    fn mend(&mut self, torn: &[u8]) -> Result<(), LedgerError> {
        if torn.is_empty() {
            return Ok(());
        }
        let Some(record) = Record::read(torn) else {
            let damaged = torn.split_last().is_some_and(|(_, rest)| Record::read(rest).is_some());
            // The genesis record is never torn: `create` links a whole file.
            if damaged || self.records.is_empty() {
                return Err(self.broken());
            }
            return self.file.cut(self.end).map_err(|e| self.io("mend", e));
        };
        let newline_at = self.end.saturating_add(torn.len() as u64);
        self.file.append(newline_at, b"\n").map_err(|e| self.io("mend", e))?;
        self.take(record, torn.len().saturating_add(1))
    }

    /// Takes in a record that was read, if it is the one that must follow.
    fn take(&mut self, record: Record, length: usize) -> Result<(), LedgerError> {
        let follows = record.seq == self.next_seq()
            && record.previous == self.head()
            && record.time == self.time(record.time)
            && self.state.check(&record.event).is_ok();
        if !follows {
            return Err(self.broken());
        }
        self.state.apply(record.seq, record.time, &record.event);
        self.end = self.end.saturating_add(length as u64);
        self.records.push(record);
        Ok(())
    }

    fn write(&mut self, _guard: &Guard, now: Timestamp, event: Event) -> Result<u64, LedgerError> {
        self.state.check(&event).map_err(LedgerError::Refused)?;
        let seq = self.next_seq();
        let (record, line) =
            Record::write(seq, self.time(now), self.head(), event).map_err(LedgerError::Unwritable)?;
        self.file.append(self.end, &line).map_err(|e| self.io("write", e))?;
        self.take(record, line.len())?;
        Ok(seq)
    }

    fn next_seq(&self) -> u64 {
        self.records.len() as u64
    }

    fn broken(&self) -> LedgerError {
        LedgerError::Broken { path: self.path.clone(), line: self.next_seq().saturating_add(1) }
    }

    fn io(&self, doing: &'static str, source: std::io::Error) -> LedgerError {
        io_error(doing, &self.path, source)
    }
}

fn io_error(doing: &'static str, path: &Path, source: std::io::Error) -> LedgerError {
    LedgerError::Io { doing, path: path.to_owned(), source }
}
