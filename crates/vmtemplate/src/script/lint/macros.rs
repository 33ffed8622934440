//! Macros: known, declared, whole, and in a place where their values can do no harm.

use std::collections::{HashMap, HashSet};

use super::batch::Batch;
use super::{Lint, shown};
use crate::error::Position;
use crate::macros::{MacroInfo, MacroKind, MacroName, MacroUse, ScriptLanguage, find_macros, is_styled};
use crate::metainfo::Metainfo;
use crate::rules::{Finding, script as rules};

/// How many uses of macros are judged by their places, and how many names by what they could mean.
const MAX_USES: usize = 2000;
/// How many bytes of a line, before a macro, say what command it is for.
const MOST_BEFORE: usize = 4096;
/// Characters that a password does not keep inside quotes of cmd.exe.
const LOST_IN_QUOTES: [char; 2] = ['%', '"'];

/// What a name that is no macro looks like.
pub(super) enum Unknown {
    /// One that is misspelt.
    Meant(MacroName),
    /// One of the template's own that metainfo.xml does not declare.
    Undeclared,
}

impl Lint<'_> {
    /// The names that are no macros and look as if they were meant as such.
    ///
    /// A variable of PowerShell or a shell that the script sets itself is none, however its name is spelt.
    pub(super) fn unknown_macros(&self) -> Vec<(MacroUse, Unknown)> {
        let mut judged: HashMap<MacroName, Option<MacroName>> = HashMap::new();
        let mut unknown = Vec::new();
        for found in find_macros(self.text).filter(|found| !self.known.contains(&found.name)) {
            if judged.len() >= MAX_USES && !judged.contains_key(&found.name) {
                continue;
            }
            let meant =
                judged.entry(found.name.clone()).or_insert_with_key(|name| self.known.meant_by(name)).clone();
            let is_plain_text =
                self.language == Some(ScriptLanguage::Batch) && !self.is_in_powershell(&found);
            let what = match meant {
                Some(meant) => Unknown::Meant(meant),
                // Batch files have no other use for `($NAME)`.
                None if is_plain_text && is_styled(found.name.name()) => Unknown::Undeclared,
                None => continue,
            };
            unknown.push((found, what));
        }
        let mut set: HashMap<MacroName, bool> = HashMap::new();
        unknown.retain(|(found, _)| {
            let is_known_name = set.len() < MAX_USES / 10 || set.contains_key(&found.name);
            is_known_name && !*set.entry(found.name.clone()).or_insert_with_key(|name| self.sets(name.name()))
        });
        unknown
    }

    /// Whether it is in a command for PowerShell.
    fn is_in_powershell(&self, found: &MacroUse) -> bool {
        let start = self.line_start(found.range.start).max(found.range.start.saturating_sub(MOST_BEFORE));
        let before = self.text.as_bytes()[start..found.range.start].to_ascii_lowercase();
        [&b"powershell"[..], b"pwsh"].iter().any(|name| before.windows(name.len()).any(|word| word == *name))
    }

    /// Whether the script gives a value to a variable of this name: `$name =`, `name=`, `for name in`, `param($name`.
    fn sets(&self, name: &str) -> bool {
        let lower = self.lower.get_or_init(|| self.text.to_ascii_lowercase());
        let name = name.to_ascii_lowercase();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        lower.match_indices(&name).any(|(at, _)| {
            let (before, after) = (&lower[..at], &lower[at + name.len()..]);
            if before.ends_with(is_part) || after.starts_with(is_part) {
                return false;
            }
            let after = after.trim_start_matches([' ', '\t']);
            let assigned = after.starts_with('=') && !after.starts_with("==")
                || ["+=", "-=", "in ", "in("].iter().any(|sign| after.starts_with(sign));
            let Some(before) = before.strip_suffix('$') else {
                // Without `$` it is a variable of a shell or of cmd.exe.
                let word = before.trim_end_matches([' ', '\t', '"']);
                return assigned && (before.is_empty() || before.ends_with([' ', '\t', '\n', '"', ';']))
                    || word.ends_with("read");
            };
            // A parameter, with or without its type.
            let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
            assigned
                || before.trim_end().ends_with(']')
                || before.ends_with('(')
                    && ["param", "function ", "filter "].iter().any(|word| line.contains(word))
        })
    }

    /// What a comment holds does no harm and no good.
    pub(super) fn check_macros(&mut self, batch: &Batch, unknown: &[(MacroUse, Unknown)]) {
        let mut told = HashSet::new();
        for (found, what) in unknown {
            let start = self.line_start(found.range.start);
            let is_comment = batch.is_comment(found.range.start)
                || self.language != Some(ScriptLanguage::Batch)
                    && self.text[start..].trim_start().starts_with('#');
            if !is_comment && told.insert(&found.name) && !self.is_full(rules::UNKNOWN_MACRO) {
                let finding = self.unknown(found, what);
                self.add(finding);
            }
        }
        let mut seen = HashSet::new();
        for found in self.macros.clone() {
            if batch.is_comment(found.range.start) || !seen.insert(found.name.clone()) {
                continue;
            }
            let name = &found.name;
            let is_declared = self.known.is_declared(name);
            let is_asked_for = MacroInfo::lookup(name.name()).is_some_and(is_asked_for);
            if self.metainfo.is_some() && !is_declared && is_asked_for {
                let finding = self
                    .find(
                        rules::UNDECLARED_MACRO,
                        found.range.clone(),
                        format!("the script uses {name}, but metainfo.xml does not declare it"),
                    )
                    .with_fix(format!("declare it in metainfo.xml: <macro><elem name=\"{name}\"/></macro>"));
                self.add(finding);
            }
        }
        let Some(metainfo) = self.metainfo else { return };
        if metainfo.has_other_filled_in_files() {
            // They may use it, and cannot be seen here.
            return;
        }
        let elsewhere = metainfo.macro_uses();
        for declared in metainfo.declared_macros() {
            let Ok(name) = declared.parse::<MacroName>() else { continue };
            if !seen.contains(&name) && !elsewhere.contains(&name) {
                let message = format!("metainfo.xml declares {name}, but the script does not use it");
                self.add(Finding::new(rules::UNUSED_MACRO, message));
            }
        }
    }

    fn unknown(&self, found: &MacroUse, what: &Unknown) -> Finding {
        let name = &found.name;
        match what {
            Unknown::Meant(meant) => {
                let message = if meant.name().eq_ignore_ascii_case(name.name()) {
                    format!("{name} is unknown: the platform knows {meant}, and names are case-sensitive")
                } else {
                    format!("the macro {name} is unknown; did you mean {meant}?")
                };
                self.find(rules::UNKNOWN_MACRO, found.range.clone(), message)
                    .with_fix(format!("write {}", self.written(meant, found.range.start)))
            }
            Unknown::Undeclared => {
                let written = self.written(name, found.range.start);
                let written =
                    if written == name.to_string() { String::new() } else { format!(", write {written}") };
                self.find(rules::UNKNOWN_MACRO, found.range.clone(), format!("the macro {name} is unknown"))
                    .with_fix(format!(
                        "declare it in metainfo.xml, <macro><elem name=\"{name}\"/></macro>{written}, or remove it"
                    ))
            }
        }
    }

    /// How a macro is to be written in a batch file at this place, so that nothing else is found there: what a person
    /// chooses is in quotes, and what quotes do not keep is forbidden.
    fn written(&self, name: &MacroName, at: usize) -> String {
        let kind = MacroInfo::lookup(name.name()).map(|info| info.kind);
        let is_chosen = matches!(kind, None | Some(MacroKind::Password | MacroKind::ProductKey));
        let before = &self.text[self.line_start(at)..at];
        if !is_chosen || self.language != Some(ScriptLanguage::Batch) {
            return name.to_string();
        }
        let forbid = if kind == Some(MacroKind::Password) { self.forbid() } else { String::new() };
        if before.matches('"').count() % 2 == 1 {
            return format!("{name}{forbid}");
        }
        // Quotes inside of a value would be a part of it.
        let code = before.trim_start_matches([' ', '\t', '@']);
        let assignment = code.get(..4).filter(|word| word.eq_ignore_ascii_case("set ")).map(|_| &code[4..]);
        match assignment.filter(|rest| rest.contains('=') && !rest.contains(['&', '|', '"'])) {
            Some(rest) => format!("set \"{}{name}\"{forbid}", rest.trim_start()),
            None => format!("\"{name}\"{forbid}"),
        }
    }

    /// What is left to forbid in passwords that are in quotes, as a part of an advice.
    fn forbid(&self) -> String {
        let Some(metainfo) = self.metainfo else { return String::new() };
        let forbidden = metainfo.illegal_password_characters().unwrap_or_default();
        if LOST_IN_QUOTES.iter().all(|&c| forbidden.contains(c)) {
            return String::new();
        }
        format!(", and forbid % and \" in metainfo.xml: {}", self.all_forbidden())
    }

    /// The element that forbids what is forbidden now, and what quotes do not keep.
    fn all_forbidden(&self) -> String {
        let forbidden = self.metainfo.and_then(Metainfo::illegal_password_characters).unwrap_or_default();
        let more = LOST_IN_QUOTES.iter().filter(|&&c| !forbidden.contains(c));
        let all: String = forbidden.chars().chain(more.copied()).collect();
        let all = all.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        format!("<illegal_password_characters>{all}</illegal_password_characters>")
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
                let meant = if is_name {
                    &rest[..name]
                } else {
                    trimmed.split(')').next().unwrap_or_default().trim()
                };
                let finding = self.find(rules::CUT_MACRO, range, message);
                let finding = match MacroName::new(meant) {
                    Ok(meant) => finding.with_fix(format!("write {}", self.written(&meant, at))),
                    Err(_) => finding,
                };
                self.add(finding);
            }
        }
    }

    /// Values that a person chooses, where not even a renderer that knows the language can quote them.
    pub(super) fn check_quoting(&mut self) {
        // Finding out the places takes time in proportion to the uses on one line.
        let Some(language) = self.language.filter(|_| self.macros.len() <= MAX_USES) else { return };
        for place in self.script.places(language, &self.known) {
            let name = &place.found.name;
            let is_chosen = match MacroInfo::lookup(name.name()).map(|info| info.kind) {
                Some(kind) => matches!(kind, MacroKind::Password | MacroKind::ProductKey),
                None => true,
            };
            if !is_chosen || !place.is_free_text() {
                continue;
            }
            if let Some(reason) = place.never_safe() {
                let message = format!("{name} is {}, where no quoting is safe: {reason}", place.place);
                let length = place.found.range.len();
                let fix = if language == ScriptLanguage::Batch {
                    let forbid = if MacroInfo::lookup(name.name())
                        .is_some_and(|info| info.kind == MacroKind::Password)
                    {
                        self.forbid()
                    } else {
                        String::new()
                    };
                    format!(
                        "pass \"{name}\" itself to the program that takes the value, such as `net user NAME \"{name}\" \
                         /y`: not through a variable, a loop or a comparison, and not to code{forbid}"
                    )
                } else {
                    format!(
                        "pass {name} itself, in quotes, to the program that takes the value: not through a variable, \
                         and not to code"
                    )
                };
                let finding = self.find_at(rules::UNQUOTABLE, place.found.position, length, message);
                self.add(finding.with_fix(fix));
            }
        }
    }

    /// Values that a person chooses, where they could become commands.
    pub(super) fn check_places(&mut self, batch: &Batch) {
        // Where no quoting helps, the advice to quote would lead nowhere.
        let told: HashSet<Position> = self
            .findings
            .iter()
            .filter(|finding| finding.rule() == rules::UNQUOTABLE)
            .filter_map(|finding| finding.place().position)
            .collect();
        let forbidden = self.metainfo.and_then(Metainfo::illegal_password_characters);
        let forbidden = forbidden.unwrap_or_default().into_owned();
        let uses = self.macros.clone();
        let mut uses = uses.into_iter().peekable();
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
                    None if is_quoted => ("!", false),
                    None => ("&|<>^()\"!", false),
                    Some(_) => continue,
                };
                let is_forbidden = |c: char| is_password && forbidden.contains(c);
                let left: Vec<String> = harmful
                    .chars()
                    .filter(|&c| !is_forbidden(c) && (c != '!' || command.delayed))
                    .map(String::from)
                    .collect();
                if told.contains(&found.position) {
                    // Another place is advised there.
                } else if !left.is_empty() {
                    if self.is_full(rules::UNSAFE_PLACE) {
                        continue;
                    }
                    let finding = self.unsafe_place(&found, is_quoted, command.delayed, &left.join(" "));
                    self.add(finding);
                } else if is_password && is_quoted && !(is_forbidden('%') && is_forbidden('"')) {
                    quoted_password.get_or_insert(found.range);
                }
            }
        }
        if let Some(range) = quoted_password.filter(|_| self.metainfo.is_some()) {
            let message =
                "a password with % or \" does not arrive unchanged, but metainfo.xml allows both characters";
            let fix = format!("forbid them in metainfo.xml: {}", self.all_forbidden());
            let finding = self.find(rules::QUOTED_PASSWORD, range, message);
            self.add(finding.with_fix(fix));
        }
    }

    fn unsafe_place(&self, found: &MacroUse, is_quoted: bool, delayed: bool, left: &str) -> Finding {
        let name = &found.name;
        let written = self.written(name, found.range.start);
        let (message, fix) = if is_quoted {
            let forbid = written.strip_prefix(&name.to_string()).unwrap_or_default();
            (
                format!("{name} is in a place where delayed expansion is on: a value with ! is cut"),
                format!(
                    "put it before `setlocal EnableDelayedExpansion`, or after `setlocal \
                     DisableDelayedExpansion`{forbid}"
                ),
            )
        } else {
            let rest = if delayed { ", after `setlocal DisableDelayedExpansion`" } else { "" };
            (format!("{name} is not in quotes: a value with one of {left} breaks the command"), {
                let (place, forbid) = written.split_at(written.find(", and").unwrap_or(written.len()));
                format!("write {place}{rest}{forbid}")
            })
        };
        self.find(rules::UNSAFE_PLACE, found.range.clone(), message).with_fix(fix)
    }
}

/// Whether the platform passes it only if it is declared: what the user is asked for.
fn is_asked_for(info: &MacroInfo) -> bool {
    info.kind == MacroKind::ProductKey
}
