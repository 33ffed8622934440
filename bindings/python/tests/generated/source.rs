//! Reads the structs and enums of Rust sources: names, types, documentation, and what serde is told about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, Pat, Stmt, Token, Type, Visibility};

#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) structs: BTreeMap<String, Struct>,
    pub(crate) enums: BTreeMap<String, Enum>,
    /// What `impl Default` says of a field, where that is a number.
    numbers: BTreeMap<(String, String), String>,
    /// The words of enums in `fn name` or in `FromStr`, by enum and variant.
    names: BTreeMap<(String, String), String>,
    /// The words that `FromStr` knows besides.
    pub(crate) parsed: BTreeMap<String, BTreeSet<String>>,
    /// The types that have a text.
    pub(crate) shown: BTreeSet<String>,
}

pub(crate) struct Struct {
    pub(crate) docs: String,
    pub(crate) fields: Vec<Field>,
    /// Whether it is a view of the binding, or a value of the library as it is.
    pub(crate) is_view: bool,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) kind: Type,
    /// Whether it may be left out, by the serializer or by the caller that makes the value.
    pub(crate) has_default: bool,
}

pub(crate) struct Enum {
    pub(crate) docs: String,
    pub(crate) variants: Vec<Variant>,
    pub(crate) is_ordered: bool,
    /// Whether serde derives its words.
    pub(crate) has_serde_words: bool,
    pub(crate) default: Option<String>,
}

pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) word: String,
    pub(crate) docs: String,
}

