//! The page: everything through the template's escape but the style sheet, which is a constant and let in by its hash.

use super::facts::{ClinicalFacts, DatasetFacts, Histogram, Tally};
use super::pictures::Picture;
use crate::error::{NodeError, ask};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use trocar_terms::NoValue;
use trocar_worker::ColumnCount;

const STYLE: &str = include_str!("../../templates/report.css");
/// Words of a tally that are shown; the others are counted together.
const WORDS: usize = 12;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    facts: &'a DatasetFacts,
    tiles: Vec<Tile>,
    tallies: Vec<Bars>,
    plots: Vec<Plot>,
    mandatory: Vec<Line>,
    columns: Vec<ColumnView<'a>>,
    reasons: [&'static str; NoValue::ALL.len()],
    pictures: &'a [Picture],
}

struct Tile {
    name: &'static str,
    number: String,
    note: String,
}

/// A tally as rows with bars.
struct Bars {
    title: &'static str,
    counted: &'static str,
    lines: Vec<Line>,
}

/// One row, with a bar of `width` hundredths.
struct Line {
    label: String,
    count: String,
    width: String,
    faint: bool,
}

/// A histogram as columns.
struct Plot {
    title: &'static str,
    counted: &'static str,
    bars: Vec<PlotBar>,
    not_stated: u64,
}

struct PlotBar {
    x: String,
    y: String,
    width: String,
    height: String,
    middle: String,
    above: String,
    label: String,
    count: u64,
    meaning: String,
}

struct ColumnView<'a> {
    column: &'a ColumnCount,
    cells: u64,
    share: String,
    missing: Vec<u64>,
}

pub(super) fn html(facts: &DatasetFacts, pictures: &[Picture]) -> Result<String, NodeError> {
    let page = Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        facts,
        tiles: tiles(facts),
        tallies: tallies(facts),
        plots: plots(facts),
        mandatory: mandatory(facts),
        columns: facts.clinical.as_ref().map(columns).unwrap_or_default(),
        reasons: NoValue::ALL.map(NoValue::text),
        pictures,
    };
    page.render().or_else(|_| ask("the report cannot be written"))
}

fn tiles(facts: &DatasetFacts) -> Vec<Tile> {
    let totals = &facts.totals;
    let tile = |name, number: u64, note: String| Tile { name, number: grouped(number), note };
    vec![
        tile("Patients", totals.patients, "with a usable series".to_owned()),
        tile("Studies", totals.studies, String::new()),
        tile("Series", totals.series, "usable".to_owned()),
        tile("Files used", totals.files_used, format!("of {} seen", grouped(totals.files_seen))),
        tile("Refused", totals.files_refused, "files in quarantine".to_owned()),
    ]
}

fn tallies(facts: &DatasetFacts) -> Vec<Bars> {
    let bars = |title, counted, tally: &Tally| Bars { title, counted, lines: lines(tally) };
    let mut all = vec![
        bars("Modality", "series", &facts.modalities),
        bars("Manufacturer", "series", &facts.manufacturers),
        bars("Body part", "series", &facts.body_parts),
        bars("Sex", "patients", &facts.sexes),
    ];
    if !facts.segmentations.is_empty() {
        all.push(bars("Segmentations", "by label", &facts.segmentations));
    }
    all
}

/// The most frequent first; the rest together; what is not stated last.
fn lines(tally: &Tally) -> Vec<Line> {
    let mut words: Vec<(&str, u64)> =
        tally.stated.iter().map(|(word, count)| (word.as_str(), *count)).collect();
    words.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
    let rest = words.split_off(words.len().min(WORDS));
    let others = rest.iter().map(|(_, count)| *count).fold(0, u64::saturating_add);
    let all = tally.stated.values().copied().fold(tally.not_stated, u64::saturating_add);
    let mut lines: Vec<Line> =
        words.iter().map(|(word, count)| line((*word).to_owned(), *count, all, false)).collect();
    if !rest.is_empty() {
        lines.push(line(format!("{} others", rest.len()), others, all, true));
    }
    if tally.not_stated > 0 {
        lines.push(line("not stated".to_owned(), tally.not_stated, all, true));
    }
    lines
}

fn line(label: String, count: u64, all: u64, faint: bool) -> Line {
    Line { label, count: grouped(count), width: share(count, all), faint }
}

/// Hundredths, with one decimal.
fn share(count: u64, all: u64) -> String {
    format!("{:.1}", 100.0 * real(count) / real(all.max(1)))
}

#[allow(clippy::cast_precision_loss, reason = "counts are drawn, and a pixel is no patient")]
const fn real(count: u64) -> f64 {
    count as f64
}

