//! The few strokes that all plots are made of, in pixels, through plotters' SVG backend.
//!
//! Axes are ours and not those of plotters' charts: a released number may be anything, and a search for tick marks
//! in a range of 10^300 must still end.

use crate::BundleError;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The five colours of a plot. report.css names them again for dark paper.
pub(super) const INK: RGBColor = RGBColor(0x1B, 0x27, 0x33);
pub(super) const FAINT: RGBColor = RGBColor(0x5B, 0x67, 0x70);
pub(super) const GRID: RGBColor = RGBColor(0xD9, 0xE0, 0xE6);
pub(super) const BAR: RGBColor = RGBColor(0x8F, 0xB8, 0xD8);
pub(super) const NOISE: RGBColor = RGBColor(0x12, 0x4E, 0x78);
const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);

/// Pixels from the left, pixels from the top.
pub(super) type Point = (i32, i32);

pub(super) use plotters::style::RGBColor as Colour;

/// A sheet of paper.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(svg: &'a mut String, width: u32, height: u32) -> Result<Self, BundleError> {
        let area = SVGBackend::with_string(svg, (width, height)).into_drawing_area();
        area.fill(&PAPER).map_err(BundleError::plot)?;
        Ok(Self { area })
    }

    pub(super) fn finish(self) -> Result<(), BundleError> {
        self.area.present().map_err(BundleError::plot)
    }

    pub(super) fn rect(&self, from: Point, to: Point, colour: RGBColor) -> Result<(), BundleError> {
        self.area.draw(&Rectangle::new([from, to], colour.filled())).map_err(BundleError::plot)
    }

    pub(super) fn line(
        &self,
        from: Point,
        to: Point,
        colour: RGBColor,
        width: u32,
    ) -> Result<(), BundleError> {
        let style = colour.stroke_width(width);
        self.area.draw(&PathElement::new(vec![from, to], style)).map_err(BundleError::plot)
    }

    /// One stroke from point to point.
    pub(super) fn polyline(&self, points: Vec<Point>, colour: RGBColor) -> Result<(), BundleError> {
        self.area.draw(&PathElement::new(points, colour.stroke_width(2))).map_err(BundleError::plot)
    }

    pub(super) fn dot(&self, at: Point, colour: RGBColor) -> Result<(), BundleError> {
        self.area.draw(&Circle::new(at, 5, colour.filled())).map_err(BundleError::plot)
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: Point,
        anchor: HPos,
        colour: RGBColor,
    ) -> Result<(), BundleError> {
        let style = TextStyle::from(("sans-serif", 13).into_font()).color(&colour);
        let style = style.pos(Pos::new(anchor, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style)).map_err(BundleError::plot)
    }

    /// Diagonal strokes inside a box: here stands no number.
    ///
    /// One path, whose ways from stroke to stroke run along the border: a hundred strokes as elements of their own would
    /// be most of a report's bytes.
    pub(super) fn hatch(&self, from: Point, to: Point) -> Result<(), BundleError> {
        let ((x0, y0), (x1, y1)) = (from, to);
        let ends = |c: i32| {
            let (left, right) = (x0.max(c - y1), x1.min(c - y0));
            [(left, c - left), (right, c - right)]
        };
        let strokes = (x0 + y0..=x1 + y1).step_by(8).map(ends).zip([false, true].into_iter().cycle());
        let turned = strokes.flat_map(|([a, b], back)| if back { [b, a] } else { [a, b] });
        self.path(turned.collect())?;
        self.path(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    }

    fn path(&self, points: Vec<Point>) -> Result<(), BundleError> {
        self.area.draw(&PathElement::new(points, FAINT)).map_err(BundleError::plot)
    }

    /// The 95 % interval of the noise, with a cap at each end, along one axis.
    pub(super) fn whisker(&self, from: Point, to: Point) -> Result<(), BundleError> {
        self.whisker_in(NOISE, from, to)
    }

    /// The same in a colour of its own.
    pub(super) fn whisker_in(&self, colour: RGBColor, from: Point, to: Point) -> Result<(), BundleError> {
        self.line(from, to, colour, 2)?;
        let across = if from.0 == to.0 { (5, 0) } else { (0, 5) };
        for end in [from, to] {
            let (a, b) = ((end.0 - across.0, end.1 - across.1), (end.0 + across.0, end.1 + across.1));
            self.line(a, b, colour, 2)?;
        }
        Ok(())
    }
}
