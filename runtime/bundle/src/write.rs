//! From a finished job to the bytes of its bundle.

use crate::bag::{self, Files};
use crate::content::{Asked, Content};
use crate::error::BundleError;
use crate::figures;
use crate::sheet::{self, Sheet};
use crate::statement::{self, PAYLOAD_TYPE, Predicate, Status};
use crate::{
    allowed, consistent, crate_algorithm, crate_metadata, logged, padding, plot, report, reviewed,
    statistics, vega, verify,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use trocar_filter::Outcome;
use trocar_manifest::archive;
use trocar_manifest::dsse::{self, Envelope};
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_terms::{Class, Code, Name};

pub(crate) const RESULTS: &str = "data/results.json";
pub(crate) const TABLE: &str = "data/results.csv";
pub(crate) const COLUMNS: &str = "data/results.parquet";
/// What results.json is, for whoever has no trocar any more.
pub(crate) const SCHEMA: &str = "data/results.schema.json";
/// RO-Crate 1.2 appendix: the page that a crate shows to people.
pub(crate) const REPORT: &str = "data/ro-crate-preview.html";
pub(crate) const MANIFEST: &str = "data/algorithm/manifest.toml";
pub(crate) const PACKAGE: &str = "data/algorithm/package.dsse.json";
pub(crate) const APPROVAL: &str = "data/approval.dsse.json";
/// PEM files for tools that know no other form: the node's, the author's and the operator's public keys.
pub(crate) const KEYS: [&str; 3] = ["data/node.pub", "data/author.pub", "data/operator.pub"];

/// Writes the bundle of an `any-code` job and signs it with the node's key.
///
/// What it returns has been verified: a node never hands out a bundle that does not.
///
/// # Errors
/// `Disagrees` where request, manifest, package and approval do not fit together, `Class` where the request is for
/// reviewed code; the others do not depend on data.
pub fn write(content: &Content<'_>, node: &SecretKey) -> Result<Vec<u8>, BundleError> {
    if content.asked.request.class != Class::AnyCode {
        return Err(BundleError::Class);
    }
    let mut files = asked(&content.asked, &node.public())?;
    let fixed = files.values().map(Vec::len).sum();
    answered(content, &node.public(), &mut files)?;
    seal(&content.asked, status(content.outcome), (files, fixed), node)
}

/// Describes, pads, lists and signs what is there. `fixed` is the length of the files that the request alone decides.
pub(crate) fn seal(
    asked: &Asked<'_>,
    status: Status,
    (mut files, fixed): (Files, usize),
    node: &SecretKey,
) -> Result<Vec<u8>, BundleError> {
    describe(asked, status, &mut files)?;
    padding::add(&mut files, asked, fixed)?;
    bag::add_tags(&mut files, asked.request);
    let said = Predicate { status, request: asked.request.clone() };
    let signed =
        statement::bytes(&files, &said, &node.public()).map_err(|e| BundleError::Statement(e.to_string()))?;
    files.insert(bag::PROVENANCE.into(), json_of(&dsse::sign(PAYLOAD_TYPE, &signed, node))?);
    bag::add_tag_manifest(&mut files);
    let bytes = archive::write(&in_folder(files, &bag::folder(asked.request)))?;
    verify::verify(&bytes, &[node.public()]).map_err(Box::new)?;
    Ok(bytes)
}

/// Adds the crate, which tells what approval, reviews and decision say.
fn describe(asked: &Asked<'_>, status: Status, files: &mut Files) -> Result<(), BundleError> {
    let approval = allowed::check_approval(files, asked.request, asked.manifest).map_err(Box::new)?;
    let answerable = reviewed::check(files, asked.request, status).map_err(Box::new)?;
    let said = consistent::described((asked.request, asked.manifest, &approval), answerable.as_ref(), status);
    let paths: BTreeSet<&str> =
        bag::payload(files).map(|(path, _)| path.as_str()).chain([padding::PADDING]).collect();
    let ids: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(bag::DATA)).collect();
    let metadata = crate_metadata::metadata(&said, &ids);
    files.insert(crate_metadata::METADATA.into(), pretty(&metadata)?);
    Ok(())
}

fn in_folder(files: Files, folder: &str) -> Files {
    files.into_iter().map(|(path, bytes)| (format!("{folder}{path}"), bytes)).collect()
}

const fn status(outcome: &Outcome) -> Status {
    match outcome {
        Outcome::Released(_) => Status::Released,
        Outcome::Withheld(_) => Status::Withheld,
    }
}

