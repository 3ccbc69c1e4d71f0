//! `trocar replay`: a finished job summed again on the node that ran it, and every reason not to.

use crate::world::{Said, World};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A node that has run one job, and its bundle.
struct Ran {
    world: World,
    folder: PathBuf,
    bundle: PathBuf,
    digest: String,
}

impl Ran {
    /// `code` is how the submission ends: 0 released, 4 withheld.
    fn new(
        guest: &str,
        cohort: &[&str],
        policy: &[(&str, &str)],
        change: &[(&str, &str)],
        code: i32,
    ) -> Self {
        let world = World::new();
        let folder = world.path("cohort");
        let out = folder.display().to_string();
        world.run(&[&["testkit", "cohort", "-o", &out, "--seed", "7"], cohort].concat()).exits(0);
        world.dataset("liver", &folder, policy).exits(0);
        let package = world.pack(guest, change);
        world.submit(&package, "liver", &[]).exits(3);
        let digest =
            world.run(&["node", "pending"]).exits(0).json()[0]["digest"].as_str().unwrap().to_owned();
        world.run(&["node", "approve", &digest, "--dataset", "liver"]).exits(0);
        let job = world.submit(&package, "liver", &[]).exits(code).json();
        let (fetched, _) = world.fetch(&job["job"], code);
        let bundle = world.path("kept.zip");
        fs::copy(fetched, &bundle).unwrap();
        Self { world, folder, bundle, digest }
    }

    fn small() -> Self {
        Self::new("ct-intensity", &["--patients", "12", "--size", "tiny"], &[], &[], 4)
    }

    fn replay(&self) -> Said {
        replay(&self.world, &self.bundle)
    }

    /// Refused with this sentence and no result.
    #[track_caller]
    fn refuses(&self, code: i32, sentence: &str) {
        let said = self.replay().exits(code);
        assert!(said.err.contains(sentence) && said.out.is_empty(), "{said:#?}");
    }

    /// What a replay may not change: the ledger's bytes and the budget.
    fn spent(&self) -> (Vec<u8>, Value) {
        let budget = self.world.run(&["node", "budget"]).exits(0).json();
        (fs::read(self.world.home().join("ledger.log")).unwrap(), budget)
    }

    #[track_caller]
    fn matches(&self, rounds: u64) {
        let before = self.spent();
        let said = self.replay().exits(0);
        let row = said.json();
        assert_eq!((&row["matches"], &row["rounds"]), (&true.into(), &rounds.into()), "{row}");
        assert_eq!((&row["released"], &row["charged"]), (&false.into(), &false.into()));
        assert!(said.err.contains("Nothing was released, charged or written"), "{}", said.err);
        assert!(self.spent() == before, "the replay changed the ledger or the budget");
    }

    fn job(&self) -> String {
        let row = self.replay().exits(0).json();
        row["job"].as_str().unwrap().to_owned()
    }
}

fn replay(world: &World, bundle: &Path) -> Said {
    world.run(&["replay", &bundle.display().to_string()])
}

