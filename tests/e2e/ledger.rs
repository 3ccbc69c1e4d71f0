//! The ledger as its operator meets it: pools, counts, a witness, an audit.

use crate::world::{Said, World, root};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

fn budget(world: &World) -> Value {
    world.run(&["node", "budget"]).exits(0).json()
}

fn verified(world: &World, code: i32) -> Value {
    world.run(&["node", "audit", "--verify"]).exits(code).json()
}

/// A world with one dataset whose policy is changed, and an approved package.
fn ready(change: &[(&str, &str)]) -> (World, std::path::PathBuf) {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), change).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    (world, package)
}

#[test]
fn a_scan_writes_as_many_records_whether_or_not_it_finds_a_shared_patient() {
    let records = |moved: bool| {
        let world = World::new();
        let (one, other) = (world.cohort("cohort", 4, "CT"), world.path("other"));
        std::fs::create_dir(&other).unwrap();
        if moved {
            std::fs::rename(one.join("dicom").join("TK00004"), other.join("TK00004")).unwrap();
        } else {
            copy(&one.join("dicom").join("TK00004"), &other.join("TK00004"));
        }
        world.dataset("liver", &one, &[]).exits(0);
        let said = world.dataset("other", &other, &[]).exits(0).json();
        let shares = said[0]["pool"].as_array().is_some_and(|pool| !pool.is_empty());
        assert_eq!(shares, !moved, "{said}");
        world.run(&["node", "audit"]).exits(0).json().as_array().unwrap().len()
    };
    assert_eq!(records(true), records(false), "the length of the log tells that datasets share patients");
}

#[test]
fn datasets_that_share_patients_have_one_budget_for_ever() {
    let (world, package) = ready(&[]);
    let second =
        world.dataset("again", &world.path("cohort"), &[("rho_year = \"0.5\"", "rho_year = \"0.4\"")]);
    assert_eq!(second.exits(0).json()[0]["pool"], serde_json::json!(["liver"]));
    world.submit(&package, "liver", &[]).exits(4);
    let all = budget(&world);
    let spent = all[0]["rho_year"].as_f64().unwrap();
    assert!(spent > 0.0 && all[0]["rho_year"] == all[1]["rho_year"], "the patients have two budgets: {all}");
    // The stricter policy holds for both.
    for dataset in [0, 1] {
        let cap: f64 = all[dataset]["rho_year_cap"].as_str().unwrap().parse().unwrap();
        assert!((cap - 0.4).abs() < 1e-6, "{all}");
    }
    // A new index changes nothing.
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = std::fs::remove_file(world.home().join(file));
    }
    let folder = world.path("cohort").display().to_string();
    world.run(&["node", "dataset", "add", "again", &folder]).exits(0);
    let scanned = world.run(&["node", "scan", "again"]).exits(0).json();
    assert_eq!(scanned[0]["pool"], serde_json::json!(["liver"]));
    assert_eq!(budget(&world)[0]["rho_year"].as_f64(), Some(spent));
    assert_eq!(verified(&world, 0)["holds"], true);
}

/// What a home with a witness does when an old copy is put in its place, and when it is put right again.
fn refuses_an_old_copy(world: &World, package: &Path) {
    let job = world.submit(package, "liver", &[]).exits(4).json();
    let (bundle, _) = world.fetch(&job["job"], 4);
    let report = String::from_utf8_lossy(&std::fs::read(bundle).unwrap()).into_owned();
    assert!(!report.contains("no witness"), "the bundle says that there is no witness");
    let [old, new] = ["old", "new"].map(|name| world.path(name));
    copy(&world.home(), &old);
    world.submit(package, "liver", &["--where", "age_years > 1"]).exits(4);
    copy(&world.home(), &new);
    verified(world, 0);

    copy(&old, &world.home());
    let before = std::fs::read(world.home().join("ledger.log")).unwrap();
    let refused = |said: Said| assert!(said.err.contains("old copy"), "{}", said.err);
    refused(world.submit(package, "liver", &["--where", "age_years > 2"]).exits(1));
    refused(world.run(&["results", "get", job["job"].as_str().unwrap(), "-o", "x.zip"]).exits(1));
    refused(world.run(&["count", "--dataset", "liver"]).exits(1));
    assert_eq!(std::fs::read(world.home().join("ledger.log")).unwrap(), before, "an old copy was written to");
    let doctor = world.run(&["node", "doctor"]).exits(1).json();
    assert!(doctor.to_string().contains("old copy"), "{doctor}");
    let audit = verified(world, 5);
    assert!(audit.to_string().contains("old copy"), "{audit}");

    // Longer again, by another history: the witness is not taken in.
    for _ in 0..3 {
        world.run(&["node", "audit", "--export", &world.path("out").display().to_string()]).exits(0);
        std::thread::sleep(std::time::Duration::from_millis(1_100));
    }
    let longer = world.submit(package, "liver", &["--where", "age_years > 2"]).exits(1);
    assert!(longer.err.contains("another history") || longer.err.contains("old copy"), "{}", longer.err);

    copy(&new, &world.home());
    world.run(&["count", "--dataset", "liver"]).exits(0);
    verified(world, 0);
    world.run(&["node", "doctor"]).exits(0);
}

