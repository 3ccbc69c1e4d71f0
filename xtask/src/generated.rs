//! Committed files that a test generates and compares: with `UPDATE=1` the same test rewrites them.

use crate::run::{cargo, step};
use anyhow::Result;

/// Rewrites the generated files whose tests' names contain `word`.
pub(crate) fn rewrite(word: &str) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--package", "trocar-manifest", "--package", "trocar-policy", word])
        .env("UPDATE", "1");
    step(&format!("rewriting {word} files under manifests/"), &mut command)
}
