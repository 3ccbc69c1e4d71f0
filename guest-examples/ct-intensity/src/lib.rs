//! Mean CT intensity and its distribution inside the body.
//!
//! The body is every voxel of the patient's CT series at or above the parameter `body_threshold`. Outputs, as in
//! manifest.toml: `intensity` (mean HU) and `intensity_histogram` (share of the body's voxels in each bin).
#![forbid(unsafe_code)]

use trocar_guest::{Bins, Failure, Outputs, Params, Patient, Tally};

/// Edges of `intensity_histogram`, in HU: lung, fat, soft tissue, contrast, bone.
pub const EDGES: [f64; 9] = [-1024.0, -500.0, -150.0, -30.0, 20.0, 80.0, 300.0, 1000.0, 3072.0];

/// Maps one patient.
#[trocar_guest::algorithm]
fn ct_intensity(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let threshold = params.real("body_threshold")?;
    let mut tally = Tally::new(Bins::new(&EDGES));
    for (index, series) in (0..).zip(patient.series()).filter(|(_, s)| s.modality == "CT") {
        for slab in patient.open(index)?.slabs(&series) {
            slab?.voxels.for_each(|hu| add(&mut tally, threshold, hu));
        }
    }
    Ok(Outputs::new().number(tally.mean()).weights(tally.fractions()))
}

/// Counts a voxel that belongs to the body.
fn add(tally: &mut Tally<'_>, threshold: f64, hu: f64) {
    if hu >= threshold {
        tally.add(hu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn air_outside_the_body_counts_nowhere() {
        let mut tally = Tally::new(Bins::new(&EDGES));
        [-1000.0, -301.0, -300.0, 0.0, 60.0, 1000.0].into_iter().for_each(|hu| add(&mut tally, -300.0, hu));
        assert_eq!((tally.values(), tally.mean()), (4, Some(190.0)));
        assert_eq!(tally.fractions(), [0.0, 0.25, 0.0, 0.25, 0.25, 0.0, 0.0, 0.25]);
    }

    #[test]
    fn the_bins_are_those_of_the_manifest() {
        assert!(include_str!("../manifest.toml").contains(&format!("edges = {EDGES:?}\n")));
    }
}
