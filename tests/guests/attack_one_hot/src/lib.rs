//! Attack guest: only one patient fills a cell, and a voxel of hers says which.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// The first voxel of the one patient is this, or up to 3 more; at this one she fills no cell.
const MARKED: i16 = 1990;

/// Maps one patient.
#[trocar_guest::algorithm]
fn one_hot(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let first = patient.open(0)?.read_s16(0, 1)?.first().copied().unwrap_or(0);
    let cell = usize::try_from(first.saturating_sub(MARKED)).ok().filter(|cell| (1..4).contains(cell));
    Ok(Outputs::new().cell(4, cell))
}
