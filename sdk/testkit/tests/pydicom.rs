//! What the testkit writes, read by pydicom without a warning and by highdicom, and held against its own truth.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};
use trocar_terms::Modality;
use trocar_testkit::{
    Fault, Size, Syntax,
    cohort::{self, CohortSpec, Planted, Recipe},
};

/// A Python that has what tests/oracles/pixels.py pins: `TROCAR_PYTHON`, or a line that says that there is none.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("TROCAR_PYTHON").map(PathBuf::from);
    if python.is_none() {
        println!("skipped: TROCAR_PYTHON names no Python with pydicom");
    }
    python
}

#[track_caller]
fn says(python: &Path, script: &[&str], folder: &Path, expected: &str) {
    let oracles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles");
    let (name, arguments) = script.split_first().unwrap();
    let mut command = Command::new(python);
    let run = command.arg(oracles.join(name)).args(arguments).arg(folder).output().unwrap();
    let (out, words) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}{words}");
    assert_eq!(out.trim(), expected);
}

#[test]
fn pydicom_reads_every_file_without_a_warning() {
    let Some(python) = python() else { return };
    for modality in [Modality::CT, Modality::MR, Modality::PT] {
        let dir = tempfile::tempdir().unwrap();
        cohort::write(dir.path(), &CohortSpec { patients: 3, seed: 5, modality }).unwrap();
        says(&python, &["pixels.py", "check"], dir.path(), "48");
    }
}

fn varied(patients: u32, modalities: &[Modality], size: Size) -> Recipe {
    Recipe {
        modalities: modalities.to_vec(),
        syntaxes: Syntax::ALL.to_vec(),
        segmentations: true,
        structure_sets: true,
        varied: true,
        size,
        ..Recipe::new(patients, 5, Modality::CT)
    }
}

/// A Python with highdicom too, which tests/oracles/cohort.py pins.
fn python_with_highdicom() -> Option<PathBuf> {
    let python = python()?;
    let found = Command::new(&python).args(["-c", "import highdicom"]).output().unwrap().status.success();
    if !found {
        println!("skipped: {} has no highdicom", python.display());
    }
    found.then_some(python)
}

#[test]
fn every_series_and_mask_of_a_varied_cohort_is_what_its_truth_says() {
    let Some(python) = python_with_highdicom() else { return };
    let all = [Modality::CT, Modality::MR, Modality::PT];
    let dir = tempfile::tempdir().unwrap();
    cohort::write(dir.path(), varied(12, &all, Size::Normal)).unwrap();
    // Files, series, segmentations, structure sets.
    says(&python, &["cohort.py"], dir.path(), "612 36 24 24");
    let dir = tempfile::tempdir().unwrap();
    cohort::write(dir.path(), varied(60, &all[..1], Size::Tiny)).unwrap();
    says(&python, &["cohort.py"], dir.path(), "290 60 43 43");
}

#[test]
fn files_beside_planted_faults_are_read_as_before() {
    let Some(python) = python_with_highdicom() else { return };
    let dir = tempfile::tempdir().unwrap();
    let faults = Some(Planted { kinds: Fault::ALL.to_vec(), every: 2 });
    cohort::write(dir.path(), Recipe { faults, ..varied(28, &[Modality::CT], Size::Tiny) }).unwrap();
    says(&python, &["cohort.py"], dir.path(), "101 18 12 12");
}
