//! What a node's operator does.

use crate::args::{Answer, Approve, Dataset, Node as Verb, Report};
use crate::author::launcher;
use crate::failure::{Exit, Failure};
use crate::out::{Out, say, table};
use crate::outside::{Outside, outside};
use crate::show::show;
use serde_json::json;
use std::path::{Path, PathBuf};
use trocar_manifest::Permit;
use trocar_manifest::keys::PublicKey;
use trocar_node::{
    ApproveRequest, Approved, Home, Keys, NewDataset, Node, Ran, ReportFormat, ScanReport, counted,
};
use trocar_terms::{Class, Name};

/// Opens the node of a home.
pub(crate) async fn open(home: &Path) -> Result<Node, Failure> {
    let Outside { clock, random } = outside();
    Ok(Node::open(home, launcher()?, clock()).await?.with_random(random()))
}

pub(crate) async fn run(out: Out, home: &Path, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Init { name, pools } => return init(out, home, &name, pools.as_deref()),
        Verb::Dataset(Dataset::Add { name, path, clinical, policy }) => {
            add(out, &open(home).await?, NewDataset { name, path, clinical, policy }).await?;
        }
        Verb::Dataset(Dataset::List) => list(out, &open(home).await?).await?,
        Verb::Scan { name, report, output } => scan(out, &open(home).await?, name, (report, output)).await?,
        Verb::Pull(args) => return crate::intake::pull(out, &open(home).await?, &args).await,
        Verb::Receive(args) => return crate::intake::receive(out, &open(home).await?, args).await,
        Verb::Pending => pending(out, &open(home).await?).await?,
        Verb::Show { digest } => {
            let node = open(home).await?;
            let package = node.submitted_package(&digest)?;
            let reviews = node.reviewed_by(&package).await?;
            show(out, &package, &reviewers(home, &reviews))?;
        }
        Verb::Approve(args) => approve(out, &open(home).await?, args).await?,
        Verb::Reject(args) => answer(out, &open(home).await?, &args, false).await?,
        Verb::Revoke(args) => answer(out, &open(home).await?, &args, true).await?,
        Verb::Review(args) => crate::airlock::review(out, &open(home).await?, &args).await?,
        Verb::Airlock(verb) => return crate::airlock::run(out, &open(home).await?, verb).await,
        Verb::Key(verb) => crate::node_key::run(out, &open(home).await?, &verb)?,
        Verb::Budget => crate::budget::budget(out, &open(home).await?).await?,
        Verb::Audit(args) => return crate::audit::audit(out, &open(home).await?, &args).await,
        Verb::Doctor => return crate::audit::doctor(out, &open(home).await?).await,
        Verb::Cancel { job } => {
            open(home).await?.cancel(&job)?;
            out.result(&json!({"job": job, "cancelled": true}), || format!("job {job} is ended"))?;
            say(
                "Nothing of it leaves. Whoever handed it in is told of a failure of the node, from release_at on.",
            );
        }
        Verb::Resume => return resume(out, &open(home).await?).await,
    }
    Ok(Exit::Done)
}

fn init(out: Out, root: &Path, name: &Name, pools: Option<&Path>) -> Result<Exit, Failure> {
    let clock = (outside().clock)();
    let home = match pools {
        None => Home::create(root, name, &*clock)?,
        Some(pools) => Home::create_in(root, name, pools, &*clock)?,
    };
    let (node, operator) = (home.node_key()?.public(), home.operator()?);
    let row = json!({"home": root, "name": name, "node": node, "operator": operator});
    out.result(&row, || format!("home      {}\nnode      {node}\noperator  {operator}", root.display()))?;
    Ok(Exit::Done)
}

async fn add(out: Out, node: &Node, new: NewDataset) -> Result<(), Failure> {
    let (dataset, policy) = node.add_dataset(&new).await?;
    let row = json!({"dataset": dataset.id, "name": dataset.name, "policy": policy});
    out.result(&row, || format!("{}  {}", dataset.name, dataset.id))?;
    if new.policy.is_none() {
        say(&format!(
            "A complete strict policy is in policy/{}.toml of the home: read it and change it.",
            new.name
        ));
    }
    Ok(())
}

async fn list(out: Out, node: &Node) -> Result<(), Failure> {
    let all = node.store().datasets().await?;
    let mut rows = Vec::new();
    for d in &all {
        rows.push(json!({"dataset": d.id, "name": d.name, "path": d.path, "clinical": d.clinical,
            "scanned": d.snapshot.is_some(), "exact_releases": node.exact_releases(d.id)?}));
    }
    let words = |d: &trocar_node::Dataset| {
        let scanned = if d.snapshot.is_some() { "yes" } else { "no: run `trocar node scan`" };
        vec![d.name.to_string(), d.path.display().to_string(), scanned.to_owned()]
    };
    out.result(&rows, || table(&["dataset", "folder", "scanned"], all.iter().map(words)))?;
    for row in rows.iter().filter(|row| row["exact_releases"] != 0) {
        say(&format!(
            "{}: exact results were released ({}). A statement about rho covers the releases of any-code alone.",
            row["name"].as_str().unwrap_or_default(),
            row["exact_releases"]
        ));
    }
    Ok(())
}

