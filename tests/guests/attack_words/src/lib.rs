//! Attack guest: puts voxels in every word that a guest can say.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
#[allow(clippy::panic, reason = "an attack")]
fn words(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let voxels: Vec<i16> = patient.open(0)?.read_s16(0, 1)?.into_iter().take(33).collect();
    let text = format!("{voxels:?}");
    match voxels.first() {
        // The text of a name that the host does not know.
        Some(1991) => patient.column(&text).map(|_| Outputs::new().count(false)).map_err(Failure::from),
        Some(1992) => panic!("{text}"),
        Some(1993) => patient.attribute(0, &text).map(|_| Outputs::new().count(false)).map_err(Failure::from),
        _ => Ok(Outputs::new().count(false)),
    }
}
