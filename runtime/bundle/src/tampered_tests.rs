//! The thousand tampered bundles in this process: none is accepted, and each refusal says why. tests/e2e/tamper.rs gives the
//! same to the binary, in children that have little memory and time.

use crate::fixture::{ALL, COUNT, another, job, key, node};
use crate::{verify, write};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

#[allow(unreachable_pub, reason = "the tests of the binary have it too")]
#[path = "../../../tests/e2e/tampered/mod.rs"]
mod tampered;

fn originals() -> tampered::Originals {
    let bundle = |job: &crate::fixture::Job, patients| {
        write(&job.content(&job.outcome(patients, 1)), &node()).unwrap()
    };
    let good = bundle(&job(COUNT), 200);
    let others = vec![bundle(&another(COUNT), 300), bundle(&another(ALL), 300), bundle(&another(COUNT), 9)];
    tampered::Originals { good, others, stranger: key(66) }
}

/// The error and what caused it.
fn words(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |e| (*e).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn a_thousand_tampered_bundles_are_refused_with_the_reason() {
    let from = originals();
    assert!(verify(&from.good, &[node().public()]).is_ok());
    tampered::unchanged(&from);
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for i in 0..tampered::ALL {
        let bad = tampered::tampered(&from, i);
        let begun = Instant::now();
        let error = verify(&bad.bytes, &[node().public()]);
        let Err(error) = error else { panic!("{}, number {i}, was accepted", bad.way) };
        let said = words(&error);
        let named = bad.reasons.is_empty() || bad.reasons.iter().any(|reason| said.contains(reason));
        assert!(named && said.len() > 20, "{}, number {i}, is refused for another reason: {said}", bad.way);
        assert!(begun.elapsed() < Duration::from_secs(2), "{}, number {i}: {:?}", bad.way, begun.elapsed());
        *refused.entry(bad.way).or_default() += 1;
    }
    assert_eq!(refused.len(), tampered::ways().len());
}
