//! metainfo.xml through the public API: generated files in every style, mutated files, and a comparison with `xmllint`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers outside of `#[test]` are tests all the same

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use vmtemplate::metainfo::{MetainfoFields, MetainfoKey};
use vmtemplate::{ErrorKind, Metainfo};
use vmtemplate_test_support::has_tool;

/// The encoding of a generated file. Implemented here, independently of the library's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Windows1251,
    Latin1,
    Ascii,
}

impl Encoding {
    const ALL: [Self; 7] = [
        Self::Utf8,
        Self::Utf8Bom,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Windows1251,
        Self::Latin1,
        Self::Ascii,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Bom => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1251 => "windows-1251",
            Self::Latin1 => "ISO-8859-1",
            Self::Ascii => "US-ASCII",
        }
    }

    /// Letters of the encoding that are not ASCII.
    fn letters(self) -> &'static str {
        match self {
            Self::Windows1251 => "Привет Ёё",
            Self::Latin1 => "äöüÅÿ",
            Self::Ascii => "aZ",
            _ => "ä Привет 漢字 🙂 \u{85}",
        }
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8Bom => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Self::Utf16Le => {
                [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
            }
            Self::Utf16Be => {
                [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
            }
            Self::Latin1 => text.chars().map(|c| u8::try_from(c as u32).unwrap()).collect(),
            Self::Ascii => {
                text.chars().map(|c| u8::try_from(c as u32).ok().filter(u8::is_ascii).unwrap()).collect()
            }
            Self::Windows1251 => text
                .chars()
                .map(|c| match c {
                    '\0'..='\x7F' => c as u8,
                    'А'..='я' => u8::try_from(c as u32 - 0x410 + 0xC0).unwrap(),
                    'Ё' => 0xA8,
                    'ё' => 0xB8,
                    _ => unreachable!("{c} is not generated for windows-1251"),
                })
                .collect(),
        }
    }
}

/// A piece of a generated file: an element with its value, or anything else.
#[derive(Clone, Debug)]
struct Piece {
    /// The key, and the value of the raw text.
    value: Option<(MetainfoKey, String)>,
    raw: String,
}

#[derive(Clone, Debug)]
struct Generated {
    encoding: Encoding,
    pieces: Vec<Piece>,
}

impl Generated {
    fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.raw.as_str()).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        self.encoding.bytes(&self.text())
    }
}

fn key(text: &str) -> MetainfoKey {
    text.parse().unwrap()
}

fn text(metainfo: &Metainfo, key: &MetainfoKey) -> Option<String> {
    metainfo.get(key).map(std::borrow::Cow::into_owned)
}

/// Keys whose element contains plain text, with allowed values.
fn valid_value(key: &str, encoding: Encoding) -> BoxedStrategy<String> {
    match key {
        "limit.mem" | "limit.disk" => (0..10_000_000_u64).prop_map(|n| n.to_string()).boxed(),
        "limit.ipv4" | "limit.ipv6" | "virtiodisk" | "virtionet" => {
            select(vec!["yes", "no"]).prop_map_into().boxed()
        }
        "rebootcount" => (0..9_u32).prop_map(|n| n.to_string()).boxed(),
        "hddimage" | "installdrive" => "[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}".boxed(),
        "tags" => "[a-z0-9]{1,5}(,[a-z0-9]{1,5}){0,3}".boxed(),
        "date" => Just("2026-11-23 09:00:00".to_owned()).boxed(),
        _ => {
            let letters: Vec<char> = encoding.letters().chars().chain("ab<>&\"' ]-5".chars()).collect();
            prop::collection::vec(select(letters), 1..10)
                .prop_map(|chars| chars.into_iter().collect::<String>().trim().to_owned())
                .prop_filter("is not empty", |value| !value.is_empty())
                .boxed()
        }
    }
}

