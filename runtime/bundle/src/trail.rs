//! What was checked of a bundle, in order, and what each check proves: the tree that `trocar verify` shows.

use crate::error::VerifyError;
use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// It holds.
    Ok,
    /// It holds as far as it goes: something that it needs was not given.
    Open,
    /// It does not hold.
    Failed,
    /// Not looked at, because one before it failed.
    Skipped,
}

/// One check with what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub ended: Ended,
    /// What it proves where it holds.
    pub proves: &'static str,
    /// Why it failed, or what it leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Check>,
}

/// A check before it is done: its group, its name, what it proves.
type Planned = (&'static str, &'static str, &'static str);

/// Every check, in the order in which they are done.
const PLAN: &[Planned] = &[
    ("bag", "archive", "the zip has one spelling: no byte is hidden between, before or behind its files"),
    ("bag", "digests", "every file has the SHA-512 that the bag lists (BagIt 1.0)"),
    ("node", "envelope", "the node's key signed exactly these files (DSSE, in-toto, SLSA provenance)"),
    ("bag", "tags", "folder, declaration and bag-info are those of this job"),
    ("asked", "manifest", "the algorithm's manifest is the one that ran"),
    ("bag", "files", "no file is missing and none is there besides"),
    ("asked", "package", "its author signed this manifest and this component"),
    ("allowed", "approval", "the operators approved it for this dataset, this long"),
    (
        "allowed",
        "reviews",
        "for exact results: two reviewers and an output checker signed; else nothing is needed",
    ),
    ("log", "entry", "the job's reservation is a line of the node's public log, and says the same"),
    ("log", "inclusion", "that line is under the head that the node signed for its log (C2SP tlog-proof)"),
    ("contents", "results", "results.json is of this job, of this outcome and within the approval"),
    ("contents", "table", "results.csv has the numbers of results.json"),
    ("contents", "crate", "the RO-Crate says what the signed parts say, byte for byte"),
    ("contents", "five safes", "every MUST of Five Safes RO-Crate 0.4 holds"),
    ("node", "key", "the signing key is one that you trust, in its time"),
];

/// What each group is about.
const GROUPS: &[(&str, &str)] = &[
    ("bag", "nothing was changed, added or taken out"),
    ("node", "a node answers for all of it"),
    ("asked", "it is known what ran"),
    ("allowed", "it is known who let it run, and out"),
    ("log", "the job is in the node's public log"),
    ("contents", "the files say one thing"),
];

/// Checks as they are done.
#[derive(Debug, Default)]
pub(crate) struct Trail(Vec<(Ended, Option<String>)>);

impl Trail {
    /// Notes how the next check of the plan ended.
    pub(crate) fn step<T>(&mut self, done: Result<T, VerifyError>) -> Result<T, VerifyError> {
        match &done {
            Ok(_) => self.0.push((Ended::Ok, None)),
            Err(error) => self.0.push((Ended::Failed, Some(in_words(error)))),
        }
        done
    }

    /// Notes that the next check holds as far as it goes.
    pub(crate) fn open(&mut self, why: &str) {
        self.0.push((Ended::Open, Some(why.to_owned())));
    }

    /// The tree; what was not reached is skipped.
    pub(crate) fn tree(self) -> Vec<Check> {
        let left = std::iter::repeat((Ended::Skipped, None));
        let leaf = |(planned, (ended, why)): (&Planned, (Ended, Option<String>))| {
            (planned.0, Check { name: planned.1, ended, proves: planned.2, why, parts: Vec::new() })
        };
        let leaves: Vec<_> = PLAN.iter().zip(self.0.into_iter().chain(left)).map(leaf).collect();
        let group = |(name, proves): &(&'static str, &'static str)| {
            let parts: Vec<Check> =
                leaves.iter().filter(|(of, _)| of == name).map(|(_, leaf)| leaf.clone()).collect();
            Check { name, ended: whole(&parts), proves, why: None, parts }
        };
        GROUPS.iter().map(group).collect()
    }
}

/// The worst of the parts.
fn whole(parts: &[Check]) -> Ended {
    let has = |ended: Ended| parts.iter().any(|part| part.ended == ended);
    [Ended::Failed, Ended::Skipped, Ended::Open].into_iter().find(|ended| has(*ended)).unwrap_or(Ended::Ok)
}

fn in_words(error: &VerifyError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        words = format!("{words}: {source}");
        cause = source.source();
    }
    words
}
