//! The signed part: an in-toto Statement v1 over every file whose predicate is SLSA provenance v1: what ran, on what and
//! allowed by whom. Nothing of ours is beside SLSA's own fields, so that others' tools read it whole.

use crate::bag::{self, Files};
use crate::content::Request;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trocar_manifest::canonical::{self, CanonicalError};
use trocar_manifest::keys::PublicKey;
use trocar_terms::Digest;

/// The payload type of in-toto in DSSE.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// SLSA 1.0 and 1.1, "Provenance".
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// What kind of work was done: SLSA's `buildType`.
const RELEASE: &str = "urn:trocar:release:v1";

/// What was asked, and what became of it.
#[derive(Debug, Clone, PartialEq)]
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

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Withheld => "withheld",
        }
    }
}

/// What a node signs over the payload and those tag files that are there already.
pub(crate) fn bytes(files: &Files, said: &Predicate, node: &PublicKey) -> Result<Vec<u8>, CanonicalError> {
    let signed = files.iter().filter(|(path, _)| !unsigned(path));
    let subject: Vec<Value> = signed.map(|(path, bytes)| subject(path, Digest::of(bytes))).collect();
    canonical::json(&json!({
        "_type": STATEMENT, "subject": subject, "predicateType": PREDICATE, "predicate": provenance(said, node)?,
    }))
}

/// What a statement says, before anything of it is believed: the caller writes it again and compares.
pub(crate) fn read(payload: &[u8]) -> Result<Predicate, String> {
    let statement: Value = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    let at = |pointer: &str| statement.pointer(pointer).cloned().unwrap_or_default();
    if (at("/_type"), at("/predicateType")) != (STATEMENT.into(), PREDICATE.into()) {
        return Err("it is no in-toto statement with SLSA provenance".to_owned());
    }
    let request = at("/predicate/buildDefinition/externalParameters/request");
    let request = serde_json::from_value(request).map_err(|e| e.to_string())?;
    let outcome = at("/predicate/runDetails/byproducts/0/content");
    let is = |status: &Status| outcome == content(*status);
    let status = [Status::Released, Status::Withheld].into_iter().find(is);
    Ok(Predicate { status: status.ok_or("it names no outcome")?, request })
}

/// The statement cannot be over itself, nor over the list that has its digest.
fn unsigned(path: &str) -> bool {
    path == bag::PROVENANCE || path == bag::TAG_MANIFEST
}

fn subject(name: &str, digest: Digest) -> Value {
    json!({"name": name, "digest": {"sha256": digest.hex()}})
}

/// An in-toto ResourceDescriptor holds bytes as base64.
fn content(status: Status) -> Value {
    STANDARD.encode(status.word()).into()
}

fn provenance(said: &Predicate, node: &PublicKey) -> Result<Value, CanonicalError> {
    let request = &said.request;
    let uuid = bag::uuid(&request.job.to_string());
    Ok(json!({
        "buildDefinition": {
            "buildType": RELEASE,
            "externalParameters": {"request": serde_json::to_value(request)?},
            "resolvedDependencies": dependencies(request),
        },
        "runDetails": {
            "builder": {
                "id": format!("urn:trocar:node:{}", node.keyid()),
                "version": {"trocar": request.trocar_version, "engine": request.engine},
            },
            // As everywhere: the times fixed at admission, so that nothing tells how long the job took.
            "metadata": {
                "invocationId": format!("urn:uuid:{uuid}"),
                "startedOn": request.admitted_at, "finishedOn": request.release_at,
            },
            "byproducts": [{"name": "outcome", "mediaType": "text/plain", "content": content(said.status)}],
        },
    }))
}

/// What went in, but for the patients' data: of those no digest leaves.
fn dependencies(request: &Request) -> Vec<Value> {
    let all = [
        ("package", request.package),
        ("manifest", request.manifest),
        ("component", request.component),
        ("policy", request.policy),
        ("approval", request.approval),
    ];
    all.into_iter().map(|(name, digest)| subject(name, digest)).collect()
}
