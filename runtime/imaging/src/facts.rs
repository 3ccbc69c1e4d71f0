//! What the operator's own report says of a file, a series or a patient: the attributes that EUCAIM's catalogue searches by
//! and the acquisition's figures. No guest sees them and they never leave the node.

use crate::dataset::Dataset;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Attributes of a file; of a series or patient, what its files agree on. `None` where the file is silent or they differ.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Patient's Sex (0010,0040), as written.
    pub sex: Option<String>,
    /// Patient's Age (0010,1010), in years. Of several: the lowest.
    pub age_years: Option<f64>,
    /// Body Part Examined (0018,0015), as written.
    pub body_part: Option<String>,
    /// Manufacturer (0008,0070), as written.
    pub manufacturer: Option<String>,
    /// Year of the Acquisition Date (0008,0022), or of the Study Date (0008,0020). Of several: the first.
    pub year: Option<u16>,
    /// KVP (0018,0060), in kV.
    pub kvp: Option<f64>,
    /// Slice Thickness (0018,0050), in mm.
    pub slice_thickness_mm: Option<f64>,
    /// Mandatory tags that files lack, and how many of them do.
    pub missing: BTreeMap<Mandatory, u32>,
}

/// A tag that EUCAIM asks of every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mandatory {
    /// Patient ID (0010,0020).
    #[serde(rename = "PatientID")]
    PatientId,
    /// Modality (0008,0060).
    Modality,
    /// Body Part Examined (0018,0015).
    BodyPartExamined,
    /// Manufacturer (0008,0070).
    Manufacturer,
    /// Acquisition Date (0008,0022).
    AcquisitionDate,
}

impl Mandatory {
    /// Every one of them.
    pub const ALL: [Self; 5] =
        [Self::PatientId, Self::Modality, Self::BodyPartExamined, Self::Manufacturer, Self::AcquisitionDate];

    const fn tag(self) -> Tag {
        match self {
            Self::PatientId => tags::PATIENT_ID,
            Self::Modality => tags::MODALITY,
            Self::BodyPartExamined => tags::BODY_PART_EXAMINED,
            Self::Manufacturer => tags::MANUFACTURER,
            Self::AcquisitionDate => tags::ACQUISITION_DATE,
        }
    }

    /// Its keyword.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::PatientId => "PatientID",
            Self::Modality => "Modality",
            Self::BodyPartExamined => "BodyPartExamined",
            Self::Manufacturer => "Manufacturer",
            Self::AcquisitionDate => "AcquisitionDate",
        }
    }
}

/// The elements that facts are read from, beyond those that every file is asked for anyway.
pub(crate) const WANTED: [Tag; 7] = [
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::BODY_PART_EXAMINED,
    tags::MANUFACTURER,
    tags::ACQUISITION_DATE,
    tags::STUDY_DATE,
    tags::KVP,
];

/// Bytes of a text that is kept. DICOM has at most 64 characters.
const MAX_TEXT: usize = 256;

impl Facts {
    pub(crate) fn read(data: Dataset<'_>) -> Self {
        let text = |tag| data.own(tag).filter(|text| text.len() <= MAX_TEXT);
        let year = |tag| data.text(tag).and_then(|date| year(&date));
        let (acquired, studied) = (tags::ACQUISITION_DATE, tags::STUDY_DATE);
        Self {
            sex: text(tags::PATIENT_SEX),
            age_years: data.text(tags::PATIENT_AGE).and_then(|age| years(&age)),
            body_part: text(tags::BODY_PART_EXAMINED),
            manufacturer: text(tags::MANUFACTURER),
            year: year(acquired).or_else(|| year(studied)),
            kvp: data.real(tags::KVP).filter(|kv| is_figure(*kv)),
            slice_thickness_mm: data.real(tags::SLICE_THICKNESS).filter(|mm| is_figure(*mm)),
            missing: Mandatory::ALL
                .into_iter()
                .filter(|m| data.text(m.tag()).is_none())
                .map(|m| (m, 1))
                .collect(),
        }
    }

    /// Whether all is within its bounds, whoever says what is in it.
    pub(crate) fn is_bounded(&self) -> bool {
        let texts = [&self.sex, &self.body_part, &self.manufacturer];
        let figures = [self.age_years, self.kvp, self.slice_thickness_mm];
        texts.into_iter().flatten().all(|text| text.len() <= MAX_TEXT)
            && figures.into_iter().flatten().all(is_figure)
    }