impl Sources {
    /// Read every file of a folder.
    pub(crate) fn read(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.read_file(&path);
            }
        }
    }

    pub(crate) fn read_file(&mut self, path: &Path) {
        let is_view = path.ends_with("views.rs");
        let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
        for item in file.items {
            match item {
                Item::Struct(item) => {
                    let serde = Serde::of(&item.attrs);
                    let name = serde.rename.clone().unwrap_or_else(|| item.ident.to_string());
                    if !(is_view || matches!(item.vis, Visibility::Public(_)) || serde.rename.is_some()) {
                        continue;
                    }
                    let fields = item.fields.into_iter().filter_map(|field| {
                        let name = field.ident.as_ref()?.to_string();
                        let own = Serde::of(&field.attrs);
                        (!own.is_skipped).then(|| Field {
                            has_default: own.has_default || serde.has_default,
                            docs: docs(&field.attrs),
                            kind: field.ty,
                            name,
                        })
                    });
                    let fields = fields.collect();
                    self.structs.insert(name, Struct { docs: docs(&item.attrs), fields, is_view });
                }
                Item::Enum(item) if matches!(item.vis, Visibility::Public(_)) => {
                    let serde = Serde::of(&item.attrs);
                    let variants = item.variants.iter().map(|variant| Variant {
                        name: variant.ident.to_string(),
                        word: Serde::of(&variant.attrs)
                            .rename
                            .unwrap_or_else(|| serde.word(&variant.ident.to_string())),
                        docs: docs(&variant.attrs),
                    });
                    let default = item.variants.iter().find(|variant| {
                        variant.attrs.iter().any(|attribute| attribute.path().is_ident("default"))
                    });
                    let read = Enum {
                        docs: docs(&item.attrs),
                        variants: variants.collect(),
                        is_ordered: derives(&item.attrs, "Ord"),
                        has_serde_words: derives(&item.attrs, "Serialize"),
                        default: default.map(|variant| variant.ident.to_string()),
                    };
                    self.enums.insert(item.ident.to_string(), read);
                }
                Item::Impl(item) => self.read_impl(&item),
                Item::Macro(item) if item.mac.path.is_ident("error_kinds") => {
                    let kinds: ErrorKinds = syn::parse2(item.mac.tokens).unwrap();
                    let docs = "What went wrong, for a program to compare.".into();
                    let read = Enum {
                        docs,
                        variants: kinds.0,
                        is_ordered: false,
                        has_serde_words: false,
                        default: None,
                    };
                    self.enums.insert("ErrorKind".into(), read);
                }
                _ => {}
            }
        }
    }

    fn read_impl(&mut self, item: &syn::ItemImpl) {
        let Type::Path(kind) = &*item.self_ty else {
            return;
        };
        let kind = kind.path.segments.last().unwrap().ident.to_string();
        let of = item.trait_.as_ref().map(|of| of.0.segments.last().unwrap().ident.to_string());
        for inner in &item.items {
            let ImplItem::Fn(function) = inner else {
                continue;
            };
            match (of.as_deref(), function.sig.ident.to_string().as_str()) {
                (Some("Display"), _) => {
                    self.shown.insert(kind.clone());
                }
                (Some("Default"), "default") => {
                    if let Some(Stmt::Expr(Expr::Struct(made), None)) = function.block.stmts.last() {
                        for field in &made.fields {
                            if let (syn::Member::Named(name), Some(number)) =
                                (&field.member, number(&field.expr))
                            {
                                self.numbers.insert((kind.clone(), name.to_string()), number);
                            }
                        }
                    }
                }
                (None, "name") => {
                    for (pattern, value) in arms(&function.block) {
                        if let (Some(variant), Some(word)) = (last_segment(pattern), text(value)) {
                            self.names.insert((kind.clone(), variant), word);
                        }
                    }
                }
                (Some("FromStr"), "from_str") => {
                    for (pattern, value) in arms(&function.block) {
                        let words = literals(pattern);
                        if let (Some(word), Some(variant)) = (words.first(), wrapped_variant(value)) {
                            self.names.entry((kind.clone(), variant)).or_insert(word.clone());
                        }
                        self.parsed.entry(kind.clone()).or_default().extend(words);
                    }
                }
                _ => {}
            }
        }
    }

    /// What a default of the library says of a field, if that is a number.
    pub(crate) fn number(&self, kind: &str, field: &str) -> Option<&str> {
        self.numbers.get(&(kind.to_owned(), field.to_owned())).map(String::as_str)
    }

    /// The word of a variant: that of `fn name`, or of serde.
    pub(crate) fn word<'a>(&'a self, kind: &str, variant: &'a Variant) -> &'a str {
        self.names.get(&(kind.to_owned(), variant.name.clone())).unwrap_or(&variant.word)
    }

    /// The name of a variant in Python.
    pub(crate) fn member(&self, kind: &str, variant: &Variant) -> String {
        let word = self.word(kind, variant);
        // `powershell` is POWERSHELL, though Rust has PowerShell.
        if word.replace('-', "") == variant.name.to_lowercase() {
            return word.replace('-', "_").to_uppercase();
        }
        snake(&variant.name, '_').to_uppercase()
    }

    /// The paragraphs of a documentation as Python has them: without examples, links and sections.
    pub(crate) fn prose(&self, docs: &str) -> Vec<String> {
        let mut paragraphs = vec![String::new()];
        let mut is_code = false;
        for line in docs.lines() {
            let line = line.trim();
            if line.starts_with("```") {
                is_code = !is_code;
            } else if !is_code && line.starts_with("# ") {
                break;
            } else if is_code || line.is_empty() {
                paragraphs.push(String::new());
            } else {
                let paragraph = paragraphs.last_mut().unwrap();
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line);
            }
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        paragraphs.iter().map(|paragraph| self.code(&unlinked(paragraph))).collect()
    }

    /// Code in backticks as Python spells it.
    fn code(&self, text: &str) -> String {
        let parts = text.split('`').enumerate().map(|(index, part)| {
            let is_code = index % 2 == 1;
            match part {
                _ if !is_code => part.to_owned(),
                "true" => "True".into(),
                "false" => "False".into(),
                _ => part.split("::").collect::<Vec<_>>().windows(2).next().map_or(part.to_owned(), |pair| {
                    let known = self
                        .enums
                        .get(pair[0])
                        .and_then(|found| found.variants.iter().find(|variant| variant.name == pair[1]));
                    let last = known.map_or(pair[1].to_owned(), |variant| self.member(pair[0], variant));
                    format!("{}.{last}", pair[0])
                }),
            }
        });
        parts.collect::<Vec<_>>().join("`")
    }
}

