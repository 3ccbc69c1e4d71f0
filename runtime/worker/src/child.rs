//! The worker's side: descriptors in, answers out, no path ever.

use crate::{
    launcher::raise_descriptor_limit,
    task::{
        Compiled, FILES, Form, HEADER_BYTES, Hello, MapAnswer, MapTask, ORDER_BYTES, Order, TABLE_BYTES,
        TableHead, TablePart, Task, ToldHeader,
    },
    wire::{Channel, LENGTH, add_frame},
};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
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
    decode_series, decoded_bytes, middle_slice, open_patient, read_header_nifti, read_sidecar,
};
use trocar_sandbox::{AdmitError, Call, CompileError, Grant, Runner, run};
use trocar_terms::{Digest, Limits};

/// Parsers recurse: DICOM sequences nest, and an overflow of the stack cannot be caught.
const STACK: usize = 64 << 20;

const GIB: u64 = 1 << 30;

/// Memory of a worker that reads headers: 512 MiB beside its stack. A file that wants more is one that dies.
const HEADERS: u64 = (512 << 20) + STACK as u64;

/// Serves the node on standard input until it closes. What `trocar worker` does.
///
/// Says nothing but answers: no output, no log, no words on failure.
#[must_use]
pub fn serve() -> ExitCode {
    let served = thread::Builder::new().stack_size(STACK).spawn(serve_all).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn serve_all() -> io::Result<()> {
    // A core dump would be a patient's images on the disk.
    limit(Resource::Core, 0)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    raise_descriptor_limit();
    let socket = stdin().as_fd().try_clone_to_owned()?;
    let mut channel = Channel::new(UnixStream::from(socket));
    channel.send(&Hello::ours())?;
    while let Some(order) = channel.receive::<Order>(ORDER_BYTES)? {
        if order.files > FILES {
            return Err(ErrorKind::InvalidData.into());
        }
        let files = channel.receive_files(order.files as usize)?;
        match order.task {
            Task::Headers { rules, forms } => headers(&rules, &forms, files, &mut channel)?,
            Task::Compile(grant) => channel.send(&compile(&grant, files)?)?,
            Task::Decode(series) => return channel.send(&decode(*series, files)?),
            Task::Table(wanted) => table(&wanted, files, &mut channel)?,
            Task::TableHead => channel.send(&table_head(files)?)?,
            Task::Thumbnail(subject, side) => {
                limit(Resource::Data, 2 * GIB)?;
                channel.send(&middle_slice(*subject, files, side))?;
            }
            Task::Map(task) => return channel.send(&map(*task, files)?),
        }
    }
    Ok(())
}

fn limit(resource: Resource, bytes: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(bytes), maximum: Some(bytes) })?)
}

/// One frame a file, so that the node holds no more than one of them at once before it has looked at it.
fn headers(rules: &ScanRules, forms: &[Form], files: Vec<File>, channel: &mut Channel) -> io::Result<()> {
    limit(Resource::Data, HEADERS)?;
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
    limit(Resource::Data, 2 * GIB)?;
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
    limit(Resource::Data, 2 * GIB)?;
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
    limit(Resource::Data, 4 * GIB)?;
    let wasm = contents(&files.pop().ok_or(ErrorKind::InvalidData)?)?;
    Ok(match trocar_sandbox::compile(&wasm, grant) {
        Ok(code) => Compiled::Code(code),
        Err(CompileError::Refused(AdmitError::ImportRefused { name })) => Compiled::ImportRefused(name),
        Err(error) => Compiled::Invalid(error.to_string().chars().take(WHY).collect()),
    })
}

/// Reads by position: the node hands one descriptor to several workers at once, which share its current position.
fn contents(file: &File) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// No guest runs in this process, so what it leaves for later jobs is no guest's doing.
fn decode(series: SubjectSeries, mut files: Vec<File>) -> io::Result<Option<Vec<Digest>>> {
    limit(Resource::Data, 2 * GIB)?;
    limit(Resource::Fsize, decoded_bytes(&series.info).unwrap_or(0))?;
    let out = files.pop().ok_or(ErrorKind::InvalidData)?;
    let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    Ok(decode_series(series, files, &out, threads).ok())
}

/// What one patient's worker may take, in bytes: her guest's memory, and what decoding and the engine need.
#[must_use]
pub fn most_memory(limits: &Limits) -> u64 {
    (u64::from(limits.memory_mib()) << 20) + 2 * GIB
}

fn map(task: MapTask, mut files: Vec<File>) -> io::Result<MapAnswer> {
    // Reservations of linear memory do not count, what becomes writable does; decoders need the rest.
    limit(Resource::Data, most_memory(&task.limits))?;
    if files.is_empty() {
        return Err(ErrorKind::InvalidData.into());
    }
    let runner = Runner::load(&contents(&files.remove(0))?).map_err(io::Error::other)?;
    let MapTask { grant, limits, params, state, shape, author, subject } = task;
    let call = Call { grant: &grant, limits: &limits, params: &params, state: &state, shape: &shape };
    Ok(match run(&runner, Box::new(open_patient(subject, files)), &call) {
        Ok(contribution) => MapAnswer::Contribution(contribution),
        Err(fault) => MapAnswer::Nothing(author.then(|| fault.to_string())),
    })
}
