//! Checks of `[[outputs]]`: which fields a kind has, and what they may hold.

use crate::fields::{self, Present, need};
use crate::raw::{RawAxis, RawOutput, RawVariable};
use crate::reading::{categories, finite, positive, rising, unique};
use crate::text::{Problem, nearest};
use std::ops::Range;
use toml::Spanned;
use trocar_terms::{Axis, Bounds, Decimal, Kind, Name, Output, Variable};

/// The kinds of output.
pub(crate) const KINDS: [&str; 9] =
    ["count", "sum", "mean", "variance", "histogram", "table", "quantiles", "moments", "vector"];
/// Outputs of one manifest.
const MOST: usize = 64;
/// Variables of one `moments`: it sums 1 + p + p (p + 1) / 2 numbers.
const MOST_VARIABLES: usize = 32;
/// PRIVACY.md section 4: rho of a statistic without its own.
const DEFAULT_RHO: &str = "0.005";
/// Numbers of all outputs together; the sums of a job stay below a megabyte.
const MAX_LENGTH: usize = 65_536;

pub(crate) fn outputs(raw: Vec<RawOutput>) -> Result<Vec<Output>, Problem> {
    check_number(&raw)?;
    let names: Vec<Spanned<Name>> = raw.iter().map(|o| o.name.clone()).collect();
    unique(&names, "output")?;
    let mut length: usize = 0;
    let mut outputs = Vec::new();
    for output in raw {
        let span = output.name.span();
        let output = checked(output)?;
        length = length.saturating_add(output.kind.coordinates().max(output.kind.length()));
        if length > MAX_LENGTH {
            let message = format!("the outputs up to this one have more than {MAX_LENGTH} numbers");
            return Err(Problem::new(span, message, "write fewer bins, cells or coordinates"));
        }
        outputs.push(output);
    }
    Ok(outputs)
}

fn check_number(raw: &[RawOutput]) -> Result<(), Problem> {
    let message = || format!("a manifest has 1 to {MOST} outputs, this one has {}", raw.len());
    if let Some(beyond) = raw.get(MOST) {
        let help = "release fewer numbers, or join them to one histogram, table or vector";
        return Err(Problem::new(beyond.name.span(), message(), help));
    }
    if raw.is_empty() {
        let help = "add an [[outputs]] table: name, kind, unit and what the kind needs";
        return Err(Problem::new(0..0, message(), help));
    }
    Ok(())
}

fn checked(raw: RawOutput) -> Result<Output, Problem> {
    let kind = kind(&raw)?;
    let unit = unit(&raw.unit)?;
    let rho = match &raw.rho {
        Some(rho) => positive(rho)?,
        None => DEFAULT_RHO.parse().unwrap_or(Decimal::ZERO),
    };
    Ok(Output { name: raw.name.into_inner(), unit, rho, kind })
}

fn kind(raw: &RawOutput) -> Result<Kind, Problem> {
    let word = raw.kind.get_ref().as_str();
    let kind = match word {
        "count" => only(raw, &[]).map(|()| Kind::Count),
        "sum" => bounds(raw).map(Kind::Sum),
        "mean" => bounds(raw).map(Kind::Mean),
        "variance" => bounds(raw).map(Kind::Variance),
        "histogram" => histogram(raw),
        "table" => table(raw),
        "quantiles" => quantiles(raw),
        "moments" => moments(raw),
        "vector" => vector(raw),
        _ => Err(unknown_kind(&raw.kind)),
    }?;
    Ok(kind)
}

fn unknown_kind(kind: &Spanned<String>) -> Problem {
    let word = kind.get_ref().as_str();
    if matches!(word, "min" | "max" | "minimum" | "maximum") {
        let help = "one patient decides an extreme value: use `histogram`";
        return Problem::new(kind.span(), "minimum and maximum are never released", help);
    }
    let help = match nearest(word, KINDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", KINDS.join(", ")),
    };
    Problem::new(kind.span(), format!("`{word}` is not a kind of output"), help)
}

/// Every optional field that is written, with its place.
fn present(raw: &RawOutput) -> impl Iterator<Item = Present> {
    let fields = [
        ("lower", raw.lower.as_ref().map(Spanned::span)),
        ("upper", raw.upper.as_ref().map(Spanned::span)),
        ("grid_bits", raw.grid_bits.as_ref().map(Spanned::span)),
        ("edges", raw.edges.as_ref().map(Spanned::span)),
        ("probabilities", raw.probabilities.as_ref().map(Spanned::span)),
        ("axes", raw.axes.as_ref().map(Spanned::span)),
        ("cells_per_patient", raw.cells_per_patient.as_ref().map(Spanned::span)),
        ("variables", raw.variables.as_ref().map(Spanned::span)),
        ("length", raw.length.as_ref().map(Spanned::span)),
        ("clip", raw.clip.as_ref().map(Spanned::span)),
    ];
    fields.into_iter().filter_map(|(name, span)| Some((name, span?)))
}

