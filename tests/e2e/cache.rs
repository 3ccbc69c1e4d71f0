//! Volumes that are decoded once: kept, used, bounded, and safe to delete.

use crate::world::World;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

const PATIENTS: usize = 60;

const PROJECTS: [&str; 3] = ["one", "two", "three"];

/// A node with a cohort whose pixels are RLE, and an approved algorithm that reads them.
fn prepared() -> (World, PathBuf) {
    let world = World::new();
    let folder = world.path("cohort");
    let (out, patients) = (folder.display().to_string(), PATIENTS.to_string());
    let cohort = ["testkit", "cohort", "-o", &out, "--patients", &patients, "--seed", "7", "--syntax", "rle"];
    world.run(&cohort).exits(0);
    world.dataset("liver", &folder, &[]).exits(0);
    let package = world.pack("ct-intensity", &[("gate_rho = \"0.02\"", "gate_rho = \"0.05\"")]);
    // Each has a fifth of the year, which is one job.
    world.approve_for(&package, "liver", &PROJECTS);
    (world, package)
}

/// The kept volumes and when each was last used.
fn kept(world: &World) -> BTreeMap<PathBuf, SystemTime> {
    let Ok(entries) = fs::read_dir(world.home().join("cache/volumes")) else { return BTreeMap::new() };
    let entry = |e: fs::DirEntry| (e.path(), e.metadata().unwrap().modified().unwrap());
    let all = entries.map(|e| entry(e.unwrap()));
    all.filter(|(path, _)| path.extension().is_some_and(|kind| kind == "volume")).collect()
}

#[test]
fn a_second_job_uses_the_volumes_that_the_first_one_left() {
    let (world, package) = prepared();
    assert_eq!(kept(&world).len(), 0, "a scan decodes nothing");
    world.submit(&package, "liver", &["--project", "one"]).exits(0);
    let first = kept(&world);
    assert_eq!(first.len(), PATIENTS);
    world.submit(&package, "liver", &["--project", "two", "--where", "age_years >= 0"]).exits(0);
    let second = kept(&world);
    assert!(first.keys().eq(second.keys()), "the second job kept other volumes");
    assert!(first.iter().all(|(path, used)| second[path] > *used), "a volume was not used again");
}

#[test]
fn damaged_and_deleted_volumes_are_made_again_and_no_job_notices() {
    let (world, package) = prepared();
    let state = |more: &[&str]| world.submit(&package, "liver", more).exits(0).json()["state"].clone();
    assert_eq!(state(&["--project", "one"]), "released");
    for (at, path) in kept(&world).keys().enumerate() {
        let mut bytes = fs::read(path).unwrap();
        // The voxels of one, the account of the next; another is gone.
        let place = if at % 3 == 0 { 100 } else { bytes.len() - 40 };
        bytes[place] ^= 1;
        if at % 3 == 2 { fs::remove_file(path).unwrap() } else { fs::write(path, bytes).unwrap() }
    }
    assert_eq!(state(&["--project", "two", "--where", "age_years >= 0"]), "released");
    assert_eq!(kept(&world).len(), PATIENTS);
    fs::remove_dir_all(world.home().join("cache/volumes")).unwrap();
    assert_eq!(state(&["--project", "three", "--where", "age_years >= 1"]), "released");
}

#[test]
fn a_cache_of_nothing_keeps_nothing_and_a_bound_that_is_no_number_starts_no_job() {
    let (world, package) = prepared();
    let path = package.display().to_string();
    let submit = |gib: &str, more: &[&str]| {
        let mut command = world.command(&["submit", &path, "--dataset", "liver"]);
        command.env("TROCAR_CACHE_GIB", gib).args(more).output().unwrap()
    };
    assert_eq!(submit("0", &["--project", "one"]).status.code(), Some(0));
    assert_eq!(kept(&world).len(), 0);
    let refused = submit("plenty", &["--project", "two", "--where", "age_years >= 0"]);
    assert_ne!(refused.status.code(), Some(0));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("TROCAR_CACHE_GIB is not a whole number of GiB"), "{words}");
}

#[test]
fn machine_code_that_was_touched_is_compiled_again_and_is_not_taken_from_a_folder_that_others_write() {
    let (world, package) = prepared();
    let submit = |more: &[&str]| world.submit(&package, "liver", more);
    assert_eq!(submit(&["--project", "one"]).exits(0).json()["state"], "released");
    let cache = world.home().join("cache");
    let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let code: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "code")).collect();
    let [code] = &code[..] else { panic!("one component was compiled, and kept are {code:?}") };
    let good = fs::read(code).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(code, bad).unwrap();
    let second = submit(&["--project", "two", "--where", "age_years >= 0"]).exits(0);
    assert_eq!(second.json()["state"], "released");
    assert!(fs::read(code).unwrap() == good, "the touched code was kept");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = submit(&["--project", "three", "--where", "age_years >= 1"]).exits(1);
    assert!(refused.err.contains("can be written by others"), "{}", refused.err);
}
