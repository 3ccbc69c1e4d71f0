//! What may be spent.

use crate::*;

fn denied(home: &mut Home, asked: Reservation, caps: &Caps, code: Code) {
    let before = home.ledger.records().len();
    assert_eq!(home.ledger.reserve(at(10), asked, caps).unwrap(), Verdict::Denied(code));
    assert_eq!(home.ledger.records().len(), before, "a denial was written");
}

#[test]
fn each_cap_allows_its_own_value_and_nothing_more() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let (job, year, lifetime) = (RhoUnits(9), RhoUnits(19), RhoUnits(19));
    for (short, code) in [
        (Caps { job, ..caps() }, Code::JobBudget),
        (Caps { rho_max: job, ..caps() }, Code::JobBudget),
        (Caps { year, ..caps() }, Code::YearBudget),
        (Caps { lifetime, ..caps() }, Code::LifetimeBudget),
        (Caps { project_share_of_year: year, ..caps() }, Code::ProjectBudget),
        (Caps { gate_delta_year: DeltaUnits(1), ..caps() }, Code::GateDeltaBudget),
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
    assert_eq!(home.ledger.reserve(at(10), asks(2), &just).unwrap(), Verdict::Reserved(4));
}

#[test]
fn a_cost_beyond_64_bits_is_over_any_cap() {
    let mut home = home();
    let all = RhoUnits(u64::MAX);
    let charge = Charge { gate_rho: all, block_rho: all, delta: DeltaUnits(0) };
    let none =
        Caps { job: all, year: all, lifetime: all, project_share_of_year: all, rho_max: all, ..caps() };
    denied(&mut home, Reservation { charge, ..asks(1) }, &none, Code::JobBudget);
}

#[test]
fn another_project_has_a_share_of_its_own() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let share = Caps { project_share_of_year: RhoUnits(10), ..caps() };
    denied(&mut home, asks(2), &share, Code::ProjectBudget);
    let other = Reservation { project: "ed25519:b".into(), ..asks(2) };
    assert_eq!(home.ledger.reserve(at(4), other, &share).unwrap(), Verdict::Reserved(4));
}

#[test]
fn a_year_rolls_by_ledger_time_and_a_lifetime_does_not() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let spent = |now| home.ledger.spent(DATASET, at(now));
    assert_eq!(spent(3 + 365 * DAY).year, RhoUnits(10), "a whole year later it still counts");
    let later = spent(4 + 365 * DAY);
    assert_eq!((later.year, later.delta_year, later.lifetime), (RhoUnits(0), DeltaUnits(0), RhoUnits(10)));
    assert!(later.by_project.is_empty());
}

#[test]
fn a_clock_set_back_frees_no_budget() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let before = home.ledger.spent(DATASET, at(-400 * DAY));
    assert_eq!((before.year, before.lifetime), (RhoUnits(10), RhoUnits(10)));
}

#[test]
fn a_closed_gate_returns_its_blocks_and_stays_a_run() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    let finished = Event::Finished { job: job(1), code: Code::Withheld, bundle: None, sums: None };
    home.ledger.append(at(4), finished).unwrap();
    home.ledger.append(at(4), Event::Returned { job: job(1), rho: RhoUnits(6), from: at(1_000) }).unwrap();
    let ledger = Ledger::open(&home.path).unwrap();
    let early = ledger.spent(DATASET, at(4));
    assert_eq!(
        early.year,
        RhoUnits(10),
        "what was returned shows before release_at: the budget tells when the job ended"
    );
    let spent = ledger.spent(DATASET, at(1_000));
    assert_eq!((spent.year, spent.lifetime, spent.delta_year), (RhoUnits(4), RhoUnits(4), DeltaUnits(1)));
    assert_eq!(home.ledger.runs_of(2), 1);
}

#[test]
fn a_job_that_never_finished_stays_spent() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    drop(home.ledger);
    assert_eq!(Ledger::open(&home.path).unwrap().spent(DATASET, at(4)).year, RhoUnits(10));
}

#[test]
fn nothing_is_reserved_without_a_standing_approval() {
    let mut home = home();
    denied(&mut home, Reservation { approval: 1, ..asks(1) }, &caps(), Code::NotApproved);
    denied(&mut home, Reservation { manifest: Digest::of(b"other"), ..asks(1) }, &caps(), Code::NotApproved);
    home.ledger.append(at(3), Event::Revoked { dataset: DATASET, manifest: manifest() }).unwrap();
    denied(&mut home, asks(1), &caps(), Code::NotApproved);
    home.ledger.append(at(4), Event::Rejected { dataset: DATASET, manifest: manifest() }).unwrap();
    denied(&mut home, asks(1), &caps(), Code::Rejected);
    let again = home.ledger.append(at(5), approved()).unwrap();
    let asked = Reservation { approval: again, ..asks(1) };
    assert_eq!(home.ledger.reserve(at(6), asked, &caps()).unwrap(), Verdict::Reserved(6));
}
