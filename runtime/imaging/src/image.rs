use crate::{
    Reason,
    acquisition::Acquisition,
    calibration::{Calibration, Lut, Unit},
    dataset::Dataset,
    format::{Colour, Format},
    functional::Groups,
    walk::Walked,
};
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use std::{ops::Deref, sync::Arc};
use trocar_terms::Modality;

/// An image file's pixels, geometry and calibration, as its header states them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Image {
    pub(crate) look: Arc<Look>,
    /// One a frame.
    pub(crate) frames: Vec<Frame>,
}

impl Deref for Image {
    type Target = Look;

    fn deref(&self) -> &Look {
        &self.look
    }
}

#[cfg(test)]
impl std::ops::DerefMut for Image {
    fn deref_mut(&mut self) -> &mut Look {
        Arc::make_mut(&mut self.look)
    }
}

/// What the slices of a series have in common as a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Look {
    pub(crate) modality: Modality,
    pub(crate) unit: Unit,
    pub(crate) format: Format,
    pub(crate) frame_of_reference: String,
    pub(crate) plane: Plane,
    /// What turns stored values into those that slope and intercept are for.
    pub(crate) lut: Option<Lut>,
}

/// The plane that all frames of a file share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plane {
    /// Direction of a row, then of a column.
    pub(crate) orientation: [f64; 6],
    /// Between rows, then between columns.
    pub(crate) spacing: [f64; 2],
    pub(crate) thickness: Option<f64>,
}

/// One frame: its first pixel's place, and what turns its stored values into the unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) position: [f64; 3],
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) acquisition: Acquisition,
}

/// No position or length in a header is meant to be more than a hundred metres.
const MAX_MM: f64 = 1e5;
/// Slopes and intercepts; 16 bits times this is far from the end of single precision.
const MAX_FACTOR: f64 = 1e30;
/// Characters of a UID, and some for devices that break the rule.
const MAX_UID: usize = 1 << 10;

/// Whether a length is one: NaN is not, nor is anything without end.
pub(crate) fn is_length(mm: f64) -> bool {
    mm > 0.0 && mm <= MAX_MM
}

impl Image {
    /// Bounds that hold for every image, whoever says what is in it.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        self.format.check()?;
        if self.format.colour != Colour::Grey {
            return Err(Reason::Colour);
        }
        if self.frame_of_reference.len() > MAX_UID {
            return Err(Reason::TooLarge);
        }
        if self.frames.len() != self.format.frames as usize {
            return Err(Reason::NoPixels);
        }
        let factor = |v: f64| v.abs() <= MAX_FACTOR;
        let table = self.lut.as_ref().is_none_or(Lut::is_bounded);
        if !table || !self.frames.iter().all(|f| factor(f.slope) && factor(f.intercept)) {
            return Err(Reason::NoRescale);
        }
        if self.has_geometry() { Ok(()) } else { Err(Reason::NoGeometry) }
    }

    /// Whether every number of its geometry is finite and of a size that can be meant.
    fn has_geometry(&self) -> bool {
        let Plane { orientation, spacing, thickness } = &self.plane;
        let place = |v: &f64| v.abs() <= MAX_MM;
        let directions = orientation.iter().all(|v| v.abs() <= 2.0);
        let lengths = spacing.iter().chain(thickness).all(|v| is_length(*v));
        directions && lengths && self.frames.iter().all(|f| f.position.iter().all(place))
    }

    pub(crate) fn read(data: Dataset<'_>, modality: Modality, walked: &Walked) -> Result<Self, Reason> {
        grey(data)?;
        let format = Format::read(data, walked.element())?;
        if data.says(tags::IMAGE_TYPE, "LOCALIZER") {
            return Err(Reason::Localizer);
        }
        let groups = Groups::new(data, format.frames)?;
        let calibration = Calibration::read(&groups, modality, &format)?;
        let plane = groups.plane()?;
        let frames = (0..format.frames).map(|i| groups.frame(i, &calibration));
        let frames = frames.collect::<Result<_, _>>()?;
        let frame_of_reference = data.own(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default();
        let Calibration { unit, lut, .. } = calibration;
        let look = Look { modality, unit, format, frame_of_reference, plane, lut };
        Ok(Self { look: Arc::new(look), frames })
    }

    /// The smallest and largest value that slope and intercept are for; `None` where values are not whole.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        self.lut.as_ref().map_or_else(|| self.format.range(), |lut| Some(lut.range()))
    }
}

/// A volume has one value a voxel: colours are refused by their own word.
fn grey(data: Dataset<'_>) -> Result<(), Reason> {
    if !data.has(tags::PHOTOMETRIC_INTERPRETATION) {
        return Err(Reason::NoPixels);
    }
    let one = data.short(tags::SAMPLES_PER_PIXEL) == Some(1);
    if Colour::read(data) == Some(Colour::Grey) && one { Ok(()) } else { Err(Reason::Colour) }
}
