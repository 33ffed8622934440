//! Writes Python as the formatter of the project wants it.

#![allow(clippy::format_push_string)] // the code reads as the files that it makes

use std::collections::BTreeSet;

use syn::{GenericArgument, PathArguments, Type};

use crate::source::{Field, Sources, Struct};
use crate::{ENUMS, TUPLES, TYPES, VALUES};

/// The longest line of documentation.
const WIDTH: usize = 120;

const MADE_BY: &str = "Generated from the sources of the library by the test `generated`; `UPDATE_PYTHON=1 cargo test \
                       -p vmtemplate-python --test generated` writes it anew.";

/// `_values.py`.
pub(crate) fn values(sources: &Sources, methods: &str) -> String {
    let mut body = String::new();
    let mut used = Used::default();
    for (section, names) in VALUES {
        let blank = if body.is_empty() { "\n" } else { "\n\n" };
        body += &format!("{blank}# {section}\n");
        for name in *names {
            let value =
                sources.structs.get(*name).unwrap_or_else(|| panic!("no struct {name} in the sources"));
            body += &class(sources, methods, name, value, &mut used);
        }
    }
    let mut text =
        docstring("", &["Plain values: arguments and results of the library.".into(), MADE_BY.into()]);
    text += "\nfrom __future__ import annotations\n\n";
    if used.has("Mapping") {
        text += "from collections.abc import Mapping\n";
    }
    text +=
        &format!("from dataclasses import dataclass{}\n", if used.has("field(") { ", field" } else { "" });
    text += "from typing import NamedTuple\n\nfrom . import _methods, _native\n";
    let by_hand = ["MacroName", "ProductVersion", "Support"];
    text += &import("_enums", &used.among(ENUMS));
    text += &import("_methods", &by_hand.map(str::to_owned));
    text + &body
}

/// The words that occur in the annotations.
#[derive(Default)]
struct Used(String);

impl Used {
    fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    fn among(&self, names: &[&str]) -> Vec<String> {
        let words: BTreeSet<&str> = self.0.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let mut found: Vec<String> =
            names.iter().filter(|name| words.contains(**name)).map(|name| (*name).to_owned()).collect();
        found.sort();
        found
    }
}

/// `from ._enums import (…)`, one name a line, if one line does not hold them.
fn import(module: &str, names: &[String]) -> String {
    let line = format!("from .{module} import {}\n", names.join(", "));
    if line.len() <= 111 {
        return line;
    }
    let mut text = format!("from .{module} import (\n");
    for name in names {
        text += &format!("    {name},\n");
    }
    text + ")\n"
}

fn class(sources: &Sources, methods: &str, name: &str, value: &Struct, used: &mut Used) -> String {
    let is_tuple = TUPLES.contains(&name);
    let has_methods = methods.contains(&format!("\nclass {name}:\n"));
    let base = match (is_tuple, has_methods) {
        (true, _) => "(NamedTuple)".into(),
        (false, true) => format!("(_methods.{name})"),
        (false, false) => String::new(),
    };
    let decorator = if is_tuple { "" } else { "@dataclass(frozen=True)\n" };
    let mut text = format!("\n\n{decorator}class {name}{base}:\n");
    text += &docstring("    ", &sources.prose(&value.docs));
    text.push('\n');
    let mut optional: Option<&str> = None;
    for field in &value.fields {
        let annotation = annotation(&field.kind);
        let default = field.has_default.then(|| default(sources, name, field, &annotation));
        let default = match (default, annotation.starts_with("Mapping")) {
            (Some(default), true) => format!(" = field(default_factory={default}, hash=False)"),
            (Some(default), false) => format!(" = {default}"),
            (None, true) => " = field(hash=False)".into(),
            (None, false) => String::new(),
        };
        match optional {
            Some(earlier) if !field.has_default => {
                panic!("{name}.{} has no default, but {earlier} has", field.name)
            }
            None if field.has_default => optional = Some(&field.name),
            _ => {}
        }
        used.0 += &format!("{annotation}{default} ");
        text += &format!("    {}: {annotation}{default}\n", field.name);
        text += &docstring("    ", &sources.prose(&field.docs));
    }
    let whole =
        ["text", "message"].into_iter().find(|name| value.fields.iter().any(|field| field.name == *name));
    let answer = match whole {
        Some(field) if value.is_view => format!("self.{field}"),
        _ if sources.shown.contains(name) && !value.is_view => format!("_native.text(\"{name}\", self)"),
        _ => return text,
    };
    text + &format!("\n    def __str__(self) -> str:\n        return {answer}\n")
}

