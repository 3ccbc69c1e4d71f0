//! Checks of `[grantable]`: closed lists and public ranges, and nothing that identifies.

use crate::policy::Grantable;
use crate::raw::{RawAttribute, RawColumn, RawGrantable};
use toml::Spanned;
use trocar_manifest::reading::{Scalar, categories, keyword, unique};
use trocar_manifest::text::Problem;
use trocar_terms::{AttributeRule, ColumnRule, ColumnType};

pub(crate) fn grantable(raw: &RawGrantable) -> Result<Grantable, Problem> {
    let codes: Vec<Spanned<&str>> =
        raw.modalities.iter().map(|m| Spanned::new(m.span(), m.get_ref().code())).collect();
    unique(&codes, "modality")?;
    let keywords: Vec<Spanned<String>> = raw.attributes.iter().map(|a| a.keyword.clone()).collect();
    unique(&keywords, "attribute")?;
    let names: Vec<_> = raw.columns.iter().map(|c| c.name.clone()).collect();
    unique(&names, "column")?;
    Ok(Grantable {
        modalities: raw.modalities.iter().map(|m| *m.get_ref()).collect(),
        pixels: raw.pixels,
        masks: raw.masks,
        models: *raw.models.get_ref(),
        attributes: raw.attributes.iter().map(attribute).collect::<Result<_, _>>()?,
        columns: raw.columns.iter().map(column).collect::<Result<_, _>>()?,
    })
}

fn attribute(raw: &RawAttribute) -> Result<AttributeRule, Problem> {
    let keyword = keyword(&raw.keyword)?;
    if identifies(&keyword) {
        let help = "remove it: a guest never sees an UID, a name, an id or an absolute date";
        return Err(Problem::new(
            raw.keyword.span(),
            format!("`{keyword}` identifies a patient or a day"),
            help,
        ));
    }
    Ok(AttributeRule { keyword, categories: categories(&raw.categories)? })
}

/// DESIGN.md section 5: never an UID, a name or an absolute date. Names after the rules of PS3.6.
fn identifies(keyword: &str) -> bool {
    let ends =
        ["UID", "UIDs", "Date", "DateTime", "PatientID", "PatientIDs", "PhysicianName", "OperatorsName"];
    let whole = ["PatientName", "PatientBirthName", "OtherPatientNames", "AccessionNumber", "StudyID"];
    ends.iter().any(|end| keyword.ends_with(end)) || whole.contains(&keyword)
}

fn column(raw: &RawColumn) -> Result<ColumnRule, Problem> {
    let name = raw.name.get_ref();
    if matches!(name.as_str(), "patient_id" | "modality") {
        let help = "remove it: patient_id is never shown, and modality is read from the images";
        return Err(Problem::new(raw.name.span(), format!("`{name}` cannot be a granted column"), help));
    }
    let kind = match raw.kind.get_ref().as_str() {
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
    };
    Ok(ColumnRule { name: name.clone(), kind })
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
        let message = format!("`categories` is not a field of a column of type {}", raw.kind.get_ref());
        return Err(Problem::new(list.span(), message, "remove it"));
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
