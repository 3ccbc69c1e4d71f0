//! Homes, files and disks that are not as they should be: one clear error, nothing lost.

use crate::world::World;
use std::path::Path;

#[test]
fn a_missing_home_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let world = World { folder };
    for verb in [
        &["node", "dataset", "list"][..],
        &["node", "budget"],
        &["status", "00000000000000000000000000000000"],
    ] {
        let said = world.run(verb).exits(1);
        assert!(said.err.contains("trocar node init") && said.err.contains("home"), "{}", said.err);
    }
    assert!(!world.home().exists(), "a verb that failed made a home");
}

#[test]
fn a_second_init_leaves_the_home_alone() {
    let world = World::new();
    let before = std::fs::read(world.home().join("ledger.log")).unwrap();
    world.run(&["node", "init"]).exits(1);
    assert_eq!(std::fs::read(world.home().join("ledger.log")).unwrap(), before);
}

#[test]
fn a_truncated_file_is_quarantined_and_the_other_patients_are_read() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    let victim = dicom_files(&folder).pop().unwrap();
    let bytes = std::fs::read(&victim).unwrap();
    std::fs::write(&victim, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(folder.join("empty.dcm"), b"").unwrap();
    let scan = world.dataset("liver", &folder, &[]).exits(0).json();
    let reasons: Vec<&str> =
        scan[0]["quarantined"].as_array().unwrap().iter().map(|q| q["reason"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"truncated"), "the truncated file is not listed as such: {reasons:?}");
    assert!(scan[0]["patients"].as_u64().unwrap() >= 2, "a bad file took other patients with it: {scan}");
}

fn dicom_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(dicom_files(&path));
        } else if path.extension().is_some_and(|e| e == "dcm") {
            files.push(path);
        }
    }
    files
}

#[test]
fn an_empty_clinical_table_is_one_error_and_the_old_snapshot_stands() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    world.dataset("liver", &folder, &[]).exits(0);
    let whole = std::fs::read(folder.join("clinical.csv")).unwrap();
    std::fs::write(folder.join("clinical.csv"), b"").unwrap();
    let said = world.run(&["node", "scan", "liver"]).exits(1);
    assert!(said.err.contains("empty") && said.err.contains("clinical.csv"), "{}", said.err);
    let listed = world.run(&["node", "dataset", "list"]).exits(0).json();
    assert_eq!(listed[0]["scanned"], true, "a failed scan threw the old snapshot away");
    std::fs::write(folder.join("clinical.csv"), whole).unwrap();
    world.run(&["node", "scan", "liver"]).exits(0);
}

#[test]
fn a_patient_in_two_datasets_is_refused_since_her_budget_would_count_twice() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    world.dataset("liver", &folder, &[]).exits(0);
    let said = world.dataset("again", &folder, &[]).exits(1);
    assert!(said.err.contains("liver") && said.err.contains("budget"), "{}", said.err);
}

#[test]
fn a_full_disk_is_one_clear_error_and_nothing_is_charged() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let before = world.run(&["node", "budget"]).exits(0).json();
    // No file may grow: what a full disk does to every write, without one. The signal is ignored so that writes fail.
    let submit = world.command(&["submit", &package.display().to_string(), "--dataset", "liver"]);
    let line = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", line]).arg(submit.get_program()).args(submit.get_args());
    shell.env("TROCAR_HOME", world.home());
    let said: crate::world::Said = shell.output().unwrap().into();
    let said = said.exits(1);
    assert_eq!(
        said.err.lines().filter(|l| l.contains("error")).count(),
        1,
        "not one clear error: {}",
        said.err
    );
    assert_eq!(
        world.run(&["node", "budget"]).exits(0).json(),
        before,
        "a job that never started was charged"
    );
    // With room again, the same submission goes through.
    world.submit(&package, "liver", &[]).exits(4);
}

#[test]
fn a_job_whose_node_was_killed_goes_on_and_is_charged_once() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 70, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let mut child =
        world.command(&["submit", &package.display().to_string(), "--dataset", "liver"]).spawn().unwrap();
    let reserved =
        || std::fs::read_to_string(world.home().join("ledger.log")).unwrap().contains("\"reserved\"");
    while !reserved() {
        assert!(child.try_wait().unwrap().is_none(), "the job was over before it could be killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let spent = world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].clone();
    assert!(spent.as_f64().unwrap() > 0.0, "a reserved job is not charged");
    world.run(&["node", "resume"]).exits(0);
    let job = world.submit(&package, "liver", &[]).exits(0).json();
    assert_eq!(job["state"], "released");
    assert_eq!(
        world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"],
        spent,
        "the job was charged twice"
    );
}
