//! `trocar plan`: the noise to expect of each output, before anything is spent, and what fewer or coarser outputs would buy.
//!
//! From manifest and policy alone: it opens no home and reads no patient. Unlike a node it also plans what a policy refuses for
//! its price, since that is when a plan is needed most.

mod changes;
mod scale;
mod words;

use crate::author::{read_manifest, read_policy};
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::out::Out;
use changes::Change;
use scale::percent;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use trocar_filter::{DerivedFigure, Expected, Figure, Number, Part};
use trocar_manifest::keys::SecretKey;
use trocar_manifest::{Manifest, Package};
use trocar_node::system_random;
use trocar_policy::Policy;
use trocar_terms::{Class, Decimal, RhoUnits};

/// What is planned, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A package; else the manifest named below.
    package: Option<PathBuf>,
    /// The manifest.
    #[arg(long, value_name = "FILE", default_value = "manifest.toml", conflicts_with = "package")]
    manifest: PathBuf,
    /// The dataset's policy; by default the one that a new dataset gets.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Patients in the cohort; by default as many as the policy's `size_bound`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    patients: Option<u32>,
}

/// All that is foretold of one job.
#[derive(Debug, Serialize)]
struct Forecast {
    name: String,
    version: String,
    /// Patients that all of it is foretold for.
    patients: u32,
    k: u32,
    rho: f64,
    delta: Decimal,
    #[serde(rename = "epsilon_at_1e-6")]
    epsilon: f64,
    gate: Gate,
    outputs: Vec<Row>,
    caps: Vec<Cap>,
    changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Gate {
    rho: Decimal,
    sd: f64,
    /// Patients that open it with 95 %.
    opens_at: u64,
    chance: f64,
}

/// One output. Of its numbers the one with the most noise.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    name: String,
    kind: &'static str,
    unit: String,
    rho: Decimal,
    numbers: usize,
    /// `None`: with so few patients it is not known at all.
    sd: Option<f64>,
    /// Half the width of the 95 % interval for the noise.
    half95: Option<f64>,
    /// The standard deviation in percent of `of`.
    percent: Option<f64>,
    of: &'static str,
}

/// What a policy allows, and what of it the job takes.
#[derive(Debug, Serialize)]
struct Cap {
    name: &'static str,
    rho: f64,
    /// Jobs like this one that fit; 0: it is refused.
    jobs: u64,
}

pub(crate) fn plan(out: Out, args: &Args) -> Result<Exit, Failure> {
    let manifest = manifest(args)?;
    let policy = match &args.policy {
        Some(path) => read_policy(path)?,
        None => default_policy()?,
    };
    if manifest.class == Class::ReviewedCode {
        return exact(out, &manifest, &policy);
    }
    let forecast = forecast(&manifest, &policy, cohort(args, &policy)?)?;
    out.result(&forecast, || words::of(&forecast))?;
    // What is over a cap now is refused by a node in the same way.
    let over = forecast.caps.iter().any(|cap| cap.jobs == 0)
        || manifest.privacy.gate_delta > policy.gate_delta_year();
    Ok(if over { Exit::Refused } else { Exit::Done })
}

/// Exact results have no noise that could be foretold, and no rho.
fn exact(out: Out, manifest: &Manifest, policy: &Policy) -> Result<Exit, Failure> {
    crate::author::exact_plan(manifest, Some(policy))?;
    let row = json!({"name": manifest.name.to_string(), "version": manifest.version, "class": manifest.class,
        "k": policy.k(), "rho": 0});
    out.result(&row, || words::of_exact(manifest, policy.k()))?;
    Ok(Exit::Done)
}

fn manifest(args: &Args) -> Result<Manifest, Failure> {
    let Some(path) = &args.package else {
        return Ok(read_manifest(&args.manifest)?.1);
    };
    let bytes = read_bounded(path, Input::Package)?;
    Ok(Package::open(&bytes).map_err(|e| Failure::plain(Exit::Unverified, e))?.manifest)
}

/// N_pub of the policy of nobody's dataset, as for a rehearsal.
const SIZE_BOUND: u32 = 500;

fn default_policy() -> Result<Policy, Failure> {
    let text = Policy::complete(&SecretKey::generate(&mut system_random()).public(), SIZE_BOUND);
    Policy::parse("default policy", &text).map_err(|e| Failure::located(Exit::Failed, e))
}

