//! From the TOML as it is written to a checked `Manifest`.

use crate::manifest::{Capabilities, Cohort, Manifest, ManifestError, Model, ONNX, Privacy};
use crate::place::Source;
use crate::raw::{RawCapabilities, RawCohort, RawLimits, RawManifest, RawModel, RawPrivacy};
use crate::reading::{self, Examples, keyword, label, positive, purposes, unique};
use crate::text::{Problem, nearest};
use crate::{canonical, cohort, declared, derived, outputs};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use trocar_terms::{Digest, Limits, Modality, Name};

/// The name under which a cohort reads the modalities of a patient's series.
const MODALITY: &str = "modality";
/// As in the filter: each round maps every patient anew and is paid for anew.
const MOST_ROUNDS: u32 = 64;
/// Each model is held in memory by every worker.
const MOST_MODELS: usize = 8;

const EXAMPLES: Examples = &[
    ("schema", "schema = 1"),
    ("name", "name = \"pet-suv\""),
    ("version", "version = \"0.1.0\""),
    ("title", "title = \"Mean SUV of the tumour\""),
    ("license", "license = \"Apache-2.0\""),
    ("purpose", "purpose = [\"DUO:0000006\"]"),
    ("class", "class = \"any-code\""),
    ("component", "component = \"sha256:<64 hex digits>\" (or leave it out: `trocar pack` writes it)"),
    ("limits", "[limits] with fuel, memory_mib and seconds"),
    ("fuel", "fuel = 2_500_000_000"),
    ("memory_mib", "memory_mib = 256"),
    ("seconds", "seconds = 20"),
    ("modalities", "modalities = [\"CT\"]"),
    ("pixels", "pixels = true"),
    ("masks", "masks = [\"GTV_Mass_PET\"]"),
    ("attributes", "attributes = [\"Manufacturer\"]"),
    ("columns", "columns = [\"age_years\"]"),
    ("cohort", "[cohort] with where = 'modality = \"CT\"'"),
    ("where", "where = 'modality = \"CT\"'"),
    (
        "digest",
        "digest = \"sha256:<64 hex digits>\" (or leave it out: `trocar pack --model NAME=FILE` writes it)",
    ),
    ("format", "format = \"onnx\""),
    ("filterable", "filterable = [\"age_years\"]"),
    ("type", "type = \"real\""),
    ("min", "min = 0"),
    ("max", "max = 10"),
    ("step", "step = 1"),
    ("default", "default = 1"),
    ("privacy", "[privacy] with gate_rho = \"0.02\", gate_delta = \"1e-8\" and rounds = 1"),
    ("gate_rho", "gate_rho = \"0.02\""),
    ("gate_delta", "gate_delta = \"1e-8\""),
    ("rounds", "rounds = 1"),
    ("kind", "kind = \"mean\""),
    ("unit", "unit = \"mL\""),
    ("rho", "rho = \"0.02\""),
    ("lower", "lower = 0.0"),
    ("upper", "upper = 20.0"),
    ("grid_bits", "grid_bits = 10"),
    ("edges", "edges = [0, 10, 50, 100]"),
    ("axes", "axes = [{ name = \"sex\", categories = [\"F\", \"M\"] }]"),
    ("categories", "categories = [\"F\", \"M\"]"),
    ("probabilities", "probabilities = [0.25, 0.5, 0.75]"),
    ("variables", "variables = [{ name = \"age\", unit = \"a\", lower = 0, upper = 120 }]"),
    ("from", "from = \"scores_by_label\""),
    ("positive", "positive = \"malignant\""),
    ("event", "event = \"died\""),
    ("outcome", "outcome = \"volume\""),
    ("predictors", "predictors = [\"age\"]"),
    ("l2", "l2 = 1.0"),
    ("cells_per_patient", "cells_per_patient = 1"),
    ("length", "length = 16"),
    ("clip", "clip = 1.0"),
];