const TOP: [&str; 12] = [
    "osname",
    "tags",
    "version",
    "hddimage",
    "rebootcount",
    "type",
    "installdrive",
    "virtiodisk",
    "virtionet",
    "illegal_password_characters",
    "date",
    "kernelcommand",
];
const LIMITS: [&str; 5] = ["limit.ipv4", "limit.ipv6", "limit.mem", "limit.disk", "limit.cores"];

/// The same value in one of the ways in which XML can write it.
fn written(value: &str, way: u8) -> String {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;");
    let middle = value.char_indices().nth(1).map_or(value.len(), |(at, _)| at);
    let numeric = |part: &str| {
        part.chars().fold(String::new(), |mut out, c| {
            write!(out, "&#{};", c as u32).unwrap();
            out
        })
    };
    match way {
        0 => escaped,
        1 => format!("\n    {escaped}\t "),
        2 if !value.contains("]]>") => format!("<![CDATA[{value}]]>"),
        3 => numeric(value),
        4 => {
            let (head, tail) = value.split_at(middle);
            format!(" <!-- a > b -->{}<?p i?>{}", numeric(head), numeric(tail))
        }
        5 => value.chars().fold(String::new(), |mut out, c| {
            write!(out, "&#x{:x};", c as u32).unwrap();
            out
        }),
        _ => escaped.replace('\'', "&apos;").replace('"', "&quot;"),
    }
}

/// What may appear between elements.
fn noise() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "",
        "",
        "<!-- comment -->",
        "<!---->",
        "<!--> <a> -->",
        "<!---> -->",
        "<!-- <osname>no</osname> & ]]> -->",
        "<?php echo '<a>'; ?>",
        "<unknown/>",
        "<unknown a='1' b=\"&quot;'\" >text &#65; <deeper><osname x = 'y'>z</osname ></deeper></unknown>",
        "<x:y xmlns:x='urn:x' x:a='2'/>",
        "<empty attr='&lt;' \t/>",
    ])
}

fn generated() -> impl Strategy<Value = Generated> {
    let style = (
        select(Encoding::ALL.to_vec()),
        select(vec!["", " ", "  ", "    ", "\t"]),
        select(vec!["\n", "\n", "\r\n", ""]),
        any::<bool>(),
        select(vec!['"', '\'']),
    );
    style.prop_flat_map(|(encoding, indent, line_end, declared, quote)| {
        let element = move |names: &'static [&'static str]| {
            prop::sample::subsequence(names, 0..=names.len()).prop_shuffle().prop_flat_map(move |names| {
                names
                    .into_iter()
                    .map(move |name| (Just(name), valid_value(name, encoding), 0..7_u8, noise()))
                    .collect::<Vec<_>>()
            })
        };
        (element(&TOP), element(&LIMITS), any::<Index>(), noise(), noise()).prop_map(
            move |(top, limits, place, head, tail)| {
                let mut pieces: Vec<Piece> = Vec::new();
                let raw = |raw: String| Piece { value: None, raw };
                let aside = |text: &'static str| {
                    if text.starts_with("<!--") || text.starts_with("<?") { text } else { "" }
                };
                let must_declare = !matches!(encoding, Encoding::Utf8 | Encoding::Utf8Bom);
                if must_declare {
                    pieces.push(raw(format!(
                        "<?xml version={quote}1.0{quote} encoding={quote}{}{quote}?>",
                        encoding.label()
                    )));
                } else if declared {
                    pieces.push(raw(format!(
                        "<?xml version={quote}1.0{quote} standalone={quote}yes{quote} ?>"
                    )));
                }
                pieces.push(raw(format!(
                    "{line_end}{}{line_end}<doc{}>",
                    aside(head),
                    if declared { " " } else { "" }
                )));
                let place = place.index(top.len() + 1);
                for (index, item) in top.iter().map(Some).chain([None]).enumerate() {
                    if index == place && !limits.is_empty() {
                        pieces.push(raw(format!("{line_end}{indent}<limit why={quote}{quote}>")));
                        for (name, value, way, noise) in &limits {
                            pieces.push(raw(format!("{line_end}{indent}{indent}{noise}")));
                            let attribute = name.strip_prefix("limit.").unwrap();
                            pieces.push(Piece {
                                raw: format!(
                                    "<elem unit={quote}?{quote} name = {quote}{attribute}{quote}>{}</elem >",
                                    written(value, *way)
                                ),
                                value: Some((key(name), value.clone())),
                            });
                        }
                        pieces.push(raw(format!("{line_end}{indent}</limit>")));
                    }
                    if let Some((name, value, way, noise)) = item {
                        pieces.push(raw(format!("{noise}{line_end}{indent}")));
                        let other = if quote == '"' { '\'' } else { '"' };
                        pieces.push(Piece {
                            raw: format!(
                                "<{name} note={quote}{other}{quote}>{}</{name}>",
                                written(value, *way)
                            ),
                            value: Some((key(name), value.clone())),
                        });
                    }
                }
                pieces.push(raw(format!("{line_end}</doc>{line_end}{}{line_end}", aside(tail))));
                Generated { encoding, pieces }
            },
        )
    })
}

