//! Tables of numbers as Markdown, and the same numbers for the plot.

use std::fmt::Write as _;

/// A table: a name in front of each row, a number with a unit below each heading.
#[derive(Clone)]
pub(crate) struct Table {
    pub first: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

#[derive(Clone)]
pub(crate) struct Row {
    pub name: String,
    pub is_ours: bool,
    /// `None` where a number does not apply.
    pub values: Vec<Option<f64>>,
}

impl Table {
    pub(crate) fn new(first: &'static str, columns: &[&'static str]) -> Self {
        Self { first, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, is_ours: bool, values: &[Option<f64>]) {
        self.rows.push(Row { name: name.into(), is_ours, values: values.to_vec() });
    }

    /// The table in Markdown, its columns aligned.
    pub(crate) fn markdown(&self) -> String {
        let mut lines =
            vec![std::iter::once(self.first).chain(self.columns.iter().copied()).map(String::from).collect()];
        for row in &self.rows {
            let name = row.name.replace('|', "\\|");
            let name = if row.is_ours { format!("**{name}**") } else { name };
            let values = row.values.iter().map(|value| value.map_or_else(|| "–".into(), number));
            lines.push(std::iter::once(name).chain(values).collect::<Vec<String>>());
        }
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for (number, line) in lines.iter().enumerate() {
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                if column == 0 {
                    let _ = write!(text, "| {cell:<width$} |");
                } else {
                    let _ = write!(text, " {cell:>width$} |");
                }
            }
            text.push('\n');
            if number == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let colon = if column == 0 { "" } else { ":" };
                    let dashes = "-".repeat(width - colon.len());
                    let _ = write!(text, "{} {dashes}{colon} |", if column == 0 { "|" } else { "" });
                }
                text.push('\n');
            }
        }
        text
    }
}

/// A number with about three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}
