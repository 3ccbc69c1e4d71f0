use crate::{
    Launcher, Layers,
    task::{HELLO_BYTES, Hello, Order, Task},
    wire::Channel,
};
use serde::de::DeserializeOwned;
use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a worker may take to say hello: it has only been loaded.
pub(crate) const HELLO: Duration = Duration::from_secs(30);

/// Pauses before another try to start a worker.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500)];

/// The first descriptor that is not one of the standard three.
const FIRST_OTHER: i32 = 3;

/// Where memory runs out, the system is to kill a worker, not the node.
fn die_first(child: &Child) {
    // Best effort: where there is no such file, the worker's own limits still hold.
    let _ = fs::write(format!("/proc/{}/oom_score_adj", child.id()), "1000");
}

/// Faults of the node round its workers. What happens inside a worker is never one of them.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker's program cannot be started.
    #[error("cannot start the worker {program}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was started is not a worker of this version.
    #[error("{0} is not a worker of this version of Trocar")]
    NotAWorker(PathBuf),
    /// The dataset's folder, or a folder in it, cannot be listed.
    #[error("cannot list {path}")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A thread of the scan ended before its work did.
    #[error("the scan stopped before its end")]
    Stopped,
    /// More files than an index holds.
    #[error("a dataset holds at most 4 billion files")]
    TooManyFiles,
}

/// A running worker; killed and reaped when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    channel: Channel,
    required: Layers,
}

impl Process {
    /// Starts a worker and waits for its hello, not beyond `end`.
    pub(crate) fn start(launcher: &Launcher, end: Instant) -> Result<Self, WorkerError> {
        let program = launcher.program();
        let start = |source| WorkerError::Start { program: program.to_owned(), source };
        // Whatever this process was started with, or a library has left open, would be open in the worker too.
        close_fds::set_fds_cloexec_threadsafe(FIRST_OTHER, &[]);
        let (ours, theirs) = UnixStream::pair().map_err(start)?;
        let child = Command::new(program)
            .arg("worker")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(start)?;
        die_first(&child);
        let mut process = Self { child, channel: Channel::new(ours), required: launcher.required() };
        process.channel.until(deadline(HELLO).min(end));
        match process.channel.receive::<Hello>(HELLO_BYTES) {
            Ok(Some(hello)) if hello == Hello::ours() => Ok(process),
            Ok(_) | Err(_) => Err(WorkerError::NotAWorker(program.to_owned())),
        }
    }

    /// As [`start`](Self::start), and tries again where the system is short of something for a moment.
    pub(crate) fn start_patiently(launcher: &Launcher, end: Instant) -> Result<Self, WorkerError> {
        for pause in PAUSES {
            if let Ok(process) = Self::start(launcher, end) {
                return Ok(process);
            }
            thread::sleep(pause.min(end.saturating_duration_since(Instant::now())));
        }
        Self::start(launcher, end)
    }

    /// Hands over a task; its answer is then received from the channel. After an error the worker is of no more use.
    pub(crate) fn order(
        &mut self,
        task: Task,
        files: &[BorrowedFd<'_>],
        deadline: Instant,
    ) -> io::Result<&mut Channel> {
        self.channel.until(deadline);
        let count = u32::try_from(files.len()).map_err(io::Error::other)?;
        self.channel.send(&Order { task, files: count, required: self.required })?;
        self.channel.send_files(files)?;
        Ok(&mut self.channel)
    }

    /// Has a prepared worker fork: `socket` is the child's. What comes back is the child's process, which stays its own
    /// whatever becomes of it: no other gets its number while it is held.
    pub(crate) fn fork(&mut self, socket: BorrowedFd<'_>, deadline: Instant) -> io::Result<OwnedFd> {
        self.channel.until(deadline);
        self.channel.send_files(&[socket])?;
        let child = self.channel.receive_files(1)?.pop();
        child.map(OwnedFd::from).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether it is still there.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Hands over a task and waits for its answer, both until `deadline`. After an error the worker is of no more use.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        task: Task,
        files: &[BorrowedFd<'_>],
        bound: u64,
        deadline: Instant,
    ) -> io::Result<T> {
        self.order(task, files, deadline)?.receive(bound)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The moment `after` now.
pub(crate) fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now)
}

/// Borrows descriptors for sending.
pub(crate) fn borrow<F: AsFd>(files: &[F]) -> Vec<BorrowedFd<'_>> {
    files.iter().map(AsFd::as_fd).collect()
}
