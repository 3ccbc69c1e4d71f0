//! Whether the job's reservation is in the node's public log: the line, the proof, and what both must say.

use crate::bag::Files;
use crate::content::{Logged, Request};
use crate::error::VerifyError;
use crate::verify::get;
use serde_json::{Value, json};
use trocar_terms::Digest;
use trocar_tlog::{LogProof, Verifier};

/// The line of the log.
pub(crate) const ENTRY: &str = "data/log-entry.json";
/// That it is in the log, as C2SP tlog-proof writes it.
pub(crate) const PROOF: &str = "data/log.tlog-proof";

/// Adds the line and its proof.
pub(crate) fn add(files: &mut Files, logged: &Logged) {
    files.insert(ENTRY.to_owned(), logged.entry.clone());
    files.insert(PROOF.to_owned(), logged.proof.to_string().into_bytes());
}

/// The line is this job's reservation.
pub(crate) fn check_entry(files: &Files, request: &Request) -> Result<(), VerifyError> {
    let entry: Value =
        serde_json::from_slice(get(files, ENTRY)?).map_err(|e| VerifyError::unreadable(ENTRY, e))?;
    let facts = [
        ("type", json!("reserved"), "it is no reservation"),
        ("job", json!(request.job), "another job"),
        ("dataset", json!(request.dataset_id), "another dataset"),
        ("manifest", json!(request.manifest), "another manifest"),
        ("snapshot", json!(request.snapshot), "another snapshot"),
        ("commitment", json!(request.commitment), "another commitment"),
        ("release_at", json!(request.release_at), "another time of release"),
    ];
    match facts.iter().find(|(key, value, _)| entry.get(key) != Some(value)) {
        Some((.., what)) => Err(VerifyError::disagrees(ENTRY, what)),
        None => Ok(()),
    }
}

/// The line is under the head that the request names, which the log's key signed; that key is `known`, where one is.
pub(crate) fn check_proof(files: &Files, request: &Request, known: Option<&str>) -> Result<(), VerifyError> {
    if known.is_some_and(|known| known != request.log) {
        return Err(VerifyError::disagrees(PROOF, "another log than the node publishes"));
    }
    let log: Verifier = request.log.parse().map_err(|e| VerifyError::unreadable(PROOF, e))?;
    let proof = LogProof::parse(get(files, PROOF)?).map_err(|e| VerifyError::unreadable(PROOF, e))?;
    let head = proof.verify(get(files, ENTRY)?, &log).map_err(|e| VerifyError::unreadable(PROOF, e))?;
    if Digest::from_bytes(head.root) == request.ledger_head {
        Ok(())
    } else {
        Err(VerifyError::disagrees(PROOF, "another head of the log"))
    }
}
