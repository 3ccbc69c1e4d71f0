//! `trocar test`: the author's rehearsal, with the host, limits and filter of a node, on synthetic or own data.
//!
//! It opens no home and has no node key. What it makes is a `Rehearsal`, which no bundle and no node accepts.

use crate::args::Test;
use crate::author::{
    Models, check_component, decide, exact_plan, job_models, launcher, plan, read_algorithm, read_policy,
    required_component,
};
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::out::{Out, say, table};
use anyhow::Context;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trocar_filter::{
    Contribution, ExactPlan, ExactRehearsal, GaussianNoise, Plan, Rehearsal, Untrusted, rehearse_exact,
    rehearse_rounds, rules,
};
use trocar_manifest::keys::SecretKey;
use trocar_manifest::{Manifest, Package};
use trocar_node::{Indexed, counted, grant_of, system_random};
use trocar_policy::Policy;
use trocar_terms::{Class, ColumnRule, Modality, TableRules};
use trocar_testkit::cohort::{self, CohortSpec};
use trocar_worker::{ClinicalTable, FileEntry, Launcher, MapJob, Mapped, ScanRules, Slot};

pub(crate) fn test(out: Out, args: &Test) -> Result<Exit, Failure> {
    let (manifest, component, models) = algorithm(args)?;
    let policy = match &args.policy {
        Some(path) => read_policy(path)?,
        None => permissive(manifest.class)?,
    };
    let parameters: BTreeMap<String, String> = args.params.iter().cloned().collect();
    let decision = decide(&policy, &manifest, &parameters, args.where_.as_deref())?;
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (folder, clinical) = data(args, &manifest, scratch.path())?;
    let cohort = read(out, args, &policy, &manifest, (&folder, clinical.as_deref()))?;
    let grant = grant_of(&manifest);
    let members: Vec<&Indexed> =
        cohort.patients.iter().filter(|p| p.is_in(&decision.cohort, &grant)).collect();
    let plan = match manifest.class {
        Class::AnyCode => Ok(plan(&manifest, Some(&policy))?),
        Class::ReviewedCode => Err(exact_plan(&manifest, Some(&policy))?),
    };
    let mut job = MapJob {
        code: check_component(&component, &grant)?,
        models: job_models(&manifest, &models)?,
        grant,
        limits: manifest.limits,
        params: decision.parameters.into_iter().collect(),
        state: Vec::new(),
        shape: plan.as_ref().map_or_else(ExactPlan::shape, Plan::shape),
        author: true,
        shared: false,
    };
    let mut mapped = Vec::new();
    let round = |state: &[f64]| {
        job.state = state.to_vec();
        mapped = map(out, &job, &members, &cohort.files, &folder)?;
        Ok(mapped.iter_mut().map(taken).collect())
    };
    match plan {
        Ok(plan) => {
            let rehearsal = rehearsed(&plan, round, args.exact)?;
            tell(out, args, &members, &mapped, &rehearsal)
        }
        Err(plan) => {
            let contributions = map(out, &job, &members, &cohort.files, &folder)?;
            let rehearsal =
                rehearse_exact(&plan, contributions.into_iter().map(|mut m| taken(&mut m)).collect());
            tell_exact(out, args, (&manifest, &members), &rehearsal)
        }
    }
}

/// What the airlock would hold, with the rules' word on each number. No noise is ever added here.
fn tell_exact(
    out: Out,
    args: &Test,
    (manifest, members): (&Manifest, &[&Indexed]),
    rehearsal: &ExactRehearsal,
) -> Result<Exit, Failure> {
    let rows = members.iter().zip(&rehearsal.patients);
    let rows: Vec<Json> =
        rows.map(|(m, raw)| json!({"patient": m.record.patient_id, "contribution": raw})).collect();
    let mut result = json!({"rehearsal": true, "class": Class::ReviewedCode, "patients": members.len(),
        "evidence": rehearsal.evidence});
    if args.per_patient {
        result["per_patient"] = json!(rows);
    }
    out.result(&result, || {
        let head = format!(
            "rehearsal of reviewed code on {}; nothing here is a release",
            counted(members.len(), "patient")
        );
        format!("{head}\n{}", crate::airlock::evidence(&rehearsal.evidence, &manifest.outputs))
    })?;
    if rehearsal.evidence.cohort != rules::Verdict::Shown {
        say("An output checker could only withhold this: the cohort is below k.");
        return Ok(Exit::Withheld);
    }
    Ok(Exit::Done)
}

