//! Whether the parts that others signed fit what the node says: the author's package and the operator's approval.

use crate::bag::Files;
use crate::content::Request;
use crate::error::VerifyError;
use crate::reviewed;
use crate::statement::Status;
use crate::verify::{envelope, get, key, text};
use crate::write::{APPROVAL, KEYS, MANIFEST, PACKAGE, RESULTS};
use serde_json::{Value, json};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Approval, ApprovalError, Manifest, verify_approval};
use trocar_terms::{Class, Decimal, Digest};

/// The author's key is the one that the request names, and signed the package.
pub(crate) fn check_author(files: &Files, request: &Request, manifest: &Manifest) -> Result<(), VerifyError> {
    let [_, author, _] = KEYS;
    if key(files, author)? != request.author {
        return Err(VerifyError::disagrees(author, "another author"));
    }
    check_package(files, request, manifest)
}

/// The author signed this manifest's text and this component: the subjects of the package's statement.
fn check_package(files: &Files, request: &Request, manifest: &Manifest) -> Result<(), VerifyError> {
    let payload = envelope(files, PACKAGE, &request.author)?;
    let statement: Value =
        serde_json::from_slice(&payload).map_err(|e| VerifyError::unreadable(PACKAGE, e))?;
    let subject = |name: &str, digest: Digest| json!({"name": name, "digest": {"sha256": digest.hex()}});
    let mut subjects = vec![
        subject("manifest.toml", Digest::of(text(files, MANIFEST)?.as_bytes())),
        subject("algorithm.wasm", request.component),
    ];
    subjects.extend(
        manifest.models.iter().map(|m| subject(&trocar_manifest::model_path(m.name.as_str()), m.digest)),
    );
    let says = |key: &str| statement.get(key).cloned().unwrap_or_default();
    if says("subject") != Value::Array(subjects) || says("predicateType") != "urn:trocar:package:v1" {
        return Err(VerifyError::disagrees(PACKAGE, "the author signed other files"));
    }
    Ok(())
}

fn not_approved(error: ApprovalError) -> VerifyError {
    match error {
        ApprovalError::Signature(source) => {
            VerifyError::Signature { path: APPROVAL.to_owned(), source: Box::new(source) }
        }
        statement @ ApprovalError::Statement(_) => VerifyError::unreadable(APPROVAL, statement),
    }
}

/// The operators allowed this manifest and component for this dataset, and the job was admitted in time.
pub(crate) fn check_approval(
    files: &Files,
    request: &Request,
    manifest: &Manifest,
) -> Result<Approval, VerifyError> {
    let [_, _, operator] = KEYS;
    if key(files, operator)? != request.approver {
        return Err(VerifyError::disagrees(operator, "another operator"));
    }
    let bytes = get(files, APPROVAL)?;
    let signed = Envelope::from_json(bytes).map_err(|e| VerifyError::unreadable(APPROVAL, e))?;
    let operators: Vec<PublicKey> =
        [request.approver].into_iter().chain(request.co_approvers.iter().copied()).collect();
    let (approval, signers) = verify_approval(&signed, &operators).map_err(not_approved)?;
    let spelling = signed.to_json().map_err(|e| VerifyError::unreadable(APPROVAL, e))?;
    let facts = [
        (spelling == bytes && signed.signatures.len() == operators.len(), "signed in another way"),
        (signers == operators, "an operator who did not sign"),
        (Digest::of(bytes) == request.approval, "another approval"),
        (approval.dataset == request.dataset_id, "approved for another dataset"),
        (approval.manifest == request.manifest, "approved another manifest"),
        (approval.component == request.component, "approved another component"),
        (approval.models.iter().eq(manifest.models.iter().map(|m| &m.digest)), "approved other models"),
        (approval.class == request.class, "approved another class"),
        (approval.policy == request.policy, "approved under another policy"),
        (approval.approved_at <= request.admitted_at, "approved after the job was admitted"),
        (request.admitted_at < approval.expires, "had expired when the job was admitted"),
    ];
    first_wrong(APPROVAL, &facts)?;
    Ok(approval)
}

/// results.json is of this job, of this outcome, and within the approval.
pub(crate) fn check_results(
    results: &Value,
    request: &Request,
    status: Status,
    approval: &Approval,
) -> Result<(), VerifyError> {
    let says = |key: &str| results.get(key).cloned().unwrap_or_default();
    let rho = says("rho").as_str().and_then(|rho| rho.parse::<Decimal>().ok());
    let exact = request.class == Class::ReviewedCode;
    let facts = [
        (says("job") == json!(request.job), "another job"),
        (says("dataset") == json!(request.dataset), "another dataset"),
        (says("class") == json!(request.class), "another class"),
        (says("status") == json!(status), "another outcome"),
        (results.get("outputs").is_some() == (status == Status::Released), "numbers where none may be"),
        (
            exact || rho.is_some_and(|rho| within(&rho, &approval.rho_max)),
            "more rho than the approval allows",
        ),
    ];
    first_wrong(RESULTS, &facts)?;
    if exact { reviewed::check_results(results, status) } else { Ok(()) }
}

/// A stated rho is the charge rounded up to six places, so it may stand that much above the limit of the charge.
fn within(rho: &Decimal, most: &Decimal) -> bool {
    rho <= most || rho.to_f64() < most.to_f64() + 1e-6
}

fn first_wrong(path: &str, facts: &[(bool, &'static str)]) -> Result<(), VerifyError> {
    match facts.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(VerifyError::disagrees(path, what)),
        None => Ok(()),
    }
}
