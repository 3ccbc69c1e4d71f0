//! The ledger from outside: rules, caps, crashes, damage, a crowd, and a full disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use trocar_ledger::{Caps, Event, Ledger, LedgerError, Reservation, Verdict};
use trocar_terms::{Charge, Code, DatasetId, DeltaUnits, Digest, JobId, RhoUnits, SnapshotId, Timestamp};

const DATASET: DatasetId = DatasetId::from_bytes([1; 16]);
const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + seconds)
}

fn manifest() -> Digest {
    Digest::of(b"manifest")
}

fn job(i: u64) -> JobId {
    let [a, b, c, d, e, f, g, h] = i.to_be_bytes();
    JobId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

fn approved() -> Event {
    let envelope = serde_json::json!({"payload": "e30=", "signatures": []});
    Event::Approved {
        dataset: DATASET,
        manifest: manifest(),
        component: Digest::of(b"component"),
        envelope,
    }
}

/// Costs 10: 4 for the gate, 6 for the blocks. Runs under the approval at seq 2.
fn asks(i: u64) -> Reservation {
    Reservation {
        job: job(i),
        dataset: DATASET,
        project: "any".into(),
        manifest: manifest(),
        approval: 2,
        charge: Charge {
            gate_rho: RhoUnits(4),
            block_rho: RhoUnits(6),
            delta: DeltaUnits(1),
        },
        snapshot: SnapshotId::from_bytes([2; 16]),
        commitment: Digest::of(b"commitment"),
        release_at: at(900),
        details: serde_json::json!({"where": "sex = \"F\""}),
    }
}

const fn caps() -> Caps {
    Caps {
        job: RhoUnits(10),
        year: RhoUnits(100),
        lifetime: RhoUnits(200),
        project_share_of_year: RhoUnits(100),
        gate_delta_year: DeltaUnits(100),
        runs: 1000,
        rho_max: RhoUnits(10),
    }
}

struct Home {
    _folder: TempDir,
    path: PathBuf,
    ledger: Ledger,
}

/// A ledger with genesis, one dataset and one approval.
fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.log");
    let mut ledger = Ledger::create(&path, at(0)).unwrap();
    let (name, policy) = ("lung".parse().unwrap(), Digest::of(b"policy"));
    ledger
        .append(
            at(1),
            Event::DatasetAdded {
                dataset: DATASET,
                name,
                policy,
            },
        )
        .unwrap();
    assert_eq!(ledger.append(at(2), approved()).unwrap(), 2);
    Home {
        _folder: folder,
        path,
        ledger,
    }
}

fn reserve(ledger: &mut Ledger, i: u64, now: i64) -> Verdict {
    ledger.reserve(at(now), asks(i), &caps()).unwrap()
}

fn refused(home: &mut Home, event: Event) {
    let before = home.ledger.records().len();
    let answer = home.ledger.append(at(10), event.clone());
    assert!(
        matches!(answer, Err(LedgerError::Refused(_))),
        "{event:?}: {answer:?}"
    );
    assert_eq!(
        Ledger::open(&home.path).unwrap().records().len(),
        before,
        "{event:?} was written"
    );
}

// ---- records ----

#[test]
fn what_was_written_is_read_again() {
    let mut home = home();
    assert_eq!(reserve(&mut home.ledger, 1, 3), Verdict::Reserved(3));
    home.ledger.append(at(4), Event::Charged { job: job(1) }).unwrap();
    let bundle = Some(Digest::of(b"bundle"));
    home.ledger
        .append(
            at(5),
            Event::Finished {
                job: job(1),
                code: Code::Released,
                bundle,
            },
        )
        .unwrap();
    let again = Ledger::open(&home.path).unwrap();
    assert_eq!(
        (again.records(), again.head()),
        (home.ledger.records(), home.ledger.head())
    );
    assert_eq!(again.records()[3].event, Event::Reserved(Box::new(asks(1))));
}

#[test]
fn a_ledger_is_not_created_over_another() {
    let home = home();
    assert!(matches!(
        Ledger::create(&home.path, at(9)),
        Err(LedgerError::Io { doing: "create", .. })
    ));
    assert_eq!(Ledger::open(&home.path).unwrap().records().len(), 3);
}

