//! Radiomics: the box round the mask is read, the rest is `trocar_guest::kernels::radiomics`.

use crate::Kernels;
use crate::bindings::exports::trocar::kernels::radiomics::{Feature, Guest, Levels as Asked};
use crate::read::same;
use trocar_guest::kernels::radiomics::{
    Bins, FirstOrder, Gather, Glcm, Intensities, Levels, first_order, glcm, intensities,
};
use trocar_guest::kernels::{Refused, Shape};
use trocar_guest::{Failure, Fault, Mask, SeriesInfo, Volume};

impl Guest for Kernels {
    fn first_order(of: &Volume, inside: &Mask) -> Result<Vec<Feature>, Fault> {
        let Lesion { voxels, marks, .. } = lesion(of, inside)?;
        let found = first_order(&voxels, &marks).map_err(undefined)?;
        Ok(named(FirstOrder::NAMES, found.numbers()))
    }

    fn intensities(of: &Volume, inside: &Mask, into: Asked) -> Result<Vec<Feature>, Fault> {
        let found = intensities(&levels(&lesion(of, inside)?, into)?);
        Ok(named(Intensities::NAMES, found.numbers()))
    }

    fn glcm(of: &Volume, inside: &Mask, into: Asked, merge: bool) -> Result<Vec<Feature>, Fault> {
        let gather = if merge { Gather::Merge } else { Gather::Average };
        let found = glcm(&levels(&lesion(of, inside)?, into)?, gather).map_err(undefined)?;
        Ok(named(Glcm::NAMES, found.numbers()))
    }
}

/// The box round a mask.
struct Lesion {
    voxels: Vec<f32>,
    marks: Vec<u8>,
    shape: Shape,
}

fn lesion(of: &Volume, inside: &Mask) -> Result<Lesion, Fault> {
    let grid = of.grid();
    if !same(&grid, &inside.grid()) {
        return Err(Fault::OutOfRange);
    }
    let region = inside.bounds().map_err(fault)?.ok_or(Fault::Absent)?;
    let series = SeriesInfo { modality: String::new(), unit: String::new(), grid, integral: false };
    let voxels = of.region(&series, &region).map_err(fault)?;
    let marks = inside.region(&region).map_err(fault)?;
    Ok(Lesion { voxels, marks, shape: region.shape() })
}

fn levels(of: &Lesion, into: Asked) -> Result<Levels, Fault> {
    let bins = match into {
        Asked::Width(fixed) => Bins::Width { width: fixed.width, from: fixed.start },
        Asked::Aligned(width) => Bins::Aligned { width },
        Asked::Number(number) => Bins::Number(number),
    };
    Levels::new(&of.voxels, &of.marks, of.shape, bins).map_err(undefined)
}

fn named(names: &[&str], numbers: Vec<f64>) -> Vec<Feature> {
    let feature = |(name, value): (&&str, f64)| Feature { name: (*name).to_owned(), value };
    names.iter().zip(numbers).map(feature).collect()
}

fn undefined(_: Refused) -> Fault {
    Fault::Unsupported
}

fn fault(failure: Failure) -> Fault {
    match failure {
        Failure::Host(fault) => fault,
        Failure::Parameter | Failure::Other(_) => Fault::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::trocar::kernels::radiomics::FixedWidth;

    fn ramp() -> Lesion {
        Lesion { voxels: (0_u8..8).map(f32::from).collect(), marks: vec![1; 8], shape: Shape::new(2, 2, 2) }
    }

    fn value(features: &[Feature], name: &str) -> f64 {
        features.iter().find(|feature| feature.name == name).unwrap().value
    }

    #[test]
    fn features_have_their_names() {
        let first = named(FirstOrder::NAMES, first_order(&ramp().voxels, &ramp().marks).unwrap().numbers());
        assert_eq!((value(&first, "mean"), value(&first, "maximum")), (3.5, 7.0));
        let two = levels(&ramp(), Asked::Number(2)).unwrap();
        let grey = named(Intensities::NAMES, intensities(&two).numbers());
        assert_eq!((grey.len(), value(&grey, "mean"), value(&grey, "entropy")), (5, 1.5, 1.0));
    }

    #[test]
    fn grey_levels_that_mean_nothing_are_unsupported() {
        let bad =
            [Asked::Number(0), Asked::Aligned(0.0), Asked::Width(FixedWidth { width: f64::NAN, start: 0.0 })];
        for asked in bad {
            assert_eq!(levels(&ramp(), asked).unwrap_err(), Fault::Unsupported, "{asked:?}");
        }
        assert!(levels(&ramp(), Asked::Width(FixedWidth { width: 1.0, start: 0.0 })).is_ok());
    }
}
