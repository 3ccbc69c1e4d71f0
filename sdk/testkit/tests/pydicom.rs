//! What the testkit writes, read by pydicom without a warning.
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
use trocar_testkit::cohort::{self, CohortSpec};

/// A Python that has what tests/oracles/pixels.py pins: `TROCAR_PYTHON`, or a line that says that there is none.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("TROCAR_PYTHON").map(PathBuf::from);
    if python.is_none() {
        println!("skipped: TROCAR_PYTHON names no Python with pydicom");
    }
    python
}

#[test]
fn pydicom_reads_every_file_without_a_warning() {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/pixels.py");
    for modality in [Modality::CT, Modality::MR, Modality::PT] {
        let dir = tempfile::tempdir().unwrap();
        cohort::write(dir.path(), &CohortSpec { patients: 3, seed: 5, modality }).unwrap();
        let run = Command::new(&python).arg(&script).arg("check").arg(dir.path()).output().unwrap();
        let words = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{words}");
        assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "48");
    }
}
