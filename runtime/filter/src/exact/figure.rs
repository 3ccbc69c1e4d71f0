//! The numbers of an exact result as they leave: suppressed, rounded, without noise and without a claim about epsilon.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use trocar_terms::Name;

/// All the numbers of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExactFigures {
    /// The number of patients of the cohort.
    pub patients: ExactPatients,
    /// One for each output of the manifest, in its order.
    pub outputs: Vec<ExactFigure>,
}

/// The number of patients of the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExactPatients {
    /// Rounded to a multiple of [`super::rules::ROUNDING`]; absent below k.
    pub value: Option<u64>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExactFigure {
    /// The manifest's name.
    pub name: Name,
    /// Each number in the manifest's order; absent where it is suppressed. Reals are rounded to 12 significant digits.
    pub numbers: Vec<Exact>,
    /// Of cells: the sum of those that are shown, as they are shown.
    pub total: Option<u64>,
}

/// A released number, kept by its bits so that it is read back as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact(
    /// Absent where it is suppressed.
    pub Option<f64>,
);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.map(f64::to_bits).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<u64>::deserialize(deserializer)?.map(f64::from_bits)))
    }
}