#[test]
fn a_missing_ledger_is_an_error_that_names_it() {
    let error = Ledger::open(Path::new("/nonexistent/ledger.log")).unwrap_err();
    assert!(matches!(error, LedgerError::Io { doing: "open", .. }));
    assert!(error.to_string().contains("/nonexistent/ledger.log"));
}

#[test]
fn time_stands_still_while_the_clock_is_behind() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 5000);
    home.ledger
        .append(at(-9999), Event::Charged { job: job(1) })
        .unwrap();
    assert_eq!(home.ledger.records().last().unwrap().time, at(5000));
    assert!(Ledger::open(&home.path).is_ok());
}

#[test]
fn the_chain_can_be_checked_without_this_program() {
    let home = home();
    let text = std::fs::read_to_string(&home.path).unwrap();
    let mut previous = format!("sha256:{}", "0".repeat(64));
    for line in text.lines() {
        let (body, digest) = line.rsplit_once(",\"digest\":\"").unwrap();
        assert!(body.contains(&format!("\"previous\":\"{previous}\"")));
        previous = Digest::of(format!("{body}}}").as_bytes()).to_string();
        assert_eq!(digest, format!("{previous}\"}}"));
    }
}

#[test]
fn events_that_cannot_follow_are_refused() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    let (other, name, policy) = (
        DatasetId::from_bytes([9; 16]),
        "x".parse().unwrap(),
        Digest::of(b"p"),
    );
    for event in [
        Event::Genesis { version: 1 },
        Event::DatasetAdded {
            dataset: DATASET,
            name,
            policy,
        },
        Event::Submitted {
            job: job(2),
            dataset: other,
            package: policy,
        },
        Event::Rejected {
            dataset: other,
            manifest: manifest(),
        },
        Event::Reserved(Box::new(asks(2))),
        Event::Charged { job: job(2) },
        Event::Returned {
            job: job(2),
            rho: RhoUnits(1),
        },
        Event::Returned {
            job: job(1),
            rho: RhoUnits(7),
        },
        Event::Refused {
            job: job(1),
            code: Code::NotApproved,
        },
    ] {
        refused(&mut home, event);
    }
    home.ledger.append(at(4), Event::Charged { job: job(1) }).unwrap();
    home.ledger
        .append(
            at(5),
            Event::Returned {
                job: job(1),
                rho: RhoUnits(6),
            },
        )
        .unwrap();
    refused(&mut home, Event::Charged { job: job(1) });
    refused(
        &mut home,
        Event::Returned {
            job: job(1),
            rho: RhoUnits(0),
        },
    );
    let finished = Event::Finished {
        job: job(1),
        code: Code::Withheld,
        bundle: None,
    };
    home.ledger.append(at(6), finished.clone()).unwrap();
    refused(&mut home, finished);
}

#[test]
fn a_job_is_reserved_once() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    assert!(matches!(
        home.ledger.reserve(at(4), asks(1), &caps()),
        Err(LedgerError::Refused(_))
    ));
}

// ---- caps ----

fn denied(home: &mut Home, asked: Reservation, caps: &Caps, code: Code) {
    let before = home.ledger.records().len();
    assert_eq!(
        home.ledger.reserve(at(10), asked, caps).unwrap(),
        Verdict::Denied(code)
    );
    assert_eq!(home.ledger.records().len(), before, "a denial was written");
}

#[test]
fn each_cap_allows_its_own_value_and_nothing_more() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    let (job, year, lifetime) = (RhoUnits(9), RhoUnits(19), RhoUnits(19));
    for (short, code) in [
        (Caps { job, ..caps() }, Code::JobBudget),
        (
            Caps {
                rho_max: job,
                ..caps()
            },
            Code::JobBudget,
        ),
        (Caps { year, ..caps() }, Code::YearBudget),
        (Caps { lifetime, ..caps() }, Code::LifetimeBudget),
        (
            Caps {
                project_share_of_year: year,
                ..caps()
            },
            Code::ProjectBudget,
        ),
        (
            Caps {
                gate_delta_year: DeltaUnits(1),
                ..caps()
            },
            Code::GateDeltaBudget,
        ),
        (Caps { runs: 1, ..caps() }, Code::ApprovalSpent),
    ] {
        denied(&mut home, asks(2), &short, code);
    }
    let just = Caps {
        year: RhoUnits(20),
        lifetime: RhoUnits(20),
        project_share_of_year: RhoUnits(20),
        gate_delta_year: DeltaUnits(2),
        runs: 2,
        ..caps()
    };
    assert_eq!(
        home.ledger.reserve(at(10), asks(2), &just).unwrap(),
        Verdict::Reserved(4)
    );
}

