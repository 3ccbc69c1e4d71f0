//! `trocar-compose`: what the build of a guest in C or Python needs beyond the tools of its language.

use std::path::Path;
use std::process::ExitCode;
use trocar_compose::{HEADER, SOURCE, component, compose};

const USAGE: &str = "usage: trocar-compose bindings FOLDER | trocar-compose compose GUEST KERNELS OUTPUT";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["bindings", folder] => bindings(Path::new(folder)),
        ["compose", guest, kernels, output] => whole(guest, kernels, output),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => fail(&words),
    }
}

#[allow(clippy::print_stderr, reason = "a command line program: its words go to stderr")]
fn fail(words: &str) -> ExitCode {
    eprintln!("trocar-compose: {words}");
    ExitCode::FAILURE
}

/// Writes the C bindings.
fn bindings(folder: &Path) -> Result<(), String> {
    for (name, text) in [("trocar.h", HEADER), ("trocar.c", SOURCE)] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    Ok(())
}

/// Composes two files, each a component or a core module.
fn whole(guest: &str, kernels: &str, output: &str) -> Result<(), String> {
    let read = |path: &str| {
        let bytes = std::fs::read(path).map_err(|e| format!("cannot read {path}: {e}"))?;
        component(bytes).map_err(|e| format!("{path}: {e}"))
    };
    let bytes = compose(&read(guest)?, &read(kernels)?).map_err(|e| format!("{guest}: {e}"))?;
    std::fs::write(output, bytes).map_err(|e| format!("cannot write {output}: {e}"))
}
