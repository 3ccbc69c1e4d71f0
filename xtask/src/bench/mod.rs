//! `cargo xtask bench NAME`: what is measured against other programs, each run in turn with ours, in one go.

mod decode;
mod filter;
mod index;
mod made;
mod peers;
pub(crate) mod rows;
mod sandbox;

use crate::run::{result, say};
use crate::{build, setup};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use rows::Row;
use std::path::PathBuf;

/// What to measure, and how.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure
    name: Name,
    /// Print the rows as one line of JSON at the end
    #[arg(long)]
    json: bool,
    /// A tenth of what takes long: `index` else reads 1,000,000 files of 100,000 patients (4 GB of disk, minutes)
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// The decoders, syntax by syntax
    Decode,
    /// The output filter
    Filter,
    /// The scan of a dataset
    Index,
    /// What a guest, its slabs, its kernels and its workers cost
    Sandbox,
}

/// Builds ours, measures, prints the table; fails where a row does not hold.
pub(crate) fn bench(options: &Options) -> Result<()> {
    let tools = setup::setup()?;
    let rows = match options.name {
        Name::Decode => decode::rows(tools)?,
        Name::Filter => filter::rows()?,
        Name::Index => index::rows(&build::binary(tools)?, !options.quick)?,
        Name::Sandbox => sandbox::rows(tools, options.quick)?,
    };
    rows.iter().for_each(|row| result(&row.line()));
    if options.json {
        let all: Vec<_> = rows.iter().map(Row::json).collect();
        result(&serde_json::to_string(&all)?);
    }
    match rows.iter().filter(|row| !row.holds()).count() {
        0 => Ok(()),
        broken => bail!("{broken} of {} rows do not hold", rows.len()),
    }
}

/// Where a bench writes; nothing in it is needed afterwards.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = crate::paths::target().join("bench").join(name);
    std::fs::create_dir_all(&folder)?;
    say(&format!("files are made in {}", crate::paths::shown(&folder)));
    Ok(folder)
}

/// Rounds of a comparison: in each, every program runs once.
const ROUNDS: usize = 5;

/// The middle one of an odd number of measurements.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
