//! One person's machine: a home, folders, and the real binary.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use trocar_terms::Timestamp;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn place(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join(default), PathBuf::from)
}

/// The binary that `cargo xtask test` built.
pub fn binary() -> PathBuf {
    let path = place("TROCAR_BIN", "target/debug/trocar");
    assert!(path.is_file(), "there is no {}: run `cargo xtask test`, which builds it", path.display());
    path
}

/// A guest's core module.
pub fn guest(name: &str) -> PathBuf {
    let folder = place("TROCAR_GUESTS", "target/wasm32-unknown-unknown/guest");
    let path = folder.join(format!("{}.wasm", name.replace('-', "_")));
    assert!(path.is_file(), "there is no {}: run `cargo xtask guests`", path.display());
    path
}

/// A guest's manifest.
pub fn manifest(name: &str) -> PathBuf {
    let own = root().join("tests/guests").join(name).join("manifest.toml");
    if own.is_file() { own } else { root().join("guest-examples").join(name).join("manifest.toml") }
}

/// Fetched real files; `None`, said on one line, where `cargo xtask data` could not fetch them.
pub fn pydicom() -> Option<PathBuf> {
    let path = place("TROCAR_DATA", "target/data").join("pydicom");
    if !path.is_dir() {
        println!("skipped: no real DICOM files in {} (cargo xtask data)", path.display());
        return None;
    }
    Some(path)
}

/// Real data that is shared beside the project.
pub fn shared() -> PathBuf {
    place("TROCAR_TEST_DATA", "../shared/data")
}

/// The 51 real PET patients, unpacked; `None`, said on one line, where they are not on this machine.
pub fn real_pet(into: &Path) -> Option<PathBuf> {
    let archive = shared().join("sts/sts51_pet_rtstruct.tar.zst");
    if !archive.is_file() {
        println!("skipped: {} is not here", archive.display());
        return None;
    }
    let status =
        Command::new("tar").arg("-C").arg(into).arg("--zstd").arg("-xf").arg(&archive).status().unwrap();
    assert!(status.success(), "tar could not unpack {}", archive.display());
    Some(into.to_owned())
}

/// Asks `World::dataset` to leave release times held to their slots.
pub const HELD: (&str, &str) = ("slot_minutes = 15", "slot_minutes = 15");

/// What a call gave.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The JSON on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("stdout is not JSON ({e}): {self:?}"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the exit code is not the one of DESIGN.md section 7: {self:#?}");
        self
    }
}

impl From<Output> for Said {
    fn from(o: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: o.status.code().unwrap_or(-1), out: text(o.stdout), err: text(o.stderr) }
    }
}

/// A home with a node and an author's key, in a folder that is removed at the end.
pub struct World {
    pub folder: tempfile::TempDir,
}

impl World {
    /// A node that has just been made.
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.run(&["node", "init"]).exits(0);
        world.run(&["key", "new", "author"]).exits(0);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// A node that has just been made, on a clock that stands still and with a seeded generator: two worlds of one seed that
    /// are asked the same say the same, byte for byte.
    pub fn at(time: Timestamp, seed: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.set_clock(time);
        std::fs::write(world.path("seed"), seed).unwrap();
        world.run(&["node", "init"]).exits(0);
        world.run(&["key", "new", "author"]).exits(0);
        world
    }

    /// Moves the clock of a world that was made by `at`.
    pub fn set_clock(&self, time: Timestamp) {
        let (new, clock) = (self.path("clock.new"), self.path("clock"));
        std::fs::write(&new, time.seconds().to_string()).unwrap();
        std::fs::rename(new, clock).unwrap();
    }

    /// Another world with the same home, clock and seed. Datasets stay where they are, in the folder of the first.
    pub fn twin(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["home", "clock", "seed"] {
            let status =
                Command::new("cp").arg("-a").arg(self.path(part)).arg(folder.path()).status().unwrap();
            assert!(status.success(), "cannot copy {part}");
        }
        Self { folder }
    }

