//! Checks of `[[derived]]`: which fields a kind has, and that the output it reads has the shape that it needs.

use crate::fields::{self, Present, need};
use crate::raw::RawDerived;
use crate::reading::{finite, unique};
use crate::text::{Problem, nearest};
use std::ops::Range;
use toml::Spanned;
use trocar_terms::{Axis, DERIVED_KINDS, Derived, DerivedKind, Kind, Name, Output};

/// Derived statistics of one manifest.
const MOST: usize = 64;

pub(crate) fn derived(raw: Vec<RawDerived>, outputs: &[Output]) -> Result<Vec<Derived>, Problem> {
    if let Some(beyond) = raw.get(MOST) {
        let message = format!("a manifest has up to {MOST} derived statistics, this one has {}", raw.len());
        return Err(Problem::new(beyond.name.span(), message, "remove those beyond"));
    }
    let names: Vec<Spanned<Name>> = raw.iter().map(|d| d.name.clone()).collect();
    unique(&names, "derived statistic")?;
    raw.into_iter().map(|d| checked(d, outputs)).collect()
}

fn checked(raw: RawDerived, outputs: &[Output]) -> Result<Derived, Problem> {
    if outputs.iter().any(|o| &o.name == raw.name.get_ref()) {
        let message = format!("an output is named `{}` too", raw.name.get_ref());
        return Err(Problem::new(raw.name.span(), message, "give each a name of its own"));
    }
    let source = source(&raw.from, outputs)?;
    let kind = kind(&raw, &source.kind)?;
    if let Err(wanted) = kind.reads(&source.kind) {
        let message = format!(
            "the kind {} cannot read `{}`, of the kind {}",
            kind.word(),
            source.name,
            source.kind.word()
        );
        return Err(Problem::new(place(&raw, &kind, &source.kind), message, format!("it reads {wanted}")));
    }
    Ok(Derived { name: raw.name.into_inner(), from: raw.from.into_inner(), kind })
}

/// Where it is most likely wrong: at a word that the author wrote and the output has not, else at the output.
fn place(raw: &RawDerived, kind: &DerivedKind, source: &Kind) -> Range<usize> {
    let wanted = match kind {
        DerivedKind::Covariance | DerivedKind::Linear { .. } => "moments",
        DerivedKind::Logistic { .. } => "vector",
        DerivedKind::Roc { .. }
        | DerivedKind::Calibration { .. }
        | DerivedKind::Confusion
        | DerivedKind::Survival { .. } => "table",
    };
    let word = present(raw).next().filter(|_| source.word() == wanted);
    word.map_or_else(|| raw.from.span(), |(_, span)| span)
}

fn source<'a>(from: &Spanned<Name>, outputs: &'a [Output]) -> Result<&'a Output, Problem> {
    let wanted = from.get_ref();
    let found = outputs.iter().find(|o| &o.name == wanted);
    found.ok_or_else(|| {
        let known = || outputs.iter().map(|o| o.name.as_str());
        let help = match nearest(wanted.as_str(), known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", known().take(8).collect::<Vec<_>>().join(", ")),
        };
        Problem::new(from.span(), format!("there is no output `{wanted}`"), help)
    })
}

fn kind(raw: &RawDerived, source: &Kind) -> Result<DerivedKind, Problem> {
    match raw.kind.get_ref().as_str() {
        "roc" => labelled(raw, &["positive"], &raw.positive, source, 1)
            .map(|positive| DerivedKind::Roc { positive }),
        "calibration" => labelled(raw, &["positive"], &raw.positive, source, 1)
            .map(|positive| DerivedKind::Calibration { positive }),
        "confusion" => only(raw, &[]).map(|()| DerivedKind::Confusion),
        "survival" => {
            labelled(raw, &["event"], &raw.event, source, 0).map(|event| DerivedKind::Survival { event })
        }
        "covariance" => only(raw, &[]).map(|()| DerivedKind::Covariance),
        "linear" => linear(raw, source),
        "logistic" => logistic(raw),
        _ => Err(unknown_kind(&raw.kind)),
    }
}

fn unknown_kind(kind: &Spanned<String>) -> Problem {
    let help = match nearest(kind.get_ref(), DERIVED_KINDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", DERIVED_KINDS.join(", ")),
    };
    Problem::new(kind.span(), format!("`{}` is not a kind of derived statistic", kind.get_ref()), help)
}

