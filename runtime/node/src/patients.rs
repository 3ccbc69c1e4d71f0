//! `patients.log`: which dataset each patient was first seen in, by pseudonym, for ever.
//!
//! It only grows, and outlives the index: a patient's budget must not begin anew because index.db was lost. A line is
//! `PSEUDONYM DATASET .`, and one without its end was cut short by a crash; the pseudonym is an HMAC under the node's audit key.

use crate::error::{NodeError, file};
use crate::files;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use trocar_terms::Name;

/// The open log.
#[derive(Debug)]
pub(crate) struct PatientsLog {
    path: PathBuf,
    first: BTreeMap<String, String>,
}

impl PatientsLog {
    pub(crate) fn open(path: PathBuf) -> Result<Self, NodeError> {
        files::private_file(&path)?;
        let text = files::read_text(&path)?;
        let mut first = BTreeMap::new();
        for (patient, dataset) in text.lines().filter_map(|line| line.strip_suffix(" .")?.split_once(' ')) {
            first.entry(patient.to_owned()).or_insert_with(|| dataset.to_owned());
        }
        Ok(Self { path, first })
    }

    /// Claims patients for a dataset, or names the other datasets that have some of them; then nothing is claimed.
    pub(crate) fn claim<'a>(
        &self,
        dataset: &Name,
        patients: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<String>, NodeError> {
        let (mut others, mut new) = (BTreeSet::new(), String::new());
        for patient in patients {
            match self.first.get(patient) {
                Some(first) if first != dataset.as_str() => drop(others.insert(first.clone())),
                Some(_) => {}
                None => new.push_str(&format!("{patient} {dataset} .\n")),
            }
        }
        if others.is_empty() && !new.is_empty() {
            self.append(&new)?;
        }
        Ok(others.into_iter().collect())
    }

    /// A line that a crash cut short is no pseudonym of anyone; the scan that wrote it kept nothing and runs again.
    fn append(&self, lines: &str) -> Result<(), NodeError> {
        let mut log = OpenOptions::new().append(true).open(&self.path).map_err(file("write", &self.path))?;
        let written = log.write_all(format!("\n{lines}").as_bytes()).and_then(|()| log.sync_all());
        written.map_err(file("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_stays_with_the_dataset_that_first_had_her() {
        let folder = tempfile::tempdir().unwrap();
        let open = || PatientsLog::open(folder.path().join("patients.log")).unwrap();
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert!(open().claim(&name("liver"), ["a", "b"].into_iter()).unwrap().is_empty());
        assert!(open().claim(&name("liver"), ["b", "c"].into_iter()).unwrap().is_empty());
        assert_eq!(open().claim(&name("lung"), ["c", "d"].into_iter()).unwrap(), ["liver"]);
        assert!(
            open().claim(&name("lung"), ["d"].into_iter()).unwrap().is_empty(),
            "a refused claim was kept"
        );
    }

    #[test]
    fn a_line_that_was_cut_short_hides_no_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("patients.log");
        std::fs::write(&path, "a liver .\nb liv").unwrap();
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert!(
            PatientsLog::open(path.clone())
                .unwrap()
                .claim(&name("lung"), ["b", "c"].into_iter())
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            PatientsLog::open(path).unwrap().claim(&name("liver"), ["c"].into_iter()).unwrap(),
            ["lung"]
        );
    }
}
