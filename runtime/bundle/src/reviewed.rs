//! From a decided exact result to the bytes of its bundle, and what `verify` asks of one.

use crate::bag::Files;
use crate::content::{Airlock, Request, ReviewedContent};
use crate::error::{BundleError, VerifyError};
use crate::figures::{Label, labels};
use crate::statement::Status;
use crate::verify::{envelope, get};
use crate::write::{self, REPORT, RESULTS, asked, json_of, pretty, seal};
use crate::{report, sheet};
use serde_json::{Map, Value, json};
use trocar_filter::{ExactFigure, ExactFigures, rules};
use trocar_manifest::dsse::Envelope;
use trocar_manifest::keys::{PublicKey, SecretKey};
use trocar_manifest::{Decision, Review, Verdict, verify_decision, verify_review};
use trocar_terms::{Class, Code, Kind, Output};

/// The output checker's signed decision.
pub(crate) const DECISION: &str = "data/decision.dsse.json";
/// Fewest reviewers of code that answers exactly.
const REVIEWS: usize = 2;

/// The reviews, counted from 1.
pub(crate) fn review_path(number: usize) -> String {
    format!("data/review-{number}.dsse.json")
}

/// Writes the bundle of a `reviewed-code` job and signs it with the node's key.
///
/// What it returns has been verified.
///
/// # Errors
/// `Class` where the request is for `any-code`, `Disagrees` where the signed parts do not fit together; the others do not
/// depend on data.
pub fn write_reviewed(content: &ReviewedContent<'_>, node: &SecretKey) -> Result<Vec<u8>, BundleError> {
    if content.asked.request.class != Class::ReviewedCode || content.asked.request.airlock.is_none() {
        return Err(BundleError::Class);
    }
    let mut files = asked(&content.asked, &node.public())?;
    for (number, review) in (1..).zip(content.reviews) {
        files.insert(review_path(number), json_of(review)?);
    }
    let fixed = files.values().map(Vec::len).sum();
    let figures = content.decided.released().map(|released| released.figures());
    let results = results(content, figures)?;
    let rows = rows(&content.asked.manifest.outputs, figures);
    files.insert(crate::reviewed::DECISION.to_owned(), json_of(content.decided.envelope())?);
    files.insert(RESULTS.into(), pretty(&results)?);
    write::tables(&sheet::exact(&rows), &mut files)?;
    files.insert(REPORT.into(), report::reviewed(content, &results, &rows, &node.public())?.into_bytes());
    seal(&content.asked, status(figures), (files, fixed), node)
}

const fn status(figures: Option<&ExactFigures>) -> Status {
    if figures.is_some() { Status::Released } else { Status::Withheld }
}

/// One number as table and report show it.
pub(crate) struct Row {
    pub(crate) output: String,
    pub(crate) kind: &'static str,
    pub(crate) unit: String,
    pub(crate) label: Label,
    pub(crate) value: Option<f64>,
}

pub(crate) fn rows(outputs: &[Output], figures: Option<&ExactFigures>) -> Vec<Row> {
    let Some(figures) = figures else { return Vec::new() };
    let pairs = outputs.iter().filter_map(|o| Some((o, figure(o, figures)?)));
    pairs.flat_map(|(output, figure)| rows_of(output, figure)).collect()
}

fn rows_of(output: &Output, figure: &ExactFigure) -> Vec<Row> {
    let row = |(label, number): (Label, &trocar_filter::Exact)| Row {
        output: output.name.to_string(),
        kind: output.kind.word(),
        unit: output.unit.clone(),
        label,
        value: number.0,
    };
    labels(&output.kind).into_iter().zip(&figure.numbers).map(row).collect()
}

fn figure<'f>(output: &Output, figures: &'f ExactFigures) -> Option<&'f ExactFigure> {
    figures.outputs.iter().find(|f| f.name == output.name)
}

/// As CONTRACT.md section 6, without noise: no sd, no interval, no rho, no epsilon.
fn results(content: &ReviewedContent<'_>, figures: Option<&ExactFigures>) -> Result<Value, BundleError> {
    let (request, status) = (content.asked.request, status(figures));
    let code = if figures.is_some() { Code::Released } else { Code::HeldBack };
    let mut map = fields(json!({
        "schema": 1, "job": request.job, "class": request.class, "dataset": request.dataset,
        "status": status, "code": code.code(), "text": code.text(),
    }));
    if let Some(figures) = figures {
        let (n, outputs) = (figures.patients.value, &content.asked.manifest.outputs);
        map.insert("rounding_base".into(), rules::ROUNDING.into());
        map.insert("patients".into(), json!({"value": n, "shown": n.is_some()}));
        let outputs = outputs.iter().filter_map(|o| Some(output(o, figure(o, figures)?)));
        map.insert("outputs".into(), outputs.collect());
    }
    Ok(Value::Object(map))
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn output(output: &Output, figure: &ExactFigure) -> Value {
    let mut map = fields(json!({"name": output.name, "kind": output.kind.word(), "unit": output.unit}));
    let (values, shown): (Vec<_>, Vec<_>) = figure.numbers.iter().map(|n| (n.0, n.0.is_some())).unzip();
    match &output.kind {
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) => {
            map.insert("value".into(), json!(values.first()));
            map.insert("shown".into(), json!(shown.first()));
        }
        kind => {
            shape(kind, &mut map);
            map.insert("value".into(), json!(values));
            map.insert("shown".into(), json!(shown));
        }
    }
    if let Some(total) = figure.total {
        map.insert("rounded_to".into(), rules::ROUNDING.into());
        map.insert("total".into(), total.into());
    }
    Value::Object(map)
}

