//! `patients.log`: which dataset each patient was first seen in, by pseudonym, for ever.
//!
//! It only grows, and outlives the index: a patient's budget must not begin anew because index.db was lost. A line is
//! `PSEUDONYM DATASET .`, and one without its end was cut short by a crash; the pseudonym is an HMAC under the node's audit key.
//! Who is found in a second dataset brings the two into one pool; so the first dataset of each patient is enough to know.

use crate::error::{NodeError, file};
use crate::files;
use rustix::fs::{FlockOperation, flock};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use trocar_terms::Name;

/// The open log. While it is open no other scan, of this home or of one that shares the log, claims a patient.
#[derive(Debug)]
pub(crate) struct PatientsLog {
    path: PathBuf,
    file: File,
    first: BTreeMap<String, Name>,
}

impl PatientsLog {
    pub(crate) fn open(path: PathBuf) -> Result<Self, NodeError> {
        files::private_file(&path)?;
        let file_ = OpenOptions::new().append(true).open(&path).map_err(file("open", &path))?;
        flock(&file_, FlockOperation::LockExclusive).map_err(|e| file("lock", &path)(e.into()))?;
        let text = files::read_text(&path)?;
        let mut first = BTreeMap::new();
        for (patient, dataset) in text.lines().filter_map(|line| line.strip_suffix(" .")?.split_once(' ')) {
            if let Ok(dataset) = dataset.parse() {
                first.entry(patient.to_owned()).or_insert(dataset);
            }
        }
        Ok(Self { path, file: file_, first })
    }

    /// The other datasets that some of these patients were first seen in.
    pub(crate) fn others<'a>(
        &self,
        dataset: &Name,
        patients: impl Iterator<Item = &'a str>,
    ) -> BTreeSet<Name> {
        let firsts = patients.filter_map(|patient| self.first.get(patient));
        firsts.filter(|first| *first != dataset).cloned().collect()
    }

    /// Writes down the patients that were never seen before.
    pub(crate) fn claim<'a>(
        mut self,
        dataset: &Name,
        patients: impl Iterator<Item = &'a str>,
    ) -> Result<(), NodeError> {
        let new = patients.filter(|patient| !self.first.contains_key(*patient));
        let lines: String = new.map(|patient| format!("{patient} {dataset} .\n")).collect();
        if lines.is_empty() {
            return Ok(());
        }
        // A line that a crash cut short is no pseudonym of anyone; the scan that wrote it kept nothing and runs again.
        let written =
            self.file.write_all(format!("\n{lines}").as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(file("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// What a scan does: who else has them, then claim them.
    fn scan(path: &std::path::Path, dataset: &str, patients: &[&str]) -> Vec<String> {
        let log = PatientsLog::open(path.to_owned()).unwrap();
        let others = log.others(&name(dataset), patients.iter().copied());
        log.claim(&name(dataset), patients.iter().copied()).unwrap();
        others.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_patient_is_known_by_the_dataset_that_first_had_her() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("patients.log");
        assert!(scan(&path, "liver", &["a", "b"]).is_empty());
        assert!(scan(&path, "liver", &["b", "c"]).is_empty());
        assert_eq!(scan(&path, "lung", &["c", "d"]), ["liver"]);
        assert!(scan(&path, "lung", &["d"]).is_empty());
        assert_eq!(scan(&path, "brain", &["a", "d"]), ["liver", "lung"]);
    }

    #[test]
    fn a_line_that_was_cut_short_hides_no_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("patients.log");
        std::fs::write(&path, "a liver .\nb liv").unwrap();
        assert!(scan(&path, "lung", &["b", "c"]).is_empty());
        assert_eq!(scan(&path, "liver", &["c"]), ["lung"]);
    }
}
