//! Thousands of hostile files in this process: each gives a value or a word, soon.

use crate::{real, targets};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use trocar_testkit::mutant::{damaged, mutant};

const PATIENCE: Duration = Duration::from_secs(2);

/// What this thread has computed, whatever else the machine does; by the clock where the system does not say.
fn computed(begun: Instant) -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

#[track_caller]
fn soon(what: &str, bytes: &[u8]) {
    for target in [targets::header, targets::pixels, targets::array] {
        let begun = Instant::now();
        let before = computed(begun);
        target(bytes);
        let took = computed(begun).saturating_sub(before);
        assert!(took < PATIENCE, "{what} took {took:?}");
    }
}

#[test]
fn ten_thousand_mutants_are_read_or_refused_within_two_seconds_each() {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..10_000 {
        let made = mutant(2, number);
        let word = targets::scanned(&made.bytes).map_or_else(|reason| reason.word(), |_| "read");
        *seen.entry(word).or_default() += 1;
        soon(&format!("{number} {} {}", made.kind, made.family), &made.bytes);
    }
    println!("{seen:?}");
    assert!(seen.len() > 12, "mutants meet few of the reasons: {seen:?}");
}

/// Decoders see real frames here: JPEG, JPEG-LS, JPEG 2000 of several encoders.
#[test]
fn real_files_damaged_in_many_ways_are_read_or_refused_within_two_seconds_each() {
    let Some(folder) = real::folder("TROCAR_DATA", "target/data", "pydicom") else { return };
    let mut paths = Vec::new();
    crate::files_under(&folder, &mut paths);
    for path in paths.iter().filter(|p| p.metadata().is_ok_and(|m| m.len() < 150_000)) {
        let good = std::fs::read(path).unwrap();
        for number in 0..30 {
            let (family, bytes) = damaged(3, number, good.clone());
            soon(&format!("{} {number} {family}", path.display()), &bytes);
        }
    }
}
