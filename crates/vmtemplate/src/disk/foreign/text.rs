//! Texts where a disk was expected: web pages that were saved instead of an image, pointers to files, scripts.

use std::borrow::Cow;

use super::{Ends, Foreign};

const LFS: Foreign = Foreign {
    name: "a Git LFS pointer to a file that was not downloaded",
    help: "run `git lfs pull` in its repository",
};
const ANNEX: Foreign = Foreign {
    name: "a git-annex pointer to a file that was not downloaded",
    help: "run `git annex get IMAGE` in its repository",
};
const PAGE: Foreign = Foreign {
    name: "a web page",
    help: "the download saved a page of the web server, not the file: open the address in a browser, and download the \
           image again",
};
const ANSWER: Foreign = Foreign {
    name: "the response of a web server with its headers",
    help: "download the image again, without the headers: `curl -fLo IMAGE URL`",
};
const STORE_ERROR: Foreign = Foreign {
    name: "an error message of an object storage",
    help: "the download saved the message, not the file: read it, and download the image again with `curl -fLo IMAGE \
           URL`",
};
const XML: Foreign = Foreign { name: "an XML file", help: "give the disk image that it describes" };
const JSON: Foreign = Foreign {
    name: "a JSON text",
    help: "it may be a description, or the message of a server: give the disk image itself, or download that again",
};
const SCRIPT: Foreign = Foreign {
    name: "a script",
    help: "give it as the setup script (`--script`), and a disk as the image (`--image`)",
};
const TEXT: Foreign = Foreign {
    name: "a text",
    help: "read it: it may be the message of a server, or the description of an image; give the disk image itself, or \
           download that again",
};

/// The texts that an interpreter may take, or that a caller may mean to be a setup script.
pub(super) const MAY_BE_SCRIPTS: [Foreign; 4] = [XML, JSON, SCRIPT, TEXT];

/// The text that begins so. The caller has made sure that no boot sector does.
pub(super) fn of(ends: &Ends<'_>) -> Option<Foreign> {
    let unit = unit_of(ends.head);
    let head = decoded(ends.head, unit);
    let start = head.trim_ascii_start();
    // https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md; the second is of the releases before 1.0.
    if [&b"version https://git-lfs.github.com/spec/"[..], b"version https://hawser.github.com/spec/"]
        .iter()
        .any(|first| start.starts_with(first))
    {
        return Some(LFS);
    }
    if start.starts_with(b"/annex/objects/") {
        return Some(ANNEX);
    }
    if start.starts_with(b"HTTP/1.") || start.starts_with(b"HTTP/2 ") {
        return Some(ANSWER);
    }
    if is_script(&head) {
        return Some(SCRIPT);
    }
    if start.starts_with(b"<")
        && let Some(found) = markup(without_comments(start), is_text(&head))
    {
        return Some(found);
    }
    if !is_text(&head) {
        return None;
    }
    if is_json(start) {
        return Some(JSON);
    }
    // A disk consists of whole sectors. One that is filled with text, such as an install drive, is a disk.
    let has_words = head.iter().any(u8::is_ascii_whitespace);
    (!ends.size.is_multiple_of(512) && has_words && is_text(&decoded(ends.tail, unit))).then_some(TEXT)
}

/// How two bytes are a unit of UTF-16.
type Unit = fn([u8; 2]) -> u16;