/// The files that the request alone decides.
pub(crate) fn asked(content: &Asked<'_>, node: &PublicKey) -> Result<Files, BundleError> {
    let [node_pub, author_pub, operator_pub] = KEYS;
    let algorithm = crate_algorithm::metadata(content.request, content.manifest);
    let mut files = Files::from([
        (crate_algorithm::ALGORITHM.to_owned(), pretty(&algorithm)?),
        (SCHEMA.to_owned(), include_bytes!("../../../manifests/results.schema.json").to_vec()),
        (MANIFEST.to_owned(), content.manifest_text.as_bytes().to_vec()),
        (PACKAGE.to_owned(), json_of(content.package)?),
        (APPROVAL.to_owned(), json_of(content.approval)?),
        (node_pub.to_owned(), pem(node)?),
        (author_pub.to_owned(), pem(&content.request.author)?),
        (operator_pub.to_owned(), pem(&content.request.approver)?),
    ]);
    logged::add(&mut files, content.logged);
    Ok(files)
}

/// The files that hold the numbers, if there are any.
fn answered(content: &Content<'_>, node: &PublicKey, files: &mut Files) -> Result<(), BundleError> {
    let results = results(content)?;
    let patients = figures::patients(content.outcome);
    let figures = figures::figures(&content.asked.manifest.outputs, content.outcome);
    let statistics = statistics::statistics(content.asked.manifest, content.outcome);
    let plots: Vec<String> = figures.iter().map(plot::plot).collect::<Result<_, _>>()?;
    let curves: Vec<String> = statistics.iter().map(plot::statistic).collect::<Result<_, _>>()?;
    let sections = report::sections(&figures, &plots, &statistics, &curves);
    let html = report::html(content, &results, (patients, &figures), sections, node)?;
    files.insert(RESULTS.into(), pretty(&results)?);
    tables(&sheet::noised(patients, &figures, &statistics), files)?;
    files.insert(REPORT.into(), html.into_bytes());
    for figure in &figures {
        files.insert(spec_path(&figure.output.name), pretty(&vega::figure(figure))?);
    }
    for statistic in &statistics {
        files.insert(spec_path(&statistic.derived.name), pretty(&vega::statistic(statistic))?);
    }
    let names = figures.iter().map(|f| &f.output.name).chain(statistics.iter().map(|s| &s.derived.name));
    let drawn = plots.into_iter().chain(curves);
    files.extend(names.zip(drawn).map(|(name, svg)| (plot_path(name), svg.into_bytes())));
    Ok(())
}

/// The sheet for spreadsheets and for data frames.
pub(crate) fn tables(sheet: &Sheet, files: &mut Files) -> Result<(), BundleError> {
    files.insert(TABLE.into(), sheet::csv(sheet)?);
    files.insert(COLUMNS.into(), sheet::parquet(sheet)?);
    Ok(())
}

/// The plot of an output or a derived statistic.
pub(crate) fn plot_path(name: &Name) -> String {
    format!("data/plots/{name}.svg")
}

/// The same as a Vega-Lite specification.
pub(crate) fn spec_path(name: &Name) -> String {
    format!("data/plots/{name}.vl.json")
}

/// CONTRACT.md section 6: what was asked, then what the filter says.
fn results(content: &Content<'_>) -> Result<Value, BundleError> {
    let (request, status) = (content.asked.request, status(content.outcome));
    let (code, said) = match content.outcome {
        Outcome::Released(released) => (Code::Released, serde_json::to_value(released)?),
        Outcome::Withheld(withheld) => (Code::Withheld, serde_json::to_value(withheld)?),
    };
    let head = json!({
        "schema": 1, "job": request.job, "class": request.class, "dataset": request.dataset,
        "status": status, "code": code.code(), "text": code.text(),
    });
    let parts = [head, said].into_iter().filter_map(|part| part.as_object().cloned());
    Ok(Value::Object(parts.flatten().collect::<Map<String, Value>>()))
}

pub(crate) fn pretty(value: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(crate) fn json_of(envelope: &Envelope) -> Result<Vec<u8>, BundleError> {
    envelope.to_json().map_err(|e| BundleError::Statement(e.to_string()))
}

fn pem(key: &PublicKey) -> Result<Vec<u8>, BundleError> {
    key.to_pem().map(String::into_bytes).map_err(|e| BundleError::Statement(e.to_string()))
}
