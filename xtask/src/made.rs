//! Files that other programs write when the tests are set up: segmentations by highdicom, NIfTI images by nibabel, voxels of
//! pyradiomics' own cases.

use crate::run::step;
use crate::{paths, python};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A script of tests/oracles, and the folder below target/data that it fills.
const SCRIPTS: [(&str, &str); 3] =
    [("segmentations.py", "segmentations"), ("nifti.py", "nifti"), ("radiomics_cases.py", "radiomics")];

/// Makes what is not there yet; without Python or a network the tests that need it say that they skip.
pub(crate) fn make() -> Result<()> {
    for (script, name) in SCRIPTS {
        let folder = paths::data().join(name);
        if folder.is_dir() {
            continue;
        }
        let Some(python) = python::find()? else { return Ok(()) };
        run(&python, script, &folder)?;
    }
    Ok(())
}

/// Into a folder beside, then renamed: a folder that is there is whole. The table that a script prints is in tests/oracles.
fn run(python: &Path, script: &str, folder: &Path) -> Result<()> {
    let part = folder.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    }
    let script = paths::root().join("tests/oracles").join(script);
    let mut command = Command::new(python);
    command.arg(&script).arg(&part);
    step(&format!("making {}", paths::shown(folder)), &mut command)?;
    fs::rename(&part, folder).with_context(|| format!("cannot move to {}", folder.display()))
}
