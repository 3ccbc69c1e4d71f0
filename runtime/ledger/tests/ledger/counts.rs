//! Feasibility counts: a budget of their own, and each question once.

use crate::*;
use trocar_ledger::{CountCaps, CountReservation};

fn asked(i: u64) -> CountReservation {
    CountReservation {
        count: job(i),
        dataset: DATASET,
        snapshot: SnapshotId::from_bytes([2; 16]),
        key: Digest::of(&i.to_be_bytes()),
        rho: RhoUnits(5),
        answer_at: at(60),
    }
}

const CAPS: CountCaps = CountCaps { each: RhoUnits(5), year: RhoUnits(10) };

#[test]
fn counts_have_a_cap_of_their_own_and_cost_jobs_nothing() {
    let mut home = home();
    for i in [1, 2] {
        assert!(matches!(home.ledger.reserve_count(at(3), asked(i), &CAPS).unwrap(), Verdict::Reserved(_)));
    }
    let third = |ledger: &mut Ledger, now| ledger.reserve_count(at(now), asked(3), &CAPS).unwrap();
    assert_eq!(third(&mut home.ledger, 3 + 365 * DAY), Verdict::Denied(Code::CountsBudget));
    let spent = home.ledger.spent(DATASET, at(4));
    assert_eq!((spent.counts_year, spent.counts_lifetime), (RhoUnits(10), RhoUnits(10)));
    assert_eq!((spent.year, spent.lifetime), (RhoUnits(0), RhoUnits(0)));
    assert!(matches!(third(&mut home.ledger, 4 + 365 * DAY), Verdict::Reserved(_)));
    let dear = CountReservation { rho: RhoUnits(6), ..asked(4) };
    let wide = CountCaps { year: RhoUnits(u64::MAX), ..CAPS };
    let denied = home.ledger.reserve_count(at(4), dear, &wide).unwrap();
    assert_eq!(denied, Verdict::Denied(Code::CountsBudget), "one count cost more than one may");
}

#[test]
fn a_question_is_reserved_and_answered_once() {
    let mut home = home();
    assert!(home.ledger.reserve_count(at(3), asked(1), &CAPS).is_ok());
    let again = CountReservation { count: job(2), ..asked(1) };
    assert!(matches!(home.ledger.reserve_count(at(3), again, &CAPS), Err(LedgerError::Refused(_))));
    refused(&mut home, Event::Counted(Box::new(asked(9))));
    refused(&mut home, Event::Answered { count: job(9) });
    assert_eq!(home.ledger.count(&asked(1).key).map(|(_, answered)| answered), Some(false));
    home.ledger.append(at(4), Event::Answered { count: job(1) }).unwrap();
    refused(&mut home, Event::Answered { count: job(1) });
    let ledger = Ledger::open(&home.path).unwrap();
    assert_eq!(ledger.count(&asked(1).key), Some((&asked(1), true)));
    assert_eq!(ledger.count(&asked(2).key), None);
}
