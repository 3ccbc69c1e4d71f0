//! The tables beside the images: what is known of each patient, and the truth.

use crate::{
    outcome::{BASE_HAZARD, LOG_HAZARD_AGE, LOG_HAZARD_VOLUME},
    patient::{Patient, Stream},
    phantom::Tissue,
    segmentation::Kind,
    series::Series,
};
use rand::RngExt;

/// A table of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What a hospital knows: `clinical.csv`.
    Clinical,
    /// What a patient's first series shows, and her hazard: `truth.csv`.
    Truth,
    /// One row a series: `series.csv`.
    Series,
    /// The clinical table with dates and with codes for what is missing: `clinical_dates.csv`.
    Dates,
    /// The same under the names of a common data model: `clinical_cdm.csv`.
    CommonModel,
    /// What was planted, and what is expected to become of it: `faults.csv`.
    Faults,
}

impl Table {
    /// The name of its file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Clinical => "clinical.csv",
            Self::Truth => "truth.csv",
            Self::Series => "series.csv",
            Self::Dates => "clinical_dates.csv",
            Self::CommonModel => "clinical_cdm.csv",
            Self::Faults => "faults.csv",
        }
    }

    /// Its first line.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Clinical => "patient_id,age_years,sex,diagnosis,survival_days,event\n",
            Self::Truth => {
                "patient_id,lesions,lesion_voxels,lesion_ml,body_voxels,body_ml,mean,body_mean,lesion_mean,hazard_per_day\n"
            }
            Self::Series => {
                "patient_id,modality,manufacturer,transfer_syntax,multi_frame,unit,columns,rows,slices,lesion_voxels,lesion_ml,mean,body_mean,lesion_mean,segmentation\n"
            }
            Self::Dates => {
                "patient_id,age_years,sex,diagnosis,stage,ecog,weight_kg,index_date,death_date,last_contact_date\n"
            }
            Self::CommonModel => {
                "patient_id,sex,age_at_diagnosis,diagnosis,year_of_diagnosis,tumour_stage,ecog_status,body_weight_kg,date_of_diagnosis,date_of_death,date_of_last_contact,vital_status\n"
            }
            Self::Faults => "file,fault,outcome\n",
        }
    }
}

/// The model that every outcome is drawn from, as `model.csv` has it.
pub(crate) fn model() -> String {
    let ratio = |log: f64| (log, libm::exp(log));
    let (age, age_ratio) = ratio(LOG_HAZARD_AGE);
    let (volume, volume_ratio) = ratio(LOG_HAZARD_VOLUME);
    format!(
        "term,log_hazard_ratio,hazard_ratio\nage: ten years more than 60,{age},{age_ratio}\n\
         lesion: one more of ln(1 + mL),{volume},{volume_ratio}\nhazard a day at 60 without a lesion,,{BASE_HAZARD}\n"
    )
}

pub(crate) fn clinical_row(patient: &Patient) -> String {
    let o = &patient.person.outcome;
    let event = u8::from(o.event);
    format!("{},{},{},{},{},{event}\n", patient.person.id, o.age_years, o.sex, o.diagnosis, o.survival_days)
}

pub(crate) fn truth_row(patient: &Patient) -> String {
    let Some(series) = patient.series.first() else { return String::new() };
    let lesion = series.count(Tissue::Lesion);
    let body = series.count(Tissue::Body) + lesion;
    let (lesion_ml, body_ml) = (series.ml(lesion), series.ml(body));
    let [all, in_body, in_lesion] = means(series);
    let (id, lesions, hazard) = (&patient.person.id, patient.lesions, patient.person.outcome.hazard);
    format!("{id},{lesions},{lesion},{lesion_ml},{body},{body_ml},{all},{in_body},{in_lesion},{hazard}\n")
}

/// Over all voxels, over the body with its lesions, over the lesions.
fn means(series: &Series) -> [String; 3] {
    let (air, lesion) = (Tissue::Air, Tissue::Lesion);
    [series.mean(|_| true), series.mean(|t| t != air), series.mean(|t| t == lesion)]
}