#[test]
fn a_cost_beyond_64_bits_is_over_any_cap() {
    let mut home = home();
    let all = RhoUnits(u64::MAX);
    let charge = Charge {
        gate_rho: all,
        block_rho: all,
        delta: DeltaUnits(0),
    };
    let none = Caps {
        job: all,
        year: all,
        lifetime: all,
        project_share_of_year: all,
        rho_max: all,
        ..caps()
    };
    denied(
        &mut home,
        Reservation { charge, ..asks(1) },
        &none,
        Code::JobBudget,
    );
}

#[test]
fn another_project_has_a_share_of_its_own() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    let share = Caps {
        project_share_of_year: RhoUnits(10),
        ..caps()
    };
    denied(&mut home, asks(2), &share, Code::ProjectBudget);
    let other = Reservation {
        project: "ed25519:b".into(),
        ..asks(2)
    };
    assert_eq!(
        home.ledger.reserve(at(4), other, &share).unwrap(),
        Verdict::Reserved(4)
    );
}

#[test]
fn a_year_rolls_by_ledger_time_and_a_lifetime_does_not() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    let spent = |now| home.ledger.spent(DATASET, at(now));
    assert_eq!(
        spent(3 + 365 * DAY).year,
        RhoUnits(10),
        "a whole year later it still counts"
    );
    let later = spent(4 + 365 * DAY);
    assert_eq!(
        (later.year, later.delta_year, later.lifetime),
        (RhoUnits(0), DeltaUnits(0), RhoUnits(10))
    );
    assert!(later.by_project.is_empty());
}

#[test]
fn a_clock_set_back_frees_no_budget() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    let before = home.ledger.spent(DATASET, at(-400 * DAY));
    assert_eq!((before.year, before.lifetime), (RhoUnits(10), RhoUnits(10)));
}

#[test]
fn a_closed_gate_returns_its_blocks_and_stays_a_run() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    home.ledger
        .append(
            at(4),
            Event::Returned {
                job: job(1),
                rho: RhoUnits(6),
            },
        )
        .unwrap();
    let spent = Ledger::open(&home.path).unwrap().spent(DATASET, at(4));
    assert_eq!(
        (spent.year, spent.lifetime, spent.delta_year),
        (RhoUnits(4), RhoUnits(4), DeltaUnits(1))
    );
    assert_eq!(home.ledger.runs_of(2), 1);
}

#[test]
fn a_job_that_never_finished_stays_spent() {
    let mut home = home();
    reserve(&mut home.ledger, 1, 3);
    drop(home.ledger);
    assert_eq!(
        Ledger::open(&home.path).unwrap().spent(DATASET, at(4)).year,
        RhoUnits(10)
    );
}

#[test]
fn nothing_is_reserved_without_a_standing_approval() {
    let mut home = home();
    denied(
        &mut home,
        Reservation {
            approval: 1,
            ..asks(1)
        },
        &caps(),
        Code::NotApproved,
    );
    denied(
        &mut home,
        Reservation {
            manifest: Digest::of(b"other"),
            ..asks(1)
        },
        &caps(),
        Code::NotApproved,
    );
    home.ledger
        .append(
            at(3),
            Event::Revoked {
                dataset: DATASET,
                manifest: manifest(),
            },
        )
        .unwrap();
    denied(&mut home, asks(1), &caps(), Code::NotApproved);
    home.ledger
        .append(
            at(4),
            Event::Rejected {
                dataset: DATASET,
                manifest: manifest(),
            },
        )
        .unwrap();
    denied(&mut home, asks(1), &caps(), Code::Rejected);
    let again = home.ledger.append(at(5), approved()).unwrap();
    let asked = Reservation {
        approval: again,
        ..asks(1)
    };
    assert_eq!(
        home.ledger.reserve(at(6), asked, &caps()).unwrap(),
        Verdict::Reserved(6)
    );
}

// ---- crashes and damage ----