/// How the units are in a text that says by its first two bytes that it is UTF-16.
fn unit_of(head: &[u8]) -> Option<Unit> {
    match head {
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// The text in UTF-8, without a byte order mark.
fn decoded(bytes: &[u8], unit: Option<Unit>) -> Cow<'_, [u8]> {
    let Some(unit) = unit else {
        return Cow::Borrowed(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    // A unit that is half of a character does not count as text.
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\0')).collect();
    Cow::Owned(text.trim_start_matches('\u{feff}').into())
}

/// Printable characters and blanks, in UTF-8 or in a code page where at least half of them are ASCII. The first and the
/// last character may be cut.
fn is_text(bytes: &[u8]) -> bool {
    let is_utf8 = || {
        let cut = bytes.iter().take(3).take_while(|&&byte| byte & 0xC0 == 0x80).count();
        std::str::from_utf8(&bytes[cut..]).map_or_else(|error| error.error_len().is_none(), |_| true)
    };
    let is_printable = |byte: &u8| *byte >= b' ' && *byte != 0x7F || b"\t\n\x0c\r\x1a\x1b".contains(byte);
    !bytes.is_empty()
        && bytes.iter().all(is_printable)
        && (is_utf8() || bytes.iter().filter(|byte| byte.is_ascii()).count() >= bytes.len() / 2)
}

/// `#!`, and the absolute path of an interpreter.
fn is_script(head: &[u8]) -> bool {
    let Some(line) = head.strip_prefix(b"#!") else { return false };
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    line.len() > 1 && line.len() < 256 && line[0] == b'/' && is_text(line)
}

/// What is left of a text in a markup language behind its comments.
fn without_comments(mut text: &[u8]) -> &[u8] {
    while let Some(comment) = text.strip_prefix(b"<!--") {
        let Some(end) = comment.windows(3).position(|window| window == b"-->") else { return text };
        text = comment[end + 3..].trim_ascii_start();
    }
    text
}

/// HTML, or XML of some kind.
fn markup(text: &[u8], is_text: bool) -> Option<Foreign> {
    let starts =
        |first: &[u8]| text.get(..first.len()).is_some_and(|start| start.eq_ignore_ascii_case(first));
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let tags: [&[u8]; 7] = [b"<html", b"<head", b"<body", b"<title", b"<meta", b"<script", b"<!doctype html"];
    if tags.iter().any(|tag| starts(tag)) {
        return Some(PAGE);
    }
    let is_xml = starts(b"<?xml") || starts(b"<!doctype");
    let is_tag = text.get(1).is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'!');
    if !(is_xml || is_tag && is_text) {
        return None;
    }
    Some(if has(b"<html") {
        PAGE // XHTML
    } else if has(b"<Error>") && has(b"<Code>") {
        STORE_ERROR
    } else {
        XML
    })
}

/// An object or an array, by what follows its bracket.
fn is_json(text: &[u8]) -> bool {
    let (bracket, rest) = match text {
        [bracket @ (b'{' | b'['), rest @ ..] => (*bracket, rest.trim_ascii_start()),
        _ => return false,
    };
    match rest.first() {
        Some(b'"') => true,
        Some(b'}') => bracket == b'{',
        Some(b']' | b'{' | b'[') => bracket == b'[',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &[u8]) -> Option<&'static str> {
        of(&Ends { head: text, tail: text, size: text.len() as u64 }).map(|found| found.name)
    }

    #[test]
    fn a_text_is_named_by_what_it_begins_with() {
        for (text, expected) in [
            ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", LFS),
            ("/annex/objects/SHA256E-s12--ab.img\n", ANNEX),
            ("<!DOCTYPE html>\n", PAGE),
            ("\u{feff}\r\n <!doctype HTML PUBLIC \"-//IETF\">", PAGE),
            ("<!-- made by -- a -->\n<!-- proxy --><HTML lang=en>", PAGE),
            ("<html>\r\n<head><title>404 Not Found</title></head>", PAGE),
            ("<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"\"><html>", PAGE),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n\0\0\0", ANSWER),
            ("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>", STORE_ERROR),
            ("<Error><Code>NoSuchKey</Code></Error>", STORE_ERROR),
            ("<?xml version=\"1.0\"?><Envelope>", XML),
            ("<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\">", XML),
            ("{\"message\":\"Not Found\"}", JSON),
            ("[\n  {\"name\": 1}]", JSON),
            ("#!/bin/bash\nrm -f x\n", SCRIPT),
            ("#! /usr/bin/env python3\n", SCRIPT),
            ("404: Not Found", TEXT),
            (".encoding = \"UTF-8\"\nconfig.version = \"8\"\n", TEXT),
            ("Диск 1\n", TEXT),
        ] {
            assert_eq!(name(text.as_bytes()), Some(expected.name), "{text}");
            let utf16 = "\u{feff}".encode_utf16().chain(text.trim_start_matches('\u{feff}').encode_utf16());
            let utf16: Vec<u8> = utf16.flat_map(u16::to_le_bytes).collect();
            assert_eq!(name(&utf16), Some(expected.name), "{text}, in UTF-16");
        }
    }

    #[test]
    fn what_is_not_text_throughout_or_has_whole_sectors_may_be_a_disk() {
        let sectors = b"rem a\r\n  ".repeat(512);
        for bytes in [
            &b"not text: \0"[..],
            b"<a> is a place\0",
            b"{ \x01",
            b"{\x02",
            b"#!bin/sh\n\0",
            b"#!/bin/\0\n",
            b"image",
            b"",
            &sectors, // an install drive
        ] {
            assert_eq!(name(bytes), None, "{bytes:?}");
        }
        assert_eq!(name(&sectors[1..]), Some(TEXT.name));
        assert_eq!(name(b"{ a"), Some(TEXT.name));
        let long = "Disk\n".repeat(301);
        let utf16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(long.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        assert_eq!(name(&utf16), Some(TEXT.name));
        let ends = Ends { head: &utf16[..1000], tail: &utf16[1000..], size: utf16.len() as u64 };
        assert_eq!(of(&ends), Some(TEXT));
        let cyrillic = "Диск ".repeat(300);
        for cut in 0..3 {
            assert_eq!(name(&cyrillic.as_bytes()[cut..2600 + cut]), Some(TEXT.name), "{cut}");
        }
        let tail = Ends { head: b"some text", tail: &[0; 512], size: 1001 };
        assert_eq!(of(&tail), None);
    }
}