fn cohort(args: &Args, policy: &Policy) -> Result<u32, Failure> {
    let most = policy.size_bound();
    match args.patients {
        Some(n) if n > most => Err(Failure::Plain(
            Exit::Usage,
            anyhow::anyhow!("--patients {n}: the policy's size_bound is {most}"),
        )),
        Some(n) => Ok(n),
        None => Ok(most),
    }
}

fn forecast(manifest: &Manifest, policy: &Policy, patients: u32) -> Result<Forecast, Failure> {
    let (expected, rho) =
        expect(manifest, policy, patients).map_err(|r| crate::author::refused_in(manifest, &r))?;
    let Expected { figures, gate, .. } = &expected;
    let outputs = figures.outputs.iter().map(|figure| row(figure, patients));
    Ok(Forecast {
        name: manifest.name.to_string(),
        version: manifest.version.clone(),
        patients,
        k: policy.k(),
        rho: rho.to_f64(),
        delta: figures.delta,
        epsilon: figures.epsilon_at_1e_6,
        gate: Gate {
            rho: manifest.privacy.gate_rho,
            sd: gate.sd,
            opens_at: gate.opens_at,
            chance: gate.chance,
        },
        outputs: outputs.chain(figures.derived.iter().flat_map(derived)).collect(),
        caps: caps(policy, rho),
        changes: changes::of(manifest, policy, patients, &expected, rho),
    })
}

/// What to expect of a manifest, and what it costs.
fn expect(
    manifest: &Manifest,
    policy: &Policy,
    patients: u32,
) -> Result<(Expected, RhoUnits), trocar_node::Refusal> {
    let plan = trocar_node::plan_of(manifest, policy.k(), policy.size_bound())?;
    Ok((plan.expected(patients), plan.charge().rho().unwrap_or(RhoUnits(u64::MAX))))
}

fn row(figure: &Figure, patients: u32) -> Row {
    let sd = widest(&figure.numbers, |n| n.sd);
    let (scale, of) = scale::of(&figure.kind, patients);
    Row {
        name: figure.name.to_string(),
        kind: figure.kind.word(),
        unit: crate::show::unit(&figure.kind, &figure.unit),
        rho: figure.rho,
        numbers: figure.numbers.len(),
        sd,
        half95: half95(&figure.numbers),
        percent: sd.and_then(|sd| percent(sd, scale)),
        of,
    }
}

/// A row for each part of a derived statistic. It costs nothing, and its unit is its own.
fn derived(figure: &DerivedFigure) -> Vec<Row> {
    let part = |part: &Part| {
        let name = [Some(figure.derived.name.to_string()), part.group.clone(), Some(part.name.to_owned())];
        Row {
            name: name.into_iter().flatten().collect::<Vec<_>>().join(" "),
            kind: figure.derived.kind.word(),
            unit: String::new(),
            rho: Decimal::ZERO,
            numbers: part.numbers.len(),
            sd: widest(&part.numbers, |n| n.sd),
            half95: half95(&part.numbers),
            percent: None,
            of: "",
        }
    };
    figure.parts.iter().map(part).collect()
}

fn half95(numbers: &[Number]) -> Option<f64> {
    widest(numbers, |n| Some((n.high95? - n.low95?) / 2.0))
}

/// One number that is not known leaves all of them unknown.
fn widest(numbers: &[Number], of: fn(&Number) -> Option<f64>) -> Option<f64> {
    numbers.iter().map(of).collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

fn caps(policy: &Policy, job: RhoUnits) -> Vec<Cap> {
    let all = [
        ("one job", RhoUnits::floor(&policy.rho_job())),
        ("a project's share of a year", policy.project_rho_year()),
        ("a year", RhoUnits::floor(&policy.rho_year())),
        ("a lifetime", RhoUnits::floor(&policy.rho_lifetime())),
    ];
    let jobs = |cap: RhoUnits| cap.0.checked_div(job.0).unwrap_or(0);
    let fits_a_job = jobs(all[0].1) > 0;
    all.map(|(name, cap)| Cap { name, rho: cap.to_f64(), jobs: if fits_a_job { jobs(cap) } else { 0 } })
        .into()
}
