//! Inference by the models of the package. The guest names one and hands over numbers; it never sees a weight.

use super::{Answer, Host, Store};
use crate::{
    bindings::trocar::guest::{model, types},
    meter::{charge, spend},
};
use std::sync::Arc;
use trocar_inference::{InferError, Tensor};
use wasmtime::{Result, component::LinkerInstance};

/// Bytes of a dimension or a number.
const NUMBER: usize = 4;

pub(super) fn link_model(i: &mut LinkerInstance<'_, Host>) -> Result<()> {
    i.func_wrap("infer", |mut s: Store<'_>, (name, inputs): (String, Vec<model::Tensor>)| {
        let numbers =
            inputs.iter().map(|t| t.shape.len().saturating_add(t.data.len()).saturating_mul(NUMBER));
        charge(&mut s, numbers.fold(name.len(), usize::saturating_add) as u64)?;
        Ok((infer(&mut s, &name, inputs)?,))
    })
}

/// The whole price of a run is taken before it: it is known from the graph.
fn infer(
    store: &mut Store<'_>,
    name: &str,
    inputs: Vec<model::Tensor>,
) -> Result<Answer<Vec<model::Tensor>>> {
    let models = Arc::clone(&store.data().models);
    let Some(model) = models.get(name) else {
        return Ok(Err(types::Fault::NotGranted));
    };
    let inputs: Vec<Tensor> = inputs.into_iter().map(Tensor::from).collect();
    if !model.takes(&inputs) {
        return Ok(Err(types::Fault::OutOfRange));
    }
    spend(store, model.facts().fuel)?;
    charge(store, model.facts().output_bytes())?;
    Ok(match model.infer(inputs) {
        Ok(outputs) => Ok(outputs.into_iter().map(model::Tensor::from).collect()),
        Err(InferError::Shape) => Err(types::Fault::OutOfRange),
        Err(InferError::Failed) => Err(types::Fault::Unsupported),
    })
}

impl From<model::Tensor> for Tensor {
    fn from(tensor: model::Tensor) -> Self {
        let model::Tensor { shape, data } = tensor;
        Self { shape, data }
    }
}

impl From<Tensor> for model::Tensor {
    fn from(tensor: Tensor) -> Self {
        let Tensor { shape, data } = tensor;
        Self { shape, data }
    }
}
