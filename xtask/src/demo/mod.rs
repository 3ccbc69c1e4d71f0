//! `cargo xtask demo`: the main job from end to end, driving the built binary as a person would.
//!
//! With `--json` the last line of stdout is `{"bundle": PATH, "verified": true, "released": [row...]}`: `bundle` is the
//! first released one (the first of all where none is), and `released` holds the numbers of all of them as their
//! results.json has them, one row a number: `{"dataset", "output", "value", "sd", "low95", "high95", "unit"}`. The
//! patients' count has the output name `patients (ALGORITHM)`; a histogram or table gives one row a cell, named such as
//! `volume [10, 50)`; a number that the filter blanked is null. `bundles` and `withheld` list every job beyond what
//! DESIGN.md section 7 asks for.

mod job;
mod line;
mod person;
mod place;
mod rows;

use crate::run::{result, say};
use crate::{build, data, paths, setup};
use anyhow::{Context, Result, ensure};
use job::Finished;
pub(crate) use line::check_line;
use person::Person;
use place::Dataset;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a person may choose.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// End stdout with one line of JSON
    #[arg(long)]
    json: bool,
    /// Your own folder of DICOM files, in place of pydicom's test files
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Size of the synthetic cohort
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    patients: u32,
}

/// Builds what is needed and does everything: init, add, scan, pack, submit, show, approve, run, fetch, verify.
pub(crate) fn demo(options: &Options) -> Result<()> {
    let real = real_files(options)?;
    build::guests()?;
    let binary = build::binary(setup::setup()?)?;
    let begun = Instant::now();
    let folder = place::fresh()?;
    let person = Person::new(binary, folder.join("home"), options.json);
    let finished = play(&person, &folder, options.patients, real.as_deref())?;
    conclude(&finished, options.json)?;
    say(&format!(
        "the demo took {:.1} s; everything is in {}",
        begun.elapsed().as_secs_f64(),
        paths::shown(&folder)
    ));
    Ok(())
}

/// A folder that was asked for must be there; pydicom's files may be missing.
fn real_files(options: &Options) -> Result<Option<PathBuf>> {
    match &options.data {
        Some(folder) => {
            ensure!(folder.is_dir(), "--data {}: no such folder", folder.display());
            Ok(Some(folder.canonicalize().context("--data")?))
        }
        None => data::fetch(),
    }
}

fn play(person: &Person, folder: &Path, patients: u32, real: Option<&Path>) -> Result<Vec<Finished>> {
    person.chapter("An algorithm author makes a key, a hospital makes a node");
    person.ask(&["key", "new", "author"])?;
    person.ask(&["node", "init"])?;
    person.ask(&["key", "export", "node", "-o", &folder.join("node.pub").to_string_lossy()])?;
    person.chapter("The hospital adds its datasets");
    let datasets = place::datasets(person, folder, patients, real)?;
    jobs(person, folder, &datasets)
}

fn jobs(person: &Person, folder: &Path, datasets: &[Dataset]) -> Result<Vec<Finished>> {
    let mut finished = Vec::new();
    for dataset in datasets {
        if dataset.algorithms().is_empty() {
            person.tell(&format!(
                "\nThe dataset {} has no CT or PET series: nothing runs on it.",
                dataset.name
            ));
        }
        for algorithm in dataset.algorithms() {
            person.chapter(&format!("{algorithm} on the dataset {}", dataset.name));
            finished.push(job::run(person, folder, dataset, algorithm)?);
        }
    }
    Ok(finished)
}

fn conclude(finished: &[Finished], json: bool) -> Result<()> {
    let main = finished.iter().find(|job| job.released()).or(finished.first()).context("no job ran")?;
    let verified = finished.iter().all(|job| job.verified);
    if json {
        let released: Vec<_> = finished.iter().flat_map(Finished::rows).collect();
        let withheld: Vec<_> = finished.iter().filter(|job| !job.released()).map(Finished::summary).collect();
        let bundles: Vec<_> = finished.iter().map(|job| &job.bundle).collect();
        result(
            &json!({"bundle": main.bundle, "verified": verified, "released": released,
            "bundles": bundles, "withheld": withheld})
            .to_string(),
        );
    }
    ensure!(verified, "a bundle did not verify");
    Ok(())
}
