//! ro-crate-metadata.json: RO-Crate 1.2 with the Process Run Crate's run, and the checks that Five Safes asks about.

use crate::bag::{self, DATA, Files};
use crate::content::Asked;
use crate::report;
use serde_json::{Map, Value, json};
use trocar_terms::Class;

/// The descriptor, which describes every other payload file but itself.
pub(crate) const METADATA: &str = "data/ro-crate-metadata.json";

/// Describes the payload files that are there, and `also`, which come after.
pub(crate) fn metadata(content: &Asked<'_>, files: &Files, also: &[&str], released: bool) -> Value {
    let paths: Vec<&str> =
        bag::payload(files).map(|(path, _)| path.as_str()).chain(also.iter().copied()).collect();
    let ids: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(DATA)).collect();
    let mut graph = vec![descriptor(), root(content, &ids)];
    graph.extend(ids.iter().map(|id| file(id)));
    graph.extend(parties(content));
    graph.extend(subject(content));
    graph.extend(actions(content, &ids, released));
    json!({"@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph})
}

fn refers(id: &str) -> Value {
    json!({"@id": id})
}

fn all(ids: &[&str]) -> Value {
    ids.iter().map(|id| refers(id)).collect()
}

fn descriptor() -> Value {
    json!({
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": refers("https://w3id.org/ro/crate/1.2"),
        "about": refers("./"),
    })
}

fn root(content: &Asked<'_>, ids: &[&str]) -> Value {
    let (request, title) = (content.request, &content.manifest.title);
    json!({
        "@id": "./",
        "@type": "Dataset",
        "name": format!("{title}: result from {}", request.dataset),
        "description": description(request.class),
        "datePublished": request.release_at.to_string(),
        "identifier": format!("urn:uuid:{}", bag::uuid(&request.job.to_string())),
        "license": refers("#terms"),
        "conformsTo": refers("https://w3id.org/ro/wfrun/process/0.5"),
        "mainEntity": refers("#algorithm"),
        "sourceOrganization": refers("#node"),
        "publisher": refers("#node"),
        "hasPart": all(ids),
        "mentions": all(&["#run", "#sign-off", "#disclosure-check"]),
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
    let (name, format) = match id.rsplit_once('.').map_or(id, |(_, end)| end) {
        "json" if id.ends_with(".vl.json") => ("Plot of one output as Vega-Lite 6", "application/json"),
        "json" if id.ends_with(".schema.json") => ("JSON Schema of results.json", "application/schema+json"),
        "json" if id.starts_with("results") => ("Results for machines", "application/json"),
        "json" => ("Signed statement", "application/vnd.dsse.envelope.v1+json"),
        "csv" => ("Results as a table", "text/csv"),
        "parquet" => ("Results as a table with types", "application/vnd.apache.parquet"),
        "html" => ("Report for people", "text/html"),
        "svg" => ("Plot of one output", "image/svg+xml"),
        "toml" => ("Manifest of the algorithm", "application/toml"),
        "pub" => ("Public key", "application/x-pem-file"),
        _ => ("Spaces that give every bundle of this request one size", "text/plain"),
    };
    json!({"@id": id, "@type": "File", "name": name, "encodingFormat": format})
}

/// Who and under which terms.
fn parties(content: &Asked<'_>) -> Vec<Value> {
    let request = content.request;
    vec![
        json!({"@id": "https://w3id.org/ro/wfrun/process/0.5", "@type": ["CreativeWork", "Profile"],
               "name": "Process Run Crate", "version": "0.5"}),
        json!({"@id": "#terms", "@type": "CreativeWork", "name": "Terms of the data holder",
               "description": "To be used as agreed with the organisation that runs the node."}),
        json!({"@id": "#node", "@type": "Organization", "name": request.node_name}),
        json!({"@id": "#operator", "@type": "Person", "name": format!("Operator {}", request.approver)}),
        json!({"@id": "#author", "@type": "Person", "name": format!("Author {}", request.author)}),
    ]
}

/// What ran, and on what.
fn subject(content: &Asked<'_>) -> Vec<Value> {
    let (request, manifest) = (content.request, content.manifest);
    let mut entities = vec![
        json!({"@id": "#algorithm", "@type": "SoftwareApplication", "name": manifest.title,
               "alternateName": manifest.name.to_string(), "version": manifest.version.to_string(),
               "identifier": [request.manifest.to_string(), request.component.to_string()],
               "license": manifest.license.to_string(), "url": "manifest.toml", "author": refers("#author"),
               "softwareRequirements": refers("#engine")}),
        json!({"@id": "#engine", "@type": "SoftwareApplication", "name": request.engine,
               "version": request.engine, "url": "https://wasmtime.dev/"}),
        json!({"@id": "#snapshot", "@type": "Dataset", "name": format!("Snapshot of {}", request.dataset),
               "description": "Stays in the node. Named by a random id and a hiding commitment.",
               "identifier": [request.snapshot.to_string(), request.commitment.to_string()]}),
        json!({"@id": "#cohort", "@type": "PropertyValue", "name": "where", "value": request.where_}),
    ];
    entities.extend(request.parameters.iter().map(|(name, value)| {
        json!({"@id": format!("#parameter-{name}"), "@type": "PropertyValue", "name": name,
               "value": report::value(value)})
    }));
    entities
}

fn actions(content: &Asked<'_>, ids: &[&str], released: bool) -> [Value; 3] {
    let request = content.request;
    let parameters = request.parameters.keys().map(|name| refers(&format!("#parameter-{name}")));
    let object: Vec<Value> = [refers("#snapshot"), refers("#cohort")].into_iter().chain(parameters).collect();
    let results: Vec<&str> = ids.iter().copied().filter(|id| is_result(id)).collect();
    let status = |ok: bool| {
        refers(if ok {
            "http://schema.org/CompletedActionStatus"
        } else {
            "http://schema.org/FailedActionStatus"
        })
    };
    let during =
        |fields: Value| times(fields, &request.admitted_at.to_string(), &request.release_at.to_string());
    [
        during(
            json!({"@id": "#run", "@type": "CreateAction", "name": format!("Run of {}", content.manifest.name),
            "agent": refers("#node"), "instrument": refers("#algorithm"), "object": object, "result": all(&results),
            "actionStatus": status(true)}),
        ),
        json!({"@id": "#sign-off", "@type": "AssessAction", "name": "Approval of the algorithm for the dataset",
            "additionalType": refers("https://w3id.org/shp#SignOff"), "agent": refers("#operator"),
            "object": refers("#algorithm"), "instrument": refers("approval.dsse.json"), "actionStatus": status(true)}),
        during(
            json!({"@id": "#disclosure-check", "@type": "AssessAction", "name": "Output filter of the node",
            "additionalType": refers("https://w3id.org/shp#DisclosureCheck"), "agent": refers("#node"),
            "object": all(&results), "actionStatus": status(released)}),
        ),
    ]
}

fn is_result(id: &str) -> bool {
    ["results.json", "results.csv", "results.parquet", "ro-crate-preview.", "plots/"]
        .iter()
        .any(|start| id.starts_with(start))
}

fn times(fields: Value, start: &str, end: &str) -> Value {
    let mut map: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    map.insert("startTime".into(), start.into());
    map.insert("endTime".into(), end.into());
    Value::Object(map)
}
