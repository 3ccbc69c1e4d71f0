//! A person at a terminal: runs `trocar`, sees each command line, reads the answer.

use crate::paths::shown;
use crate::run::{capture, line, result, words_only};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Someone with the binary and a home.
pub(crate) struct Person {
    binary: PathBuf,
    home: PathBuf,
    /// With `--json` stdout is for the last line alone, so the story goes to stderr.
    quiet: bool,
}

/// What `trocar` answered.
pub(crate) struct Answer {
    /// The exit code.
    pub(crate) code: i32,
    /// The JSON on stdout, null where it is none.
    pub(crate) json: Value,
}

impl Answer {
    /// A text field.
    pub(crate) fn text(&self, key: &str) -> Result<String> {
        text(&self.json, key)
    }
}

/// A text field of an object, or an error that shows the object.
pub(crate) fn text(object: &Value, key: &str) -> Result<String> {
    object
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no text {key:?} in {object}"))
}

impl Person {
    /// Someone whose home is given to every call through `TROCAR_HOME`.
    pub(crate) fn new(binary: PathBuf, home: PathBuf, quiet: bool) -> Self {
        Self { binary, home, quiet }
    }

    /// Part of the story that is a result: a table, a path.
    pub(crate) fn tell(&self, words: &str) {
        if self.quiet { words_only(words) } else { result(words) }
    }

    /// A heading.
    pub(crate) fn chapter(&self, words: &str) {
        self.tell(&format!("\n== {words}"));
    }

    /// Runs a verb that must end well, with `--json`.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Answer> {
        self.expect(arguments, &[0])
    }

    /// Runs a verb with `--json`; any other exit code than these is an error.
    pub(crate) fn expect(&self, arguments: &[&str], codes: &[i32]) -> Result<Answer> {
        let mut command = self.command(arguments);
        command.arg("--json");
        let output = capture(&mut command)?;
        let code = output.status.code().unwrap_or(-1);
        ensure!(codes.contains(&code), "{} ended with {}", line(&command), output.status);
        let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Ok(Answer { code, json })
    }

    /// Runs a verb for its words, which are passed on.
    pub(crate) fn read(&self, arguments: &[&str]) -> Result<()> {
        let output = capture(&mut self.command(arguments))?;
        ensure!(output.status.success(), "trocar {} ended with {}", arguments.join(" "), output.status);
        self.tell(String::from_utf8_lossy(&output.stdout).trim_end());
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let shown: Vec<_> = arguments.iter().map(|word| shown(word.as_ref())).collect();
        let mut as_typed = Command::new("trocar");
        self.tell(&format!("$ {}", line(as_typed.args(shown))));
        let mut command = Command::new(&self.binary);
        command.current_dir(crate::paths::root()).args(arguments).env("TROCAR_HOME", &self.home);
        command
    }
}
