//! The programs that ours is measured against: set up here at pinned versions, or done without on one line.

use crate::run::{capture, say, step, works};
use crate::{paths, setup};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// An interpreter with pinned packages.
pub(super) struct Python {
    program: PathBuf,
}

/// The peers' packages; pip resolves what they need.
const PACKAGES: [&str; 7] = [
    "pydicom==3.0.2",
    "numpy==2.4.6",
    "python-gdcm==3.2.6",
    "pylibjpeg-libjpeg==2.5.0",
    "pylibjpeg-openjpeg==2.6.0",
    "pylibjpeg-rle==2.2.0",
    "imagecodecs==2026.3.6",
];

impl Python {
    /// The environment in target/venv, made at the first call; `None`, said aloud, where it cannot be had.
    pub(super) fn find() -> Option<Self> {
        let folder = paths::target().join("venv");
        let program = folder.join("bin").join("python3");
        let made = if has(&program) { Ok(()) } else { make(&folder, &program) };
        match made {
            Ok(()) => Some(Self { program }),
            Err(error) => {
                say(&format!("no Python environment with {}: {error:#}", PACKAGES.join(", ")));
                None
            }
        }
    }

    /// A script of this project, ready for arguments.
    pub(super) fn script(&self, script: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(script);
        command
    }

    /// Runs a script of this project on some arguments; its one line of output is a number.
    pub(super) fn number(&self, script: &str, arguments: &[&Path]) -> Result<f64> {
        let mut command = self.script(script);
        command.args(arguments);
        let output = capture(&mut command)?;
        ensure!(output.status.success(), "the Python peer ended with {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.parse().with_context(|| format!("the Python peer said {text:?}"))
    }
}

fn has(program: &Path) -> bool {
    let check = "import gdcm, imagecodecs, libjpeg, openjpeg, pydicom, rle, sys; sys.exit(pydicom.__version__ != '3.0.2')";
    program.is_file() && works(&program.display().to_string(), &["-c", check])
}

fn make(folder: &Path, program: &Path) -> Result<()> {
    step("making target/venv", Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(program);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    step("fetching the Python peers", pip.args(PACKAGES))?;
    ensure!(has(program), "the packages are not what was asked for");
    Ok(())
}

/// dcmtk's `dcmdump`, and its version; `None`, said aloud, where it cannot be had.
pub(super) fn dcmdump() -> Option<String> {
    if !works("dcmdump", &["--version"]) && !setup::apt_install("dcmtk", "dcmdump") {
        say("no dcmtk: it could not be installed");
        return None;
    }
    let output = capture(Command::new("dcmdump").arg("--version")).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with('v'));
    Some(format!("dcmtk {}", version.unwrap_or("of unknown version")))
}

/// Seconds that a command takes. Its output is thrown away.
pub(super) fn seconds(command: &mut Command) -> Result<f64> {
    let begun = Instant::now();
    let output = capture(command)?;
    ensure!(output.status.success(), "{} ended with {}", crate::run::line(command), output.status);
    Ok(begun.elapsed().as_secs_f64())
}
