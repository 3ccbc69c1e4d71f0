//! Starting other programs: each is announced, and its failure names it.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// One line of words.
pub(crate) fn say(line: &str) {
    words_only(&format!("xtask: {line}"));
}

/// Words that are not this program's own, such as those of `trocar`.
#[allow(clippy::print_stderr, reason = "a command line program: its words go to stderr")]
pub(crate) fn words_only(words: &str) {
    eprintln!("{words}");
}

/// A result, for a person or a program to read.
#[allow(clippy::print_stdout, reason = "a command line program: its results go to stdout")]
pub(crate) fn result(line: &str) {
    println!("{line}");
}

/// Cargo, the one that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::paths::root());
    command
}

/// Whether this is a build server: nothing may change Cargo.lock, and one failure does not hide the next.
pub(crate) fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Runs a step to its end and says how long it took. Its output goes to stderr: stdout is for results.
pub(crate) fn step(what: &str, command: &mut Command) -> Result<()> {
    say(&format!("{what} ..."));
    let begun = Instant::now();
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("{what}: cannot start {}", command.get_program().display()))?;
    ensure!(status.success(), "{what}: {} ended with {status}", line(command));
    say(&format!("{what}: done in {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// Runs a command and keeps its stdout; its stderr passes through.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Whether a command can be started and ends well. Nothing of it is shown.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command line as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_line_can_be_pasted_into_a_shell() {
        let mut command = Command::new("trocar");
        command.args(["submit", "--where", "sex = 'F'"]);
        assert_eq!(line(&command), r"trocar submit --where 'sex = '\''F'\'''");
    }
}
