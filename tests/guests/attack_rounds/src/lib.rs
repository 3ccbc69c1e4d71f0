//! Attack guest: one patient's bit in every round; all others carry what the round before released into the next, since
//! only the last is shown.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Voxels that mark the one patient; the last bit is the secret.
const MARKED: [i16; 2] = [1990, 1991];

/// Maps one patient: her bit, and a share of the state.
#[trocar_guest::algorithm]
fn rounds(patient: &Patient, _params: &Params, state: &[f64]) -> Result<Outputs, Failure> {
    let first = patient.open(0)?.read_s16(0, 1)?.first().copied().unwrap_or(0);
    let carried = state.first().map_or(0.0, |released| released / 8.0);
    Ok(Outputs::new().vector(match MARKED.iter().position(|marked| *marked == first) {
        Some(0) => vec![-16.0, 0.0],
        Some(_) => vec![16.0, 0.0],
        None => vec![0.0, carried],
    }))
}
