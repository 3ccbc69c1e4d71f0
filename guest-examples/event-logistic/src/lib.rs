//! Logistic regression of the event on age and sex, one Newton step a round.
//!
//! `age` is (years - 60) / 25, cut to [-1, 1]; `male` is 1 for M and -1 for F. A patient who lacks age, sex or event contributes
//! nothing.
#![forbid(unsafe_code)]

use trocar_guest::{Failure, Outputs, Params, Patient, Value, integer, logistic, text};

/// Maps one patient at the coefficients of the round before.
#[trocar_guest::algorithm]
fn event_logistic(patient: &Patient, _params: &Params, state: &[f64]) -> Result<Outputs, Failure> {
    let row = row(&patient.column("age_years")?, &patient.column("sex")?, &patient.column("event")?);
    let vector = match row {
        Some((x, y)) => logistic::contribution(&x, y, state),
        None => vec![0.0; logistic::length(2)],
    };
    Ok(Outputs::new().vector(vector))
}

/// Predictors and outcome; `None` where one is missing.
fn row(age: &Value, sex: &Value, event: &Value) -> Option<([f64; 2], bool)> {
    let age = ((integer(age)? as f64 - 60.0) / 25.0).clamp(-1.0, 1.0);
    let male = match text(sex)? {
        "M" => 1.0,
        "F" => -1.0,
        _ => return None,
    };
    Some(([age, male], integer(event)? == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictors_are_scaled_and_cut_to_one() {
        let [m, f] = ["M", "F"].map(|s| Value::Text(s.into()));
        assert_eq!(row(&Value::Integer(72), &m, &Value::Integer(1)), Some(([0.48, 1.0], true)));
        assert_eq!(row(&Value::Integer(99), &f, &Value::Integer(0)), Some(([1.0, -1.0], false)));
    }

    #[test]
    fn whoever_lacks_a_value_contributes_nothing() {
        let (age, sex, event) = (Value::Integer(72), Value::Text("M".into()), Value::Integer(1));
        assert_eq!(row(&Value::Missing, &sex, &event), None);
        assert_eq!(row(&age, &Value::Missing, &event), None);
        assert_eq!(row(&age, &sex, &Value::Missing), None);
    }

    #[test]
    fn the_vector_is_as_long_as_the_manifest_says() {
        assert!(include_str!("../manifest.toml").contains(&format!("length = {}\n", logistic::length(2))));
    }
}
