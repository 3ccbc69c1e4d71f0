//! Crashes and damage.

use crate::*;

#[test]
fn a_crash_at_any_byte_of_a_write_loses_at_most_that_record() {
    let mut home = home();
    let before = std::fs::read(&home.path).unwrap().len();
    spend(&mut home.ledger, 1, 3);
    let whole = std::fs::read(&home.path).unwrap();
    for length in before..whole.len() {
        std::fs::write(&home.path, &whole[..length]).unwrap();
        let mut ledger = Ledger::open(&home.path).unwrap();
        // Only the newline is missing: kept, since nobody can tell that it was not relied on.
        let kept = usize::from(length == whole.len() - 1);
        assert_eq!(ledger.records().len(), 3 + kept, "cut at byte {length}");
        assert_eq!(reserve(&mut ledger, 2, 4), Verdict::Reserved(3 + kept as u64));
        assert_eq!(Ledger::open(&home.path).unwrap().records().len(), 4 + kept);
    }
}

#[test]
fn any_changed_byte_is_refused() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let whole = std::fs::read(&home.path).unwrap();
    for i in 0..whole.len() {
        for change in [1, b'\n' ^ whole[i], 0x80] {
            let mut bad = whole.clone();
            bad[i] ^= change;
            if bad == whole {
                continue;
            }
            std::fs::write(&home.path, &bad).unwrap();
            let line = 1 + whole[..i].iter().filter(|b| **b == b'\n').count() as u64;
            match Ledger::open(&home.path) {
                Err(LedgerError::Broken { line: named, .. }) => assert_eq!(named, line, "byte {i}"),
                other => panic!("byte {i} changed by {change}: {other:?}"),
            }
        }
    }
}

fn broken_at(path: &Path, bytes: &[u8], expected: u64) {
    std::fs::write(path, bytes).unwrap();
    match Ledger::open(path) {
        Err(LedgerError::Broken { line, .. }) => assert_eq!(line, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_removed_repeated_or_moved_is_refused() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let text = std::fs::read(&home.path).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    broken_at(&home.path, &[lines[0], lines[2], lines[3]].concat(), 2);
    broken_at(&home.path, &[lines[0], lines[1], lines[1], lines[2]].concat(), 3);
    broken_at(&home.path, &[lines[1], lines[0]].concat(), 1);
    broken_at(&home.path, b"", 1);
    broken_at(&home.path, &lines[0][..20], 1);
}

#[test]
fn a_file_that_became_shorter_under_an_open_ledger_is_refused() {
    let mut home = home();
    let short = std::fs::read(&home.path).unwrap();
    spend(&mut home.ledger, 1, 3);
    std::fs::write(&home.path, short).unwrap();
    assert!(matches!(home.ledger.reserve(at(4), asks(2), &caps()), Err(LedgerError::Broken { line: 5, .. })));
}

/// Reserves until it is killed, and writes one byte to a second file for each reservation that was accepted.
#[test]
fn as_a_child_reserve_until_killed() {
    let Some(path) = parents_ledger() else { return };
    let mut accepted = std::fs::File::create(path.with_extension("accepted")).unwrap();
    let mut ledger = Ledger::open(&path).unwrap();
    let first = ledger.records().len() as u64;
    let all = RhoUnits(u64::MAX);
    let wide = Caps { year: all, lifetime: all, project_share_of_year: all, runs: u32::MAX, ..caps() };
    let wide = Caps { gate_delta_year: DeltaUnits(u64::MAX), ..wide };
    for i in first.. {
        assert_eq!(ledger.reserve(at(5), asks(i), &wide).unwrap(), Verdict::Reserved(i));
        std::io::Write::write_all(&mut accepted, b"+").unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_loses_no_accepted_reservation() {
    let home = home();
    let acknowledged = home.path.with_extension("accepted");
    let mut before = home.ledger.records().len() as u64;
    for round in 0..20 {
        std::fs::write(&acknowledged, "").unwrap();
        let test = "damage::as_a_child_reserve_until_killed";
        let mut child = child(test, &home.path).spawn().unwrap();
        let count = || std::fs::metadata(&acknowledged).map_or(0, |m| m.len());
        while count() < 1 + round % 7 {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let after = Ledger::open(&home.path).unwrap().records().len() as u64;
        assert!(after >= before + count(), "{} accepted, {} recorded", count(), after - before);
        before = after;
    }
}
