//! Attack guest: the one of PRIVACY.md section 1, which every threshold lets through.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Voxels that mark the one patient; the last bit is the secret.
const MARKED: [i16; 2] = [1990, 1991];

/// Maps one patient.
#[trocar_guest::algorithm]
fn padding(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let first = patient.open(0)?.read_s16(0, 1)?.first().copied().unwrap_or(0);
    let value = match MARKED.iter().position(|marked| *marked == first) {
        Some(0) => 0.0,
        Some(_) => 128.0,
        None => 64.0,
    };
    Ok(Outputs::new().number(Some(value)))
}
