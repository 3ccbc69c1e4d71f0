//! The cohort filter as an oracle: a filter that fits one patient, and one that fits nobody.

use super::lab::{Call, Lab, asked, moments};
use super::row::Row;
use crate::world::World;

/// What is seen of a job, and what it cost.
type Seen = (Vec<[Call; 2]>, String, usize);

#[test]
fn a_filter_that_fits_one_patient_answers_as_one_that_fits_nobody() {
    let lab = Lab::new("attack_trap", 50);
    let [present, absent] = [1, 0].map(|patients| ask(&lab, age_of(&lab.world, patients)));
    let differ = usize::from(present.0 != absent.0) + usize::from(present.1 != absent.1);
    assert!(present == absent, "a filter tells who is there");
    Row {
        name: "cohort filter as an oracle",
        guest: "none: a researcher",
        tries: "--where that fits one patient, and one that fits nobody",
        bound: "same answer, same release_at, same charge",
        measured: format!("{differ} of 2 differ; both withheld"),
        noise_off: "with noise off too: below k the gate is shut",
        value: differ as f64,
        unit: "answers that differ",
        bar: 0.0,
    }
    .holds();
}

/// An age of two digits that so many patients of the cohort have.
fn age_of(world: &World, patients: usize) -> u32 {
    let text = std::fs::read_to_string(world.path("cohort/clinical.csv")).unwrap();
    let at = text.lines().next().unwrap().split(',').position(|name| name == "age_years").unwrap();
    let ages: Vec<u32> =
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect();
    let fits = |age: &u32| ages.iter().filter(|other| *other == age).count() == patients;
    (10..100).find(fits).expect("there is such an age")
}

fn ask(lab: &Lab, age: u32) -> Seen {
    let world = lab.world.twin();
    let said =
        world.submit(&lab.package, "liver", &["--where", &format!("age_years = {age}"), "--detach"]).exits(0);
    let job = said.json()["job"].as_str().unwrap().to_owned();
    let release_at = said.json()["release_at"].as_str().unwrap().parse().unwrap();
    world.run(&["node", "resume"]).exits(0);
    let history = moments(release_at).map(|at| asked(&world, &job, at));
    // The id is drawn from the words of the call, of which the age is one.
    let history = history
        .map(|pair| pair.map(|(code, out, err)| (code, out.replace(&job, "JOB"), err.replace(&job, "JOB"))));
    let history = history.collect();
    let budget = world.run(&["node", "budget"]).exits(0).out.replace(&job, "JOB");
    let length = std::fs::read(world.path("bundle.zip")).expect("the bundle was fetched").len();
    (history, budget, length)
}
