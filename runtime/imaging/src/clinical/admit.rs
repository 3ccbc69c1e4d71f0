use super::{ClinicalError, ClinicalTable, Place, Row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_terms::{ColumnRule, Day, Name, NoValue, TableRules, Value};

/// How many cells of a column have a value, and why the others have none. For the operator alone: these are counts
/// of patients without noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnCount {
    /// The common name.
    pub name: Name,
    /// The name in the table.
    pub source: String,
    /// Cells with a value.
    pub admitted: u64,
    /// Cells without one, by reason.
    pub missing: BTreeMap<NoValue, u64>,
}

/// A table held against its rules.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Admitted {
    /// The cells.
    pub table: ClinicalTable,
    /// Of each kept column, in the policy's order.
    pub columns: Vec<ColumnCount>,
    /// Rows without a readable index date, where the policy names its column.
    pub without_index_date: u64,
}

/// Takes a table row by row.
#[derive(Debug)]
pub struct Admission<'a> {
    rules: &'a TableRules,
    admitted: Admitted,
}

impl<'a> Admission<'a> {
    /// An empty table.
    #[must_use]
    pub fn new(rules: &'a TableRules) -> Self {
        let count = |rule: &ColumnRule| ColumnCount {
            name: rule.name.clone(),
            source: rule.source().to_owned(),
            admitted: 0,
            missing: BTreeMap::new(),
        };
        let columns = rules.columns.iter().map(count).collect();
        Self { rules, admitted: Admitted { columns, ..Admitted::default() } }
    }

    /// The columns whose cells [`add`](Self::add) takes, in this order: the key, the index date, the granted ones.
    #[must_use]
    pub fn wanted(&self) -> Vec<&'a str> {
        let rules = self.rules;
        let fixed = [Some(rules.key.as_str()), rules.index_date.as_deref()];
        fixed.into_iter().flatten().chain(rules.columns.iter().map(ColumnRule::source)).collect()
    }

    /// Takes one row.
    ///
    /// # Errors
    /// It names no patient or one that has a row already, or it has another number of cells than were wanted.
    pub fn add(&mut self, row: &Row) -> Result<(), ClinicalError> {
        let mut cells = row.cells.iter().map(String::as_str);
        let patient = cells.next().map(str::trim).filter(|id| !id.is_empty());
        let patient = patient.ok_or(ClinicalError::NoPatient(row.place))?.to_owned();
        let index = match self.rules.index_date {
            Some(_) => self.index_date(cells.next().unwrap_or_default()),
            None => None,
        };
        if cells.len() != self.rules.columns.len() {
            return Err(ClinicalError::Ragged(row.place));
        }
        let mut kept = BTreeMap::new();
        for ((rule, count), cell) in self.rules.columns.iter().zip(&mut self.admitted.columns).zip(cells) {
            kept.insert(rule.name.as_str().to_owned(), admit(rule, count, cell, index));
        }
        self.keep(patient, kept, row.place)
    }

    fn index_date(&mut self, cell: &str) -> Option<Day> {
        let day = Day::parse(cell.trim());
        self.admitted.without_index_date += u64::from(day.is_none());
        day
    }

    fn keep(
        &mut self,
        patient: String,
        cells: BTreeMap<String, Value>,
        place: Place,
    ) -> Result<(), ClinicalError> {
        match self.admitted.table.0.insert(patient, cells) {
            None => Ok(()),
            Some(_) => Err(ClinicalError::PatientTwice(place)),
        }
    }

    /// What was let through.
    #[must_use]
    pub fn finish(self) -> Admitted {
        self.admitted
    }

    /// The words for a column that is not there: the key and the index date are not granted columns.
    #[must_use]
    pub fn describe(&self, error: ClinicalError) -> ClinicalError {
        match error {
            ClinicalError::NoColumn(name) if name == self.rules.key => ClinicalError::NoKey(name),
            ClinicalError::NoColumn(name) if self.rules.index_date.as_deref() == Some(&name) => {
                ClinicalError::NoIndexDate(name)
            }
            other => other,
        }
    }
}

fn admit(rule: &ColumnRule, count: &mut ColumnCount, cell: &str, index: Option<Day>) -> Value {
    match rule.admit(cell, index) {
        Ok(value) => {
            count.admitted += 1;
            value
        }
        Err(why) => {
            *count.missing.entry(why).or_default() += 1;
            Value::Missing
        }
    }
}
