//! From stored values to values in a unit: rescale, modality LUT, real-world value mapping, SUV.

use crate::{Reason, dataset::Dataset, format::Format, functional::Groups, suv};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use trocar_terms::Modality;

/// The elements that say it, but for those of the functional groups.
pub(crate) const TAGS: [Tag; 15] = [
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::MODALITY_LUT_SEQUENCE,
    tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE,
    tags::UNITS,
    tags::SUV_TYPE,
    tags::PATIENT_WEIGHT,
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::ACQUISITION_DATE,
    tags::ACQUISITION_TIME,
    tags::CORRECTED_IMAGE,
    tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE,
    tags::DECAY_CORRECTION,
];

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

    /// Of a measurement unit's code, in UCUM as PS3.16 CID 82, 83 and 84 have it.
    fn of_code(code: &str) -> Option<Self> {
        match code {
            "[hnsf'U]" => Some(Self::Hounsfield),
            "g/ml" | "g/mL" | "g/ml{SUVbw}" | "g/mL{SUVbw}" => Some(Self::GramPerMl),
            "Bq/ml" | "Bq/mL" => Some(Self::BecquerelPerMl),
            _ => None,
        }
    }
}

/// What turns a file's stored values into its unit.
pub(crate) struct Calibration {
    pub(crate) unit: Unit,
    pub(crate) lut: Option<Lut>,
    /// Whether slope and intercept come from the real-world value mapping.
    mapped: bool,
    /// What values are multiplied with once they are rescaled: more than 1 only for SUV.
    factor: f64,
}

impl Calibration {
    pub(crate) fn read(groups: &Groups<'_>, modality: Modality, format: &Format) -> Result<Self, Reason> {
        let plain = |unit| Self { unit, lut: None, mapped: false, factor: 1.0 };
        match modality {
            // MR has no physical unit, so its stored values are handed on as they are.
            Modality::MR => Ok(plain(Unit::Stored)),
            Modality::CT => Self::hounsfield(groups, format),
            Modality::PT => match groups.top.text(tags::UNITS).as_deref() {
                Some("GML") if by_body_weight(groups.top) => Ok(plain(Unit::GramPerMl)),
                Some("BQML") => Ok(match suv::factor(groups.top) {
                    Some(factor) => Self { factor, ..plain(Unit::GramPerMl) },
                    None => plain(Unit::BecquerelPerMl),
                }),
                Some(_) => Err(Reason::Unit),
                // Enhanced PET has no Units, but a mapping whose unit is coded.
                None => match mapping(groups, 0) {
                    Some((unit @ (Unit::GramPerMl | Unit::BecquerelPerMl), ..)) => {
                        Ok(Self { mapped: true, ..plain(unit) })
                    }
                    _ => Err(Reason::Unit),
                },
            },
        }
    }

    /// Rescale as it is in nearly every file, a LUT that gives HU, or a mapping to HU.
    fn hounsfield(groups: &Groups<'_>, format: &Format) -> Result<Self, Reason> {
        let plain = Self { unit: Unit::Hounsfield, lut: None, mapped: false, factor: 1.0 };
        if let Some(item) = groups.top.item(tags::MODALITY_LUT_SEQUENCE) {
            // PS3.3 section C.11.1: a file has a LUT or a rescale, not both.
            let rescaled = groups.top.has(tags::RESCALE_SLOPE) || groups.top.has(tags::RESCALE_INTERCEPT);
            if rescaled {
                return Err(Reason::NoRescale);
            }
            return Ok(Self { lut: Some(Lut::read(item, format)?), ..plain });
        }
        if slope_and_intercept(groups, 0).is_some() {
            return Ok(plain);
        }
        let mapped = matches!(mapping(groups, 0), Some((Unit::Hounsfield, ..)));
        Ok(Self { mapped, ..plain })
    }

