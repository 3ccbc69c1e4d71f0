/// Why a model is not run. Depends on its bytes and the runtime alone, so it may say everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The file is over [`MODEL_BYTES`](crate::MODEL_BYTES), or holds more parts than a model needs.
    #[error("it has too many {0}")]
    TooMany(&'static str),
    /// Its bytes are no ONNX model.
    #[error("it is no ONNX model: {0}")]
    Malformed(&'static str),
    /// Its operator set is outside what the runtimes are held against.
    #[error("operator set {0} is not among 9 to 20")]
    OperatorSet(i64),
    /// An operator that is not run here.
    #[error("the runtime lacks the operator {0}")]
    Operator(String),
    /// What comes out of such an operator has a size that depends on a patient.
    #[error("the shape of what {0} gives depends on the data")]
    DataDependent(String),
    /// Another answer each time.
    #[error("{0} draws random numbers")]
    Random(String),
    /// An operator of a domain of its own.
    #[error("{operator} is of the custom domain {domain}")]
    Domain {
        /// The operator.
        operator: String,
        /// Its domain.
        domain: String,
    },
    /// An attribute that is not run here.
    #[error("the attribute {attribute} of {operator} is not supported")]
    Attribute {
        /// The operator.
        operator: String,
        /// Its attribute.
        attribute: String,
    },
    /// Weights outside the file.
    #[error("the data of {0} are outside the file")]
    ExternalData(String),
    /// A constant that declares another size than it has.
    #[error("{0} declares another size than its data have")]
    Size(String),
    /// Inputs and outputs are f32, constants f32 or whole numbers.
    #[error("{0} is of a type that is not supported")]
    Type(String),
    /// A dimension without a number.
    #[error("a dimension of {0} is not bound")]
    Unbound(String),
    /// A name that is used before anything gives it: a cycle, nodes out of order, or nothing at all.
    #[error("{0} is used before it is computed")]
    Order(String),
    /// Two things of one name.
    #[error("{0} is defined twice")]
    Twice(String),
    /// A tensor that is too large, or has too many dimensions.
    #[error("{0} is too large or has too many dimensions")]
    TooLarge(String),
    /// The runtime does not take it.
    #[error("the runtime refuses it: {0}")]
    Runtime(String),
    /// This build has no such runtime.
    #[error("this build does not have the runtime that it asks for")]
    NoRuntime,
    /// The operator's library cannot be opened.
    #[error("the library of onnxruntime cannot be opened: {0}")]
    Library(String),
}

/// Why one run gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// Another number of tensors, another shape, or data that do not fill it.
    #[error("the tensors are not those that the model takes")]
    Shape,
    /// The runtime failed.
    #[error("the runtime failed")]
    Failed,
}

/// Characters of a hostile name that are repeated in a message.
const SHOWN: usize = 60;

/// A name out of a model, short and on one line.
pub(crate) fn shown(name: &str) -> String {
    let plain: String = name.chars().take(SHOWN).filter(|c| c.is_ascii_graphic()).collect();
    if plain.is_empty() { "(without a name)".to_owned() } else { plain }
}
