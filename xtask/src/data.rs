//! Real DICOM files, taken from a pinned wheel by pip. The project commits no file that others made.

use crate::paths;
use crate::run::{say, step, works};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One wheel of PyPI.
struct Wheel {
    requirement: &'static str,
    file: &'static str,
    sha256: &'static str,
    /// The folder inside that is wanted.
    folder: &'static str,
}

const PYDICOM: Wheel = Wheel {
    requirement: "pydicom==3.0.2",
    file: "pydicom-3.0.2-py3-none-any.whl",
    sha256: "abf971a5440f84dbaf42c4b6758e30e62480902584f8b270b9a5d146e278a07b",
    folder: "pydicom/data/test_files",
};

/// The folder of real DICOM files, fetched at the first call; `None`, said aloud, where they cannot be had.
pub(crate) fn fetch() -> Result<Option<PathBuf>> {
    let folder = paths::pydicom();
    if marker(&folder).is_file() && folder.is_dir() {
        say(&format!("real DICOM files are in {}", paths::shown(&folder)));
        return Ok(Some(folder));
    }
    if !works("python3", &["-m", "pip", "--version"]) {
        say("no python3 with pip: going on without real DICOM files");
        return Ok(None);
    }
    let Some(wheel) = download(&PYDICOM)? else {
        say("pip could not fetch pydicom (no network?): going on without real DICOM files");
        return Ok(None);
    };
    unpack(&PYDICOM, &wheel, &folder)?;
    say(&format!("real DICOM files are in {}", paths::shown(&folder)));
    Ok(Some(folder))
}

/// A wheel that is there with the right digest is not fetched again.
fn download(wheel: &Wheel) -> Result<Option<PathBuf>> {
    let folder = paths::data().join("wheels");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(wheel.file);
    if !file.is_file() && step(&format!("fetching {}", wheel.requirement), &mut pip(wheel, &folder)).is_err()
    {
        return Ok(None);
    }
    check(&file, wheel.sha256)?;
    Ok(Some(file))
}

/// The wheel is pure Python, so one interpreter version names it everywhere: an old python3 fetches it too.
fn pip(wheel: &Wheel, folder: &Path) -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    command
        .args(["--only-binary=:all:", "--python-version", "3.12", "--dest"])
        .arg(folder)
        .arg(wheel.requirement);
    command
}

fn check(file: &Path, expected: &str) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        found == expected,
        "{} has SHA-256 {found}, not the pinned {expected}: remove it and run again",
        file.display()
    );
    Ok(())
}

/// Into a folder beside, then renamed: a folder that is there is whole.
fn unpack(wheel: &Wheel, file: &Path, to: &Path) -> Result<()> {
    let part = to.with_extension("part");
    for old in [part.as_path(), to] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    step("unpacking", Command::new("python3").args(["-m", "zipfile", "-e"]).arg(file).arg(&part))?;
    fs::rename(part.join(wheel.folder), to).with_context(|| format!("cannot move to {}", to.display()))?;
    fs::write(marker(to), wheel.sha256)?;
    fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))
}

/// Beside the folder, not in it: it would be listed as a file that is not DICOM.
fn marker(folder: &Path) -> PathBuf {
    folder.with_extension("complete")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_digest_is_refused_by_name() {
        let file = std::env::temp_dir().join(format!("trocar-xtask-digest-{}", std::process::id()));
        fs::write(&file, b"not the wheel").unwrap();
        let error = check(&file, PYDICOM.sha256).unwrap_err().to_string();
        fs::remove_file(&file).unwrap();
        assert!(error.contains("not the pinned abf971a5"), "{error}");
    }
}
