//! Small tables: one labelled row a cell.

use super::WIDTH;
use super::canvas::{BAR, Canvas, FAINT, GRID, INK};
use super::interval::tick_places;
use super::scale::Scale;
use crate::figures::Cell;
use crate::{BundleError, number};
use plotters::style::text_anchor::HPos;

const LEFT: i32 = 236;
const RIGHT: i32 = 656;
const TOP: i32 = 28;
const STEP: i32 = 26;
/// A label has room for this many letters; the table beside the plot has the whole of it.
const ROOM: usize = 32;

/// One row a cell; `words` stand under the axis, `blank` beside what is hatched.
pub(super) fn draw(cells: &[Cell], words: &str, blank: &str, svg: &mut String) -> Result<(), BundleError> {
    let floor = TOP + STEP * i32::try_from(cells.len()).unwrap_or(0);
    let canvas = Canvas::new(svg, WIDTH, floor.unsigned_abs() + 52)?;
    let along = along(cells);
    grid(&canvas, &along, floor)?;
    for (y, cell) in (0..).map(|i| TOP + STEP * i + STEP / 2).zip(cells) {
        canvas.text(&shortened(&cell.label), (LEFT - 10, y), HPos::Right, INK)?;
        row(&canvas, cell, y, &along)?;
    }
    canvas.line((along.at(0.0), TOP), (along.at(0.0), floor), INK, 1)?;
    if cells.iter().any(|cell| cell.number.is_none()) {
        canvas.text(&format!("hatched: {blank}"), (RIGHT, 12), HPos::Right, FAINT)?;
    }
    canvas.text(words, ((LEFT + RIGHT) / 2, floor + 36), HPos::Center, INK)?;
    canvas.finish()
}

fn along(cells: &[Cell]) -> Scale {
    let numbers = || cells.iter().filter_map(|c| c.number);
    let low = numbers().filter_map(|n| n.low).fold(0.0, f64::min);
    let high = numbers().filter_map(|n| n.high).fold(0.0, f64::max);
    Scale::new(low, if high > low { high } else { low + 1.0 }, LEFT, RIGHT)
}

fn grid(canvas: &Canvas<'_>, along: &Scale, floor: i32) -> Result<(), BundleError> {
    let ticks = along.ticks(5);
    let places = tick_places(&ticks);
    for tick in ticks {
        let x = along.at(tick);
        canvas.line((x, TOP), (x, floor), GRID, 1)?;
        canvas.text(&number::plain(tick, places), (x, floor + 14), HPos::Center, FAINT)?;
    }
    Ok(())
}

fn row(canvas: &Canvas<'_>, cell: &Cell, y: i32, along: &Scale) -> Result<(), BundleError> {
    let zero = along.at(0.0);
    let Some(number) = cell.number else {
        return canvas.hatch((zero, y - 9), ((zero + 60).min(RIGHT), y + 9));
    };
    let end = along.at(number.display);
    canvas.rect((zero.min(end), y - 9), (zero.max(end), y + 9), BAR)?;
    let (low, high) = number.ends();
    canvas.whisker((along.at(low), y), (along.at(high), y))
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= ROOM {
        return label.to_owned();
    }
    label.chars().take(ROOM - 1).chain(['\u{2026}']).collect()
}
