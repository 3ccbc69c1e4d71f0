//! One place of a job where patients are mapped, one after the other: the node's side of a zygote and its children.

use crate::{
    Launcher, MapJob, Mapped, Subject, WorkerError,
    process::{Process, borrow, deadline},
    task::{HELLO_BYTES, MapAnswer, Patient, Prepare, Prepared, Task},
    wire::Channel,
};
use rustix::process::{Signal, pidfd_send_signal};
use std::{
    fs::File,
    io::{self, Seek},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

/// What loading the component may take ahead of the first patient's time box.
const WARM: Duration = Duration::from_secs(30);

/// Bytes that words in author mode may take.
const DETAIL: u64 = 64 << 10;

/// A worker that has loaded a job's component, and forks for each patient. It lives as long as the thread that started it.
#[derive(Debug)]
pub struct Slot<'a> {
    launcher: &'a Launcher,
    job: &'a MapJob,
    zygote: Option<Zygote>,
    /// The child that serves many patients, where the job lets it.
    shared: Option<Child>,
}

#[derive(Debug)]
struct Zygote {
    process: Process,
    prepared: Option<bool>,
}

/// A patient's process; killed when dropped, whatever it is doing.
#[derive(Debug)]
struct Child {
    process: OwnedFd,
    channel: Channel,
}

impl Drop for Child {
    fn drop(&mut self) {
        // Fails only where it is gone already. Its parent takes its end.
        let _ = pidfd_send_signal(&self.process, Signal::KILL);
    }
}

impl<'a> Slot<'a> {
    /// Starts nothing yet.
    #[must_use]
    pub const fn new(launcher: &'a Launcher, job: &'a MapJob) -> Self {
        Self { launcher, job, zygote: None, shared: None }
    }

    /// Starts the worker and loads the component, outside of any patient's time. Where it fails, the first patient's time has
    /// another try.
    pub fn warm(&mut self) {
        let end = deadline(WARM);
        if self.start(end).is_ok() {
            let _ = self.prepare(end);
        }
    }

    /// Maps one patient in a process of her own, which then exits.
    ///
    /// One that dies or answers nonsense is replaced once within the same time box; at its end it is killed.
    /// Whatever happens, there is an answer.
    pub fn map(&mut self, subject: &Subject, files: &[File]) -> Mapped {
        let end = deadline(Duration::from_secs(self.job.limits.seconds().into()));
        let author = self.job.author;
        if self.job.code.file().is_none() {
            return Mapped::node_fault(self.job, "no memory for the machine code");
        }
        let mut started = false;
        // At the end of the box there is no second try: W bounds a patient's time, whatever her files or guest do.
        for _ in (0..2).take_while(|_| Instant::now() < end) {
            if self.start(end).is_err() {
                continue;
            }
            started = true;
            match self.attempt(subject, files, end) {
                Ok(MapAnswer::Contribution(contribution)) => {
                    return Mapped { contribution: Some(contribution), detail: None, node_fault: false };
                }
                Ok(MapAnswer::Nothing(detail)) => return Mapped::default_for(detail.filter(|_| author)),
                Err(_) => self.clear(),
            }
        }
        if !started && Instant::now() < end {
            return Mapped::node_fault(self.job, "the worker could not be started");
        }
        Mapped::default_for(author.then(|| "the worker died or ran out of time".to_owned()))
    }

    /// A worker that has said hello.
    fn start(&mut self, end: Instant) -> Result<(), WorkerError> {
        if self.zygote.is_none() {
            let process = Process::start_patiently(self.launcher, end)?;
            self.zygote = Some(Zygote { process, prepared: None });
        }
        Ok(())
    }

    /// A worker that has loaded the component, or has found that it cannot.
    fn prepare(&mut self, end: Instant) -> io::Result<&mut Zygote> {
        let zygote = self.zygote.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if zygote.prepared.is_none() {
            let code = self.job.code.file().ok_or(io::ErrorKind::OutOfMemory)?;
            let files: Vec<_> =
                [code].into_iter().chain(self.job.models.descriptors()).map(AsFd::as_fd).collect();
            let task = Task::Prepare(Box::new(Prepare::new(self.job)));
            let Prepared(loaded) = zygote.process.ask(task, &files, HELLO_BYTES, end)?;
            zygote.prepared = Some(loaded);
        }
        if zygote.prepared == Some(true) { Ok(zygote) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn attempt(&mut self, subject: &Subject, files: &[File], end: Instant) -> io::Result<MapAnswer> {
        // A position is shared with a child that may have died half way.
        files.iter().try_for_each(|mut file| file.rewind())?;
        let mut child = match self.shared.take() {
            Some(child) => child,
            None => self.prepare(end)?.fork(end)?,
        };
        let answer = child.ask(subject, files, answer_bytes(&self.job.shape), end)?;
        self.shared = self.job.shared.then_some(child);
        Ok(answer)
    }

    /// After a failure: the child was killed, and a worker that is gone is not waited for.
    fn clear(&mut self) {
        let lives = |zygote: &mut Zygote| zygote.prepared.is_some() && zygote.process.lives();
        self.zygote = self.zygote.take().and_then(|mut zygote| lives(&mut zygote).then_some(zygote));
    }
}

impl Zygote {
    fn fork(&mut self, end: Instant) -> io::Result<Child> {
        let (ours, theirs) = UnixStream::pair()?;
        let process = self.process.fork(theirs.as_fd(), end)?;
        Ok(Child { process, channel: Channel::new(ours) })
    }
}

impl Child {
    fn ask(&mut self, subject: &Subject, files: &[File], bound: u64, end: Instant) -> io::Result<MapAnswer> {
        self.channel.until(end);
        let count = u32::try_from(files.len()).map_err(io::Error::other)?;
        self.channel.send(&Patient { subject: subject.clone(), files: count })?;
        self.channel.send_files(&borrow(files))?;
        self.channel.receive(bound)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// The largest answer that is not nonsense: each number takes 8 bytes, each length at most 10.
fn answer_bytes(shape: &[usize]) -> u64 {
    let numbers = shape.iter().fold(0_u64, |sum, n| sum.saturating_add((*n as u64).saturating_mul(8)));
    numbers.saturating_add((shape.len() as u64).saturating_mul(10)).saturating_add(DETAIL)
}
