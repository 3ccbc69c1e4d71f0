//! The signed part: an in-toto Statement v1 over every file, which says what ran, on what and allowed by whom.

use crate::bag::{self, Files};
use crate::content::Request;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_manifest::canonical::{self, CanonicalError};
use trocar_terms::Digest;

/// The payload type of in-toto in DSSE.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "urn:trocar:release:v1";

/// What a node signs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    pub(crate) predicate: Predicate,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

/// What was asked, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Predicate {
    pub(crate) status: Status,
    pub(crate) request: Request,
}

/// What became of a job. The two words have one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The gate opened: there are numbers.
    Released,
    /// The gate did not open: there are none.
    Withheld,
}

impl Statement {
    /// Over the payload and those tag files that are there already.
    pub(crate) fn over(files: &Files, predicate: Predicate) -> Self {
        let signed = files.iter().filter(|(path, _)| !unsigned(path));
        let subject = signed.map(|(path, bytes)| Subject::of(path, bytes)).collect();
        Self { kind: STATEMENT.into(), subject, predicate_type: PREDICATE.into(), predicate }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::json(self)
    }
}

/// The statement cannot be over itself, nor over the list that has its digest.
fn unsigned(path: &str) -> bool {
    path == bag::PROVENANCE || path == bag::TAG_MANIFEST
}

impl Subject {
    fn of(path: &str, bytes: &[u8]) -> Self {
        let digest = BTreeMap::from([("sha256".to_owned(), Digest::of(bytes).hex())]);
        Self { name: path.to_owned(), digest }
    }
}
