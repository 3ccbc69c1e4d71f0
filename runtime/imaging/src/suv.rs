//! SUV by body weight, from activity concentration.
//!
//! The rules are those of the Quantitative Imaging Biomarkers Alliance for data of any vendor ("SUV Vendorneutral
//! Pseudocode Happy Path Only", QIBA FDG-PET technical committee, 2018): decay is corrected to the start of the series or to
//! the administration, and whatever is missing or not plausible leaves the values in Bq/mL. That page estimates missing
//! times and reads vendors' private elements; this does not.

use crate::dataset::Dataset;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Bounds of what is believed: kilograms, becquerels, seconds of half-life, and seconds from injection to scan.
const WEIGHT_KG: std::ops::RangeInclusive<f64> = 1.0..=400.0;
const DOSE_BQ: std::ops::RangeInclusive<f64> = 1e5..=1e11;
const HALF_LIFE_S: std::ops::RangeInclusive<f64> = 60.0..=1e6;
const WAIT_S: std::ops::RangeInclusive<f64> = 0.0..=5.0 * DAY_S;
const DAY_S: f64 = 86_400.0;

/// What turns Bq/mL into g/mL; `None` where the file does not say all that it takes.
pub(crate) fn factor(data: Dataset<'_>) -> Option<f64> {
    let corrected = |word| data.says(tags::CORRECTED_IMAGE, word);
    if !corrected("ATTN") || !corrected("DECY") {
        return None;
    }
    let drug = data.item(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE)?;
    let weight = data.real(tags::PATIENT_WEIGHT).filter(|v| WEIGHT_KG.contains(v))?;
    let dose = drug.real(tags::RADIONUCLIDE_TOTAL_DOSE).filter(|v| DOSE_BQ.contains(v))?;
    let left = match data.text(tags::DECAY_CORRECTION)?.as_ref() {
        "ADMIN" => 1.0,
        "START" => {
            let half_life = drug.real(tags::RADIONUCLIDE_HALF_LIFE).filter(|v| HALF_LIFE_S.contains(v))?;
            (-waited(data, drug)? / half_life).exp2()
        }
        _ => return None,
    };
    Some(weight * 1000.0 / (dose * left)).filter(|v| v.is_finite())
}

/// Seconds from injection to the start of the series, which must not be later than this image was taken: a series that
/// was derived later has another time.
fn waited(data: Dataset<'_>, drug: Dataset<'_>) -> Option<f64> {
    let scan = moment(data, tags::SERIES_DATE, tags::SERIES_TIME)?;
    let taken = moment(data, tags::ACQUISITION_DATE, tags::ACQUISITION_TIME)?;
    if scan > taken {
        return None;
    }
    let injected = match drug.text(tags::RADIOPHARMACEUTICAL_START_DATE_TIME) {
        Some(both) => {
            let (date, time) = both.split_at_checked(8)?;
            days(date)? * DAY_S + seconds(time.split(['+', '-']).next()?)?
        }
        // A time alone is of the day of the series.
        None => {
            days(&data.text(tags::SERIES_DATE)?)? * DAY_S
                + seconds(&drug.text(tags::RADIOPHARMACEUTICAL_START_TIME)?)?
        }
    };
    Some(scan - injected).filter(|v| WAIT_S.contains(v))
}

fn moment(data: Dataset<'_>, date: Tag, time: Tag) -> Option<f64> {
    Some(days(&data.text(date)?)? * DAY_S + seconds(&data.text(time)?)?)
}

/// Days of a date `YYYYMMDD` since an arbitrary one, by the civil calendar.
fn days(date: &str) -> Option<f64> {
    let digits = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| date.get(range)?.parse::<i32>().ok().filter(|_| digits);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(f64::from(365 * year + leaps + (153 * month + 2) / 5 + day))
}

/// Seconds of a time `HHMMSS.FFFFFF`; minutes and seconds may be missing (PS3.5 section 6.2, TM).
fn seconds(time: &str) -> Option<f64> {
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let digits =
        matches!(whole.len(), 2 | 4 | 6) && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| whole.get(range).map_or(Some(0), |v| v.parse::<u32>().ok());
    let (hours, minutes, rest) = (part(0..2)?, part(2..4)?, part(4..6)?);
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    let sane = digits && hours < 24 && minutes < 60 && rest <= 60;
    sane.then(|| f64::from(3600 * hours + 60 * minutes + rest) + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_over_leap_days_and_centuries() {
        let between = |a, b| days(b).unwrap() - days(a).unwrap();
        assert_eq!(between("20240228", "20240301"), 2.0);
        assert_eq!(between("19000228", "19000301"), 1.0);
        assert_eq!(between("19700101", "20261124"), 20_781.0);
        assert_eq!(days("2024022"), None);
        assert_eq!(days("20241301"), None);
    }

    #[test]
    fn times_may_end_early_and_must_be_of_a_day() {
        assert_eq!(seconds("10"), Some(36_000.0));
        assert_eq!(seconds("101530.250000"), Some(36_930.25));
        assert_eq!(seconds("10153"), None);
        assert_eq!(seconds("240000"), None);
        assert_eq!(seconds("10:15"), None);
    }
}
