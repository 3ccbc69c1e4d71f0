//! Admission answers: the same byte for byte whether or not the only patient with a value is in the dataset.

use super::lab::{gather, morning, tiny};
use super::row::Row;
use crate::world::{HELD, World};
use std::path::{Path, PathBuf};

/// The only patient of this age is the one who is there or not.
const AGE: u32 = 119;

const WHERE: &[&str] = &[
    "age_years = 119",
    "age_years > 118",
    "age_years = 118",
    "not age_years < 119",
    "age_years = 119 and sex = \"F\"",
    "age_years in (119)",
    "age_years = 121",
    "age_years = -1",
    "sex = \"X\"",
    "PatientID = \"TK-000001\"",
    "survival_days > 3",
    "age_years >",
    "1 = 1 or",
];

#[test]
fn admission_says_the_same_with_and_without_the_only_patient_of_an_age() {
    let answers = [true, false].map(answers);
    let differ = answers[0].iter().zip(&answers[1]).filter(|(with, without)| with != without);
    let differ: Vec<_> = differ.collect();
    assert!(differ.is_empty(), "{differ:#?}");
    let codes: std::collections::BTreeSet<i32> = answers[0].iter().map(|(code, ..)| *code).collect();
    assert!(codes.contains(&0) && codes.contains(&3), "not both accepted and refused: {codes:?}");
    Row {
        name: "admission answers, --where",
        guest: "none: a researcher",
        tries: "delete the only patient of an age, and ask for her in every way",
        bound: "every admission answer is byte-identical",
        measured: format!("{} of {} answers differ", differ.len(), answers[0].len()),
        noise_off: "the same: nothing here rests on noise",
        value: differ.len() as f64,
        unit: "answers that differ",
        bar: 0.0,
    }
    .holds();
}

fn answers(there: bool) -> Vec<(i32, String, String)> {
    let world = World::at(morning(), "7");
    let cohort = tiny(&world, "cohort", 12);
    let id = only_one(&cohort);
    if !there {
        remove(&cohort, &id);
    }
    world.dataset("liver", &cohort, &[HELD]).exits(0);
    let package = world.pack("attack_trap", &[]);
    world.approve(&package, "liver");
    let mut answers = Vec::new();
    for (minute, where_) in (0..).zip(WHERE) {
        let world = world.twin();
        world.set_clock(morning().plus(minute * 60));
        for more in [&["--where", where_, "--detach"][..], &["--where", where_, "--param", "x=1", "--detach"]]
        {
            let said = world.submit(&package, "liver", more);
            answers.push((said.code, said.out, said.err));
        }
    }
    answers
}

/// Gives the first patient of the table the age that nobody else has.
fn only_one(cohort: &Path) -> String {
    let path = cohort.join("clinical.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let age = lines[0].split(',').position(|name| name == "age_years").expect("there are ages");
    let mut cells: Vec<String> = lines[1].split(',').map(str::to_owned).collect();
    let id = cells[0].clone();
    cells[age] = AGE.to_string();
    lines[1] = cells.join(",");
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
    id
}

/// Takes a patient's files and row away.
fn remove(cohort: &Path, id: &str) {
    let mut files = Vec::new();
    gather(cohort, &mut files);
    let is_hers = |path: &&PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(id.len()).any(|window| window == id.as_bytes())
    };
    let hers: Vec<&PathBuf> = files.iter().filter(is_hers).collect();
    assert!(!hers.is_empty() && hers.len() < files.len(), "{id} has {} of {} files", hers.len(), files.len());
    hers.into_iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let path = cohort.join("clinical.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let rest: Vec<&str> = text.lines().filter(|line| !line.starts_with(&format!("{id},"))).collect();
    std::fs::write(path, rest.join("\n") + "\n").unwrap();
}
