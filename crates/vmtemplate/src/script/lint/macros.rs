//! Macros: known, declared, whole, and in a place where their values can do no harm.

use std::collections::HashSet;

use super::batch::Batch;
use super::{Lint, rules, shown};
use crate::finding::Finding;
use crate::macros::{MacroInfo, MacroKind, MacroName, find_macros};
use crate::script::interpreter::Interpreter;

impl Lint<'_> {
    pub(super) fn check_macros(&mut self) {
        let declared = self.metainfo.map(crate::metainfo::Metainfo::declared_macros);
        let mut seen = HashSet::new();
        for found in find_macros(self.text) {
            let name = found.name.to_string();
            if !seen.insert(name.clone()) {
                continue;
            }
            let info = MacroInfo::lookup(found.name.name());
            let is_declared = declared.as_ref().is_some_and(|declared| declared.contains(&name));
            if info.is_none() && !is_declared {
                if self.is_expression(found.range.start) {
                    continue;
                }
                let finding = self.unknown(&found.name, found.range.clone());
                self.add(finding);
            } else if declared.is_some() && !is_declared && info.is_some_and(is_asked_for) {
                let finding = self
                    .find(
                        rules::UNDECLARED_MACRO,
                        found.range.clone(),
                        format!("{name} is used, and metainfo.xml does not declare it"),
                    )
                    .with_fix(format!("declare it in metainfo.xml: <macro><elem name=\"{name}\"/></macro>"));
                self.add(finding);
            }
        }
        for name in declared.unwrap_or_default() {
            if !seen.contains(&name) && name.parse::<MacroName>().is_ok() {
                let message = format!("metainfo.xml declares {name}, and the script does not use it");
                self.add(Finding::new(rules::UNUSED_MACRO, message));
            }
        }
        self.check_whole();
    }

    /// In PowerShell `($name)` is an expression, and in a shell nothing that is written by mistake.
    fn is_expression(&self, start: usize) -> bool {
        self.interpreter == Interpreter::PowerShell
            || self.interpreter == Interpreter::Posix && self.text[..start].ends_with(['$', '='])
    }

    fn unknown(&self, name: &MacroName, range: std::ops::Range<usize>) -> Finding {
        let bare = name.name();
        let finding = match MacroInfo::nearest(bare) {
            Some(near) if near.name.eq_ignore_ascii_case(bare) => {
                let message =
                    format!("{name} is unknown: the platform knows {}, and case counts", near.to_name());
                self.find(rules::UNKNOWN_MACRO, range, message).with_fix(format!("write {}", near.to_name()))
            }
            Some(near) => {
                let message = format!("the macro {name} is unknown; was {} meant?", near.to_name());
                self.find(rules::UNKNOWN_MACRO, range, message)
                    .with_fix(format!("write {}, or declare {name} in metainfo.xml", near.to_name()))
            }
            None => self.find(rules::UNKNOWN_MACRO, range, format!("the macro {name} is unknown")).with_fix(
                format!("declare it in metainfo.xml, <macro><elem name=\"{name}\"/></macro>, or take it out"),
            ),
        };
        finding
    }

    /// `($NAME` without its end, and `($` with other things behind it. PowerShell and shells have uses for both.
    fn check_whole(&mut self) {
        if self.interpreter != Interpreter::Batch {
            return;
        }
        let whole: HashSet<usize> = find_macros(self.text).map(|found| found.range.start).collect();
        for (at, _) in self.text.match_indices("($") {
            let rest = &self.text[at + 2..];
            let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let trimmed = rest.trim_start_matches([' ', '\t']);
            // What does not begin as a name is code of another language, as in `powershell -Command "($_.Name)"`.
            let is_name = name > 0 && MacroInfo::lookup(&rest[..name]).is_some();
            let is_spaced = trimmed.len() < rest.len()
                && trimmed.split_once(')').is_some_and(|(name, _)| MacroInfo::lookup(name.trim()).is_some());
            if !whole.contains(&at) && (is_name || is_spaced) {
                let length = if is_name { name } else { rest.find(')').unwrap_or(name) + 1 };
                let range = at..at + 2 + length;
                let message =
                    format!("{} is not a macro; expected `($NAME)`", shown(&self.text[range.clone()]));
                let finding = self.find(rules::CUT_MACRO, range, message);
                self.add(finding);
            }
        }
    }

    /// Values that a person chooses, where they could become commands.
    pub(super) fn check_places(&mut self, batch: &Batch) {
        let forbidden = self.metainfo.and_then(|m| m.illegal_password_characters());
        let forbidden = forbidden.as_deref().unwrap_or_default().to_owned();
        let declared = self.metainfo.map(crate::metainfo::Metainfo::declared_macros).unwrap_or_default();
        let mut uses = find_macros(self.text).peekable();
        for command in &batch.commands {
            while uses.next_if(|found| found.range.start < command.range.start).is_some() {}
            while let Some(found) = uses.next_if(|found| found.range.start < command.range.end) {
                let kind = MacroInfo::lookup(found.name.name()).map(|info| info.kind);
                // What a person types, with any characters. A macro that is only declared holds anything.
                let is_typed = match kind {
                    Some(kind) => matches!(kind, MacroKind::Password | MacroKind::ProductKey),
                    None => declared.contains(&found.name.to_string()),
                };
                if !is_typed {
                    continue;
                }
                let word = command.words.iter().find(|word| word.contains(&found.range.start));
                let Some(word) = word else { continue };
                let is_quoted = self.text[word.start..found.range.start].matches('"').count() % 2 == 1;
                let harmful: Vec<char> = if is_quoted { vec![] } else { "&|<>^()\"".chars().collect() };
                let harmful = harmful.into_iter().chain(command.delayed.then_some('!'));
                let left: Vec<char> = harmful
                    .filter(|&c| kind != Some(MacroKind::Password) || !forbidden.contains(c))
                    .collect();
                if left.is_empty() {
                    continue;
                }
                let shown: Vec<String> = left.iter().map(char::to_string).collect();
                let message = if is_quoted {
                    format!("{} stands where delayed expansion is on: a value with ! is cut", found.name)
                } else {
                    format!(
                        "{} stands without quotes: a value with one of {} breaks the command",
                        found.name,
                        shown.join(" ")
                    )
                };
                let fix = if is_quoted {
                    "put it before `setlocal EnableDelayedExpansion`, or into a part with `setlocal DisableDelayedExpansion`"
                        .to_owned()
                } else if command.delayed {
                    format!("write \"{}\", in a part with `setlocal DisableDelayedExpansion`", found.name)
                } else {
                    format!("write \"{}\"", found.name)
                };
                let finding = self.find(rules::UNSAFE_PLACE, found.range.clone(), message).with_fix(fix);
                self.add(finding);
            }
        }
    }
}

/// Whether the platform passes it only if it is declared: what the user is asked for.
fn is_asked_for(info: &MacroInfo) -> bool {
    info.kind == MacroKind::ProductKey
}
