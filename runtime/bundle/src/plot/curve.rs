//! Derived statistics that are curves: ROC, calibration, survival.

use super::canvas::{BAR, Canvas, Colour, FAINT, GRID, INK, NOISE, Point};
use super::interval::tick_places;
use super::scale::Scale;
use super::{MOST, WIDTH};
use crate::figures::{Cell, Number};
use crate::statistics::{Part, Statistic};
use crate::{BundleError, number};
use plotters::style::text_anchor::HPos;
use trocar_terms::{Axis, Kind};

const LEFT: i32 = 72;
const TOP: i32 = 34;
/// A square one side long, for two shares.
const SIDE: i32 = 380;
const RIGHT: i32 = 656;
const FLOOR: i32 = 300;
/// Beyond so many points the intervals would cover each other.
const WHISKERS: usize = 40;
/// Groups of a survival curve that are drawn, each in a colour of its own.
const COLOURS: [Colour; 4] = [NOISE, INK, FAINT, BAR];

/// Two axes on a sheet.
struct Frame<'a> {
    canvas: Canvas<'a>,
    x: Scale,
    y: Scale,
}

impl<'a> Frame<'a> {
    /// A square from 0 to 1 both ways, with its diagonal.
    fn square(svg: &'a mut String, along: &str, up: &str) -> Result<Self, BundleError> {
        let canvas = Canvas::new(svg, WIDTH, (TOP + SIDE + 56).unsigned_abs())?;
        let x = Scale::new(0.0, 1.0, LEFT, LEFT + SIDE);
        let frame = Self { canvas, x, y: Scale::new(0.0, 1.0, TOP + SIDE, TOP) };
        frame.axes(along, up)?;
        frame.canvas.line(frame.at(0.0, 0.0), frame.at(1.0, 1.0), FAINT, 1)?;
        Ok(frame)
    }

    /// From 0 to 1 upright, over a range of times.
    fn wide(svg: &'a mut String, times: (f64, f64), along: &str, up: &str) -> Result<Self, BundleError> {
        let canvas = Canvas::new(svg, WIDTH, (FLOOR + 56).unsigned_abs())?;
        let x = Scale::new(times.0, times.1, LEFT, RIGHT);
        let frame = Self { canvas, x, y: Scale::new(0.0, 1.0, FLOOR, TOP) };
        frame.axes(along, up)?;
        Ok(frame)
    }

    fn at(&self, x: f64, y: f64) -> Point {
        (self.x.at(x), self.y.at(y))
    }

    fn axes(&self, along: &str, up: &str) -> Result<(), BundleError> {
        let ((left, right), (floor, top)) = (self.x.ends(), self.y.ends());
        let ticks = self.x.ticks(5);
        let places = tick_places(&ticks);
        for tick in ticks {
            let x = self.x.at(tick);
            self.canvas.line((x, top), (x, floor), GRID, 1)?;
            self.canvas.text(&number::plain(tick, places), (x, floor + 14), HPos::Center, FAINT)?;
        }
        for tick in self.y.ticks(5) {
            let y = self.y.at(tick);
            self.canvas.line((left, y), (right, y), GRID, 1)?;
            self.canvas.text(&number::plain(tick, 1), (left - 8, y), HPos::Right, FAINT)?;
        }
        self.canvas.line((left, floor), (right, floor), INK, 1)?;
        self.canvas.text(along, ((left + right) / 2, floor + 38), HPos::Center, INK)?;
        self.canvas.text(up, (8, 14), HPos::Left, FAINT)
    }

    fn upright(&self, x: f64, n: &Number, colour: Colour, aside: i32) -> Result<(), BundleError> {
        let (low, high) = n.ends();
        let (low, high) = (self.at(x, low), self.at(x, high));
        self.canvas.whisker_in(colour, (low.0 + aside, low.1), (high.0 + aside, high.1))
    }
}

/// The numbers of a part that are shown, thinned out to what can be drawn.
fn thinned(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    cells.iter().step_by(cells.len().div_ceil(MOST).max(1))
}

