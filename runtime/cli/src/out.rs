//! Results on stdout, words on stderr.

use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How this call speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    json: bool,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One result: as JSON where that was asked for, else as the words that `plain` gives.
    pub(crate) fn result<T: Serialize>(
        self,
        value: &T,
        plain: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string(value)? } else { plain() };
        line(&mut std::io::stdout().lock(), &text)
    }

    /// Shows that something goes on, and no number; nothing where there is no terminal.
    pub(crate) fn spinner(self, what: &'static str) -> Spinner {
        Spinner((std::io::stderr().is_terminal() && !self.json).then(|| {
            let bar = indicatif::ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        }))
    }

    /// A progress bar on a terminal, nothing elsewhere.
    pub(crate) fn progress(self, what: &'static str) -> impl FnMut(u64, u64) + Send {
        let bar = (std::io::stderr().is_terminal() && !self.json).then(|| bar(what));
        move |done, all| {
            if let Some(bar) = &bar {
                bar.set_length(all);
                bar.set_position(done);
                if done >= all {
                    bar.finish_and_clear();
                }
            }
        }
    }
}

/// Turns on a terminal until it is dropped.
#[derive(Debug)]
pub(crate) struct Spinner(Option<indicatif::ProgressBar>);

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Words for the person at the terminal.
pub(crate) fn say(text: &str) {
    // Nobody reads a closed stderr; the verb's exit code still tells.
    let _ = line(&mut std::io::stderr().lock(), text);
}

fn line(to: &mut impl Write, text: &str) -> anyhow::Result<()> {
    match writeln!(to, "{text}") {
        // The reader has seen enough (`trocar ... | head`): not a failure of ours.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn bar(what: &'static str) -> indicatif::ProgressBar {
    let style = indicatif::ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = indicatif::ProgressBar::new(0).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A table for people.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
