use serde::{Deserialize, Serialize};

/// What an operator is told of a model, and what a run of it costs. The same for one file under each runtime: the price comes
/// from the graph with its shapes, before any optimisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Bytes of the file.
    pub bytes: u64,
    /// Nodes of the graph.
    pub operators: u64,
    /// Numbers in its constants: weights.
    pub parameters: u64,
    /// What it takes, in order.
    pub inputs: Vec<Port>,
    /// What it gives, in order.
    pub outputs: Vec<Port>,
    /// Multiply-adds of one run.
    pub multiply_adds: u64,
    /// Fuel of one run.
    pub fuel: u64,
    /// The runtime with its version.
    pub runtime: String,
}

/// An input or output: a tensor of f32 of this very shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Its name in the graph.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<u32>,
}

impl Port {
    /// How many numbers it holds.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product, dim| product.saturating_mul(u64::from(*dim)))
    }
}

impl ModelFacts {
    /// Bytes of all that it takes.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        bytes(&self.inputs)
    }

    /// Bytes of all that it gives.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        bytes(&self.outputs)
    }
}

fn bytes(ports: &[Port]) -> u64 {
    ports.iter().fold(0, |sum, port| sum.saturating_add(port.elements().saturating_mul(4)))
}

/// Fuel for a multiply-add: the slowest convolution of the embedded runtime takes some nanosecond for one, and a unit of fuel
/// is worth 0.3 ns.
pub(crate) const MULTIPLY_ADD: u64 = 4;

/// Fuel for an element that an operator reads or writes: activations take up to 10 ns.
pub(crate) const ELEMENT: u64 = 32;

/// Fuel for a node, however little it does.
pub(crate) const NODE: u64 = 10_000;
