//! Histograms, large tables and vectors: upright bars with the interval of the noise on each.

use super::WIDTH;
use super::canvas::{BAR, Canvas, FAINT, GRID, INK};
use super::interval::tick_places;
use super::scale::Scale;
use crate::figures::{Cell, Figure};
use crate::{BundleError, number, units};
use plotters::style::text_anchor::HPos;

const LEFT: i32 = 72;
const RIGHT: i32 = 664;
const TOP: i32 = 34;
const FLOOR: i32 = 270;
/// More bars than this cannot be told apart at this width; the table has them all.
pub(crate) const MOST: usize = 296;

pub(super) fn draw(figure: &Figure<'_>, svg: &mut String) -> Result<(), BundleError> {
    let canvas = Canvas::new(svg, WIDTH, 330)?;
    let cells: Vec<&Cell> = figure.cells.iter().take(MOST).collect();
    let across = Scale::new(0.0, cells.len() as f64, LEFT, RIGHT);
    let up = upright(&cells);
    grid(&canvas, &up)?;
    for (i, cell) in cells.iter().enumerate() {
        bar(&canvas, cell, (across.at(i as f64), across.at(i as f64 + 1.0)), &up)?;
    }
    canvas.line((LEFT, up.at(0.0)), (RIGHT, up.at(0.0)), INK, 1)?;
    labels(&canvas, &cells, &across)?;
    words(&canvas, figure)?;
    canvas.finish()
}

fn words(canvas: &Canvas<'_>, figure: &Figure<'_>) -> Result<(), BundleError> {
    canvas.text(units::counted(figure), (8, 14), HPos::Left, FAINT)?;
    canvas.text(&units::axis(figure), ((LEFT + RIGHT) / 2, FLOOR + 44), HPos::Center, INK)?;
    if figure.blanked() > 0 {
        canvas.text("hatched: blanked, too few patients", (RIGHT, 14), HPos::Right, FAINT)?;
    }
    Ok(())
}

fn upright(cells: &[&Cell]) -> Scale {
    let numbers = || cells.iter().filter_map(|c| c.number);
    let low = numbers().filter_map(|n| n.low).fold(0.0, f64::min);
    let high = numbers().filter_map(|n| n.high).fold(0.0, f64::max);
    let high = if high > low { high } else { low + 1.0 };
    Scale::new(low, high, FLOOR, TOP)
}

fn grid(canvas: &Canvas<'_>, up: &Scale) -> Result<(), BundleError> {
    let ticks = up.ticks(5);
    let places = tick_places(&ticks);
    for tick in ticks {
        let y = up.at(tick);
        canvas.line((LEFT, y), (RIGHT, y), GRID, 1)?;
        canvas.text(&number::plain(tick, places), (LEFT - 8, y), HPos::Right, FAINT)?;
    }
    Ok(())
}

fn bar(canvas: &Canvas<'_>, cell: &Cell, (left, right): (i32, i32), up: &Scale) -> Result<(), BundleError> {
    let gap = if right - left > 6 { 2 } else { 0 };
    let (left, right, zero) = (left + gap, right - gap, up.at(0.0));
    let Some(number) = cell.number else {
        return canvas.hatch((left, (zero - 36).max(TOP)), (right, zero));
    };
    let top = up.at(number.display);
    canvas.rect((left, top.min(zero)), (right, top.max(zero)), BAR)?;
    let middle = (left + right) / 2;
    let (low, high) = number.ends();
    canvas.whisker((middle, up.at(low)), (middle, up.at(high)))
}

/// Edges stand at the borders of bins, other labels under the middle; only as many as have room.
fn labels(canvas: &Canvas<'_>, cells: &[&Cell], across: &Scale) -> Result<(), BundleError> {
    let every = cells.len().div_ceil(12).max(1);
    for (i, cell) in cells.iter().enumerate().step_by(every) {
        let (at, text) = match cell.edges {
            Some((low, _)) => (i as f64, number::short(low)),
            None => (i as f64 + 0.5, numbered(cell, i)),
        };
        canvas.text(&text, (across.at(at), FLOOR + 16), HPos::Center, FAINT)?;
    }
    match cells.last().and_then(|c| c.edges) {
        Some((_, high)) if every == 1 => {
            canvas.text(&number::short(high), (RIGHT, FLOOR + 16), HPos::Center, FAINT)
        }
        _ => Ok(()),
    }
}

/// A coordinate by its own number; a cell of a large table, whose words have no room here, by its row in the table.
fn numbered(cell: &Cell, i: usize) -> String {
    let own = cell.label.bytes().all(|b| b.is_ascii_digit());
    if own { cell.label.clone() } else { (i + 1).to_string() }
}
