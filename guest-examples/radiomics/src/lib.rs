//! First-order and co-occurrence features of a lesion on CT.
//!
//! Takes the voxels of the segmentation `Lesion` on the patient's first CT series that has one. Grey levels are bins of 25 HU from
//! -1000 HU on. Outputs, as in manifest.toml: seven means, and a histogram of the joint entropy.
#![forbid(unsafe_code)]

use trocar_guest::kernels::radiomics::{Gather, Levels, first_order, glcm, intensities};
use trocar_guest::kernels::{Refused, Shape, radiomics};
use trocar_guest::{Bins, Failure, Fault, Mask, Outputs, Params, Patient, SeriesInfo};

/// The segmentation, as SEG's Segment Label or RTSTRUCT's ROI Name.
pub const LABEL: &str = "Lesion";

/// Grey levels.
pub const LEVELS: radiomics::Bins = radiomics::Bins::Width { width: 25.0, from: -1000.0 };

/// Edges of `joint_entropy_histogram`, in bits.
pub const EDGES: [f64; 9] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 16.0];

/// Maps one patient.
#[trocar_guest::algorithm]
fn lesion(patient: &Patient, _params: &Params) -> Result<Outputs, Failure> {
    let Some((index, series, mask)) = segmented(patient)? else { return Ok(outputs(None)) };
    let Some(region) = mask.bounds()? else { return Ok(outputs(None)) };
    let voxels = patient.open(index)?.region(&series, &region)?;
    let inside = mask.region(&region)?;
    Ok(outputs(features(&voxels, &inside, region.shape()).ok()))
}

/// The first CT series with the lesion's mask, and that mask.
fn segmented(patient: &Patient) -> Result<Option<(u32, SeriesInfo, Mask)>, Failure> {
    for (index, series) in (0..).zip(patient.series()).filter(|(_, s)| s.modality == "CT") {
        match patient.open_mask(index, LABEL) {
            Ok(mask) => return Ok(Some((index, series, mask))),
            Err(Fault::Absent) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(None)
}

/// Mean, sd, skewness, entropy, contrast, joint entropy and inverse difference moment, in the order of the outputs.
///
/// # Errors
/// An empty lesion, or one without two neighbouring voxels.
pub fn features(voxels: &[f32], inside: &[u8], shape: Shape) -> Result<[f64; 7], Refused> {
    let first = first_order(voxels, inside)?;
    let levels = Levels::new(voxels, inside, shape, LEVELS)?;
    let (histogram, matrix) = (intensities(&levels), glcm(&levels, Gather::Merge)?);
    Ok([
        first.mean,
        first.variance.sqrt(),
        first.skewness,
        histogram.entropy,
        matrix.contrast,
        matrix.joint_entropy,
        matrix.inverse_difference_moment,
    ])
}

fn outputs(features: Option<[f64; 7]>) -> Outputs {
    let bins = Bins::new(&EDGES);
    let means = (0..7).map(|i| features.map(|all| all[i]));
    let all = means.fold(Outputs::new(), Outputs::number);
    all.cell(bins.count(), features.and_then(|[.., joint_entropy, _]| bins.find(joint_entropy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_without_a_lesion_counts_nowhere() {
        let vectors = outputs(None).into_vectors();
        assert!(vectors[..7].iter().all(|v| v.len() == 1 && v[0].is_nan()));
        assert_eq!(vectors[7], [0.0; 8]);
    }

    #[test]
    fn a_checkerboard_has_a_contrast_and_a_bin() {
        let voxels: Vec<f32> =
            (0..64).map(|i| if (i + i / 4 + i / 16) % 2 == 0 { 0.0 } else { 50.0 }).collect();
        let found = features(&voxels, &[1; 64], Shape::new(4, 4, 4)).unwrap();
        let [mean, sd, skewness, entropy, contrast, joint_entropy, _] = found;
        assert_eq!((mean, sd, skewness, entropy), (25.0, 25.0, 0.0, 1.0));
        assert!(
            contrast > 0.0 && contrast < 4.0,
            "some neighbours are two levels apart, others equal: {contrast}"
        );
        let vectors = outputs(Some(found)).into_vectors();
        assert_eq!(vectors[7].iter().position(|cell| *cell == 1.0), Bins::new(&EDGES).find(joint_entropy));
    }

    #[test]
    fn a_lesion_of_one_voxel_has_no_features() {
        assert_eq!(features(&[40.0], &[1], Shape::new(1, 1, 1)), Err(Refused::Size));
    }

    #[test]
    fn label_and_bins_are_those_of_the_manifest() {
        let manifest = include_str!("../manifest.toml");
        assert!(manifest.contains(&format!("edges = {EDGES:?}\n")));
        assert!(manifest.contains(&format!("masks = [{LABEL:?}]\n")));
    }
}
