//! Two runs of one job by real processes, which differ in one voxel of one patient and in nothing else.
//!
//! The voxel is changed behind the node's back, with size and time of the file as they were: dataset, snapshot, manifest,
//! component, parameters, seed and clock are then the same in both, and so must be every byte that anyone outside can see.

use crate::world::{HELD, Said, World};
use serde_json::Value;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use trocar_terms::Timestamp;

/// The target does as everyone does.
pub const QUIET: i16 = 1990;

/// Seconds past a quarter of an hour, so that no slot begins by chance.
pub fn morning() -> Timestamp {
    Timestamp::from_seconds(1_893_488_400 + 137)
}

/// A node with one dataset and one approved guest, before anything ran.
pub struct Lab {
    pub world: World,
    pub package: PathBuf,
    target: Vec<PathBuf>,
}

/// Code, output and errors of a call.
pub type Call = (i32, String, String);

/// Status, an attempt to fetch the result, and the log that an auditor may have.
pub type Told = [Call; 3];

/// All that a researcher sees of one job, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub submitted: Call,
    /// At each quarter of an hour and the seconds round it.
    pub history: Vec<(i64, Told)>,
    pub budget: String,
    pub bundle: Vec<u8>,
    pub ledger: String,
}

impl Lab {
    /// So many patients of 8 x 8 x 4 voxels.
    pub fn new(guest: &str, patients: u32) -> Self {
        Self::seeded(guest, patients, "7")
    }

    pub fn seeded(guest: &str, patients: u32, seed: &str) -> Self {
        Self::packed(patients, seed, |world| world.pack(guest, &[]))
    }

    /// With a package that the test makes.
    pub fn packed(patients: u32, seed: &str, pack: impl FnOnce(&World) -> PathBuf) -> Self {
        let world = World::at(morning(), seed);
        let folder = tiny(&world, "cohort", patients);
        world.dataset("liver", &folder, &[HELD]).exits(0);
        let target = files_of_one(&folder);
        let package = pack(&world);
        world.approve(&package, "liver");
        Self { world, package, target }
    }

    /// Writes the first voxel of every slice of the target.
    pub fn mark(&self, hu: i16) {
        self.target.iter().for_each(|file| write_voxels(file, &[hu]));
    }

    /// One run in a copy of the node, from the submission to the last quarter of an hour.
    pub fn run(&self, hu: i16) -> Trace {
        self.mark(hu);
        let world = self.world.twin();
        let said = world.submit(&self.package, "liver", &["--detach"]).exits(0);
        let job = said.json()["job"].as_str().unwrap().to_owned();
        let release_at: Timestamp = said.json()["release_at"].as_str().unwrap().parse().unwrap();
        world.run(&["node", "resume"]).exits(0);
        let history = moments(release_at).map(|at| (at.seconds(), told(&world, &job, at))).collect();
        let budget = world.run(&["node", "budget"]).exits(0).out;
        let bundle = std::fs::read(world.path("bundle.zip")).expect("the bundle was fetched");
        let ledger = std::fs::read_to_string(world.home().join("ledger.log")).unwrap();
        Trace { submitted: seen(said), history, budget, bundle, ledger }
    }
}

impl Trace {
    /// Where it first is not like another, in few words.
    pub fn first_difference(&self, other: &Self) -> String {
        let at = self.history.iter().zip(&other.history).find(|(ours, theirs)| ours != theirs);
        let parts = [
            ("submission", self.submitted != other.submitted),
            ("budget", self.budget != other.budget),
            ("bundle", self.bundle != other.bundle),
            ("ledger", self.ledger != other.ledger),
        ];
        let parts: Vec<_> = parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
        format!("{parts:?}, history at {:?}", at.map(|(ours, _)| ours.0))
    }

    /// The last state that was shown.
    pub fn state(&self) -> String {
        let (_, [(_, status, _), ..]) = self.history.last().unwrap();
        let status: Value = serde_json::from_str(status).unwrap();
        status["state"].as_str().unwrap().to_owned()
    }
}

/// Each end of a slot until after the release, with the second before and the one after.
pub fn moments(release_at: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = morning().slot_ceil(900);
    let slots = (release_at.seconds() - first.seconds()) / 900 + 2;
    (0..slots).flat_map(move |slot| [-1, 0, 1].map(|off| first.plus(slot * 900 + off)))
}

/// What the world is told at a moment.
pub fn told(world: &World, job: &str, at: Timestamp) -> Told {
    let [status, fetched] = asked(world, job, at);
    let (code, out, err) = exported(world);
    [status, fetched, (code, without(&out, world), without(&err, world))]
}

