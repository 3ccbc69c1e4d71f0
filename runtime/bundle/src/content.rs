//! What a node puts into a bundle.

use crate::decided::Decided;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trocar_filter::Outcome;
use trocar_manifest::{Manifest, dsse::Envelope, keys::PublicKey};
use trocar_terms::{Class, DatasetId, Digest, JobId, Name, SnapshotId, Timestamp, Value};
use trocar_tlog::LogProof;

/// What was asked, by whom it was allowed and on what it ran: all that was fixed when the job was admitted.
///
/// Absent on purpose: ends and durations, numbers of files or workers, any digest of patients' data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The job.
    pub job: JobId,
    /// The dataset as the node's users call it.
    pub dataset: Name,
    /// The dataset's random id.
    pub dataset_id: DatasetId,
    /// The assurance class of the release.
    pub class: Class,
    /// The frozen index, by random id.
    pub snapshot: SnapshotId,
    /// The hiding commitment to the snapshot.
    pub commitment: Digest,
    /// When the job was admitted.
    pub admitted_at: Timestamp,
    /// When the result could be fetched: fixed at admission.
    pub release_at: Timestamp,
    /// The manifest's digest.
    pub manifest: Digest,
    /// The component's digest.
    pub component: Digest,
    /// The package file's digest.
    pub package: Digest,
    /// Who signed the package.
    pub author: PublicKey,
    /// The policy's digest.
    pub policy: Digest,
    /// The digest of the approval's envelope in canonical JSON.
    pub approval: Digest,
    /// Who signed the approval first.
    pub approver: PublicKey,
    /// Who else did, where the policy asks for more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_approvers: Vec<PublicKey>,
    /// For the class `reviewed-code`: whose word let it run and let it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub airlock: Option<Airlock>,
    /// All parameters, defaults filled in.
    pub parameters: BTreeMap<String, Value>,
    /// The whole cohort expression, the manifest's and the researcher's, normalised.
    #[serde(rename = "where")]
    pub where_: String,
    /// The trocar that ran the job.
    pub trocar_version: String,
    /// The engine, such as `wasmtime 48.0.8`.
    pub engine: String,
    /// What the node calls itself.
    pub node_name: String,
    /// The head of the node's public log after the job's reservation.
    pub ledger_head: Digest,
    /// The key that verifies heads of this log, as C2SP signed-note writes it.
    pub log: String,
    /// What a reader must know, such as `rollback not detected`.
    pub conditions: Vec<String>,
}

/// Who answers for an exact result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Airlock {
    /// Who signed that the code may answer exactly: two or more, none of them the author.
    pub reviewers: Vec<PublicKey>,
    /// The output checker, who is not the author.
    pub checker: PublicKey,
}

/// What every bundle has: all that the request decides.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What was asked and allowed.
    pub request: &'a Request,
    /// The manifest as its author wrote it, with the component's digest.
    pub manifest_text: &'a str,
    /// The same, parsed.
    pub manifest: &'a Manifest,
    /// The author's signature over manifest and component: `Package::signature`.
    pub package: &'a Envelope,
    /// The operators' approval.
    pub approval: &'a Envelope,
    /// That the node's public log has the job's reservation.
    pub logged: &'a Logged,
}

/// The line of a job's reservation in the node's public log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The line.
    pub entry: Vec<u8>,
    /// That it is under the head which the request names.
    pub proof: LogProof,
}

/// A finished job of the class `any-code`.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// What the filter released or withheld.
    pub outcome: &'a Outcome,
    /// What it answers.
    pub asked: Asked<'a>,
}

/// A decided job of the class `reviewed-code`.
#[derive(Debug, Clone, Copy)]
pub struct ReviewedContent<'a> {
    /// The exact result, if it leaves, and the output checker's signed word.
    pub decided: &'a Decided,
    /// What it answers.
    pub asked: Asked<'a>,
    /// The reviews, in the order of `Airlock::reviewers`.
    pub reviews: &'a [Envelope],
}
