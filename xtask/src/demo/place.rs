//! The hospital's side: a fresh folder, datasets, their policies.

use super::person::Person;
use crate::paths::{shown, target};
use anyhow::{Context, Result};
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
        let all = [
            ("ct-intensity", self.ct > 0),
            ("lesion-volume", self.synthetic),
            ("pet-suv", self.pt > 0),
        ];
        all.into_iter()
            .filter_map(|(name, fits)| fits.then_some(name))
            .collect()
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
    operator: &str,
    patients: u32,
    real: Option<&Path>,
) -> Result<Vec<Dataset>> {
    let cohort = folder.join("synthetic");
    let (count, to) = (patients.to_string(), cohort.to_string_lossy());
    person.ask(&[
        "testkit",
        "cohort",
        "-o",
        &to,
        "--patients",
        &count,
        "--seed",
        "1",
        "--modality",
        "CT",
    ])?;
    let policy = Policy {
        operator,
        size_bound: patients.saturating_mul(2).max(500),
        synthetic: true,
    };
    let clinical = cohort.join("clinical.csv");
    let add = [
        "node",
        "dataset",
        "add",
        "synthetic",
        &to,
        "--clinical",
        &clinical.to_string_lossy(),
    ]
    .map(str::to_owned);
    with_policy(
        person,
        &add,
        &policy.write(&folder.join("synthetic.policy.toml"))?,
    )?;
    if let Some(files) = real {
        real_dataset(person, folder, operator, files)?;
    }
    scan(person)
}

fn real_dataset(person: &Person, folder: &Path, operator: &str, files: &Path) -> Result<()> {
    let policy = Policy {
        operator,
        size_bound: 5000,
        synthetic: false,
    };
    let add = ["node", "dataset", "add", "real", &files.to_string_lossy()].map(str::to_owned);
    with_policy(person, &add, &policy.write(&folder.join("real.policy.toml"))?)?;
    person.tell(
        "  The policy of `real` does not ask for (0012,0062) Patient Identity Removed = YES: few public test",
    );
    person.tell("  files carry it. A hospital's default policy quarantines every file without it.");
    Ok(())
}

fn with_policy(person: &Person, add: &[String], policy: &Path) -> Result<()> {
    let policy = policy.to_string_lossy();
    let words: Vec<&str> = add
        .iter()
        .map(String::as_str)
        .chain(["--policy", &policy])
        .collect();
    person.ask(&words).map(drop)
}

fn scan(person: &Person) -> Result<Vec<Dataset>> {
    let answer = person.ask(&["node", "scan"])?;
    let scans = answer.json.as_array().context("node scan answered no list")?;
    for scan in scans {
        tell(person, scan);
    }
    let of = |name| {
        scans
            .iter()
            .find(move |scan| scan["dataset"] == name)
            .map(|scan| dataset(name, scan))
    };
    Ok(["synthetic", "real"].into_iter().filter_map(of).collect())
}

fn dataset(name: &'static str, scan: &Value) -> Dataset {
    let series = |modality: &str| scan["series"][modality].as_u64().unwrap_or(0);
    let patients = scan["patients"].as_u64().unwrap_or(0);
    Dataset {
        name,
        synthetic: name == "synthetic",
        patients,
        ct: series("CT"),
        pt: series("PT"),
    }
}

/// Counts, and how many files were quarantined for which reason: the operator may see this, no one else.
fn tell(person: &Person, scan: &Value) {
    let mut reasons = std::collections::BTreeMap::<&str, u32>::new();
    for file in scan["quarantined"].as_array().into_iter().flatten() {
        *reasons
            .entry(file["reason"].as_str().unwrap_or("unknown"))
            .or_default() += 1;
    }
    let listed: Vec<_> = reasons
        .iter()
        .map(|(reason, n)| format!("{reason} {n}"))
        .collect();
    let listed = if listed.is_empty() {
        "none".to_owned()
    } else {
        listed.join(", ")
    };
    let name = scan["dataset"].as_str().unwrap_or_default();
    person.tell(&format!(
        "  {name}: {} files, {} patients; quarantined: {listed}",
        scan["files"], scan["patients"]
    ));
}

/// What differs between the policies of the demo's two datasets.
struct Policy<'a> {
    operator: &'a str,
    size_bound: u32,
    synthetic: bool,
}

impl Policy<'_> {
    fn write(&self, file: &Path) -> Result<PathBuf> {
        fs::write(file, self.text()).with_context(|| format!("cannot write {}", shown(file)))?;
        Ok(file.to_owned())
    }

    /// The synthetic cohort has a clinical table, and all its headers say that they are de-identified.
    fn text(&self) -> String {
        include_str!("policy.toml")
            .replace("{operator}", self.operator)
            .replace("{size_bound}", &self.size_bound.to_string())
            .replace("{require}", &self.synthetic.to_string())
            .replace(
                "{columns}",
                if self.synthetic {
                    include_str!("columns.toml").trim()
                } else {
                    "[]"
                },
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_no_name_left_to_fill_in() {
        for synthetic in [true, false] {
            let text = Policy {
                operator: "ed25519:00",
                size_bound: 500,
                synthetic,
            }
            .text();
            assert!(
                !text
                    .lines()
                    .any(|line| line.contains("= {") && !line.contains(" = [")),
                "{text}"
            );
            assert!(!text.contains("{operator}"), "{text}");
        }
    }

    #[test]
    fn a_dataset_without_volumes_runs_nothing() {
        let none = serde_json::json!({"dataset": "real", "patients": 3, "series": {"MR": 3}});
        assert_eq!(dataset("real", &none).algorithms(), Vec::<&str>::new());
    }
}
