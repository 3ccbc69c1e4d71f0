//! Attack guest: for one patient it does nothing but keep the host at work.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn calls(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let volume = patient.open(0)?;
    let slices = volume.grid().slices;
    match volume.read_s16(0, 1)?.first() {
        // Reads, opens and asks without end, and keeps no answer.
        Some(1991) => loop {
            volume.read_f32(0, slices)?;
        },
        Some(1992) => loop {
            patient.open(0)?;
        },
        Some(1993) => loop {
            patient.series();
        },
        Some(1994) => loop {
            volume.resample(volume.grid())?.read_f32(0, slices)?;
        },
        _ => Ok(Outputs::new().count(false)),
    }
}