#[test]
fn a_crash_at_any_byte_of_a_write_loses_at_most_that_record() {
    let mut home = home();
    let before = std::fs::read(&home.path).unwrap().len();
    reserve(&mut home.ledger, 1, 3);
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
    reserve(&mut home.ledger, 1, 3);
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
    reserve(&mut home.ledger, 1, 3);
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
    reserve(&mut home.ledger, 1, 3);
    std::fs::write(&home.path, short).unwrap();
    assert!(matches!(
        home.ledger.reserve(at(4), asks(2), &caps()),
        Err(LedgerError::Broken { line: 5, .. })
    ));
}

// ---- a crowd ----

/// What of `attempts` reservations was accepted, each process or thread with the ledger open on its own.
fn crowd_member(path: &Path, first: u64, attempts: u64) -> u64 {
    let mut ledger = Ledger::open(path).unwrap();
    let accepted =
        (first..first + attempts).filter(|i| matches!(reserve(&mut ledger, *i, 5), Verdict::Reserved(_)));
    accepted.count() as u64
}

#[test]
fn sixty_four_threads_never_pass_the_cap() {
    let home = home();
    let path = &home.path;
    let accepted: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|i| scope.spawn(move || crowd_member(path, i * 10, 2)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let spent = Ledger::open(path).unwrap().spent(DATASET, at(5));
    assert_eq!((accepted, spent.year), (10, RhoUnits(100)));
}

#[test]
fn eight_processes_never_pass_the_cap() {
    let home = home();
    let start = |i: u64| {
        child("as_a_child_take_part_in_the_crowd", &home.path)
            .env("FIRST", i.to_string())
            .spawn()
    };
    let children: Vec<_> = (0..8).map(|i| start(i * 100).unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let ledger = Ledger::open(&home.path).unwrap();
    assert_eq!(
        (ledger.records().len(), ledger.spent(DATASET, at(5)).year),
        (3 + 10, RhoUnits(100))
    );
}

/// Runs one test of this file in a process of its own, on the ledger at `path`.
fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    // A write over the limit of LIMIT blocks fails like one on a full disk; without the trap it would kill instead.
    let script =
        r#"trap "" XFSZ; [ -z "$LIMIT" ] || ulimit -f "$LIMIT"; exec "$0" --exact "$1" --test-threads 1"#;
    command
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .arg(test);
    command
        .env("LEDGER", path)
        .env_remove("LIMIT")
        .stdout(std::process::Stdio::null());
    command
}

/// The ledger that a parent test named; absent when the whole file runs.
fn parents_ledger() -> Option<PathBuf> {
    std::env::var_os("LEDGER").map(PathBuf::from)
}

#[test]
fn as_a_child_take_part_in_the_crowd() {
    let (Some(path), Ok(first)) = (parents_ledger(), std::env::var("FIRST")) else {
        return;
    };
    crowd_member(&path, first.parse().unwrap(), 5);
}

// ---- a full disk ----

#[test]
fn a_full_disk_accepts_nothing_and_leaves_the_ledger_whole() {
    let mut home = home();
    let big = serde_json::json!("x".repeat(1500));
    let asked = Reservation {
        details: big,
        ..asks(1)
    };
    assert_eq!(
        home.ledger.reserve(at(3), asked, &caps()).unwrap(),
        Verdict::Reserved(3)
    );
    let before = std::fs::read(&home.path).unwrap();
    // sh counts blocks of 512 or of 1024 bytes: either way the 20 kB that follow pass the limit in their middle.
    let blocks = (before.len() / 512 + 1).to_string();
    assert!(
        child("as_a_child_fill_the_disk", &home.path)
            .env("LIMIT", blocks)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(
        std::fs::read(&home.path).unwrap(),
        before,
        "something of a failed write stayed"
    );
    assert_eq!(reserve(&mut home.ledger, 2, 4), Verdict::Reserved(4));
}

#[test]
fn as_a_child_fill_the_disk() {
    let (Some(path), Ok(_)) = (parents_ledger(), std::env::var("LIMIT")) else {
        return;
    };
    let mut ledger = Ledger::open(&path).unwrap();
    let asked = Reservation {
        details: serde_json::json!("x".repeat(20_000)),
        ..asks(7)
    };
    for _ in 0..2 {
        let answer = ledger.reserve(at(5), asked.clone(), &caps());
        assert!(
            matches!(answer, Err(LedgerError::Io { doing: "write", .. })),
            "{answer:?}"
        );
        assert_eq!(
            (ledger.records().len(), ledger.spent(DATASET, at(5)).year),
            (4, RhoUnits(10))
        );
    }
}
