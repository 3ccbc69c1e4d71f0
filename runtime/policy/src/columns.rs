//! Checks of `[clinical]` and of granted columns: public ranges and closed lists, missing codes, mapped categories.

use crate::policy::Clinical;
use crate::raw::{RawClinical, RawColumn};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use trocar_manifest::reading::{Scalar, categories, label, unique};
use trocar_manifest::text::Problem;
use trocar_terms::{ColumnRule, ColumnType, TableRules};

pub(crate) fn clinical(raw: Option<&RawClinical>) -> Result<Clinical, Problem> {
    let Some(raw) = raw else { return Ok(Clinical::default()) };
    let name = |text: &Option<Spanned<String>>| {
        text.as_ref().map(|text| label(text, "a name of a column")).transpose()
    };
    let (key, index_date) = (name(&raw.key)?, name(&raw.index_date)?);
    let clinical = Clinical { key: key.unwrap_or_else(|| TableRules::KEY.to_owned()), index_date };
    match &raw.index_date {
        Some(date) if *date.get_ref() == clinical.key => {
            let help = "write the name of the column that holds each patient's day 0";
            Err(Problem::new(date.span(), "the key is no date", help))
        }
        Some(_) | None => Ok(clinical),
    }
}

pub(crate) fn column(raw: &RawColumn, clinical: &Clinical) -> Result<ColumnRule, Problem> {
    let name = raw.name.get_ref();
    if matches!(name.as_str(), "patient_id" | "modality") {
        let help = "remove it: patient_id is never shown, and modality is read from the images";
        return Err(Problem::new(raw.name.span(), format!("`{name}` cannot be a granted column"), help));
    }
    let kind = kind(raw)?;
    let rule = ColumnRule {
        name: name.clone(),
        source: source(raw, clinical)?,
        missing: missing(raw, &kind)?,
        map: map(raw, &kind)?,
        kind,
    };
    match rule.missing.iter().find(|code| rule.map.contains_key(*code)) {
        Some(code) => {
            let span = raw.map.as_ref().map_or(raw.name.span(), Spanned::span);
            Err(Problem::new(
                span,
                format!("`{code}` is mapped, and a missing code"),
                "remove one of the two",
            ))
        }
        None => Ok(rule),
    }
}

/// The table's own name of the column. The patient's id and her absolute date are never shown, whatever they are called.
fn source(raw: &RawColumn, clinical: &Clinical) -> Result<Option<String>, Problem> {
    let source = raw.source.as_ref().map(|text| label(text, "a name of a column")).transpose()?;
    let in_table = source.as_deref().unwrap_or(raw.name.get_ref().as_str());
    let span = raw.source.as_ref().map_or(raw.name.span(), Spanned::span);
    if in_table == clinical.key {
        let help = "remove it: the column that names patients is never shown";
        return Err(Problem::new(span, format!("`{in_table}` is the key of the table"), help));
    }
    if clinical.index_date.as_deref() == Some(in_table) {
        let help = "remove it: days are counted from this date, which is never shown";
        return Err(Problem::new(span, format!("`{in_table}` is the index date"), help));
    }
    Ok(source)
}

/// Codes that stand for a missing value: 1 to 64, none twice, none that is a category.
fn missing(raw: &RawColumn, kind: &ColumnType) -> Result<Vec<String>, Problem> {
    let Some(list) = &raw.missing else { return Ok(Vec::new()) };
    let codes = list.get_ref();
    if codes.is_empty() || codes.len() > 64 {
        let message = "a list of missing codes has 1 to 64 entries";
        return Err(Problem::new(list.span(), message, "write `missing = [\"NA\", \"999\"]`"));
    }
    unique(codes, "missing code")?;
    for code in codes.iter().filter(|code| !code.get_ref().is_empty()) {
        label(code, "a missing code")?;
        if listed(kind, code.get_ref()) {
            let message = format!("`{}` is a category, and a missing code", code.get_ref());
            return Err(Problem::new(code.span(), message, "remove one of the two"));
        }
    }
    Ok(codes.iter().map(|code| code.get_ref().clone()).collect())
}

