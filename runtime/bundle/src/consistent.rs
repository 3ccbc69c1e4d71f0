//! Whether both crates say what the signed parts say, and keep what Five Safes asks.

use crate::bag::{self, DATA, Files};
use crate::content::Request;
use crate::crate_algorithm::{self, ALGORITHM};
use crate::crate_metadata::{self, Described, METADATA};
use crate::error::VerifyError;
use crate::five_safes;
use crate::reviewed::Answerable;
use crate::statement::Status;
use crate::verify::same;
use crate::write::pretty;
use trocar_manifest::{Approval, Manifest};

/// What the crate is made of.
pub(crate) fn described<'a>(
    (request, manifest, approval): (&'a Request, &'a Manifest, &'a Approval),
    answerable: Option<&'a Answerable>,
    status: Status,
) -> Described<'a> {
    let reviews = answerable.map_or(&[][..], |a| a.reviews.as_slice());
    let decision = answerable.map(|a| &a.decision);
    Described { request, manifest, approval, reviews, decision, status }
}

/// The version whose words this is.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Both crates are those that the signed parts and the names of the files make. Another version of trocar has other words
/// for the same: of its crates the facts are compared, so that a bundle can be checked years later.
pub(crate) fn crates(files: &Files, said: &Described<'_>) -> Result<(), VerifyError> {
    if said.request.trocar_version != OWN {
        return facts(files, said);
    }
    let unreadable = |e| VerifyError::unreadable(METADATA, e);
    let algorithm = crate_algorithm::metadata(said.request, said.manifest);
    same(files, ALGORITHM, &pretty(&algorithm).map_err(unreadable)?)?;
    let paths = bag::payload(files).map(|(path, _)| path.as_str()).filter(|path| *path != METADATA);
    let ids: Vec<&str> = paths.filter_map(|path| path.strip_prefix(DATA)).collect();
    same(files, METADATA, &pretty(&crate_metadata::metadata(said, &ids)).map_err(unreadable)?)
}

/// What the result's crate says of people, times, data and outcome.
fn facts(files: &Files, said: &Described<'_>) -> Result<(), VerifyError> {
    let request = said.request;
    let graph = five_safes::Crate { entries: &[], files, request, graph: five_safes::Crate::graph_of(files) };
    let checked = said.decision.map_or(request.release_at, |decision| decision.decided_at);
    let outcome = if said.released() { "Completed" } else { "Failed" };
    let mut expected = vec![
        ("#run", "startTime", request.admitted_at.to_string()),
        ("#run", "endTime", request.release_at.to_string()),
        ("#sign-off", "endTime", said.approval.approved_at.to_string()),
        ("#disclosure-check", "endTime", checked.to_string()),
        ("#disclosure-check", "actionStatus", format!("http://schema.org/{outcome}ActionStatus")),
        ("#permit", "validFrom", said.approval.approved_at.to_string()),
        ("#permit", "validUntil", said.approval.expires.to_string()),
        ("#project", "identifier", said.approval.project.clone()),
        ("#dataset", "name", request.dataset.to_string()),
        ("#cohort", "value", request.where_.clone()),
        ("#engine", "name", request.engine.clone()),
        ("#trocar", "version", request.trocar_version.clone()),
    ];
    let person = said.approval.permit.as_ref().and_then(|permit| permit.person.clone());
    expected.extend(person.map(|person| ("#requester", "name", person)));
    match expected.iter().find(|(id, key, value)| graph.word(id, key) != *value) {
        Some(_) => Err(VerifyError::disagrees(METADATA, "other people, times, data or outcome")),
        None => Ok(()),
    }
}

/// Every MUST of the profile holds.
pub(crate) fn five_safes(entries: &[String], files: &Files, request: &Request) -> Result<(), VerifyError> {
    let bag = five_safes::Crate { entries, files, request, graph: five_safes::Crate::graph_of(files) };
    match five_safes::broken(&bag) {
        Some(must) => Err(VerifyError::FiveSafes { section: must.section, says: must.says }),
        None => Ok(()),
    }
}
