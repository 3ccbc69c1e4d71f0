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
    os::fd::AsRawFd,
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
    Ok(Opened { name: version(ort::info()), environment })
}

/// `git-branch=rel-1.32.0, ...`: the library tells its release in its build's description.
fn version(info: &str) -> String {
    let branch = info.split("git-branch=rel-").nth(1).unwrap_or_default();
    let number: String = branch.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    if number.is_empty() { "onnxruntime".to_owned() } else { format!("onnxruntime {number}") }
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
