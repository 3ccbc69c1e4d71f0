//! What shows outside the node.

use crate::*;
use trocar_ledger::PublicEvent;

fn seqs(ledger: &Ledger) -> Vec<u64> {
    ledger.public().iter().map(|public| public.seq).collect()
}

fn finish(ledger: &mut Ledger, i: u64, now: i64) {
    ledger.append(at(now), Event::Charged { job: job(i) }).unwrap();
    let finished = Event::Finished { job: job(i), code: Code::Withheld, bundle: None, sums: None };
    ledger.append(at(now), finished).unwrap();
    let returned = Event::Returned { job: job(i), rho: RhoUnits(6), from: at(100_000) };
    ledger.append(at(now), returned).unwrap();
}

#[test]
fn whether_a_job_was_over_before_another_was_handed_in_does_not_show() {
    let shown = |ends: [i64; 2]| {
        let mut home = home();
        spend(&mut home.ledger, 1, 3);
        let reserve_second = |ledger: &mut Ledger| spend(ledger, 2, 10);
        let [end, _] = ends;
        if end < 10 {
            finish(&mut home.ledger, 1, end);
            reserve_second(&mut home.ledger);
        } else {
            reserve_second(&mut home.ledger);
            finish(&mut home.ledger, 1, end);
        }
        let early: Vec<_> = home.ledger.public().into_iter().map(|p| (p.at, p.event)).collect();
        assert_eq!(early.len(), 5, "the end of a job shows before its release time");
        home.ledger.moment(at(1_000)).unwrap();
        home.ledger.public().into_iter().map(|p| (p.at, p.event)).collect::<Vec<_>>()
    };
    let (early, late) = (shown([4, 0]), shown([800, 0]));
    assert_eq!(early, late, "the order or the time of records tells when a job was done");
    assert_eq!(early.len(), 9);
}

#[test]
fn a_late_job_shows_at_the_end_of_a_slot() {
    let mut home = home();
    spend(&mut home.ledger, 1, 3);
    finish(&mut home.ledger, 1, 1_000);
    assert_eq!(home.ledger.public().len(), 4);
    home.ledger.moment(at(1_800)).unwrap();
    let shown = home.ledger.public();
    let finished = shown.iter().find(|p| matches!(p.event, PublicEvent::Finished { .. })).unwrap();
    assert_eq!(finished.at.seconds() % 900, 0);
    assert!(finished.at > at(1_000), "its true end shows");
}

#[test]
fn nothing_private_is_in_what_shows() {
    let mut home = home();
    let details = serde_json::json!({"where": "canary"});
    let asked = Reservation { details, project: "canary".into(), ..asks(1) };
    assert!(home.ledger.reserve(at(3), asked, &caps()).is_ok());
    let envelope = serde_json::json!({"payload": "canary"});
    let approved =
        Event::Approved { dataset: DATASET, manifest: manifest(), component: manifest(), envelope };
    home.ledger.append(at(3), approved).unwrap();
    let other = DatasetId::from_bytes([3; 16]);
    let (name, policy) = ("canary".parse().unwrap(), Digest::of(b"policy"));
    let added = Event::DatasetAdded { dataset: other, name, policy, home: "canary".parse().unwrap() };
    home.ledger.append(at(3), added).unwrap();
    home.ledger.append(at(3), Event::Pooled { datasets: vec![DATASET, other] }).unwrap();
    let shown = home.ledger.public();
    let events: Vec<_> = shown.iter().map(|p| serde_json::to_string(&p.event).unwrap()).collect();
    assert!(events.iter().all(|text| !text.contains("canary")), "{events:?}");
    assert_eq!(events.last().unwrap(), r#"{"type":"kept"}"#, "that datasets share patients shows");
}

/// Any history, read after each record: what showed before is the beginning of what shows now.
#[test]
fn what_shows_only_grows_at_its_end() {
    let mut random = 1_u64;
    let mut next = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..40 {
        let mut home = home();
        let (mut now, mut open, mut before) = (3, Vec::new(), Vec::new());
        for i in 1..12 {
            // Clocks are also set back.
            now += i64::try_from(next(700)).unwrap() - 150;
            let late = next(3) == 0 && !open.is_empty();
            if late {
                let index = usize::try_from(next(open.len() as u64)).unwrap();
                finish(&mut home.ledger, open.swap_remove(index), now);
            } else if next(4) == 0 {
                home.ledger.moment(at(now)).unwrap();
            } else {
                let slot_minutes = u32::try_from(next(2)).unwrap() * 15;
                let release_at = at(if slot_minutes == 0 { now } else { now + 900 });
                let asked = Reservation { release_at, slot_minutes, ..asks(i) };
                if matches!(home.ledger.reserve(at(now), asked, &caps()).unwrap(), Verdict::Reserved(_)) {
                    open.push(i);
                }
            }
            let shown = seqs(&home.ledger);
            assert!(shown.starts_with(&before), "{before:?} then {shown:?}");
            before = shown;
        }
    }
}

#[test]
fn a_moment_is_written_whether_or_not_a_job_ended_in_its_second() {
    let shown = |ends_at: i64| {
        let mut home = home();
        spend(&mut home.ledger, 1, 3);
        finish(&mut home.ledger, 1, ends_at);
        home.ledger.moment(at(700)).unwrap();
        home.ledger.public().len()
    };
    assert_eq!(shown(700), shown(600), "a record less tells that a job has just ended");
}
