//! The example `survival-by-age` without noise, against what its own clinical table says.

use crate::world::{World, guest, manifest};
use serde_json::Value;

const DAYS: [f64; 7] = [0.0, 180.0, 365.0, 730.0, 1095.0, 1460.0, 1826.0];
const AGES: [f64; 7] = [18.0, 40.0, 50.0, 60.0, 70.0, 80.0, 121.0];

struct Person {
    age: f64,
    days: f64,
    died: bool,
}

fn people(csv: &str) -> Vec<Person> {
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let places = ["age_years", "survival_days", "event"].map(at);
    let person = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [age, days, event] = places.map(|i| cells[i].parse::<f64>().unwrap());
        Person { age, days, died: event == 1.0 }
    };
    csv.lines().skip(1).map(person).collect()
}

/// The interval of `edges` that holds `x`.
fn bin(x: f64, edges: &[f64]) -> usize {
    (0..edges.len() - 1).find(|i| edges[*i] <= x && x < edges[i + 1]).unwrap()
}

/// Patient by patient: who still lives at the end of each interval, by the product of what is left of those at risk.
fn kaplan_meier(people: &[&Person]) -> Vec<f64> {
    let mut alive = 1.0;
    let step = |i: usize| {
        let at_risk = people.iter().filter(|p| bin(p.days, &DAYS) >= i).count() as f64;
        let died = people.iter().filter(|p| bin(p.days, &DAYS) == i && p.died).count() as f64;
        alive *= 1.0 - died / at_risk;
        alive
    };
    (0..DAYS.len() - 1).map(step).collect()
}

/// The share of pairs, one dead at two years and one alive, in which the dead one is in the higher age bin.
fn area(people: &[Person]) -> f64 {
    let age = |p: &&Person| bin(p.age, &AGES);
    let dead: Vec<usize> = people.iter().filter(|p| p.died && p.days <= 730.0).map(|p| age(&p)).collect();
    let alive: Vec<usize> =
        people.iter().filter(|p| !(p.died && p.days <= 730.0) && p.days >= 730.0).map(|p| age(&p)).collect();
    let wins: f64 = dead
        .iter()
        .flat_map(|d| alive.iter().map(move |a| if d > a { 1.0 } else { f64::from(u8::from(d == a)) / 2.0 }))
        .sum();
    wins / (dead.len() * alive.len()) as f64
}

fn part<'a>(result: &'a Value, derived: &str, name: &str, group: Option<&str>) -> &'a Value {
    let find = |list: &'a Value, fits: &dyn Fn(&Value) -> bool| -> &'a Value {
        list.as_array().unwrap().iter().find(|x| fits(x)).unwrap()
    };
    let figure = find(&result["figures"]["derived"], &|d| d["name"] == derived);
    find(&figure["parts"], &|p| p["name"] == name && p["group"].as_str() == group)
}

#[track_caller]
fn near(found: &Value, want: f64, tolerance: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - want).abs() <= tolerance * want.abs().max(1.0), "{found}, but the table says {want}");
}

#[test]
fn survival_roc_covariance_and_regression_are_those_of_the_clinical_table() {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let folder = world.path("cohort");
    let out = folder.display().to_string();
    world.run(&["testkit", "cohort", "-o", &out, "--patients", "120", "--seed", "5"]).exits(0);
    let clinical = folder.join("clinical.csv");
    let people = people(&std::fs::read_to_string(&clinical).unwrap());
    assert_eq!(people.len(), 120);
    let [m, c] = [&manifest("survival-by-age"), &guest("survival-by-age")].map(|p| p.display().to_string());
    let table = clinical.display().to_string();
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &out, "--clinical", &table, "--exact"];
    let result = world.run(&args).exits(0).json();

    for (group, older) in [("younger", false), ("older", true)] {
        let mine: Vec<&Person> = people.iter().filter(|p| (p.age >= 60.0) == older).collect();
        let curve = &part(&result, "curves", "survival", Some(group));
        let at_risk = &part(&result, "curves", "at_risk", Some(group))["value"];
        near(&at_risk[0], mine.len() as f64, 1e-12);
        let known = curve["value"].as_array().unwrap().iter().filter(|v| !v.is_null()).count();
        assert!(known >= 2, "the noise that rho buys would hide all of {group}: {curve}");
        for (i, want) in kaplan_meier(&mine).into_iter().enumerate().take(known) {
            near(&curve["value"][i], want, 1e-9);
        }
    }
    near(&part(&result, "age_as_a_score", "auc", None)["value"], area(&people), 1e-9);

    let n = people.len() as f64;
    let mean = |f: &dyn Fn(&Person) -> f64| people.iter().map(f).sum::<f64>() / n;
    let (age, days) = (mean(&|p| p.age), mean(&|p| p.days));
    let covariance = mean(&|p| (p.age - age) * (p.days - days));
    let variance = mean(&|p| (p.age - age).powi(2));
    let means = &part(&result, "together", "mean", None)["value"];
    near(&means[0], age, 1e-6);
    near(&means[1], days, 1e-6);
    let covariances = &part(&result, "together", "covariance", None)["value"];
    // Products are rounded to 2^-16 of their range, 64 years by 1,024 days.
    near(&covariances[0], variance, 1e-3);
    near(&covariances[1], covariance, 2e-3);
    // The noise that rho buys would hide a slope among 120 patients, so without noise it is absent too.
    let slope = &part(&result, "line", "coefficient", None)["value"];
    assert!(slope[0].is_null() && slope[1].is_null(), "{slope}");
}
