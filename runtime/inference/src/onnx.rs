//! What a model says of itself, read in place. Field numbers are those of onnx.proto (ONNX IR version 10).

use crate::{
    ModelError,
    error::shown,
    operators,
    wire::{Fields, Value},
};

/// Dimensions of a tensor.
pub(crate) const RANK: usize = 8;
/// Nodes, constants, names and attributes of a graph, each; a large network has some thousand.
const PARTS: usize = 20_000;

/// `TensorProto.DataType`.
pub(crate) const FLOAT: u64 = 1;

/// A graph without subgraphs; its constants hold the data that they declare.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) constants: Vec<Constant<'a>>,
    pub(crate) inputs: Vec<Declared<'a>>,
    pub(crate) outputs: Vec<Declared<'a>>,
}

#[derive(Debug, Default)]
pub(crate) struct Node<'a> {
    pub(crate) operator: &'a str,
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
}

#[derive(Debug, Default)]
pub(crate) struct Constant<'a> {
    pub(crate) name: &'a str,
    pub(crate) elements: u64,
}

/// An input or output as the graph declares it; `None` for a dimension without a number.
#[derive(Debug, Default)]
pub(crate) struct Declared<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: u64,
    pub(crate) shape: Vec<Option<u64>>,
}

fn push<T>(list: &mut Vec<T>, item: T, what: &'static str) -> Result<(), ModelError> {
    if list.len() >= PARTS {
        return Err(ModelError::TooMany(what));
    }
    list.push(item);
    Ok(())
}

/// The graph of a model, and the operator set that it is written in.
pub(crate) fn read(bytes: &[u8]) -> Result<Graph<'_>, ModelError> {
    let (mut found, mut set, mut others) = (None, None, 0_usize);
    for field in Fields(bytes) {
        match field? {
            (7, value) if found.is_none() => found = Some(graph(value.bytes()?)?),
            (7, _) => return Err(ModelError::Malformed("two graphs")),
            (8, value) => operator_set(value.bytes()?, &mut set)?,
            (20, _) => return Err(ModelError::Malformed("a graph for training")),
            (25, _) => return Err(ModelError::Malformed("functions of its own")),
            (_, _) => others = others.saturating_add(1),
        }
        if others > PARTS {
            return Err(ModelError::TooMany("properties"));
        }
    }
    match set {
        Some(9..=20) => found.ok_or(ModelError::Malformed("no graph")),
        other => Err(ModelError::OperatorSet(other.unwrap_or(0))),
    }
}

/// The version of the standard operators. Sets of other domains may be named as long as no node uses them.
fn operator_set(bytes: &[u8], set: &mut Option<i64>) -> Result<(), ModelError> {
    let (mut domain, mut version) = ("", 0);
    for field in Fields(bytes) {
        match field? {
            (1, value) => domain = value.text()?,
            (2, value) => version = value.number()?.cast_signed(),
            (_, _) => {}
        }
    }
    if domain.is_empty() || domain == "ai.onnx" {
        if set.is_some() {
            return Err(ModelError::Malformed("two operator sets"));
        }
        *set = Some(version);
    }
    Ok(())
}

fn graph(bytes: &[u8]) -> Result<Graph<'_>, ModelError> {
    let (mut graph, mut others) = (Graph::default(), 0_usize);
    for field in Fields(bytes) {
        match field? {
            (1, value) => push(&mut graph.nodes, node(value.bytes()?)?, "nodes")?,
            (5, value) => push(&mut graph.constants, tensor(value.bytes()?)?, "constants")?,
            (11, value) => push(&mut graph.inputs, declared(value.bytes()?)?, "inputs")?,
            (12, value) => push(&mut graph.outputs, declared(value.bytes()?)?, "outputs")?,
            // What it says of tensors within is not believed, but the runtimes parse it.
            (13, value) => drop(declared(value.bytes()?)?),
            (15, _) => return Err(ModelError::Malformed("sparse constants")),
            (_, _) => {}
        }
        others = others.saturating_add(1);
        if others > PARTS.saturating_mul(4) {
            return Err(ModelError::TooMany("parts"));
        }
    }
    Ok(graph)
}

fn node(bytes: &[u8]) -> Result<Node<'_>, ModelError> {
    let (mut node, mut domain, mut attributes) = (Node::default(), "", Vec::new());
    for field in Fields(bytes) {
        match field? {
            (1, value) => push(&mut node.inputs, value.text()?, "inputs of a node")?,
            (2, value) => push(&mut node.outputs, value.text()?, "outputs of a node")?,
            (4, value) => node.operator = value.text()?,
            (5, value) => push(&mut attributes, value.bytes()?, "attributes")?,
            (7, value) => domain = value.text()?,
            (8, _) => return Err(ModelError::Malformed("an overloaded operator")),
            (_, _) => {}
        }
    }
    operators::admit(node.operator, domain)?;
    for bytes in attributes {
        attribute(bytes, node.operator)?;
    }
    Ok(node)
}

