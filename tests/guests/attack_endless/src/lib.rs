//! Attack guest: the time that one patient takes is a voxel of hers; what she gives is the default contribution.
#![forbid(unsafe_code)]

use std::hint::black_box;
use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn endless(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    match patient.open(0)?.read_s16(0, 1)?.first() {
        Some(1991) => turn(u64::MAX),
        // Long, and back before the fuel is out.
        Some(1992) => turn(40_000_000),
        _ => {}
    }
    Ok(Outputs::new().count(false))
}

/// Without a load or a store, which cost more fuel than time.
fn turn(times: u64) {
    let turned = (0..times).fold(black_box(1_u64), |x, n| x.wrapping_mul(6_364_136_223_846_793_005) ^ n);
    black_box(turned);
}
