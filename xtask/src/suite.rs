//! `cargo xtask test`: everything that the tests need, then all of them.

use crate::run::{cargo, on_ci, say, step, works};
use crate::setup::Tools;
use crate::{build, data, made, paths, python, scripts, setup};
use anyhow::{Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Sets up, builds, then runs formatting, lints, tests and doctests. All of them run; the last line says which failed.
pub(crate) fn test() -> Result<()> {
    let begun = Instant::now();
    let tools = setup::setup()?;
    setup::peers()?;
    data::fetch()?;
    made::make()?;
    build::guests()?;
    build::binary(tools)?;
    scripts::examples()?;
    let mut failed = Vec::new();
    for (name, mut command) in steps(tools)? {
        if let Err(error) = step(name, &mut command) {
            say(&format!("{error:#}"));
            failed.push(name);
        }
    }
    conclude(&failed, begun)
}

fn conclude(failed: &[&str], begun: Instant) -> Result<()> {
    let seconds = begun.elapsed().as_secs();
    if failed.is_empty() {
        say(&format!("all passed: format, lints, guests' lints, tests, doctests ({seconds} s)"));
        return Ok(());
    }
    bail!("{} of the steps above ({seconds} s): {}", failed.len(), failed.join(", "))
}

fn steps(tools: Tools) -> Result<Vec<(&'static str, Command)>> {
    let mut format = cargo();
    format.args(["fmt", "--all", "--", "--check"]);
    let mut guests = build::for_guests("clippy")?;
    guests.args(["--", "-D", "warnings"]);
    let mut all =
        vec![("format", format), ("lints", lints(tools)), ("guests' lints", guests), ("tests", tests(tools))];
    let documented = crates_with_doctests()?;
    if !documented.is_empty() {
        all.push(("doctests", doctests(tools, &documented)));
    }
    Ok(all)
}

fn lints(tools: Tools) -> Command {
    let mut command = cargo();
    command.args(["clippy", "--workspace", "--all-targets"]);
    command.args(tools.features()).args(build::locked()).args(["--", "-D", "warnings"]);
    command
}

/// The guests' own unit tests run natively, so they are in.
fn tests(tools: Tools) -> Command {
    let mut command = cargo();
    if works("cargo", &["nextest", "--version"]) {
        command.args(["nextest", "run"]);
    } else {
        say("cargo-nextest is not here: using cargo test");
        command.arg("test");
    }
    if on_ci() {
        command.arg("--no-fail-fast");
    }
    command.args(["--workspace", "--lib", "--bins", "--tests"]);
    command.args(tools.features()).args(build::locked());
    surroundings(command)
}

/// What the tests find their parts and peers by. `TROCAR_TEST_DATA`, where it is set, passes through.
pub(crate) fn surroundings(command: Command) -> Command {
    surroundings_in(command, &paths::target())
}

/// As they lie below a target directory.
pub(crate) fn surroundings_in(mut command: Command, target: &Path) -> Command {
    command
        .env("TROCAR_BIN", target.join("debug").join(format!("trocar{}", std::env::consts::EXE_SUFFIX)))
        .env("TROCAR_GUESTS", target.join("wasm32-unknown-unknown").join("guest"))
        .env("TROCAR_DATA", target.join("data"));
    if let Ok(Some(python)) = python::find() {
        command.env("TROCAR_PYTHON", python);
    }
    command
}

/// rustdoc runs once a crate, so only where there is something to run.
fn doctests(tools: Tools, names: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--doc", "--quiet"]).args(build::locked());
    for name in names {
        command.args(["--package", name]);
    }
    if names.iter().any(|name| name == "trocar") {
        command.args(tools.features());
    }
    surroundings(command)
}

/// Library crates of runtime/ and sdk/ whose documentation has a code block.
fn crates_with_doctests() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for area in ["runtime", "sdk"] {
        for entry in fs::read_dir(paths::root().join(area))? {
            let folder = entry?.path();
            if folder.join("src/lib.rs").is_file() && has_code_block(&folder.join("src"))? {
                names.push(package_name(&folder)?);
            }
        }
    }
    names.sort();
    Ok(names)
}

fn has_code_block(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() { has_code_block(&path)? } else { text_has_code_block(&path)? };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn text_has_code_block(file: &Path) -> Result<bool> {
    Ok(has_doctest(&fs::read_to_string(file)?))
}

/// Every other fence opens a block; rustdoc runs those in no language or in its own words.
fn has_doctest(text: &str) -> bool {
    let comments = text.lines().map(str::trim_start).filter_map(|line| {
        let words = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        words.trim_start().strip_prefix("```")
    });
    let mut opening =
        comments.step_by(2).map(|language| language.split(',').next().unwrap_or_default().trim());
    opening.any(|language| matches!(language, "" | "rust" | "no_run" | "should_panic" | "compile_fail"))
}

fn package_name(folder: &Path) -> Result<String> {
    let text = fs::read_to_string(folder.join("Cargo.toml"))?;
    let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default();
    Ok(name.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_that_rustdoc_runs_are_doctests() {
        assert!(has_doctest("/// Adds.\n/// ```\n/// assert!(true);\n/// ```\nfn f() {}"));
        assert!(!has_doctest("//! ```text\n//! a grammar\n//! ```\n"));
        assert!(has_doctest("//! ```text\n//! a\n//! ```\n//! ```compile_fail\n//! b\n//! ```\n"));
    }

    #[test]
    fn this_crate_s_own_folder_names_its_package() {
        assert_eq!(package_name(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap(), "xtask");
    }
}