#[test]
fn an_old_copy_of_a_home_is_refused_by_a_witness_on_another_disk() {
    let world = World::new();
    let state = world.path("witness");
    std::fs::create_dir(&state).unwrap();
    let said = world.run(&["witness", "--state", &state.display().to_string()]).exits(0).json();
    let line = said["policy"].as_str().unwrap().to_owned();
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), &[("witness = \"none\"", &line)]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    refuses_an_old_copy(&world, &package);
    // A disk that is not mounted stops everything.
    std::fs::rename(&state, world.path("unmounted")).unwrap();
    let said = world.submit(&package, "liver", &["--where", "age_years > 3"]).exits(1);
    assert!(said.err.contains("mounted"), "{}", said.err);
    assert!(verified(&world, 0).to_string().contains("the witness was not asked"));
}

/// A witness that runs until it is dropped.
struct Running(Child, String);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn witness(world: &World, address: &str) -> Running {
    let key = world.run(&["node", "audit", "--key"]).exits(0).json()["key"].as_str().unwrap().to_owned();
    let state = world.path("witness").display().to_string();
    let mut command = world.command(&["witness", "--state", &state, "--listen", address, "--log", &key]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    Running(child, said["policy"].as_str().unwrap().to_owned())
}

#[test]
fn an_old_copy_of_a_home_is_refused_by_a_witness_behind_a_socket() {
    let world = World::new();
    std::fs::create_dir(world.path("witness")).unwrap();
    let running = witness(&world, "127.0.0.1:0");
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), &[("witness = \"none\"", &running.1)]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    refuses_an_old_copy(&world, &package);
    drop(running);
    let said = world.submit(&package, "liver", &["--where", "age_years > 3"]).exits(1);
    assert!(said.err.contains("cannot be reached"), "{}", said.err);
    assert!(verified(&world, 0).to_string().contains("the witness was not asked"));
}

#[test]
fn without_a_witness_doctor_audit_and_bundle_say_that_rollback_is_not_detected() {
    let (world, package) = ready(&[]);
    let job = world.submit(&package, "liver", &[]).exits(4).json();
    let (bundle, _) = world.fetch(&job["job"], 4);
    let unpacked = world.path("unpacked").display().to_string();
    world.run(&["verify", &bundle.display().to_string(), "--unpack", &unpacked]).exits(0);
    let found = Command::new("grep").args(["-rl", "this node has no witness", &unpacked]).status().unwrap();
    assert!(found.success(), "the bundle does not say it");
    for said in [world.run(&["node", "doctor"]).exits(0), world.run(&["node", "audit", "--verify"]).exits(0)]
    {
        let said = said.json();
        let noted =
            said["checks"].as_array().unwrap().iter().find(|check| check["name"] == "witness").unwrap();
        assert_eq!(noted["finding"], "note", "{said}");
        assert!(noted["detail"].as_str().unwrap().contains("rollback not detected"), "{said}");
    }
}

