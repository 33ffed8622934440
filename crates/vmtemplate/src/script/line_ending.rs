use std::fmt;

use super::ScriptEncoding;

/// How the lines of a script end.
///
/// ```
/// use vmtemplate::script::LineEnding;
/// use vmtemplate::Script;
///
/// assert_eq!(Script::from_text("one\r\ntwo\r\n").line_ending(), LineEnding::CrLf);
/// assert_eq!(Script::from_text("one line").line_ending(), LineEnding::None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LineEnding {
    /// All CR LF, as Windows has them.
    CrLf,
    /// All LF, as Unix has them. `cmd.exe` misses labels and cuts lines in such a file.
    Lf,
    /// CR LF in some lines, LF alone or several CRs in others.
    Mixed,
    /// There is no LF: one line, or none.
    None,
}

impl fmt::Display for LineEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrLf => "CR LF",
            Self::Lf => "LF",
            Self::Mixed => "mixed",
            Self::None => "none",
        })
    }
}

pub(super) fn of(bytes: &[u8], encoding: ScriptEncoding) -> LineEnding {
    match units(bytes, encoding) {
        Some((units, _)) => of_units(&units, 0x0D, 0x0A),
        None => of_units(bytes, b'\r', b'\n'),
    }
}

pub(super) fn to_crlf(bytes: &[u8], encoding: ScriptEncoding) -> Vec<u8> {
    let Some((units, rest)) = units(bytes, encoding) else { return units_to_crlf(bytes, b'\r', b'\n') };
    let to_bytes = if encoding == ScriptEncoding::Utf16Le { u16::to_le_bytes } else { u16::to_be_bytes };
    let mut done: Vec<u8> = units_to_crlf(&units, 0x0D, 0x0A).into_iter().flat_map(to_bytes).collect();
    done.extend(rest);
    done
}

/// The code units of UTF-16 and the odd byte behind them; `None` for encodings of single bytes.
fn units(bytes: &[u8], encoding: ScriptEncoding) -> Option<(Vec<u16>, &[u8])> {
    let from_bytes = match encoding {
        ScriptEncoding::Utf16Le => u16::from_le_bytes,
        ScriptEncoding::Utf16Be => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    Some((pairs.iter().map(|&pair| from_bytes(pair)).collect(), rest))
}

fn of_units<T: Copy + PartialEq>(units: &[T], cr: T, lf: T) -> LineEnding {
    let (mut windows, mut unix, mut doubled) = (false, false, false);
    for (at, _) in units.iter().enumerate().filter(|&(_, &unit)| unit == lf) {
        match units[..at] {
            [.., a, b] if a == cr && b == cr => doubled = true,
            [.., b] if b == cr => windows = true,
            _ => unix = true,
        }
    }
    match (windows, unix, doubled) {
        (false, false, false) => LineEnding::None,
        (true, false, false) => LineEnding::CrLf,
        (false, true, false) => LineEnding::Lf,
        _ => LineEnding::Mixed,
    }
}

fn units_to_crlf<T: Copy + PartialEq>(units: &[T], cr: T, lf: T) -> Vec<T> {
    let mut done = Vec::with_capacity(units.len() + units.len() / 16);
    for &unit in units {
        if unit == lf {
            while done.last() == Some(&cr) {
                done.pop();
            }
            done.push(cr);
        }
        done.push(unit);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_told_apart() {
        for (text, ends) in [
            ("", LineEnding::None),
            ("a\rb", LineEnding::None),
            ("a\r\n", LineEnding::CrLf),
            ("\n", LineEnding::Lf),
            ("a\r\nb\n", LineEnding::Mixed),
            ("a\r\r\n", LineEnding::Mixed),
        ] {
            assert_eq!(of(text.as_bytes(), ScriptEncoding::Ascii), ends, "{text:?}");
        }
        assert_eq!(of(b"\xFF\xFEa\0\r\0\n\0", ScriptEncoding::Utf16Le), LineEnding::CrLf);
        // U+0A0D is one character, not a line end.
        assert_eq!(of(b"\xFE\xFF\x0A\x0D", ScriptEncoding::Utf16Be), LineEnding::None);
    }

    #[test]
    fn utf_16_gets_its_line_ends_in_whole_units() {
        assert_eq!(
            to_crlf(b"\xFE\xFF\0a\0\n\x0A\x0D!", ScriptEncoding::Utf16Be),
            b"\xFE\xFF\0a\0\r\0\n\x0A\x0D!"
        );
    }
}
