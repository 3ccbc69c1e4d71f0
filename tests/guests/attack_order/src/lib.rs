//! Attack guest: hopes to learn how many patients came before this one.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use trocar_guest::{Failure, Outputs, Params, Patient};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Maps one patient: how often this memory was called in, and where in it the heap and the stack are now.
#[trocar_guest::algorithm]
fn order(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    let kept = Box::new(patient.series().len());
    let place = std::ptr::from_ref(&*kept).addr().wrapping_add(std::ptr::from_ref(&calls).addr());
    std::mem::forget(kept);
    Ok(Outputs::new().vector(vec![f64::from(calls), (place % 1_000_003) as f64]))
}
