//! ro-crate-preview.html: what a person reads, without a server, a script or a network.
//!
//! Every value goes through the template's escape; the two exceptions are the style sheet, a constant, and the plots,
//! which escape their own texts. The content security policy lets in that one style sheet by its hash and nothing else.

mod account;
mod allowed;
mod privacy;
mod reviewed;
mod statistics_words;
mod words;

use crate::content::{Asked, Content, Request};
use crate::figures::{Cell, Figure, Number};
use crate::statistics::Statistic;
use crate::{BundleError, number, plot, units};
use account::{Ruled, account};
use allowed::{Party, parties};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use privacy::Privacy;
pub(crate) use reviewed::reviewed;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use trocar_manifest::Approval;
use trocar_manifest::keys::PublicKey;
use trocar_terms::{Kind, Value};

const STYLE: &str = include_str!("../../templates/report.css");
/// A table in the report ends here; results.csv has the rest.
const ROWS: usize = 120;

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    style: &'static str,
    style_hash: String,
    title: String,
    dataset: String,
    lead: String,
    status: &'static str,
    status_word: &'static str,
    withheld: bool,
    withheld_words: &'static str,
    patients: Option<Shown>,
    privacy: Privacy,
    account: Vec<Ruled>,
    derived: bool,
    approved: String,
    parties: Vec<Party>,
    everyone: bool,
    release_day: String,
    release_time: String,
    name: String,
    version: String,
    outputs_word: String,
    where_: String,
    sees: String,
    parameters: Vec<(String, String)>,
    purpose: String,
    class: &'static str,
    class_words: &'static str,
    figures: Vec<Section>,
    limits: Vec<(&'static str, String)>,
    node_key: String,
    node_name: String,
    trocar_version: String,
    provenance: Vec<(&'static str, String)>,
}

/// A number as text.
struct Shown {
    value: String,
    sd: String,
    low: String,
    high: String,
    /// Both ends in words.
    interval: String,
}

/// One output.
pub(crate) struct Section {
    name: String,
    kind: &'static str,
    unit: String,
    counted: String,
    meaning: String,
    single: Option<Shown>,
    svg: String,
    sentence: String,
    note: String,
    caption: String,
    column: &'static str,
    /// What stands in place of a number that is not there.
    blank: &'static str,
    rows: Vec<Row>,
}

struct Row {
    label: String,
    number: Option<Shown>,
}

/// One section an output and one a derived statistic; plots and curves in their orders.
pub(crate) fn sections(
    figures: &[Figure<'_>],
    plots: &[String],
    statistics: &[Statistic<'_>],
    curves: &[String],
) -> Vec<Section> {
    let outputs = figures.iter().zip(plots).map(|(figure, svg)| section(figure, svg));
    let derived = statistics.iter().zip(curves).map(|(statistic, svg)| derived_section(statistic, svg));
    outputs.chain(derived).collect()
}

/// Writes the report.
pub(crate) fn html(
    content: &Content<'_>,
    results: &Json,
    (patients, figures): (Option<Number>, &[Figure<'_>]),
    sections: Vec<Section>,
    node: &PublicKey,
) -> Result<String, BundleError> {
    let account = account(content, patients, figures);
    Ok(report(content, results, (patients, account), sections, node).render()?)
}

fn report(
    content: &Content<'_>,
    results: &Json,
    (patients, account): (Option<Number>, Vec<Ruled>),
    figures: Vec<Section>,
    node: &PublicKey,
) -> Report {
    let (request, manifest) = (content.asked.request, content.asked.manifest);
    let withheld = results.get("status").and_then(Json::as_str) != Some("released");
    let (release_day, release_time) = day_and_time(request);
    Report {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        title: manifest.title.clone(),
        dataset: request.dataset.to_string(),
        lead: words::lead(content, withheld),
        status: if withheld { "withheld" } else { "released" },
        status_word: if withheld { "Withheld" } else { "Released" },
        withheld,
        withheld_words: trocar_terms::Code::Withheld.text(),
        patients: patients.map(|n| Shown::whole(&n)),
        privacy: Privacy::of(results, manifest),
        account,
        derived: !manifest.derived.is_empty(),
        approved: approved(&content.asked),
        parties: parties(&content.asked, node, withheld),
        everyone: request.where_.is_empty(),
        release_day,
        release_time,
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        outputs_word: words::outputs(manifest.outputs.len()),
        where_: words::cohort(&request.where_),
        sees: words::sees(&manifest.capabilities),
        parameters: request.parameters.iter().map(|(k, v)| (k.clone(), value(v))).collect(),
        purpose: words::purposes(&manifest.purpose),
        class: request.class.word(),
        class_words: words::class(request.class),
        figures,
        limits: words::limits(&request.conditions),
        node_key: node.to_string(),
        node_name: request.node_name.clone(),
        trocar_version: request.trocar_version.clone(),
        provenance: words::provenance(request),
    }
}

/// When the operators' word was given.
fn approved(asked: &Asked<'_>) -> String {
    let on = |approval: Approval| format!("on {}", allowed::day(approval.approved_at));
    allowed::approval(asked).map_or_else(String::new, on)
}

fn day_and_time(request: &Request) -> (String, String) {
    let text = request.release_at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    (day.to_owned(), time.chars().take(5).collect())
}

impl Shown {
    fn of(n: &Number) -> Self {
        Self::with(n, |x| n.text(x))
    }

    /// Where each is a whole number.
    fn whole(n: &Number) -> Self {
        Self::with(n, |x| number::plain(x, 0))
    }

    fn with(n: &Number, text: impl Fn(f64) -> String) -> Self {
        let end = |x: Option<f64>| x.map_or_else(|| "open".to_owned(), &text);
        let sd = n.sd.map_or_else(|| "not known".to_owned(), |sd| n.text(sd));
        Self { value: text(n.display), sd, low: end(n.low), high: end(n.high), interval: n.interval() }
    }
}

fn section(figure: &Figure<'_>, svg: &str) -> Section {
    let output = figure.output;
    Section {
        name: output.name.to_string(),
        kind: output.kind.word(),
        unit: units::sign(&output.unit).to_owned(),
        counted: units::counted(figure).to_owned(),
        meaning: words::meaning(output),
        single: figure.single().map(|n| Shown::of(&n)),
        svg: svg.to_owned(),
        sentence: plot::sentence(figure),
        note: words::note(figure, plot::MOST),
        caption: words::caption(figure, ROWS),
        column: words::column(&output.kind),
        blank: "blanked: too few patients",
        rows: rows(figure),
    }
}

fn derived_section(statistic: &Statistic<'_>, svg: &str) -> Section {
    let rows: Vec<Row> = statistic.cells().map(|cell| row(&cell)).collect();
    let caption = statistics_words::caption(statistic, rows.len(), ROWS);
    Section {
        name: statistic.derived.name.to_string(),
        kind: statistic.derived.kind.word(),
        unit: format!("from {}", statistic.derived.from),
        counted: statistics_words::single(statistic),
        meaning: statistics_words::meaning(statistic.derived),
        single: statistic.single().map(|n| Shown::of(&n)),
        svg: svg.to_owned(),
        sentence: plot::statistic_sentence(statistic),
        note: statistics_words::note(statistic).to_owned(),
        caption,
        column: "Statistic",
        blank: "not known: too few patients, or hidden by the noise",
        rows: rows.into_iter().take(ROWS).collect(),
    }
}

fn rows(figure: &Figure<'_>) -> Vec<Row> {
    if matches!(figure.output.kind, Kind::Count | Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_)) {
        return Vec::new();
    }
    figure.cells.iter().take(ROWS).map(row).collect()
}

fn row(cell: &Cell) -> Row {
    let number = cell.number.map(|n| Shown::of(&n));
    Row { label: cell.label.clone(), number }
}

/// A parameter or cell value in words.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Integer(n) => n.to_string(),
        Value::Real(x) => number::short(*x),
        Value::Text(text) => text.clone(),
        Value::Days(days) => format!("{days} days"),
        Value::Missing => "missing".to_owned(),
    }
}
