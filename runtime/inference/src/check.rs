//! The rules that a graph is held to before a runtime sees it.

use crate::{
    MODEL_BYTES, ModelError, Port,
    error::shown,
    onnx::{self, Declared, FLOAT, Graph},
};
use std::collections::BTreeSet;

/// Inputs and outputs of a model, each.
const PORTS: usize = 16;
/// Elements of one tensor: 1 GiB of f32.
pub(crate) const ELEMENTS: u64 = 1 << 28;

/// What is known of a graph before its shapes are followed.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) operators: u64,
    pub(crate) parameters: u64,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<String>,
}

/// Reads a model and holds it against every rule that needs no runtime.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn check(bytes: &[u8]) -> Result<Checked, ModelError> {
    if bytes.len() > MODEL_BYTES {
        return Err(ModelError::TooMany("bytes"));
    }
    let graph = onnx::read(bytes)?;
    let inputs = inputs(&graph)?;
    order(&graph)?;
    let parameters = graph.constants.iter().fold(0_u64, |sum, c| sum.saturating_add(c.elements));
    let operators = graph.nodes.len() as u64;
    Ok(Checked { operators, parameters, inputs, outputs: outputs(&graph)? })
}

/// The inputs that are not constants: f32, with each dimension bound. An open first one is a batch, of one here.
fn inputs(graph: &Graph<'_>) -> Result<Vec<Port>, ModelError> {
    let constants: BTreeSet<&str> = graph.constants.iter().map(|c| c.name).collect();
    let open: Vec<_> = graph.inputs.iter().filter(|input| !constants.contains(input.name)).collect();
    if open.is_empty() || open.len() > PORTS {
        return Err(ModelError::TooMany("inputs, or none,"));
    }
    open.into_iter().map(input).collect()
}

fn input(declared: &Declared<'_>) -> Result<Port, ModelError> {
    if declared.kind != FLOAT {
        return Err(ModelError::Type(shown(declared.name)));
    }
    let mut shape = Vec::new();
    for (at, dimension) in declared.shape.iter().enumerate() {
        let bound = dimension.or((at == 0).then_some(1));
        let bound = bound.ok_or_else(|| ModelError::Unbound(shown(declared.name)))?;
        shape.push(u32::try_from(bound).map_err(|_| ModelError::TooLarge(shown(declared.name)))?);
    }
    let port = Port { name: declared.name.to_owned(), shape };
    if port.elements() > ELEMENTS {
        return Err(ModelError::TooLarge(shown(declared.name)));
    }
    Ok(port)
}

fn outputs(graph: &Graph<'_>) -> Result<Vec<String>, ModelError> {
    if graph.outputs.is_empty() || graph.outputs.len() > PORTS {
        return Err(ModelError::TooMany("outputs, or none,"));
    }
    let given = |output: &Declared<'_>| match output.kind {
        FLOAT => Ok(output.name.to_owned()),
        _ => Err(ModelError::Type(shown(output.name))),
    };
    graph.outputs.iter().map(given).collect()
}

/// Each name is defined once, before it is used (ONNX IR: nodes are sorted topologically); so there is no cycle.
fn order(graph: &Graph<'_>) -> Result<(), ModelError> {
    let mut known = BTreeSet::new();
    for constant in &graph.constants {
        define(&mut known, constant.name)?;
    }
    // A constant may be listed among the inputs too.
    let constants = known.clone();
    for input in graph.inputs.iter().filter(|input| !constants.contains(input.name)) {
        define(&mut known, input.name)?;
    }
    for node in &graph.nodes {
        let absent = node.inputs.iter().find(|name| !name.is_empty() && !known.contains(*name));
        if let Some(name) = absent {
            return Err(ModelError::Order(shown(name)));
        }
        if node.outputs.first().is_none_or(|name| name.is_empty()) {
            return Err(ModelError::Malformed("a node that gives nothing"));
        }
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            define(&mut known, name)?;
        }
    }
    match graph.outputs.iter().find(|output| !known.contains(output.name)) {
        Some(output) => Err(ModelError::Order(shown(output.name))),
        None => Ok(()),
    }
}

fn define<'a>(known: &mut BTreeSet<&'a str>, name: &'a str) -> Result<(), ModelError> {
    if name.is_empty() {
        return Err(ModelError::Malformed("a tensor without a name"));
    }
    if known.insert(name) { Ok(()) } else { Err(ModelError::Twice(shown(name))) }
}
