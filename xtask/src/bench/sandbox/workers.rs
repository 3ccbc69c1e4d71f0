//! Two workers against one, and the sums of both.

use super::super::rows::{Op, Row};
use super::super::{ROUNDS, folder, median};
use crate::run::{capture, cargo, line, say};
use crate::setup::Tools;
use crate::{build, paths, suite};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Patients whose guests use up their fuel and do nothing else.
const PATIENTS: &str = "16";

/// The guest loops at this value of a patient's first voxel.
const LOUD: i16 = 1991;
const GUEST: &str = "attack_endless";

pub(super) fn rows(tools: Tools, quick: bool) -> Result<Vec<Row>> {
    let node = Prepared::new(tools)?;
    let rounds = if quick { 3 } else { ROUNDS };
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        say(&format!("round {round} of {rounds}"));
        one.push(node.run(1)?);
        two.push(node.run(2)?);
    }
    let ratio = median(one.iter().zip(&two).map(|(one, two)| one / two).collect());
    Ok(vec![faster(median(two), ratio), same_sums(tools)?])
}

fn faster(seconds: f64, ratio: f64) -> Row {
    Row {
        name: "two workers against one, maps that compute".to_owned(),
        value: seconds,
        unit: "s",
        against: "one worker".to_owned(),
        ratio: Some(ratio),
        bar: 1.8,
        op: Op::AtLeast,
    }
}

/// What holds this is a test, which is run here by name.
fn same_sums(tools: Tools) -> Result<Row> {
    let mut test = cargo();
    test.args(["test", "--workspace", "--test", "e2e"]).args(tools.features()).args(build::locked());
    let name = "workers::a_job_has_the_same_sums_on_one_core_and_on_two_in_any_order_and_on_every_build";
    test.args(["--", "--exact", name]);
    let said = capture(&mut suite::surroundings(test))?;
    let passed =
        String::from_utf8_lossy(&said.stdout).lines().any(|said| said == format!("test {name} ... ok"));
    Ok(Row {
        name: "the same job with 1 and 2 workers, shuffled, and pinned from another build".to_owned(),
        value: f64::from(u8::from(!passed)),
        unit: "sums that differ",
        against: String::new(),
        ratio: None,
        bar: 0.0,
        op: Op::AtMost,
    })
}

/// A home with an approved job, to be copied for each run.
struct Prepared {
    binary: PathBuf,
    folder: PathBuf,
    package: PathBuf,
}

impl Prepared {
    fn new(tools: Tools) -> Result<Self> {
        build::guests()?;
        let binary = build::binary(tools)?;
        let folder = folder("workers")?;
        fs::remove_dir_all(&folder)?;
        fs::create_dir_all(&folder)?;
        let package = folder.join("endless.trocar");
        let node = Self { binary, folder, package };
        node.cohort()?;
        node.dataset()?;
        node.approved()?;
        Ok(node)
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn cohort(&self) -> Result<()> {
        let to = self.at("cohort");
        let shape = ["--patients", PATIENTS, "--seed", "7", "--modality", "CT", "--size", "tiny"];
        self.ask("home", &[&["testkit", "cohort", "-o", &to][..], &shape].concat(), &[0])?;
        mark(Path::new(&to))
    }

    fn dataset(&self) -> Result<()> {
        self.ask("home", &["node", "init"], &[0])?;
        self.ask("home", &["key", "new", "author"], &[0])?;
        let (cohort, table) = (self.at("cohort"), self.at("cohort/clinical.csv"));
        let policy = paths::root().join("manifests/policies/demo.toml").to_string_lossy().into_owned();
        let add = ["node", "dataset", "add", "loud", &cohort, "--clinical", &table, "--policy", &policy];
        self.ask("home", &add, &[0])?;
        self.ask("home", &["node", "scan"], &[0]).map(drop)
    }

    fn approved(&self) -> Result<()> {
        let manifest = paths::root().join("tests/guests").join(GUEST).join("manifest.toml");
        let (manifest, component) = (manifest.to_string_lossy(), paths::guest(GUEST));
        let (component, package) = (component.to_string_lossy(), self.package.to_string_lossy());
        let pack = ["pack", "--manifest", &manifest, "--component", &component, "-o", &package];
        self.ask("home", &pack, &[0])?;
        self.ask("home", &["submit", &package, "--dataset", "loud"], &[3])?;
        let pending = self.ask("home", &["node", "pending"], &[0])?;
        let digest = pending[0]["digest"].as_str().context("the package is not pending")?;
        self.ask("home", &["node", "approve", digest, "--dataset", "loud"], &[0]).map(drop)
    }

    /// Seconds of the job in a fresh copy of the home, on so many cores.
    fn run(&self, workers: usize) -> Result<f64> {
        let home = self.at("copy");
        let _ = fs::remove_dir_all(&home);
        let mut copy = Command::new("cp");
        copy.args(["-a", &self.at("home"), &home]);
        ensure!(copy.status()?.success(), "{} did not end well", line(&copy));
        let cores: Vec<String> = cores()?.into_iter().take(workers).collect();
        ensure!(cores.len() == workers, "this machine has no {workers} cores for it");
        let mut command = Command::new("taskset");
        command.arg("-c").arg(cores.join(",")).arg(&self.binary).env("TROCAR_HOME", &home);
        command.args(["submit", &self.package.to_string_lossy(), "--dataset", "loud", "--json"]);
        let begun = Instant::now();
        // A cohort so small is withheld.
        let code = capture(&mut command)?.status.code();
        ensure!(code == Some(4), "{} ended with {code:?}", line(&command));
        Ok(begun.elapsed().as_secs_f64())
    }

    fn ask(&self, home: &str, arguments: &[&str], codes: &[i32]) -> Result<Value> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--json").env("TROCAR_HOME", self.at(home));
        let output = capture(&mut command)?;
        let code = output.status.code().unwrap_or(-1);
        ensure!(codes.contains(&code), "{} ended with {}", line(&command), output.status);
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }
}

/// Writes the voxel at which the guest loops into every slice of the testkit (16 bits, slope 1, intercept -1024).
fn mark(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            mark(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "dcm") {
            let mut bytes = fs::read(&path)?;
            let tag = [0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0];
            let pixels = bytes.windows(tag.len()).rposition(|window| window == tag);
            let at = pixels.context("a slice without pixels in explicit little endian")?.saturating_add(12);
            let voxel = bytes.get_mut(at..at.saturating_add(2)).context("a slice that ends early")?;
            voxel.copy_from_slice(&(LOUD + 1_024).to_le_bytes());
            fs::write(&path, bytes)?;
        }
    }
    Ok(())
}

/// Cores that this process may run on.
fn cores() -> Result<Vec<String>> {
    let mut command = Command::new("taskset");
    command.args(["-cp", &std::process::id().to_string()]);
    let output = capture(&mut command)?;
    ensure!(output.status.success(), "{} ended with {}", line(&command), output.status);
    let text = String::from_utf8(output.stdout)?;
    let list = text.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse()?, last.parse()?);
        all.extend((first..=last).map(|core| core.to_string()));
    }
    Ok(all)
}
