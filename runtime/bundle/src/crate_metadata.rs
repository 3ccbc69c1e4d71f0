//! ro-crate-metadata.json: a Five Safes RO-Crate 0.4 on RO-Crate 1.2, with the Process Run Crate's run.
//!
//! It follows from what others signed and from the names of the files alone, so `verify` writes it again and compares. The
//! tests of [`crate::five_safes`] name every MUST of Five Safes and the assertion that holds it.

use crate::content::Request;
use crate::statement::Status;
use crate::{bag, crate_algorithm, crate_people, crate_phases};
use serde_json::{Value, json};
use trocar_manifest::{Approval, Decision, Manifest, Review};
use trocar_terms::Class;

/// The descriptor, which describes every other payload file but itself.
pub(crate) const METADATA: &str = "data/ro-crate-metadata.json";
/// The page for people.
const PREVIEW: &str = "ro-crate-preview.html";
pub(crate) const CRATE: &str = "https://w3id.org/ro/crate/1.2";
/// RO-Crate 1.2 keeps what 1.1 asks, and the profiles of workflows and their runs still ask for 1.1 by name: both are named.
pub(crate) const CRATE_BEFORE: &str = "https://w3id.org/ro/crate/1.1";
pub(crate) const CONTEXT: &str = "https://w3id.org/ro/crate/1.2/context";
pub(crate) const FIVE_SAFES: &str = "https://w3id.org/5s-crate/0.4";
pub(crate) const PROCESS_RUN: &str = "https://w3id.org/ro/wfrun/process/0.5";

/// What the crate tells, each part already held against its signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described<'a> {
    pub(crate) request: &'a Request,
    pub(crate) manifest: &'a Manifest,
    pub(crate) approval: &'a Approval,
    pub(crate) reviews: &'a [Review],
    pub(crate) decision: Option<&'a Decision>,
    pub(crate) status: Status,
}

impl Described<'_> {
    pub(crate) fn released(&self) -> bool {
        self.status == Status::Released
    }
}

/// Describes the payload files `ids`, which are relative to data/.
pub(crate) fn metadata(said: &Described<'_>, ids: &[&str]) -> Value {
    let phases = crate_phases::phases(said, ids);
    let mut graph = vec![descriptor(), root(said, ids, &phases)];
    graph.extend(ids.iter().map(|id| file(id)));
    graph.extend(crate_people::people(said));
    graph.extend(crate_algorithm::subject(said, ids));
    graph.extend(phases);
    graph.push(crate_phases::terms());
    json!({"@context": CONTEXT, "@graph": graph})
}

pub(crate) fn refers(id: &str) -> Value {
    json!({"@id": id})
}

pub(crate) fn all<'i>(ids: impl IntoIterator<Item = &'i str>) -> Value {
    ids.into_iter().map(refers).collect()
}

fn descriptor() -> Value {
    json!({
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": all([CRATE, CRATE_BEFORE]),
        "about": refers("./"),
    })
}

fn root(said: &Described<'_>, ids: &[&str], phases: &[Value]) -> Value {
    let (request, title) = (said.request, &said.manifest.title);
    let mentions = phases.iter().filter_map(|phase| phase.get("@id")?.as_str());
    json!({
        "@id": "./",
        "@type": "Dataset",
        "name": format!("{title}: result from {}", request.dataset),
        "description": description(request.class),
        "datePublished": request.release_at,
        "identifier": format!("urn:uuid:{}", bag::uuid(&request.job.to_string())),
        "license": refers("#terms"),
        "usageInfo": refers("#permit"),
        "conformsTo": all([FIVE_SAFES, PROCESS_RUN]),
        "mainEntity": refers(crate_algorithm::FOLDER),
        "sourceOrganization": refers("#project"),
        "publisher": refers("#node"),
        // The folder's files too: not every reader looks for parts in a folder that is a program besides. The page for
        // people is no part (RO-Crate 1.2, "RO-Crate Website").
        "hasPart": all(ids.iter().copied().filter(|id| *id != PREVIEW).chain([crate_algorithm::FOLDER])),
        "mentions": all(mentions),
    })
}

const fn description(class: Class) -> &'static str {
    match class {
        Class::AnyCode => {
            "Aggregates with noise, made by an algorithm that ran inside the node that holds the images."
        }
        Class::ReviewedCode => {
            "Exact aggregates, made by a reviewed algorithm inside the node that holds the images, suppressed and rounded, \
             and released by an output checker."
        }
    }
}

fn file(id: &str) -> Value {
    if id == PREVIEW {
        return json!({"@id": id, "@type": "CreativeWork", "name": "Report for people", "about": refers("./"),
                      "encodingFormat": "text/html"});
    }
    let (name, format) = match id.rsplit_once('.').map_or(id, |(_, end)| end) {
        "json" if id.ends_with(".vl.json") => ("Plot of one output as Vega-Lite 6", "application/json"),
        "json" if id.ends_with(".schema.json") => ("JSON Schema of results.json", "application/schema+json"),
        "json" if id.starts_with("results") => ("Results for machines", "application/json"),
        "json" if id.ends_with("ro-crate-metadata.json") => {
            ("Description of the algorithm", "application/ld+json")
        }
        "json" if id == "log-entry.json" => ("The job's line in the node's public log", "application/json"),
        "json" => ("Signed statement", "application/vnd.dsse.envelope.v1+json"),
        "tlog-proof" => ("Proof that the line is in the log", "text/plain"),
        "csv" => ("Results as a table", "text/csv"),
        "parquet" => ("Results as a table with types", "application/vnd.apache.parquet"),
        "svg" => ("Plot of one output", "image/svg+xml"),
        "toml" => ("Manifest of the algorithm", "application/toml"),
        "pub" => ("Public key", "application/x-pem-file"),
        _ => ("Spaces that give every bundle of this request one size", "text/plain"),
    };
    json!({"@id": id, "@type": "File", "name": name, "encodingFormat": format})
}
