//! Scans of a folder that changes: what is read again, what stands, and what a killed scan leaves.

use crate::world::World;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Slices of a patient of the testkit.
const SLICES: u64 = 16;

fn scan(world: &World, name: &str) -> Value {
    world.run(&["node", "scan", name]).exits(0).json()[0].clone()
}

/// A scanned cohort: its DICOM folder, and what the scan said.
fn scanned(world: &World, patients: u32) -> (PathBuf, Value) {
    let folder = world.cohort("cohort", patients, "CT");
    let dicom = folder.join("dicom");
    let [images, table] = [&dicom, &folder.join("clinical.csv")].map(|path| path.display().to_string());
    world.run(&["node", "dataset", "add", "liver", &images, "--clinical", &table]).exits(0);
    world.change_policy("liver", &[("slot_minutes = 15", "slot_minutes = 0")]);
    let first = scan(world, "liver");
    assert_eq!(first["read"], u64::from(patients) * SLICES);
    (dicom, first)
}

fn figures(scan: &Value) -> [u64; 3] {
    ["files", "read", "patients"].map(|name| scan[name].as_u64().unwrap())
}

/// Writes a file and moves its time of change on, as any later writer would.
fn rewrite(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let later = SystemTime::now() + Duration::from_secs(60);
    File::options().append(true).open(path).unwrap().set_modified(later).unwrap();
}

#[test]
fn an_unchanged_tree_is_not_read_again_and_its_snapshot_stands() {
    let world = World::new();
    let (_, first) = scanned(&world, 3);
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [3 * SLICES, 0, 3]);
    assert_eq!((&second["unchanged"], &first["unchanged"]), (&true.into(), &false.into()));
    for what in ["snapshot", "merkle", "series", "clinical_rows"] {
        assert_eq!(first[what], second[what], "{what}");
    }
}

#[test]
fn a_changed_file_is_read_alone_and_changes_the_root() {
    let world = World::new();
    let (dicom, first) = scanned(&world, 3);
    let file = dicom.join("TK00001/0003.dcm");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(7).position(|w| w == b"ABDOMEN").expect("the body part is in the file");
    bytes[at..at + 7].copy_from_slice(b"THORAX ");
    rewrite(&file, &bytes);
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [3 * SLICES, 1, 3]);
    assert_ne!(first["merkle"], second["merkle"], "another body part is another record");
    assert_ne!(first["snapshot"], second["snapshot"]);
}

#[test]
fn the_same_tree_has_the_same_root_however_it_was_reached() {
    let world = World::new();
    let (dicom, first) = scanned(&world, 3);
    let (there, away) = (dicom.join("TK00002"), world.path("away"));
    fs::rename(&there, &away).unwrap();
    let without = scan(&world, "liver");
    assert_eq!(figures(&without), [2 * SLICES, 0, 2]);
    assert_ne!(first["merkle"], without["merkle"]);
    fs::rename(&away, &there).unwrap();
    let again = scan(&world, "liver");
    assert_eq!(figures(&again), [3 * SLICES, SLICES, 3]);
    assert_eq!(first["merkle"], again["merkle"], "the same files gave another root");
}

#[test]
fn a_deleted_file_vanishes_and_one_patient_s_change_costs_no_other() {
    let world = World::new();
    let (dicom, _) = scanned(&world, 3);
    fs::remove_file(dicom.join("TK00001/0016.dcm")).unwrap();
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [3 * SLICES - 1, 0, 3]);
    assert_eq!(second["unchanged"], false);
}

#[test]
fn a_patient_whose_files_are_all_quarantined_vanishes() {
    let world = World::new();
    let (dicom, _) = scanned(&world, 3);
    for slice in 1..=SLICES {
        rewrite(&dicom.join(format!("TK00003/{slice:04}.dcm")), b"not an image any more");
    }
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [3 * SLICES, SLICES, 2]);
    assert_eq!(second["quarantined"].as_array().unwrap().len() as u64, SLICES);
    assert_eq!(second["quarantined"][0]["path"], "TK00003/0001.dcm");
}

#[test]
fn rules_that_change_have_all_files_read_again() {
    let world = World::new();
    scanned(&world, 2);
    world.change_policy("liver", &[("require = true", "require = false")]);
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [2 * SLICES, 2 * SLICES, 2]);
    world.change_policy("liver", &[("k = 10", "k = 12")]);
    let third = scan(&world, "liver");
    assert_eq!(figures(&third), [2 * SLICES, 0, 2], "k says nothing of how a file is read");
    assert_ne!(second["snapshot"], third["snapshot"], "a snapshot is of one policy");
    assert_eq!(second["merkle"], third["merkle"]);
}

#[test]
fn another_clinical_table_changes_records_and_reads_no_image() {
    let world = World::new();
    let (dicom, first) = scanned(&world, 3);
    let table = dicom.with_file_name("clinical.csv");
    let text = fs::read_to_string(&table).unwrap();
    let (rest, _) = text.trim_end().rsplit_once('\n').unwrap();
    fs::write(&table, format!("{rest}\n")).unwrap();
    let second = scan(&world, "liver");
    assert_eq!(figures(&second), [3 * SLICES, 0, 3]);
    assert_eq!((&first["clinical_rows"], &second["clinical_rows"]), (&3.into(), &2.into()));
    assert_ne!(first["merkle"], second["merkle"]);
}

