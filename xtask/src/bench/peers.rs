//! The programs that ours is measured against: set up here at pinned versions, or done without on one line.

use crate::run::{capture, say, works};
use crate::setup;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// An interpreter with pinned packages.
pub(super) struct Python {
    program: PathBuf,
}

impl Python {
    /// The environment in target/venv; `None`, said aloud, where it cannot be had.
    pub(super) fn find() -> Result<Option<Self>> {
        Ok(crate::python::find()?.map(|program| Self { program }))
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
