//! Errors in a text that a person wrote: the file, the place, what is wrong and what to write instead.

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};
use std::fmt;
use std::ops::Range;

/// One thing that is wrong in a text, shown by `miette` with line and caret.
pub struct TextError(Box<Inner>);

struct Inner {
    source: NamedSource<String>,
    /// Where `source` has the problem's span.
    caret: Range<usize>,
    problem: Problem,
}

/// What is wrong, before it is known in which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte range within the text.
    pub span: Range<usize>,
    /// What is wrong, one line.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Problem {
    /// Something wrong at `span`.
    pub fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: help.into() }
    }

    /// Names the file and its text.
    #[must_use]
    pub fn within(self, file_name: &str, text: &str) -> TextError {
        let (shown, caret) = excerpt(text, &self.span);
        let source = NamedSource::new(file_name, shown);
        TextError(Box::new(Inner { source, caret, problem: self }))
    }
}

/// The longest line, in bytes, that is shown whole.
const LINE: usize = 240;
/// Of a longer line, this much before and behind the start of the caret.
const BEFORE: usize = 60;
const BEHIND: usize = 120;
const CUT: &str = "\u{2026}";

/// `text` with the long lines round `span` cut, so that a list of ten thousand numbers is no message of ten thousand; and
/// where the caret stands in it, on one line.
fn excerpt(text: &str, span: &Range<usize>) -> (String, Range<usize>) {
    let (mut shown, mut caret, mut at) = (String::with_capacity(text.len().min(1 << 16)), 0..0, 0_usize);
    let mut last = false;
    for line in text.split_inclusive('\n') {
        let end = at.saturating_add(line.len());
        let held = span.start >= at && (span.start < end || end == text.len());
        let from = if held { span.start.saturating_sub(at).min(line.len()) } else { 0 };
        let kept = window(line, from);
        if held {
            let written =
                shown.len().saturating_add(from.saturating_sub(kept.start)).saturating_add(lead(&kept).len());
            let to = span.end.saturating_sub(at).min(kept.end).min(line.trim_end().len()).max(from);
            caret = written..written.saturating_add(to.saturating_sub(from));
        }
        shown.push_str(lead(&kept));
        shown.push_str(line.get(kept.clone()).unwrap_or_default());
        if kept.end < line.len() {
            shown.push_str(CUT);
            shown.push('\n');
        }
        // One line behind the caret is shown; what comes after it is not looked at.
        if last {
            break;
        }
        last = held;
        at = end;
    }
    (shown, caret)
}

const fn lead(kept: &Range<usize>) -> &'static str {
    if kept.start > 0 { CUT } else { "" }
}

/// What is kept of a line whose caret starts at `from`.
fn window(line: &str, from: usize) -> Range<usize> {
    if line.len() <= LINE {
        return 0..line.len();
    }
    let edge = |i: usize| (0..=i.min(line.len())).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
    edge(from.saturating_sub(BEFORE))..edge(from.saturating_add(BEHIND))
}

impl TextError {
    /// What is wrong, where, and what to write instead.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.problem.message)
    }
}

impl fmt::Debug for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.0.problem, self.0.source.name())
    }
}

impl std::error::Error for TextError {}

impl Diagnostic for TextError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.problem.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.0.caret.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), span))))
    }
}

/// The name of `known` that is nearest to `word`, if one is near: at most a third of its letters differ.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3);
    let near = known.into_iter().map(|k| (distance(word, k), k)).filter(|(d, _)| *d <= limit);
    near.min().map(|(_, k)| k)
}

/// Edit distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (pair, y) in row.windows(2).zip(&b) {
            let [diagonal, above] = pair else { continue };
            let swap = diagonal.saturating_add(usize::from(x != *y));
            left = swap.min(above.saturating_add(1)).min(left.saturating_add(1));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_changed_missing_and_added_letters() {
        for (a, b, d) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("lower", "lowr", 1)] {
            assert_eq!((distance(a, b), distance(b, a)), (d, d), "{a} {b}");
        }
    }

    #[test]
    fn a_long_line_is_cut_round_the_caret() {
        let long = format!("a = 1\nb = [{}]\nc = 2\n", "12345, ".repeat(10_000));
        let at = long.find("12345, 12345, ]").unwrap_or(long.len() / 2);
        let (shown, caret) = excerpt(&long, &(at..at + 5));
        assert_eq!(&shown[caret], "12345");
        assert!(shown.len() < 600 && shown.starts_with("a = 1\n"), "{shown}");
        let (shown, caret) = excerpt(&long, &(6..long.len()));
        assert!(caret.len() < 200 && shown[caret].starts_with("b = [12345"));
        let (shown, caret) = excerpt("x = 1\ny = 2", &(11..11));
        assert_eq!((shown.as_str(), caret), ("x = 1\ny = 2", 11..11));
    }

    #[test]
    fn a_caret_stays_on_its_line_and_letters_of_many_bytes_stay_whole() {
        let text = format!("x = [\n  1,\n]\ny = \"{}\"\n", "\u{e9}".repeat(400));
        let (shown, caret) = excerpt(&text, &(4..12));
        assert_eq!(&shown[caret], "[");
        let at = text.rfind('"').unwrap_or(0);
        let (shown, caret) = excerpt(&text, &(at..at + 1));
        assert_eq!(&shown[caret], "\"");
    }

    #[test]
    fn only_a_near_name_is_offered() {
        assert_eq!(nearest("modalites", ["modalities", "masks"]), Some("modalities"));
        assert_eq!(nearest("network", ["modalities", "masks"]), None);
    }
}
