//! What a researcher does: submit, status, results.

use crate::args::{Results, Status, Submit};
use crate::failure::{Exit, Failure};
use crate::input::{Input, read_bounded};
use crate::node::open;
use crate::out::{Out, say};
use anyhow::Context;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use trocar_manifest::{Package, Place};
use trocar_node::{JobState, JobStatus, Node, NodeError, SubmitRequest};
use trocar_terms::{Class, JobId};

pub(crate) async fn submit(out: Out, home: &Path, args: &Submit) -> Result<Exit, Failure> {
    let node = open(home).await?;
    let bytes = read_bounded(&args.package, Input::Package)?;
    let request = SubmitRequest {
        dataset: args.dataset.clone(),
        parameters: args.params.iter().cloned().collect(),
        where_: args.where_.clone(),
        project: args.project.clone(),
    };
    let mut status = node.accept(&bytes, request).await?;
    if let Some(place) = &status.place {
        point(place, &bytes, &status);
    }
    if status.state == JobState::Accepted && args.detach {
        finish_in_background(home)?;
    } else if status.state == JobState::Accepted {
        say(&format!("accepted as job {}; waiting{}", status.job, until(&status)));
        status = run(out, &node, &status.job).await?;
    }
    tell(out, &status)
}

/// The line of the manifest that is refused; what is refused at all is told after it.
fn point(place: &Place, package: &[u8], status: &JobStatus) {
    let Ok(package) = Package::open(package) else { return };
    let (detail, code) = (status.detail.as_deref().unwrap_or_default(), status.code);
    let error = package.manifest.pointed(place, detail, &format!("{} ({})", code.text(), code.code()));
    say(&format!("{:?}", miette::Report::new(error)));
}

/// Runs what is accepted and waits for this job. No count is shown: how many patients a cohort has is not public.
async fn run(out: Out, node: &Node, job: &JobId) -> Result<JobStatus, Failure> {
    let _turning = out.spinner("the job runs; its result leaves at its release time");
    let ran = node.run_accepted(&mut |_, _| ()).await?;
    match ran.stuck.into_iter().find(|(stuck, _)| stuck == job) {
        Some((_, cause)) => Err(cannot_run(cause)),
        None => wait(node, job).await,
    }
}

fn cannot_run(cause: NodeError) -> Failure {
    let words = "the node could not run the job now; it stays accepted: run `trocar node resume`";
    Failure::Plain(Exit::Failed, anyhow::Error::new(cause).context(words))
}

fn until(status: &JobStatus) -> String {
    status.release_at.map_or_else(String::new, |t| format!(" until {t}"))
}

/// The accepted job is in the ledger already; whoever runs `node resume` finishes it.
fn finish_in_background(home: &Path) -> Result<(), Failure> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let (none, quiet, silent) = (Stdio::null(), Stdio::null(), Stdio::null());
    let mut resume = Command::new(program);
    resume.arg("--home").arg(home).args(["node", "resume"]).stdin(none).stdout(quiet).stderr(silent);
    resume.spawn().context("cannot start the process that runs the job: run `trocar node resume`")?;
    Ok(())
}

/// Waits for `release_at`, which was fixed at admission: it tells nothing of when the job was really done. An exact
/// result may wait for a person after that, and nobody is kept waiting with it.
async fn wait(node: &Node, job: &JobId) -> Result<JobStatus, Failure> {
    let checked = node.class_of(job)? == Class::ReviewedCode;
    loop {
        let status = node.status(job).await?;
        if status.state != JobState::Accepted {
            return Ok(status);
        }
        if checked && status.release_at.is_some_and(|at| node.now() >= at) {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

pub(crate) async fn status(out: Out, home: &Path, args: &Status) -> Result<Exit, Failure> {
    let node = open(home).await?;
    let mut status = node.status(&args.job).await?;
    if args.watch && status.state == JobState::Accepted {
        say(&format!("accepted; waiting{}", until(&status)));
        status = wait(&node, &args.job).await?;
    }
    tell(out, &status)
}

fn tell(out: Out, status: &JobStatus) -> Result<Exit, Failure> {
    out.result(status, || {
        let at = status.release_at.map_or_else(String::new, |t| format!("; release_at {t}"));
        format!("job {}: {}{at}", status.job, status.code)
    })?;
    if let Some(detail) = &status.detail {
        say(detail);
    }
    Ok(status.state.into())
}

pub(crate) async fn results(out: Out, home: &Path, verb: Results) -> Result<Exit, Failure> {
    let Results::Get { job, output } = verb;
    let node = open(home).await?;
    let (status, bytes) = match node.results(&job).await {
        Ok(found) => found,
        Err(error) => {
            // What a witness objects to is no answer about the job.
            let objects = matches!(error, NodeError::Witness(_));
            let state = if objects { None } else { node.status(&job).await.ok() };
            let exit = state.map_or(Exit::Failed, |s| failed_fetch(s.state));
            return Err(Failure::plain(exit, error));
        }
    };
    std::fs::write(&output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    let row = json!({"job": job, "state": status.state, "code": status.code, "bundle": output});
    out.result(&row, || format!("{}: {}", output.display(), status.code))?;
    Ok(status.state.into())
}

/// Nothing was fetched, so an accepted job is a failure here.
fn failed_fetch(state: JobState) -> Exit {
    match Exit::from(state) {
        Exit::Done => Exit::Failed,
        other => other,
    }
}