/// A value to set, whose characters the encoding of the file may or may not have.
fn change() -> impl Strategy<Value = (&'static str, String)> {
    select([&TOP[..], &LIMITS[..]].concat())
        .prop_flat_map(|name| (Just(name), valid_value(name, Encoding::Utf8)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_is_read_and_written_has_the_same_bytes_and_its_values_are_understood(file in generated()) {
        let bytes = file.bytes();
        let metainfo = Metainfo::parse(&bytes).unwrap();
        prop_assert_eq!(metainfo.to_bytes(), bytes);
        for piece in &file.pieces {
            if let Some((key, value)) = &piece.value {
                prop_assert_eq!(text(&metainfo, key), Some(value.clone()), "{}", key);
            }
        }
    }

    #[test]
    fn a_value_that_is_set_is_read_again_and_nothing_else_changes(file in generated(), (name, value) in change()) {
        let set = key(name);
        let before = file.bytes();
        let mut metainfo = Metainfo::parse(&before).unwrap();
        metainfo.set(&set, &value).unwrap();
        let after = metainfo.to_bytes();
        let again = Metainfo::parse(&after).unwrap();
        prop_assert_eq!(&again, &metainfo);
        prop_assert_eq!(text(&again, &set), Some(value.clone()));
        for name in TOP.iter().chain(&LIMITS) {
            let other = key(name);
            if other != set {
                let held = file.pieces.iter().find_map(|piece| piece.value.as_ref().filter(|(key, _)| *key == other));
                prop_assert_eq!(text(&again, &other), held.map(|(_, value)| value.clone()), "{}", name);
            }
        }
        // The bytes around the element, or around the new element, are unchanged.
        let at = file.pieces.iter().position(|piece| piece.value.as_ref().is_some_and(|(key, _)| *key == set));
        let (head, tail) = if let Some(at) = at {
            let join = |pieces: &[Piece]| pieces.iter().map(|piece| piece.raw.as_str()).collect::<String>();
            let bom = file.encoding.bytes("").len();
            (
                file.encoding.bytes(&join(&file.pieces[..at])),
                file.encoding.bytes(&join(&file.pieces[at + 1..])).split_off(bom),
            )
        } else {
            let common = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
            (before[..common].to_vec(), before[common..].to_vec())
        };
        prop_assert!(after.starts_with(&head) && after.ends_with(&tail) && after.len() >= head.len() + tail.len());
        // Setting it again changes nothing.
        metainfo.set(&set, &value).unwrap();
        prop_assert_eq!(metainfo.to_bytes(), after);
    }

    #[test]
    fn setting_every_value_to_what_it_is_changes_no_byte(file in generated()) {
        let bytes = file.bytes();
        let mut metainfo = Metainfo::parse(&bytes).unwrap();
        for piece in &file.pieces {
            if let Some((key, value)) = &piece.value {
                metainfo.set(key, value).unwrap();
            }
        }
        let limits = metainfo.limits().unwrap();
        metainfo.set_limits(&limits).unwrap();
        let support = metainfo.support();
        metainfo.set_support(&support).unwrap();
        let tags = metainfo.tags();
        metainfo.set_tags(&tags).unwrap();
        let declared_macros = metainfo.declared_macros();
        metainfo.set_declared_macros(&declared_macros).unwrap();
        metainfo.set_ssh_public_key(metainfo.ssh_public_key()).unwrap();
        prop_assert_eq!(metainfo.to_bytes(), bytes);
    }

    #[test]
    fn a_list_that_is_set_is_read_again_in_its_order_and_what_is_kept_keeps_its_attributes(
        before in prop::collection::vec(select(vec!["A", "B", "C", "D", "E"]), 0..7),
        after in prop::collection::vec(select(vec!["A", "B", "C", "D", "E", "F"]), 0..7),
        separator in select(vec!["", "\n    ", "\r\n\t", "<!-- c -->\n", " <?p i?> <other/>"]),
    ) {
        let mut file = String::from("<doc>\n  <macro>");
        for name in &before {
            write!(file, "{separator}<elem why='{name}' name='(${name})'><!-- {name} --></elem>").unwrap();
        }
        file.push_str("\n  </macro>\n</doc>");
        let mut metainfo = Metainfo::parse(file.as_bytes()).unwrap();
        let wanted: Vec<String> = after.iter().map(|name| format!("(${name})")).collect();
        metainfo.set_declared_macros(&wanted).unwrap();
        let written = String::from_utf8(metainfo.to_bytes()).unwrap();
        let again = Metainfo::parse(written.as_bytes()).unwrap();
        prop_assert_eq!(again.declared_macros(), wanted, "{}", written);
        for name in ["A", "B", "C", "D", "E"] {
            let count = |list: &[&str]| list.iter().filter(|&&held| held == name).count();
            let kept = written.matches(&format!("<elem why='{name}' name='(${name})'><!-- {name} --></elem>")).count();
            prop_assert_eq!(kept, count(&before).min(count(&after)), "{}", written);
        }
        prop_assert_eq!(written.matches("<other/>").count(), file.matches("<other/>").count());
        prop_assert_eq!(written.matches("<!-- c -->").count(), file.matches("<!-- c -->").count());
    }

    #[test]
    fn products_that_are_set_are_read_again(
        before in prop::collection::vec(("(?i)VMmgr|DCImgr|VEmgr", prop::option::of("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}")), 0..5),
        after in prop::collection::vec(("(?i)VMmgr|DCImgr|VEmgr", prop::option::of("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}")), 0..5),
    ) {
        let support = |products: &[(String, Option<String>)]| -> vmtemplate::metainfo::Support {
            products
                .iter()
                .map(|(name, version)| vmtemplate::metainfo::Product {
                    name: name.clone(),
                    min_version: version.as_deref().map(Into::into),
                })
                .collect()
        };
        let mut metainfo = Metainfo::new("Windows").unwrap();
        for products in [before, after] {
            metainfo.set_support(&support(&products)).unwrap();
            prop_assert_eq!(Metainfo::parse(&metainfo.to_bytes()).unwrap().support(), support(&products));
        }
    }

    #[test]
    fn fields_make_a_file_that_says_the_same(file in generated()) {
        let mut fields = Metainfo::parse(&file.bytes()).unwrap().fields().unwrap();
        let metainfo = Metainfo::from_fields(&fields).unwrap();
        // An empty list of tags and a missing one are equivalent.
        prop_assert_eq!(&Metainfo::parse(&metainfo.to_bytes()).unwrap().fields().unwrap(), &fields);
        fields.reboot_count += 1;
        let json = serde_json::to_string(&fields).unwrap();
        prop_assert_eq!(serde_json::from_str::<MetainfoFields>(&json).unwrap(), fields);
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_what_it_takes_it_gives_back(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        wrapped in any::<bool>(),
    ) {
        let bytes = if wrapped { [b"<doc>", bytes.as_slice(), b"</doc>"].concat() } else { bytes };
        use_everything(&bytes);
    }

    #[test]
    fn no_mutation_makes_the_reader_panic_and_what_it_takes_it_gives_back(bytes in mutated()) {
        use_everything(&bytes);
    }
}

/// Calls every function on a foreign file; only panics and lost bytes are failures.
fn use_everything(bytes: &[u8]) {
    let mut metainfo = match Metainfo::parse(bytes) {
        Ok(metainfo) => metainfo,
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::InvalidMetainfo | ErrorKind::LimitExceeded),
                "{error:?}"
            );
            assert!(error.position().is_some(), "{error:?}");
            return;
        }
    };
    assert_eq!(metainfo.to_bytes(), bytes);
    for problem in metainfo.problems() {
        assert!(problem.position().is_some() && problem.field().is_some(), "{problem:?}");
    }
    let _ = metainfo.fields();
    let _ = (metainfo.descriptions(), metainfo.external_urls());
    for name in TOP.iter().chain(&LIMITS) {
        let value = TOP_VALUES.iter().find(|(held, _)| held == name).map_or("7", |&(_, value)| value);
        metainfo.set(&key(name), value).unwrap();
        assert_eq!(metainfo.get(&key(name)).as_deref(), Some(value), "{name}");
    }
    metainfo.set_limits(&vmtemplate::metainfo::Limits::default()).unwrap();
    assert_eq!(metainfo.limits().unwrap(), vmtemplate::metainfo::Limits::default());
    metainfo.set_support(&"VMmgr:6,DCImgr".into()).unwrap();
    assert_eq!(metainfo.support(), "VMmgr:6,DCImgr".into());
    metainfo.set_declared_macros(&["($B)", "($A)", "($B)"]).unwrap();
    assert_eq!(metainfo.declared_macros(), ["($B)", "($A)", "($B)"]);
    assert_eq!(Metainfo::parse(&metainfo.to_bytes()).unwrap(), metainfo);
    for name in TOP {
        assert!(metainfo.remove(&key(name)));
        assert_eq!(metainfo.get(&key(name)), None);
    }
}

