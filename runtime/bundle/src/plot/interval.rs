//! One number on its axis, with the interval of its noise.

use super::WIDTH;
use super::canvas::{Canvas, FAINT, GRID, INK, NOISE};
use super::scale::Scale;
use crate::figures::{Figure, Number};
use crate::{BundleError, number, units};
use plotters::style::text_anchor::HPos;
use trocar_terms::{Bounds, Kind};

const AXIS: i32 = 62;
const MIDDLE: i32 = 36;

pub(super) fn draw(figure: &Figure<'_>, svg: &mut String) -> Result<(), BundleError> {
    let canvas = Canvas::new(svg, WIDTH, 110)?;
    let Some(number) = figure.single() else {
        canvas.hatch((24, 16), (656, 54))?;
        canvas.text("Blanked: too few patients stand behind this number.", (340, 80), HPos::Center, FAINT)?;
        return canvas.finish();
    };
    let (low, high) = range(&figure.output.kind, &number);
    let scale = Scale::new(low, high, 32, 648);
    axis(&canvas, &scale, &units::axis(figure))?;
    let ends = number.ends();
    canvas.whisker((scale.at(ends.0), MIDDLE), (scale.at(ends.1), MIDDLE))?;
    canvas.dot((scale.at(number.display), MIDDLE), NOISE)?;
    canvas.finish()
}

fn axis(canvas: &Canvas<'_>, scale: &Scale, label: &str) -> Result<(), BundleError> {
    canvas.line((24, AXIS), (656, AXIS), INK, 1)?;
    let ticks = scale.ticks(6);
    let places = tick_places(&ticks);
    for tick in ticks {
        let x = scale.at(tick);
        canvas.line((x, 12), (x, AXIS), GRID, 1)?;
        canvas.text(&number::plain(tick, places), (x, AXIS + 14), HPos::Center, FAINT)?;
    }
    canvas.text(label, (340, AXIS + 36), HPos::Center, INK)
}

/// As many decimals as the step between two ticks needs.
pub(super) fn tick_places(ticks: &[f64]) -> usize {
    let step = ticks.iter().zip(ticks.iter().skip(1)).map(|(a, b)| b - a).next().unwrap_or(1.0);
    if step >= 1.0 { 0 } else { number::decimals(step).saturating_sub(1).max(1) }
}

/// The public range of a mean; where the noise would be a hair on it, the part of it round the value.
fn range(kind: &Kind, n: &Number) -> (f64, f64) {
    let (low, high) = (n.low.unwrap_or(n.display), n.high.unwrap_or(n.display));
    let half = (high - low) / 2.0;
    match kind {
        Kind::Mean(Bounds { lower, upper, .. }) if half > 0.0 && 24.0 * half < upper - lower => {
            (f64::max(*lower, n.display - 8.0 * half), f64::min(*upper, n.display + 8.0 * half))
        }
        Kind::Mean(Bounds { lower, upper, .. }) => (*lower, *upper),
        Kind::Count
        | Kind::Sum(_)
        | Kind::Variance(_)
        | Kind::Histogram { .. }
        | Kind::Table { .. }
        | Kind::Quantiles { .. }
        | Kind::Moments { .. }
        | Kind::Vector { .. } => (f64::min(0.0, low * 1.1), f64::max(high * 1.1, 1.0)),
    }
}