fn mandatory(facts: &DatasetFacts) -> Vec<Line> {
    let used = facts.totals.files_used;
    facts.mandatory.iter().map(|tag| line(tag.keyword.to_owned(), tag.files, used, tag.files == 0)).collect()
}

fn plots(facts: &DatasetFacts) -> Vec<Plot> {
    let plot = |title, counted, histogram: &Histogram| Plot {
        title,
        counted,
        bars: bars(histogram),
        not_stated: histogram.not_stated,
    };
    let all = [
        plot("Age, years", "patients", &facts.age_years),
        plot("Year of acquisition", "series", &facts.years),
        plot("Slice spacing, mm", "series", &facts.slice_spacing_mm),
        plot("Slice thickness, mm", "series", &facts.slice_thickness_mm),
        plot("Tube voltage, kV", "CT series", &facts.kvp),
    ];
    all.into_iter().filter(|plot| !plot.bars.is_empty() || plot.not_stated > 0).collect()
}

/// The drawing is 360 wide; columns stand on a line at 118 and are at most 96 high.
const WIDTH: f64 = 360.0;
const GROUND: f64 = 118.0;
const HEIGHT: f64 = 96.0;
/// Labels that fit side by side.
const LABELS: usize = 8;

fn bars(histogram: &Histogram) -> Vec<PlotBar> {
    let bins = &histogram.bins;
    let highest = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let slot = WIDTH / real(bins.len().max(4) as u64);
    let every = bins.len().div_ceil(LABELS).max(1);
    let bar = |(at, bin): (usize, &super::facts::Bin)| {
        let height = HEIGHT * real(bin.count) / real(highest);
        let x = slot * real(at as u64);
        let single = bin.from.total_cmp(&bin.to).is_eq();
        let shown = at.checked_rem(every) == Some(0);
        PlotBar {
            x: format!("{:.1}", x + slot * 0.1),
            y: format!("{:.1}", GROUND - height),
            width: format!("{:.1}", slot * 0.8),
            height: format!("{height:.1}"),
            middle: format!("{:.1}", x + slot * 0.5),
            above: format!("{:.1}", GROUND - height - 4.0),
            label: if shown { label(bin.from) } else { String::new() },
            count: bin.count,
            meaning: if single {
                label(bin.from)
            } else {
                format!("{} to below {}", label(bin.from), label(bin.to))
            },
        }
    };
    bins.iter().enumerate().map(bar).collect()
}

/// A thousandth at most, without zeros behind.
fn label(value: f64) -> String {
    ((value * 1e3).round() / 1e3).to_string()
}

fn columns(table: &ClinicalFacts) -> Vec<ColumnView<'_>> {
    table.columns.iter().map(column_view).collect()
}

fn column_view(column: &ColumnCount) -> ColumnView<'_> {
    let cells = column.missing.values().copied().fold(column.admitted, u64::saturating_add);
    let missing = |why: &NoValue| column.missing.get(why).copied().unwrap_or_default();
    ColumnView {
        column,
        cells,
        share: share(column.admitted, cells),
        missing: NoValue::ALL.iter().map(missing).collect(),
    }
}

/// `12 345`, with narrow spaces.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(at);
        if at > 0 && left.checked_rem(3) == Some(0) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 999, 1_000, 1_234_567].map(|n| grouped(n).replace('\u{202f}', " "));
        assert_eq!(texts, ["0", "999", "1 000", "1 234 567"]);
    }

    #[test]
    fn the_rest_of_many_words_is_counted_together() {
        let stated = (80..100).map(|n: u64| (format!("maker {n}"), n)).collect();
        let lines = lines(&Tally { stated, not_stated: 5 });
        assert_eq!(lines.len(), WORDS + 2);
        assert_eq!((lines[0].label.as_str(), lines[12].label.as_str()), ("maker 99", "8 others"));
        assert_eq!((lines[13].label.as_str(), lines[13].count.as_str()), ("not stated", "5"));
    }

    #[test]
    fn a_histogram_of_one_value_and_one_of_many_are_drawn_within_the_frame() {
        for values in [vec![2.5; 3], (0..600).map(|n| f64::from(n) * 0.7).collect::<Vec<f64>>()] {
            let values: Vec<Option<f64>> = values.into_iter().map(Some).collect();
            for bar in bars(&Histogram::in_steps(&values, 10.0)) {
                let [x, y, width] = [&bar.x, &bar.y, &bar.width].map(|text| text.parse::<f64>().unwrap());
                assert!(x >= 0.0 && x + width <= WIDTH && (GROUND - HEIGHT..=GROUND).contains(&y));
            }
        }
    }
}
