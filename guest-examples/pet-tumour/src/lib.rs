//! Mean SUV and volume of the tumour in PET.
//!
//! Takes the voxels of the segmentation `GTV_Mass_PET` on the patient's first PET series in SUV (unit g/mL) that has one.
//! Outputs, as in manifest.toml: `suv_mean` (mean, g/mL), `volume_mean` (mean, mL) and `volume_histogram` (mL).
#![forbid(unsafe_code)]

use trocar_guest::{Bins, Failure, Fault, Grid, Mask, Outputs, Params, Patient, SeriesInfo};

/// The segmentation, as RTSTRUCT's ROI Name or SEG's Segment Label.
pub const LABEL: &str = "GTV_Mass_PET";

/// Edges of `volume_histogram`, in mL.
pub const EDGES: [f64; 7] = [0.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 10000.0];

/// Maps one patient.
#[trocar_guest::algorithm]
fn pet_tumour(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let bins = Bins::new(&EDGES);
    let Some((index, series, mask)) = tumour(patient)? else {
        return Ok(Outputs::new().number(None).number(None).cell(bins.count(), None));
    };
    let (mut voxels, mut sum) = (0.0, 0.0);
    for slab in patient.open(index)?.slabs(&series) {
        slab?.inside(&mask, |suv| {
            voxels += 1.0;
            sum += suv;
        })?;
    }
    let volume = voxels * voxel_ml(&series.grid);
    let mean = (voxels > 0.0).then(|| sum / voxels);
    Ok(Outputs::new().number(mean).number(Some(volume)).cell(bins.count(), bins.find(volume)))
}

/// The first PET series in SUV with the tumour's mask, and that mask.
fn tumour(patient: &Patient) -> Result<Option<(u32, SeriesInfo, Mask)>, Failure> {
    for (index, series) in (0..).zip(patient.series()).filter(|(_, s)| in_suv(s)) {
        match patient.open_mask(index, LABEL) {
            Ok(mask) => return Ok(Some((index, series, mask))),
            Err(Fault::Absent) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(None)
}

/// A PET series in Bq/mL has no SUV without the patient's weight, so it does not count.
fn in_suv(series: &SeriesInfo) -> bool {
    series.modality == "PT" && series.unit == "g/mL"
}

fn voxel_ml(grid: &Grid) -> f64 {
    let (x, y, z) = grid.spacing_mm;
    x * y * z / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voxel_of_ten_mm_is_a_millilitre() {
        let grid = Grid { columns: 1, rows: 1, slices: 1, spacing_mm: (10.0, 10.0, 10.0) };
        assert!((voxel_ml(&grid) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn label_and_bins_are_those_of_the_manifest() {
        let manifest = include_str!("../manifest.toml");
        assert!(manifest.contains(&format!("edges = {EDGES:?}\n")));
        assert!(manifest.contains(&format!("masks = [{LABEL:?}]\n")));
    }
}
