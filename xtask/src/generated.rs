//! Committed files that a test generates and compares: with `UPDATE=1` the same test rewrites them.

use crate::run::{cargo, step};
use anyhow::Result;

/// The JSON schemas of manifests and policies.
pub(crate) fn schemas() -> Result<()> {
    rewrite("the schemas", "the_committed_schema")
}

/// What each example under manifests/ must parse to, or must be refused with.
pub(crate) fn golden() -> Result<()> {
    rewrite("the golden files", "valid")
}

/// Runs the tests whose names contain `filter`.
fn rewrite(what: &str, filter: &str) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "trocar-manifest", "--package", "trocar-policy"]);
    command.args(["--test", "manifest", "--test", "policy", filter]).env("UPDATE", "1");
    step(&format!("rewriting {what} under manifests/"), &mut command)
}