fn algorithm(args: &Test) -> Result<(Manifest, Vec<u8>, Models), Failure> {
    if let Some(path) = &args.package {
        let bytes = read_bounded(path, Input::Package)?;
        let package = Package::open(&bytes).map_err(|e| Failure::plain(Exit::Unverified, e))?;
        return Ok((package.manifest, package.component, package.models));
    }
    let (_, manifest, models) = read_algorithm(&args.algorithm)?;
    Ok((manifest, required_component(&args.algorithm)?, models))
}

/// N_pub of a rehearsal without a policy of its own.
const SIZE_BOUND: u32 = 500;

/// The demo's policy, which grants what the testkit writes, under keys that nobody keeps.
fn permissive(class: Class) -> Result<Policy, Failure> {
    let key = || SecretKey::generate(&mut system_random()).public();
    let mut text = Policy::demo(&key(), SIZE_BOUND);
    // Whoever rehearses a model has brought it.
    text = text.replacen("models = false", "models = true", 1);
    if class == Class::ReviewedCode {
        let reviewers = format!("reviewers = [\"{}\", \"{}\"]", key(), key());
        text = text.replacen("reviewers = []", &reviewers, 1);
        text = text.replacen("classes = [\"any-code\"]", "classes = [\"reviewed-code\"]", 1);
    }
    Policy::parse("rehearsal policy", &text).map_err(|e| Failure::located(Exit::Failed, e))
}

fn data(args: &Test, manifest: &Manifest, scratch: &Path) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    if let Some(folder) = &args.data {
        return Ok((folder.clone(), args.clinical.clone()));
    }
    let modality = manifest.capabilities.modalities.first().copied().unwrap_or(Modality::CT);
    let spec = CohortSpec { patients: args.patients, seed: args.seed, modality };
    cohort::write(scratch, &spec).map_err(|e| Failure::plain(Exit::Failed, e))?;
    Ok((scratch.to_owned(), Some(scratch.join("clinical.csv"))))
}

struct Cohort {
    files: Vec<FileEntry>,
    patients: Vec<Indexed>,
}

fn read(
    out: Out,
    args: &Test,
    policy: &Policy,
    manifest: &Manifest,
    (folder, clinical): (&Path, Option<&Path>),
) -> Result<Cohort, Failure> {
    let mut deidentification = policy.deidentification();
    // The author's own files are the author's to look at; a named policy is rehearsed as it stands.
    deidentification.require &= args.policy.is_some();
    let (modalities, attributes) = (policy.modalities().to_vec(), policy.attributes().to_vec());
    let rules = ScanRules { deidentification, modalities, attributes };
    let launcher = launcher()?;
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let scan = trocar_worker::scan(&launcher, folder, &rules, workers, &mut out.progress("files"));
    let scan = scan.with_context(|| format!("cannot scan {}", folder.display()))?;
    if args.data.is_some() {
        tell_left_out(&scan);
    }
    let wanted = |rule: &&ColumnRule| manifest.capabilities.columns.contains(&rule.name);
    let rules =
        TableRules { columns: policy.columns().iter().filter(wanted).cloned().collect(), ..policy.table() };
    let table = clinical.map(|path| clinical_table(&launcher, path, &rules)).transpose()?;
    let patients = scan.patients.into_iter().map(|record| {
        let columns = table.as_ref().and_then(|t| t.row(&record.patient_id)).cloned().unwrap_or_default();
        Indexed { pseudonym: String::new(), record, columns, files: Vec::new() }
    });
    Ok(Cohort { patients: patients.collect(), files: scan.files })
}