/// Every optional field that is written, with its place.
fn present(raw: &RawDerived) -> impl Iterator<Item = Present> {
    let fields = [
        ("positive", raw.positive.as_ref().map(Spanned::span)),
        ("event", raw.event.as_ref().map(Spanned::span)),
        ("outcome", raw.outcome.as_ref().map(Spanned::span)),
        ("predictors", raw.predictors.as_ref().map(Spanned::span)),
        ("l2", raw.l2.as_ref().map(Spanned::span)),
        ("step", raw.step.as_ref().map(Spanned::span)),
    ];
    fields.into_iter().filter_map(|(name, span)| Some((name, span?)))
}

fn only(raw: &RawDerived, fields: &[&str]) -> Result<(), Problem> {
    fields::only(&raw.kind, present(raw), fields, "name, kind and from")
}

/// The category that is written, or the one at `default` of the last axis.
fn labelled(
    raw: &RawDerived,
    fields: &[&str],
    given: &Option<Spanned<String>>,
    source: &Kind,
    default: usize,
) -> Result<String, Problem> {
    only(raw, fields)?;
    if let Some(word) = given {
        return Ok(word.get_ref().clone());
    }
    let last = if let Kind::Table { axes, .. } = source { axes.last() } else { None };
    let list =
        if let Some(Axis::Categories { categories, .. }) = last { categories.get(default) } else { None };
    // Where there is none, the shape is wrong, which is what the author is then told.
    Ok(list.cloned().unwrap_or_default())
}

fn names(list: &Spanned<Vec<Spanned<Name>>>) -> Result<Vec<Name>, Problem> {
    unique(list.get_ref(), "predictor")?;
    if list.get_ref().is_empty() {
        return Err(Problem::new(
            list.span(),
            "at least one predictor is needed",
            "write `predictors = [\"age\"]`",
        ));
    }
    Ok(list.get_ref().iter().map(|name| name.get_ref().clone()).collect())
}

fn linear(raw: &RawDerived, source: &Kind) -> Result<DerivedKind, Problem> {
    only(raw, &["outcome", "predictors"])?;
    let outcome = need(&raw.kind, &raw.outcome, "outcome = \"volume\"")?;
    let given = raw.predictors.iter().flat_map(|list| list.get_ref());
    given.chain([outcome]).try_for_each(|name| is_variable(name, source))?;
    let predictors = match &raw.predictors {
        Some(list) => names(list)?,
        None => others(source, outcome.get_ref()),
    };
    Ok(DerivedKind::Linear { outcome: outcome.get_ref().clone(), predictors })
}

/// Where the output is no moments, that is the fault, and not this name.
fn is_variable(name: &Spanned<Name>, source: &Kind) -> Result<(), Problem> {
    let Kind::Moments { variables } = source else { return Ok(()) };
    let known = || variables.iter().map(|v| v.name.as_str());
    if known().any(|k| k == name.get_ref().as_str()) {
        return Ok(());
    }
    let help = match nearest(name.get_ref().as_str(), known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", known().collect::<Vec<_>>().join(", ")),
    };
    Err(Problem::new(name.span(), format!("`{}` is not one of the variables", name.get_ref()), help))
}

fn others(source: &Kind, outcome: &Name) -> Vec<Name> {
    let Kind::Moments { variables } = source else { return Vec::new() };
    variables.iter().map(|v| v.name.clone()).filter(|name| name != outcome).collect()
}

fn logistic(raw: &RawDerived) -> Result<DerivedKind, Problem> {
    only(raw, &["predictors", "l2", "step"])?;
    let predictors = names(need(&raw.kind, &raw.predictors, "predictors = [\"age\"]")?)?;
    let within = |field: &Option<Spanned<f64>>, good: fn(f64) -> bool, message: &str, help: &str| {
        let Some(number) = field else { return Ok(1.0) };
        let value = finite(number)?;
        if good(value) { Ok(value) } else { Err(Problem::new(number.span(), message, help)) }
    };
    let l2 = within(&raw.l2, |x| (0.0..=1e9).contains(&x), "l2 is 0 to 10^9", "write `l2 = 1.0`")?;
    let step =
        within(&raw.step, |x| x > 0.0 && x <= 1.0, "step is above 0 and at most 1", "write `step = 1.0`")?;
    // -0.0 has the same canonical form as 0.
    Ok(DerivedKind::Logistic { predictors, l2: l2 + 0.0, step })
}
