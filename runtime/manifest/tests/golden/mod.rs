//! Golden files: what a person reads, compared with what is committed. The tests of `policy` use it too.

use miette::{GraphicalReportHandler, GraphicalTheme};
use std::path::Path;

/// Compares with the file, or writes it where `UPDATE` is set.
pub(crate) fn golden(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{} is not current: run with UPDATE=1 and read the difference",
        path.display()
    );
}

/// A diagnostic as plain text, as it stands in a `.err` file.
pub(crate) fn shown(error: &dyn miette::Diagnostic) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(110);
    handler.render_report(&mut text, error).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