/// A text without its links to items; links to pages stay.
fn unlinked(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(start) = rest.find('[') {
        let (before, after) = rest.split_at(start);
        plain.push_str(before);
        let Some(end) = after.find(']') else { break };
        let (label, behind) = (&after[1..end], &after[end + 1..]);
        let target = behind.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        match target {
            Some((target, _)) if target.contains("://") => {
                plain.push_str(&after[..=end]);
                rest = behind;
            }
            Some((_, behind)) => {
                plain.push_str(label);
                rest = behind;
            }
            None if label.starts_with('`') => {
                plain.push_str(label);
                rest = behind;
            }
            None => {
                plain.push_str(&after[..=end]);
                rest = behind;
            }
        }
    }
    plain + rest
}

/// What serde is told about a type, a field or a variant.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    has_default: bool,
    is_skipped: bool,
}

impl Serde {
    fn of(attributes: &[Attribute]) -> Self {
        let mut told = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute
                .parse_nested_meta(|meta| {
                    let name = meta.path.get_ident().unwrap().to_string();
                    let value = match meta.value() {
                        Ok(value) => Some(value.parse::<syn::LitStr>()?.value()),
                        Err(_) => None,
                    };
                    match name.as_str() {
                        "rename" => told.rename = value,
                        "rename_all" => told.rename_all = value,
                        "default" | "skip_serializing_if" => told.has_default = true,
                        "skip" => told.is_skipped = true,
                        _ => {}
                    }
                    Ok(())
                })
                .unwrap();
        }
        told
    }

    fn word(&self, variant: &str) -> String {
        match self.rename_all.as_deref() {
            Some("kebab-case") => snake(variant, '-'),
            Some("snake_case") => snake(variant, '_'),
            Some("lowercase") => variant.to_lowercase(),
            _ => variant.to_owned(),
        }
    }
}

/// `CrLf` as `cr_lf`, as serde does it.
fn snake(name: &str, between: char) -> String {
    let mut text = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            text.push(between);
        }
        text.extend(letter.to_lowercase());
    }
    text
}

fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => text(&pair.value),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.segments.last().is_some_and(|last| last.ident == name);
            Ok(())
        });
    }
    found
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// A number, or a shift of two.
fn number(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            _ => None,
        },
        Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Shl(_)) => {
            Some(format!("{} << {}", number(&binary.left)?, number(&binary.right)?))
        }
        _ => None,
    }
}

/// The arms of a function that is one `match`.
fn arms(block: &syn::Block) -> Vec<(&Pat, &Expr)> {
    match block.stmts.last() {
        Some(Stmt::Expr(Expr::Match(found), None)) => {
            found.arms.iter().map(|arm| (&arm.pat, &*arm.body)).collect()
        }
        _ => Vec::new(),
    }
}

fn last_segment(pattern: &Pat) -> Option<String> {
    let path = match pattern {
        Pat::Path(path) => &path.path,
        Pat::TupleStruct(tuple) => &tuple.path,
        _ => return None,
    };
    path.segments.last().map(|segment| segment.ident.to_string())
}

/// The variant in `Ok(Self::Variant)`.
fn wrapped_variant(value: &Expr) -> Option<String> {
    match value {
        Expr::Call(call) => match call.args.first() {
            Some(Expr::Path(path)) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn literals(pattern: &Pat) -> Vec<String> {
    match pattern {
        Pat::Lit(literal) => match &literal.lit {
            Lit::Str(text) => vec![text.value()],
            _ => Vec::new(),
        },
        Pat::Or(cases) => cases.cases.iter().flat_map(literals).collect(),
        _ => Vec::new(),
    }
}

/// The rows of the macro `error_kinds!`.
struct ErrorKinds(Vec<Variant>);

impl Parse for ErrorKinds {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut kinds = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            let name: syn::Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            input.parse::<syn::LitInt>()?;
            input.parse::<Token![,]>()?;
            let word: syn::LitStr = input.parse()?;
            input.parse::<Token![;]>()?;
            kinds.push(Variant { name: name.to_string(), word: word.value(), docs: docs(&attributes) });
        }
        Ok(Self(kinds))
    }
}
