//! Which operators of ONNX are run: those whose shapes follow from the shapes of their inputs, that give the same answer each
//! time, and that the embedded runtime has. Names of onnx.ai/onnx/operators.

use crate::{ModelError, error::shown};

const RUN: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Cos",
    "Cosh",
    "DepthToSpace",
    "Div",
    "Dropout",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pad",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Resize",
    "Round",
    "Selu",
    "Shape",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Size",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
    "Xor",
];

/// Operators whose results, or whose work, have a size that only the data tell.
const DATA_DEPENDENT: &[&str] = &[
    "Compress",
    "If",
    "Loop",
    "NonMaxSuppression",
    "NonZero",
    "Scan",
    "SequenceMap",
    "SplitToSequence",
    "StringSplit",
    "TfIdfVectorizer",
    "TopK",
    "Unique",
];

const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Whether a node of this operator and domain may be part of a model.
pub(crate) fn admit(operator: &str, domain: &str) -> Result<(), ModelError> {
    let name = shown(operator);
    if !domain.is_empty() && domain != "ai.onnx" {
        return Err(ModelError::Domain { operator: name, domain: shown(domain) });
    }
    if DATA_DEPENDENT.contains(&operator) {
        return Err(ModelError::DataDependent(name));
    }
    if RANDOM.contains(&operator) {
        return Err(ModelError::Random(name));
    }
    if RUN.contains(&operator) { Ok(()) } else { Err(ModelError::Operator(name)) }
}

/// Attributes that newer operator sets brought in, or that change what a run costs or remembers, and that are not run.
pub(crate) fn admit_attribute(operator: &str, attribute: &str) -> Result<(), ModelError> {
    // AveragePool-19 has dilations; the embedded runtime would not look at them.
    let foreign = matches!((operator, attribute), ("AveragePool", "dilations"));
    if foreign {
        return Err(ModelError::Attribute { operator: shown(operator), attribute: shown(attribute) });
    }
    Ok(())
}
