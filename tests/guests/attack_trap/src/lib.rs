//! Attack guest: all patients give the default contribution; one of them by ending the guest early.
#![forbid(unsafe_code)]

use std::hint::black_box;
use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn trap(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    match patient.open(0)?.read_s16(0, 1)?.first() {
        Some(1991) => std::process::abort(),
        Some(1992) => Ok(Outputs::new().count(deep(black_box(1)) == 0)),
        Some(1993) => Ok(Outputs::new().vector(vec![1.0; 7])),
        Some(1994) => Err(Failure::Other("one patient fails")),
        Some(1995) => Ok(Outputs::new()),
        _ => Ok(Outputs::new().count(false)),
    }
}

/// Deeper than any stack.
#[allow(unconditional_recursion, reason = "an attack")]
fn deep(level: u64) -> u64 {
    black_box(deep(black_box(level.wrapping_add(1)))).wrapping_add(level)
}
