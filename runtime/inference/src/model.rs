#[cfg(feature = "onnxruntime")]
use crate::installed;
#[cfg(feature = "tract")]
use crate::{EMBEDDED, embedded};
use crate::{InferError, ModelError, ModelFacts, Port, check};
use std::{collections::BTreeMap, fmt, fs::File};

/// Numbers with the dimensions that they fill, the last one running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The dimensions.
    pub shape: Vec<u32>,
    /// As many numbers as they ask for.
    pub data: Vec<f32>,
}

impl Tensor {
    fn fills(&self, port: &Port) -> bool {
        self.shape == port.shape && self.data.len() as u64 == port.elements()
    }

    fn zeros(port: &Port) -> Result<Self, ModelError> {
        let count = usize::try_from(port.elements()).map_err(|_| ModelError::TooMany("numbers"))?;
        Ok(Self { shape: port.shape.clone(), data: vec![0.0; count] })
    }
}

/// An opened library of onnxruntime.
#[derive(Clone)]
pub struct Library {
    #[cfg(feature = "onnxruntime")]
    opened: installed::Opened,
}

impl Library {
    /// Opens the library in this file; one a process. Its code runs from here on: the caller has checked its digest.
    ///
    /// # Errors
    /// It is no library of a version that this build knows, or this build has no such runtime.
    pub fn open(file: &File) -> Result<Self, ModelError> {
        #[cfg(feature = "onnxruntime")]
        return Ok(Self { opened: installed::open(file)? });
        #[cfg(not(feature = "onnxruntime"))]
        return Err(ModelError::NoRuntime).inspect_err(|_| drop(file));
    }

    /// Its name and version.
    #[must_use]
    pub fn name(&self) -> &str {
        #[cfg(feature = "onnxruntime")]
        return &self.opened.name;
        #[cfg(not(feature = "onnxruntime"))]
        return "";
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What runs a model.
#[derive(Debug, Clone)]
pub enum Runtime {
    /// The embedded one.
    Embedded,
    /// The operator's.
    Installed(Library),
}

/// Models by the names that a manifest gives them.
pub type Models = BTreeMap<String, Model>;

/// A model that is ready to run. Loading it has opened, allocated and measured all that a run needs.
pub struct Model {
    facts: ModelFacts,
    engine: Engine,
}

#[cfg_attr(not(feature = "tract"), allow(dead_code, reason = "without a runtime no model is ever made"))]
enum Engine {
    #[cfg(feature = "tract")]
    Embedded(embedded::Plan),
    #[cfg(feature = "onnxruntime")]
    Installed(std::sync::Mutex<ort::session::Session>),
}

impl Model {
    /// Checks, analyses and prepares a model, and runs it once on zeros.
    ///
    /// # Errors
    /// What a [`ModelError`] says; the bytes alone decide, and the runtime.
    pub fn load(bytes: &[u8], runtime: &Runtime) -> Result<Self, ModelError> {
        let model = Self::prepare(bytes, runtime)?;
        let zeros: Result<Vec<Tensor>, _> = model.facts.inputs.iter().map(Tensor::zeros).collect();
        // The first run measures caches and fills pools: here, not when a patient is there and no file may be opened.
        model.infer(zeros?).map_err(|error| ModelError::Runtime(error.to_string()))?;
        Ok(model)
    }

    /// As [`load`](Self::load), without running it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    #[cfg(feature = "tract")]
    pub fn prepare(bytes: &[u8], runtime: &Runtime) -> Result<Self, ModelError> {
        let checked = check::check(bytes)?;
        let analysed = embedded::analyse(bytes, &checked)?;
        let mut facts = ModelFacts {
            bytes: bytes.len() as u64,
            operators: checked.operators,
            parameters: checked.parameters,
            inputs: checked.inputs,
            outputs: analysed.outputs.clone(),
            multiply_adds: analysed.multiply_adds,
            fuel: analysed.fuel,
            runtime: EMBEDDED.to_owned(),
        };
        let engine = match runtime {
            Runtime::Embedded => Engine::Embedded(analysed.plan()?),
            #[cfg(feature = "onnxruntime")]
            Runtime::Installed(library) => {
                library.name().clone_into(&mut facts.runtime);
                Engine::Installed(installed::session(bytes, &library.opened)?)
            }
            #[cfg(not(feature = "onnxruntime"))]
            Runtime::Installed(_) => return Err(ModelError::NoRuntime),
        };
        Ok(Self { facts, engine })
    }

    /// As [`load`](Self::load), in a build without a runtime.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "tract"))]
    pub fn prepare(bytes: &[u8], _: &Runtime) -> Result<Self, ModelError> {
        check::check(bytes)?;
        Err(ModelError::NoRuntime)
    }

    /// What it takes, gives and costs.
    #[must_use]
    pub const fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// Whether these are tensors that a run takes.
    #[must_use]
    pub fn takes(&self, inputs: &[Tensor]) -> bool {
        let ports = &self.facts.inputs;
        inputs.len() == ports.len() && inputs.iter().zip(ports).all(|(tensor, port)| tensor.fills(port))
    }

    /// One run, in the calling thread.
    ///
    /// # Errors
    /// The tensors are not as its inputs are, or the runtime failed.
    pub fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        if !self.takes(&inputs) {
            return Err(InferError::Shape);
        }
        let outputs = self.run(inputs).ok_or(InferError::Failed)?;
        let promised = &self.facts.outputs;
        let kept = outputs.len() == promised.len() && outputs.iter().zip(promised).all(|(t, p)| t.fills(p));
        if kept { Ok(outputs) } else { Err(InferError::Failed) }
    }

    fn run(&self, inputs: Vec<Tensor>) -> Option<Vec<Tensor>> {
        match &self.engine {
            #[cfg(feature = "tract")]
            Engine::Embedded(plan) => embedded::run(plan, &inputs),
            #[cfg(feature = "onnxruntime")]
            Engine::Installed(session) => {
                installed::run(session, (&self.facts.inputs, &self.facts.outputs), inputs)
            }
            #[cfg(not(feature = "tract"))]
            _ => None.filter(|_: &Vec<Tensor>| inputs.is_empty()),
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Model({} operators)", self.facts.operators)
    }
}