const TOP_VALUES: [(&str, &str); 6] = [
    ("virtiodisk", "yes"),
    ("virtionet", "no"),
    ("limit.ipv4", "no"),
    ("limit.ipv6", "yes"),
    ("date", "2026-11-23 09:00:00"),
    ("osname", "ä & €"),
];

/// A generated file with a few changes of the kind that breaks XML.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    const SPLINTERS: &[&str] = &[
        "<",
        ">",
        "&",
        "\"",
        "'",
        "=",
        "/",
        "--",
        "-->",
        "<!--",
        "]]>",
        "<![CDATA[",
        "<?",
        "?>",
        "</",
        "/>",
        ";",
        "&amp;",
        "&#0;",
        "&#x1F;",
        "&#x110000;",
        "&#xD800;",
        "&#65",
        "&unknown;",
        "&#;",
        "&#x;",
        "&#x41;",
        "\0",
        "\u{1}",
        "\t",
        " ",
        "\u{FFFE}",
        "\u{85}",
        "é",
        "€",
        "a",
        "xml",
        "<?xml version='1.0'?>",
        "<?XML x?>",
        "<!DOCTYPE doc>",
        "<doc>",
        "</doc>",
        "<elem>",
        "<osname>",
        " a='1' a='2'",
        " a=1",
        " a",
        "<a b=''c=''/>",
        "<1/>",
        "<-a/>",
        "<a:b/>",
        "<:/>",
        " version='1.1'",
        " standalone='maybe'",
        "encoding='utf-8'",
        "<!ENTITY x 'y'>",
        "<é/>",
        "<a\u{D7}/>",
        "<a\u{B7}/>",
    ];
    let change = (0..4_u8, any::<Index>(), any::<Index>(), select(SPLINTERS), any::<u8>());
    (generated(), prop::collection::vec(change, 1..4)).prop_map(|(file, changes)| {
        let mut bytes = file.bytes();
        for (what, at, other, splinter, byte) in changes {
            let at = at.index(bytes.len() + 1);
            let splinter = match file.encoding {
                Encoding::Utf16Le => splinter.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                Encoding::Utf16Be => splinter.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => splinter.as_bytes().to_vec(),
            };
            // Whole UTF-16 characters more often than halves of them.
            let at = if file.encoding.label() == "UTF-16" && byte > 16 { at & !1 } else { at };
            match what {
                0 | 1 => drop(bytes.splice(at..at, splinter)),
                2 => {
                    let end = (at + 1 + other.index(12)).min(bytes.len());
                    bytes.drain(at..end.max(at));
                }
                _ => {
                    if let Some(held) = bytes.get_mut(at) {
                        *held = byte;
                    }
                }
            }
        }
        bytes
    })
}

