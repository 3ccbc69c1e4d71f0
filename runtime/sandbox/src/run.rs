use crate::{Grant, Runner, bindings::trocar::guest::types::Param, host::Host, meter::OutOfMemory};
use std::sync::Arc;
use trocar_filter::{Contribution, Untrusted};
use trocar_inference::Models;
use trocar_terms::{Limits, Patient, Value};
use wasmtime::{Store, Trap};

/// Bytes that a guest may hand to one host call: names and keywords.
const HOSTCALL_BYTES: usize = 64 << 10;

/// What one call of `map-patient` is given besides the patient. All required.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What the guest may reach.
    pub grant: &'a Grant,
    /// What it may use.
    pub limits: &'a Limits,
    /// The job's parameters.
    pub params: &'a [(String, Value)],
    /// The last round's released vector; empty in the first.
    pub state: &'a [f64],
    /// How many numbers each output has.
    pub shape: &'a [usize],
    /// The models that it may run, by the names that its manifest gives them.
    pub models: &'a Arc<Models>,
}

/// Why a patient's map gave nothing. Never leaves the node: every one of them means the default contribution.
#[derive(Debug, thiserror::Error)]
pub enum MapFault {
    /// All fuel is used.
    #[error("the guest used all its fuel")]
    Fuel,
    /// The guest asked for more memory than its limit.
    #[error("the guest asked for more memory than its limit")]
    Memory,
    /// The outputs are not as many, or not as long, as the manifest says.
    #[error("the guest returned {got:?} numbers for outputs of {want:?}")]
    Shape {
        /// Lengths that came.
        got: Vec<usize>,
        /// Lengths that the manifest declares.
        want: Vec<usize>,
    },
    /// Any other end: a trap, an abort, a result that breaks the canonical ABI.
    #[error("the guest failed: {0}")]
    Trap(String),
}

impl From<wasmtime::Error> for MapFault {
    fn from(error: wasmtime::Error) -> Self {
        if error.downcast_ref::<OutOfMemory>().is_some() {
            return Self::Memory;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::Fuel,
            _ => Self::Trap(format!("{error:#}")),
        }
    }
}

/// Maps one patient: a fresh store and guest instance, one call, everything dropped.
///
/// # Errors
/// Any [`MapFault`]; the caller then uses the default contribution.
pub fn run(
    runner: &Runner,
    patient: Box<dyn Patient>,
    call: &Call<'_>,
) -> Result<Untrusted<Contribution>, MapFault> {
    outputs(runner, patient, call).map(|outputs| Untrusted::new(Contribution(outputs)))
}

pub(crate) fn outputs(
    runner: &Runner,
    patient: Box<dyn Patient>,
    call: &Call<'_>,
) -> Result<Vec<Vec<f64>>, MapFault> {
    let mut store = Store::new(runner.engine(), Host::new(patient, call));
    store.limiter(|host| &mut host.meter);
    let lists = result_bytes(call.shape).max(tensor_bytes(call.models));
    store.set_hostcall_fuel(HOSTCALL_BYTES.saturating_add(lists));
    store.set_fuel(call.limits.fuel())?;
    let guest = runner.pre().instantiate(&mut store)?;
    let subject = store.data_mut().subject()?;
    let outputs = guest.call_map_patient(&mut store, subject, &params(call.params), call.state)?;
    check(outputs, call.shape)
}

/// Lists of a guest may overlap, so what they claim is bounded before it is copied; the price is that of `Vec`s.
fn result_bytes(shape: &[usize]) -> usize {
    let numbers = shape.iter().fold(0_usize, |sum, n| sum.saturating_add(*n));
    numbers.saturating_mul(size_of::<f64>()).saturating_add(shape.len().saturating_mul(size_of::<Vec<f64>>()))
}

/// What the tensors of one call of `model.infer` may claim: the inputs of the model that takes most.
fn tensor_bytes(models: &Models) -> usize {
    let most = models.values().map(|model| model.facts().input_bytes()).max().unwrap_or(0);
    usize::try_from(most).unwrap_or(usize::MAX)
}

fn check(outputs: Vec<Vec<f64>>, shape: &[usize]) -> Result<Vec<Vec<f64>>, MapFault> {
    let got: Vec<usize> = outputs.iter().map(Vec::len).collect();
    if got == shape { Ok(outputs) } else { Err(MapFault::Shape { got, want: shape.to_vec() }) }
}

fn params(given: &[(String, Value)]) -> Vec<Param> {
    given.iter().map(|(name, value)| Param { name: name.clone(), value: value.clone().into() }).collect()
}
