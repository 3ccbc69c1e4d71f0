//! The report of an exact result: it says in whose hands the protection lies, and claims none that noise would give.

use super::allowed::{Party, parties};
use super::words;
use super::{STYLE, approved, day_and_time};
use crate::content::{Request, ReviewedContent};
use crate::reviewed::Row;
use crate::{BundleError, number, units};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use trocar_manifest::keys::PublicKey;
use trocar_terms::Code;

/// The table ends here; results.csv has the rest.
const ROWS: usize = 400;

#[derive(Template)]
#[template(path = "reviewed.html")]
struct Reviewed {
    style: &'static str,
    style_hash: String,
    title: String,
    dataset: String,
    withheld: bool,
    withheld_words: &'static str,
    patients: Option<String>,
    deciders: usize,
    approved: String,
    parties: Vec<Party>,
    everyone: bool,
    release_day: String,
    release_time: String,
    name: String,
    version: String,
    where_: String,
    sees: String,
    parameters: Vec<(String, String)>,
    purpose: String,
    class_words: &'static str,
    measured: Vec<(String, String)>,
    rows: Vec<(String, String, Option<String>)>,
    cut: bool,
    conditions: Vec<String>,
    node_key: String,
    node_name: String,
    trocar_version: String,
    provenance: Vec<(&'static str, String)>,
}

/// Writes it.
pub(crate) fn reviewed(
    content: &ReviewedContent<'_>,
    results: &Json,
    rows: &[Row],
    node: &PublicKey,
) -> Result<String, BundleError> {
    let (request, manifest) = (content.asked.request, content.asked.manifest);
    let (release_day, release_time) = day_and_time(request);
    let withheld = content.decided.released().is_none();
    let patients = results.get("patients").and_then(|p| p.get("value")).and_then(Json::as_u64);
    let parties = parties(&content.asked, node, withheld);
    let report = Reviewed {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        title: manifest.title.clone(),
        dataset: request.dataset.to_string(),
        withheld,
        withheld_words: Code::HeldBack.text(),
        patients: patients.map(|n| n.to_string()),
        deciders: deciders(&parties),
        approved: approved(&content.asked),
        parties,
        everyone: request.where_.is_empty(),
        release_day,
        release_time,
        name: manifest.name.to_string(),
        version: manifest.version.clone(),
        where_: words::cohort(&request.where_),
        sees: words::sees(&manifest.capabilities),
        parameters: request.parameters.iter().map(|(k, v)| (k.clone(), super::value(v))).collect(),
        purpose: words::purposes(&manifest.purpose),
        class_words: words::class(request.class),
        measured: manifest.outputs.iter().map(|o| (o.name.to_string(), words::meaning(o))).collect(),
        rows: rows.iter().take(ROWS).map(shown).collect(),
        cut: rows.len() > ROWS,
        conditions: request.conditions.clone(),
        node_key: node.to_string(),
        node_name: request.node_name.clone(),
        trocar_version: request.trocar_version.clone(),
        provenance: provenance(request),
    };
    Ok(report.render()?)
}

/// Those whose word it took: reviewers, operators and the output checker, each once.
fn deciders(parties: &[Party]) -> usize {
    let deciding = parties.iter().filter(|party| !matches!(party.role, "Author" | "Node"));
    deciding.map(|party| party.key.as_str()).collect::<BTreeSet<_>>().len()
}

fn shown(row: &Row) -> (String, String, Option<String>) {
    let counted = matches!(row.kind, "count" | "histogram" | "table");
    let unit = if counted { "patients" } else { units::sign(&row.unit) };
    let digits = if counted { number::short } else { number::four };
    let value = row.value.map(|x| format!("{} {unit}", digits(x)));
    (row.output.clone(), row.label.0.clone(), value)
}

fn provenance(request: &Request) -> Vec<(&'static str, String)> {
    let mut rows = words::provenance(request);
    if let Some(airlock) = &request.airlock {
        rows.extend(airlock.reviewers.iter().map(|key| ("Reviewed by", key.to_string())));
        rows.push(("Output checker", airlock.checker.to_string()));
    }
    rows
}
