//! One job's life as the three people see it: author, researcher, operator.

use super::person::{Answer, Person, text};
use super::place::Dataset;
use super::rows;
use crate::paths;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A job whose bundle was fetched and verified.
pub(crate) struct Finished {
    /// Name of the dataset.
    pub(crate) dataset: String,
    /// Where its bundle is.
    pub(crate) bundle: PathBuf,
    /// Whether `trocar verify` said so, with the node's key pinned.
    pub(crate) verified: bool,
    /// The bundle's results.json.
    pub(crate) results: Value,
    algorithm: String,
    code: String,
}

impl Finished {
    /// Whether numbers came out.
    pub(crate) fn released(&self) -> bool {
        self.results["status"] == "released"
    }

    /// The released numbers.
    pub(crate) fn rows(&self) -> Vec<Value> {
        rows::rows(&self.dataset, &self.algorithm, &self.results)
    }

    /// For the list of what was withheld.
    pub(crate) fn summary(&self) -> Value {
        json!({"dataset": self.dataset, "algorithm": self.algorithm, "code": self.code})
    }
}

/// Packs, submits (refused), shows, approves, submits, fetches and verifies.
pub(crate) fn run(person: &Person, folder: &Path, dataset: &Dataset, algorithm: &str) -> Result<Finished> {
    let package = pack(person, folder, algorithm)?;
    let refused = submit(person, &package, dataset, algorithm, &[3])?;
    let code = refused.text("code")?;
    person.tell(&format!("  exit {}, {code}: no operator has approved this yet", refused.code));
    approve(person, dataset, algorithm)?;
    let submitted = submit(person, &package, dataset, algorithm, &[0, 4])?;
    let (job, code) = (submitted.text("job")?, submitted.text("code")?);
    person.expect(&["status", &job], &[0, 4])?;
    let bundles = folder.join("bundles");
    let bundle = fetch(person, &job, &bundles, &format!("{algorithm}.{}.zip", dataset.name))?;
    let verified = verify(person, folder, &bundle, &bundles)?;
    let unpacked = bundles.join(format!("trocar-{job}"));
    let results = read_results(&unpacked)?;
    let (algorithm, dataset_name) = (algorithm.to_owned(), dataset.name.to_owned());
    let finished = Finished { dataset: dataset_name, bundle, verified, results, algorithm, code };
    report(person, dataset, &finished, &unpacked);
    Ok(finished)
}

fn pack(person: &Person, folder: &Path, algorithm: &str) -> Result<String> {
    let package = folder.join(format!("{algorithm}.trocar")).to_string_lossy().into_owned();
    if Path::new(&package).is_file() {
        return Ok(package);
    }
    let manifest = paths::root().join("guest-examples").join(algorithm).join("manifest.toml");
    let (manifest, component) = (manifest.to_string_lossy(), paths::guest(algorithm));
    let component = component.to_string_lossy();
    person.ask(&[
        "pack",
        "--manifest",
        &manifest,
        "--component",
        &component,
        "--as",
        "author",
        "-o",
        &package,
    ])?;
    Ok(package)
}

/// Each algorithm is a project of its own, since a policy gives one project a share of the year's budget.
fn submit(person: &Person, package: &str, dataset: &Dataset, project: &str, codes: &[i32]) -> Result<Answer> {
    person.expect(&["submit", package, "--dataset", dataset.name, "--project", project], codes)
}

fn approve(person: &Person, dataset: &Dataset, algorithm: &str) -> Result<()> {
    let pending = person.ask(&["node", "pending"])?.json;
    let entries = pending.as_array().context("node pending answered no list")?;
    let wanted = |entry: &&Value| entry["dataset"] == dataset.name && entry["name"] == algorithm;
    let digest = text(entries.iter().find(wanted).context("the package is not pending")?, "digest")?;
    person.read(&["node", "show", &digest])?;
    let project = ["--project", algorithm, "--as", "operator"];
    person.ask(&[&["node", "approve", &digest, "--dataset", dataset.name][..], &project].concat()).map(drop)
}

fn fetch(person: &Person, job: &str, bundles: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(bundles).with_context(|| format!("cannot make {}", bundles.display()))?;
    let bundle = bundles.join(name);
    person.expect(&["results", "get", job, "-o", &bundle.to_string_lossy()], &[0, 4])?;
    Ok(bundle)
}

/// With the node's key pinned, so that an unknown signer fails too; the payload is unpacked only after all checks.
fn verify(person: &Person, folder: &Path, bundle: &Path, into: &Path) -> Result<bool> {
    let key = folder.join("node.pub");
    let (bundle, key, into) = (bundle.to_string_lossy(), key.to_string_lossy(), into.to_string_lossy());
    let answer = person.ask(&["verify", &bundle, "--key", &key, "--require-trust", "--unpack", &into])?;
    for proved in answer.json["proved"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        person.tell(&format!("  proved: {proved}"));
    }
    Ok(answer.json["verified"] == true && answer.json["trusted"] == true)
}

fn read_results(unpacked: &Path) -> Result<Value> {
    let file = unpacked.join("data").join("results.json");
    let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let results: Value = serde_json::from_slice(&bytes)?;
    ensure!(results["status"].is_string(), "{} has no status", file.display());
    Ok(results)
}

fn report(person: &Person, dataset: &Dataset, job: &Finished, unpacked: &Path) {
    let (algorithm, name) = (&job.algorithm, &job.dataset);
    if job.released() {
        person.tell(&format!("\nReleased by {algorithm} on {name}:"));
        person.tell(&rows::table(&job.rows()));
    } else {
        person.tell(&format!("\nWithheld: {algorithm} on {name} ({})", job.code));
        person.tell(&format!(
            "  {name} has {} patients in all, which only its operator sees. The gate",
            dataset.patients
        ));
        person.tell("  opens for k = 10 and a margin for its noise, about 50 in all: so nothing is");
        person.tell("  said about anyone. That is the point.");
    }
    person.tell(&format!("bundle  {}", paths::shown(&job.bundle)));
    for file in shown_files(&unpacked.join("data")) {
        person.tell(&format!("open    {}", paths::shown(&file)));
    }
}

/// The report and the plots.
fn shown_files(data: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let mut files: Vec<PathBuf> = list(&data.join("plots"));
    files.retain(|file| file.extension().is_some_and(|end| end == "svg"));
    files.sort();
    files.insert(0, data.join("ro-crate-preview.html"));
    files.into_iter().filter(|file| file.is_file()).collect()
}