async fn scan(
    out: Out,
    node: &Node,
    name: Option<Name>,
    (format, output): (Option<Report>, Option<PathBuf>),
) -> Result<(), Failure> {
    let names = match name {
        Some(name) => vec![name],
        None => node.store().datasets().await?.into_iter().map(|d| d.name).collect(),
    };
    let (mut rows, mut words) = (Vec::new(), Vec::new());
    for name in &names {
        let scanned = node.scan(name, &mut out.progress("files")).await?;
        let mut row = serde_json::to_value(&scanned).map_err(anyhow::Error::from)?;
        words.push(scan_words(&scanned));
        if let Some(format) = format {
            row["report"] = report(out, node, &scanned, format, output.as_deref()).await?.into();
        }
        rows.push(row);
    }
    out.result(&rows, || words.join("\n\n"))?;
    Ok(())
}

/// Writes the operator's report of a scan and says where it is.
async fn report(
    out: Out,
    node: &Node,
    scanned: &ScanReport,
    format: Report,
    output: Option<&Path>,
) -> Result<String, Failure> {
    let format = match format {
        Report::Html => ReportFormat::Html,
        Report::Json => ReportFormat::Json,
    };
    let output = output.map(std::path::absolute).transpose().map_err(anyhow::Error::from)?;
    let written = {
        let _spinner = out.spinner("report");
        node.write_report(scanned, format, output.as_deref()).await?
    };
    let path = written.display().to_string();
    say(&format!("The report is {path}. It shows patients' data: it must not leave the node."));
    Ok(path)
}

fn scan_words(report: &ScanReport) -> String {
    let series: Vec<String> = report.contents.series.iter().map(|(m, n)| format!("{n} {m}")).collect();
    let mut words = format!(
        "{}: {}, of which {} were read now, {} ({} with a clinical row), series: {}, {} files quarantined{}",
        report.dataset,
        counted(report.files, "file"),
        report.read,
        counted(report.contents.patients, "patient"),
        report.contents.clinical_rows,
        if series.is_empty() { "none".to_owned() } else { series.join(", ") },
        report.quarantined.len(),
        if report.unchanged { "; the snapshot stands" } else { "" }
    );
    if !report.pool.is_empty() {
        let names: Vec<String> = report.pool.iter().map(ToString::to_string).collect();
        words
            .push_str(&format!("\n  shares patients, and from now on one budget, with {}", names.join(", ")));
    }
    for file in &report.quarantined {
        // A name may hold what a terminal obeys.
        let path: String = file.path.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
        words.push_str(&format!("\n  {:<18} {path}", file.reason));
    }
    words
}

async fn pending(out: Out, node: &Node) -> Result<(), Failure> {
    let all = node.pending().await?;
    let row = |p: &trocar_node::Pending| {
        let class = p.class.word().to_owned();
        let digests = format!("{}\nlayer {}", p.digest, p.component);
        vec![format!("{} {}", p.name, p.version), class, p.dataset.to_string(), digests]
    };
    out.result(&all, || match all.is_empty() {
        true => "nothing waits".to_owned(),
        false => table(&["algorithm", "class", "dataset", "manifest digest"], all.iter().map(row)),
    })?;
    Ok(())
}

/// Reviewers by the names of their keys, where this home has them.
fn reviewers(home: &Path, keys: &[PublicKey]) -> Vec<String> {
    let known = Keys::of(home).list().unwrap_or_default();
    let name = |key: &PublicKey| known.iter().find(|(_, k)| k == key).map(|(name, _)| name.to_string());
    keys.iter().map(|key| name(key).unwrap_or_else(|| key.to_string())).collect()
}

async fn approve(out: Out, node: &Node, args: Approve) -> Result<(), Failure> {
    let request = ApproveRequest {
        manifest: args.digest,
        dataset: args.dataset.clone(),
        as_: args.as_,
        runs: args.runs,
        days: args.days,
        rho_max: args.rho_max,
        project: args.project,
        permit: Permit {
            id: args.permit,
            issued_by: args.issued_by,
            person: args.person,
            organisation: args.organisation,
        },
        conditions: args.conditions,
    };
    let Approved { approval, signed, needed } = node.approve(&request).await?;
    let row = json!({"approved": args.digest, "dataset": args.dataset, "runs": approval.runs,
        "rho_max": approval.rho_max, "expires": approval.expires, "signed": signed, "needed": needed});
    out.result(&row, || {
        let runs = counted(approval.runs, "run");
        let what = match approval.class {
            Class::AnyCode => format!("{runs} of rho {} at most", approval.rho_max),
            Class::ReviewedCode => {
                format!("{runs} with an exact result, each for an output checker to release")
            }
        };
        format!(
            "approved for {}: {what}, until {}; signed by {signed} of {}",
            args.dataset,
            trocar_node::date(approval.expires),
            counted(needed, "operator")
        )
    })?;
    Ok(())
}

async fn answer(out: Out, node: &Node, args: &Answer, revoke: bool) -> Result<(), Failure> {
    node.reject(&args.digest, &args.dataset, revoke).await?;
    let word = if revoke { "revoked" } else { "rejected" };
    out.result(&json!({word: args.digest, "dataset": args.dataset}), || {
        format!("{word} for {}", args.dataset)
    })?;
    Ok(())
}

async fn resume(out: Out, node: &Node) -> Result<Exit, Failure> {
    let Ran { finished, stuck } = node.run_accepted(&mut out.progress("patients")).await?;
    let jobs: Vec<_> = stuck.iter().map(|(job, _)| job).collect();
    let row = json!({"finished": finished, "stuck": jobs});
    out.result(&row, || format!("{} finished", counted(finished, "job")))?;
    let exit = if stuck.is_empty() { Exit::Done } else { Exit::Failed };
    for (job, cause) in stuck {
        say(&format!("job {job} stays accepted: {:#}", anyhow::Error::new(cause)));
    }
    Ok(exit)
}
