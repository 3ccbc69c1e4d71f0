//! Homes, files and disks that are not as they should be: one clear error, nothing lost.

use crate::world::World;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
fn the_charge_is_on_disk_before_anything_is_drawn() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 12, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    // With a file in the place of the folder no bundle can be kept: the node stops right after the draw.
    std::fs::remove_dir_all(world.home().join("bundles")).unwrap();
    std::fs::write(world.home().join("bundles"), b"").unwrap();
    let said = world.submit(&package, "liver", &[]);
    assert_ne!(said.code, 0, "a job without a bundle ended well: {said:?}");
    let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
    assert!(
        ledger.contains("\"charged\"") && !ledger.contains("\"finished\""),
        "drawn before charged:\n{ledger}"
    );
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

#[test]
fn a_lost_index_loses_no_charge_and_no_policy() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    world.dataset("liver", &folder, &[("k = 10", "k = 12")]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    world.submit(&package, "liver", &[]).exits(4);
    let spent = world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"].clone();
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = std::fs::remove_file(world.home().join(file));
    }
    let path = folder.display().to_string();
    world.run(&["node", "dataset", "add", "liver", &path]).exits(0);
    world.run(&["node", "scan", "liver"]).exits(0);
    assert_eq!(world.run(&["node", "budget"]).exits(0).json()[0]["rho_year"], spent, "the budget began anew");
    let said = world.dataset("other-name", &folder, &[]).exits(0).json();
    assert_eq!(said[0]["pool"][0], "liver", "another name gave the same patients a new budget: {said}");
    assert_eq!(world.run(&["node", "budget"]).exits(0).json()[1]["rho_year"], spent);
    let policy = std::fs::read_to_string(world.home().join("policy/liver.toml")).unwrap();
    assert!(policy.contains("k = 12"), "the operator's policy was overwritten");
}

#[test]
fn a_patient_who_was_once_in_a_dataset_has_no_second_budget_in_another() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    world.dataset("liver", &folder, &[]).exits(0);
    let (there, away) = (folder.join("dicom"), world.path("away"));
    std::fs::rename(&there, &away).unwrap();
    world.run(&["node", "scan", "liver"]).exits(0);
    let said = world.dataset("again", &away, &[]).exits(0).json();
    assert_eq!(said[0]["pool"][0], "liver", "{said}");
}

#[test]
fn a_policy_that_was_changed_after_the_scan_asks_for_a_new_one() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), &[]).exits(0);
    world.change_policy("liver", &[("require = true", "require = false")]);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let said = world.submit(&package, "liver", &[]).exits(1);
    assert!(said.err.contains("trocar node scan liver"), "{}", said.err);
    world.run(&["node", "scan", "liver"]).exits(0);
    world.submit(&package, "liver", &[]).exits(4);
}

#[test]
fn a_home_is_its_owner_s_alone_even_in_a_folder_that_was_open() {
    let folder = tempfile::tempdir().unwrap();
    let world = World { folder };
    std::fs::create_dir(world.home()).unwrap();
    std::fs::set_permissions(world.home(), std::fs::Permissions::from_mode(0o755)).unwrap();
    world.run(&["node", "init"]).exits(0);
    world.run(&["node", "dataset", "list"]).exits(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.home()), 0o700);
    for file in ["index.db", "keys/node.pem", "keys/audit.bin", "ledger.log"] {
        assert_eq!(mode(&world.home().join(file)) & 0o077, 0, "others can read {file}");
    }
}

#[test]
fn a_pipe_in_place_of_a_scanned_file_hangs_nothing() {
    let world = World::new();
    let folder = world.cohort("cohort", 3, "CT");
    world.dataset("liver", &folder, &[]).exits(0);
    let victim = dicom_files(&folder).pop().unwrap();
    std::fs::remove_file(&victim).unwrap();
    assert!(Command::new("mkfifo").arg(&victim).status().unwrap().success());
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    world.submit(&package, "liver", &[]).exits(4);
}

/// Holds the lock that whoever runs a job holds, for as long as the test likes.
fn hold(world: &World) -> std::fs::File {
    let path = world.home().join("jobs.lock");
    let lock = std::fs::File::options().create(true).append(true).open(path).unwrap();
    lock.lock().unwrap();
    lock
}

#[test]
fn handing_in_a_job_does_not_wait_for_another_that_runs() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let running = hold(&world);
    let job = world.submit(&package, "liver", &["--detach"]).exits(0).json();
    assert_eq!(job["state"], "accepted");
    assert_eq!(world.submit(&package, "liver", &["--where", "1 ="]).exits(3).json()["code"], "ADM-08");
    drop(running);
    world.run(&["node", "resume"]).exits(0);
    assert_eq!(world.run(&["status", job["job"].as_str().unwrap()]).exits(4).json()["state"], "withheld");
}

#[test]
fn a_job_that_cannot_go_on_fails_alone() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 2, "CT"), &[]).exits(0);
    let (first, second) = (world.pack("ct-intensity", &[]), world.pack("volume-stats", &[]));
    world.approve_for(&first, "liver", &["any", "third"]);
    world.approve_for(&second, "liver", &["second"]);
    let running = hold(&world);
    let lost = world.submit(&first, "liver", &["--detach"]).exits(0).json();
    let sound = world.submit(&second, "liver", &["--detach", "--project", "second"]).exits(0).json();
    let bytes = std::fs::read(&first).unwrap();
    let kept = std::fs::read_dir(world.home().join("packages")).unwrap().map(|e| e.unwrap().path());
    let kept = kept.into_iter().find(|p| std::fs::read(p).unwrap() == bytes).expect("the package is kept");
    std::fs::write(&kept, &bytes[1..]).unwrap();
    drop(running);
    world.run(&["node", "resume"]).exits(0);
    let status = |job: &serde_json::Value| world.run(&["status", job["job"].as_str().unwrap()]).json();
    assert_eq!(status(&lost)["state"], "node_failure", "a job ran from a package that nobody admitted");
    assert_eq!(status(&sound)["state"], "withheld", "a lost job took the next one with it");
    // Handing the package in again mends the copy. The failed job stays charged, so another project asks.
    world.submit(&first, "liver", &["--project", "third"]).exits(4);
}