    /// Slope and intercept of a frame.
    pub(crate) fn rescale(&self, groups: &Groups<'_>, index: u32) -> Result<(f64, f64), Reason> {
        if self.unit == Unit::Stored || self.lut.is_some() {
            return Ok((1.0, 0.0));
        }
        let found = if self.mapped {
            mapping(groups, index)
                .filter(|(unit, ..)| *unit == self.unit)
                .map(|(_, slope, intercept)| (slope, intercept))
        } else {
            let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
            let kind = groups.find(index, group, |d| d.text(tags::RESCALE_TYPE));
            if self.unit == Unit::Hounsfield && kind.is_some_and(|kind| kind != "HU") {
                return Err(Reason::Unit);
            }
            slope_and_intercept(groups, index)
        };
        let (slope, intercept) = found.filter(|(slope, _)| *slope != 0.0).ok_or(Reason::NoRescale)?;
        Ok((slope * self.factor, intercept * self.factor))
    }
}

/// Whether values in GML are an uptake by body weight, which they are where SUV Type says nothing (PS3.3 section C.8.9.1).
/// By lean body mass or another, g/mL is not the same measure.
pub(crate) fn by_body_weight(data: Dataset<'_>) -> bool {
    data.text(tags::SUV_TYPE).is_none_or(|kind| kind == "BW")
}

fn slope_and_intercept(groups: &Groups<'_>, index: u32) -> Option<(f64, f64)> {
    let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
    let slope = groups.find(index, group, |d| d.real(tags::RESCALE_SLOPE));
    slope.zip(groups.find(index, group, |d| d.real(tags::RESCALE_INTERCEPT)))
}

/// Unit, slope and intercept of a frame's real-world value mapping (PS3.3 section C.7.6.16.2.11), where its unit is
/// one that is handed on.
fn mapping(groups: &Groups<'_>, index: u32) -> Option<(Unit, f64, f64)> {
    groups
        .find(index, tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE, mapping_of)
        .or_else(|| groups.top.item(tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE).and_then(mapping_of))
}

fn mapping_of(item: Dataset<'_>) -> Option<(Unit, f64, f64)> {
    let code = item.item(tags::MEASUREMENT_UNITS_CODE_SEQUENCE)?.text(tags::CODE_VALUE)?;
    let slope = item.real(tags::REAL_WORLD_VALUE_SLOPE)?;
    Some((Unit::of_code(&code)?, slope, item.real(tags::REAL_WORLD_VALUE_INTERCEPT)?))
}

/// A modality LUT (PS3.3 section C.11.1.1): the values of stored ones from `first` on. Below it the first entry holds,
/// and beyond the last the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lut {
    first: i32,
    values: Vec<u16>,
}

/// Entries of a LUT: a descriptor has no room for more.
const MAX_ENTRIES: usize = 1 << 16;

impl Lut {
    fn read(item: Dataset<'_>, format: &Format) -> Result<Self, Reason> {
        if item.text(tags::MODALITY_LUT_TYPE).as_deref() != Some("HU") {
            return Err(Reason::Unit);
        }
        let descriptor = item.words(tags::LUT_DESCRIPTOR).ok_or(Reason::NoRescale)?;
        let [entries, first, _bits] = descriptor.try_into().map_err(|_| Reason::NoRescale)?;
        // Zero stands for 65,536; the first value has the pixels' sign.
        let entries = if entries == 0 { MAX_ENTRIES } else { usize::from(entries) };
        let first = if format.signed { i32::from(first.cast_signed()) } else { i32::from(first) };
        let values = item.words(tags::LUT_DATA).ok_or(Reason::NoRescale)?;
        if values.len() == entries && !format.float {
            Ok(Self { first, values })
        } else {
            Err(Reason::NoRescale)
        }
    }

    /// Whether it is of a size that a file can have.
    pub(crate) fn is_bounded(&self) -> bool {
        (1..=MAX_ENTRIES).contains(&self.values.len())
    }

    /// Its smallest and largest value.
    pub(crate) fn range(&self) -> (f64, f64) {
        let (low, high) = (self.values.iter().min(), self.values.iter().max());
        (f64::from(low.copied().unwrap_or_default()), f64::from(high.copied().unwrap_or_default()))
    }

    /// The value of a stored one.
    pub(crate) fn value(&self, stored: f64) -> f64 {
        let last = self.values.len().saturating_sub(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the entries")]
        let place = (stored - f64::from(self.first)).clamp(0.0, last as f64) as usize;
        f64::from(self.values.get(place).copied().unwrap_or_default())
    }
}
