//! UCUM codes as a person reads them.

use crate::figures::Figure;
use trocar_terms::Kind;

/// The usual sign of a unit; the UCUM code itself where it is one already; nothing for a bare number.
pub(crate) fn sign(ucum: &str) -> &str {
    match ucum {
        "[hnsf'U]" => "HU",
        "1" => "",
        "um" => "\u{b5}m",
        "g2/mL2" => "g\u{b2}/mL\u{b2}",
        "mm2" => "mm\u{b2}",
        "cm2" => "cm\u{b2}",
        "mm3" => "mm\u{b3}",
        "cm3" => "cm\u{b3}",
        "a" => "years",
        "d" => "days",
        other => other,
    }
}

/// What the numbers of an output count or measure.
pub(crate) fn counted<'a>(figure: &Figure<'a>) -> &'a str {
    match figure.output.kind {
        Kind::Count | Kind::Histogram { .. } | Kind::Table { .. } => "patients",
        Kind::Sum(_)
        | Kind::Mean(_)
        | Kind::Variance(_)
        | Kind::Quantiles { .. }
        | Kind::Moments { .. }
        | Kind::Vector { .. } => sign(&figure.output.unit),
    }
}

/// The words under the axis of a plot.
pub(crate) fn axis(figure: &Figure<'_>) -> String {
    let (name, unit) = (figure.output.name.as_str(), sign(&figure.output.unit));
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    match figure.output.kind {
        Kind::Count => format!("{name} (patients)"),
        Kind::Sum(_) | Kind::Mean(_) | Kind::Variance(_) | Kind::Quantiles { .. } => format!("{name}{unit}"),
        Kind::Histogram { .. } => format!("{name}{unit}, bins drawn equally wide, lower edge included"),
        Kind::Table { .. } => format!("{name}, number of the cell in the table"),
        Kind::Moments { .. } => format!("{name}, number of the product"),
        Kind::Vector { .. } => format!("{name}, number of the coordinate"),
    }
}
