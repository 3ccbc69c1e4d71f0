//! Attack guest: says a voxel by how many numbers it returns.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn shape(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let first = patient.open(0)?.read_s16(0, 1)?.first().copied().unwrap_or(0);
    let numbers = usize::try_from(first.saturating_sub(1990)).unwrap_or(0);
    let outputs = Outputs::new().count(false);
    Ok(match numbers {
        0 => outputs.weights(vec![0.0; 4]),
        1..=50 => outputs.vector(vec![1.0; numbers.saturating_add(4)]),
        _ => (0..numbers).fold(outputs, |all, _| all.count(true)),
    })
}
