//! The worker of a job that looks at no patient: it loads the component, contains itself, and forks for each.
//!
//! It has one thread, so that a fork is a whole process. What a child does to its memory is the child's alone (copy on write, no
//! shared mapping, no descriptor in common but `/dev/null`), and the next one is forked when it is gone.

use crate::{
    Layers, Subject,
    child::{contents, most_memory},
    contain::{self, Kind, Tighter, limit},
    models::Unloaded,
    task::{FILES, MapAnswer, ORDER_BYTES, Patient, Prepare, Prepared},
    wire::Channel,
};
use nix::unistd::{ForkResult, Pid, dup2_stdin, fork};
use rustix::process::{PidfdFlags, Resource, WaitOptions, pidfd_open, waitpid};
use std::{
    fs::File,
    io::{self, stdout},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::exit,
    sync::Arc,
};
use trocar_filter::{Contribution, Untrusted};
use trocar_imaging::open_patient;
use trocar_sandbox::{Call, Models, Runner, run};

/// What runs in a patient's place, and her outputs of it; `None` for her guest.
pub type Instead = fn(&Subject, &[File]) -> Option<Vec<Vec<f64>>>;

/// What the tests of containment have otherwise than the product: whether workers are contained, and native code in the
/// place of a patient's guest.
#[derive(Debug, Clone, Copy)]
pub struct Inside {
    /// Workers contain themselves.
    pub contained: bool,
    /// Called in a patient's process when it is contained and has her files.
    pub patient: Instead,
}

impl Inside {
    /// Contained, and nothing but the guest.
    pub const PRODUCT: Self = Self { contained: true, patient: |_, _| None };

    pub(crate) fn lock(&self, kind: Kind, required: Layers) -> io::Result<()> {
        if self.contained {
            contain::lock(kind, required)?;
        }
        Ok(())
    }
}

/// What a child has of its parent.
struct Zygote<'a> {
    job: Prepare,
    runner: Runner,
    models: Arc<Models>,
    tighter: Tighter,
    inside: &'a Inside,
}

/// Serves sockets until there are no more.
pub(crate) fn serve(
    job: Prepare,
    mut files: Vec<File>,
    required: Layers,
    mut channel: Channel,
    inside: &Inside,
) -> io::Result<()> {
    // Reservations of linear memory do not count, what becomes writable does; decoders need the rest.
    limit(Resource::Data, most_memory(&job.limits))?;
    if files.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // All that may run, or may open a path to be loaded, is in memory before the lock; no child gets its descriptor.
    let code = files.remove(0);
    let loaded = Runner::load(&contents(&code)?);
    let read = Unloaded::read(&job.models, &files)?;
    drop((code, files));
    inside.lock(Kind::Forks, required)?;
    // Of models, whose bytes are hostile, nothing is looked at before.
    let models = read.load();
    channel.send(&Prepared(loaded.is_ok() && models.is_ok()))?;
    let (runner, models) = (loaded.map_err(io::Error::other)?, models.map_err(io::Error::other)?);
    Zygote { job, runner, models, tighter: Tighter::new()?, inside }.serve(channel)
}

impl Zygote<'_> {
    fn serve(&self, mut channel: Channel) -> io::Result<()> {
        // The end of the job is the end of its sockets.
        while let Some(socket) = channel.receive_files(1).ok().and_then(|mut files| files.pop()) {
            match forked()? {
                None => {
                    drop(channel);
                    let served = self.patients(OwnedFd::from(socket));
                    // Nothing that a patient's process holds is worth its clearing away.
                    exit(i32::from(served.is_err()));
                }
                Some(child) => {
                    drop(socket);
                    watch(child, &mut channel)?;
                }
            }
        }
        Ok(())
    }

    /// The child: no way back to its parent, no fork, and then one patient, or one after the other where it is shared.
    fn patients(&self, socket: OwnedFd) -> io::Result<()> {
        // Standard input was the parent's socket.
        dup2_stdin(stdout())?;
        if self.inside.contained {
            self.tighter.apply()?;
        }
        let mut channel = Channel::new(UnixStream::from(socket));
        while let Some(patient) = channel.receive::<Patient>(ORDER_BYTES)? {
            if patient.files > FILES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let files = channel.receive_files(patient.files as usize)?;
            channel.send(&self.map(patient.subject, files))?;
            if !self.job.shared {
                break;
            }
        }
        Ok(())
    }

    fn map(&self, subject: Subject, files: Vec<File>) -> MapAnswer {
        if let Some(outputs) = (self.inside.patient)(&subject, &files) {
            return MapAnswer::Contribution(Untrusted::new(Contribution(outputs)));
        }
        let Prepare { grant, limits, params, state, shape, author, shared: _, models: _ } = &self.job;
        let call = Call { grant, limits, params, state, shape, models: &self.models };
        match run(&self.runner, Box::new(open_patient(subject, files)), &call) {
            Ok(contribution) => MapAnswer::Contribution(contribution),
            Err(fault) => MapAnswer::Nothing(author.then(|| fault.to_string())),
        }
    }
}

/// `None` in the child.
fn forked() -> io::Result<Option<Pid>> {
    #[allow(unsafe_code, reason = "a fork has no safe form: a copy of a thread may hold a lock of another")]
    // SAFETY: this process has one thread: a worker starts none, and one that decodes on several does not come here.
    let forked = unsafe { fork() }?;
    Ok(match forked {
        ForkResult::Child => None,
        ForkResult::Parent { child } => Some(child),
    })
}

/// Gives the node a hold of the child, and waits for its end. Until it is waited for, its number is its own.
fn watch(child: Pid, channel: &mut Channel) -> io::Result<()> {
    let child = rustix::process::Pid::from_raw(child.as_raw()).ok_or(io::ErrorKind::InvalidData)?;
    let held = pidfd_open(child, PidfdFlags::empty())?;
    channel.send_files(&[held.as_fd()])?;
    drop(held);
    waitpid(Some(child), WaitOptions::empty())?;
    Ok(())
}