/// One line a reason, with the first file that it met.
fn tell_left_out(scan: &trocar_worker::Scan) {
    let mut by_reason: BTreeMap<trocar_worker::Reason, Vec<&PathBuf>> = BTreeMap::new();
    for (path, reason) in &scan.quarantined {
        by_reason.entry(*reason).or_default().push(path);
    }
    for (reason, paths) in by_reason {
        let first = paths.first().map_or_else(String::new, |p| p.display().to_string());
        say(&format!("left out {}, such as {first}: {reason}", counted(paths.len(), "file")));
    }
}

fn clinical_table(launcher: &Launcher, path: &Path, rules: &TableRules) -> Result<ClinicalTable, Failure> {
    let words = || format!("cannot use {}", path.display());
    let file = std::fs::File::open(path).with_context(words)?;
    Ok(trocar_worker::clinical(launcher, &file, rules).with_context(words)?.table)
}

fn map(
    out: Out,
    job: &MapJob,
    members: &[&Indexed],
    files: &[FileEntry],
    root: &Path,
) -> Result<Vec<Mapped>, Failure> {
    let launcher = launcher()?;
    let mut progress = out.progress("patients");
    let mut slot = Slot::new(&launcher, job);
    slot.warm();
    let mut mapped = Vec::with_capacity(members.len());
    for (done, patient) in (1_u64..).zip(members) {
        mapped.push(trocar_node::map_one(&mut slot, &job.grant, patient, files, root));
        progress(done, members.len() as u64);
    }
    Ok(mapped)
}

fn taken(mapped: &mut Mapped) -> Untrusted<Contribution> {
    mapped.contribution.take().unwrap_or_else(|| Untrusted::new(Contribution::default()))
}

/// Every round maps all patients again, on the state of the one before.
fn rehearsed(
    plan: &Plan,
    round: impl FnMut(&[f64]) -> Result<Vec<Untrusted<Contribution>>, Failure>,
    exact: bool,
) -> Result<Rehearsal, Failure> {
    if exact {
        return rehearse_rounds(plan, round, &mut trocar_testkit::NoNoise, true);
    }
    rehearse_rounds(plan, round, &mut GaussianNoise::new(&mut system_random()), false)
}

fn tell(
    out: Out,
    args: &Test,
    members: &[&Indexed],
    mapped: &[Mapped],
    rehearsal: &Rehearsal,
) -> Result<Exit, Failure> {
    let rows: Vec<Json> = members
        .iter()
        .zip(mapped)
        .zip(&rehearsal.patients)
        .map(|((m, d), r)| json!({"patient": m.record.patient_id, "contribution": r.raw, "detail": d.detail}))
        .collect();
    let mut result = json!({"rehearsal": true, "exact": args.exact, "patients": members.len(),
        "failed": mapped.iter().filter(|m| m.detail.is_some()).count(), "figures": rehearsal.figures});
    if args.per_patient {
        result["per_patient"] = json!(rows);
    }
    out.result(&result, || words(args, &rows, rehearsal, members.len()))?;
    if rehearsal.figures.is_none() {
        say("A node would withhold this: the cohort is too small to release anything about it.");
        return Ok(Exit::Withheld);
    }
    Ok(Exit::Done)
}

fn words(args: &Test, rows: &[Json], rehearsal: &Rehearsal, patients: usize) -> String {
    let noise = if args.exact { "noise off" } else { "with a node's noise" };
    let mut text = format!("rehearsal on {patients} patients, {noise}; nothing here is a release");
    if args.per_patient {
        let row = |r: &Json| {
            let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            vec![text(&r["patient"]), text(&r["contribution"]), r["detail"].as_str().unwrap_or("").to_owned()]
        };
        text.push_str(&format!(
            "\n{}",
            table(&["patient", "contribution", "why it failed"], rows.iter().map(row))
        ));
    }
    if let Some(figures) = &rehearsal.figures {
        text.push_str(&format!("\n{}", crate::show::figures(figures)));
    }
    text
}
