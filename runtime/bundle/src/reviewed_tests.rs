//! Bundles of exact results.

use crate::fixture::{self, COUNT, ReviewedJob, decision, exact, key, node, reviewed};
use crate::{
    Airlock, Asked, BundleError, Decided, Request, ReviewedContent, Status, VerifyError, verify, write,
    write_reviewed,
};
use std::collections::BTreeMap;
use trocar_manifest::{Verdict, archive};

const OUTPUTS: &str = r#"
[[outputs]]
name = "suv_mean"
kind = "mean"
unit = "g/mL"
lower = 0.0
upper = 20.0
grid_bits = 10
rho = "0.02"

[[outputs]]
name = "volume"
kind = "histogram"
unit = "mL"
edges = [0, 10, 50, 100, 500, 5000]
rho = "0.02"

[[outputs]]
name = "tumours"
kind = "count"
unit = "1"
rho = "0.02"
"#;

fn bundle(job: &ReviewedJob) -> Vec<u8> {
    write_reviewed(&job.content(), &node()).unwrap()
}

fn files(bundle: &[u8]) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let inside = |(path, bytes): (String, Vec<u8>)| (path.split_once('/').unwrap().1.to_owned(), text(bytes));
    archive::read(bundle).unwrap().into_iter().map(inside).collect()
}

#[test]
fn a_released_exact_bundle_verifies_and_says_who_answers_for_it() {
    let job = reviewed(OUTPUTS, 200, Verdict::Release);
    let proof = verify(&bundle(&job), &[node().public()]).unwrap();
    assert_eq!((proof.trusted, proof.status, proof.proved.len()), (true, Status::Released, 8));
    let said = proof.proved.last().unwrap();
    for who in [4, 5, 6] {
        assert!(said.contains(&key(who).public().to_string()), "{said}");
    }
    let results = &proof.results;
    assert_eq!((&results["class"], &results["rounding_base"]), (&"reviewed-code".into(), &5.into()));
    assert_eq!(results["patients"], serde_json::json!({"value": 200, "shown": true}));
    // 67 of 200 by the fixture are 0 (each third), so 133 count: 135. The last bin is empty, and shown as that.
    assert_eq!(
        (&results["outputs"][2]["value"], &results["outputs"][2]["rounded_to"]),
        (&135.0.into(), &5.into())
    );
    assert_eq!(results["outputs"][1]["value"], serde_json::json!([45.0, 90.0, 45.0, 20.0, 0.0]));
    assert_eq!(results["outputs"][1]["total"], 200);
}

#[test]
fn no_file_of_an_exact_bundle_claims_noise_or_epsilon() {
    let files = files(&bundle(&reviewed(OUTPUTS, 200, Verdict::Release)));
    assert!(!files.keys().any(|path| path.contains("plots")));
    for path in ["data/results.json", "data/results.csv", "data/results.parquet"] {
        for word in ["rho", "epsilon", "delta", "sd", "low95"] {
            assert!(!files[path].contains(word), "{path} has {word}");
        }
    }
    let report = &files["data/ro-crate-preview.html"];
    assert!(report.contains("no &#949;") && !report.contains("noise interval") && !report.contains("&#961;"));
}

#[test]
fn suppressed_numbers_are_null_and_not_shown() {
    let proof = verify(&bundle(&reviewed(OUTPUTS, 60, Verdict::Release)), &[]).unwrap();
    let volume = &proof.results["outputs"][1];
    // By the fixture's ninths 14, 28, 12, 6 and 0 patients: 6 are too few, and 12 go with them, so that no total tells the 6.
    assert_eq!(volume["value"], serde_json::json!([15.0, 30.0, null, null, 0.0]));
    assert_eq!(volume["shown"], serde_json::json!([true, true, false, false, true]));
    assert_eq!(volume["total"], 45, "not the sum of the two that are released");
}

