//! A finding of `audit --verify` or `doctor`.

use crate::error::NodeError;
use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// It holds.
    Ok,
    /// Nothing is wrong, and something is not protected or was not looked at.
    Note,
    /// It does not hold.
    Wrong,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether nothing is wrong.
    pub holds: bool,
    /// As `holds`, and what holds but protects nothing told apart.
    pub finding: Finding,
    /// In words.
    pub detail: String,
}

impl Check {
    /// A finding.
    pub(crate) fn new(name: &'static str, holds: bool, detail: impl Into<String>) -> Self {
        let finding = if holds { Finding::Ok } else { Finding::Wrong };
        Self { name, holds, finding, detail: detail.into() }
    }

    /// What the operator should know, though nothing is wrong.
    pub(crate) fn note(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, holds: true, finding: Finding::Note, detail: detail.into() }
    }
}

/// The error and its causes on one line.
pub(crate) fn in_words(error: &NodeError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        words = format!("{words}: {source}");
        cause = source.source();
    }
    words
}
