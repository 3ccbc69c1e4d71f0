//! in-toto Statement v1: what packages and approvals sign.

use crate::canonical::{self, CanonicalError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use trocar_terms::Digest;

pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

impl<P: Serialize> Statement<P> {
    pub(crate) fn new(subject: Vec<(String, Digest)>, predicate_type: &str, predicate: P) -> Self {
        let digest = |d: Digest| BTreeMap::from([("sha256".to_owned(), d.hex())]);
        let subject = subject.into_iter().map(|(name, d)| Subject { name, digest: digest(d) }).collect();
        Self { kind: STATEMENT.to_owned(), subject, predicate_type: predicate_type.to_owned(), predicate }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::json(self)
    }
}

/// The predicate of a statement of this type; the caller checks its subjects by writing the statement again.
pub(crate) fn predicate<P: DeserializeOwned>(payload: &[u8], predicate_type: &str) -> Result<P, String> {
    // The type first: of another type, the predicate has other fields, and the error would be about those.
    let any: Statement<serde_json::Value> = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    if any.predicate_type != predicate_type {
        return Err(format!("it is a statement of type {:?}, not {predicate_type:?}", any.predicate_type));
    }
    serde_json::from_value(any.predicate).map_err(|e| e.to_string())
}
