//! `cargo xtask attack`: every channel of PRIVACY.md section 5, tried and measured. One table, a row a channel.
//!
//! What tries is a test: `runtime/filter/tests/statistics` draws releases by the million, `tests/e2e/attacks` runs guests on
//! a node. Each writes its rows to the file that `TROCAR_ATTACK_ROWS` names, one object of JSON a line, and with
//! `TROCAR_ATTACK` at `long` takes as many trials as the specification asks for. A channel without a row does not hold.

mod elsewhere;
mod rows;
mod table;

use crate::run::{cargo, result, say, step};
use crate::setup::Tools;
use crate::{build, paths, setup, suite};
use anyhow::{Context, Result, bail};
use clap::Args;
use rows::Row;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to attack.
#[derive(Args)]
pub(crate) struct Options {
    /// Print the rows as one line of JSON at the end
    #[arg(long)]
    json: bool,
    /// As many trials as the tests take: seconds, and rows that show less
    #[arg(long)]
    quick: bool,
}

/// Builds, attacks, prints the table; fails where a row does not hold or is not there.
pub(crate) fn attack(options: &Options) -> Result<()> {
    let tools = setup::setup()?;
    build::guests()?;
    build::binary(tools)?;
    let file = fresh()?;
    let mut broken = Vec::new();
    for proof in &elsewhere::PROOFS {
        let row = proof.row(test(tools, proof.target))?;
        File::options().append(true).open(&file)?.write_all(format!("{row}\n").as_bytes())?;
    }
    for (what, mut command) in runs(tools, options.quick) {
        command.env("TROCAR_ATTACK_ROWS", &file);
        command.env("TROCAR_ATTACK", if options.quick { "quick" } else { "long" });
        if let Err(error) = step(what, &mut command) {
            say(&format!("{error:#}"));
            broken.push(what);
        }
    }
    let rows = rows::complete(rows::read(&file)?);
    conclude(&rows, &broken, options.json)
}

fn conclude(rows: &[Row], broken: &[&str], json: bool) -> Result<()> {
    result(&table::of(rows));
    if json {
        let all: Vec<_> = rows.iter().map(Row::json).collect();
        result(&serde_json::to_string(&all)?);
    }
    let open = rows.iter().filter(|row| !row.holds()).count();
    if open == 0 && broken.is_empty() {
        return Ok(());
    }
    bail!("{open} of {} rows do not hold; runs that failed: {}", rows.len(), rows::listed(broken))
}

/// An empty file for the rows of this run.
fn fresh() -> Result<PathBuf> {
    let folder = paths::target().join("attack");
    fs::create_dir_all(&folder)?;
    let file = folder.join("rows.jsonl");
    fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Tests of one target, to be named. All such runs name the workspace, so that they are built with the features that everything
/// else is built with.
fn test(tools: Tools, target: &str) -> Command {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--test", target])
        .args(tools.features())
        .args(build::locked())
        .arg("--");
    suite::surroundings(command)
}

/// The tests that try, one run after the other: they measure times too.
fn runs(tools: Tools, quick: bool) -> Vec<(&'static str, Command)> {
    let mut attacks = test(tools, "e2e");
    attacks.arg("attacks::");
    let mut all =
        vec![("the noise and the releases", test(tools, "statistics")), ("the guests that attack", attacks)];
    if !quick {
        all.push(("the peer opendp", opendp(&paths::root().join("tests/opendp"))));
    }
    all
}

/// A workspace of its own, and a target folder of its own: nothing of it is linked into anything that ships.
fn opendp(folder: &Path) -> Command {
    let mut command = cargo();
    command.current_dir(folder).args(["run", "--locked", "--target-dir"]);
    command.arg(paths::target().join("opendp")).args(["--", "compare"]);
    command
}
