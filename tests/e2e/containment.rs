//! What a node does where its kernel lacks a layer of containment. The kernel of these tests has all: a filter takes one away
//! from each worker before it starts.

use crate::attacks::lab::tiny;
use crate::world::{Said, World};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use trocar_native::{LANDLOCK, Plan, SECCOMP};

const REFUSAL: &str =
    "the policy asks for a layer of containment that this machine lacks: run `trocar node doctor`";
const ALL: &str = r#"containment = ["seccomp", "landlock"]"#;

/// The program, on a kernel that does not know this call.
fn lacking(world: &World, call: i64) -> PathBuf {
    let (built, program) = (Path::new(env!("CARGO_BIN_EXE_trocar-inside")), world.path("trocar-lacking"));
    fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(|_| ())).unwrap();
    let plan = Plan { contained: true, lacks: vec![call], ..Plan::default() };
    fs::write(world.path("inside.json"), serde_json::to_vec(&plan).unwrap()).unwrap();
    program
}

fn run(world: &World, program: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(program);
    command.env("TROCAR_HOME", world.home()).env("NO_COLOR", "1").arg("--json").args(args);
    command.output().unwrap().into()
}

/// A node on whose kernel one layer is not there.
fn refuses(layer: &str, other: &str, call: i64) {
    let world = World::new();
    let cohort = tiny(&world, "cohort", 8);
    world.dataset("liver", &cohort, &[]).exits(0);
    let package = world.pack("survival-by-age", &[]).display().to_string();
    let program = lacking(&world, call);
    for args in [&["node", "scan", "liver"][..], &["submit", &package, "--dataset", "liver"]] {
        let said = run(&world, &program, args);
        assert!(said.code != 0 && said.err.contains(REFUSAL), "{args:?}: {said:?}");
    }
    let doctor = run(&world, &program, &["node", "doctor"]);
    let words = [format!("this kernel lacks {layer}"), format!("{other} holds in a worker")];
    assert!(words.iter().all(|word| doctor.out.contains(word)), "{doctor:?}");
    // In writing.
    world.change_policy("liver", &[(ALL, &format!("containment = [\"{other}\"]"))]);
    run(&world, &program, &["node", "scan", "liver"]).exits(0);
}

#[test]
fn a_node_without_landlock_refuses_until_its_policy_does_without() {
    refuses("landlock", "seccomp", LANDLOCK);
}

#[test]
fn a_node_without_seccomp_refuses_until_its_policy_does_without() {
    refuses("seccomp", "landlock", SECCOMP);
}

#[test]
fn every_layer_is_asked_for_by_a_new_policy_and_shown_by_the_doctor() {
    let world = World::new();
    let cohort = tiny(&world, "cohort", 8);
    world.dataset("liver", &cohort, &[(ALL, ALL)]).exits(0);
    let doctor = world.run(&["node", "doctor"]);
    for layer in ["seccomp holds in a worker", "landlock holds in a worker"] {
        assert!(doctor.out.contains(layer), "{doctor:?}");
    }
}