pub(crate) fn manifest(file_name: &str, text: &str) -> Result<Manifest, ManifestError> {
    let mut manifest = checked(text).map_err(|problem| problem.within(file_name, text))?;
    manifest.source = Source { file_name: file_name.to_owned(), text: text.to_owned() };
    Ok(manifest)
}

/// Where `component = "<digest>"` goes: over the value that is there, or an empty range at the end of `class`'s line.
pub(crate) fn component_place(file_name: &str, text: &str) -> Result<Range<usize>, ManifestError> {
    let raw: RawManifest = reading::toml(text, EXAMPLES).map_err(|p| p.within(file_name, text))?;
    if let Some(component) = raw.component {
        return Ok(component.span());
    }
    Ok(line_end(text, raw.class.span().end))
}

fn checked(text: &str) -> Result<Manifest, Problem> {
    let raw: RawManifest = reading::toml(text, EXAMPLES)?;
    let capabilities = capabilities(raw.capabilities)?;
    let outputs = outputs::outputs(raw.outputs)?;
    let mut manifest = Manifest {
        schema: reading::schema_one(&raw.schema)?,
        name: kebab(raw.name)?,
        version: version(raw.version)?,
        title: title(raw.title)?,
        license: license(raw.license)?,
        purpose: purposes(&raw.purpose)?,
        class: raw.class.into_inner(),
        component: raw.component.map(Spanned::into_inner),
        limits: limits(&raw.limits)?,
        cohort: cohort(text, raw.cohort, &capabilities)?,
        capabilities,
        models: models(&raw.models)?,
        parameters: declared::parameters(raw.parameters)?,
        privacy: privacy(&raw.privacy)?,
        derived: derived::derived(raw.derived, &outputs)?,
        outputs,
        canonical: Vec::new(),
        source: Source::default(),
    };
    let whole = |e: canonical::CanonicalError| Problem::new(0..0, e.to_string(), "write finite numbers");
    manifest.canonical = canonical::json(&manifest).map_err(whole)?;
    Ok(manifest)
}

/// Models by name, each with the digest of its file.
fn models(raw: &[RawModel]) -> Result<Vec<Model>, Problem> {
    let names: Vec<Spanned<&Name>> =
        raw.iter().map(|m| Spanned::new(m.name.span(), m.name.get_ref())).collect();
    unique(&names, "model")?;
    if let Some(ninth) = raw.get(MOST_MODELS) {
        let help = "remove some [[models]]";
        return Err(Problem::new(
            ninth.name.span(),
            format!("a manifest has at most {MOST_MODELS} models"),
            help,
        ));
    }
    raw.iter().map(model).collect()
}

fn model(raw: &RawModel) -> Result<Model, Problem> {
    if raw.format.get_ref() != ONNX {
        let message = format!("`{}` is not a format of models", raw.format.get_ref());
        return Err(Problem::new(raw.format.span(), message, "write `format = \"onnx\"`"));
    }
    let Some(digest) = &raw.digest else {
        let name = raw.name.get_ref();
        let help = format!(
            "give its file with `--model {name}=FILE`, or write `digest = \"sha256:<64 hex digits>\"`"
        );
        return Err(Problem::new(raw.name.span(), format!("the model `{name}` has no digest"), help));
    };
    Ok(Model { name: raw.name.get_ref().clone(), digest: *digest.get_ref(), format: ONNX.to_owned() })
}

/// Where the digests of these models go, first to last: over the value that is there, or an empty range at the end of the name's
/// line.
pub(crate) fn model_places(
    file_name: &str,
    text: &str,
    digests: &BTreeMap<String, Digest>,
) -> Result<Vec<(Range<usize>, Digest)>, ManifestError> {
    let raw: RawManifest = reading::toml(text, EXAMPLES).map_err(|p| p.within(file_name, text))?;
    let place = |model: &RawModel| {
        let digest = digests.get(model.name.get_ref().as_str())?;
        let span = model.digest.as_ref().map_or_else(|| line_end(text, model.name.span().end), Spanned::span);
        Some((span, *digest))
    };
    Ok(raw.models.iter().filter_map(place).collect())
}

