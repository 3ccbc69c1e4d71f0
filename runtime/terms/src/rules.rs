//! What a policy lets through, in the form that `imaging` applies and a guest sees.

use crate::{Name, Value};
use serde::{Deserialize, Serialize};

/// The imaging modalities that a volume can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Modality {
    /// Computed tomography.
    CT,
    /// Magnetic resonance.
    MR,
    /// Positron emission tomography.
    PT,
}

impl Modality {
    /// The DICOM code string.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CT => "CT",
            Self::MR => "MR",
            Self::PT => "PT",
        }
    }

    /// Reads the DICOM code string; `None` for any other modality.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::CT, Self::MR, Self::PT].into_iter().find(|m| m.code() == code)
    }
}

/// The assurance class of a release (PRIVACY.md section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Anyone may write the guest: differential privacy on the whole path.
    AnyCode,
    /// The component is signed by two reviewers: exact aggregates, released by an output checker.
    ReviewedCode,
}

impl Class {
    /// The word of manifests and policies.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AnyCode => "any-code",
            Self::ReviewedCode => "reviewed-code",
        }
    }
}

/// An attribute that a policy may grant: a value outside `categories` is `missing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeRule {
    /// DICOM keyword.
    pub keyword: String,
    /// The closed list.
    pub categories: Vec<String>,
}

impl AttributeRule {
    /// `text` where it is one of the closed list, `Missing` otherwise.
    #[must_use]
    pub fn admit(&self, text: &str) -> Value {
        let text = text.trim();
        if self.categories.iter().any(|c| c == text) { Value::Text(text.to_owned()) } else { Value::Missing }
    }
}

/// A clinical column that a policy may grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRule {
    /// Column name in the clinical table.
    pub name: Name,
    /// Its type and range.
    #[serde(flatten)]
    pub kind: ColumnType,
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

impl ColumnType {
    /// Reads one cell; whatever is not of the type, range or list is `Missing`.
    #[must_use]
    pub fn admit(&self, cell: &str) -> Value {
        let cell = cell.trim();
        match self {
            Self::Integer { min, max } => number(cell, min, max).map_or(Value::Missing, Value::Integer),
            Self::Real { min, max } => number(cell, min, max).map_or(Value::Missing, Value::Real),
            Self::Days { min, max } => number(cell, min, max).map_or(Value::Missing, Value::Days),
            Self::Category { categories } if categories.iter().any(|c| c == cell) => {
                Value::Text(cell.to_owned())
            }
            Self::Category { .. } => Value::Missing,
        }
    }
}

fn number<T: std::str::FromStr + PartialOrd>(cell: &str, min: &T, max: &T) -> Option<T> {
    // A NaN is neither at least min nor at most max, so it ends here.
    cell.parse().ok().filter(|v| v >= min && v <= max)
}

/// The de-identification gate of a policy (CONTRACT.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deidentification {
    /// Patient Identity Removed (0012,0062) must be YES.
    pub require: bool,
    /// What is done with objects that have private groups.
    pub private_groups: PrivateGroups,
}

/// What is done with objects that have private groups. Guests never see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrivateGroups {
    /// The object is taken.
    Ignore,
    /// The object is quarantined.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_outside_the_policys_list_or_range_is_missing() {
        let age = ColumnType::Integer { min: 0, max: 120 };
        assert_eq!(age.admit(" 61 "), Value::Integer(61));
        for bad in ["", "121", "-1", "61.5", "sixty", "99999999999999999999"] {
            assert_eq!(age.admit(bad), Value::Missing, "{bad:?}");
        }
        let real = ColumnType::Real { min: 0.0, max: 1.0 };
        assert_eq!(real.admit("NaN"), Value::Missing);
        assert_eq!(real.admit("0.5"), Value::Real(0.5));
        let sex = ColumnType::Category { categories: vec!["F".into(), "M".into()] };
        assert_eq!((sex.admit("F"), sex.admit("f")), (Value::Text("F".into()), Value::Missing));
    }
}
