//! Reads headers in worker processes: a batch of descriptors at once, and where a worker dies, half of it at once.

use super::entry::{FileEntry, OpenFolder};
use crate::{
    Launcher, Reason, ScanRules, WorkerError,
    process::{HELLO, Process, borrow, deadline},
    task::{Form, HEADER_BYTES, HeardHeader, Task},
    wire,
};
use std::{
    fs::File,
    io::{self, BufReader},
    os::fd::OwnedFd,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender},
    },
    time::{Duration, Instant},
};
use trocar_imaging::{FileHeader, HeaderChain};

/// Files that a worker gets at once.
pub(super) const BATCH: usize = 200;

/// A file whose header is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The number that the index has given its folder.
    pub folder: i64,
    /// The file.
    pub file: FileEntry,
    /// What it is.
    pub kind: Kind,
}

/// What a file may be, by its name and those beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// DICOM, or nothing that is read.
    #[default]
    Dicom,
    /// A NIfTI image, with its sidecar.
    Nifti(FileEntry),
    /// A NIfTI image without one: nobody knows whose it is.
    Lone,
    /// The sidecar of a NIfTI image.
    Sidecar,
}

/// An open file, with its sidecar where it is a NIfTI image.
struct Opened {
    file: File,
    sidecar: Option<File>,
    form: Form,
}

/// A file whose header has been read, or why there is none.
#[derive(Debug)]
pub struct Read {
    /// Which file.
    pub unread: Unread,
    /// What was read.
    pub header: Result<FileHeader, Reason>,
}

/// A batch that was read, or why workers cannot be had.
pub(super) type Batch = Result<Vec<Read>, WorkerError>;

pub(super) struct Reader<'a> {
    pub(super) launcher: &'a Launcher,
    pub(super) root: &'a OwnedFd,
    pub(super) rules: &'a ScanRules,
}

type Answer = Result<FileHeader, Reason>;

impl Reader<'_> {
    /// What each thread does: takes batches until there are no more. The worker process is kept between them.
    pub(super) fn work(&self, batches: &Mutex<Receiver<Vec<Unread>>>, done: &Sender<Batch>) {
        let mut process = None;
        while let Some(batch) = batches.lock().ok().and_then(|batches| batches.recv().ok()) {
            let mut headers = Vec::with_capacity(batch.len());
            let read = self.read(&batch, &mut process, &mut headers);
            let whole = batch.into_iter().zip(headers).map(|(unread, header)| Read { unread, header });
            if done.send(read.map(|()| whole.collect())).is_err() {
                return;
            }
        }
    }

    /// Reads a batch; where its worker dies, each half by itself, down to the one file that kills.
    fn read(
        &self,
        batch: &[Unread],
        process: &mut Option<Process>,
        headers: &mut Vec<Answer>,
    ) -> Result<(), WorkerError> {
        let answered = self.ask(batch, process)?;
        match (answered, batch) {
            (Some(answered), _) => headers.extend(answered),
            (None, []) => {}
            (None, [one]) => headers.push(self.alone(one)?),
            (None, _) => {
                let (left, right) = batch.split_at(batch.len() / 2);
                self.read(left, process, headers)?;
                self.read(right, process, headers)?;
            }
        }
        Ok(())
    }

    /// Once more in a process of its own: the first may have died of another file, or of what else the machine did.
    fn alone(&self, one: &Unread) -> Result<Answer, WorkerError> {
        let answered = self.ask(std::slice::from_ref(one), &mut None)?;
        Ok(answered.into_iter().flatten().next().unwrap_or(Err(Reason::Died)))
    }

    /// `None` where the worker died, hung or answered nonsense.
    fn ask(
        &self,
        batch: &[Unread],
        process: &mut Option<Process>,
    ) -> Result<Option<Vec<Answer>>, WorkerError> {
        let mut folder = None;
        let opened: Vec<Result<Opened, Reason>> =
            batch.iter().map(|unread| self.open(unread, &mut folder)).collect();
        let files: Vec<&Opened> = opened.iter().flatten().collect();
        let mut worker = match process.take() {
            Some(worker) => worker,
            None => Process::start(self.launcher, deadline(HELLO))?,
        };
        // Slow disks are not hostile files: seconds for the batch, and more for each file.
        let end = deadline(Duration::from_millis(2_000 + 100 * files.len() as u64));
        let Ok(answer) = self.headers(&mut worker, &files, end) else {
            return Ok(None);
        };
        *process = Some(worker);
        let mut answer = answer.into_iter();
        let header =
            |file: Result<Opened, Reason>| file.and_then(|_| answer.next().ok_or(Reason::Unreadable)?);
        Ok(Some(opened.into_iter().map(header).collect()))
    }

    /// `folder` is the one of the file before.
    fn open(&self, unread: &Unread, folder: &mut Option<OpenFolder>) -> Result<Opened, Reason> {
        let opened =
            OpenFolder::of(folder.take(), &unread.file, self.root).map_err(|_| Reason::Unreadable)?;
        let folder = folder.insert(opened);
        let open = |entry: &FileEntry| entry.open_in(folder).map_err(|_| Reason::Unreadable);
        let (sidecar, form) = match &unread.kind {
            Kind::Dicom => (None, Form::Dicom(unread.file.size)),
            Kind::Nifti(sidecar) => (Some(open(sidecar)?), Form::Nifti),
            Kind::Sidecar => (None, Form::Sidecar),
            Kind::Lone => return Err(Reason::NoSidecar),
        };
        Ok(Opened { file: open(&unread.file)?, sidecar, form })
    }

    /// Exactly one frame a file, each looked at before the next is taken: the worker may speak for a hostile file.
    fn headers(&self, worker: &mut Process, files: &[&Opened], end: Instant) -> io::Result<Vec<Answer>> {
        let forms = files.iter().map(|opened| opened.form).collect();
        let both = files.iter().flat_map(|opened| std::iter::once(&opened.file).chain(&opened.sidecar));
        let descriptors: Vec<&File> = both.collect();
        let task = Task::Headers { rules: self.rules.clone(), forms };
        let channel = worker.order(task, &borrow(&descriptors), end)?;
        // Nothing but frames comes this way, so that reading ahead takes no descriptor's place.
        let mut frames = BufReader::with_capacity(FRAMES, channel);
        let (mut headers, mut chain) = (Vec::with_capacity(files.len()), HeaderChain::default());
        let mut bytes = Vec::new();
        for _ in files {
            if !wire::frame_into(&mut frames, HEADER_BYTES, &mut bytes)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            headers.push(self.checked(wire::value(&bytes)?, &mut chain)?);
        }
        if frames.buffer().is_empty() { Ok(headers) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn checked(&self, heard: HeardHeader, chain: &mut HeaderChain) -> io::Result<Answer> {
        let heard = match heard {
            Ok(heard) => heard,
            Err(reason) => return Ok(Err(reason)),
        };
        let header = chain.hear(heard).ok_or(io::ErrorKind::InvalidData)?;
        Ok(header.checked(self.rules))
    }
}

/// Bytes of frames that are read at once.
const FRAMES: usize = 64 << 10;
