//! What a researcher does: submit, status, results.

use crate::args::{Results, Status, Submit};
use crate::failure::{Exit, Failure};
use crate::node::open;
use crate::out::{Out, say};
use anyhow::Context;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use trocar_node::{JobState, JobStatus, Node, SubmitRequest};
use trocar_terms::JobId;

pub(crate) async fn submit(out: Out, home: &Path, args: &Submit) -> Result<Exit, Failure> {
    let node = open(home).await?;
    let bytes =
        std::fs::read(&args.package).with_context(|| format!("cannot read {}", args.package.display()))?;
    let request = SubmitRequest {
        dataset: args.dataset.clone(),
        parameters: args.params.iter().cloned().collect(),
        where_: args.where_.clone(),
        project: args.project.clone(),
    };
    let mut status = node.accept(&bytes, request).await?;
    if status.state == JobState::Accepted && args.detach {
        finish_in_background(home)?;
    } else if status.state == JobState::Accepted {
        say(&format!("accepted as job {}", status.job));
        node.run_accepted(&mut out.progress("patients")).await?;
        status = wait(&node, &status.job).await?;
    }
    tell(out, &status)
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

/// Waits for `release_at`, which was fixed at admission: it tells nothing of when the job was really done.
async fn wait(node: &Node, job: &JobId) -> Result<JobStatus, Failure> {
    loop {
        let status = node.status(job)?;
        if status.state != JobState::Accepted {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

pub(crate) async fn status(out: Out, home: &Path, args: &Status) -> Result<Exit, Failure> {
    let node = open(home).await?;
    let status = if args.watch { wait(&node, &args.job).await? } else { node.status(&args.job)? };
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
    let (status, bytes) = match node.results(&job) {
        Ok(found) => found,
        Err(error) => {
            let exit = node.status(&job).map_or(Exit::Failed, |s| failed_fetch(s.state));
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
