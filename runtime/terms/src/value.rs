use serde::{Deserialize, Serialize};

/// One cell of a clinical table or one attribute, as a guest and a cohort filter see it.
///
/// Never an identifier, a name or an absolute date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Real(f64),
    /// One of the closed list of the policy.
    Text(String),
    /// Days since the patient's index date.
    Days(i32),
    /// Not there, not readable, or outside the policy's list or range.
    Missing,
}
