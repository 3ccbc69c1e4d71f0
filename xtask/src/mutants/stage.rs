//! The tests that hunt a mutant, cheapest first.

use super::tree::Tree;
use crate::run::{line, works};
use crate::setup::Tools;
use crate::suite::surroundings_in;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

/// A set of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Filter,
    Ledger,
    Node,
    /// Whole jobs through the real binary.
    EndToEnd,
}

/// What the tests of a stage said.
pub(super) enum Verdict {
    Green,
    /// The first test that failed.
    Red {
        test: String,
    },
}

impl Stage {
    pub(super) const ALL: [Self; 4] = [Self::Filter, Self::Ledger, Self::Node, Self::EndToEnd];

    /// Builds, which must succeed, then runs until the first red test.
    pub(super) fn run(self, tree: &Tree, tools: Tools, name: &str) -> Result<Verdict> {
        let mut log = File::options().create(true).append(true).open(tree.log(name))?;
        if self == Self::EndToEnd {
            let mut binary = cargo_in(tree);
            binary.args(["build", "--workspace", "--bins"]).args(tools.features());
            ensure!(ran(binary, &mut log)?, "{name} does not compile: mend it in xtask/src/mutants/list.rs");
        }
        let mut build = self.tests(tree, tools);
        build.arg("--no-run");
        ensure!(ran(build, &mut log)?, "{name} does not compile: mend it in xtask/src/mutants/list.rs");
        if ran(self.tests(tree, tools), &mut log)? {
            return Ok(Verdict::Green);
        }
        let words = std::fs::read_to_string(tree.log(name)).context("cannot read the log of the tests")?;
        let test = first_red(&words).with_context(|| format!("no test failed, yet the run did: {name}"))?;
        Ok(Verdict::Red { test })
    }

    fn tests(self, tree: &Tree, tools: Tools) -> Command {
        let mut command = cargo_in(tree);
        if works("cargo", &["nextest", "--version"]) {
            command.args(["nextest", "run", "--color", "never"]);
        } else {
            command.arg("test");
        }
        match self {
            Self::Filter => command.args(["--package", "trocar-filter"]),
            Self::Ledger => command.args(["--package", "trocar-ledger"]),
            Self::Node => command.args(["--workspace", "--lib"]).args(tools.features()),
            Self::EndToEnd => command.args(["--workspace", "--test", "e2e"]).args(tools.features()),
        };
        surroundings_in(command, &tree.target())
    }
}

fn cargo_in(tree: &Tree) -> Command {
    let mut command = crate::run::cargo();
    command.current_dir(tree.root()).env("CARGO_TARGET_DIR", tree.target());
    command
}

/// Whether a command ended well; what it says is kept.
fn ran(mut command: Command, log: &mut File) -> Result<bool> {
    writeln!(log, "$ {}", line(&command))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    let status = command.status().with_context(|| format!("cannot start {}", line(&command)))?;
    Ok(status.success())
}

/// `FAIL [ 0.1s] crate::binary name` of nextest, or `test name ... FAILED` of cargo test.
fn first_red(words: &str) -> Option<String> {
    words.lines().find_map(|line| {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("FAIL [").or_else(|| line.strip_prefix("TIMEOUT [")) {
            let (_, test) = rest.split_once(']')?;
            let named = test.split_once(')').map_or(test, |(_, named)| named);
            return Some(named.trim().to_owned());
        }
        Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_red_test_is_read_off_either_runner() {
        let nextest = "   PASS [   0.01s] trocar-filter a\n   FAIL [   0.02s] ( 3/80) trocar-filter::pipeline draw::b\n";
        assert_eq!(first_red(nextest).as_deref(), Some("trocar-filter::pipeline draw::b"));
        let cargo = "test draw::a ... ok\ntest draw::b ... FAILED\n";
        assert_eq!(first_red(cargo).as_deref(), Some("draw::b"));
        assert_eq!(first_red("all is well"), None);
    }
}
