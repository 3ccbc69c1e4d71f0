//! A full disk.

use crate::*;

#[test]
fn a_full_disk_accepts_nothing_and_leaves_the_ledger_whole() {
    let mut home = home();
    let big = serde_json::json!("x".repeat(1500));
    let asked = Reservation { details: big, ..asks(1) };
    assert_eq!(home.ledger.reserve(at(3), asked, &caps()).unwrap(), Verdict::Reserved(3));
    let before = std::fs::read(&home.path).unwrap();
    // sh counts blocks of 512 or of 1024 bytes: either way the 20 kB that follow pass the limit in their middle.
    let blocks = (before.len() / 512 + 1).to_string();
    assert!(
        child("disk::as_a_child_fill_the_disk", &home.path).env("LIMIT", blocks).status().unwrap().success()
    );
    assert_eq!(std::fs::read(&home.path).unwrap(), before, "something of a failed write stayed");
    assert_eq!(reserve(&mut home.ledger, 2, 4), Verdict::Reserved(4));
}

#[test]
fn as_a_child_fill_the_disk() {
    let (Some(path), Ok(_)) = (parents_ledger(), std::env::var("LIMIT")) else {
        return;
    };
    let mut ledger = Ledger::open(&path).unwrap();
    let asked = Reservation { details: serde_json::json!("x".repeat(20_000)), ..asks(7) };
    for _ in 0..2 {
        let answer = ledger.reserve(at(5), asked.clone(), &caps());
        assert!(matches!(answer, Err(LedgerError::Io { doing: "write", .. })), "{answer:?}");
        assert_eq!((ledger.records().len(), ledger.spent(DATASET, at(5)).year), (4, RhoUnits(10)));
    }
}
