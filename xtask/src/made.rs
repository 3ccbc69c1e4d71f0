//! Files that other programs write when the tests are set up: segmentations by highdicom, NIfTI images by nibabel.

use crate::paths;
use crate::run::{say, step, works};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As the scripts of tests/oracles pin them.
const PACKAGES: [&str; 7] = [
    "highdicom==0.28.0",
    "nibabel==5.4.2",
    "numpy==2.4.6",
    "pydicom==3.0.2",
    "pylibjpeg-openjpeg==2.6.0",
    "pylibjpeg-rle==2.2.0",
    "simpleitk==2.5.7",
];

/// A script of tests/oracles, and the folder below target/data that it fills.
const SCRIPTS: [(&str, &str); 2] = [("segmentations.py", "segmentations"), ("nifti.py", "nifti")];

/// Makes what is not there yet; without Python or a network the tests that need it say that they skip.
pub(crate) fn make() -> Result<()> {
    for (script, name) in SCRIPTS {
        let folder = paths::data().join(name);
        if folder.is_dir() {
            continue;
        }
        let Some(python) = python()? else {
            say("no Python with these packages: going on without files that highdicom and nibabel make");
            return Ok(());
        };
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

/// The interpreter of a virtual environment with the packages; `None` where it cannot be had.
fn python() -> Result<Option<PathBuf>> {
    let folder = paths::target().join("venv");
    let python = folder.join("bin").join("python3");
    let complete = folder.join("complete");
    if complete.is_file() {
        return Ok(Some(python));
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        return Ok(None);
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    install.args(PACKAGES).stdin(Stdio::null());
    let made =
        step("making a virtual environment", Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .and_then(|()| step("fetching highdicom and nibabel", &mut install));
    if made.is_err() {
        return Ok(None);
    }
    fs::write(&complete, PACKAGES.join("\n"))
        .with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(Some(python))
}
