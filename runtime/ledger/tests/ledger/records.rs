//! What may be written, and that it is read again.

use crate::*;

#[test]
fn what_was_written_is_read_again() {
    let mut home = home();
    assert_eq!(reserve(&mut home.ledger, 1, 3), Verdict::Reserved(3));
    home.ledger.append(at(4), Event::Charged { job: job(1) }).unwrap();
    let bundle = Some(Digest::of(b"bundle"));
    home.ledger
        .append(at(5), Event::Finished { job: job(1), code: Code::Released, bundle, sums: None })
        .unwrap();
    let again = Ledger::open(&home.path).unwrap();
    assert_eq!((again.records(), again.head()), (home.ledger.records(), home.ledger.head()));
    assert_eq!(again.records()[3].event, Event::Reserved(Box::new(asks(1))));
}

#[test]
fn a_ledger_is_not_created_over_another() {
    let home = home();
    assert!(matches!(Ledger::create(&home.path, at(9)), Err(LedgerError::Io { doing: "create", .. })));
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
    spend(&mut home.ledger, 1, 5000);
    home.ledger.append(at(-9999), Event::Charged { job: job(1) }).unwrap();
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
    spend(&mut home.ledger, 1, 3);
    let (other, name, policy) = (DatasetId::from_bytes([9; 16]), "x".parse().unwrap(), Digest::of(b"p"));
    for event in [
        Event::Genesis { version: 2 },
        Event::DatasetAdded { dataset: DATASET, name, policy, home: "node".parse().unwrap() },
        Event::Submitted { job: job(2), dataset: other, package: policy },
        Event::Rejected { dataset: other, manifest: manifest() },
        Event::Reserved(Box::new(asks(2))),
        Event::Charged { job: job(2) },
        Event::Returned { job: job(2), rho: RhoUnits(1), from: at(900) },
        Event::Refused { job: job(1), code: Code::NotApproved },
    ] {
        refused(&mut home, event);
    }
    home.ledger.append(at(4), Event::Charged { job: job(1) }).unwrap();
    refused(&mut home, Event::Charged { job: job(1) });
    finish(&mut home.ledger, Code::Withheld);
    refused(&mut home, Event::Charged { job: job(1) });
    refused(&mut home, Event::Finished { job: job(1), code: Code::Released, bundle: None, sums: None });
}

fn finish(ledger: &mut Ledger, code: Code) {
    ledger.append(at(6), Event::Finished { job: job(1), code, bundle: None, sums: None }).unwrap();
}

fn returned(units: u64) -> Event {
    Event::Returned { job: job(1), rho: RhoUnits(units), from: at(900) }
}

#[test]
fn blocks_come_back_only_once_the_job_is_finally_withheld() {
    let mut unfinished = home();
    spend(&mut unfinished.ledger, 1, 3);
    refused(&mut unfinished, returned(6));
    for code in [Code::Released, Code::NodeFailure] {
        let mut home = home();
        spend(&mut home.ledger, 1, 3);
        finish(&mut home.ledger, code);
        refused(&mut home, returned(6));
    }
}

#[test]
fn a_job_returns_at_most_its_blocks_and_only_once() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    finish(&mut home.ledger, Code::Withheld);
    refused(&mut home, returned(7));
    home.ledger.append(at(7), returned(6)).unwrap();
    refused(&mut home, returned(0));
}

#[test]
fn a_job_is_reserved_once() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    assert!(matches!(home.ledger.reserve(at(4), asks(1), &caps()), Err(LedgerError::Refused(_))));
}