pub(crate) fn series_rows(patient: &Patient) -> String {
    patient.series.iter().map(|series| series_row(patient, series)).collect()
}

fn series_row(patient: &Patient, series: &Series) -> String {
    let lesion = series.count(Tissue::Lesion);
    let (device, grid) = (&series.device, &series.grid);
    let kind = match patient.mask_kind() {
        Kind::Binary => "BINARY",
        Kind::Fractional => "FRACTIONAL",
    };
    let cells = [
        patient.person.id.clone(),
        device.modality.code().to_owned(),
        device.maker.name().to_owned(),
        series.syntax.name().to_owned(),
        u8::from(series.enhanced).to_string(),
        device.unit().to_owned(),
        grid.columns.to_string(),
        grid.rows.to_string(),
        grid.slices.to_string(),
        lesion.to_string(),
        series.ml(lesion).to_string(),
    ];
    format!("{},{},{kind}\n", cells.join(","), means(series).join(","))
}

/// What not every cohort's clinical table says.
struct Course {
    stage: &'static str,
    ecog: &'static str,
    weight_kg: String,
    /// Days since 1970.
    index_day: u32,
}

/// 2015-01-01, in days since 1970.
const FIRST_DAY: u32 = 16_436;

impl Course {
    fn draw(patient: &Patient, seed: u64) -> Self {
        let mut rng = Stream::Tables.of(seed, patient.index);
        let mut pick = |words: &[&'static str]| words.get(rng.random_range(0..words.len())).copied();
        // 9 and 99 are how registries write that it is not known; some leave the cell empty.
        let stage = pick(&["I", "II", "III", "IV", "IV", "9", ""]).unwrap_or_default();
        let ecog = pick(&["0", "0", "1", "1", "2", "3", "99"]).unwrap_or_default();
        let weight: i32 = if rng.random_bool(0.1) { -1 } else { rng.random_range(45..120) };
        let index_day = FIRST_DAY + rng.random_range(0..1826);
        Self { stage, ecog, weight_kg: weight.to_string(), index_day }
    }
}

pub(crate) fn dates_row(patient: &Patient, seed: u64) -> String {
    let (course, o) = (Course::draw(patient, seed), &patient.person.outcome);
    let [index, death, last] = dates(patient, &course);
    let Course { stage, ecog, weight_kg, .. } = course;
    let (id, age, sex, diagnosis) = (&patient.person.id, o.age_years, o.sex, o.diagnosis);
    format!("{id},{age},{sex},{diagnosis},{stage},{ecog},{weight_kg},{index},{death},{last}\n")
}

pub(crate) fn common_model_row(patient: &Patient, seed: u64) -> String {
    let (course, o) = (Course::draw(patient, seed), &patient.person.outcome);
    let [index, death, last] = dates(patient, &course);
    let year = index.get(..4).unwrap_or_default();
    let status = if o.event { "dead" } else { "alive" };
    let Course { stage, ecog, weight_kg, .. } = course;
    let (id, age, sex, diagnosis) = (&patient.person.id, o.age_years, o.sex, o.diagnosis);
    format!(
        "{id},{sex},{age},{diagnosis},{year},{stage},{ecog},{weight_kg},{index},{death},{last},{status}\n"
    )
}

/// Of diagnosis, of death where she died, and of the last contact.
fn dates(patient: &Patient, course: &Course) -> [String; 3] {
    let o = &patient.person.outcome;
    let last = date(course.index_day + o.survival_days);
    [date(course.index_day), if o.event { last.clone() } else { String::new() }, last]
}

/// The date of a day since 1970, as ISO 8601 writes it.
fn date(days: u32) -> String {
    let leap = |y: u32| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u32::from(leap(year)) {
        left -= 365 + u32::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u32::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(FIRST_DAY), "2015-01-01");
        assert_eq!(date(16_436 + 365 + 59), "2016-02-29");
        assert_eq!(date(19_722), "2023-12-31");
    }

    #[test]
    fn the_model_states_the_hazard_ratios() {
        let text = model();
        assert!(text.contains("0.25,1.284") && text.contains("0.35,1.419"), "{text}");
    }
}