#[test]
fn a_witness_inside_the_home_or_without_its_key_is_refused() {
    let world = World::new();
    let inside = world.home().join("witness");
    std::fs::create_dir(&inside).unwrap();
    let policy = format!("witness = \"{}\"", inside.display());
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), &[("witness = \"none\"", &policy)]).exits(0);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let said = world.submit(&package, "liver", &[]).exits(1);
    assert!(said.err.contains("inside the home"), "{}", said.err);
    let empty = world.path("empty");
    std::fs::create_dir(&empty).unwrap();
    world.change_policy("liver", &[(&policy, &format!("witness = \"{}\"", empty.display()))]);
    world.run(&["node", "scan", "liver"]).exits(0);
    world.approve(&package, "liver");
    let said = world.submit(&package, "liver", &[]).exits(1);
    assert!(said.err.contains("trocar witness --state"), "{}", said.err);
}

#[test]
fn a_question_is_counted_once_and_the_counts_of_a_year_end() {
    let (world, _) = ready(&[("counts_rho_year = \"0.05\"", "counts_rho_year = \"0.002\"")]);
    let count = |args: &[&str]| world.run(&[&["count", "--dataset", "liver"], args].concat());
    let first = count(&["--where", "sex = \"F\" and age_years > 10"]).exits(0).json();
    let again = count(&["--where", "(age_years > 10) and sex = \"F\""]).exits(0).json();
    assert_eq!(first["patients"], again["patients"], "the same question was drawn twice");
    assert_eq!((&first["cached"], &again["cached"]), (&false.into(), &true.into()));
    let sd = first["patients"]["sd"].as_f64().unwrap();
    assert!((sd - 22.36).abs() < 0.1, "the noise is not that of rho 0.001: {first}");
    let all = count(&[]).exits(0).json();
    assert_ne!(all["patients"]["value"], first["patients"]["value"]);
    let spent = budget(&world);
    assert!((spent[0]["counts_rho_year"].as_f64().unwrap() - 0.002).abs() < 1e-6, "{spent}");
    assert_eq!(spent[0]["rho_year"].as_f64(), Some(0.0), "counts cost jobs their budget");
    assert_eq!(count(&["--where", "sex = \"M\""]).exits(3).json()["code"], "BUD-06");
    assert_eq!(count(&["--where", "patient_id = \"a\""]).exits(3).json()["code"], "ADM-08");
    count(&[]).exits(0);
    verified(&world, 0);
}

#[test]
fn a_count_shows_at_a_time_that_its_policy_alone_decides() {
    let world = World::new();
    world.dataset("liver", &world.cohort("cohort", 3, "CT"), &[crate::world::HELD]).exits(0);
    let begun = std::time::Instant::now();
    world.run(&["count", "--dataset", "liver"]).exits(0);
    // size_bound 500: one second of records and two more.
    assert!(begun.elapsed().as_secs() >= 2, "the answer showed before its time");
    let rows = world.run(&["node", "audit"]).exits(0).json();
    let counted = rows.as_array().unwrap().iter().find(|row| row["event"]["type"] == "counted").unwrap();
    let at = |text: &Value| text.as_str().unwrap().parse::<trocar_terms::Timestamp>().unwrap().seconds();
    assert_eq!(at(&counted["event"]["answer_at"]) - at(&counted["time"]), 3);
}

#[test]
fn margins_of_a_catalogue_are_paid_for_once() {
    let (world, _) = ready(&[]);
    let margins = || world.run(&["count", "--dataset", "liver", "--margins"]).exits(0).json();
    let (first, second) = (margins(), margins());
    let values = |rows: &Value| -> Vec<Value> {
        rows.as_array().unwrap().iter().map(|row| row["patients"]["value"].clone()).collect()
    };
    assert!(values(&first).len() >= 6, "{first}");
    assert_eq!(values(&first), values(&second));
    assert!(second.as_array().unwrap().iter().all(|row| row["cached"] == true));
}

#[test]
fn a_changed_ledger_fails_its_audit() {
    let (world, package) = ready(&[]);
    world.submit(&package, "liver", &[]).exits(4);
    assert_eq!(verified(&world, 0)["holds"], true);
    let path = world.home().join("ledger.log");
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, whole.replacen("any", "own", 1)).unwrap();
    let said = verified(&world, 5);
    assert_eq!(said["checks"][0]["name"], "chain");
    assert_eq!(said["holds"], false);
    world.run(&["node", "doctor"]).exits(1);
}

