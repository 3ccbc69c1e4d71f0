//! One Python with the programs that ours is held against: pinned packages in target/venv.

use crate::paths;
use crate::run::{say, step, works};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As the scripts of tests/oracles pin them; pip resolves what they need.
const PACKAGES: &[&str] = &[
    "altair==6.3.0",
    "bagit==1.8.1",
    "highdicom==0.28.0",
    "imagecodecs==2026.3.6",
    "in-toto-attestation==0.9.3",
    "jsonschema==4.26.0",
    "nibabel==5.4.2",
    "numpy==2.4.6",
    "onnxruntime==1.32.0",
    "oras==0.2.43",
    "pandas==3.1.1",
    "pyarrow==26.0.1",
    "pydicom==3.0.2",
    "pylibjpeg-libjpeg==2.5.0",
    "pylibjpeg-openjpeg==2.6.0",
    "pylibjpeg-rle==2.2.0",
    "pylibjpeg==2.1.0",
    "python-gdcm==3.2.6",
    "roc-validator==0.13.0",
    "rocrate==0.16.0",
    "securesystemslib[crypto]==1.6.0",
    "setuptools==80.9.0",
    "simpleitk==2.5.7",
    "wheel==0.45.1",
];

/// The interpreter, its packages fetched at the first call; `None`, said aloud, where they cannot be had.
pub(crate) fn find() -> Result<Option<PathBuf>> {
    let complete = folder().join("complete");
    let list = PACKAGES.join("\n");
    let what = "fetching pydicom, highdicom, SimpleITK and others";
    let lacking = "going on without the programs that ours is held against";
    installed(&complete, &list, |install| install.args(PACKAGES), (what, lacking))
}

/// The interpreter with what a file of requirements pins, by digest; `None`, said aloud, where it cannot be had.
pub(crate) fn with(requirements: &Path) -> Result<Option<PathBuf>> {
    let list = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let name = requirements.parent().and_then(Path::file_name).unwrap_or_default();
    let complete = folder().join(format!("complete-{}", name.to_string_lossy()));
    let words = ("fetching the compiler of the guests' language", "going on without it");
    installed(&complete, &list, |install| install.args(["--require-hashes", "-r"]).arg(requirements), words)
}

fn folder() -> PathBuf {
    paths::target().join("venv")
}

fn installed(
    complete: &Path,
    list: &str,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
    (what, lacking): (&str, &str),
) -> Result<Option<PathBuf>> {
    let python = folder().join("bin").join("python3");
    if fs::read_to_string(complete).is_ok_and(|found| found == list) {
        return Ok(Some(python));
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        say(&format!("no python3 with venv: {lacking}"));
        return Ok(None);
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    arguments(&mut install).stdin(Stdio::null());
    let made =
        step("making a virtual environment", Command::new("python3").args(["-m", "venv"]).arg(folder()))
            .and_then(|()| step(what, &mut install));
    if made.is_err() {
        say(&format!("the Python packages could not be had: {lacking}"));
        return Ok(None);
    }
    fs::write(complete, list).with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(Some(python))
}
