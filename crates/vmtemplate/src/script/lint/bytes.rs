//! Line ends, encoding, size.

use super::Lint;
use crate::macros::{LONGEST_LINE, ScriptLanguage as Language, Told};
use crate::rules::{Finding, script as rules};
use crate::script::{LineEnding, Script, ScriptEncoding};

impl Lint<'_> {
    pub(super) fn check_bytes(&mut self) {
        let size = self.script.bytes().len();
        if size > Script::MAX_SIZE {
            let message = format!("the script has {size} bytes; expected at most {}", Script::MAX_SIZE);
            self.add(Finding::new(rules::TOO_LARGE, message));
        }
        self.check_encoding();
        self.check_line_ends();
        if self.language == Some(Language::Batch) && !self.script.encoding().is_utf16() {
            self.check_lengths();
        }
    }

    /// Lines, with those that a `^` joins to them, beyond what cmd.exe reads
    /// (<https://learn.microsoft.com/en-us/troubleshoot/windows-client/shell-experience/command-line-string-limitation>).
    fn check_lengths(&mut self) {
        let (mut start, mut joined) = (0, 0);
        for line in self.text.split_inclusive('\n') {
            let code = line.trim_end_matches(['\r', '\n']);
            let length = code.chars().count();
            let is_joined = code.ends_with('^') && !code.ends_with("^^");
            if joined <= LONGEST_LINE && joined + length > LONGEST_LINE {
                let message = if joined == 0 {
                    format!("the line has {length} characters; cmd.exe reads {LONGEST_LINE}")
                } else {
                    format!(
                        "with the lines that it joins, the line has {} characters; cmd.exe reads {LONGEST_LINE}",
                        joined + length
                    )
                };
                let finding = self.find(rules::LONG_LINE, start..start + code.len(), message);
                self.add(finding);
            }
            joined = if is_joined { joined + length - 1 } else { 0 };
            start += line.len();
        }
    }

    fn check_line_ends(&mut self) {
        let ends = self.script.line_ending();
        let message = match (self.language, ends) {
            (Some(Language::Batch), LineEnding::Lf) => "lines end with LF; expected CR LF",
            (Some(Language::Batch), LineEnding::Mixed) => {
                "some lines end with CR LF, others do not; expected CR LF at every one"
            }
            (Some(Language::Batch), LineEnding::None) if self.text.trim_end().contains('\r') => {
                "lines end with CR alone, so the script is one line; expected CR LF"
            }
            (Some(Language::Posix), LineEnding::CrLf | LineEnding::Mixed) => {
                "lines end with CR LF; expected LF"
            }
            (None, LineEnding::CrLf | LineEnding::Mixed) if self.told == Told::OtherInterpreter => {
                "lines end with CR LF; expected LF"
            }
            _ => return,
        };
        let mut finding = Finding::new(rules::LINE_ENDS, message);
        // The line that is not like the others.
        if ends == LineEnding::Mixed && self.language == Some(Language::Batch) {
            let bytes = self.text.as_bytes();
            let at = bytes.iter().enumerate().position(|(at, &byte)| {
                let before = &bytes[..at];
                byte == b'\n' && (!before.ends_with(b"\r") || before.ends_with(b"\r\r"))
            });
            let line = at.map_or(0, |at| self.text[..at].rfind('\n').map_or(0, |before| before + 1));
            finding = self.find(rules::LINE_ENDS, line..at.unwrap_or(line), message);
        }
        if matches!(self.language, Some(Language::Posix) | None) {
            finding = finding.with_fix("convert the line ends: `dos2unix SCRIPT`");
        } else if ends == LineEnding::None {
            finding = finding.with_fix("convert the line ends: `mac2unix SCRIPT`, then `unix2dos SCRIPT`");
        } else {
            finding = finding.with_fix("convert the line ends: `unix2dos SCRIPT`");
        }
        self.add(finding);
    }

    fn check_encoding(&mut self) {
        let encoding = self.script.encoding();
        match (encoding, self.language) {
            (ScriptEncoding::Utf16Le | ScriptEncoding::Utf16Be, _) => {
                let left = match self.macros.len() {
                    0 => String::new(),
                    1 => ", and the platform does not find the macro in it".to_owned(),
                    count => format!(", and the platform does not find the {count} macros in it"),
                };
                self.add(Finding::new(
                    rules::UTF_16,
                    format!("the script is {encoding}; expected ASCII{left}"),
                ));
            }
            // For PowerShell the mark is the way to say UTF-8.
            (ScriptEncoding::Utf8Bom, Some(Language::Batch | Language::Posix) | None)
                if self.told != Told::Nothing =>
            {
                self.add(Finding::new(
                    rules::BYTE_ORDER_MARK,
                    "the script begins with the byte order mark EF BB BF; expected its first command",
                ));
            }
            (
                ScriptEncoding::Utf8 | ScriptEncoding::Unknown8bit,
                Some(Language::Batch | Language::PowerShell),
            ) => {
                self.check_characters(encoding);
            }
            _ => {}
        }
    }

    /// The first character that is not ASCII, but for comments.
    fn check_characters(&mut self, encoding: ScriptEncoding) {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let code = line.trim_start().trim_start_matches('@');
            let is_comment = if self.language == Some(Language::Batch) {
                code.starts_with("::") || code.get(..4).is_some_and(|rem| rem.eq_ignore_ascii_case("rem "))
            } else {
                code.starts_with('#')
            };
            // What the script itself sets holds from there on.
            if code.to_ascii_lowercase().contains("chcp 65001") && encoding == ScriptEncoding::Utf8 {
                return;
            }
            if let Some(at) = line.find(|c: char| !c.is_ascii()).filter(|_| !is_comment) {
                let length = line[at..].find(|c: char| c.is_ascii()).unwrap_or(line.len() - at);
                let message =
                    format!("the character is not ASCII, and the script is in {encoding}; expected ASCII");
                let finding = self.find(rules::NOT_ASCII, start + at..start + at + length, message);
                self.add(finding);
                return;
            }
            start += line.len();
        }
    }
}
