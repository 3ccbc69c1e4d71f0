//! `trocar`: the one binary. Results on stdout, words on stderr, exit codes of DESIGN.md section 7.

mod airlock;
mod args;
mod audit;
mod author;
mod budget;
mod count;
mod failure;
mod input;
mod intake;
mod known;
mod node;
mod node_key;
mod out;
mod outside;
mod plan;
mod registry;
mod rehearse;
mod replay;
mod researcher;
mod show;
mod testkit;
mod verify;
mod witness;

use args::{Cli, Verb};
use clap::{CommandFactory, Parser};
use failure::{Exit, Failure};
use out::Out;
pub use outside::Outside;
use std::path::PathBuf;
use std::process::ExitCode;

/// Does what the command line asks for, with this clock and this randomness.
#[must_use]
pub fn main(outside: Outside) -> ExitCode {
    outside::set(outside);
    let cli = Cli::parse();
    // A worker must not start threads or read the environment before it is contained.
    if matches!(cli.verb, Verb::Worker) {
        return trocar_worker::serve();
    }
    let exit = run(cli).unwrap_or_else(Failure::report);
    ExitCode::from(exit as u8)
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let out = Out::new(cli.json);
    let home = cli.home.or_else(home_of_environment).unwrap_or_else(default_home);
    match cli.verb {
        Verb::Key(verb) => author::key(out, &home, verb),
        Verb::Check(args) => author::check(out, &args),
        Verb::Plan(args) => plan::plan(out, &args),
        Verb::Pack(args) => author::pack(out, &home, &args),
        Verb::Test(args) => rehearse::test(out, &args),
        Verb::Testkit(verb) => testkit::run(out, verb),
        Verb::Verify(args) => verify::verify(out, &args),
        Verb::Completion { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "trocar", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Verb::Node(verb) => runtime()?.block_on(node::run(out, &home, verb)),
        Verb::Submit(args) => runtime()?.block_on(researcher::submit(out, &home, &args)),
        Verb::Status(args) => runtime()?.block_on(researcher::status(out, &home, &args)),
        Verb::Replay { bundle } => runtime()?.block_on(replay::replay(out, &home, &bundle)),
        Verb::Push(args) => runtime()?.block_on(registry::push(out, &args)),
        Verb::Pull(args) => runtime()?.block_on(registry::pull(out, &args)),
        Verb::Count(args) => runtime()?.block_on(count::count(out, &home, &args)),
        Verb::Witness(args) => runtime()?.block_on(witness::run(out, &args)),
        Verb::Results(verb) => runtime()?.block_on(researcher::results(out, &home, verb)),
        Verb::Worker => Ok(Exit::Usage),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new().map_err(|e| Failure::plain(Exit::Failed, e))
}

/// Read here and not by clap, which takes an empty variable for a value and then shows --home as required.
fn home_of_environment() -> Option<PathBuf> {
    std::env::var_os("TROCAR_HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn default_home() -> PathBuf {
    let base = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    base.join(".local/share/trocar")
}
