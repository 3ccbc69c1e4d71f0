//! Clinical columns: what a policy declares of one, and what becomes of a raw cell.

use crate::{Day, Name, Value};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, str::FromStr};

/// How a clinical table is read: which row is whose, from which day on days count, and what is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRules {
    /// The column that names the patient, as Patient ID (0010,0020) does.
    pub key: String,
    /// The column of the index date; without one a date in a cell is missing.
    pub index_date: Option<String>,
    /// The columns that are kept.
    pub columns: Vec<ColumnRule>,
}

impl TableRules {
    /// The key column of a policy that names none.
    pub const KEY: &'static str = "patient_id";

    /// Rules with the default key and no index date.
    #[must_use]
    pub fn of(columns: &[ColumnRule]) -> Self {
        Self { key: Self::KEY.to_owned(), index_date: None, columns: columns.to_vec() }
    }
}

/// A clinical column that a policy may grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRule {
    /// The common name: what manifests, cohorts and guests say.
    pub name: Name,
    /// Its type and range.
    #[serde(flatten)]
    pub kind: ColumnType,
    /// Name in the table, where it differs from the common one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Codes that stand for a missing value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The table's word of a category, where it differs from the common one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

/// The type of a clinical column with its public range or list: a value outside it is `missing`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Finite reals.
    Real {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A closed list.
    Category {
        /// The list.
        categories: Vec<String>,
    },
    /// Days since the patient's index date.
    Days {
        /// Smallest.
        min: i32,
        /// Largest.
        max: i32,
    },
}

/// Why a cell has no value. A guest sees `missing` and never which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoValue {
    /// Nothing in the cell.
    Empty,
    /// A code of the policy's list of missing codes.
    Code,
    /// Not of the column's type.
    Unreadable,
    /// Below the smallest or above the largest.
    OutOfRange,
    /// A category that is not on the closed list.
    NotListed,
    /// A date of a patient without an index date.
    NoIndexDate,
}

impl NoValue {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 6] =
        [Self::Empty, Self::Code, Self::Unreadable, Self::OutOfRange, Self::NotListed, Self::NoIndexDate];

    /// What an operator reads.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Code => "a missing code",
            Self::Unreadable => "not of the type",
            Self::OutOfRange => "outside the range",
            Self::NotListed => "outside the list",
            Self::NoIndexDate => "a date without an index date",
        }
    }
}

impl ColumnRule {
    /// A rule for a column that the table has under its common name and writes as the policy does.
    #[must_use]
    pub const fn new(name: Name, kind: ColumnType) -> Self {
        Self { name, kind, source: None, missing: Vec::new(), map: BTreeMap::new() }
    }

    /// The name in the table.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(self.name.as_str())
    }

    /// Reads one cell of a patient whose index date is `index`.
    ///
    /// # Errors
    /// Why it is missing.
    pub fn admit(&self, cell: &str, index: Option<Day>) -> Result<Value, NoValue> {
        let cell = cell.trim();
        if cell.is_empty() {
            return Err(NoValue::Empty);
        }
        if self.missing.iter().any(|code| code == cell) {
            return Err(NoValue::Code);
        }
        match &self.kind {
            // A date written as a number is a date, and no guest sees one.
            ColumnType::Integer { .. } | ColumnType::Real { .. } if Day::parse(cell).is_some() => {
                Err(NoValue::Unreadable)
            }
            ColumnType::Integer { min, max } => within(whole(cell)?, min, max).map(Value::Integer),
            ColumnType::Real { min, max } => within(real(cell)?, min, max).map(Value::Real),
            ColumnType::Days { min, max } => within(days(cell, index)?, min, max).map(Value::Days),
            ColumnType::Category { categories } => {
                let word = self.map.get(cell).map_or(cell, String::as_str);
                let listed = categories.iter().find(|category| *category == word);
                listed.cloned().map(Value::Text).ok_or(NoValue::NotListed)
            }
        }
    }
}

fn within<T: PartialOrd>(value: T, min: &T, max: &T) -> Result<T, NoValue> {
    if value >= *min && value <= *max { Ok(value) } else { Err(NoValue::OutOfRange) }
}

/// Also `61.0`: a table that once held a missing number writes its whole ones so.
fn whole<T: FromStr>(cell: &str) -> Result<T, NoValue> {
    let digits = match cell.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) | None => cell,
    };
    digits.parse().map_err(|_| NoValue::Unreadable)
}

fn real(cell: &str) -> Result<f64, NoValue> {
    cell.parse().ok().filter(|x: &f64| x.is_finite()).ok_or(NoValue::Unreadable)
}

