//! Volume of bright lesions within a clinical subgroup.
//!
//! A patient belongs to the subgroup where her `sex` and `diagnosis` are those of the parameters (`any`: whatever they
//! are). Her lesion volume is that of all voxels at or above `threshold` in her largest CT series. Outputs, as in
//! manifest.toml: `with_lesion` (count), `volume_mean` (mean, mL, of those with a lesion), `volume_sum` (sum, mL) and
//! `volume_histogram`.
#![forbid(unsafe_code)]

use trocar_guest::{Bins, Failure, Grid, Outputs, Params, Patient, SeriesInfo, Value, text};

/// Edges of `volume_histogram`, in mL.
pub const EDGES: [f64; 7] = [0.0, 1.0, 5.0, 20.0, 50.0, 100.0, 500.0];

/// Maps one patient.
#[trocar_guest::algorithm]
fn lesion_volume(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let threshold = params.real("threshold")?;
    let belongs = fits(params.text("sex")?, &patient.column("sex")?)
        && fits(params.text("diagnosis")?, &patient.column("diagnosis")?);
    let volume = if belongs { volume_ml(patient, threshold)? } else { None };
    Ok(outputs(volume.filter(|ml| *ml > 0.0)))
}

fn outputs(volume: Option<f64>) -> Outputs {
    let bins = Bins::new(&EDGES);
    Outputs::new()
        .count(volume.is_some())
        .number(volume)
        .number(volume)
        .cell(bins.count(), volume.and_then(|ml| bins.find(ml)))
}

/// Whether a clinical value is the one asked for. A missing value belongs to no named subgroup.
fn fits(wanted: &str, value: &Value) -> bool {
    wanted == "any" || text(value) == Some(wanted)
}

/// Millilitres at or above the threshold in the CT series with the most voxels; `None` without CT.
fn volume_ml(patient: &Patient, threshold: f64) -> Result<Option<f64>, Failure> {
    let ct = (0..).zip(patient.series()).filter(|(_, s)| s.modality == "CT");
    // The first of equals, so that the answer does not depend on how a maximum breaks ties.
    let largest = ct.reduce(|best, next| if voxels(&next.1) > voxels(&best.1) { next } else { best });
    let Some((index, series)) = largest else {
        return Ok(None);
    };
    let mut bright = 0_u64;
    for slab in patient.open(index)?.slabs(&series) {
        slab?.voxels.for_each(|hu| bright += u64::from(hu >= threshold));
    }
    Ok(Some(bright as f64 * voxel_ml(&series.grid)))
}

fn voxels(series: &SeriesInfo) -> u64 {
    u64::from(series.grid.columns) * u64::from(series.grid.rows) * u64::from(series.grid.slices)
}

fn voxel_ml(grid: &Grid) -> f64 {
    let (columns, rows, slices) = grid.spacing_mm;
    columns * rows * slices / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_belongs_to_no_named_subgroup() {
        assert!(fits("F", &Value::Text("F".into())) && fits("any", &Value::Missing));
        assert!(!fits("F", &Value::Missing) && !fits("F", &Value::Text("M".into())));
    }

    #[test]
    fn a_patient_without_a_lesion_counts_nowhere() {
        let vectors = outputs(None).into_vectors();
        assert_eq!((&vectors[0], &vectors[3]), (&vec![0.0], &vec![0.0; 6]));
        assert!(vectors[1][0].is_nan() && vectors[2][0].is_nan());
    }

    #[test]
    fn a_lesion_counts_once_in_its_bin() {
        let vectors = outputs(Some(20.0)).into_vectors();
        assert_eq!(vectors, [vec![1.0], vec![20.0], vec![20.0], vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0]]);
    }

    #[test]
    fn a_voxel_of_one_centimetre_is_one_millilitre() {
        assert_eq!(voxel_ml(&Grid { columns: 1, rows: 1, slices: 1, spacing_mm: (10.0, 10.0, 10.0) }), 1.0);
    }

    #[test]
    fn the_bins_are_those_of_the_manifest() {
        assert!(include_str!("../manifest.toml").contains(&format!("edges = {EDGES:?}\n")));
    }
}
