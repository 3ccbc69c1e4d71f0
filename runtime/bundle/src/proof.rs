//! What a verified bundle proves, in plain sentences, and what it does not.

use crate::bag::Files;
use crate::content::Request;
use crate::reviewed::Answerable;
use crate::statement::Status;
use trocar_manifest::keys::PublicKey;
use trocar_manifest::{Approval, Verdict};

/// What no bundle can prove.
pub(crate) const NOT: &[&str] = &[
    "that the node's machine was honest: whoever rules it could have made it sign something else",
    "that the algorithm measures what its name says",
    "that the head of the ledger which the bundle names is still part of the node's ledger: ask the node",
];

pub(crate) fn sentences(
    files: &Files,
    request: &Request,
    approval: &Approval,
    signer: &PublicKey,
    status: Status,
    pinned: bool,
) -> Vec<String> {
    let count = files.len();
    let whose = if pinned {
        "a key that you trust"
    } else {
        "a key that you have not pinned: intact, signer unknown"
    };
    vec![
        format!("The archive is canonical and whole: {count} files and not one byte besides."),
        "Every file has the SHA-512 digest that the bag lists (BagIt 1.0).".to_owned(),
        format!("The node {} signed all of it with {signer}, {whose}.", request.node_name),
        outcome(request, status),
        ran(request),
        format!("The author {} signed this manifest and this component.", request.author),
        format!(
            "{} approved them for the dataset {} under the policy {}, up to rho {} a job, from {} until {}; \
             the job was admitted at {}.",
            operators(request),
            request.dataset_id,
            request.policy,
            approval.rho_max,
            approval.approved_at,
            approval.expires,
            request.admitted_at
        ),
    ]
}

fn operators(request: &Request) -> String {
    let others: String = request.co_approvers.iter().map(|key| format!(" and {key}")).collect();
    let word = if others.is_empty() { "operator" } else { "operators" };
    format!("The {word} {}{others}", request.approver)
}

/// Who answers for an exact result.
pub(crate) fn answerable(by: &Answerable) -> String {
    let reviewers: Vec<String> = by.airlock.reviewers.iter().map(ToString::to_string).collect();
    let does = match by.decision.verdict {
        Verdict::Release => "let the result out",
        Verdict::Withhold => "kept the result",
    };
    format!(
        "The reviewers {} signed this component, and the output checker {} {does} at {}. The numbers have no noise: \
         nothing is proved about what they say of one patient.",
        reviewers.join(" and "),
        by.airlock.checker,
        by.decision.decided_at
    )
}

fn outcome(request: &Request, status: Status) -> String {
    match status {
        Status::Released => format!(
            "Job {} on {} was released with the numbers in results.json.",
            request.job, request.dataset
        ),
        Status::Withheld => {
            format!("Job {} on {} was withheld: nothing was released.", request.job, request.dataset)
        }
    }
}

fn ran(request: &Request) -> String {
    format!(
        "By the node's word, component {} of manifest {} ran on snapshot {} in {}.",
        request.component, request.manifest, request.snapshot, request.engine
    )
}
