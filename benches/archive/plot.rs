//! The tables as bars, in an SVG that is readable on light and dark pages.

use std::fmt::Write as _;

use super::table::{Table, number};

const LABEL: usize = 260;
const COLUMN: usize = 165;
const BAR: usize = 100;
const ROW: usize = 20;

/// One block of bars for each table: a row for each contender, a column for each of the first `columns` numbers, each
/// column with its own scale. Shorter is better in all of them.
pub(crate) fn svg(blocks: &[(String, &Table, &[usize])]) -> String {
    let columns = blocks.iter().map(|(_, _, columns)| columns.len()).max().unwrap_or(0);
    let width = LABEL + columns * COLUMN + 10;
    let mut body = String::new();
    let mut y = 8;
    for (title, table, columns) in blocks {
        y += 18;
        let _ = writeln!(body, "<text class=\"title\" x=\"8\" y=\"{y}\">{}</text>", escaped(title));
        y += 24;
        for (place, &column) in columns.iter().enumerate() {
            let x = LABEL + place * COLUMN;
            let heading = escaped(table.columns[column]);
            let _ = writeln!(body, "<text class=\"head\" x=\"{x}\" y=\"{y}\">{heading}</text>");
        }
        y += 8;
        for row in &table.rows {
            let class = if row.is_ours { "ours" } else { "rival" };
            let (x, middle) = (LABEL - 10, y + 14);
            let name = escaped(&row.name);
            let _ = writeln!(body, "<text class=\"name {class}\" x=\"{x}\" y=\"{middle}\">{name}</text>");
            for (place, &column) in columns.iter().enumerate() {
                let Some(value) = row.values[column] else { continue };
                let most = table.rows.iter().filter_map(|row| row.values[column]).fold(0.0, f64::max);
                let x = LABEL + place * COLUMN;
                let length = (value / most * BAR as f64).max(1.0);
                let (top, height, after) = (y + 3, ROW - 6, x as f64 + length + 5.0);
                let _ = writeln!(
                    body,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{length:.1}\" height=\"{height}\"/>\
                     <text class=\"value\" x=\"{after:.1}\" y=\"{middle}\">{}</text>",
                    number(value)
                );
            }
            y += ROW;
        }
        y += 14;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y}\" width=\"{width}\" height=\"{y}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<style>\n\
         text {{ fill: #24292f }} .title {{ font-size: 15px; font-weight: 600 }} .head, .value {{ fill: #57606a }}\n\
         .name {{ text-anchor: end }} .name.ours {{ font-weight: 600 }}\n\
         rect.ours {{ fill: #1a7f37 }} rect.rival {{ fill: #8c959f }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #e6edf3 }} .head, .value {{ fill: #9198a1 }}\n\
         rect.ours {{ fill: #3fb950 }} rect.rival {{ fill: #6e7681 }}\n}}\n</style>\n{body}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
