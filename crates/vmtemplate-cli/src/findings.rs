//! Printing the findings of a check in the style of compiler diagnostics.

use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use vmtemplate::report::{Excerpt, Finding, Severity};
use vmtemplate::{Report, Result};

use crate::ExitCode;
use crate::report;

/// Print the findings and return the exit status: failure if any of them is an error.
pub(crate) fn show(report: &Report, what: &str, json: bool) -> Result<ExitCode> {
    if json {
        report::print_json(report)?;
    } else {
        let color = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        report::print(text(report, what, color).as_bytes())?;
    }
    Ok(status(report))
}

pub(crate) fn status(report: &Report) -> ExitCode {
    if report.has(Severity::Error) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The findings, grouped by file, and a summary line.
pub(crate) fn text(report: &Report, what: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(110);
    let mut text = String::new();
    let mut files: Vec<Option<&String>> = Vec::new();
    for finding in report.findings() {
        let file = finding.place().file.as_ref();
        if !files.contains(&file) {
            files.push(file);
        }
    }
    for file in files {
        for finding in report.findings().iter().filter(|finding| finding.place().file.as_ref() == file) {
            let _ = writeln!(text, "{}\n", renderer.render(&[group(finding)]));
        }
    }
    let _ = writeln!(text, "{}: {}", report::shown(what), report.summary());
    text
}

fn group(finding: &Finding) -> Group<'_> {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        _ => Level::NOTE,
    };
    let group = Group::with_title(level.primary_title(finding.message()).id(finding.rule().code));
    let mut place = finding.place().clone();
    let position = place.position.take();
    // Names come from archives and images: control characters, which a terminal would obey, are escaped.
    let name = report::shown(&place.to_string());
    let group = match (finding.excerpt(), position) {
        (Some(excerpt), Some(position)) => {
            let (line, start, end) = line(excerpt);
            let name = if name.is_empty() { "script".to_owned() } else { name };
            group.element(
                Snippet::source(line)
                    .line_start(position.line)
                    .path(name)
                    .annotation(AnnotationKind::Primary.span(start..end)),
            )
        }
        (_, Some(position)) => {
            group.element(Origin::path(name).line(position.line).char_column(position.column))
        }
        _ if name.is_empty() => group,
        _ => group.element(Origin::path(name)),
    };
    group
        .element(Level::NOTE.with_name("why").message(finding.rule().why))
        .element(Level::HELP.with_name("fix").message(finding.fix()))
}

/// The line and the range of bytes to mark. A replacement character is shown for each control character.
fn line(excerpt: &Excerpt) -> (String, usize, usize) {
    let line: String = excerpt
        .line
        .chars()
        .map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    let byte = |column: usize| line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
    let (start, end) = (byte(excerpt.column), byte(excerpt.column + excerpt.length));
    (line, start, end)
}