/// The empty range at the end of the line on which `at` stands.
fn line_end(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let line = at.saturating_add(rest.find('\n').unwrap_or(rest.len()));
    line..line
}

fn kebab(name: Spanned<Name>) -> Result<Name, Problem> {
    let text = name.get_ref().as_str();
    if text.split('-').all(|part| !part.is_empty() && !part.contains('_')) {
        return Ok(name.into_inner());
    }
    let help = format!("write `name = \"{}\"`", text.replace('_', "-").trim_matches('-'));
    Err(Problem::new(name.span(), format!("`{text}` is not kebab-case"), help))
}

fn version(version: Spanned<String>) -> Result<String, Problem> {
    let number = |part: &str| {
        (part == "0" || !part.starts_with('0')) && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit())
    };
    let parts: Vec<&str> = version.get_ref().split('.').collect();
    if parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && number(part)) {
        return Ok(version.into_inner());
    }
    let message = format!("`{}` is not a version", version.get_ref());
    Err(Problem::new(version.span(), message, "write three numbers: `version = \"0.1.0\"`"))
}

fn title(title: Spanned<String>) -> Result<String, Problem> {
    let text = title.get_ref();
    let length = text.chars().count();
    if (1..=120).contains(&length) && text.trim() == text && !text.chars().any(char::is_control) {
        return Ok(title.into_inner());
    }
    let help = "write one line of 1 to 120 characters that an operator reads first";
    Err(Problem::new(title.span(), "the title is empty, too long or not one line", help))
}

fn license(license: Spanned<String>) -> Result<String, Problem> {
    let text = license.get_ref();
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"-.+() ".contains(&b);
    if (1..=120).contains(&text.len()) && text.trim() == text && text.bytes().all(letters) {
        return Ok(license.into_inner());
    }
    let message = format!("`{text}` is not an SPDX expression");
    Err(Problem::new(license.span(), message, "write `license = \"Apache-2.0\"` or \"MIT OR Apache-2.0\""))
}

fn limits(raw: &RawLimits) -> Result<Limits, Problem> {
    let limits = Limits::new(*raw.fuel.get_ref(), *raw.memory_mib.get_ref(), *raw.seconds.get_ref());
    limits.map_err(|error| {
        let message = error.to_string();
        let fields = [("fuel", raw.fuel.span()), ("memory_mib", raw.memory_mib.span())];
        let named = fields.into_iter().find(|(name, _)| message.starts_with(name));
        let (name, span) = named.unwrap_or(("seconds", raw.seconds.span()));
        let example = EXAMPLES.iter().find(|(key, _)| *key == name).map_or("", |(_, example)| example);
        Problem::new(span, message, format!("write `{example}`"))
    })
}

fn capabilities(raw: RawCapabilities) -> Result<Capabilities, Problem> {
    let codes: Vec<Spanned<&str>> =
        raw.modalities.iter().map(|m| Spanned::new(m.span(), m.get_ref().code())).collect();
    unique(&codes, "modality")?;
    unique(&raw.masks, "mask")?;
    unique(&raw.attributes, "attribute")?;
    unique(&raw.columns, "column")?;
    let needs_series = raw.pixels.as_ref().filter(|p| *p.get_ref()).map(Spanned::span);
    let needs_series = needs_series.or_else(|| raw.masks.first().map(Spanned::span));
    if let Some(span) = needs_series.filter(|_| raw.modalities.is_empty()) {
        let help = "add `modalities = [\"CT\"]`: which series they are of";
        return Err(Problem::new(span, "pixels and masks need a modality", help));
    }
    Ok(Capabilities {
        modalities: raw.modalities.into_iter().map(Spanned::into_inner).collect(),
        pixels: raw.pixels.is_some_and(Spanned::into_inner),
        masks: raw.masks.iter().map(|m| label(m, "a mask")).collect::<Result<_, _>>()?,
        attributes: raw.attributes.iter().map(keyword).collect::<Result<_, _>>()?,
        columns: raw.columns.into_iter().map(Spanned::into_inner).collect(),
    })
}