/// What a researcher is told at a moment.
pub fn asked(world: &World, job: &str, at: Timestamp) -> [Call; 2] {
    world.set_clock(at);
    let status = world.run(&["status", job]);
    let out = world.path("bundle.zip").display().to_string();
    let fetched = world.run(&["results", "get", job, "-o", &out]);
    [seen(status), seen(fetched)].map(|(code, out, err)| (code, without(&out, world), without(&err, world)))
}

/// The public log as it is written for the world at this moment: each file's name and bytes.
pub fn exported(world: &World) -> Call {
    let folder = world.path("export");
    let _ = std::fs::remove_dir_all(&folder);
    let said = world.run(&["node", "audit", "--export", &folder.display().to_string()]).exits(0);
    let mut files = Vec::new();
    every_file(&folder, &mut files);
    files.sort();
    let text = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        format!("{} {}\n", path.strip_prefix(&folder).unwrap().display(), String::from_utf8_lossy(&bytes))
    };
    (said.code, said.out + &files.iter().map(text).collect::<String>(), said.err)
}

fn seen(said: Said) -> Call {
    (said.code, said.out, said.err)
}

/// Each world has a folder of its own, which is the researcher's and says nothing.
fn without(text: &str, world: &World) -> String {
    text.replace(&world.folder.path().display().to_string(), "FOLDER")
}

/// A cohort of small volumes.
pub fn tiny(world: &World, name: &str, patients: u32) -> PathBuf {
    let folder = world.path(name);
    let (out, n) = (folder.display().to_string(), patients.to_string());
    let args = [
        "testkit",
        "cohort",
        "-o",
        &out,
        "--patients",
        &n,
        "--seed",
        "7",
        "--modality",
        "CT",
        "--size",
        "tiny",
    ];
    world.run(&args).exits(0);
    folder
}

/// All files of the patient whose folder comes first.
pub fn files_of_one(cohort: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    gather(cohort, &mut all);
    all.sort();
    let hers = all.first().and_then(|file| file.parent()).expect("the cohort has files").to_owned();
    all.retain(|file| file.parent() == Some(&hers));
    all
}

/// All DICOM files below a folder.
pub fn gather(folder: &Path, into: &mut Vec<PathBuf>) {
    every_file(folder, into);
    into.retain(|path| path.extension().is_some_and(|ending| ending == "dcm"));
}

fn every_file(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { every_file(&path, into) } else { into.push(path) }
    }
}

/// Overwrites the first voxels of a slice of the testkit (16 bits, slope 1, intercept -1024), and nothing that a scan looks at.
pub fn write_voxels(file: &Path, hu: &[i16]) {
    let bytes = std::fs::read(file).unwrap();
    let before = std::fs::metadata(file).unwrap().modified().unwrap();
    let tag = [0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0];
    let pixels = bytes.windows(8).rposition(|window| window == tag).expect("explicit little endian") + 12;
    let stored: Vec<u8> = hu.iter().flat_map(|hu| (hu + 1024).to_le_bytes()).collect();
    let mut file = std::fs::File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(pixels as u64)).unwrap();
    file.write_all(&stored).unwrap();
    file.set_modified(before).unwrap();
}

/// What each patient gave, as the guest returned it, mapped by real workers: `trocar test`, once.
pub fn mapped(world: &World, guest: &str, cohort: &Path) -> Vec<trocar_filter::Contribution> {
    let [m, c, d] = [&crate::world::manifest(guest), &crate::world::guest(guest), cohort]
        .map(|p| p.display().to_string());
    let args = ["test", "--manifest", &m, "--component", &c, "--data", &d, "--exact", "--per-patient"];
    let result = world.run(&args).exits(0).json();
    let rows = result["per_patient"].as_array().expect("a row a patient").clone();
    let vectors = |row: &Value| serde_json::from_value(row["contribution"].clone()).unwrap_or_default();
    rows.iter().map(|row| trocar_filter::Contribution(vectors(row))).collect()
}

/// The two cohorts that a guest tells apart by one voxel of the target.
pub fn two_cohorts(guest: &str, patients: u32, voxels: [i16; 2]) -> [Vec<trocar_filter::Contribution>; 2] {
    let world = World { folder: tempfile::tempdir().unwrap() };
    let cohort = tiny(&world, "cohort", patients);
    voxels.map(|hu| {
        files_of_one(&cohort).iter().for_each(|file| write_voxels(file, &[hu]));
        mapped(&world, guest, &cohort)
    })
}
