//! `trocar plan`: what it foretells is what a policy allows and a release says of itself.

use crate::world::{Said, World, binary, manifest, root};
use serde_json::Value;
use std::process::Command;

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

/// The manifest with one of each kind, planned with these arguments.
///
/// Together they cost rho 0.15, which is more than one job may under a new dataset's policy: planned all the same, with exit 3.
fn planned(world: &World, args: &[&str]) -> Value {
    let every = text(&root().join("manifests/valid/every-kind.toml"));
    world.run(&[&["plan", "--manifest", &every], args].concat()).exits(3).json()
}

fn output<'a>(plan: &'a Value, name: &str) -> &'a Value {
    plan["outputs"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()
}

#[test]
fn a_plan_foretells_gate_noise_and_price_and_opens_no_home() {
    let world = World::new();
    let nowhere = world.path("nowhere");
    let plan = planned(&world, &["--patients", "200", "--home", &text(&nowhere)]);
    assert_eq!((&plan["patients"], &plan["gate"]["opens_at"]), (&200.into(), &48.into()));
    let patients = output(&plan, "patients");
    // PRIVACY.md section 8: the standard deviation of a count is 1 / sqrt(2 rho).
    assert_eq!((&patients["sd"], &patients["percent"]), (&10.0.into(), &5.0.into()));
    assert!((patients["half95"].as_f64().unwrap() - 19.6).abs() < 0.01, "{patients}");
    let few = planned(&world, &["--patients", "12"]);
    assert!(output(&few, "suv_mean")["sd"].is_null(), "a mean of 12 is not known: {few}");
    assert!(!nowhere.exists(), "planning made a home");
}

#[test]
fn a_job_over_the_policy_s_limit_is_planned_with_what_would_fit() {
    let world = World::new();
    let policy = std::fs::read_to_string(root().join("manifests/policies/hospital.toml")).unwrap();
    let strict = world.path("strict.toml");
    std::fs::write(&strict, policy.replacen(r#"rho_job = "0.1""#, r#"rho_job = "0.05""#, 1)).unwrap();
    let plan = planned(&world, &["--policy", &text(&strict)]);
    assert!(plan["caps"].as_array().unwrap().iter().all(|cap| cap["jobs"] == 0), "{plan}");
    let fitting = &plan["changes"][0];
    assert!(fitting["change"].as_str().unwrap().contains("the job fits"), "{fitting}");
    assert!(fitting["rho"].as_f64().unwrap() <= 0.05, "{fitting}");
}

#[test]
fn changes_say_what_they_save_and_what_noise_they_leave() {
    let world = World::new();
    let plan = planned(&world, &[]);
    let change = |words: &str| {
        let all = plan["changes"].as_array().unwrap();
        all.iter()
            .find(|row| row["change"].as_str().unwrap().contains(words))
            .unwrap_or_else(|| panic!("{words}: {plan}"))
    };
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() / expected - 1.0).abs() < 0.01;
    let half = change("patients at half its rho");
    assert!(near(&half["saves"], 0.0025) && near(&half["sd"], 10.0 * 2.0_f64.sqrt()), "{half}");
    let coarser = change("volume with 3 bins");
    assert!(near(&coarser["saves"], 0.0075), "{coarser}");
    assert!(near(&change("without gradient")["saves"], 0.02));
    assert!(
        change("suv_mean clamped to 5 to 15")["sd"].as_f64() < change("suv_mean at half")["sd_now"].as_f64()
    );
}

#[test]
fn a_plan_is_shown_as_tables_and_reads_packages_too() {
    let world = World::new();
    let package = text(&world.pack("ct-intensity", &[]));
    let shown = Command::new(binary()).args(["plan", &package]).output().unwrap();
    let shown = Said::from(shown).exits(0).out;
    for words in ["open it with 95 %", "95 % interval", "jobs like this", "what a change would buy"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_plan_of_reviewed_code_has_rules_and_people_in_place_of_noise() {
    let reviewed = text(&root().join("manifests/valid/reviewed-code.toml"));
    let said = Said::from(Command::new(binary()).args(["plan", "--manifest", &reviewed]).output().unwrap());
    let said = said.exits(0).out;
    assert!(said.contains("cost no rho") && said.contains("output checker"), "{said}");
    assert!(!said.contains("sd of the noise"), "{said}");
}

#[test]
fn noise_on_bins_is_in_patients_and_a_gate_that_often_stays_shut_is_said_to() {
    let world = World::new();
    let plan = planned(&world, &["--patients", "30"]);
    assert_eq!(output(&plan, "volume")["unit"], "patients");
    let every = text(&root().join("manifests/valid/every-kind.toml"));
    let args = ["plan", "--manifest", &every, "--patients", "30"];
    let said = Said::from(Command::new(binary()).args(args).output().unwrap()).exits(3).out;
    assert!(said.contains("% only: else the whole result is withheld"), "{said}");
}

#[test]
fn more_patients_than_the_dataset_may_have_are_refused() {
    let world = World::new();
    let m = text(&manifest("ct-intensity"));
    let said = world.run(&["plan", "--manifest", &m, "--patients", "501"]).exits(2);
    assert!(said.err.contains("size_bound is 500"), "{}", said.err);
}
