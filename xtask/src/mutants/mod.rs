//! `cargo xtask mutants`: plants each bug of PRIVACY.md section 8, and sees that a test turns red.
//!
//! It works on a copy of the tree below target/mutants, with build products of its own, so that no planted bug can ever
//! reach the real tree or the real binary.

mod list;
mod stage;
mod tree;

use crate::bench::rows::{Op, Row};
use crate::run::{result, say};
use crate::setup::{self, Tools};
use anyhow::{Result, bail, ensure};
use clap::Args;
use list::{MUTANTS, Mutant};
use stage::{Stage, Verdict};
use std::time::Instant;
use tree::Tree;

/// Which mutants to plant.
#[derive(Args)]
pub(crate) struct Options {
    /// Only those whose names contain this
    filter: Option<String>,
    /// Print the rows as one line of JSON at the end
    #[arg(long)]
    json: bool,
}

/// Plants each mutant in turn; fails where one survives.
pub(crate) fn mutants(options: &Options) -> Result<()> {
    let tools = setup::setup()?;
    let wanted = |m: &&Mutant| options.filter.as_ref().is_none_or(|part| m.name.contains(part.as_str()));
    let chosen: Vec<&Mutant> = MUTANTS.iter().filter(wanted).collect();
    ensure!(!chosen.is_empty(), "no mutant has that in its name");
    let tree = Tree::copy()?;
    healthy(&tree, tools)?;
    let mut rows = Vec::new();
    for mutant in chosen {
        let row = row(mutant, killer(mutant, &tree, tools)?);
        result(&row.line());
        rows.push(row);
    }
    conclude(&rows, options.json)
}

fn conclude(rows: &[Row], json: bool) -> Result<()> {
    if json {
        result(&serde_json::to_string(&rows.iter().map(Row::json).collect::<Vec<_>>())?);
    }
    match rows.iter().filter(|row| !row.holds()).count() {
        0 => Ok(()),
        alive => bail!("{alive} of {} mutants live: write the test that sees them", rows.len()),
    }
}

/// A red test says nothing of a mutant where it was red before.
fn healthy(tree: &Tree, tools: Tools) -> Result<()> {
    say("the tree without a mutant comes first (its first build takes minutes)");
    tree.forget_log("healthy");
    for stage in Stage::ALL {
        if let Verdict::Red { test } = stage.run(tree, tools, "healthy")? {
            bail!("{test} is red without any mutant: see {}", tree.log("healthy").display());
        }
    }
    Ok(())
}

/// The first test that turns red. Tests of crates below the planted one cannot see it and are left out.
fn killer(mutant: &Mutant, tree: &Tree, tools: Tools) -> Result<Option<(String, f64)>> {
    say(&format!("{}: {}", mutant.name, mutant.bug));
    let (begun, planted) = (Instant::now(), tree.plant(mutant)?);
    tree.forget_log(mutant.name);
    for stage in Stage::ALL.into_iter().skip_while(|stage| *stage != mutant.first) {
        if let Verdict::Red { test } = stage.run(tree, tools, mutant.name)? {
            drop(planted);
            return Ok(Some((test, begun.elapsed().as_secs_f64())));
        }
    }
    Ok(None)
}

/// 1 where a test killed it, which `against` names.
fn row(mutant: &Mutant, killer: Option<(String, f64)>) -> Row {
    let (killed, against) = match killer {
        Some((test, seconds)) => (1.0, format!("{test} ({seconds:.0} s)")),
        None => (0.0, "every test".to_owned()),
    };
    let (name, unit) = (format!("mutant: {}", mutant.bug), "killed");
    Row { name, value: killed, unit, against, ratio: None, bar: 1.0, op: Op::AtLeast }
}