/// All files below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The last bytes of a file, its voxels, are others; size and time of change stay.
fn plant(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let from = bytes.len() - 64;
    bytes[from..].iter_mut().for_each(|byte| *byte ^= 0x01);
    fs::write(path, bytes).unwrap();
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_released_job_is_summed_again_to_the_same_and_a_planted_voxel_is_noticed() {
    let ran = Ran::new("ct-intensity", &["--patients", "70", "--size", "tiny"], &[], &[], 0);
    ran.matches(1);
    ran.matches(1);
    let record = ran.world.home().join("replays").join(format!("{}.json", ran.job()));
    let text = fs::read_to_string(record).unwrap();
    assert!(text.len() < 1000, "more than a seal is kept: {text}");
    let before = ran.spent();
    // With the time of change of before the scan's own check sees nothing; the sums do.
    files(&ran.folder, "dcm").iter().for_each(|path| plant(path));
    let said = ran.replay().exits(5);
    assert_eq!(said.json()["matches"], false, "{said:?}");
    assert!(ran.spent() == before);
    // As any tool writes it.
    let one = &files(&ran.folder, "dcm")[0];
    fs::write(one, fs::read(one).unwrap()).unwrap();
    ran.refuses(1, "image files of the snapshot were changed or removed since");
    assert!(ran.spent() == before);
}

#[test]
fn a_withheld_job_is_replayed_as_any_other() {
    let ran = Ran::small();
    ran.matches(1);
    let plain = Command::new(crate::world::binary())
        .env("TROCAR_HOME", ran.world.home())
        .args(["replay", &ran.bundle.display().to_string()])
        .output()
        .unwrap();
    let words = String::from_utf8(plain.stdout).unwrap();
    assert!(words.contains("the sums before noise are those that this node recorded (1 round)"), "{words}");
}

/// Each round is summed on the state that the noise of the one before had made.
#[test]
fn a_job_of_several_rounds_is_summed_again_round_by_round() {
    let event = (
        "    { name = \"sex\", type",
        "    { name = \"event\", type = \"integer\", min = 0, max = 1 },\n    { name = \"sex\", type",
    );
    let ran = Ran::new("event-logistic", &["--patients", "70", "--size", "tiny"], &[event], &[], 0);
    ran.matches(5);
}

#[test]
fn changed_masks_are_told_from_changed_images_and_nobody_is_named() {
    let masks = "pixels = true\nmasks = [\"Lesion\"]";
    let ran = Ran::new(
        "pet-suv",
        &["--patients", "12", "--size", "tiny", "--modality", "PT", "--masks", "seg"],
        &[("masks = false", "masks = true")],
        &[("pixels = true", masks)],
        4,
    );
    ran.matches(1);
    let all = files(&ran.folder, "dcm");
    // Segmentation Storage (PS3.4 table B.5-1).
    let uid = b"1.2.840.10008.5.1.4.1.1.66.4";
    let is_mask = |path: &PathBuf| fs::read(path).unwrap().windows(uid.len()).any(|word| word == uid);
    let (masks, images): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_mask);
    assert!(!masks.is_empty() && !images.is_empty());
    let touch = |path: &PathBuf| fs::write(path, fs::read(path).unwrap()).unwrap();
    touch(&masks[0]);
    ran.refuses(1, "error: mask files of the snapshot were changed or removed since");
    fs::remove_file(&images[0]).unwrap();
    let said = ran.replay().exits(1);
    assert!(said.err.contains("image files and mask files of the snapshot"), "{}", said.err);
    let name = images[0].file_stem().unwrap().to_str().unwrap();
    assert!(!said.err.contains(name) && !said.err.contains("cohort"), "{}", said.err);
}

#[test]
fn a_tampered_bundle_is_not_run_and_one_of_another_node_neither() {
    let (ran, other) = (Ran::small(), Ran::small());
    assert!(replay(&other.world, &ran.bundle).exits(1).err.contains("is of another node"));
    let whole = fs::read(&ran.bundle).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 12 + 1) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let bad = ran.world.path("bad.zip");
        fs::write(&bad, bytes).unwrap();
        let said = replay(&ran.world, &bad).exits(5);
        assert!(said.out.is_empty() && said.err.contains("not as its node signed it"), "{said:?}");
    }
    let home = ran.world.path("nowhere");
    fs::rename(ran.world.home(), &home).unwrap();
    assert!(ran.replay().exits(1).err.contains("no node home"));
}

#[test]
fn what_the_job_left_is_needed_and_each_loss_is_said() {
    let ran = Ran::small();
    let job = ran.job();
    let home = ran.world.home();
    let without = |path: PathBuf, code: i32, sentence: &str| {
        let away = path.with_extension("away");
        fs::rename(&path, &away).unwrap();
        ran.refuses(code, sentence);
        fs::rename(&away, &path).unwrap();
    };
    let package = fs::read_dir(home.join("packages")).unwrap().next().unwrap().unwrap().path();
    without(package, 1, "its package is gone or is not the one that the job was admitted with");
    let record = home.join("replays").join(format!("{job}.json"));
    without(record.clone(), 1, "the record of this job's sums is gone or changed");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("wasmtime", "wasmtine")).unwrap();
    ran.refuses(1, "the record of this job's sums is gone or changed");
    fs::write(&record, text).unwrap();
    // While the node runs jobs.
    let lock = File::options().append(true).open(home.join("jobs.lock")).unwrap();
    lock.lock().unwrap();
    ran.refuses(1, "the node is running jobs");
    drop(lock);
    ran.matches(1);
    pruned(&ran);
    ran.refuses(1, "its snapshot is gone or is not the one that the job was admitted with");
}

/// As an index from which old snapshots were removed.
fn pruned(ran: &Ran) {
    let index = ran.world.home().join("index.db");
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('pragma foreign_keys = off')\nc.execute('delete from snapshots')\nc.commit()";
    let python = std::env::var_os("TROCAR_PYTHON").unwrap_or_else(|| "python3".into());
    let status = Command::new(python).args(["-c", script]).arg(index).status().unwrap();
    assert!(status.success(), "the index cannot be pruned");
}

#[test]
fn code_whose_approval_was_taken_back_is_not_run_again_and_a_new_approval_does_not_mend_it() {
    let ran = Ran::small();
    ran.world.run(&["node", "revoke", &ran.digest, "--dataset", "liver"]).exits(0);
    ran.refuses(3, "the approval of this code was taken back since");
    ran.world.run(&["node", "approve", &ran.digest, "--dataset", "liver"]).exits(0);
    ran.refuses(3, "the approval of this code was taken back since");
}
