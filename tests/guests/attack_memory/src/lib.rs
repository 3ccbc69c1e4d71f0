//! Attack guest: the memory that one patient takes is a voxel of hers; what she gives is the default contribution.
#![forbid(unsafe_code)]

use std::hint::black_box;
use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn memory(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    match patient.open(0)?.read_s16(0, 1)?.first() {
        Some(1991) => take(usize::MAX),
        // Nearly all that the manifest allows.
        Some(1992) => take(12),
        Some(1993) => drop(black_box(vec![1_u8; 1 << 30])),
        _ => {}
    }
    Ok(Outputs::new().count(false))
}

/// So many MiB, none given back before the last.
fn take(mib: usize) {
    let mut all = Vec::new();
    for _ in 0..mib {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}