/// The default of a field that may be left out.
fn default(sources: &Sources, name: &str, field: &Field, annotation: &str) -> String {
    if let Some(number) = sources.number(name, &field.name) {
        return number.to_owned();
    }
    let kind = annotation.split(['[', ' ']).next().unwrap();
    match kind {
        _ if annotation.ends_with("| None") => "None".into(),
        "tuple" => "()".into(),
        "Mapping" => annotation.replace("Mapping", "dict"),
        "bool" => "False".into(),
        "int" => "0".into(),
        "str" => "\"\"".into(),
        _ => match sources.enums.get(kind).and_then(|found| Some((found, found.default.as_ref()?))) {
            Some((found, default)) => {
                let variant = found.variants.iter().find(|variant| variant.name == *default).unwrap();
                format!("{kind}.{}", sources.member(kind, variant))
            }
            None => format!("{kind}()"),
        },
    }
}

fn annotation(kind: &Type) -> String {
    match kind {
        Type::Reference(reference) => annotation(&reference.elem),
        Type::Path(path) => {
            let last = path.path.segments.last().unwrap();
            let inner: Vec<String> = match &last.arguments {
                PathArguments::AngleBracketed(given) => given
                    .args
                    .iter()
                    .filter_map(|argument| match argument {
                        GenericArgument::Type(inner) => Some(annotation(inner)),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            };
            let name = last.ident.to_string();
            match (name.as_str(), inner.as_slice()) {
                ("Option", [inner]) => format!("{inner} | None"),
                ("Vec", [inner]) => format!("tuple[{inner}, ...]"),
                ("BTreeMap", [key, value]) => format!("Mapping[{key}, {value}]"),
                _ => known(&name),
            }
        }
        _ => panic!("a field has a type that Python has no word for"),
    }
}

fn known(name: &str) -> String {
    if let Some((_, python)) = TYPES.iter().find(|(rust, _)| *rust == name) {
        return (*python).to_owned();
    }
    let is_class = ENUMS.contains(&name) || VALUES.iter().any(|(_, names)| names.contains(&name));
    assert!(is_class, "Python has no class {name}, and TYPES does not say what stands for it");
    name.to_owned()
}

/// `_enums.py`.
pub(crate) fn enums(sources: &Sources, methods: &str, stub: &str) -> String {
    let about = "Each member is a `str`, the word that the command and the JSON forms use. Every parameter that takes a \
                 member also takes its word.";
    let mut text = docstring("", &["The enums of the library.".into(), about.into(), MADE_BY.into()]);
    text += "\nfrom __future__ import annotations\n\nfrom typing import TYPE_CHECKING, Literal, Union\n\n";
    text += "from . import _methods\n\nif TYPE_CHECKING:\n    from typing_extensions import TypeAlias\n";
    let mut words = String::new();
    for name in ENUMS {
        let read = sources.enums.get(*name).unwrap_or_else(|| panic!("no enum {name} in the sources"));
        let word = if read.is_ordered { "OrderedWord" } else { "Word" };
        let own = if methods.contains(&format!("\nclass {name}:\n")) {
            format!("_methods.{name}, ")
        } else {
            String::new()
        };
        text += &format!("\n\nclass {name}({own}_methods.{word}):\n");
        text += &docstring("    ", &sources.prose(&read.docs));
        text.push('\n');
        for variant in &read.variants {
            text += &format!("    {} = \"{}\"\n", sources.member(name, variant), sources.word(name, variant));
            text += &docstring("    ", &sources.prose(&variant.docs));
        }
        // The stub names the words that a parameter takes.
        if stub.contains(&format!(" {name}Word,")) {
            let mut all: Vec<&str> =
                read.variants.iter().map(|variant| sources.word(name, variant)).collect();
            let more = sources.parsed.get(*name);
            all.extend(more.into_iter().flatten().map(String::as_str));
            let mut seen = BTreeSet::new();
            all.retain(|word| seen.insert(*word));
            words += &alias(name, &all);
        }
    }
    text + "\n\n# A member or its word, for annotations.\n" + &words
}

fn alias(name: &str, words: &[&str]) -> String {
    let listed: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    // Python 3.9 has no `|` for types.
    let line = format!("{name}Word: TypeAlias = Union[{name}, Literal[{}]]\n", listed.join(", "));
    if line.len() <= 111 {
        return line;
    }
    let line = format!("    {name}, Literal[{}]\n", listed.join(", "));
    if line.len() <= 111 {
        return format!("{name}Word: TypeAlias = Union[\n{line}]\n");
    }
    let mut text = format!("{name}Word: TypeAlias = Union[\n    {name},\n    Literal[\n");
    for word in &listed {
        text += &format!("        {word},\n");
    }
    text + "    ],\n]\n"
}

/// `__init__.py` with the names of all generated classes, and `__all__` of all that it imports.
pub(crate) fn exports(held: &str) -> String {
    let mut values: Vec<String> =
        VALUES.iter().flat_map(|(_, names)| *names).map(|name| (*name).to_owned()).collect();
    values.sort();
    let mut enums: Vec<String> = ENUMS.iter().map(|name| (*name).to_owned()).collect();
    enums.sort();
    let text = replaced(held, "from ._enums import (\n", "\n)\n", &import("_enums", &enums));
    let text = replaced(&text, "from ._values import (\n", "\n)\n", &import("_values", &values));
    let mut all: Vec<&str> = Vec::new();
    for block in text.split("\nfrom ._").skip(1) {
        let names = block.split_once(" import ").unwrap().1;
        let names = match names.strip_prefix("(\n") {
            Some(names) => names.split_once("\n)").unwrap().0,
            None => names.lines().next().unwrap(),
        };
        all.extend(
            names.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('_')),
        );
    }
    all.sort_unstable();
    all.push("__version__");
    let listed: Vec<String> = all.iter().map(|name| format!("    \"{name}\",\n")).collect();
    let listed = listed.concat();
    replaced(&text, "__all__ = [\n", "]\n", &format!("__all__ = [\n{listed}]\n"))
}

/// A text in which the part from `start` to `end` is another.
fn replaced(text: &str, start: &str, end: &str, by: &str) -> String {
    let at = text.find(start).unwrap_or_else(|| panic!("__init__.py has no `{}`", start.trim()));
    let stop = at + text[at..].find(end).unwrap() + end.len();
    format!("{}{by}{}", &text[..at], &text[stop..])
}

/// A docstring, wrapped; nothing if there is nothing to say.
fn docstring(indent: &str, paragraphs: &[String]) -> String {
    let Some(first) = paragraphs.first() else {
        return String::new();
    };
    let raw = if paragraphs.iter().any(|paragraph| paragraph.contains('\\')) { "r" } else { "" };
    let line = format!("{indent}{raw}\"\"\"{first}\"\"\"\n");
    if paragraphs.len() == 1 && line.chars().count() <= WIDTH + 1 {
        return line;
    }
    let mut text = wrapped(&format!("{indent}{raw}\"\"\""), indent, first);
    for paragraph in &paragraphs[1..] {
        text += &format!("\n\n{}", wrapped(indent, indent, paragraph));
    }
    format!("{text}\n{indent}\"\"\"\n")
}

fn wrapped(start: &str, indent: &str, text: &str) -> String {
    let mut lines = vec![start.to_owned()];
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        let is_empty = *line == start || *line == indent;
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{indent}{word}"));
        } else {
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