/// From the table's words to the closed list: 1 to 256, each to a category, none from one.
fn map(raw: &RawColumn, kind: &ColumnType) -> Result<BTreeMap<String, String>, Problem> {
    let Some(map) = &raw.map else { return Ok(BTreeMap::new()) };
    if !matches!(kind, ColumnType::Category { .. }) {
        return Err(not_of(raw, "map", map.span()));
    }
    let example = "write `map = { male = \"M\", female = \"F\" }`";
    if map.get_ref().is_empty() || map.get_ref().len() > 256 {
        return Err(Problem::new(map.span(), "a map of categories has 1 to 256 entries", example));
    }
    for (from, to) in map.get_ref() {
        label(&Spanned::new(to.span(), from.clone()), "a mapped word")?;
        if !listed(kind, to.get_ref()) {
            let message = format!("`{}` is not one of the categories", to.get_ref());
            return Err(Problem::new(to.span(), message, "map each word to one of `categories`"));
        }
        if listed(kind, from) {
            let message = format!("`{from}` is a category itself, which no map may change");
            return Err(Problem::new(to.span(), message, format!("remove `{from}` from the map")));
        }
    }
    Ok(map.get_ref().iter().map(|(from, to)| (from.clone(), to.get_ref().clone())).collect())
}

fn listed(kind: &ColumnType, word: &str) -> bool {
    match kind {
        ColumnType::Category { categories } => categories.iter().any(|category| category == word),
        ColumnType::Integer { .. } | ColumnType::Real { .. } | ColumnType::Days { .. } => false,
    }
}

fn not_of(raw: &RawColumn, field: &str, span: Range<usize>) -> Problem {
    let message = format!("`{field}` is not a field of a column of type {}", raw.kind.get_ref());
    Problem::new(span, message, "remove it")
}

fn kind(raw: &RawColumn) -> Result<ColumnType, Problem> {
    Ok(match raw.kind.get_ref().as_str() {
        "integer" => {
            let (min, max) = range(raw, whole, "a whole number up to 2^53")?;
            ColumnType::Integer { min, max }
        }
        "real" => {
            let (min, max) = range(raw, real, "a finite number")?;
            ColumnType::Real { min, max }
        }
        "days" => {
            let (min, max) =
                range(raw, |s| whole(s).and_then(|i| i32::try_from(i).ok()), "a number of days")?;
            ColumnType::Days { min, max }
        }
        "category" => category(raw)?,
        word => {
            let help = "write `type = \"integer\"`, `\"real\"`, `\"category\"` or `\"days\"`";
            return Err(Problem::new(raw.kind.span(), format!("`{word}` is not a type of column"), help));
        }
    })
}

fn whole(scalar: &Scalar) -> Option<i64> {
    match scalar {
        Scalar::Integer(i) if i.unsigned_abs() <= 1 << 53 => Some(*i),
        Scalar::Integer(_) | Scalar::Real(_) | Scalar::Text(_) => None,
    }
}

#[allow(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is its nearest real")]
fn real(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Integer(i) => Some(*i as f64),
        Scalar::Real(x) if x.is_finite() => Some(*x),
        Scalar::Real(_) | Scalar::Text(_) => None,
    }
}

fn range<T: PartialOrd>(
    raw: &RawColumn,
    read: impl Fn(&Scalar) -> Option<T>,
    wanted: &str,
) -> Result<(T, T), Problem> {
    if let Some(list) = &raw.categories {
        return Err(not_of(raw, "categories", list.span()));
    }
    let take = |field: &Option<Spanned<Scalar>>, name: &str| {
        let place = field.as_ref().map_or(raw.kind.span(), Spanned::span);
        let value = field.as_ref().and_then(|f| read(f.get_ref()));
        let message = format!("`{}` needs `{name}`, {wanted}", raw.name.get_ref());
        value.ok_or_else(|| {
            Problem::new(place, message, format!("write `{name} = 0`, a bound that is public"))
        })
    };
    let (min, max) = (take(&raw.min, "min")?, take(&raw.max, "max")?);
    if min <= max {
        return Ok((min, max));
    }
    let place = raw.max.as_ref().map_or(raw.kind.span(), Spanned::span);
    Err(Problem::new(place, "max is below min", "write the largest value that counts"))
}

fn category(raw: &RawColumn) -> Result<ColumnType, Problem> {
    if let Some(bound) = raw.min.as_ref().or(raw.max.as_ref()) {
        let message = "`min` and `max` are not fields of a column of type category";
        return Err(Problem::new(bound.span(), message, "remove them"));
    }
    let missing = || {
        let message = format!("`{}` needs `categories`", raw.name.get_ref());
        Problem::new(raw.kind.span(), message, "add `categories = [\"F\", \"M\"]`")
    };
    Ok(ColumnType::Category { categories: categories(raw.categories.as_ref().ok_or_else(missing)?)? })
}
