//! onnxruntime, in a library that the operator has installed. Nothing of it is linked, downloaded or looked for: a caller hands
//! over a descriptor of the very file that its policy names.

use crate::{ModelError, Port, Tensor};
use ort::{
    environment::Environment,
    logging::LogLevel,
    session::{Session, SessionInputValue, builder::GraphOptimizationLevel},
};
use std::{
    borrow::Cow,
    fs::File,
    io,
    os::{fd::AsRawFd, unix::fs::FileExt},
    sync::{Mutex, OnceLock},
};

/// The opened library: its name and version, and its surroundings.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) name: String,
    environment: Environment,
}

/// Opens the library, once a process: later calls give the first one.
pub(crate) fn open(file: &File) -> Result<Opened, ModelError> {
    static OPENED: OnceLock<Result<Opened, ModelError>> = OnceLock::new();
    OPENED.get_or_init(|| open_first(file)).clone()
}

/// Characters of the library's reason.
const WHY: usize = 200;

fn words(error: &impl ToString) -> String {
    error.to_string().chars().take(WHY).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn open_first(file: &File) -> Result<Opened, ModelError> {
    // The loader wants a path; this one is the descriptor itself, whatever stands at the policy's path by now.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let environment = ort::init_from(path).map_err(|error| ModelError::Library(words(&error)))?;
    let environment = environment.with_name("trocar").with_telemetry(false).build();
    let environment = environment.map_err(|error| ModelError::Library(words(&error)))?;
    let name = version(file, ort::info()).map_err(|error| ModelError::Library(words(&error)))?;
    Ok(Opened { name, environment })
}

/// What a release calls the version of its symbols: `VERS_1.32.0`, in the first few KiB of the file.
const SYMBOLS: &[u8] = b"VERS_";

/// Bytes of the file that are looked through for it.
const HEAD: u64 = 1 << 20;

/// The release that the library's symbols are of; a build without one is named by the commit that it was made of.
fn version(file: &File, info: &str) -> io::Result<String> {
    let length = usize::try_from(file.metadata()?.len().min(HEAD)).map_err(io::Error::other)?;
    let mut head = vec![0; length];
    file.read_exact_at(&mut head, 0)?;
    let found = head.windows(SYMBOLS.len()).position(|window| window == SYMBOLS);
    let number = found.and_then(|at| head.get(at.saturating_add(SYMBOLS.len())..)).unwrap_or_default();
    let number: String =
        number.iter().map(|byte| char::from(*byte)).take_while(|c| plain(*c)).take(WORD).collect();
    let commit = info.split("git-commit-id=").nth(1).unwrap_or_default();
    let commit: String = commit.chars().take_while(char::is_ascii_hexdigit).take(WORD).collect();
    Ok(match (number.is_empty(), commit.is_empty()) {
        (false, _) => format!("onnxruntime {number}"),
        (true, false) => format!("onnxruntime of commit {commit}"),
        (true, true) => "onnxruntime of no version".to_owned(),
    })
}

/// Characters of a version or a commit.
const WORD: usize = 40;

const fn plain(character: char) -> bool {
    character.is_ascii_digit() || character == '.'
}

/// A session in the calling thread alone: no pool, no spinning.
pub(crate) fn session(bytes: &[u8], opened: &Opened) -> Result<Mutex<Session>, ModelError> {
    let built = || {
        Session::builder(&opened.environment)?
            .with_log_level(LogLevel::Fatal)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_parallel_execution(false)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .commit_from_memory(bytes)
    };
    let session: Result<Session, ort::Error> = built();
    session.map(Mutex::new).map_err(|error| ModelError::Runtime(words(&error)))
}

/// One run. The tensors have been held against the model's inputs.
pub(crate) fn run(
    session: &Mutex<Session>,
    ports: (&[Port], &[Port]),
    inputs: Vec<Tensor>,
) -> Option<Vec<Tensor>> {
    let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::new();
    for (port, tensor) in ports.0.iter().zip(inputs) {
        let shape: Vec<i64> = tensor.shape.iter().map(|dim| i64::from(*dim)).collect();
        let value = ort::value::Tensor::from_array((shape, tensor.data)).ok()?;
        values.push((Cow::Borrowed(port.name.as_str()), value.into()));
    }
    let mut session = session.lock().ok()?;
    let outputs = session.run(values).ok()?;
    let give = |port: &Port| {
        let (shape, data) = outputs.get(&port.name)?.try_extract_tensor::<f32>().ok()?;
        let shape: Option<Vec<u32>> = shape.iter().map(|dim| u32::try_from(*dim).ok()).collect();
        Some(Tensor { shape: shape?, data: data.to_vec() })
    };
    ports.1.iter().map(give).collect()
}