pub(super) fn roc(statistic: &Statistic<'_>, svg: &mut String) -> Result<(), BundleError> {
    let frame = Frame::square(svg, "false positive rate", "true positive rate")?;
    let all = |name| statistic.named(name).flat_map(|part| thinned(&part.cells)).map(|c| c.number);
    let points = all("false_positive_rate").zip(all("true_positive_rate"));
    let points: Vec<(Number, Number)> = points.filter_map(|(x, y)| x.zip(y)).collect();
    let place = |(x, y): &(Number, Number)| frame.at(x.display, y.display);
    frame.canvas.polyline(points.iter().map(place).collect(), NOISE)?;
    if points.is_empty() {
        frame.canvas.text("not known: hidden by the noise", frame.at(0.5, 0.25), HPos::Center, FAINT)?;
    }
    for (x, y) in points.iter().filter(|_| points.len() <= WHISKERS) {
        frame.upright(x.display, y, NOISE, 0)?;
        let (low, high) = x.ends();
        frame.canvas.line(frame.at(low, y.display), frame.at(high, y.display), FAINT, 1)?;
    }
    frame.canvas.finish()
}

pub(super) fn calibration(statistic: &Statistic<'_>, svg: &mut String) -> Result<(), BundleError> {
    let frame = Frame::square(svg, "predicted", "observed")?;
    for part in statistic.named("observed") {
        let points = thinned(&part.cells).zip(part.places.iter().step_by(step(part)));
        for (x, n) in points.filter_map(|(cell, x)| Some((x, cell.number?))) {
            if part.cells.len() <= WHISKERS {
                frame.upright(*x, &n, NOISE, 0)?;
            }
            frame.canvas.dot(frame.at(*x, n.display), NOISE)?;
        }
    }
    frame.canvas.finish()
}

fn step(part: &Part) -> usize {
    part.cells.len().div_ceil(MOST).max(1)
}

pub(super) fn survival(statistic: &Statistic<'_>, svg: &mut String) -> Result<(), BundleError> {
    let times = range(statistic.source);
    let frame = Frame::wide(svg, times, statistic.axis(1), "without the event")?;
    let curves: Vec<&Part> = statistic.named("survival").collect();
    for ((part, colour), i) in curves.iter().zip(COLOURS).zip(0..) {
        curve(&frame, part, times.0, colour, 4 * i)?;
        if !part.group.is_empty() {
            let y = TOP + 12 + 18 * i;
            frame.canvas.line((RIGHT - 24, y), (RIGHT, y), colour, 2)?;
            frame.canvas.text(&part.group, (RIGHT - 32, y), HPos::Right, INK)?;
        }
    }
    if curves.len() > COLOURS.len() {
        let words = format!("the first {} of {} groups", COLOURS.len(), curves.len());
        frame.canvas.text(&words, (RIGHT, 14), HPos::Right, FAINT)?;
    }
    frame.canvas.finish()
}

/// Level until the end of each interval, then down. It ends where it is not known.
fn curve(frame: &Frame<'_>, part: &Part, start: f64, colour: Colour, aside: i32) -> Result<(), BundleError> {
    let steps = thinned(&part.cells).zip(part.places.iter().step_by(step(part)));
    let known: Vec<(f64, Number)> = steps.map_while(|(cell, end)| Some((*end, cell.number?))).collect();
    let mut points = vec![frame.at(start, 1.0)];
    for (end, n) in &known {
        let level = points.last().map_or(TOP, |(_, y)| *y);
        points.extend([(frame.x.at(*end), level), frame.at(*end, n.display)]);
    }
    frame.canvas.polyline(points, colour)?;
    for (end, n) in known.iter().filter(|_| known.len() <= WHISKERS) {
        frame.upright(*end, n, colour, -aside)?;
    }
    Ok(())
}

/// From the first to the last edge of time.
fn range(source: &Kind) -> (f64, f64) {
    let Kind::Table { axes, .. } = source else { return (0.0, 1.0) };
    let ends = |axis: &Axis| match axis {
        Axis::Edges { edges, .. } => Some((*edges.first()?, *edges.last()?)),
        Axis::Categories { .. } => None,
    };
    axes.iter().rev().find_map(ends).unwrap_or((0.0, 1.0))
}
