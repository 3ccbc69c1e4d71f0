//! Mean SUV of whole PET volumes.
//!
//! Takes every voxel of the patient's PET series in SUV (unit g/mL). Outputs, as in manifest.toml: `suv_mean` (mean,
//! g/mL) and `suv_histogram` (share of the voxels in each bin).
#![forbid(unsafe_code)]

use trocar_guest::{Bins, Failure, Outputs, Params, Patient, SeriesInfo, Tally};

/// Edges of `suv_histogram`, in g/mL.
pub const EDGES: [f64; 8] = [0.0, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 100.0];

/// Maps one patient.
#[trocar_guest::algorithm]
fn pet_suv(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let mut tally = Tally::new(Bins::new(&EDGES));
    for (index, series) in (0..).zip(patient.series()).filter(|(_, s)| in_suv(s)) {
        for slab in patient.open(index)?.slabs(&series) {
            slab?.voxels.for_each(|suv| tally.add(suv));
        }
    }
    Ok(Outputs::new().number(tally.mean()).weights(tally.fractions()))
}

/// A PET series in Bq/mL has no SUV without the patient's weight, so it does not count.
fn in_suv(series: &SeriesInfo) -> bool {
    series.modality == "PT" && series.unit == "g/mL"
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_guest::Grid;

    #[test]
    fn only_pet_in_suv_counts() {
        let grid = Grid { columns: 1, rows: 1, slices: 1, spacing_mm: (1.0, 1.0, 1.0) };
        let series = |modality: &str, unit: &str| SeriesInfo {
            modality: modality.into(),
            unit: unit.into(),
            grid,
            integral: false,
        };
        assert!(in_suv(&series("PT", "g/mL")));
        assert!(!in_suv(&series("PT", "Bq/mL")) && !in_suv(&series("CT", "g/mL")));
    }

    #[test]
    fn the_bins_are_those_of_the_manifest() {
        assert!(include_str!("../manifest.toml").contains(&format!("edges = {EDGES:?}\n")));
    }
}
