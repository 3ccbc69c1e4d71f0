use crate::{
    Reason,
    acquisition::Acquisition,
    dataset::Dataset,
    syntax::{Coding, Syntax},
};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use trocar_terms::Modality;

/// Pixels of one frame: 4096 x 4096. No decoder is asked for more.
pub(crate) const MAX_PIXELS: u32 = 1 << 24;
/// Frames of one file.
pub(crate) const MAX_FRAMES: u32 = 20_000;

/// An image file's pixels, geometry and calibration, as its header states them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) modality: Modality,
    pub(crate) unit: Unit,
    pub(crate) format: Format,
    pub(crate) frame_of_reference: String,
    pub(crate) plane: Plane,
    /// One a frame.
    pub(crate) frames: Vec<Frame>,
}

/// How stored values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    /// Bytes a pixel: 1 or 2.
    pub(crate) width: u8,
    pub(crate) bits: u16,
    pub(crate) signed: bool,
    pub(crate) frames: u32,
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

/// The unit of calibrated values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    Hounsfield,
    Stored,
    GramPerMl,
    BecquerelPerMl,
}

impl Unit {
    /// UCUM.
    pub(crate) const fn ucum(self) -> &'static str {
        match self {
            Self::Hounsfield => "[hnsf'U]",
            Self::Stored => "1",
            Self::GramPerMl => "g/mL",
            Self::BecquerelPerMl => "Bq/mL",
        }
    }

    fn read(data: Dataset<'_>, modality: Modality) -> Result<Self, Reason> {
        match modality {
            Modality::CT => Ok(Self::Hounsfield),
            Modality::MR => Ok(Self::Stored),
            Modality::PT => match data.text(tags::UNITS).as_deref() {
                Some("GML") => Ok(Self::GramPerMl),
                Some("BQML") => Ok(Self::BecquerelPerMl),
                _ => Err(Reason::Unit),
            },
        }
    }
}

impl Format {
    /// Pixels a frame.
    pub(crate) fn pixels(&self) -> usize {
        usize::from(self.rows).saturating_mul(usize::from(self.columns))
    }

    /// Bytes of a frame when it is not compressed.
    pub(crate) fn bytes(&self) -> usize {
        self.pixels().saturating_mul(usize::from(self.width))
    }

    /// The smallest and largest stored value that these bits can hold.
    pub(crate) fn range(&self) -> (i32, i32) {
        let span = 1_i32.checked_shl(u32::from(self.bits)).unwrap_or(i32::MAX);
        if self.signed { (-span / 2, span / 2 - 1) } else { (0, span - 1) }
    }

    fn check(&self) -> Result<(), Reason> {
        let pixels = u32::from(self.rows).saturating_mul(u32::from(self.columns));
        if pixels > MAX_PIXELS || self.frames > MAX_FRAMES {
            return Err(Reason::TooLarge);
        }
        if pixels == 0 || self.frames == 0 {
            return Err(Reason::NoPixels);
        }
        let most = match self.width {
            1 => 8,
            2 => 16,
            _ => 0,
        };
        if (1..=most).contains(&self.bits) { Ok(()) } else { Err(Reason::PixelFormat) }
    }

    fn read(data: Dataset<'_>, syntax: Syntax) -> Result<Self, Reason> {
        monochrome(data)?;
        let short = |tag| data.short(tag).ok_or(Reason::PixelFormat);
        let (rows, columns) = (short(tags::ROWS)?, short(tags::COLUMNS)?);
        let pixels = u32::from(rows).saturating_mul(u32::from(columns));
        let frames = data.whole(tags::NUMBER_OF_FRAMES).unwrap_or(1);
        if pixels > MAX_PIXELS || frames > MAX_FRAMES {
            return Err(Reason::TooLarge);
        }
        let (width, bits, signed) = sample(data, syntax)?;
        if pixels == 0 || frames == 0 {
            Err(Reason::NoPixels)
        } else {
            Ok(Self { rows, columns, width, bits, signed, frames })
        }
    }
}

fn monochrome(data: Dataset<'_>) -> Result<(), Reason> {
    let kind = data.text(tags::PHOTOMETRIC_INTERPRETATION).ok_or(Reason::NoPixels)?;
    let grey = matches!(kind.as_str(), "MONOCHROME1" | "MONOCHROME2");
    if grey && data.short(tags::SAMPLES_PER_PIXEL) == Some(1) { Ok(()) } else { Err(Reason::Colour) }
}