#[test]
fn datasets_stand_apart() {
    let world = World::new();
    let (dicom, _) = scanned(&world, 4);
    let other = world.path("other");
    fs::create_dir(&other).unwrap();
    for patient in ["TK00003", "TK00004"] {
        fs::rename(dicom.join(patient), other.join(patient)).unwrap();
    }
    // They were the first one's patients: the two share a budget from here on, and stand apart in all else.
    let said = world.dataset("other", &other, &[]).exits(0).json();
    assert_eq!((&said[0]["patients"], &said[0]["pool"][0]), (&2.into(), &"liver".into()));
    fs::rename(other.join("TK00003"), dicom.join("TK00003")).unwrap();
    // The files are as the last scan of this dataset knew them.
    assert_eq!(figures(&scan(&world, "liver")), [3 * SLICES, 0, 3]);
    world.run(&["node", "scan", "other"]).exits(0);
    assert_eq!(scan(&world, "liver")["unchanged"], true, "another dataset's scan touched this one");
}

/// Kills the first scan of 300 patients once its log has so many bytes, and scans again.
fn killed_at(world: &World, bytes: u64) -> Value {
    let folder = world.cohort("cohort", 300, "CT");
    let path = folder.display().to_string();
    world.run(&["node", "dataset", "add", "liver", &path]).exits(0);
    let mut child = world.command(&["node", "scan", "liver"]).spawn().unwrap();
    let log = world.home().join("index.db-wal");
    while fs::metadata(&log).map_or(0, |seen| seen.len()) < bytes && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = child.kill();
    child.wait().unwrap();
    scan(world, "liver")
}

#[test]
fn a_killed_scan_goes_on_where_it_stopped_and_ends_as_one_that_was_not() {
    let all = 300 * SLICES;
    // Some of these moments lie between the first batch that was kept and the last.
    let tries = (2..12_u64).map(|n| {
        let world = World::new();
        let resumed = killed_at(&world, n * 100_000);
        (world, resumed)
    });
    let between = |(_, resumed): &(World, Value)| (1..all).contains(&figures(resumed)[1]);
    let (world, resumed) = tries.into_iter().find(between).expect("no scan was killed with a batch kept");
    let [files, _, patients] = figures(&resumed);
    assert_eq!((files, patients), (all + 2, 300), "{resumed}");
    // Read from the beginning, under rules that differ and then do not, it is the same.
    world.change_policy("liver", &[("require = true", "require = false")]);
    assert_eq!(figures(&scan(&world, "liver"))[1], all + 2);
    world.change_policy("liver", &[("require = false", "require = true")]);
    let whole = scan(&world, "liver");
    assert_eq!((&whole["merkle"], figures(&whole)[1]), (&resumed["merkle"], all + 2));
}

#[test]
fn a_job_is_answered_from_the_snapshot_that_it_was_granted_whatever_is_scanned_since() {
    let world = World::new();
    let (dicom, first) = scanned(&world, 3);
    let package = world.pack("ct-intensity", &[]);
    world.approve(&package, "liver");
    let path = world.home().join("jobs.lock");
    let lock = File::options().create(true).append(true).open(path).unwrap();
    lock.lock().unwrap();
    let job = world.submit(&package, "liver", &["--detach"]).exits(0).json();
    fs::remove_dir_all(dicom.join("TK00002")).unwrap();
    assert_ne!(scan(&world, "liver")["snapshot"], first["snapshot"]);
    drop(lock);
    world.run(&["node", "resume"]).exits(0);
    // Three patients are too few to release anything; a lost snapshot would be a failure of the node.
    assert_eq!(world.run(&["status", job["job"].as_str().unwrap()]).exits(4).json()["state"], "withheld");
}

/// Adds the dataset again, at another place or with another table, and scans it.
fn added_again(world: &World, folder: &Path, table: Option<&Path>) -> Value {
    let path = folder.display().to_string();
    let table = table.map(|t| t.display().to_string());
    let mut args = vec!["node", "dataset", "add", "liver", &path];
    if let Some(table) = &table {
        args.extend(["--clinical", table]);
    }
    world.run(&args).exits(0);
    scan(world, "liver")
}

#[test]
fn a_dataset_that_is_added_again_elsewhere_holds_each_patient_once() {
    let world = World::new();
    let (dicom, first) = scanned(&world, 3);
    let moved = world.path("moved");
    fs::rename(dicom.parent().unwrap(), &moved).unwrap();
    let table = moved.join("clinical.csv");
    let second = added_again(&world, &moved.join("dicom"), Some(&table));
    assert_eq!((figures(&second)[2], &second["merkle"]), (3, &first["merkle"]));
    let copy = world.path("other.csv");
    fs::copy(&table, &copy).unwrap();
    assert_eq!(figures(&added_again(&world, &moved.join("dicom"), Some(&copy)))[2], 3);
    let bare = added_again(&world, &moved.join("dicom"), None);
    assert_eq!((figures(&bare)[2], bare["clinical_rows"].as_u64()), (3, Some(0)));
    assert_eq!(figures(&added_again(&world, &moved.join("dicom"), Some(&table)))[2], 3);
}

#[test]
fn a_patient_id_with_and_without_an_issuer_is_refused() {
    let world = World::new();
    let (dicom, _) = scanned(&world, 2);
    let file = dicom.join("TK00001/0003.dcm");
    let bytes = fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|w| w == [0x10, 0, 0x20, 0]).expect("a Patient ID");
    let end = at + 8 + usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]));
    let issuer = [&[0x10, 0, 0x21, 0][..], b"LO", &[4, 0], b"CLIN"].concat();
    rewrite(&file, &[&bytes[..end], &issuer, &bytes[end..]].concat());
    let refused = world.run(&["node", "scan", "liver"]).exits(1);
    assert!(refused.err.contains("with an issuer (0010,0021) and without"), "{}", refused.err);
}
