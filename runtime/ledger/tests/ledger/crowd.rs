//! Many at once.

use crate::*;

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
        let threads: Vec<_> = (0..64).map(|i| scope.spawn(move || crowd_member(path, i * 10, 2))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let spent = Ledger::open(path).unwrap().spent(DATASET, at(5));
    assert_eq!((accepted, spent.year), (10, RhoUnits(100)));
}

#[test]
fn sixty_four_processes_never_pass_the_cap() {
    let home = home();
    let start = |i: u64| {
        child("crowd::as_a_child_take_part_in_the_crowd", &home.path).env("FIRST", i.to_string()).spawn()
    };
    let children: Vec<_> = (0..64).map(|i| start(i * 100).unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let ledger = Ledger::open(&home.path).unwrap();
    assert_eq!((ledger.records().len(), ledger.spent(DATASET, at(5)).year), (3 + 10, RhoUnits(100)));
}

#[test]
fn as_a_child_take_part_in_the_crowd() {
    let (Some(path), Ok(first)) = (parents_ledger(), std::env::var("FIRST")) else {
        return;
    };
    crowd_member(&path, first.parse().unwrap(), 2);
}
