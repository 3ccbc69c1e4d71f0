//! How a file writes its samples (PS3.3 section C.7.6.3, PS3.5 section 8).

use crate::{Reason, dataset::Dataset, walk::Element};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

/// Samples of one frame: 4096 x 4096 grey, or a third of it in colour. No decoder is asked for more.
pub(crate) const MAX_PIXELS: u32 = 1 << 24;
/// Frames of one file.
pub(crate) const MAX_FRAMES: u32 = 20_000;

/// The elements that say it.
pub(crate) const TAGS: [Tag; 10] = [
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
];

/// How stored values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) frames: u32,
    pub(crate) colour: Colour,
    /// Colour by plane, not by pixel.
    pub(crate) planar: bool,
    /// Bits that a sample takes: 1, 8, 16 or 32, and 64 for floats in double precision.
    pub(crate) allocated: u16,
    /// Bits that a value has.
    pub(crate) bits: u16,
    /// Bits below the value's lowest.
    pub(crate) below: u16,
    pub(crate) signed: bool,
    pub(crate) float: bool,
}

/// What the samples of a pixel stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Colour {
    Grey,
    Palette,
    Rgb,
    /// `YBR_FULL`.
    Ybr,
    /// `YBR_FULL_422`: two pixels share their colour where they are not compressed.
    Ybr422,
    /// `YBR_RCT` and `YBR_ICT`, which JPEG 2000 turns to RGB itself.
    Transformed,
}

impl Colour {
    /// Of a file; `None` where there is none that is read.
    pub(crate) fn read(data: Dataset<'_>) -> Option<Self> {
        Some(match data.text(tags::PHOTOMETRIC_INTERPRETATION)?.as_ref() {
            "MONOCHROME1" | "MONOCHROME2" => Self::Grey,
            "PALETTE COLOR" => Self::Palette,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::Ybr,
            "YBR_FULL_422" => Self::Ybr422,
            "YBR_RCT" | "YBR_ICT" => Self::Transformed,
            _ => return None,
        })
    }

    /// Samples a pixel.
    pub(crate) const fn samples(self) -> u16 {
        match self {
            Self::Grey | Self::Palette => 1,
            Self::Rgb | Self::Ybr | Self::Ybr422 | Self::Transformed => 3,
        }
    }
}

impl Format {
    /// Pixels a frame.
    pub(crate) fn pixels(&self) -> usize {
        usize::from(self.rows).saturating_mul(usize::from(self.columns))
    }

    /// Samples a frame.
    pub(crate) fn samples(&self) -> usize {
        self.pixels().saturating_mul(usize::from(self.colour.samples()))
    }

    /// Bytes of a decoded sample.
    pub(crate) fn width(&self) -> usize {
        usize::from(self.allocated.div_ceil(8))
    }

    /// Bytes of a decoded frame.
    pub(crate) fn bytes(&self) -> usize {
        self.samples().saturating_mul(self.width())
    }

    /// Bits of a frame that is not compressed: PS3.3 section C.7.6.3.1.2 has two pixels share two samples of colour.
    pub(crate) fn native_bits(&self) -> u64 {
        let samples = if self.colour == Colour::Ybr422 { 2 * self.pixels() } else { self.samples() };
        (samples as u64).saturating_mul(u64::from(self.allocated))
    }

    /// The smallest and largest stored value that these bits can hold; `None` for floats.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        if self.float {
            return None;
        }
        let span = 2_f64.powi(i32::from(self.bits));
        Some(if self.signed { (-span / 2.0, span / 2.0 - 1.0) } else { (0.0, span - 1.0) })
    }

    /// Bounds that hold for every format, whoever says what it is.
    pub(crate) fn check(&self) -> Result<(), Reason> {
        if self.samples() > MAX_PIXELS as usize || self.frames > MAX_FRAMES {
            return Err(Reason::TooLarge);
        }
        if self.samples() == 0 || self.frames == 0 {
            return Err(Reason::NoPixels);
        }
        let widths: &[u16] = if self.float { &[32, 64] } else { &[1, 8, 16, 32] };
        let held = self.bits >= 1 && self.bits.saturating_add(self.below) <= self.allocated;
        let shared = self.colour != Colour::Ybr422 || self.columns.is_multiple_of(2) || self.planar;
        if widths.contains(&self.allocated) && held && shared { Ok(()) } else { Err(Reason::PixelFormat) }
    }

    /// Of a file with this element of pixels.
    pub(crate) fn read(data: Dataset<'_>, element: Option<Element>) -> Result<Self, Reason> {
        let short = |tag| data.short(tag).ok_or(Reason::PixelFormat);
        let colour = Colour::read(data).ok_or(Reason::PixelFormat)?;
        let samples = short(tags::SAMPLES_PER_PIXEL)?;
        let (rows, columns) = (short(tags::ROWS)?, short(tags::COLUMNS)?);
        let allocated = short(tags::BITS_ALLOCATED)?;
        let float = element.is_some_and(Element::is_float);
        let (bits, below, signed) = if float { (allocated, 0, true) } else { integer(data, allocated)? };
        let planar = colour.samples() > 1 && data.short(tags::PLANAR_CONFIGURATION) == Some(1);
        let frames = frames(data)?;
        let format = Self { rows, columns, frames, colour, planar, allocated, bits, below, signed, float };
        format.check()?;
        if samples == colour.samples() { Ok(format) } else { Err(Reason::PixelFormat) }
    }
}

/// One where the element is absent or empty.
fn frames(data: Dataset<'_>) -> Result<u32, Reason> {
    match data.text(tags::NUMBER_OF_FRAMES) {
        None => Ok(1),
        Some(_) => data.whole(tags::NUMBER_OF_FRAMES).ok_or(Reason::PixelFormat),
    }
}

/// Bits of a value, bits below it, and its sign.
fn integer(data: Dataset<'_>, allocated: u16) -> Result<(u16, u16, bool), Reason> {
    let bits = data.short(tags::BITS_STORED).ok_or(Reason::PixelFormat)?;
    let high = match data.text(tags::HIGH_BIT) {
        None => bits.saturating_sub(1),
        Some(_) => data.short(tags::HIGH_BIT).ok_or(Reason::PixelFormat)?,
    };
    let sign = data.short(tags::PIXEL_REPRESENTATION).ok_or(Reason::PixelFormat)?;
    let below = high.saturating_add(1).checked_sub(bits).ok_or(Reason::PixelFormat)?;
    if sign <= 1 && bits <= allocated { Ok((bits, below, sign == 1)) } else { Err(Reason::PixelFormat) }
}