#[test]
fn withheld_exact_bundles_hold_no_number_and_one_length() {
    let (one, other) = (
        bundle(&reviewed(OUTPUTS, 200, Verdict::Withhold)),
        bundle(&reviewed(OUTPUTS, 20, Verdict::Withhold)),
    );
    assert_eq!(one, other, "what is withheld tells the patients");
    let proof = verify(&one, &[]).unwrap();
    assert_eq!((proof.status, &proof.results["code"]), (Status::Withheld, &"REL-04".into()));
    assert_eq!((&proof.results["outputs"], &proof.results["patients"]), (&().into(), &().into()));
    let lengths = [60, 200, 400].map(|n| bundle(&reviewed(OUTPUTS, n, Verdict::Release)).len());
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

#[test]
fn one_class_is_never_written_as_the_other() {
    let exact = reviewed(OUTPUTS, 200, Verdict::Release);
    let request = Request { class: trocar_terms::Class::AnyCode, ..exact.job.request.clone() };
    let content =
        ReviewedContent { asked: Asked { request: &request, ..exact.job.asked() }, ..exact.content() };
    assert!(matches!(write_reviewed(&content, &node()), Err(BundleError::Class)));
    let noised = fixture::job(COUNT);
    let request = Request { class: trocar_terms::Class::ReviewedCode, ..noised.request.clone() };
    let outcome = noised.outcome(200, 1);
    let content = crate::Content { asked: Asked { request: &request, ..noised.asked() }, outcome: &outcome };
    assert!(matches!(write(&content, &node()), Err(BundleError::Class)));
}

#[test]
fn a_decision_lets_out_no_other_job_and_nothing_that_it_keeps() {
    let job = reviewed(OUTPUTS, 200, Verdict::Release);
    let checkers = [key(6).public()];
    let signed = |verdict| decision(&job.job.request, verdict).sign(&key(6)).unwrap();
    let undecided = |outcome: Result<Decided, BundleError>| matches!(outcome, Err(BundleError::Undecided));
    assert!(undecided(Decided::release(exact(&job.job, 200), &signed(Verdict::Withhold), &checkers)));
    assert!(undecided(Decided::release(exact(&job.job, 200), &signed(Verdict::Release), &[key(7).public()])));
    assert!(undecided(Decided::withhold(&signed(Verdict::Release), &checkers)));
    let mut other = decision(&job.job.request, Verdict::Release);
    other.job = trocar_terms::JobId::from_bytes([9; 16]);
    assert!(undecided(Decided::release(exact(&job.job, 200), &other.sign(&key(6)).unwrap(), &checkers)));
}

#[test]
fn missing_doubled_or_own_reviews_make_no_bundle() {
    let job = reviewed(OUTPUTS, 200, Verdict::Release);
    let airlocks = [
        Airlock { reviewers: vec![key(4).public()], checker: key(6).public() },
        Airlock { reviewers: vec![key(4).public(); 2], checker: key(6).public() },
        Airlock { reviewers: vec![key(4).public(), key(2).public()], checker: key(6).public() },
        Airlock { reviewers: vec![key(4).public(), key(5).public()], checker: key(2).public() },
        Airlock { reviewers: vec![key(5).public(), key(4).public()], checker: key(6).public() },
    ];
    for (i, airlock) in airlocks.into_iter().enumerate() {
        let request = Request { airlock: Some(airlock), ..job.job.request.clone() };
        let content =
            ReviewedContent { asked: Asked { request: &request, ..job.job.asked() }, ..job.content() };
        let written = write_reviewed(&content, &node());
        assert!(matches!(written, Err(BundleError::Disagrees(_))), "airlock {i} was written");
    }
    let content = ReviewedContent { reviews: &job.reviews[..1], ..job.content() };
    let written = write_reviewed(&content, &node());
    assert!(
        matches!(&written, Err(BundleError::Disagrees(e)) if matches!(**e, VerifyError::Missing(_))),
        "one review was enough"
    );
}

#[test]
fn an_approval_of_two_operators_names_both() {
    let mut job = fixture::job(COUNT);
    job.approval = trocar_manifest::countersign_approval(&job.approval, &key(8)).unwrap();
    job.request.approval = trocar_terms::Digest::of(&job.approval.to_json().unwrap());
    let outcome = job.outcome(200, 1);
    assert!(write(&job.content(&outcome), &node()).is_err(), "a signature that nobody is named for");
    job.request.co_approvers = vec![key(8).public()];
    let proof = verify(&write(&job.content(&outcome), &node()).unwrap(), &[]).unwrap();
    assert!(
        proof.proved.iter().any(|s| s.contains("The operators") && s.contains(&key(8).public().to_string()))
    );
}
