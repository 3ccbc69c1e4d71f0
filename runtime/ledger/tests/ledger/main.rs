//! The ledger from outside: rules, caps, crashes, damage, a crowd, and a full disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod caps;
mod counts;
mod crowd;
mod damage;
mod disk;
mod held;
mod pools;
mod public;
mod records;

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

const fn job(i: u64) -> JobId {
    let [a, b, c, d, e, f, g, h] = i.to_be_bytes();
    JobId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

fn approved() -> Event {
    let envelope = serde_json::json!({"payload": "e30=", "signatures": []});
    Event::Approved { dataset: DATASET, manifest: manifest(), component: Digest::of(b"component"), envelope }
}

/// Costs 10: 4 for the gate, 6 for the blocks. Runs under the approval at seq 2.
fn asks(i: u64) -> Reservation {
    Reservation {
        job: job(i),
        dataset: DATASET,
        project: "any".into(),
        manifest: manifest(),
        approval: 2,
        charge: Charge { gate_rho: RhoUnits(4), block_rho: RhoUnits(6), delta: DeltaUnits(1) },
        snapshot: SnapshotId::from_bytes([2; 16]),
        commitment: Digest::of(b"commitment"),
        release_at: at(900),
        slot_minutes: 15,
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
        .append(at(1), Event::DatasetAdded { dataset: DATASET, name, policy, home: "node".parse().unwrap() })
        .unwrap();
    assert_eq!(ledger.append(at(2), approved()).unwrap(), 2);
    Home { _folder: folder, path, ledger }
}

fn reserve(ledger: &mut Ledger, i: u64, now: i64) -> Verdict {
    ledger.reserve(at(now), asks(i), &caps()).unwrap()
}

fn spend(ledger: &mut Ledger, i: u64, now: i64) {
    assert!(matches!(reserve(ledger, i, now), Verdict::Reserved(_)));
}

fn refused(home: &mut Home, event: Event) {
    let before = home.ledger.records().len();
    let answer = home.ledger.append(at(10), event.clone());
    assert!(matches!(answer, Err(LedgerError::Refused(_))), "{event:?}: {answer:?}");
    assert_eq!(Ledger::open(&home.path).unwrap().records().len(), before, "{event:?} was written");
}

/// Runs one test of this file in a process of its own, on the ledger at `path`.
fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    // A write over the limit of LIMIT blocks fails like one on a full disk; without the trap it would kill instead.
    let script =
        r#"trap "" XFSZ; [ -z "$LIMIT" ] || ulimit -f "$LIMIT"; exec "$0" --exact "$1" --test-threads 1"#;
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).arg(test);
    command.env("LEDGER", path).env_remove("LIMIT").stdout(std::process::Stdio::null());
    command
}

/// The ledger that a parent test named; absent when the whole file runs.
fn parents_ledger() -> Option<PathBuf> {
    std::env::var_os("LEDGER").map(PathBuf::from)
}