/// Bytes a pixel, bits and sign; the bits must be the low ones.
fn sample(data: Dataset<'_>, syntax: Syntax) -> Result<(u8, u16, bool), Reason> {
    let short = |tag| data.short(tag).ok_or(Reason::PixelFormat);
    let (allocated, bits) = (short(tags::BITS_ALLOCATED)?, short(tags::BITS_STORED)?);
    let width = match allocated {
        8 => 1,
        16 => 2,
        _ => return Err(Reason::PixelFormat),
    };
    let low = bits >= 1 && bits <= allocated && short(tags::HIGH_BIT)? == bits - 1;
    let sign = short(tags::PIXEL_REPRESENTATION)?;
    if !low || sign > 1 {
        return Err(Reason::PixelFormat);
    }
    if syntax.coding != Coding::Native && bits > syntax.max_bits {
        return Err(Reason::TransferSyntax);
    }
    Ok((width, bits, sign == 1))
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
        if self.frame_of_reference.len() > MAX_UID {
            return Err(Reason::TooLarge);
        }
        if self.frames.len() != self.format.frames as usize {
            return Err(Reason::NoPixels);
        }
        let factor = |v: f64| v.abs() <= MAX_FACTOR;
        if !self.frames.iter().all(|f| factor(f.slope) && factor(f.intercept)) {
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

    pub(crate) fn read(data: Dataset<'_>, modality: Modality, syntax: Syntax) -> Result<Self, Reason> {
        let format = Format::read(data, syntax)?;
        if data.says(tags::IMAGE_TYPE, "LOCALIZER") {
            return Err(Reason::Localizer);
        }
        let unit = Unit::read(data, modality)?;
        let groups = Groups::new(data, format.frames)?;
        let plane = groups.plane()?;
        let frames = (0..format.frames).map(|i| groups.frame(i, unit));
        let frames = frames.collect::<Result<_, _>>()?;
        let frame_of_reference = data.text(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default();
        Ok(Self { modality, unit, format, frame_of_reference, plane, frames })
    }
}

/// Where a frame's attributes are: its own functional groups, the shared ones, or the top level of a classic file.
struct Groups<'a> {
    top: Dataset<'a>,
    shared: Option<Dataset<'a>>,
    each: Vec<Dataset<'a>>,
}

impl<'a> Groups<'a> {
    fn new(top: Dataset<'a>, frames: u32) -> Result<Self, Reason> {
        let shared = top.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
        let each: Vec<_> =
            top.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).iter().map(Dataset).collect();
        let classic = each.is_empty() && frames == 1;
        if !classic && each.len() != frames as usize {
            return Err(Reason::NoGeometry);
        }
        Ok(Self { top, shared, each })
    }

    /// Reads an attribute of frame `index` that functional group `group` holds.
    fn find<T>(&self, index: u32, group: Tag, read: impl Fn(Dataset<'a>) -> Option<T>) -> Option<T> {
        let own = self.each.get(index as usize).and_then(|f| f.item(group)).and_then(&read);
        let shared = || self.shared.and_then(|s| s.item(group)).and_then(&read);
        own.or_else(shared).or_else(|| read(self.top))
    }

    fn plane(&self) -> Result<Plane, Reason> {
        let first = self.plane_of(0)?;
        for index in 1..self.each.len() {
            let plane = self.plane_of(u32::try_from(index).unwrap_or(u32::MAX))?;
            if plane.orientation != first.orientation {
                return Err(Reason::Orientation);
            }
            if plane.spacing != first.spacing {
                return Err(Reason::MixedSize);
            }
        }
        Ok(first)
    }

    fn plane_of(&self, index: u32) -> Result<Plane, Reason> {
        let measures = tags::PIXEL_MEASURES_SEQUENCE;
        let orientation =
            self.find(index, tags::PLANE_ORIENTATION_SEQUENCE, |d| d.reals(tags::IMAGE_ORIENTATION_PATIENT));
        let spacing: Option<[f64; 2]> = self.find(index, measures, |d| d.reals(tags::PIXEL_SPACING));
        let between = self.find(index, measures, |d| d.real(tags::SPACING_BETWEEN_SLICES));
        let thick = || self.find(index, measures, |d| d.real(tags::SLICE_THICKNESS));
        let positive = |v: &f64| *v > 0.0;
        Ok(Plane {
            orientation: orientation.ok_or(Reason::NoGeometry)?,
            spacing: spacing.filter(|s| s.iter().all(positive)).ok_or(Reason::NoGeometry)?,
            thickness: between.filter(positive).or_else(thick).filter(positive),
        })
    }

    fn frame(&self, index: u32, unit: Unit) -> Result<Frame, Reason> {
        let position =
            self.find(index, tags::PLANE_POSITION_SEQUENCE, |d| d.reals(tags::IMAGE_POSITION_PATIENT));
        let (slope, intercept) = self.rescale(index, unit)?;
        let acquisition = self.acquisition(index);
        Ok(Frame { position: position.ok_or(Reason::NoGeometry)?, slope, intercept, acquisition })
    }

    fn acquisition(&self, index: u32) -> Acquisition {
        let content = tags::FRAME_CONTENT_SEQUENCE;
        let find = |group, tag| self.find(index, group, |d| d.real(tag));
        let content = |tag| find(content, tag);
        let top = |tag| self.top.real(tag);
        let cardiac = tags::CARDIAC_SYNCHRONIZATION_SEQUENCE;
        Acquisition {
            time: content(tags::TEMPORAL_POSITION_INDEX).or_else(|| top(tags::TEMPORAL_POSITION_IDENTIFIER)),
            trigger: find(cardiac, tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME)
                .or_else(|| top(tags::TRIGGER_TIME)),
            echo: find(tags::MR_ECHO_SEQUENCE, tags::EFFECTIVE_ECHO_TIME).or_else(|| top(tags::ECHO_NUMBERS)),
            b_value: find(tags::MR_DIFFUSION_SEQUENCE, tags::DIFFUSION_B_VALUE),
            number: content(tags::FRAME_ACQUISITION_NUMBER).or_else(|| top(tags::ACQUISITION_NUMBER)),
        }
    }

    /// MR has no physical unit, so its stored values are handed on as they are.
    fn rescale(&self, index: u32, unit: Unit) -> Result<(f64, f64), Reason> {
        if unit == Unit::Stored {
            return Ok((1.0, 0.0));
        }
        let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        let kind = self.find(index, group, |d| d.text(tags::RESCALE_TYPE));
        if unit == Unit::Hounsfield && kind.is_some_and(|kind| kind != "HU") {
            return Err(Reason::Unit);
        }
        let slope = self.find(index, group, |d| d.real(tags::RESCALE_SLOPE)).filter(|s| *s != 0.0);
        let intercept = self.find(index, group, |d| d.real(tags::RESCALE_INTERCEPT));
        let lut = self.top.has(tags::MODALITY_LUT_SEQUENCE);
        slope.zip(intercept).filter(|_| !lut).ok_or(Reason::NoRescale)
    }
}
