//! One SVG a declared output. Each has a title and a description for those who do not see it.

mod bars;
mod canvas;
mod interval;
mod rows;
mod scale;

use crate::{BundleError, figures::Figure, number};
use askama::filters::{Html, escape};
pub(crate) use bars::MOST;
use canvas::{Canvas, FAINT};
use plotters::style::text_anchor::HPos;
use trocar_terms::Kind;

/// Pixels across every plot.
const WIDTH: u32 = 680;
/// A table with more cells than this is drawn as bars without a label each.
const LABELLED: usize = 24;

/// Draws what was released of one output, or a hatched box where nothing was.
pub(crate) fn plot(figure: &Figure<'_>) -> Result<String, BundleError> {
    let mut svg = String::new();
    match (&figure.output.kind, figure.cells.len()) {
        (_, 0) => withheld(&mut svg)?,
        (Kind::Count | Kind::Sum(_) | Kind::Mean(_), _) => interval::draw(figure, &mut svg)?,
        (Kind::Table { .. }, cells) if cells <= LABELLED => rows::draw(figure, &mut svg)?,
        (Kind::Histogram { .. } | Kind::Table { .. } | Kind::Vector { .. }, _) => {
            bars::draw(figure, &mut svg)?
        }
    }
    Ok(described(&svg, figure))
}

fn withheld(svg: &mut String) -> Result<(), BundleError> {
    let canvas = Canvas::new(svg, WIDTH, 96)?;
    canvas.hatch((8, 8), (672, 60))?;
    canvas.text("Withheld: nothing was released.", (340, 80), HPos::Center, FAINT)?;
    canvas.finish()
}

/// Puts title and description where a screen reader looks for them.
fn described(svg: &str, figure: &Figure<'_>) -> String {
    let Some((tag, strokes)) = svg.split_once(">\n") else {
        return String::new();
    };
    let name = figure.output.name.as_str();
    let words = escaped(&sentence(figure));
    format!(
        "{tag} role=\"img\" aria-labelledby=\"title-{name} desc-{name}\">\n\
         <title id=\"title-{name}\">{name}</title>\n<desc id=\"desc-{name}\">{words}</desc>\n{strokes}"
    )
}

fn escaped(text: &str) -> String {
    escape(text, Html).map(|w| w.to_string()).unwrap_or_default()
}

/// What the plot shows, in words.
pub(crate) fn sentence(figure: &Figure<'_>) -> String {
    let (kind, cells) = (figure.output.kind.word(), figure.cells.len());
    if cells == 0 {
        return format!("{kind}: withheld, nothing was released.");
    }
    if let Some(n) = figure.single() {
        let places = number::decimals(n.sd);
        let text = |v| number::plain(v, places);
        return format!(
            "{kind}: {}, 95 % noise interval {} to {}.",
            text(n.display),
            text(n.low95),
            text(n.high95)
        );
    }
    match figure.blanked() {
        0 => format!("{kind} of {cells} cells, each with its 95 % noise interval."),
        blanked => {
            format!("{kind} of {cells} cells with 95 % noise intervals; {blanked} blanked and hatched.")
        }
    }
}