fn cohort(text: &str, raw: RawCohort, granted: &Capabilities) -> Result<Cohort, Problem> {
    let place = where_place(text, &raw.where_);
    let where_ =
        cohort::expression(raw.where_.get_ref()).map_err(|p| Problem { span: place.of(&p.span), ..p })?;
    for test in where_.tests() {
        check_readable(&test.name, granted, || place.of_word(raw.where_.get_ref(), &test.name))?;
        check_modality(test, || place.of_word(raw.where_.get_ref(), &test.name))?;
    }
    unique(&raw.filterable, "name")?;
    for name in &raw.filterable {
        check_readable(name.get_ref().as_str(), granted, || name.span())?;
    }
    Ok(Cohort { where_, filterable: raw.filterable.into_iter().map(Spanned::into_inner).collect() })
}

/// A cohort reads only what the guest is granted, and the modality.
fn check_readable(
    name: &str,
    granted: &Capabilities,
    span: impl Fn() -> Range<usize>,
) -> Result<(), Problem> {
    let known = || {
        let columns = granted.columns.iter().map(Name::as_str);
        columns.chain(granted.attributes.iter().map(String::as_str)).chain([MODALITY])
    };
    if known().any(|k| k == name) {
        return Ok(());
    }
    let help = match nearest(name, known()) {
        Some(near) => {
            format!("did you mean `{near}`? Else add it to columns or attributes of [capabilities]")
        }
        None => format!("add \"{name}\" to columns or attributes of [capabilities]"),
    };
    Err(Problem::new(span(), format!("`{name}` is not among the capabilities"), help))
}

/// `modality` is text of a closed list.
fn check_modality(test: &cohort::Test, span: impl Fn() -> Range<usize>) -> Result<(), Problem> {
    let code =
        |l: &cohort::Literal| matches!(l, cohort::Literal::Text(t) if Modality::from_code(t).is_some());
    if test.name != MODALITY || test.condition.literals().into_iter().all(code) {
        return Ok(());
    }
    Err(Problem::new(
        span(),
        "a modality is CT, MR or PT",
        "write `modality = \"CT\"` or `modality in (\"CT\", \"PT\")`",
    ))
}

/// Where the text of `where` stands in the file: its places count from `start` if it is written without escapes.
struct WherePlace {
    whole: Range<usize>,
    start: Option<usize>,
}

fn where_place(text: &str, raw: &Spanned<String>) -> WherePlace {
    let whole = raw.span();
    let written = text.get(whole.clone()).unwrap_or_default();
    let start = written.find(raw.get_ref().as_str()).map(|at| whole.start.saturating_add(at));
    WherePlace { whole, start }
}

impl WherePlace {
    fn of(&self, span: &Range<usize>) -> Range<usize> {
        let Some(start) = self.start else {
            return self.whole.clone();
        };
        start.saturating_add(span.start)..start.saturating_add(span.end)
    }

    fn of_word(&self, expression: &str, word: &str) -> Range<usize> {
        let at = expression.find(word).unwrap_or(0);
        self.of(&(at..at.saturating_add(word.len())))
    }
}

fn privacy(raw: &RawPrivacy) -> Result<Privacy, Problem> {
    let gate_delta = positive(&raw.gate_delta)?;
    if gate_delta.to_f64() >= 0.01 {
        let help = "write `gate_delta = \"1e-8\"`";
        return Err(Problem::new(raw.gate_delta.span(), "a delta this large protects nobody", help));
    }
    let rounds = *raw.rounds.get_ref();
    if !(1..=MOST_ROUNDS).contains(&rounds) {
        let message = format!("a job has 1 to {MOST_ROUNDS} rounds");
        return Err(Problem::new(
            raw.rounds.span(),
            message,
            "write `rounds = 1`, or how often the guests are to see the last result",
        ));
    }
    Ok(Privacy { gate_rho: positive(&raw.gate_rho)?, gate_delta, rounds })
}