/// A number of days, or a date that becomes one.
fn days(cell: &str, index: Option<Day>) -> Result<i32, NoValue> {
    if !Day::looks_like_one(cell) {
        return whole(cell);
    }
    let day = Day::parse(cell).ok_or(NoValue::Unreadable)?;
    day.since(index.ok_or(NoValue::NoIndexDate)?).ok_or(NoValue::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: ColumnType) -> ColumnRule {
        ColumnRule::new("c".parse().unwrap(), kind)
    }

    fn sex() -> ColumnRule {
        let map = [("male", "M"), ("female", "F")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        ColumnRule {
            map: map.into(),
            missing: vec!["NA".into(), "unknown".into()],
            ..rule(ColumnType::Category { categories: vec!["F".into(), "M".into()] })
        }
    }

    #[test]
    fn whole_numbers_within_the_range_are_admitted_and_others_say_why_not() {
        let age = rule(ColumnType::Integer { min: 0, max: 120 });
        assert_eq!(age.admit(" 61 ", None), Ok(Value::Integer(61)));
        assert_eq!(age.admit("61.00", None), Ok(Value::Integer(61)));
        assert_eq!(age.admit("  ", None), Err(NoValue::Empty));
        for bad in ["121", "-1"] {
            assert_eq!(age.admit(bad, None), Err(NoValue::OutOfRange), "{bad:?}");
        }
        for bad in ["61.5", "61.", "sixty", "99999999999999999999", "NaN", "6 1"] {
            assert_eq!(age.admit(bad, None), Err(NoValue::Unreadable), "{bad:?}");
        }
    }

    #[test]
    fn a_real_is_finite_and_within_its_range() {
        let real = rule(ColumnType::Real { min: 0.0, max: 1.0 });
        assert_eq!(real.admit("0.5", None), Ok(Value::Real(0.5)));
        assert_eq!(real.admit("1.5", None), Err(NoValue::OutOfRange));
        for bad in ["NaN", "inf", "-infinity", "0,5"] {
            assert_eq!(real.admit(bad, None), Err(NoValue::Unreadable), "{bad:?}");
        }
    }

    #[test]
    fn a_category_is_mapped_and_then_held_against_the_closed_list() {
        let sex = sex();
        let admitted = |cell| sex.admit(cell, None);
        assert_eq!(admitted("female"), Ok(Value::Text("F".into())));
        assert_eq!(admitted("M"), Ok(Value::Text("M".into())));
        assert_eq!(admitted("f"), Err(NoValue::NotListed));
        assert_eq!(admitted("unknown"), Err(NoValue::Code));
    }

    #[test]
    fn a_missing_code_is_missing_even_within_the_range() {
        let rule =
            ColumnRule { missing: vec!["99".into()], ..rule(ColumnType::Integer { min: 0, max: 120 }) };
        assert_eq!(rule.admit("99", None), Err(NoValue::Code));
        assert_eq!(rule.admit("98", None), Ok(Value::Integer(98)));
    }

    #[test]
    fn dates_become_days_since_the_index_date_and_are_missing_without_one() {
        let rule = rule(ColumnType::Days { min: -30, max: 400 });
        let index = Day::parse("2024-01-31");
        for (cell, expected) in [
            ("2024-03-01", Ok(Value::Days(30))),
            ("20240130", Ok(Value::Days(-1))),
            ("2023-12-31", Err(NoValue::OutOfRange)),
            ("2024-02-30", Err(NoValue::Unreadable)),
            ("12", Ok(Value::Days(12))),
            ("12.0", Ok(Value::Days(12))),
            ("later", Err(NoValue::Unreadable)),
        ] {
            assert_eq!(rule.admit(cell, index), expected, "{cell}");
        }
        assert_eq!(rule.admit("2024-03-01", None), Err(NoValue::NoIndexDate));
    }

    #[test]
    fn a_date_in_eight_digits_is_never_taken_for_a_number_of_days() {
        let rule = rule(ColumnType::Days { min: 0, max: i32::MAX });
        assert_eq!(rule.admit("20240301", None), Err(NoValue::NoIndexDate));
    }

    #[test]
    fn rules_without_the_optional_keys_are_written_as_they_always_were() {
        let rule = rule(ColumnType::Integer { min: 0, max: 1 });
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(text, r#"{"name":"c","type":"integer","min":0,"max":1}"#);
        assert_eq!(serde_json::from_str::<ColumnRule>(&text).unwrap(), rule);
    }
}
