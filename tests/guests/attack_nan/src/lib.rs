//! Attack guest: what is not a number has 51 bits to spare, and zero has a sign.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient};

/// Maps one patient.
#[trocar_guest::algorithm]
fn nan(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let voxels = patient.open(0)?.read_s16(0, 1)?;
    let payload =
        voxels.iter().take(3).fold(0, |bits, voxel| (bits << 16) | u64::from(voxel.cast_unsigned()));
    let none = f64::from_bits(0x7ff8_0000_0000_0000 | (payload & 0x0007_ffff_ffff_ffff));
    let signalling = f64::from_bits(0xfff0_0000_0000_0001 | (payload << 1));
    let zero = if payload % 2 == 0 { 0.0 } else { -0.0 };
    Ok(Outputs::new().vector(vec![none]).vector(vec![signalling]).vector(vec![none, zero, signalling]))
}
