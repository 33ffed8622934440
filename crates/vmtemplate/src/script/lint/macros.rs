//! Macros: known, declared, whole, and in a place where their values can do no harm.

use std::collections::HashSet;

use super::batch::Batch;
use super::{Lint, rules, shown};
use crate::error::Position;
use crate::finding::Finding;
use crate::macros::{MacroInfo, MacroKind, MacroName, MacroUse, ScriptLanguage, find_macros};
use crate::metainfo::Metainfo;

/// How many uses of macros are judged by their places.
const MAX_USES: usize = 2000;

impl Lint<'_> {
    /// What a comment holds does no harm and no good.
    pub(super) fn check_macros(&mut self, batch: &Batch) {
        let declared = self.metainfo.map(|metainfo| HashSet::from_iter(metainfo.declared_macros()));
        let declared: Option<HashSet<String>> = declared;
        let mut seen = HashSet::new();
        for found in find_macros(self.text) {
            let name = found.name.to_string();
            if batch.is_comment(found.range.start) || !seen.insert(name.clone()) {
                continue;
            }
            let info = MacroInfo::lookup(found.name.name());
            let is_declared = declared.as_ref().is_some_and(|declared| declared.contains(&name));
            if info.is_none() && !is_declared {
                if self.is_full(rules::UNKNOWN_MACRO) || self.is_expression(found.range.start) {
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
        for name in self.metainfo.map(Metainfo::declared_macros).unwrap_or_default() {
            if !seen.contains(&name) && name.parse::<MacroName>().is_ok() {
                let message = format!("metainfo.xml declares {name}, and the script does not use it");
                self.add(Finding::new(rules::UNUSED_MACRO, message));
            }
        }
    }

    /// In PowerShell `($name)` is an expression, and in a shell nothing that is written by mistake.
    fn is_expression(&self, start: usize) -> bool {
        self.language == Some(ScriptLanguage::PowerShell)
            || self.language == Some(ScriptLanguage::Posix) && self.text[..start].ends_with(['$', '='])
    }

    fn unknown(&self, name: &MacroName, range: std::ops::Range<usize>) -> Finding {
        let bare = name.name();
        match MacroInfo::nearest(bare) {
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
        }
    }

    /// `($NAME` without its end, and `($` with other things behind it. PowerShell and shells have uses for both.
    pub(super) fn check_whole(&mut self, batch: &Batch) {
        let whole: HashSet<usize> = find_macros(self.text).map(|found| found.range.start).collect();
        for (at, _) in self.text.match_indices("($") {
            let rest = &self.text[at + 2..];
            let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let near: String = rest.chars().take(2 * MacroName::MAX_LENGTH).collect();
            let trimmed = near.trim_start_matches([' ', '\t']);
            // What does not begin as a name is code of another language, as in `powershell -Command "($_.Name)"`.
            let is_name = name > 0 && MacroInfo::lookup(&rest[..name]).is_some();
            let is_spaced = trimmed.len() < near.len()
                && trimmed.split_once(')').is_some_and(|(name, _)| MacroInfo::lookup(name.trim()).is_some());
            if !whole.contains(&at) && (is_name || is_spaced) && !batch.is_comment(at) {
                let length = if is_name { name } else { rest.find(')').unwrap_or(name) + 1 };
                let range = at..at + 2 + length;
                let message =
                    format!("{} is not a macro; expected `($NAME)`", shown(&self.text[range.clone()]));
                let finding = self.find(rules::CUT_MACRO, range, message);
                self.add(finding);
            }
        }
    }

    /// Values that a person chooses, where not even a renderer that knows the language can quote them.
    pub(super) fn check_quoting(&mut self) {
        // Finding out the places takes time in proportion to the uses on one line.
        if find_macros(self.text).nth(MAX_USES).is_some() {
            return;
        }
        let declared = self.metainfo.map(Metainfo::declared_macros).unwrap_or_default();
        let declared: HashSet<String> = declared.into_iter().collect();
        let told: HashSet<Position> = self
            .findings
            .iter()
            .filter(|finding| finding.rule() == rules::UNSAFE_PLACE)
            .filter_map(|finding| finding.place().position)
            .collect();
        for place in self.script.macro_places(self.language).iter().take(MAX_USES) {
            let name = &place.found.name;
            let is_typed = match MacroInfo::lookup(name.name()).map(|info| info.kind) {
                Some(kind) => matches!(kind, MacroKind::Password | MacroKind::ProductKey),
                None => declared.contains(&name.to_string()),
            };
            if !is_typed || !place.is_free_text() || told.contains(&place.found.position) {
                continue;
            }
            if let Some(reason) = place.never_safe() {
                let message = format!("{name} stands {}, where no quoting is safe: {reason}", place.place);
                let length = place.found.range.len();
                let finding = self.find_at(rules::UNQUOTABLE, place.found.position, length, message);
                self.add(finding);
            }
        }
    }

    /// Values that a person chooses, where they could become commands.
    pub(super) fn check_places(&mut self, batch: &Batch) {
        let declared = self.metainfo.map(Metainfo::declared_macros).unwrap_or_default();
        let declared: HashSet<String> = declared.into_iter().collect();
        let forbidden = self.metainfo.and_then(Metainfo::illegal_password_characters);
        let forbidden = forbidden.unwrap_or_default().into_owned();
        let mut uses = find_macros(self.text).peekable();
        let mut quoted_password = None;
        let mut left_to_do = MAX_USES;
        for command in &batch.commands {
            while uses.next_if(|found| found.range.start < command.range.start).is_some() {}
            while let Some(found) = uses.next_if(|found| found.range.start < command.range.end) {
                let word = command.words.partition_point(|word| word.end <= found.range.start);
                let Some(word) = command.words.get(word).filter(|word| word.start <= found.range.start)
                else {
                    continue;
                };
                left_to_do -= 1;
                if left_to_do == 0 {
                    return;
                }
                let is_quoted = self.text[word.start..found.range.start].matches('"').count() % 2 == 1;
                let (harmful, is_password) = match MacroInfo::lookup(found.name.name()).map(|info| info.kind)
                {
                    Some(MacroKind::Password) if is_quoted => ("!", true),
                    Some(MacroKind::Password) => ("&|<>^()\"!", true),
                    // Letters, digits and `-`, and whatever else somebody types.
                    Some(MacroKind::ProductKey) if !is_quoted => ("&|<>", false),
                    // A macro that is only declared holds anything.
                    None if declared.contains(&found.name.to_string()) && is_quoted => ("!", false),
                    None if declared.contains(&found.name.to_string()) => ("&|<>^()\"!", false),
                    _ => continue,
                };
                let is_forbidden = |c: char| is_password && forbidden.contains(c);
                let left: Vec<String> = harmful
                    .chars()
                    .filter(|&c| !is_forbidden(c) && (c != '!' || command.delayed))
                    .map(String::from)
                    .collect();
                if !left.is_empty() {
                    let finding = self.unsafe_place(&found, is_quoted, command.delayed, &left.join(" "));
                    self.add(finding);
                } else if is_password && is_quoted && !(is_forbidden('%') && is_forbidden('"')) {
                    quoted_password.get_or_insert(found.range);
                }
            }
        }
        if let Some(range) = quoted_password.filter(|_| self.metainfo.is_some()) {
            let message =
                "a password with % or \" does not arrive as it was chosen, and metainfo.xml allows both";
            let finding = self.find(rules::QUOTED_PASSWORD, range, message);
            self.add(finding);
        }
    }

    fn unsafe_place(&self, found: &MacroUse, is_quoted: bool, delayed: bool, left: &str) -> Finding {
        let name = &found.name;
        let (message, fix) = if is_quoted {
            (
                format!("{name} stands where delayed expansion is on: a value with ! is cut"),
                "put it before `setlocal EnableDelayedExpansion`, or behind `setlocal DisableDelayedExpansion`"
                    .to_owned(),
            )
        } else {
            let rest = if delayed { ", behind `setlocal DisableDelayedExpansion`" } else { "" };
            (
                format!("{name} stands without quotes: a value with one of {left} breaks the command"),
                format!("write \"{name}\"{rest}"),
            )
        };
        self.find(rules::UNSAFE_PLACE, found.range.clone(), message).with_fix(fix)
    }
}

/// Whether the platform passes it only if it is declared: what the user is asked for.
fn is_asked_for(info: &MacroInfo) -> bool {
    info.kind == MacroKind::ProductKey
}
