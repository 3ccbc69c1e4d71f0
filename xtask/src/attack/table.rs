//! The table that a person reads.

use super::rows::Row;

const HEAD: [&str; 7] =
    ["channel", "guest", "what it tries", "bound", "measured", "with noise off", "verdict"];
/// Characters of the widest column; longer cells go on in the next line.
const WIDEST: usize = 34;

/// One row a channel, cells wrapped at words.
pub(super) fn of(rows: &[Row]) -> String {
    let cells: Vec<[Vec<String>; 7]> =
        std::iter::once(HEAD.map(|word| vec![word.to_owned()])).chain(rows.iter().map(wrapped)).collect();
    let widths: [usize; 7] = std::array::from_fn(|at| {
        cells.iter().flat_map(|row| &row[at]).map(|line| width(line)).max().unwrap_or(0)
    });
    let rule = widths.map(|width| "-".repeat(width)).join("-+-");
    let rows: Vec<String> = cells.iter().map(|row| lines(row, &widths)).collect();
    rows.join(&format!("\n{rule}\n"))
}

fn wrapped(row: &Row) -> [Vec<String>; 7] {
    let verdict = if row.holds() { "holds" } else { "DOES NOT HOLD" };
    [&row.name, &row.guest, &row.tries, &row.bound, &row.measured, &row.noise_off, verdict].map(wrap)
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) + 1 + width(word) <= WIDEST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn lines(row: &[Vec<String>; 7], widths: &[usize; 7]) -> String {
    let height = row.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let text = cell.get(at).map_or("", String::as_str);
            format!("{text:width$}")
        });
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_go_on_in_the_next_line() {
        let lines = wrap("the quick brown fox jumps over the lazy dog");
        assert_eq!(lines, ["the quick brown fox jumps over the", "lazy dog"]);
        assert_eq!(wrap(""), [""]);
    }
}
