//! `cargo xtask`: every chore of the project, from a bare checkout.
//!
//! Words and progress go to stderr, results to stdout. Every verb can be run again; what is done is not done twice.

mod attack;
mod bench;
mod build;
mod data;
mod demo;
mod generated;
mod made;
mod mutants;
mod paths;
mod python;
mod run;
mod scripts;
mod setup;
mod suite;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", after_help = "Example: cargo xtask demo")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make sure that the wasm target, cmake, python and the tests' peers are there, as far as they can be had
    Setup,
    /// Fetch the real DICOM test files (the pinned pydicom wheel) into target/data
    Data,
    /// Build the guests of guest-examples/ for wasm32
    Guests,
    /// Build guests in C or Python: compile each and compose it with the SDK's kernels to one component
    Guest(scripts::Options),
    /// Build the `trocar` binary
    Build,
    /// Run the main job from end to end, as a person would
    Demo(demo::Options),
    /// Judge the output of `demo --json`, read from stdin: its last line must name a verified bundle and its numbers
    CheckDemo,
    /// Set up, build, lint and run every test
    Test,
    /// Measure against other programs; fails where a bar does not hold
    Bench(bench::Options),
    /// Plant the bugs of PRIVACY.md section 8 one by one; fails where no test turns red
    Mutants(mutants::Options),
    /// Try every channel of the privacy specification; fails where a row does not hold
    Attack(attack::Options),
    /// Rewrite the JSON schemas under manifests/
    Schema,
    /// Rewrite the golden files under manifests/
    Golden,
}

fn main() -> ExitCode {
    match perform(&Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(verb: &Verb) -> Result<()> {
    match verb {
        Verb::Setup => setup::setup().and_then(|_| setup::peers()),
        Verb::Data => data::fetch().and_then(|_| made::make()),
        Verb::Guests => setup::wasm_target().and_then(|()| build::guests()),
        Verb::Guest(options) => scripts::guests(options),
        Verb::Build => build::binary(setup::setup()?).map(drop),
        Verb::Demo(options) => demo::demo(options),
        Verb::CheckDemo => demo::check_line(std::io::stdin().lock()),
        Verb::Test => suite::test(),
        Verb::Bench(options) => bench::bench(options),
        Verb::Mutants(options) => mutants::mutants(options),
        Verb::Attack(options) => attack::attack(options),
        Verb::Schema => generated::schemas(),
        Verb::Golden => generated::golden(),
    }
}
