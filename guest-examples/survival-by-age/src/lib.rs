//! Survival of younger and of older patients, from the clinical table alone.
//!
//! Outputs, as in manifest.toml: `times` (table of age group, interval of follow-up, status), `age_by_outcome` (table of age by
//! who had died at a horizon) and `age_and_days` (moments).
#![forbid(unsafe_code)]

use trocar_guest::{Bins, Failure, Outputs, Params, Patient, integer};

/// Edges of the intervals of follow-up, in days.
pub const DAYS: [f64; 7] = [0.0, 180.0, 365.0, 730.0, 1095.0, 1460.0, 1826.0];
/// Edges of the ages, in years.
pub const AGES: [f64; 7] = [18.0, 40.0, 50.0, 60.0, 70.0, 80.0, 121.0];
/// The last day that an interval holds.
const LAST: i64 = 1825;

/// Maps one patient.
#[trocar_guest::algorithm]
fn survival_by_age(patient: &Patient, params: &Params) -> Result<Outputs, Failure> {
    let older_from = params.integer("older_from")?;
    let horizon = params.integer("horizon_days")?;
    let column = |name: &str| patient.column(name).map(|value| integer(&value));
    let known = (column("age_years")?, column("survival_days")?, column("event")?);
    let (Some(age), Some(days), Some(event)) = known else {
        return Ok(outputs(None, older_from, horizon));
    };
    Ok(outputs(Some(Course { age, days, died: event == 1 }.within_last()), older_from, horizon))
}

/// What is known of one patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Course {
    age: i64,
    days: i64,
    died: bool,
}

impl Course {
    /// Whatever happens after the last day is not seen.
    fn within_last(self) -> Self {
        Self { days: self.days.min(LAST), died: self.died && self.days <= LAST, ..self }
    }

    /// Age group, interval and status, the last fastest.
    fn cell(self, older_from: i64) -> Option<usize> {
        let days = Bins::new(&DAYS);
        let interval = days.find(self.days as f64)?;
        let group = usize::from(self.age >= older_from);
        Some((group * days.count() + interval) * 2 + usize::from(!self.died))
    }

    /// Age and outcome; none where she was lost before the horizon.
    fn outcome(self, horizon: i64) -> Option<usize> {
        let died = self.died && self.days <= horizon;
        let known = died || self.days >= horizon;
        Bins::new(&AGES).find(self.age as f64).filter(|_| known).map(|age| age * 2 + usize::from(died))
    }
}

fn outputs(course: Option<Course>, older_from: i64, horizon: i64) -> Outputs {
    let (days, ages) = (Bins::new(&DAYS), Bins::new(&AGES));
    let number = |f: fn(&Course) -> i64| course.as_ref().map(|c| f(c) as f64);
    Outputs::new()
        .cell(2 * days.count() * 2, course.and_then(|c| c.cell(older_from)))
        .cell(ages.count() * 2, course.and_then(|c| c.outcome(horizon)))
        .numbers(&[number(|c| c.age), number(|c| c.days)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_has_one_cell_of_each_table() {
        let vectors = outputs(Some(Course { age: 61, days: 400, died: true }), 60, 730).into_vectors();
        let place = |v: &Vec<f64>| v.iter().position(|x| *x == 1.0);
        assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [24, 12, 2]);
        assert_eq!((place(&vectors[0]), place(&vectors[1])), (Some(12 + 4), Some(2 * 3 + 1)));
        assert_eq!(vectors[2], [61.0, 400.0]);
    }

    #[test]
    fn who_is_lost_before_the_horizon_has_no_outcome() {
        let outcome = |days, died| Course { age: 18, days, died }.outcome(730);
        assert_eq!((outcome(729, false), outcome(730, false)), (None, Some(0)));
        assert_eq!((outcome(730, true), outcome(731, true)), (Some(1), Some(0)));
    }

    #[test]
    fn nothing_is_seen_after_the_last_day() {
        let late = Course { age: 50, days: 3000, died: true }.within_last();
        assert_eq!(late, Course { age: 50, days: 1825, died: false });
    }

    #[test]
    fn a_patient_without_a_value_counts_nowhere() {
        let vectors = outputs(None, 60, 730).into_vectors();
        assert!(vectors[0].iter().chain(&vectors[1]).all(|x| *x == 0.0));
        assert!(vectors[2].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn the_bins_are_those_of_the_manifest() {
        let manifest = include_str!("../manifest.toml");
        assert!(manifest.contains(&format!("edges = {DAYS:?}")));
        assert!(manifest.contains(&format!("edges = {AGES:?}")));
    }
}
