//! Builds: the guests for wasm32, the binary for this machine.

use crate::paths;
use crate::run::{cargo, on_ci, step};
use crate::setup::Tools;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// A cargo command over all guests, for wasm32.
pub(crate) fn for_guests(verb: &str) -> Result<Command> {
    let mut command = cargo();
    command.args([verb, "--target", "wasm32-unknown-unknown", "--profile", "guest"]).args(locked());
    for name in paths::guest_names()? {
        command.args(["--package", &name]);
    }
    Ok(command)
}

/// On a build server Cargo.lock is law.
pub(crate) fn locked() -> &'static [&'static str] {
    if on_ci() { &["--locked"] } else { &[] }
}

/// Builds every guest's core module; `trocar pack` makes it a component.
pub(crate) fn guests() -> Result<()> {
    step("building the guests for wasm32", &mut for_guests("build")?)?;
    for name in paths::guest_names()? {
        let module = paths::guest(&name);
        ensure!(module.is_file(), "the guest {name} gave no {}", paths::shown(&module));
    }
    Ok(())
}

/// Builds the binary and returns its path. `--workspace` makes cargo choose features as it does for the tests: with
/// `--package` alone, serde_json and num-traits would differ, and all that stands on them would be built twice.
pub(crate) fn binary(tools: Tools) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--workspace", "--bin", "trocar"]).args(tools.features()).args(locked());
    step("building trocar (the first time takes minutes)", &mut command)?;
    Ok(paths::binary())
}

/// Builds what composes guests with the kernels, with the features of the rest for the same reason.
pub(crate) fn compose_tool() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--workspace", "--bin", "trocar-compose"]).args(locked());
    step("building trocar-compose", &mut command)?;
    Ok(paths::binary().with_file_name(format!("trocar-compose{}", std::env::consts::EXE_SUFFIX)))
}
