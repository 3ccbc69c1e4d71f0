//! tract: follows the shapes of every model, prices it, and runs it where the policy names no other runtime.

use crate::{
    ModelError, Port, Tensor,
    check::{Checked, ELEMENTS},
    error::shown,
    facts::{ELEMENT, MULTIPLY_ADD, NODE},
    onnx::RANK,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::{
    internal::Cost,
    ops::{
        cnn::{Conv, Deconv, MaxPool, PoolSpec, SumPool},
        einsum::EinSum,
    },
};

/// A model with all its shapes, and what follows from them.
pub(crate) struct Analysed {
    typed: TypedModel,
    pub(crate) outputs: Vec<Port>,
    pub(crate) multiply_adds: u64,
    pub(crate) fuel: u64,
}

/// A model that is ready to run.
pub(crate) type Plan = Arc<TypedRunnableModel>;

/// Characters of tract's reason.
const WHY: usize = 300;

/// tract panics on some graphs that no exporter writes; for one it is as good as an error.
fn guarded<T>(body: impl FnOnce() -> TractResult<T>) -> Result<T, ModelError> {
    let words = |error: TractError| {
        let all = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        ModelError::Runtime(all.chars().take(WHY).map(|c| if c.is_control() { ' ' } else { c }).collect())
    };
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(done) => done.map_err(words),
        Err(_) => Err(ModelError::Runtime("it cannot be analysed".to_owned())),
    }
}

/// Follows the shapes from the inputs on; every one of them must come out as numbers.
pub(crate) fn analyse(bytes: &[u8], checked: &Checked) -> Result<Analysed, ModelError> {
    let typed = guarded(|| typed(bytes, &checked.inputs))?;
    let (multiply_adds, fuel) = price(&typed)?;
    let outputs = outputs(&typed, &checked.outputs)?;
    Ok(Analysed { typed, outputs, multiply_adds, fuel })
}

fn typed(bytes: &[u8], inputs: &[Port]) -> TractResult<TypedModel> {
    // What the file says of shapes within is the author's word; they are followed here instead.
    let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let mut reader = bytes;
    let mut model = onnx.model_for_read(&mut reader)?;
    for (at, port) in inputs.iter().enumerate() {
        let shape: TVec<usize> = port.shape.iter().map(|dim| *dim as usize).collect();
        model.set_input_fact(at, f32::fact(shape).into())?;
    }
    model.into_typed()
}

fn outputs(typed: &TypedModel, names: &[String]) -> Result<Vec<Port>, ModelError> {
    let port = |(at, name): (usize, &String)| {
        let fact = guarded(|| typed.output_fact(at).cloned())?;
        if fact.datum_type != f32::datum_type() {
            return Err(ModelError::Type(shown(name)));
        }
        volume(&fact, name)?;
        let dims = fact.shape.as_concrete().unwrap_or_default();
        let shape = dims.iter().map(|dim| u32::try_from(*dim));
        let shape: Result<Vec<u32>, _> = shape.collect();
        Ok(Port { name: name.clone(), shape: shape.map_err(|_| ModelError::TooLarge(shown(name)))? })
    };
    names.iter().enumerate().map(port).collect()
}

/// Elements of a tensor within the model, which must be known and bearable.
fn volume(fact: &TypedFact, name: &str) -> Result<u64, ModelError> {
    let dims = fact.shape.as_concrete().ok_or_else(|| ModelError::Unbound(shown(name)))?;
    let elements = dims.iter().fold(1_u64, |product, dim| product.saturating_mul(*dim as u64));
    if dims.len() > RANK || elements > ELEMENTS {
        return Err(ModelError::TooLarge(shown(name)));
    }
    Ok(elements)
}

