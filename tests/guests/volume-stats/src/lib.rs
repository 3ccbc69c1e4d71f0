//! Test guest: voxels, mean, sd (of the population), min and max of the first series, as one vector.
//!
//! It is compared with pydicom and numpy in author mode; a node would clip it to nothing of use.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient, SeriesInfo, Volume};

/// Maps one patient.
#[trocar_guest::algorithm]
fn volume_stats(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let series = patient.series();
    let first = series.first().ok_or(Failure::Other("no series"))?;
    let volume = patient.open(0)?;
    let (mut voxels, mut sum, mut min, mut max) = (0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
    each(&volume, first, |v| {
        voxels += 1.0;
        sum += v;
        min = v.min(min);
        max = v.max(max);
    })?;
    let mean = sum / voxels;
    let mut squares = 0.0;
    each(&volume, first, |v| squares += (v - mean) * (v - mean))?;
    Ok(Outputs::new().vector(vec![voxels, mean, (squares / voxels).sqrt(), min, max]))
}

fn each(volume: &Volume, series: &SeriesInfo, mut see: impl FnMut(f64)) -> Result<(), Failure> {
    for slab in volume.slabs(series) {
        slab?.voxels.for_each(&mut see);
    }
    Ok(())
}