    /// What several files, or several series, have in common.
    pub(crate) fn agreed<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = all.into_iter();
        let first = all.next().cloned().unwrap_or_default();
        all.fold(first, |mut facts, other| {
            facts.join(other);
            facts
        })
    }

    fn join(&mut self, other: &Self) {
        keep_same(&mut self.sex, &other.sex);
        keep_same(&mut self.body_part, &other.body_part);
        keep_same(&mut self.manufacturer, &other.manufacturer);
        keep_same(&mut self.kvp, &other.kvp);
        keep_same(&mut self.slice_thickness_mm, &other.slice_thickness_mm);
        self.age_years = [self.age_years, other.age_years].into_iter().flatten().reduce(f64::min);
        self.year = self.year.into_iter().chain(other.year).min();
        for (tag, files) in &other.missing {
            let mine = self.missing.entry(*tag).or_default();
            *mine = mine.saturating_add(*files);
        }
    }
}

fn keep_same<T: PartialEq>(mine: &mut Option<T>, other: &Option<T>) {
    if mine != other {
        *mine = None;
    }
}

/// No tube voltage, thickness or age is zero, less, or without end.
fn is_figure(value: f64) -> bool {
    value > 0.0 && value <= 1e6
}

/// The year of a date: `YYYYMMDD`, or with dots as before DICOM 3.
fn year(date: &str) -> Option<u16> {
    let digits: String = date.chars().filter(|c| *c != '.').collect();
    let whole = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    let year = digits.get(..4).filter(|_| whole)?.parse().ok()?;
    (1900..=2200).contains(&year).then_some(year)
}

/// PS3.5 section 6.2, AS: three digits and a unit.
fn years(age: &str) -> Option<f64> {
    let (number, unit) = age.split_at_checked(3)?;
    let number: u16 = number.parse().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit()))?;
    let a_year = match unit {
        "Y" => 1.0,
        "M" => 12.0,
        "W" => 365.25 / 7.0,
        "D" => 365.25,
        _ => return None,
    };
    Some(f64::from(number) / a_year).filter(|years| is_figure(*years))
}

// They are a patient's: Debug does not show them.
impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("missing", &self.missing).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_years_whatever_its_unit_and_anything_else_is_none() {
        for (text, age) in [("061Y", 61.0), ("018M", 1.5), ("007D", 7.0 / 365.25)] {
            assert_eq!(years(text), Some(age), "{text}");
        }
        for text in ["61Y", "061", "061y", "+61Y", "000Y", "O61Y", "0é1Y", ""] {
            assert_eq!(years(text), None, "{text:?} is no age");
        }
    }

    #[test]
    fn a_year_is_read_off_a_date_and_off_nothing_else() {
        assert_eq!((year("20260103"), year("2026.01.03")), (Some(2026), Some(2026)));
        for text in ["2026", "20260103120000", "2O260103", "00010101", "é260103", ""] {
            assert_eq!(year(text), None, "{text:?} is no date");
        }
    }

    #[test]
    fn a_series_has_what_its_files_agree_on_and_misses_what_one_of_them_misses() {
        let of = |part: &str, year, missing: &[Mandatory]| Facts {
            sex: Some("F".into()),
            body_part: Some(part.into()),
            year: Some(year),
            missing: missing.iter().map(|tag| (*tag, 1)).collect(),
            ..Facts::default()
        };
        let series = Facts::agreed([
            &of("LIVER", 2020, &[]),
            &of("ABDOMEN", 2018, &[Mandatory::AcquisitionDate]),
            &of("LIVER", 2019, &[Mandatory::AcquisitionDate]),
        ]);
        assert_eq!((series.sex.as_deref(), series.body_part, series.year), (Some("F"), None, Some(2018)));
        assert_eq!(series.missing, [(Mandatory::AcquisitionDate, 2)].into());
    }

    #[test]
    fn what_is_over_its_bounds_is_not_believed() {
        assert!(Facts::default().is_bounded());
        let long = Facts { sex: Some("F".repeat(MAX_TEXT + 1)), ..Facts::default() };
        let endless = Facts { kvp: Some(f64::INFINITY), ..Facts::default() };
        let nan = Facts { age_years: Some(f64::NAN), ..Facts::default() };
        assert!([long, endless, nan].iter().all(|facts| !facts.is_bounded()));
    }
}
