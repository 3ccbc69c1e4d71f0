//! The phases of a Five Safes review, in the order in which a job goes through them: check, validation, sign-off by
//! operators and reviewers, run, disclosure check.
//!
//! Times are those that others signed or that were fixed at admission (PRIVACY.md section 5): none tells how long the job
//! took.

use crate::crate_algorithm::{FOLDER, parameter};
use crate::crate_metadata::{Described, FIVE_SAFES, all, refers};
use crate::crate_people::{operator, put, reviewer};
use serde_json::{Value, json};
use trocar_manifest::Review;
use trocar_terms::Timestamp;

const SHA512: &str = "https://www.iana.org/assignments/named-information#sha-512";

/// All phases, the run among them, and the one term that they need besides comes with its phase.
pub(crate) fn phases(said: &Described<'_>, ids: &[&str]) -> Vec<Value> {
    let mut all = vec![check(said), validation(said), sign_off(said)];
    all.extend(said.reviews.iter().zip(1..).map(|(review, i)| reviewed(review, i)));
    all.push(run(said, ids));
    all.push(disclosure(said));
    all
}

/// What a phase names beside people and files.
pub(crate) fn terms() -> Value {
    json!({"@id": SHA512, "@type": "DefinedTerm", "name": "sha-512 algorithm"})
}

fn status(ok: bool) -> &'static str {
    if ok { "http://schema.org/CompletedActionStatus" } else { "http://schema.org/FailedActionStatus" }
}

/// A review: its id, its term of the Safe Haven Provenance ontology, a name with the outcome, and when it was over.
fn assess(id: &str, term: &str, name: &str, end: Timestamp) -> Value {
    json!({"@id": id, "@type": "AssessAction", "additionalType": refers(&format!("https://w3id.org/shp#{term}")),
           "name": name, "endTime": end, "actionStatus": status(true)})
}

fn with(mut action: Value, more: &[(&str, Value)]) -> Value {
    for (key, value) in more {
        put(&mut action, key, value.clone());
    }
    action
}

fn check(said: &Described<'_>) -> Value {
    let at = said.request.admitted_at;
    let name = "Digests and signatures of the package and the approval: all hold";
    with(
        assess("#check", "CheckValue", name, at),
        &[
            ("startTime", json!(at)),
            ("object", all(["./", FOLDER])),
            ("instrument", refers(SHA512)),
            ("agent", refers("#trocar")),
        ],
    )
}

fn validation(said: &Described<'_>) -> Value {
    let at = said.request.admitted_at;
    let name = "Validation of the manifest against the dataset's policy, and of this crate against Five Safes: passed";
    with(
        assess("#validation", "ValidationCheck", name, at),
        &[
            ("startTime", json!(at)),
            ("object", all(["./", FOLDER])),
            ("instrument", all([FIVE_SAFES, "#policy"])),
            ("agent", refers("#trocar")),
        ],
    )
}

fn sign_off(said: &Described<'_>) -> Value {
    let signers: Vec<String> =
        (1..=said.request.co_approvers.len().saturating_add(1)).map(operator).collect();
    let at = said.approval.approved_at;
    with(
        assess(
            "#sign-off",
            "SignOff",
            "Approval of the algorithm for the dataset and the project: approved",
            at,
        ),
        &[
            ("startTime", json!(at)),
            ("object", all(["./", FOLDER, "#project", "#dataset"])),
            ("instrument", refers("approval.dsse.json")),
            ("agent", all(signers.iter().map(String::as_str))),
        ],
    )
}

fn reviewed(review: &Review, i: usize) -> Value {
    let at = review.reviewed_at;
    let name = "Review of the code, which may answer exactly: approved";
    with(
        assess(&format!("#review-{i}"), "SignOff", name, at),
        &[
            ("startTime", json!(at)),
            ("object", all(["./", FOLDER])),
            ("instrument", refers(&format!("review-{i}.dsse.json"))),
            ("agent", refers(&reviewer(i))),
        ],
    )
}

/// A withheld run has no result: Five Safes lets nothing of one out (disclosure phase).
fn run(said: &Described<'_>, ids: &[&str]) -> Value {
    let request = said.request;
    let parameters: Vec<String> = request.parameters.keys().map(|name| parameter(name)).collect();
    let objects = ["#snapshot", "#cohort"].into_iter().chain(parameters.iter().map(String::as_str));
    let action = json!({"@id": "#run", "@type": "CreateAction", "name": format!("Run of {}", said.manifest.name),
        "agent": refers("#requester"), "instrument": refers(FOLDER), "object": all(objects),
        "startTime": request.admitted_at, "endTime": request.release_at, "actionStatus": status(true)});
    if !said.released() {
        return action;
    }
    with(action, &[("result", all(ids.iter().copied().filter(|id| is_result(id))))])
}

fn disclosure(said: &Described<'_>) -> Value {
    let request = said.request;
    let name = match (said.decision, said.released()) {
        (None, true) => "Disclosure check by the node's output filter: released with noise",
        (None, false) => "Disclosure check by the node's output filter: withheld, nothing was released",
        (Some(_), true) => "Disclosure check by the rules and an output checker: released",
        (Some(_), false) => {
            "Disclosure check by the rules and an output checker: withheld, nothing was released"
        }
    };
    let end = said.decision.map_or(request.release_at, |decision| decision.decided_at);
    let mut action = with(
        assess("#disclosure-check", "DisclosureCheck", name, end),
        &[
            ("startTime", json!(request.admitted_at)),
            ("object", all(["./"])),
            ("agent", refers(if said.decision.is_some() { "#checker" } else { "#trocar" })),
            ("actionStatus", status(said.released()).into()),
        ],
    );
    if said.decision.is_some() {
        put(&mut action, "instrument", refers("decision.dsse.json"));
    }
    action
}

fn is_result(id: &str) -> bool {
    ["results.json", "results.csv", "results.parquet", "plots/"].iter().any(|start| id.starts_with(start))
}