/// The complaints of xmllint; none if it accepts the file as well-formed.
fn xmllint(folder: &Path, bytes: &[u8]) -> Result<(), String> {
    let path = folder.join("metainfo.xml");
    std::fs::write(&path, bytes).unwrap();
    let run = Command::new("xmllint").args(["--noout", "--nonet"]).arg(&path).output().unwrap();
    if run.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&run.stderr).into_owned()) }
}

fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn xmllint_accepts_every_file_that_is_written() {
    if !has_tool("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (file, changes) in samples(&(generated(), prop::collection::vec(change(), 1..5)), 400) {
        assert_eq!(xmllint(folder.path(), &file.bytes()), Ok(()), "{}", file.text());
        let mut metainfo = Metainfo::parse(&file.bytes()).unwrap();
        for (name, value) in changes {
            metainfo.set(&key(name), &value).unwrap();
        }
        metainfo.set_support(&"VMmgr:5.4,DCImgr".into()).unwrap();
        metainfo.set_declared_macros(&["($PRODUCTKEY)"]).unwrap();
        let written = metainfo.to_bytes();
        assert_eq!(xmllint(folder.path(), &written), Ok(()), "{}", String::from_utf8_lossy(&written));
        let fields = metainfo.fields().unwrap();
        let fresh = Metainfo::from_fields(&fields).unwrap().to_bytes();
        assert_eq!(xmllint(folder.path(), &fresh), Ok(()), "{}", String::from_utf8_lossy(&fresh));
    }
}

