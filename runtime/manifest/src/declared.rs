//! Checks of `[[parameters]]`: which fields a type has, and that the default is a value that may be set.

use crate::parameters::{Grid, Parameter, ParameterKind, nanos};
use crate::raw::RawParameter;
use crate::reading::{Scalar, categories, unique};
use crate::text::Problem;
use std::ops::Range;
use toml::Spanned;
use trocar_terms::Name;

/// The words of `type`.
pub(crate) const TYPES: [&str; 3] = ["integer", "real", "category"];

pub(crate) fn parameters(raw: Vec<RawParameter>) -> Result<Vec<Parameter>, Problem> {
    let names: Vec<Spanned<Name>> = raw.iter().map(|p| p.name.clone()).collect();
    unique(&names, "parameter")?;
    raw.into_iter().map(checked).collect()
}

fn checked(raw: RawParameter) -> Result<Parameter, Problem> {
    let kind = match raw.kind.get_ref().as_str() {
        "integer" => integer_kind(&raw)?,
        "real" => real_kind(&raw)?,
        "category" => category_kind(&raw)?,
        word => {
            let help = "write `type = \"integer\"`, `\"real\"` or `\"category\"`";
            return Err(Problem::new(raw.kind.span(), format!("`{word}` is not a type of parameter"), help));
        }
    };
    Ok(Parameter { name: raw.name.into_inner(), kind })
}

fn integer_kind(raw: &RawParameter) -> Result<ParameterKind, Problem> {
    let whole = |scalar: &Scalar| match scalar {
        // Canonical JSON holds whole numbers up to 2^53.
        Scalar::Integer(i) if i.unsigned_abs() <= 1 << 53 => Some((*i, i128::from(*i))),
        Scalar::Integer(_) | Scalar::Real(_) | Scalar::Text(_) => None,
    };
    let [min, max, step, default] = numbers(raw, whole, "a whole number up to 2^53")?;
    Ok(ParameterKind::Integer { min, max, step, default })
}

fn real_kind(raw: &RawParameter) -> Result<ParameterKind, Problem> {
    #[allow(clippy::cast_precision_loss, reason = "beyond 10^9 it is refused; below, exact")]
    let real = |scalar: &Scalar| match scalar {
        Scalar::Real(x) => Some((*x + 0.0, nanos(*x + 0.0)?)),
        Scalar::Integer(i) => Some((*i as f64, nanos(*i as f64)?)),
        Scalar::Text(_) => None,
    };
    let [min, max, step, default] = numbers(raw, real, "a number up to 10^9 with at most 9 decimals")?;
    Ok(ParameterKind::Real { min, max, step, default })
}

/// min, max, step and default, each read by `read`, and the default on the grid of the others.
fn numbers<T: Copy>(
    raw: &RawParameter,
    read: impl Fn(&Scalar) -> Option<(T, i128)>,
    wanted: &str,
) -> Result<[T; 4], Problem> {
    refuse(raw.categories.as_ref().map(Spanned::span), "categories", raw)?;
    let take = |field: Option<&Spanned<Scalar>>, name: &str| -> Result<(T, i128, Range<usize>), Problem> {
        let message = format!("`{}` needs `{name}`, {wanted}", raw.name.get_ref());
        let missing = || Problem::new(raw.kind.span(), message.clone(), format!("add `{name} = 1`"));
        let field = field.ok_or_else(missing)?;
        let wrong =
            || Problem::new(field.span(), format!("`{name}` is not {wanted}"), format!("write {wanted}"));
        let (value, exact) = read(field.get_ref()).ok_or_else(wrong)?;
        Ok((value, exact, field.span()))
    };
    let (min, max) = (take(raw.min.as_ref(), "min")?, take(raw.max.as_ref(), "max")?);
    let (step, default) = (take(raw.step.as_ref(), "step")?, take(Some(&raw.default), "default")?);
    let grid = Grid { min: min.1, max: max.1, step: step.1 };
    if grid.step <= 0 {
        return Err(Problem::new(step.2, "step must be above zero", "write the distance between two values"));
    }
    if grid.max < grid.min {
        return Err(Problem::new(max.2, "max is below min", "write the largest value that may be set"));
    }
    if !grid.has(default.1) {
        let help = "write one of min, min + step, .. up to max";
        return Err(Problem::new(default.2, "the default is not on the grid", help));
    }
    Ok([min.0, max.0, step.0, default.0])
}

fn category_kind(raw: &RawParameter) -> Result<ParameterKind, Problem> {
    for (field, name) in [(&raw.min, "min"), (&raw.max, "max"), (&raw.step, "step")] {
        refuse(field.as_ref().map(Spanned::span), name, raw)?;
    }
    let help = "add `categories = [\"low\", \"high\"]`";
    let missing =
        || Problem::new(raw.kind.span(), format!("`{}` needs `categories`", raw.name.get_ref()), help);
    let categories = categories(raw.categories.as_ref().ok_or_else(missing)?)?;
    match raw.default.get_ref() {
        Scalar::Text(default) if categories.contains(default) => {
            Ok(ParameterKind::Category { categories, default: default.clone() })
        }
        Scalar::Text(_) | Scalar::Integer(_) | Scalar::Real(_) => {
            let help = format!("write one of {}", categories.join(", "));
            Err(Problem::new(raw.default.span(), "the default is not one of the categories", help))
        }
    }
}

fn refuse(span: Option<Range<usize>>, name: &str, raw: &RawParameter) -> Result<(), Problem> {
    let Some(span) = span else { return Ok(()) };
    let message = format!("`{name}` is not a field of a parameter of type {}", raw.kind.get_ref());
    Err(Problem::new(span, message, "remove it"))
}
