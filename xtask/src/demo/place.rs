//! The hospital's side: a fresh folder, datasets, their policies.

use super::person::Person;
use crate::paths::{root, shown, target};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// One dataset of the node, scanned.
pub(crate) struct Dataset {
    /// Its name on the node.
    pub(crate) name: &'static str,
    /// Whether its patients are invented.
    pub(crate) synthetic: bool,
    /// How many patients the operator sees.
    pub(crate) patients: u64,
    ct: u64,
    pt: u64,
}

impl Dataset {
    /// The algorithms that have something to read here; `lesion-volume` needs a clinical table.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        let all =
            [("ct-intensity", self.ct > 0), ("lesion-volume", self.synthetic), ("pet-suv", self.pt > 0)];
        all.into_iter().filter_map(|(name, fits)| fits.then_some(name)).collect()
    }
}

/// The next free `target/demo/<n>`; earlier runs stay as they are.
pub(crate) fn fresh() -> Result<PathBuf> {
    let demo = target().join("demo");
    fs::create_dir_all(&demo).with_context(|| format!("cannot make {}", demo.display()))?;
    for n in 1_u32.. {
        let folder = demo.join(n.to_string());
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot make {}", folder.display())),
        }
    }
    anyhow::bail!("{} is full", demo.display())
}

/// Adds and scans the synthetic cohort and, where there are some, the real files.
pub(crate) fn datasets(
    person: &Person,
    folder: &Path,
    patients: u32,
    real: Option<&Path>,
) -> Result<Vec<Dataset>> {
    let cohort = folder.join("synthetic");
    let (count, to) = (patients.to_string(), cohort.to_string_lossy());
    person.ask(&["testkit", "cohort", "-o", &to, "--patients", &count, "--seed", "1", "--modality", "CT"])?;
    let policy = policy(folder, "synthetic", patients.saturating_mul(2).max(500))?;
    let (policy, table) = (policy.to_string_lossy(), cohort.join("clinical.csv"));
    let table = table.to_string_lossy();
    person.ask(&["node", "dataset", "add", "synthetic", &to, "--clinical", &table, "--policy", &policy])?;
    if let Some(files) = real {
        real_dataset(person, folder, files)?;
    }
    scan(person)
}

fn real_dataset(person: &Person, folder: &Path, files: &Path) -> Result<()> {
    let policy = policy(folder, "real", 5000)?;
    let (files, policy) = (files.to_string_lossy(), policy.to_string_lossy());
    person.ask(&["node", "dataset", "add", "real", &files, "--policy", &policy])?;
    person.tell(
        "  The demo's policy does not ask for (0012,0062) Patient Identity Removed = YES: few public test",
    );
    person.tell("  files carry it. A hospital's default policy quarantines every file without it.");
    Ok(())
}

fn scan(person: &Person) -> Result<Vec<Dataset>> {
    let answer = person.ask(&["node", "scan"])?;
    let scans = answer.json.as_array().context("node scan answered no list")?;
    for scan in scans {
        tell(person, scan);
    }
    let of = |name| scans.iter().find(move |scan| scan["dataset"] == name).map(|scan| dataset(name, scan));
    Ok(["synthetic", "real"].into_iter().filter_map(of).collect())
}

fn dataset(name: &'static str, scan: &Value) -> Dataset {
    let series = |modality: &str| scan["series"][modality].as_u64().unwrap_or(0);
    let patients = scan["patients"].as_u64().unwrap_or(0);
    Dataset { name, synthetic: name == "synthetic", patients, ct: series("CT"), pt: series("PT") }
}

/// Counts, and how many files were quarantined for which reason: the operator may see this, no one else.
fn tell(person: &Person, scan: &Value) {
    let mut reasons = std::collections::BTreeMap::<&str, u32>::new();
    for file in scan["quarantined"].as_array().into_iter().flatten() {
        *reasons.entry(file["reason"].as_str().unwrap_or("unknown")).or_default() += 1;
    }
    let listed: Vec<_> = reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
    let name = scan["dataset"].as_str().unwrap_or_default();
    person.tell(&format!(
        "  {name}: {} files, {} patients; quarantined: {listed}",
        scan["files"], scan["patients"]
    ));
}

/// The demo's policy under another bound of the number of patients, which is declared and not counted.
fn policy(folder: &Path, name: &str, size_bound: u32) -> Result<PathBuf> {
    let demo = root().join("manifests").join("policies").join("demo.toml");
    let text = fs::read_to_string(&demo).with_context(|| format!("cannot read {}", shown(&demo)))?;
    let file = folder.join(format!("{name}.policy.toml"));
    fs::write(&file, bounded(&text, size_bound)?)
        .with_context(|| format!("cannot write {}", shown(&file)))?;
    Ok(file)
}

fn bounded(text: &str, size_bound: u32) -> Result<String> {
    const DECLARED: &str = "size_bound = 500 ";
    ensure!(text.contains(DECLARED), "the demo's policy does not say {DECLARED:?}");
    Ok(text.replacen(DECLARED, &format!("size_bound = {size_bound} "), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_s_policy_takes_another_bound() {
        let text = include_str!("../../../manifests/policies/demo.toml");
        assert!(bounded(text, 900).unwrap().contains("size_bound = 900 "));
    }

    #[test]
    fn a_policy_without_the_line_to_change_is_an_error() {
        assert!(bounded("k = 10", 900).unwrap_err().to_string().contains("size_bound"));
    }

    #[test]
    fn a_dataset_without_volumes_runs_nothing() {
        let none = serde_json::json!({"dataset": "real", "patients": 3, "series": {"MR": 3}});
        assert_eq!(dataset("real", &none).algorithms(), Vec::<&str>::new());
    }
}