/// Multiply-adds and fuel, over the graph as it was written: what optimisers of runtimes make of it depends on the machine.
fn price(typed: &TypedModel) -> Result<(u64, u64), ModelError> {
    let (mut adds, mut fuel) = (0_u64, 0_u64);
    for node in &typed.nodes {
        let inputs =
            guarded(|| Ok(typed.node_input_facts(node.id)?.into_iter().cloned().collect::<Vec<_>>()))?;
        let mut elements = 0_u64;
        for fact in inputs.iter().chain(node.outputs.iter().map(|outlet| &outlet.fact)) {
            elements = elements.saturating_add(volume(fact, &node.name)?);
        }
        let given = node.outputs.iter().map(|o| volume(&o.fact, &node.name)).sum_all()?;
        let work = work(node, &inputs, given)?;
        adds = adds.saturating_add(work);
        fuel = fuel
            .saturating_add(work.saturating_mul(MULTIPLY_ADD))
            .saturating_add(elements.saturating_mul(ELEMENT))
            .saturating_add(NODE);
    }
    Ok((adds, fuel))
}

/// A sum that ends at the first error.
trait SumAll {
    fn sum_all(self) -> Result<u64, ModelError>;
}

impl<I: Iterator<Item = Result<u64, ModelError>>> SumAll for I {
    fn sum_all(mut self) -> Result<u64, ModelError> {
        self.try_fold(0_u64, |sum, n| Ok(sum.saturating_add(n?)))
    }
}

/// Multiply-adds of a node. tract counts those of convolutions and products; of pools and transposed convolutions it does not. What
/// other operators do is paid by the elements that they read and write.
fn work(node: &TypedNode, inputs: &[TypedFact], given: u64) -> Result<u64, ModelError> {
    let window = |spec: &PoolSpec| {
        spec.kernel_shape.iter().fold(1_u64, |product, k| product.saturating_mul(*k as u64))
    };
    if let Some(pool) = node.op_as::<MaxPool>() {
        return Ok(given.saturating_mul(window(&pool.pool_spec)));
    }
    if let Some(pool) = node.op_as::<SumPool>() {
        return Ok(given.saturating_mul(window(&pool.pool_spec)));
    }
    if let Some(deconv) = node.op_as::<Deconv>() {
        let taken = inputs.first().map_or(Ok(0), |fact| volume(fact, &node.name))?;
        let each =
            (deconv.pool_spec.output_channels as u64).checked_div(deconv.group as u64).unwrap_or(1).max(1);
        return Ok(taken.saturating_mul(window(&deconv.pool_spec)).saturating_mul(each));
    }
    if node.op_is::<Conv>() || node.op_is::<EinSum>() { counted(node, inputs) } else { Ok(0) }
}

fn counted(node: &TypedNode, inputs: &[TypedFact]) -> Result<u64, ModelError> {
    let inputs: Vec<&TypedFact> = inputs.iter().collect();
    let costs = guarded(|| node.op.cost(&inputs))?;
    costs
        .iter()
        .filter(|(kind, _)| matches!(kind, Cost::FMA(_)))
        .map(|(_, count)| {
            let count = count.to_i64().ok().and_then(|count| u64::try_from(count).ok());
            count.ok_or_else(|| ModelError::DataDependent(shown(&node.name)))
        })
        .sum_all()
}

impl Analysed {
    /// Makes it ready to run on this machine, in the calling thread alone.
    pub(crate) fn plan(self) -> Result<Plan, ModelError> {
        guarded(|| self.typed.into_optimized()?.into_runnable())
    }
}

/// One run. The tensors have been held against the model's inputs.
pub(crate) fn run(plan: &Plan, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let values = inputs.iter().map(value).collect::<Option<TVec<TValue>>>()?;
    let outputs = plan.run(values).ok()?;
    outputs.iter().map(tensor).collect()
}

fn value(tensor: &Tensor) -> Option<TValue> {
    let shape: TVec<usize> = tensor.shape.iter().map(|dim| *dim as usize).collect();
    Some(tract_onnx::prelude::Tensor::from_shape(&shape, &tensor.data).ok()?.into_tvalue())
}

fn tensor(value: &TValue) -> Option<Tensor> {
    let shape: Option<Vec<u32>> = value.shape().iter().map(|dim| u32::try_from(*dim).ok()).collect();
    let data = value.to_plain_array_view::<f32>().ok()?.iter().copied().collect();
    Some(Tensor { shape: shape?, data })
}