fn shape(kind: &Kind, map: &mut Map<String, Value>) {
    match kind {
        Kind::Histogram { edges, .. } => drop(map.insert("edges".into(), json!(edges))),
        Kind::Table { axes, .. } => drop(map.insert("axes".into(), json!(axes))),
        Kind::Quantiles { edges, probabilities } => {
            map.insert("edges".into(), json!(edges));
            map.insert("probabilities".into(), json!(probabilities));
        }
        Kind::Moments { variables } => drop(map.insert("variables".into(), json!(variables))),
        Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) | Kind::Vector { .. } => {}
    }
}

/// What a verified exact bundle says of who answers for it.
pub(crate) struct Answerable {
    pub(crate) airlock: Airlock,
    /// In the order of the reviewers.
    pub(crate) reviews: Vec<Review>,
    pub(crate) decision: Decision,
}

/// Checks the reviews and the decision of an exact bundle; nothing where the request is for `any-code`.
pub(crate) fn check(
    files: &Files,
    request: &Request,
    status: Status,
) -> Result<Option<Answerable>, VerifyError> {
    let airlock = match (request.class, &request.airlock) {
        (Class::AnyCode, None) => return Ok(None),
        (Class::ReviewedCode, Some(airlock)) => airlock.clone(),
        (Class::AnyCode, Some(_)) | (Class::ReviewedCode, None) => {
            return Err(VerifyError::disagrees(DECISION, "another class"));
        }
    };
    check_reviewers(&airlock, request)?;
    let numbered = (1..).zip(&airlock.reviewers);
    let review = |(number, reviewer): (usize, &PublicKey)| {
        check_review(files, request, &review_path(number), *reviewer)
    };
    let reviews = numbered.map(review).collect::<Result<_, _>>()?;
    let decision = check_decision(files, request, &airlock, status)?;
    Ok(Some(Answerable { airlock, reviews, decision }))
}

fn check_reviewers(airlock: &Airlock, request: &Request) -> Result<(), VerifyError> {
    let distinct: std::collections::BTreeSet<String> =
        airlock.reviewers.iter().map(ToString::to_string).collect();
    let facts = [
        (distinct.len() == airlock.reviewers.len() && distinct.len() >= REVIEWS, "fewer than two reviewers"),
        (!airlock.reviewers.contains(&request.author), "the author reviewed it"),
        (airlock.checker != request.author, "the author released it"),
    ];
    first_wrong(DECISION, &facts)
}

fn first_wrong(path: &str, facts: &[(bool, &'static str)]) -> Result<(), VerifyError> {
    match facts.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(VerifyError::disagrees(path, what)),
        None => Ok(()),
    }
}

fn check_review(
    files: &Files,
    request: &Request,
    path: &str,
    reviewer: PublicKey,
) -> Result<Review, VerifyError> {
    let signed = signed(files, path, &reviewer)?;
    let (review, _) = verify_review(&signed, &[reviewer]).map_err(|e| VerifyError::unreadable(path, e))?;
    let facts = [
        (review.manifest == request.manifest, "reviewed another manifest"),
        (review.component == request.component, "reviewed another component"),
    ];
    first_wrong(path, &facts).map(|()| review)
}

fn check_decision(
    files: &Files,
    request: &Request,
    airlock: &Airlock,
    status: Status,
) -> Result<Decision, VerifyError> {
    let signed = signed(files, DECISION, &airlock.checker)?;
    let (decision, _) =
        verify_decision(&signed, &[airlock.checker]).map_err(|e| VerifyError::unreadable(DECISION, e))?;
    let released = decision.verdict == Verdict::Release;
    let facts = [
        (decision.job == request.job, "decided on another job"),
        (decision.dataset == request.dataset_id, "decided on another dataset"),
        (decision.manifest == request.manifest, "decided on another manifest"),
        (decision.component == request.component, "decided on another component"),
        (released == (status == Status::Released), "decided otherwise"),
        (decision.decided_at >= request.admitted_at, "decided before the job was admitted"),
    ];
    first_wrong(DECISION, &facts).map(|()| decision)
}

fn signed(files: &Files, path: &str, signer: &PublicKey) -> Result<Envelope, VerifyError> {
    envelope(files, path, signer)?;
    Envelope::from_json(get(files, path)?).map_err(|e| VerifyError::unreadable(path, e))
}

/// results.json of an exact bundle: no word of noise or epsilon, and nothing beyond the rounding base in counts.
pub(crate) fn check_results(results: &Value, status: Status) -> Result<(), VerifyError> {
    let says = |key: &str| results.get(key).is_some();
    let base = results.get("rounding_base").and_then(Value::as_u64);
    let released = status == Status::Released;
    let facts = [
        (!says("rho") && !says("delta") && !says("epsilon_at_1e-6"), "a privacy cost of an exact result"),
        (says("outputs") == released && says("patients") == released, "numbers where none may be"),
        (!released || base == Some(u64::from(rules::ROUNDING)), "another rounding base"),
        (counts(results).all(|n| n % u64::from(rules::ROUNDING) == 0), "a count that is not rounded"),
    ];
    first_wrong(RESULTS, &facts)
}

/// Every released number of patients.
fn counts(results: &Value) -> impl Iterator<Item = u64> + '_ {
    let outputs = results.get("outputs").and_then(Value::as_array).into_iter().flatten();
    let rounded = outputs.filter(|o| o.get("rounded_to").is_some());
    let values = rounded.flat_map(|o| match o.get("value") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    });
    let n = results.get("patients").and_then(|p| p.get("value")).cloned();
    // A count is written as a real.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; a fraction is no count"
    )]
    let whole =
        |v: Value| v.as_f64().map(|x| if libm::floor(x).total_cmp(&x).is_eq() { x as u64 } else { 1 });
    values.chain(n).filter_map(whole)
}
