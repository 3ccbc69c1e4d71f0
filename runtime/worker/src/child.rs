//! The worker's side: descriptors in, answers out, no path ever.

use crate::{
    contain::{self, limit},
    launcher::raise_descriptor_limit,
    models::{self, Opened},
    task::{
        Compiled, FILES, Form, HEADER_BYTES, Hello, ORDER_BYTES, Order, TABLE_BYTES, TableHead, TablePart,
        Task, ToldHeader,
    },
    wire::{Channel, LENGTH, add_frame},
    zygote::{self, Inside},
};
use rustix::{fs::fstat, process::Resource};
use std::{
    fs::File,
    io::{self, ErrorKind, Write, stdin},
    num::NonZero,
    os::{
        fd::AsFd,
        unix::{fs::FileExt, net::UnixStream},
    },
    process::ExitCode,
    thread,
};
use trocar_imaging::{
    ClinicalError, FileHeader, HeaderChain, HeaderReader, Reason, ScanRules, SubjectSeries,
    clinical::{Row, read_cells, read_head},
    decode_series, decoded_bytes, middle_slice, read_header_nifti, read_sidecar,
};
use trocar_sandbox::{AdmitError, CompileError, Grant};
use trocar_terms::{Digest, Limits};

const GIB: u64 = 1 << 30;

/// Memory of a worker that reads headers. A file that wants more is one that dies.
const HEADERS: u64 = 512 << 20;

/// Serves the node on standard input until it closes. What `trocar worker` does.
///
/// Says nothing but answers: no output, no log, no words on failure.
#[must_use]
pub fn serve() -> ExitCode {
    serve_with(&Inside::PRODUCT)
}

