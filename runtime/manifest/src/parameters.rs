//! Parameters: what a researcher may set, each on a grid or from a closed list, so that repeats are the same job.

use crate::Manifest;
use crate::text::nearest;
use serde::Serialize;
use std::collections::BTreeMap;
use trocar_terms::{Name, Value};

/// Numbers are held as whole multiples of 10^-9 up to 10^9, so that a grid of decimals is exact.
const PLACES: usize = 9;
const LARGEST: f64 = 1e9;

/// One parameter of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Parameter {
    /// Unique within the manifest.
    pub name: Name,
    /// Its type, grid or list, and default.
    #[serde(flatten)]
    pub kind: ParameterKind,
}

/// The type of a parameter with all the values that it may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ParameterKind {
    /// `min`, `min + step`, .. up to `max`.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Above zero.
        step: i64,
        /// Where nobody sets it.
        default: i64,
    },
    /// `min`, `min + step`, .. up to `max`.
    Real {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// Above zero.
        step: f64,
        /// Where nobody sets it.
        default: f64,
    },
    /// One of a closed list.
    Category {
        /// The list.
        categories: Vec<String>,
        /// Where nobody sets it.
        default: String,
    },
}

/// Why what a researcher set is refused. All of it is her own words and the manifest's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The manifest has no such parameter.
    #[error("there is no parameter {name:?}; {hint}")]
    Unknown {
        /// What was set.
        name: String,
        /// The nearest, or all.
        hint: String,
    },
    /// Not a value on the grid or in the list.
    #[error("{name} = {given:?} is not allowed: write {allowed}")]
    NotAllowed {
        /// Which parameter.
        name: Name,
        /// What was set.
        given: String,
        /// What may be.
        allowed: String,
    },
}

/// Every parameter of the manifest with the value that the job runs with: given ones checked, the others' defaults.
///
/// # Errors
/// A name that the manifest does not have, or a value off its grid or list.
pub fn resolve(
    manifest: &Manifest,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, ParameterError> {
    let known: Vec<&str> = manifest.parameters.iter().map(|p| p.name.as_str()).collect();
    if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(ParameterError::Unknown { name: name.clone(), hint: hint(name, &known) });
    }
    let value = |p: &Parameter| match given.get(p.name.as_str()) {
        Some(text) => p.read(text),
        None => Ok(p.default_value()),
    };
    manifest.parameters.iter().map(|p| Ok((p.name.to_string(), value(p)?))).collect()
}

fn hint(name: &str, known: &[&str]) -> String {
    match (nearest(name, known.iter().copied()), known) {
        (Some(near), _) => format!("did you mean {near:?}?"),
        (None, []) => "the manifest has none".to_owned(),
        (None, _) => format!("the manifest has {}", known.join(", ")),
    }
}

impl Parameter {
    fn default_value(&self) -> Value {
        match &self.kind {
            ParameterKind::Integer { default, .. } => Value::Integer(*default),
            ParameterKind::Real { default, .. } => Value::Real(*default),
            ParameterKind::Category { default, .. } => Value::Text(default.clone()),
        }
    }

    fn read(&self, text: &str) -> Result<Value, ParameterError> {
        let read = match &self.kind {
            ParameterKind::Integer { min, max, step, .. } => {
                let grid = Grid { min: (*min).into(), max: (*max).into(), step: (*step).into() };
                text.parse::<i64>().ok().filter(|i| grid.has((*i).into())).map(Value::Integer)
            }
            ParameterKind::Real { min, max, step, .. } => real(text, *min, *max, *step).map(Value::Real),
            ParameterKind::Category { categories, .. } => {
                categories.iter().find(|c| *c == text).map(|c| Value::Text(c.clone()))
            }
        };
        let refused = || ParameterError::NotAllowed {
            name: self.name.clone(),
            given: text.to_owned(),
            allowed: self.allowed(),
        };
        read.ok_or_else(refused)
    }

    /// In words, what it may be set to.
    fn allowed(&self) -> String {
        match &self.kind {
            ParameterKind::Integer { min, max, step, .. } => format!("{min} to {max} in steps of {step}"),
            ParameterKind::Real { min, max, step, .. } => format!("{min} to {max} in steps of {step}"),
            ParameterKind::Category { categories, .. } => format!("one of {}", categories.join(", ")),
        }
    }
}

fn real(text: &str, min: f64, max: f64, step: f64) -> Option<f64> {
    let grid = Grid { min: nanos(min)?, max: nanos(max)?, step: nanos(step)? };
    let value: f64 = text.parse().ok()?;
    // -0.0 and 0.0 are one value of the grid.
    nanos(value).filter(|n| grid.has(*n)).map(|_| value + 0.0)
}

/// `x` as a whole multiple of 10^-9, if it is one.
pub(crate) fn nanos(x: f64) -> Option<i128> {
    if !x.is_finite() || x.abs() > LARGEST {
        return None;
    }
    let text = format!("{x:.PLACES$}");
    let same = text.parse::<f64>().is_ok_and(|again| again.total_cmp(&x).is_eq());
    if same { text.replace('.', "").parse().ok() } else { None }
}

/// min, min + step, .. up to max.
pub(crate) struct Grid {
    pub(crate) min: i128,
    pub(crate) max: i128,
    pub(crate) step: i128,
}

impl Grid {
    pub(crate) fn has(&self, value: i128) -> bool {
        let from_min = value.checked_sub(self.min).and_then(|d| d.checked_rem(self.step));
        (self.min..=self.max).contains(&value) && from_min == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(kind: ParameterKind) -> Parameter {
        Parameter { name: "p".parse().unwrap(), kind }
    }

    #[test]
    fn a_real_is_on_its_decimal_grid_exactly() {
        let p = parameter(ParameterKind::Real { min: 0.0, max: 1.0, step: 0.1, default: 0.5 });
        for (text, value) in [("0.3", 0.3), ("0.30", 0.3), ("3e-1", 0.3), ("-0.0", 0.0), ("1", 1.0)] {
            let read = p.read(text).unwrap();
            assert!(matches!(read, Value::Real(x) if x.to_bits() == f64::to_bits(value)), "{text}: {read:?}");
        }
        for text in ["0.35", "1.1", "-0.1", "0.30000000000000004", "nan", "inf", "1e300", "", "0,3", " 0.3"] {
            assert!(p.read(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn an_integer_is_on_its_grid() {
        let p = parameter(ParameterKind::Integer { min: -10, max: 10, step: 5, default: 0 });
        assert_eq!(p.read("-5"), Ok(Value::Integer(-5)));
        for text in ["-4", "15", "5.0", "five", "99999999999999999999"] {
            assert!(p.read(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_category_is_one_of_its_list_and_the_error_names_them() {
        let p = parameter(ParameterKind::Category {
            categories: vec!["a".into(), "b".into()],
            default: "a".into(),
        });
        assert_eq!(p.read("b"), Ok(Value::Text("b".into())));
        assert!(p.read("A").unwrap_err().to_string().ends_with("write one of a, b"));
    }
}
