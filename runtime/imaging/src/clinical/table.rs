use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use trocar_terms::Value;

/// The granted columns of a clinical table, keyed by patient.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClinicalTable(pub(super) BTreeMap<String, BTreeMap<String, Value>>);

impl ClinicalTable {
    /// A patient's granted cells; `None` where the table has no row for her.
    #[must_use]
    pub fn row(&self, patient_id: &str) -> Option<&BTreeMap<String, Value>> {
        self.0.get(patient_id)
    }

    /// The patients that have a row.
    pub fn patients(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Number of patients in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no patient.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ClinicalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClinicalTable({} rows)", self.len())
    }
}
