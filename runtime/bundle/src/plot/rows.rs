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
    let labels = shortened(&cells.iter().map(|cell| cell.label.as_str()).collect::<Vec<_>>());
    let middles = (0..).map(|i| TOP + STEP * i + STEP / 2);
    for ((y, cell), label) in middles.zip(cells).zip(labels) {
        canvas.text(&label, (LEFT - 10, y), HPos::Right, INK)?;
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

/// Labels that fit: where one is too long, each goes without the names of its axes, and what is still too long without its
/// middle, for labels differ most at their ends. Those that would look alike are told apart by the numbers of their rows.
fn shortened(labels: &[&str]) -> Vec<String> {
    if labels.iter().all(|label| label.chars().count() <= ROOM) {
        return labels.iter().map(|label| (*label).to_owned()).collect();
    }
    let bare = bare(labels);
    let cut: Vec<String> = bare.iter().map(|label| middle(label, ROOM)).collect();
    let mut different = cut.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() == cut.len() {
        return cut;
    }
    let numbered = (1..).zip(&bare).map(|(i, label): (usize, _)| format!("{i}: {}", middle(label, ROOM - 4)));
    numbered.collect()
}

/// Without the first word of each part, where all labels have the same one there.
fn bare(labels: &[&str]) -> Vec<String> {
    let split: Vec<Vec<&str>> = labels.iter().map(|label| label.split(", ").collect()).collect();
    let parts = split.first().map_or(0, Vec::len);
    let alike = split.iter().all(|all| all.len() == parts);
    let first = |all: &[&str], i: usize| {
        all.get(i).and_then(|part| part.split_once(' ')).map(|(word, _)| word.to_owned())
    };
    let shared = |i: usize| {
        let name = split.first().and_then(|all| first(all, i));
        name.filter(|name| alike && split.iter().all(|all| first(all, i).as_ref() == Some(name)))
    };
    let names: Vec<Option<String>> = (0..parts).map(shared).collect();
    let short = |(part, name): (&&str, Option<&Option<String>>)| match (name, part.split_once(' ')) {
        (Some(Some(_)), Some((_, rest))) => rest.to_owned(),
        _ => (*part).to_owned(),
    };
    let joined = |all: &Vec<&str>| {
        let names = names.iter().map(Some).chain(std::iter::repeat(None));
        all.iter().zip(names).map(short).collect::<Vec<_>>().join(", ")
    };
    split.iter().map(joined).collect()
}

/// At most `room` letters, with a mark where the middle was.
fn middle(label: &str, room: usize) -> String {
    let letters: Vec<char> = label.chars().collect();
    if letters.len() <= room {
        return label.to_owned();
    }
    let head = room.saturating_sub(1) / 2;
    let tail = letters.len().saturating_sub(room.saturating_sub(head).saturating_sub(1));
    letters.iter().take(head).chain(&['\u{2026}']).chain(letters.iter().skip(tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_table_keep_the_words_that_tell_them_apart() {
        let label = |days: &str, status: &str| format!("age younger than 65, days {days}, status {status}");
        let pairs = [
            ("0 to 180", "died"),
            ("0 to 180", "censored"),
            ("180 to 365", "died"),
            ("180 to 365", "censored"),
        ];
        let all: Vec<String> = pairs.iter().map(|(days, status)| label(days, status)).collect();
        let labels = shortened(&all.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            (&*labels[0], &*labels[2]),
            ("younger than 65, 0 to 180, died", "younger than 65\u{2026}180 to 365, died")
        );
        assert!(
            labels.iter().zip(pairs).all(|(l, (_, status))| l.ends_with(status) && l.chars().count() <= ROOM)
        );
    }

    #[test]
    fn labels_that_would_look_alike_are_numbered() {
        let long = |middle: &str| format!("{0}{middle}{0}", "x".repeat(30));
        let (a, b) = (long("a"), long("b"));
        let labels = shortened(&[&a, &b]);
        assert!(labels[0].starts_with("1: x") && labels[1].starts_with("2: x"), "{labels:?}");
        assert!(labels.iter().all(|l| l.chars().count() <= ROOM));
        assert_eq!(shortened(&["sex F", "sex M"]), ["sex F", "sex M"]);
    }
}