fn only(raw: &RawOutput, fields: &[&str]) -> Result<(), Problem> {
    fields::only(&raw.kind, present(raw), fields, "name, kind, unit and rho")
}

fn bounds(raw: &RawOutput) -> Result<Bounds, Problem> {
    only(raw, &["lower", "upper", "grid_bits"])?;
    let (lower, upper) =
        (need(&raw.kind, &raw.lower, "lower = 0.0")?, need(&raw.kind, &raw.upper, "upper = 20.0")?);
    let grid_bits = grid_bits(raw)?;
    let (low, high) = range(lower, upper)?;
    let bounds = Bounds { lower: low, upper: high, grid_bits };
    let middle = bounds.lower / 2.0 + bounds.upper / 2.0;
    for (value, span, what) in [
        (bounds.lower, lower.span(), "lower"),
        (bounds.upper, upper.span(), "upper"),
        (middle, upper.span(), "the middle"),
    ] {
        on_grid(value, grid_bits, span, what)?;
    }
    Ok(bounds)
}

/// PRIVACY.md 3.4: L, U and the midpoint lie on the grid.
fn on_grid(value: f64, grid_bits: u8, span: Range<usize>, what: &str) -> Result<(), Problem> {
    // A power of two only moves the exponent, so the product is exact.
    let scaled = value * 2_f64.powi(i32::from(grid_bits));
    if scaled.fract() == 0.0 && scaled.abs() <= 2_f64.powi(52) {
        return Ok(());
    }
    let message = format!("{what} ({value}) is not a multiple of 2^-{grid_bits} within 2^52 steps");
    Err(Problem::new(span, message, "write bounds that are, or change grid_bits"))
}

fn grid_bits(raw: &RawOutput) -> Result<u8, Problem> {
    let bits = need(&raw.kind, &raw.grid_bits, "grid_bits = 10")?;
    if *bits.get_ref() <= 40 {
        return Ok(*bits.get_ref());
    }
    Err(Problem::new(bits.span(), "grid_bits is at most 40", "write `grid_bits = 10` for steps of 1/1024"))
}

fn histogram(raw: &RawOutput) -> Result<Kind, Problem> {
    only(raw, &["edges", "cells_per_patient"])?;
    let edges = edges(need(&raw.kind, &raw.edges, "edges = [0, 10, 50, 100]")?)?;
    let cells_per_patient = cells_per_patient(raw, edges.len().saturating_sub(1))?;
    Ok(Kind::Histogram { edges, cells_per_patient })
}

fn edges(raw: &Spanned<Vec<Spanned<f64>>>) -> Result<Vec<f64>, Problem> {
    rising(raw, 2, "edges", "edges = [0, 10, 50]")
}

fn quantiles(raw: &RawOutput) -> Result<Kind, Problem> {
    only(raw, &["edges", "probabilities"])?;
    let edges = edges(need(&raw.kind, &raw.edges, "edges = [0, 10, 50, 100]")?)?;
    let example = "probabilities = [0.25, 0.5, 0.75]";
    let given = need(&raw.kind, &raw.probabilities, example)?;
    let probabilities = rising(given, 1, "probabilities", example)?;
    let outside = given.get_ref().iter().find(|p| !(*p.get_ref() > 0.0 && *p.get_ref() < 1.0));
    match outside {
        None => Ok(Kind::Quantiles { edges, probabilities }),
        Some(p) => {
            let message = "a probability is above 0 and below 1: minimum and maximum are never released";
            Err(Problem::new(p.span(), message, format!("write `{example}`")))
        }
    }
}

fn moments(raw: &RawOutput) -> Result<Kind, Problem> {
    only(raw, &["variables"])?;
    let example = "variables = [{ name = \"age\", unit = \"a\", lower = 0, upper = 120 }]";
    let given = need(&raw.kind, &raw.variables, example)?;
    if given.get_ref().is_empty() || given.get_ref().len() > MOST_VARIABLES {
        let message = format!("moments have 1 to {MOST_VARIABLES} variables");
        return Err(Problem::new(given.span(), message, format!("write `{example}`")));
    }
    let names: Vec<Spanned<Name>> = given.get_ref().iter().map(|v| v.name.clone()).collect();
    unique(&names, "variable")?;
    let variables = given.get_ref().iter().map(variable).collect::<Result<_, _>>()?;
    Ok(Kind::Moments { variables })
}

