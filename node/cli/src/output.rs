//! What commands print: text for people, one JSON value for programs.

use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs: one JSON value.
    Json,
}

impl Output {
    /// Prints `value`, or what `text` makes of it.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        match self {
            Self::Text => line(&text(value)),
            Self::Json => line(&serde_json::to_string(value)?),
        }
    }

    /// Tells a person what goes on meanwhile; programs wait for the end.
    pub(crate) fn progress(self, text: &str) {
        if self == Self::Text {
            note(text);
        }
    }
}

/// One line on standard output.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    write!(out, "{text}{end}").and_then(|()| out.flush()).context("could not print")
}

/// One line on standard error.
pub(crate) fn note(text: &str) {
    // Where standard error is closed there is nobody to tell.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Why the command failed, on standard error.
pub(crate) fn complain(text: &str) {
    note(&format!("anchorhold: {text}"));
}

/// Rows of cells, the columns aligned.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["a", "b"]), row(["long", ""])]), "a     b\nlong\n");
        assert_eq!(table(&[]), "");
    }
}
