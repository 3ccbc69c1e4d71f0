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

/// Runs jobs until it is killed, and writes one byte to a second file for each record that was acknowledged: + for a
/// reservation, - for what a closed gate gave back, . for the others.
#[test]
fn as_a_child_reserve_until_killed() {
    let Some(path) = parents_ledger() else { return };
    let mut told = std::fs::File::create(path.with_extension("told")).unwrap();
    let mut tell = |byte: &[u8]| std::io::Write::write_all(&mut told, byte).unwrap();
    let mut ledger = Ledger::open(&path).unwrap();
    let first = ledger.records().len() as u64;
    let all = RhoUnits(u64::MAX);
    let wide = Caps { year: all, lifetime: all, project_share_of_year: all, runs: u32::MAX, ..caps() };
    let wide = Caps { gate_delta_year: DeltaUnits(u64::MAX), ..wide };
    for i in first.. {
        assert!(matches!(ledger.reserve(at(5), asks(i), &wide).unwrap(), Verdict::Reserved(_)));
        tell(b"+");
        let job = job(i);
        let finished = Event::Finished { job, code: Code::Withheld, bundle: None, sums: None };
        let returned = Event::Returned { job, rho: RhoUnits(6), from: at(900) };
        for (event, byte) in [(Event::Charged { job }, b"."), (finished, b"."), (returned, b"-")] {
            ledger.append(at(5), event).unwrap();
            tell(byte);
        }
    }
}

/// What a ledger says after a kill: reservations and returns, recounted, and never more given back than was told or under way.
fn assert_nothing_is_under_counted(ledger: &Ledger, told: &[u8], kills: u64) {
    let count = |is: fn(&Event) -> bool| ledger.records().iter().filter(|r| is(&r.event)).count() as u64;
    let said = |byte: u8| told.iter().filter(|b| **b == byte).count() as u64;
    let reserved = count(|e| matches!(e, Event::Reserved(_)));
    let returned = count(|e| matches!(e, Event::Returned { .. }));
    assert!(reserved >= said(b'+'), "{} told, {reserved} recorded", said(b'+'));
    assert!(
        returned >= said(b'-') && returned <= said(b'-') + kills,
        "{} told, {returned} recorded",
        said(b'-')
    );
    assert_eq!(ledger.spent(DATASET, at(5)).year.0, 10 * reserved, "blocks came back before their time");
    assert_eq!(ledger.spent(DATASET, at(900)).year.0, 10 * reserved - 6 * returned);
}

/// `TROCAR_KILLS` of them; 200 where it is not set.
#[test]
fn a_kill_at_any_moment_loses_no_accepted_reservation() {
    let home = home();
    let kills = std::env::var("TROCAR_KILLS").map_or(200, |kills| kills.parse().unwrap());
    let acknowledged = home.path.with_extension("told");
    let (mut told, mut random) = (Vec::new(), 1_u64);
    for round in 1..=kills {
        std::fs::write(&acknowledged, "").unwrap();
        let test = "damage::as_a_child_reserve_until_killed";
        let mut child = child(test, &home.path).spawn().unwrap();
        let count = || std::fs::metadata(&acknowledged).map_or(0, |m| m.len());
        while count() < 1 + round % 7 {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::yield_now();
        }
        // Somewhere within the next records, which take some tens of microseconds each.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_micros((random >> 33) % 400) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(std::fs::read(&acknowledged).unwrap());
        assert_nothing_is_under_counted(&Ledger::open(&home.path).unwrap(), &told, round);
    }
}