fn variable(raw: &RawVariable) -> Result<Variable, Problem> {
    let (lower, upper) = range(&raw.lower, &raw.upper)?;
    // Values are divided by half the range.
    if !(upper / 2.0 - lower / 2.0).is_normal() {
        let help = "write the variable in a smaller unit";
        return Err(Problem::new(raw.upper.span(), "the range is too narrow for a real number", help));
    }
    Ok(Variable { name: raw.name.get_ref().clone(), unit: unit(&raw.unit)?, lower, upper })
}

/// Two finite numbers, the second above the first.
fn range(lower: &Spanned<f64>, upper: &Spanned<f64>) -> Result<(f64, f64), Problem> {
    let (low, high) = (finite(lower)?, finite(upper)?);
    if low >= high {
        let message = format!("upper ({high}) is not above lower ({low})");
        return Err(Problem::new(upper.span(), message, "write the public range that values are clamped to"));
    }
    Ok((low, high))
}

fn cells_per_patient(raw: &RawOutput, cells: usize) -> Result<u32, Problem> {
    let Some(given) = &raw.cells_per_patient else {
        return Ok(1);
    };
    let value = *given.get_ref();
    if value >= 1 && value as usize <= cells {
        return Ok(value);
    }
    let message = format!("cells_per_patient is 1 to the number of cells, here {cells}");
    Err(Problem::new(
        given.span(),
        message,
        "write `cells_per_patient = 1`, or as many as one patient can fill",
    ))
}

fn table(raw: &RawOutput) -> Result<Kind, Problem> {
    only(raw, &["axes", "cells_per_patient"])?;
    let example = "axes = [{ name = \"sex\", categories = [\"F\", \"M\"] }]";
    let given = need(&raw.kind, &raw.axes, example)?;
    if given.get_ref().is_empty() || given.get_ref().len() > 4 {
        return Err(Problem::new(given.span(), "a table has one to four axes", format!("write `{example}`")));
    }
    let names: Vec<Spanned<Name>> = given.get_ref().iter().map(|a| a.name.clone()).collect();
    unique(&names, "axis")?;
    let axes = given.get_ref().iter().map(axis).collect::<Result<Vec<Axis>, Problem>>()?;
    let cells = axes.iter().map(Axis::cells).fold(1, usize::saturating_mul);
    let cells_per_patient = cells_per_patient(raw, cells)?;
    Ok(Kind::Table { axes, cells_per_patient })
}

fn axis(raw: &RawAxis) -> Result<Axis, Problem> {
    let name = raw.name.get_ref().clone();
    match (&raw.categories, &raw.edges) {
        (Some(list), None) => Ok(Axis::Categories { name, categories: categories(list)? }),
        (None, Some(list)) => Ok(Axis::Edges { name, edges: edges(list)? }),
        (Some(_), Some(_)) | (None, None) => {
            let help = "write one of `categories = [\"F\", \"M\"]` and `edges = [0, 50, 120]`";
            Err(Problem::new(raw.name.span(), "an axis has either categories or edges", help))
        }
    }
}

fn vector(raw: &RawOutput) -> Result<Kind, Problem> {
    only(raw, &["length", "clip", "grid_bits"])?;
    let length = need(&raw.kind, &raw.length, "length = 16")?;
    if *length.get_ref() == 0 {
        return Err(Problem::new(
            length.span(),
            "a vector has at least one coordinate",
            "write `length = 16`",
        ));
    }
    let clip = need(&raw.kind, &raw.clip, "clip = 1.0")?;
    if finite(clip)? <= 0.0 {
        return Err(Problem::new(
            clip.span(),
            "clip must be above zero",
            "write the largest L2 norm, `clip = 1.0`",
        ));
    }
    Ok(Kind::Vector { length: *length.get_ref(), clip: *clip.get_ref(), grid_bits: grid_bits(raw)? })
}

fn unit(raw: &Spanned<String>) -> Result<String, Problem> {
    let unit = raw.get_ref();
    if (1..=40).contains(&unit.len()) && unit.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(unit.clone());
    }
    let help =
        "write UCUM without spaces: \"g/mL\", \"mL\", \"[hnsf'U]\", or \"1\" for a number without a unit";
    Err(Problem::new(raw.span(), format!("`{unit}` is not a UCUM unit"), help))
}
