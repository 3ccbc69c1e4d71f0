//! Datasets that share patients share a budget.

use crate::*;
use trocar_ledger::Limits;

const OTHER: DatasetId = DatasetId::from_bytes([2; 16]);
const THIRD: DatasetId = DatasetId::from_bytes([3; 16]);

fn limits() -> Limits {
    let all = RhoUnits(u64::MAX);
    Limits {
        year: all,
        lifetime: all,
        project_share_of_year: all,
        gate_delta_year: DeltaUnits(u64::MAX),
        counts_year: all,
    }
}

/// The usual ledger with two more datasets, each with an approval: at seq 2, 4 and 6.
fn three() -> Home {
    let mut home = home();
    for (dataset, name) in [(OTHER, "liver"), (THIRD, "brain")] {
        let (name, policy) = (name.parse().unwrap(), Digest::of(b"policy"));
        let added = Event::DatasetAdded { dataset, name, policy, home: "node".parse().unwrap() };
        home.ledger.append(at(2), added).unwrap();
        let (manifest, envelope) = (manifest(), serde_json::Value::Null);
        let approved = Event::Approved { dataset, manifest, component: manifest, envelope };
        home.ledger.append(at(2), approved).unwrap();
    }
    home
}

fn on(dataset: DatasetId, approval: u64, i: u64) -> Reservation {
    Reservation { dataset, approval, ..asks(i) }
}

fn pooled(ledger: &mut Ledger, datasets: &[DatasetId]) {
    ledger.append(at(3), Event::Pooled { datasets: datasets.to_vec() }).unwrap();
}

#[test]
fn what_one_dataset_of_a_pool_spent_is_spent_for_all() {
    let mut home = three();
    spend(&mut home.ledger, 1, 3);
    assert_eq!(home.ledger.spent(OTHER, at(3)).year, RhoUnits(0));
    pooled(&mut home.ledger, &[DATASET, OTHER]);
    for ledger in [&home.ledger, &Ledger::open(&home.path).unwrap()] {
        assert_eq!(ledger.spent(OTHER, at(3)), ledger.spent(DATASET, at(3)));
        assert_eq!(ledger.spent(OTHER, at(3)).year, RhoUnits(10), "the patients got a second budget");
        assert_eq!(ledger.spent(THIRD, at(3)).year, RhoUnits(0), "a dataset of its own pays for others");
    }
    let nineteen = Caps { year: RhoUnits(19), ..caps() };
    let asked = home.ledger.reserve(at(4), on(OTHER, 4, 2), &nineteen).unwrap();
    assert_eq!(asked, Verdict::Denied(Code::YearBudget));
    let asked = home.ledger.reserve(at(4), on(THIRD, 6, 2), &nineteen).unwrap();
    assert!(matches!(asked, Verdict::Reserved(_)));
}

#[test]
fn pools_that_meet_become_one_and_never_part() {
    let mut home = three();
    pooled(&mut home.ledger, &[OTHER, THIRD]);
    pooled(&mut home.ledger, &[DATASET, THIRD]);
    for dataset in [DATASET, OTHER, THIRD] {
        let pool: Vec<_> = Ledger::open(&home.path).unwrap().pool(dataset).into_iter().collect();
        assert_eq!(pool, [DATASET, OTHER, THIRD]);
    }
    for bad in [
        &[DATASET, OTHER][..],
        &[DATASET],
        &[],
        &[OTHER, DATASET],
        &[DATASET, DATASET],
        &[DATASET, DatasetId::from_bytes([9; 16])],
    ] {
        refused(&mut home, Event::Pooled { datasets: bad.to_vec() });
    }
}

#[test]
fn in_a_pool_the_strictest_policy_holds() {
    let mut home = three();
    let strict = Limits { year: RhoUnits(15), ..limits() };
    home.ledger.append(at(3), Event::Limited { dataset: DATASET, limits: limits() }).unwrap();
    home.ledger.append(at(3), Event::Limited { dataset: OTHER, limits: strict }).unwrap();
    pooled(&mut home.ledger, &[DATASET, OTHER]);
    spend(&mut home.ledger, 1, 4);
    assert_eq!(reserve(&mut home.ledger, 2, 5), Verdict::Denied(Code::YearBudget));
    assert_eq!(home.ledger.limits(DATASET), Some(strict));
    // Each dataset's newest policy counts, and only of the pool.
    home.ledger.append(at(6), Event::Limited { dataset: OTHER, limits: limits() }).unwrap();
    home.ledger.append(at(6), Event::Limited { dataset: THIRD, limits: strict }).unwrap();
    spend(&mut home.ledger, 2, 7);
}

#[test]
fn a_project_and_the_gates_are_counted_over_the_pool() {
    let mut home = three();
    spend(&mut home.ledger, 1, 3);
    pooled(&mut home.ledger, &[DATASET, OTHER]);
    for (short, code) in [
        (Caps { project_share_of_year: RhoUnits(19), ..caps() }, Code::ProjectBudget),
        (Caps { gate_delta_year: DeltaUnits(1), ..caps() }, Code::GateDeltaBudget),
        (Caps { lifetime: RhoUnits(19), ..caps() }, Code::LifetimeBudget),
    ] {
        assert_eq!(home.ledger.reserve(at(4), on(OTHER, 4, 2), &short).unwrap(), Verdict::Denied(code));
    }
}