/// No graphs, and tensors that hold what they declare.
fn attribute(bytes: &[u8], operator: &str) -> Result<(), ModelError> {
    let (mut name, mut parts) = ("", 0_usize);
    for field in Fields(bytes) {
        match field? {
            (1, value) => name = value.text()?,
            (5 | 10, value) => {
                tensor(value.bytes()?)?;
            }
            (6 | 11, _) => return Err(ModelError::DataDependent(shown(operator))),
            (14 | 15 | 21 | 22 | 23, _) => {
                return Err(ModelError::Attribute { operator: shown(operator), attribute: shown(name) });
            }
            (_, _) => {}
        }
        parts = parts.saturating_add(1);
        if parts > PARTS {
            return Err(ModelError::TooMany("values of an attribute"));
        }
    }
    operators::admit_attribute(operator, name)
}

/// Bytes of an element in `raw_data`, and the field that holds such elements otherwise, with the bytes of each there.
fn element(kind: u64) -> Option<(u64, u64, usize)> {
    Some(match kind {
        FLOAT => (4, 4, 4),
        2 | 3 | 9 => (1, 5, 0),
        6 => (4, 5, 0),
        7 => (8, 7, 0),
        11 => (8, 10, 8),
        _ => return None,
    })
}

/// A constant whose data are in the file, as many as its dimensions say.
fn tensor(bytes: &[u8]) -> Result<Constant<'_>, ModelError> {
    let (mut name, mut kind, mut dims) = ("", 0, Vec::new());
    let (mut raw, mut typed, mut outside) = (None, Vec::new(), false);
    for field in Fields(bytes) {
        match field? {
            (1, value) => value.numbers(&mut dims, RANK)?,
            (2, value) => kind = value.number()?,
            (8, value) => name = value.text()?,
            (9, value) => raw = Some(value.bytes()?),
            (13, _) => outside = true,
            (14, value) => outside |= value.number()? != 0,
            (3 | 6, _) => return Err(ModelError::Malformed("a tensor of segments or text")),
            (at @ (4 | 5 | 7 | 10 | 11), value) => push(&mut typed, (at, value), "values of a constant")?,
            (_, _) => {}
        }
    }
    if outside {
        return Err(ModelError::ExternalData(shown(name)));
    }
    let (size, field, packed) = element(kind).ok_or_else(|| ModelError::Type(shown(name)))?;
    let elements = volume(&dims).ok_or_else(|| ModelError::TooLarge(shown(name)))?;
    let held = match raw {
        Some(raw) if typed.is_empty() => {
            (raw.len() as u64).checked_div(size).filter(|n| n.checked_mul(size) == Some(raw.len() as u64))
        }
        Some(_) => None,
        None => counted(&typed, field, packed)?,
    };
    if held != Some(elements) {
        return Err(ModelError::Size(shown(name)));
    }
    Ok(Constant { name, elements })
}

/// Elements in the one field that this type is kept in; `None` where another has some.
fn counted(typed: &[(u64, Value<'_>)], field: u64, packed: usize) -> Result<Option<u64>, ModelError> {
    let mut sum = 0_u64;
    for (at, value) in typed {
        if *at != field {
            return Ok(None);
        }
        sum = sum.saturating_add(value.count(packed)?);
    }
    Ok(Some(sum))
}

fn volume(dims: &[i64]) -> Option<u64> {
    dims.iter().try_fold(1_u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?))
}

/// `ValueInfoProto`: a name, and a tensor's type.
fn declared(bytes: &[u8]) -> Result<Declared<'_>, ModelError> {
    let mut found = Declared::default();
    for field in Fields(bytes) {
        match field? {
            (1, value) => found.name = value.text()?,
            (2, value) => type_of(value.bytes()?, &mut found)?,
            (_, _) => {}
        }
    }
    Ok(found)
}

/// `TypeProto`: nothing but a tensor. Sequences, maps and optionals nest without an end.
fn type_of(bytes: &[u8], found: &mut Declared<'_>) -> Result<(), ModelError> {
    for field in Fields(bytes) {
        match field? {
            (1, value) => tensor_type(value.bytes()?, found)?,
            (6, _) => {}
            (_, _) => return Err(ModelError::Type(shown(found.name))),
        }
    }
    Ok(())
}

fn tensor_type(bytes: &[u8], found: &mut Declared<'_>) -> Result<(), ModelError> {
    for field in Fields(bytes) {
        match field? {
            (1, value) => found.kind = value.number()?,
            (2, value) => {
                for dimension in Fields(value.bytes()?) {
                    if let (1, value) = dimension? {
                        found.shape.push(dimension_of(value.bytes()?)?);
                    }
                    if found.shape.len() > RANK {
                        return Err(ModelError::TooLarge(shown(found.name)));
                    }
                }
            }
            (_, _) => {}
        }
    }
    Ok(())
}

fn dimension_of(bytes: &[u8]) -> Result<Option<u64>, ModelError> {
    let mut number = None;
    for field in Fields(bytes) {
        if let (1, value) = field? {
            number = Some(value.number()?);
        }
    }
    // 0 and below are what some writers put for a dimension that they do not know.
    Ok(number.filter(|n| (1..=u64::from(u32::MAX)).contains(n)))
}
