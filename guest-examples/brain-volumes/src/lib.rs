//! Volumes of grey and white matter, by a network of the package.
//!
//! Takes the patient's first MR series on a cube of 1 mm voxels and runs the model `brain` over it. Outputs, as in manifest.toml:
//! `grey_mean` and `white_mean` (means, mL).
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Grid, Outputs, Params, Patient, Tensor, Volume, infer};

/// The model's name in manifest.toml.
pub const MODEL: &str = "brain";

/// Background, grey matter, white matter.
pub const CLASSES: usize = 3;

/// A voxel of 1 mm in mL.
const VOXEL_ML: f64 = 0.001;

/// Maps one patient.
#[trocar_guest::algorithm]
fn brain_volumes(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let side = u32::try_from(params.integer("side")?).map_err(|_| Failure::Parameter)?;
    let Some(index) = patient.series().iter().position(|s| s.modality == "MR") else {
        return Ok(Outputs::new().number(None).number(None));
    };
    let index = u32::try_from(index).map_err(|_| Failure::Other("too many series"))?;
    let cube = Grid { columns: side, rows: side, slices: side, spacing_mm: (1.0, 1.0, 1.0) };
    let mut voxels = read(&patient.open(index)?.resample(cube)?)?;
    scale(&mut voxels);
    let input = Tensor { shape: vec![1, 1, side, side, side], data: voxels };
    let classes = infer(MODEL, &[input])?;
    let scores = classes.first().ok_or(Failure::Other("the model gives nothing"))?;
    let [one, channels, rest @ ..] = scores.shape.as_slice() else {
        return Err(Failure::Other("the model gives no classes"));
    };
    if (*one, *channels as usize) != (1, CLASSES) || rest != [side; 3] {
        return Err(Failure::Other("the model gives other classes"));
    }
    let [_, grey, white] = voxels_of(&scores.data).map(|count| count * VOXEL_ML);
    Ok(Outputs::new().number(Some(grey)).number(Some(white)))
}

/// All voxels, a slice at a time.
fn read(volume: &Volume) -> Result<Vec<f32>, Failure> {
    let mut all = Vec::new();
    for slice in 0..volume.grid().slices {
        all.extend(volume.read_f32(slice, 1)?);
    }
    Ok(all)
}

/// Scales values to 0 .. 1 between the smallest and the largest; what does not differ is 0.
fn scale(voxels: &mut [f32]) {
    let least = voxels.iter().copied().fold(f32::INFINITY, f32::min);
    let most = voxels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = most - least;
    for voxel in voxels {
        *voxel = if range > 0.0 { (*voxel - least) / range } else { 0.0 };
    }
}

/// Voxels of each class: that of the largest score, the first of equal ones.
fn voxels_of(scores: &[f32]) -> [f64; CLASSES] {
    let mut voxels = [0.0; CLASSES];
    let (background, rest) = scores.split_at(scores.len() / CLASSES);
    let (grey, white) = rest.split_at(background.len());
    for ((background, grey), white) in background.iter().zip(grey).zip(white) {
        let mut best = (0, *background);
        for (class, score) in [(1, *grey), (2, *white)] {
            if score > best.1 {
                best = (class, score);
            }
        }
        voxels[best.0] += 1.0;
    }
    voxels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_scaled_between_the_ends_and_constants_are_zero() {
        let mut voxels = [2.0, 4.0, 3.0];
        scale(&mut voxels);
        assert_eq!(voxels, [0.0, 1.0, 0.5]);
        let mut flat = [7.0; 4];
        scale(&mut flat);
        assert_eq!(flat, [0.0; 4]);
    }

    #[test]
    fn a_voxel_is_of_its_largest_class_and_of_the_first_of_equal_ones() {
        assert_eq!(voxels_of(&[1.0, 0.0, 5.0, 2.0, 0.0, 5.0, 0.0, 1.0, 9.0]), [0.0, 1.0, 2.0]);
        assert_eq!(voxels_of(&[1.0, 1.0, 1.0]), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_model_is_that_of_the_manifest() {
        assert!(include_str!("../manifest.toml").contains(&format!("name = {MODEL:?}\nformat = \"onnx\"\n")));
    }
}
