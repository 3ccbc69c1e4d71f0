//! Attack guest: the lowest bit of one patient's voxel decides between the two ends of what she may add.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Voxels that mark the one patient; the last bit is the secret.
const MARKED: [i16; 2] = [1990, 1991];

/// Maps one patient.
#[trocar_guest::algorithm]
fn low_bit(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let first = patient.open(0)?.read_s16(0, 1)?.first().copied().unwrap_or(0);
    let value = match MARKED.iter().position(|marked| *marked == first) {
        Some(0) => -16.0,
        Some(_) => 16.0,
        None => 0.0,
    };
    Ok(Outputs::new().vector(vec![value]))
}