#[test]
fn what_is_exported_verifies_elsewhere_and_holds_nothing_private() {
    let (world, package) = ready(&[]);
    world.submit(&package, "liver", &["--where", "age_years > 1"]).exits(4);
    let folder = world.path("log");
    let out = folder.display().to_string();
    let said = world.run(&["node", "audit", "--export", &out]).exits(0).json();
    let words = Command::new("grep")
        .args(["-rE", "age_years|liver|cohort|any", &format!("{out}/tile/entries")])
        .output()
        .unwrap();
    assert!(words.stdout.is_empty(), "{}", String::from_utf8_lossy(&words.stdout));
    let python = Command::new("python3").args(["-c", "import cryptography"]).output();
    if !python.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: python3 has no package cryptography");
        return;
    }
    let script = root().join("tests/oracles/tlog.py");
    let check = || {
        Command::new("python3").arg(&script).arg(&folder).arg(said["key"].as_str().unwrap()).output().unwrap()
    };
    let good = check();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let checkpoint = folder.join("checkpoint");
    let text = std::fs::read_to_string(&checkpoint).unwrap();
    let size = text.lines().nth(1).unwrap();
    let less = (size.parse::<u64>().unwrap() - 1).to_string();
    std::fs::write(&checkpoint, text.replacen(size, &less, 1)).unwrap();
    assert!(!check().status.success(), "the oracle takes a head that nobody signed");
}

#[test]
fn homes_that_share_pools_share_what_their_patients_spent() {
    let (world, shared) = (World { folder: tempfile::tempdir().unwrap() }, "pools");
    let pools = world.path(shared).display().to_string();
    let [one, two] = ["one", "two"].map(|name| world.path(name).display().to_string());
    let run = |home: &str, args: &[&str]| world.run(&[&["--home", home], args].concat());
    for home in [&one, &two] {
        let name = Path::new(home).file_name().unwrap().to_str().unwrap();
        run(home, &["node", "init", "--name", name, "--pools", &pools]).exits(0);
        run(home, &["key", "new", "author"]).exits(0);
    }
    let cohort = world.cohort("cohort", 3, "CT").display().to_string();
    let add = |home: &str, name: &str| {
        run(home, &["node", "dataset", "add", name, &cohort]).exits(0);
        run(home, &["node", "scan", name]).exits(0).json()
    };
    add(&one, "liver");
    assert_eq!(add(&two, "lung")[0]["pool"], serde_json::json!(["liver"]));
    let said = run(&two, &["node", "dataset", "add", "liver", &cohort]).exits(1);
    assert!(said.err.contains("home one"), "{}", said.err);
    run(&one, &["count", "--dataset", "liver"]).exits(0);
    let spent =
        |home: &str| run(home, &["node", "budget"]).exits(0).json()[0]["counts_rho_year"].as_f64().unwrap();
    assert!(spent(&one) > 0.0);
    assert_eq!(spent(&one), spent(&two), "the other home does not count it");
    // A home that is made anew keeps what its patients spent; one in another place does not take its name.
    std::fs::remove_dir_all(&one).unwrap();
    let three = world.path("three").display().to_string();
    run(&three, &["node", "init", "--name", "one", "--pools", &pools]).exits(1);
    run(&one, &["node", "init", "--name", "one", "--pools", &pools]).exits(0);
    add(&one, "liver");
    assert_eq!(spent(&one), spent(&two), "a new home begins a new budget");
    for home in [&one, &two] {
        run(home, &["node", "audit", "--verify"]).exits(0);
        run(home, &["node", "doctor"]).exits(0);
    }
}

#[test]
fn the_doctor_finds_keys_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.run(&["node", "doctor"]).exits(0);
    let key = world.home().join("keys/node.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = world.run(&["node", "doctor"]).exits(1).json();
    assert!(said.to_string().contains("node.pem"), "{said}");
}

#[test]
fn a_budget_is_drawn_in_plain_words() {
    let (world, package) = ready(&[]);
    world.submit(&package, "liver", &[]).exits(4);
    let plain = Command::new(crate::world::binary())
        .env("TROCAR_HOME", world.home())
        .args(["node", "budget"])
        .output()
        .unwrap();
    let text = String::from_utf8(plain.stdout).unwrap();
    for word in ["liver", "jobs, 365 days", "[#", "project any", "REL-02", "counts"] {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
    let jobs = &budget(&world)[0]["jobs"];
    assert!(jobs[0]["returned"].as_f64().unwrap() > 0.0, "what came back is not shown: {jobs}");
}
