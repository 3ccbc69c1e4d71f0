//! Exact results: held, decided by an output checker, and ended as the checker said.

use crate::*;

fn held(i: u64) -> Event {
    Event::Held { job: job(i) }
}

fn decided(i: u64, release: bool) -> Event {
    Event::Decided { job: job(i), release, envelope: serde_json::json!({}) }
}

fn finished(i: u64, code: Code) -> Event {
    Event::Finished { job: job(i), code, bundle: None, sums: None }
}

#[test]
fn a_held_result_ends_as_its_output_checker_said_and_in_no_other_way() {
    let mut home = home();
    (1..=3).for_each(|i| spend(&mut home.ledger, i, 3));
    refused(&mut home, decided(1, true));
    refused(&mut home, finished(1, Code::HeldBack));
    for i in 1..=3 {
        home.ledger.append(at(4), held(i)).unwrap();
        refused(&mut home, held(i));
        refused(&mut home, Event::Charged { job: job(i) });
        refused(&mut home, finished(i, Code::Released));
        refused(&mut home, finished(i, Code::HeldBack));
    }
    home.ledger.append(at(5), decided(1, true)).unwrap();
    home.ledger.append(at(5), decided(2, false)).unwrap();
    refused(&mut home, decided(1, false));
    refused(&mut home, decided(2, true));
    refused(&mut home, finished(1, Code::HeldBack));
    refused(&mut home, finished(2, Code::Released));
    refused(&mut home, finished(1, Code::Withheld));
    home.ledger.append(at(6), finished(1, Code::Released)).unwrap();
    home.ledger.append(at(6), finished(2, Code::HeldBack)).unwrap();
    home.ledger.append(at(6), finished(3, Code::NodeFailure)).unwrap();
    refused(&mut home, decided(3, true));
    assert!(Ledger::open(&home.path).is_ok());
}

#[test]
fn a_charged_job_is_never_held() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    home.ledger.append(at(4), Event::Charged { job: job(1) }).unwrap();
    refused(&mut home, held(1));
}
