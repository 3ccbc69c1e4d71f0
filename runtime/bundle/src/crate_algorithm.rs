//! What ran, and on what: the algorithm as a Workflow RO-Crate of its own in `data/algorithm/`, which is what Five Safes
//! asks the main entity to be, and its data, software and settings.

use crate::content::Request;
use crate::crate_metadata::{CONTEXT, CRATE, CRATE_BEFORE, Described, all, refers};
use crate::{bag, report};
use serde_json::{Value, json};
use trocar_manifest::Manifest;

/// The folder of the algorithm, relative to data/.
pub(crate) const FOLDER: &str = "algorithm/";
/// The descriptor of that folder.
pub(crate) const ALGORITHM: &str = "data/algorithm/ro-crate-metadata.json";
const WORKFLOW_CRATE: &str = "https://w3id.org/workflowhub/workflow-ro-crate/1.0";
const LANGUAGE: &str = "#trocar-manifest";

/// The crate of the algorithm alone.
pub(crate) fn metadata(request: &Request, manifest: &Manifest) -> Value {
    let title = &manifest.title;
    let graph = vec![
        json!({"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": refers("./"),
               "conformsTo": all([CRATE, CRATE_BEFORE, WORKFLOW_CRATE])}),
        json!({"@id": "./", "@type": "Dataset", "name": title, "datePublished": request.release_at,
               "description": "The manifest of an algorithm for Trocar, and its author's signature over it and its component.",
               "license": refers("#license"), "conformsTo": refers(WORKFLOW_CRATE),
               "mainEntity": refers("manifest.toml"), "hasPart": all(["manifest.toml", "package.dsse.json"])}),
        json!({"@id": "manifest.toml", "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
               "name": title, "version": manifest.version, "encodingFormat": "application/toml",
               "license": refers("#license"), "creator": refers("#author"), "author": refers("#author"),
               "programmingLanguage": refers(LANGUAGE),
               "identifier": [request.manifest.to_string(), request.component.to_string()]}),
        json!({"@id": "package.dsse.json", "@type": "File", "name": "The author's signature",
               "encodingFormat": "application/vnd.dsse.envelope.v1+json"}),
        json!({"@id": WORKFLOW_CRATE, "@type": ["CreativeWork", "Profile"], "name": "Workflow RO-Crate", "version": "1.0"}),
        json!({"@id": LANGUAGE, "@type": "ComputerLanguage", "name": "Trocar manifest of a WebAssembly component",
               "version": "1", "url": "https://component-model.bytecodealliance.org/"}),
        json!({"@id": "#license", "@type": "CreativeWork", "name": manifest.license,
               "identifier": manifest.license, "description": "The licence that the manifest names."}),
        json!({"@id": "#author", "@type": "Person", "name": format!("Author {}", request.author),
               "identifier": request.author}),
    ];
    json!({"@context": CONTEXT, "@graph": graph})
}

/// The algorithm as the result's crate names it, its software, the data and the settings.
pub(crate) fn subject(said: &Described<'_>, ids: &[&str]) -> Vec<Value> {
    let mut entities = software(said, ids);
    entities.extend(data(said.request));
    entities.extend(said.request.parameters.iter().map(|(name, value)| {
        json!({"@id": parameter(name), "@type": "PropertyValue", "name": name, "value": report::value(value)})
    }));
    entities
}

/// The Process Run Crate wants a program where Five Safes wants a folder: it is both.
fn software(said: &Described<'_>, ids: &[&str]) -> Vec<Value> {
    let (request, manifest) = (said.request, said.manifest);
    let parts = ids.iter().copied().filter(|id| id.starts_with(FOLDER));
    let version = manifest.version.to_string();
    vec![
        json!({"@id": FOLDER, "@type": ["Dataset", "SoftwareApplication"], "name": manifest.title,
               "alternateName": manifest.name.to_string(), "version": version, "softwareVersion": version,
               "description": "What ran, as a Workflow RO-Crate of its own.",
               "identifier": [request.manifest.to_string(), request.component.to_string()],
               "license": refers("#algorithm-license"), "url": "algorithm/manifest.toml", "author": refers("#author"),
               "conformsTo": refers(WORKFLOW_CRATE), "hasPart": all(parts),
               "subjectOf": refers("algorithm/ro-crate-metadata.json"),
               "softwareRequirements": all(["#component", "#engine", "#trocar"])}),
        json!({"@id": WORKFLOW_CRATE, "@type": ["CreativeWork", "Profile"], "name": "Workflow RO-Crate", "version": "1.0"}),
        json!({"@id": "#algorithm-license", "@type": "CreativeWork", "name": manifest.license,
               "identifier": manifest.license, "description": "The licence that the manifest names."}),
        json!({"@id": "#component", "@type": "SoftwareApplication", "name": "WebAssembly component of the algorithm",
               "version": version, "identifier": request.component, "url": "algorithm/manifest.toml"}),
        json!({"@id": "#engine", "@type": "SoftwareApplication", "name": request.engine,
               "version": request.engine.rsplit(' ').next(), "url": "https://wasmtime.dev/"}),
        json!({"@id": "#trocar", "@type": "SoftwareApplication", "name": "Trocar", "version": request.trocar_version,
               "url": "https://component-model.bytecodealliance.org/", "provider": refers("#node")}),
    ]
}

/// By catalogue name and random ids. Nothing here follows from a patient: neither size nor digest.
fn data(request: &Request) -> Vec<Value> {
    vec![
        json!({"@id": "#dataset", "@type": "Dataset", "name": request.dataset.to_string(),
               "description": "The dataset as the node's catalogue names it. It stays in the node.",
               "identifier": format!("urn:uuid:{}", bag::uuid(&request.dataset_id.to_string())),
               "publisher": refers("#node"), "usageInfo": refers("#permit")}),
        json!({"@id": "#snapshot", "@type": "Dataset", "name": format!("Snapshot of {}", request.dataset),
               "description": "Stays in the node. Named by a random id and a hiding commitment.",
               "isPartOf": refers("#dataset"),
               "identifier": [request.snapshot.to_string(), request.commitment.to_string()]}),
        json!({"@id": "#cohort", "@type": "PropertyValue", "name": "where", "value": request.where_}),
    ]
}

/// The id of a parameter.
pub(crate) fn parameter(name: &str) -> String {
    format!("#parameter-{name}")
}
