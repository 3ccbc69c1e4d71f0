//! What reviewers and output checkers do.

use crate::args::{Airlock, Decide, Review};
use crate::failure::{Exit, Failure};
use crate::out::{Out, say, table};
use serde_json::json;
use trocar_filter::{CellEvidence, Evidence, OutputEvidence, SmallAtom, rules};
use trocar_manifest::Verdict;
use trocar_node::{AirlockAnswer, AirlockRequest, AirlockRow, AirlockShown, AirlockState, Node, counted};
use trocar_terms::{Kind, Output};

pub(crate) async fn review(out: Out, node: &Node, args: &Review) -> Result<(), Failure> {
    let (review, signed) = node.review(&args.digest, &args.as_).await?;
    let row = json!({"reviewed": review.manifest, "component": review.component, "reviews": signed});
    out.result(&row, || format!("reviewed {}: {signed} of 2 reviewers have signed", review.manifest))?;
    Ok(())
}

pub(crate) async fn run(out: Out, node: &Node, verb: Airlock) -> Result<Exit, Failure> {
    match verb {
        Airlock::List => list(out, node).await?,
        Airlock::Show { job, as_ } => show(out, &node.airlock_show(&job, &as_).await?)?,
        Airlock::Release(args) => return decide(out, node, args, Verdict::Release).await,
        Airlock::Withhold(args) => return decide(out, node, args, Verdict::Withhold).await,
    }
    Ok(Exit::Done)
}

async fn list(out: Out, node: &Node) -> Result<(), Failure> {
    let all = node.airlock().await?;
    let row = |r: &AirlockRow| {
        let at = trocar_node::date(r.held_at);
        vec![r.job.to_string(), r.dataset.to_string(), r.algorithm.clone(), at, word(r.state).to_owned()]
    };
    out.result(&all, || match all.is_empty() {
        true => "nothing was ever held".to_owned(),
        false => table(&["job", "dataset", "algorithm", "since", "state"], all.iter().map(row)),
    })?;
    Ok(())
}

const fn word(state: AirlockState) -> &'static str {
    match state {
        AirlockState::Waits => "waits",
        AirlockState::Released => "released",
        AirlockState::Withheld => "withheld",
    }
}

fn show(out: Out, shown: &AirlockShown) -> Result<(), Failure> {
    out.result(shown, || {
        let mut text = format!(
            "job {} on {}: {}, {}\n",
            shown.row.job,
            shown.row.dataset,
            shown.row.algorithm,
            word(shown.row.state)
        );
        text.push_str(&asked(shown));
        text.push_str(&evidence(&shown.evidence, &shown.outputs));
        text.push_str(&difference(shown));
        text
    })?;
    say("These are exact numbers of patients: they must not leave the node.");
    Ok(())
}

fn asked(shown: &AirlockShown) -> String {
    let cohort = shown.where_.as_deref().unwrap_or("as the manifest says");
    let parameters: String = shown.parameters.iter().map(|(k, v)| format!("  {k} = {v}")).collect();
    format!("asked with --where {cohort}{parameters}\n")
}

/// One row a number, for the output checker and for an author's rehearsal.
pub(crate) fn evidence(evidence: &Evidence, outputs: &[Output]) -> String {
    let rows = evidence
        .outputs
        .iter()
        .flat_map(|o| (0..).zip(&o.cells).map(|(at, cell)| row(named(o, at, outputs), cell)));
    let head = ["output", "n", "largest", "two largest", "rule", "value"];
    let Evidence { patients, k, cohort, .. } = evidence;
    let (patients, rule) = (counted(*patients, "patient"), rule_words(*cohort));
    format!("cohort: {patients}, k {k}: {rule}\n{}\n", table(&head, rows))
}

/// A number's name; that of a bin by its edges.
fn named(output: &OutputEvidence, at: usize, outputs: &[Output]) -> String {
    if let Some(Kind::Histogram { edges, .. }) =
        outputs.iter().find(|o| o.name == output.name).map(|o| &o.kind)
        && let (Some(from), Some(to)) = (edges.get(at), edges.get(at.saturating_add(1)))
    {
        return format!("{} [{from}, {to})", output.name);
    }
    if output.cells.len() == 1 { output.name.to_string() } else { format!("{}[{at}]", output.name) }
}

const fn rule_words(verdict: rules::Verdict) -> &'static str {
    match verdict {
        rules::Verdict::Shown => "no rule is against it",
        rules::Verdict::TooFew => "too few patients",
        rules::Verdict::TopTwo => "two patients make most of it",
        rules::Verdict::PRatio => "one patient could be estimated from it",
        rules::Verdict::Complement => "it would tell what is hidden",
        rules::Verdict::Levels => "too many cells",
        rules::Verdict::Model => "too many parameters",
    }
}

fn row(name: String, cell: &CellEvidence) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |s| format!("{:.1} %", s * 100.0));
    let value = cell.value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let rule = rule_words(cell.verdict).to_owned();
    vec![name, cell.n.to_string(), share(cell.top1_share), share(cell.top2_share), rule, value]
}

fn difference(shown: &AirlockShown) -> String {
    let earlier = counted(shown.earlier_releases, "earlier exact release");
    if shown.small.is_empty() {
        return format!("against {earlier}: nothing below k is cut off");
    }
    format!("against {earlier} it can only be withheld:\n{}", small(&shown.small))
}

/// Each piece that would be too small.
fn small(atoms: &[SmallAtom]) -> String {
    let line = |atom: &SmallAtom| {
        let whose = if atom.inside { "in this cohort" } else { "left out of this cohort" };
        let by = atom.cut_by.map_or_else(|| "this one".to_owned(), |job| job.to_string());
        let number = atom.number.as_ref().map_or_else(String::new, |(name, at)| format!(", {name}[{at}]"));
        let patients = counted(atom.patients, "patient");
        let stand = if atom.patients == 1 { "stands" } else { "stand" };
        format!("  {patients} {whose} {stand} alone, cut off by {by}{number}")
    };
    atoms.iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn decide(out: Out, node: &Node, args: Decide, verdict: Verdict) -> Result<Exit, Failure> {
    let request = AirlockRequest { job: args.job, as_: args.as_, why: args.why, verdict };
    match node.decide(&request).await? {
        AirlockAnswer::Decided(status) => {
            let done = match verdict {
                Verdict::Release => "released",
                Verdict::Withhold => "withheld",
            };
            let row = json!({"job": request.job, "decided": done, "shows": status.release_at});
            out.result(&row, || format!("{done}: the researcher sees it at the end of the slot"))?;
            Ok(Exit::Done)
        }
        AirlockAnswer::Refused { too_few, small: atoms } => {
            let row = json!({"job": request.job, "decided": null, "too_few": too_few, "small": atoms});
            out.result(&row, || {
                "not released: a rule does not let it out, it can only be withheld".to_owned()
            })?;
            say(&refused_words(too_few, &atoms));
            Ok(Exit::Refused)
        }
    }
}

fn refused_words(too_few: bool, atoms: &[SmallAtom]) -> String {
    let head = if too_few { "The cohort is below k.\n" } else { "" };
    format!("{head}{}", small(atoms))
}
