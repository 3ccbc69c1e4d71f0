//! Attack guest: tries to decide every sum alone.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn poison(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let whole = i64::MAX as f64;
    let largest = match patient.open(0)?.read_s16(0, 1)?.first() {
        Some(1991) => whole,
        Some(1992) => f64::MAX,
        Some(1993) => f64::INFINITY,
        Some(1994) => -whole,
        _ => 0.0,
    };
    Ok(Outputs::new().vector(vec![largest]).number(Some(largest)).vector(vec![largest; 5]))
}
