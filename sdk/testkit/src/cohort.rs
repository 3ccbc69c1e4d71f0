use crate::patient::Patient;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use trocar_terms::Modality;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CohortSpec {
    /// Number of patients. A patient is the same whatever their number.
    pub patients: u32,
    /// What everything follows from.
    pub seed: u64,
    /// The kind of images.
    pub modality: Modality,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Number of patients.
    pub patients: u32,
    /// Number of DICOM files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
}

/// Why a cohort was not written.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A cohort of nobody.
    #[error("a cohort needs at least one patient")]
    NoPatients,
    /// What is there would be mixed with what is written.
    #[error("{} is not empty: name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// The disk.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

const CLINICAL: &str = "patient_id,age_years,sex,diagnosis,survival_days,event\n";
const TRUTH: &str = "patient_id,lesions,lesion_voxels,lesion_ml,body_voxels,body_ml,mean,body_mean,lesion_mean,hazard_per_day\n";

/// Writes `dicom/PATIENT/NUMBER.dcm`, `clinical.csv` and `truth.csv` into a folder.
///
/// In `truth.csv` the body includes its lesions, `mean` is over all voxels, and means are of calibrated values.
/// Thresholds find the tissues exactly: CT body above -500, lesion above 100 HU; MR body above 100, lesion above 500;
/// PET body above 0.15, lesion above 2.5 g/mL.
///
/// # Errors
/// No patients are asked for, the folder holds something already, or the first file or folder that cannot be written.
pub fn write(dir: &Path, spec: &CohortSpec) -> Result<Summary, TestkitError> {
    if spec.patients == 0 {
        return Err(TestkitError::NoPatients);
    }
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(TestkitError::NotEmpty(dir.to_owned()));
    }
    let (mut clinical, mut truth) = (CLINICAL.to_owned(), TRUTH.to_owned());
    let mut summary = Summary { patients: spec.patients, files: 0, bytes: 0 };
    for index in 0..spec.patients {
        let patient = Patient::draw(spec, index);
        let folder = dir.join("dicom").join(&patient.id);
        fs::create_dir_all(&folder).map_err(|source| TestkitError::Write { path: folder.clone(), source })?;
        for (slice, file) in patient.files().into_iter().enumerate() {
            summary.files += 1;
            summary.bytes += file.len() as u64;
            put(folder.join(format!("{:04}.dcm", slice + 1)), &file)?;
        }
        clinical.push_str(&patient.clinical_row());
        truth.push_str(&patient.truth_row());
    }
    put(dir.join("clinical.csv"), clinical.as_bytes())?;
    put(dir.join("truth.csv"), truth.as_bytes())?;
    Ok(summary)
}

fn put(path: PathBuf, bytes: &[u8]) -> Result<(), TestkitError> {
    fs::write(&path, bytes).map_err(|source| TestkitError::Write { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::SLICES;
    use std::collections::BTreeMap;

    type Tree = BTreeMap<PathBuf, Vec<u8>>;

    fn collect(folder: &Path, found: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                collect(&entry, found);
            } else {
                let bytes = fs::read(&entry).unwrap();
                found.insert(entry, bytes);
            }
        }
    }

    fn written(patients: u32, seed: u64) -> Tree {
        let (dir, mut found) = (tempfile::tempdir().unwrap(), Tree::new());
        write(dir.path(), &CohortSpec { patients, seed, modality: Modality::CT }).unwrap();
        collect(dir.path(), &mut found);
        let relative = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_owned();
        found.iter().map(|(path, bytes)| (relative(path), bytes.clone())).collect()
    }

    #[test]
    fn the_same_seed_writes_the_same_bytes_and_another_seed_others() {
        let first = written(2, 7);
        assert!(first == written(2, 7), "the same seed wrote other bytes");
        assert!(first != written(2, 8), "another seed wrote the same bytes");
    }

    #[test]
    fn a_patient_is_the_same_in_a_larger_cohort() {
        let (small, large) = (written(1, 7), written(2, 7));
        let images = small.iter().filter(|(path, _)| path.starts_with("dicom"));
        assert_eq!(images.clone().count(), SLICES);
        for (path, bytes) in images {
            assert!(large.get(path) == Some(bytes), "{} differs", path.display());
        }
    }

    #[test]
    fn a_folder_that_holds_something_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine"), b"x").unwrap();
        let spec = CohortSpec { patients: 1, seed: 1, modality: Modality::CT };
        let error = write(dir.path(), &spec).unwrap_err().to_string();
        assert!(error.ends_with(" is not empty: name a new folder"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_cohort_of_nobody_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let spec = CohortSpec { patients: 0, seed: 1, modality: Modality::CT };
        assert_eq!(write(dir.path(), &spec).unwrap_err().to_string(), "a cohort needs at least one patient");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let spec = CohortSpec { patients: 1, seed: 1, modality: Modality::CT };
        let error = write(&file.path().join("x"), &spec).unwrap_err().to_string();
        assert!(error.starts_with("cannot write "), "{error}");
    }
}
