//! What the noise of an output is held against, so that outputs in different units can be compared.

use trocar_terms::{Bounds, Kind};

/// The scale of a kind for a cohort of this size, and its name.
pub(super) fn of(kind: &Kind, patients: u32) -> (f64, &'static str) {
    let n = f64::from(patients);
    let cells = kind.length().max(1) as f64;
    let width = |b: &Bounds| b.upper - b.lower;
    match kind {
        Kind::Count => (n, "the cohort"),
        Kind::Sum(b) => (n * b.lower.abs().max(b.upper.abs()), "the largest sum"),
        Kind::Mean(b) => (width(b), "the range"),
        Kind::Variance(b) => ((width(b) / 2.0).powi(2), "the largest variance"),
        Kind::Histogram { .. } => (n / cells, "an even bin"),
        Kind::Table { .. } => (n / cells, "an even cell"),
        Kind::Quantiles { edges, .. } => {
            (edges.last().zip(edges.first()).map_or(0.0, |(last, first)| last - first), "the range")
        }
        Kind::Moments { .. } => (n, "the cohort"),
        Kind::Vector { clip, .. } => (n * clip, "the largest sum"),
    }
}

/// `sd` in percent of `scale`, to three digits; `None` where there is no scale.
pub(super) fn percent(sd: f64, scale: f64) -> Option<f64> {
    let percent = 100.0 * sd / scale;
    percent.is_finite().then(|| super::words::short(percent).parse().unwrap_or(percent))
}