#[test]
fn what_xmllint_refuses_as_not_well_formed_is_refused_here_too() {
    if !has_tool("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut both, mut neither) = (0, 0);
    for bytes in samples(&mutated(), 1500) {
        let shown = String::from_utf8_lossy(&bytes);
        match (xmllint(folder.path(), &bytes), Metainfo::parse(&bytes)) {
            (Ok(()), Ok(_)) => neither += 1,
            (Err(_), Err(_)) => both += 1,
            (Err(theirs), Ok(_)) => panic!("xmllint refuses, we accept:\n{theirs}\n{shown}"),
            (Ok(()), Err(ours)) => {
                assert!(
                    stricter_on_purpose(ours.message()),
                    "xmllint accepts, we refuse:\n{ours:#}\n{shown}"
                );
            }
        }
    }
    assert!(both > 300 && neither > 100, "the mutations miss: {both} refused, {neither} accepted");
}

/// What XML allows and metainfo.xml does not; and a NUL after the root element, where libxml2 stops reading.
fn stricter_on_purpose(message: &str) -> bool {
    [
        "a DTD is not allowed",
        "the root element is",
        "is not supported; expected UTF-8",
        "but the byte order mark is that of",
        "U+0000",
    ]
    .iter()
    .any(|reason| message.contains(reason))
}
