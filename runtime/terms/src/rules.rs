//! What a policy lets through, in the form that `imaging` applies and a guest sees.

use crate::Value;
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
