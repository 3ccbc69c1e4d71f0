//! Bundles over the years: keys that took over, and keys that were taken back.

use crate::fixture::{COUNT, job, key, node, reviewed};
use crate::{Ended, Trust, VerifyError, examine, write, write_reviewed};
use trocar_manifest::Verdict;
use trocar_manifest::dsse::Envelope;
use trocar_manifest::key_history::{KeyHistory, Revocation, Succession};
use trocar_manifest::keys::PublicKey;
use trocar_terms::Timestamp;

/// Admitted at 10:15 and to be fetched from 10:30 on, by the fixture.
const BEFORE: &str = "2026-11-23T10:00:00Z";
const BETWEEN: &str = "2026-11-23T10:20:00Z";
const AFTER: &str = "2026-11-23T10:45:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The node's key 1 handed over to key 11.
fn handed_over(text: &str) -> Envelope {
    let said = Succession { old: node().public(), new: key(11).public(), at: at(text) };
    said.sign(&node(), &key(11)).unwrap()
}

/// Key 11 took key 1 back.
fn taken_back(text: &str) -> Envelope {
    Revocation { key: node().public(), at: at(text) }.sign(&key(11)).unwrap()
}

fn bundle(signer: u64) -> Vec<u8> {
    let job = job(COUNT);
    write(&job.content(&job.outcome(200, 1)), &key(signer)).unwrap()
}

fn verdict(bundle: &[u8], pinned: &[PublicKey], said: &[Envelope]) -> Result<bool, VerifyError> {
    let history = KeyHistory::read(said).unwrap();
    examine(bundle, &Trust { pinned, history: &history, log: None }).verified.map(|v| v.trusted)
}

#[test]
fn an_old_bundle_verifies_after_a_rotation_under_the_old_key_and_under_the_new() {
    let old = bundle(1);
    for pinned in [node().public(), key(11).public()] {
        assert_eq!(verdict(&old, &[pinned], &[handed_over(AFTER)]), Ok(true));
        // The bundle was admitted before the rotation and could be fetched after it.
        assert_eq!(verdict(&old, &[pinned], &[handed_over(BETWEEN)]), Ok(true));
    }
    assert!(matches!(verdict(&old, &[key(11).public()], &[]), Err(VerifyError::OtherSigner(_))));
}

#[test]
fn a_new_bundle_verifies_for_who_pinned_the_old_key_once_the_succession_is_known() {
    let new = bundle(11);
    assert_eq!(verdict(&new, &[node().public()], &[handed_over(BEFORE)]), Ok(true));
    assert!(matches!(verdict(&new, &[node().public()], &[]), Err(VerifyError::OtherSigner(_))));
}

#[test]
fn a_key_that_handed_over_signs_nothing_that_was_admitted_later() {
    let late = verdict(&bundle(1), &[node().public()], &[handed_over(BEFORE)]);
    assert!(matches!(late, Err(VerifyError::Retired { .. })), "{late:?}");
}

#[test]
fn a_bundle_that_may_have_been_signed_after_a_revocation_is_refused_pinned_or_not() {
    let bundle = bundle(1);
    for (time, refused) in [(BEFORE, true), (BETWEEN, true), (AFTER, false)] {
        let said = [handed_over(AFTER), taken_back(time)];
        for pinned in [&[][..], &[node().public()], &[key(11).public()]] {
            let seen = verdict(&bundle, pinned, &said);
            assert_eq!(matches!(seen, Err(VerifyError::Revoked { .. })), refused, "{time}: {seen:?}");
        }
    }
}

#[test]
fn an_exact_bundle_that_was_decided_after_a_revocation_is_refused() {
    // Decided at 11:02:03 by the fixture.
    let job = reviewed(COUNT, 200, Verdict::Release);
    let bytes = write_reviewed(&job.content(), &node()).unwrap();
    let said = [handed_over("2026-11-23T12:00:00Z"), taken_back("2026-11-23T11:00:00Z")];
    assert!(matches!(verdict(&bytes, &[node().public()], &said), Err(VerifyError::Revoked { .. })));
}

#[test]
fn the_tree_names_every_check_and_what_failed_in_it() {
    let history = KeyHistory::default();
    let good = bundle(1);
    let seen = examine(&good, &Trust { pinned: &[node().public()], history: &history, log: None });
    let leaves = |checks: &[crate::Check]| -> Vec<(String, Ended)> {
        checks.iter().flat_map(|c| &c.parts).map(|c| (c.name.to_owned(), c.ended)).collect()
    };
    assert_eq!(leaves(&seen.checks).len(), 16);
    assert!(seen.checks.iter().all(|c| c.ended == Ended::Ok), "{:?}", seen.checks);
    let open = examine(&good, &Trust { pinned: &[], history: &history, log: None });
    let unknown: Vec<_> = leaves(&open.checks).into_iter().filter(|(_, e)| *e != Ended::Ok).collect();
    assert_eq!(unknown, [("key".to_owned(), Ended::Open)]);
    let cut = examine(&good[..100], &Trust { pinned: &[], history: &history, log: None });
    let failed: Vec<_> = leaves(&cut.checks).into_iter().filter(|(_, e)| *e == Ended::Failed).collect();
    assert_eq!(failed, [("archive".to_owned(), Ended::Failed)]);
    assert!(leaves(&cut.checks).iter().filter(|(_, e)| *e == Ended::Skipped).count() == 15);
}

#[test]
fn a_bundle_of_another_log_than_the_published_one_is_refused() {
    let (good, history) = (bundle(1), KeyHistory::default());
    let log = job(COUNT).request.log;
    let seen = |log: &str| examine(&good, &Trust { pinned: &[], history: &history, log: Some(log) }).verified;
    assert!(seen(&log).is_ok());
    assert!(matches!(seen("trocar/other+00000000+AAAA"), Err(VerifyError::Disagrees { .. })));
}
