//! `trocar node audit` and `trocar node doctor`: the ledger in words, and findings.

use crate::args::Audit;
use crate::failure::{Exit, Failure};
use crate::out::Out;
use serde_json::json;
use std::path::Path;
use trocar_node::{Check, Finding, Node};

pub(crate) async fn audit(out: Out, node: &Node, args: &Audit) -> Result<Exit, Failure> {
    if args.verify {
        return findings(out, &node.audit_verify().await?, Exit::Unverified);
    }
    if let Some(folder) = &args.export {
        export(out, node, folder)?;
    } else if args.key {
        let key = node.log_key()?.to_string();
        out.result(&json!({"key": key}), || key.clone())?;
    } else {
        let rows = node.audit_rows()?;
        let line = |row: &trocar_node::AuditRow| format!("{:>6}  {}  {}", row.seq, row.time, row.what);
        out.result(&rows, || rows.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Exit::Done)
}

fn export(out: Out, node: &Node, folder: &Path) -> Result<(), Failure> {
    let written = node.export_log(folder)?;
    out.result(&written, || {
        format!("{} entries under {}\nverified by  {}", written.entries, folder.display(), written.key)
    })?;
    Ok(())
}

pub(crate) async fn doctor(out: Out, node: &Node) -> Result<Exit, Failure> {
    findings(out, &node.doctor().await?, Exit::Failed)
}

fn findings(out: Out, checks: &[Check], bad: Exit) -> Result<Exit, Failure> {
    let holds = checks.iter().all(|check| check.holds);
    let line = |c: &Check| format!("{}  {:<11}  {}", word(c.finding), c.name, c.detail);
    out.result(&json!({"holds": holds, "checks": checks}), || {
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if holds { Exit::Done } else { bad })
}

const fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Ok => "ok   ",
        Finding::Note => "note ",
        Finding::Wrong => "WRONG",
    }
}