/// As [`serve`], for the tests of containment alone.
#[must_use]
pub fn serve_with(inside: &Inside) -> ExitCode {
    match serve_all(inside) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// On the main thread, whose stack may grow: a process with one thread can fork.
fn serve_all(inside: &Inside) -> io::Result<()> {
    contain::begin()?;
    raise_descriptor_limit();
    let socket = stdin().as_fd().try_clone_to_owned()?;
    let mut channel = Channel::new(UnixStream::from(socket));
    channel.send(&Hello::ours())?;
    let mut locked = None;
    while let Some(Order { task, files, required }) = channel.receive(ORDER_BYTES)? {
        if files > FILES {
            return Err(ErrorKind::InvalidData.into());
        }
        let files = channel.receive_files(files as usize)?;
        let Some(kind) = task.kind() else {
            return channel.send(&contain::probed()?);
        };
        if let Task::Prepare(job) = task {
            // It loads machine code before it locks itself; never one that is locked for something else.
            return if locked.is_none() {
                zygote::serve(*job, files, required, channel, inside)
            } else {
                no()
            };
        }
        // A library opens paths to be loaded: before the lock, and only then.
        let runtime = models::runtime(&task, &files, locked.is_none());
        match locked {
            None => {
                bound(&task)?;
                inside.lock(kind, required)?;
            }
            Some(before) if before == kind => {}
            Some(_) => return no(),
        }
        locked = Some(kind);
        serve_one(task, files, runtime, &mut channel)?;
    }
    Ok(())
}

/// What a worker may take for its first task, and so for all of its tasks: a contained one sets no limits.
fn bound(task: &Task) -> io::Result<()> {
    limit(
        Resource::Data,
        match task {
            Task::Headers { .. } => HEADERS,
            Task::Compile(_) | Task::CheckModel { .. } => 4 * GIB,
            Task::Decode(_) | Task::Table(_) | Task::TableHead | Task::Thumbnail(..) => 2 * GIB,
            Task::Prepare(_) | Task::Probe => return Ok(()),
        },
    )?;
    if let Task::Decode(series) = task {
        limit(Resource::Fsize, decoded_bytes(&series.info).unwrap_or(0))?;
    }
    Ok(())
}

fn no() -> io::Result<()> {
    Err(ErrorKind::InvalidInput.into())
}

fn serve_one(task: Task, files: Vec<File>, runtime: Opened, channel: &mut Channel) -> io::Result<()> {
    match task {
        Task::Headers { rules, forms } => headers(&rules, &forms, files, channel),
        Task::Compile(grant) => channel.send(&compile(&grant, files)?),
        Task::CheckModel { .. } => channel.send(&models::checked(&files, runtime)?),
        Task::Decode(series) => channel.send(&decode(*series, files)?),
        Task::Table(wanted) => table(&wanted, files, channel),
        Task::TableHead => channel.send(&table_head(files)?),
        Task::Thumbnail(subject, side) => channel.send(&middle_slice(*subject, files, side)),
        Task::Prepare(_) | Task::Probe => no(),
    }
}

/// One frame a file, so that the node holds no more than one of them at once before it has looked at it.
fn headers(rules: &ScanRules, forms: &[Form], files: Vec<File>, channel: &mut Channel) -> io::Result<()> {
    let mut reader = HeaderReader::new(rules);
    let (mut frames, mut chain) = (Vec::with_capacity(2 * FRAMES), HeaderChain::default());
    let mut files = files.into_iter();
    for form in forms {
        let mut file = files.next().ok_or(ErrorKind::InvalidData)?;
        let header = match form {
            Form::Dicom(size) => reader.read_file(&file, *size),
            Form::Sidecar => read_sidecar(&mut file, rules),
            Form::Nifti => {
                let mut sidecar = files.next().ok_or(ErrorKind::InvalidData)?;
                read_header_nifti(&mut file, &mut sidecar, rules)
            }
        };
        tell(&header, &mut chain, &mut frames)?;
        if frames.len() >= FRAMES {
            channel.write_all(&frames)?;
            frames.clear();
        }
    }
    channel.write_all(&frames)
}

/// Bytes of frames that are sent at once.
const FRAMES: usize = 64 << 10;

fn tell(
    header: &Result<FileHeader, Reason>,
    chain: &mut HeaderChain,
    frames: &mut Vec<u8>,
) -> io::Result<()> {
    let start = frames.len();
    let told: ToldHeader<'_> = header.as_ref().map(|header| chain.tell(header)).map_err(|reason| *reason);
    add_frame(frames, &told)?;
    if frames.len().saturating_sub(start + LENGTH) as u64 > HEADER_BYTES {
        // The other end does not hear of this one.
        *chain = HeaderChain::default();
        frames.truncate(start);
        let refused: ToldHeader<'_> = Err(Reason::TooLarge);
        add_frame(frames, &refused)?;
    }
    Ok(())
}

/// Reads a clinical table piece by piece: no side holds more than the columns that are wanted.
fn table(wanted: &[String], mut files: Vec<File>, channel: &mut Channel) -> io::Result<()> {
    let file = files.pop().ok_or(ErrorKind::InvalidData)?;
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let (mut rows, mut text, mut failed) = (Vec::new(), 0, None);
    let read = read_cells(file, &wanted, &mut |row: Row| {
        text += row.cells.iter().map(|cell| ROW_BYTES + cell.len() as u64).sum::<u64>();
        rows.push(row);
        if text < TABLE_BYTES / 4 {
            return Ok(());
        }
        text = 0;
        // Nobody listens: the reading ends here, with whatever error.
        let sent = channel.send(&TablePart::Rows(std::mem::take(&mut rows)));
        sent.map_err(|error| {
            failed = Some(error);
            ClinicalError::Unreadable
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    channel.send(&TablePart::Rows(rows))?;
    channel.send(&read.map_or_else(TablePart::Refused, |()| TablePart::End))
}

/// More than a cell or a row weighs besides its text.
const ROW_BYTES: u64 = 16;

fn table_head(mut files: Vec<File>) -> io::Result<TableHead> {
    let head = read_head(files.pop().ok_or(ErrorKind::InvalidData)?);
    // Names of columns can be as long as the file.
    let heavy = head.as_ref().is_ok_and(|names| names.iter().map(String::len).sum::<usize>() > HEAD);
    Ok(if heavy { Err(ClinicalError::TooManyColumns) } else { head })
}

/// Bytes of all the names of a table's columns.
const HEAD: usize = 1 << 20;

/// Characters of the reason that a component is refused for. It comes from the component alone.
const WHY: usize = 500;

fn compile(grant: &Grant, mut files: Vec<File>) -> io::Result<Compiled> {
    let wasm = contents(&files.pop().ok_or(ErrorKind::InvalidData)?)?;
    Ok(match trocar_sandbox::compile(&wasm, grant) {
        Ok(code) => Compiled::Code(code),
        Err(CompileError::Refused(AdmitError::ImportRefused { name })) => Compiled::ImportRefused(name),
        Err(error) => Compiled::Invalid(error.to_string().chars().take(WHY).collect()),
    })
}

/// Reads by position: the node hands one descriptor to several workers at once, which share its current position.
pub(crate) fn contents(file: &File) -> io::Result<Vec<u8>> {
    let length = usize::try_from(fstat(file)?.st_size).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// No guest runs in this process, so what it leaves for later jobs is no guest's doing.
fn decode(series: SubjectSeries, mut files: Vec<File>) -> io::Result<Option<Vec<Digest>>> {
    let out = files.pop().ok_or(ErrorKind::InvalidData)?;
    let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    Ok(decode_series(series, files, &out, threads).ok())
}

/// What one patient's worker may take, in bytes: her guest's memory, and what decoding and the engine need.
#[must_use]
pub fn most_memory(limits: &Limits) -> u64 {
    (u64::from(limits.memory_mib()) << 20) + 2 * GIB
}