    /// The product, or for a world that was made by `at` the same with its clock and seed.
    fn program(&self) -> Command {
        let (clock, seed) = (self.path("clock"), self.path("seed"));
        if !clock.is_file() {
            return Command::new(binary());
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_trocar-seeded"));
        command
            .env("TROCAR_TEST_CLOCK", clock)
            .env("TROCAR_TEST_SEED", std::fs::read_to_string(seed).unwrap());
        command
    }

    /// The binary with this home, ready for more arguments.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program();
        command.env("TROCAR_HOME", self.home()).env("NO_COLOR", "1").arg("--json").args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    /// A synthetic cohort in a folder of its own.
    pub fn cohort(&self, name: &str, patients: u32, modality: &str) -> PathBuf {
        let folder = self.path(name);
        let (out, n) = (folder.display().to_string(), patients.to_string());
        self.run(&["testkit", "cohort", "-o", &out, "--patients", &n, "--seed", "7", "--modality", modality])
            .exits(0);
        folder
    }

    /// Adds a dataset under the strict policy with slots off, and scans it.
    pub fn dataset(&self, name: &str, folder: &Path, change: &[(&str, &str)]) -> Said {
        let path = folder.display().to_string();
        let clinical = folder.join("clinical.csv");
        let table = clinical.display().to_string();
        let mut args = vec!["node", "dataset", "add", name, &path];
        if clinical.is_file() {
            args.extend(["--clinical", &table]);
        }
        self.run(&args).exits(0);
        if !change.contains(&HELD) {
            self.change_policy(name, &[("slot_minutes = 15", "slot_minutes = 0")]);
        }
        self.change_policy(name, change);
        self.run(&["node", "scan", name])
    }

    /// Edits a dataset's policy as its operator would.
    pub fn change_policy(&self, name: &str, change: &[(&str, &str)]) {
        let path = self.home().join("policy").join(format!("{name}.toml"));
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in change {
            assert!(text.contains(from), "the policy does not say {from:?}:\n{text}");
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).unwrap();
    }

    /// Packs a guest under its manifest, changed as asked.
    pub fn pack(&self, name: &str, change: &[(&str, &str)]) -> PathBuf {
        let mut text = std::fs::read_to_string(manifest(name)).unwrap();
        for (from, to) in change {
            assert!(text.contains(from), "the manifest of {name} does not say {from:?}");
            text = text.replace(from, to);
        }
        let (manifest, package) = (self.path(&format!("{name}.toml")), self.path(&format!("{name}.trocar")));
        std::fs::write(&manifest, text).unwrap();
        let [m, c, p] = [&manifest, &guest(name), &package].map(|p| p.display().to_string());
        self.run(&["pack", "--manifest", &m, "--component", &c, "-o", &p]).exits(0);
        package
    }

    pub fn submit(&self, package: &Path, dataset: &str, more: &[&str]) -> Said {
        let path = package.display().to_string();
        self.run(&[&["submit", &path, "--dataset", dataset], more].concat())
    }

    /// Submits, which is refused, and approves what then waits.
    pub fn approve(&self, package: &Path, dataset: &str) {
        self.approve_for(package, dataset, &["any"]);
    }

    /// As `approve`, once for each project; `any` names none.
    pub fn approve_for(&self, package: &Path, dataset: &str, projects: &[&str]) {
        let refused = self.submit(package, dataset, &[]).exits(3).json();
        assert_eq!(refused["code"], "APP-01", "a package without approval was not refused as such");
        let pending = self.run(&["node", "pending"]).exits(0).json();
        let digest = pending[0]["digest"].as_str().expect("the refused package waits").to_owned();
        for project in projects {
            let named = if *project == "any" { vec![] } else { vec!["--project", project] };
            let approve = ["node", "approve", &digest, "--dataset", dataset, "--runs", "9"];
            self.run(&[&approve[..], &named].concat()).exits(0);
        }
    }

    /// Fetches a job's bundle and verifies it under the node's key.
    pub fn fetch(&self, job: &Value, code: i32) -> (PathBuf, Value) {
        let (bundle, key) = (self.path("bundle.zip"), self.path("node.pub"));
        let [b, k] = [&bundle, &key].map(|p| p.display().to_string());
        self.run(&["results", "get", job.as_str().unwrap(), "-o", &b]).exits(code);
        self.run(&["key", "export", "node", "-o", &k]).exits(0);
        let verified = self.run(&["verify", &b, "--key", &k, "--require-trust"]).exits(0).json();
        assert_eq!((&verified["verified"], &verified["trusted"]), (&true.into(), &true.into()));
        (bundle, verified["results"].clone())
    }
}
