use super::{head::Head, sidecar};
use crate::{
    FileHeader, Reason, ScanRules,
    calibration::{Unit, by_body_weight},
    dataset::Dataset,
    header::{Asked, Content, check_deidentified, modality},
    lattice::Lattice,
    mask::{MaskKind, segments},
};
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use std::io::{Read, Seek};
use trocar_terms::{Modality, SeriesInfo};

/// A NIfTI volume as header and sidecar state it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NiftiHeader {
    pub(crate) modality: Modality,
    pub(crate) unit: Unit,
    pub(crate) frame_of_reference: String,
    pub(crate) lattice: Lattice,
    pub(crate) integral: bool,
}

impl NiftiHeader {
    /// Bounds that hold for every volume, whoever says what is in it.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        let places = self.lattice.origin.iter().all(|v| v.abs() <= 1e5);
        let directions = self.lattice.directions.iter().flatten().all(|v| v.abs() <= 2.0);
        let size = self.lattice.size.iter().all(|n| (1..=32_767).contains(n));
        if self.frame_of_reference.len() > 1 << 10 {
            return Err(Reason::TooLarge);
        }
        if places && directions && size && self.lattice.is_grid() { Ok(()) } else { Err(Reason::NoGeometry) }
    }

    /// What a guest sees of it.
    pub(crate) fn info(&self) -> SeriesInfo {
        let (modality, unit) = (self.modality.code().to_owned(), self.unit.ucum().to_owned());
        SeriesInfo { modality, unit, grid: self.lattice.grid(), integral: self.integral }
    }
}

/// Reads a NIfTI-1 image's header with its sidecar, an object in the DICOM JSON model that gives what NIfTI has no place
/// for: whose it is, and what the values mean. A sidecar of modality SEG makes it an image of labels.
///
/// # Errors
/// Why the two are quarantined.
pub fn read_header_nifti(
    image: &mut (impl Read + Seek),
    sidecar: &mut impl Read,
    rules: &ScanRules,
) -> Result<FileHeader, Reason> {
    let sidecar = sidecar::read(sidecar)?;
    let data = Dataset::Object(&sidecar.object);
    check_deidentified(data, sidecar.private, rules)?;
    let head = Head::read(image)?;
    let content = if data.is(tags::MODALITY, "SEG") {
        Content::Mask(segments(data, MaskKind::Labels)?)
    } else {
        let modality = modality(data)?;
        let unit = unit(data, modality)?;
        let frame_of_reference = data.own(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default();
        let (lattice, integral) = (head.lattice, head.integral());
        Content::Nifti(Box::new(NiftiHeader { modality, unit, frame_of_reference, lattice, integral }))
    };
    FileHeader::new(data, Asked::by(rules).attributes(data), content, false)?.checked(rules)
}

/// The unit of an image's values, which are calibrated: NIfTI has a slope of its own and no room for what SUV needs.
fn unit(data: Dataset<'_>, modality: Modality) -> Result<Unit, Reason> {
    match modality {
        Modality::CT => Ok(Unit::Hounsfield),
        Modality::MR => Ok(Unit::Stored),
        Modality::PT => match data.text(tags::UNITS).as_deref() {
            Some("GML") if by_body_weight(data) => Ok(Unit::GramPerMl),
            Some("BQML") => Ok(Unit::BecquerelPerMl),
            _ => Err(Reason::Unit),
        },
    }
}

/// Reads a sidecar by itself: whose it is. What it says of its image is read with the image.
///
/// # Errors
/// Why it is quarantined.
pub fn read_sidecar(sidecar: &mut impl Read, rules: &ScanRules) -> Result<FileHeader, Reason> {
    let sidecar = sidecar::read(sidecar)?;
    let data = Dataset::Object(&sidecar.object);
    check_deidentified(data, sidecar.private, rules)?;
    FileHeader::new(data, Asked::by(rules).attributes(data), Content::Sidecar, false)?.checked(rules)
}
