//! Macros replaced by their values.

use std::borrow::Cow;

use super::catalogue::MacroKind;
use super::demand::{Plain, Refusal};
use super::document;
use super::find::{Characters, MacroUse, find_in_bytes};
use super::known::KnownMacros;
use super::language::ScriptLanguage;
use super::languages::macro_places;
use super::options::{MissingValue, RenderOptions};
use super::place::{MacroPlace, kind_of};
use super::told::Told;
use super::values::MacroValues;
use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// What cmd.exe reads of one line: 8191 characters.
pub(crate) const LONGEST_LINE: usize = 8191;

/// What the renderer has to know of the bytes of a script.
pub(crate) struct Source<'s> {
    pub(crate) bytes: &'s [u8],
    /// Columns are counted in UTF-8, and a value may be written in it.
    pub(crate) utf8: bool,
    /// The most bytes that the result may have.
    pub(crate) most: usize,
}

impl Source<'_> {
    fn characters(&self) -> Characters {
        if self.utf8 { Characters::Utf8 } else { Characters::Bytes }
    }
}

/// The bytes with every macro replaced.
pub(crate) fn render(source: &Source<'_>, values: &MacroValues, options: &RenderOptions) -> Result<Vec<u8>> {
    let known = KnownMacros::of_rendering(values, options);
    let uses = known.among(find_in_bytes(source.bytes, source.characters()));
    let mut problems = illegal_password(values, options, &uses);
    let told = options.language.map_or_else(|| ScriptLanguage::tell(source.bytes, None), Told::Language);
    let needs_quoting =
        !options.as_platform && uses.iter().any(|found| values.get(found.name.name()).is_some());
    let texts: Vec<Result<String, Error>> = match told {
        Told::OtherInterpreter | Told::Nothing if needs_quoting => return Err(no_language(told)),
        Told::Language(language) if needs_quoting && language.document().is_none() => {
            macro_places(source.bytes, source.utf8, language, uses.clone())
                .iter()
                .map(|place| {
                    replacement(source, &place.found, values, options, &Writing::At(place, language))
                })
                .collect()
        }
        Told::Language(language) if needs_quoting => uses
            .iter()
            .map(|found| replacement(source, found, values, options, &Writing::Document(language)))
            .collect(),
        _ => uses.iter().map(|found| replacement(source, found, values, options, &Writing::AsItIs)).collect(),
    };
    let language = told.language();
    let mut bytes = Vec::with_capacity(source.bytes.len());
    let mut copied = 0;
    // Where each replacement is in the result.
    let mut written = Vec::with_capacity(uses.len());
    for (found, text) in uses.iter().zip(texts) {
        match text {
            Ok(text) => {
                bytes.extend_from_slice(&source.bytes[copied..found.range.start]);
                let start = bytes.len();
                bytes.extend_from_slice(text.as_bytes());
                written.push(start..bytes.len());
                copied = found.range.end;
                if bytes.len() > source.most {
                    problems.push(too_large(source.most).with_position(found.position));
                    break;
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        bytes.extend_from_slice(&source.bytes[copied..]);
        if bytes.len() > source.most {
            problems.push(too_large(source.most));
        } else if !options.as_platform {
            problems.extend(new_macros(source, &known, &uses, values, options, &bytes, &written));
            if language == Some(ScriptLanguage::Batch) {
                problems.extend(long_lines(&uses, &bytes, &written));
            }
        }
    }
    if problems.is_empty() {
        Ok(bytes)
    } else {
        Err(Error::many(ErrorKind::InvalidValue, "the script cannot be rendered", problems))
    }
}

fn too_large(most: usize) -> Error {
    Error::new(ErrorKind::LimitExceeded, format!("the rendered script has more than {most} bytes"))
        .with_help("the install drive has no more space; shorten the script or the values")
}

/// The error where values would have to be quoted, and it is not known how.
fn no_language(told: Told) -> Error {
    if told == Told::OtherInterpreter {
        return Error::new(
            ErrorKind::Unsupported,
            "the `#!` line names an interpreter whose quoting is not known",
        )
        .with_help(
            "macros can be inserted into batch, PowerShell, shell, preseed, kickstart and cloud-config; if the script is one \
             of these, say so with `--language`, else render it as the platform does (`--as-platform`)",
        );
    }
    Error::new(
        ErrorKind::Unsupported,
        "neither a `#!` line, nor the name of the file, nor its content identifies the interpreter of the script",
    )
    .with_help(
        "give the language of the script (`--language batch`, powershell, posix, preseed, kickstart or cloud-config), \
         begin it with a `#!` line, or name it with .cmd, .ps1 or .sh",
    )
}

/// How a value is written into the script.
enum Writing<'p> {
    /// Quoted for its place in a script of this language.
    At(&'p MacroPlace, ScriptLanguage),
    /// In a file of answers, whose places are not known.
    Document(ScriptLanguage),
    /// Not quoted: the platform does not.
    AsItIs,
}

/// What stands for one macro in the result.
fn replacement(
    source: &Source<'_>,
    found: &MacroUse,
    values: &MacroValues,
    options: &RenderOptions,
    writing: &Writing<'_>,
) -> Result<String, Error> {
    let problem = |message: String| {
        Error::new(ErrorKind::InvalidValue, message)
            .with_position(found.position)
            .with_field(found.name.to_string())
    };
    let Some(value) = values.get(found.name.name()) else {
        return match options.missing {
            MissingValue::Error => Err(problem("the macro has no value".to_owned()).with_help(
                "give it one (`--set`, `--values`), or choose with --missing (`missing`) what a macro \
                            without a value becomes",
            )),
            MissingValue::Parens => Ok("()".to_owned()),
            MissingValue::Empty | MissingValue::Platform => Ok(String::new()),
            MissingValue::Keep => Ok(found.name.to_string()),
        };
    };
    if !source.utf8 && !value.is_ascii() {
        return Err(problem(
            "the value is not ASCII, and the code page of the script is not known".to_owned(),
        )
        .with_help("save the script in UTF-8, or give a value of ASCII characters"));
    }
    let kind = kind_of(found.name.name());
    let (place, language) = match writing {
        Writing::AsItIs => return Ok(value.to_owned()),
        Writing::Document(language) => {
            return document::written(source.bytes, &found.range, value, kind, *language).map_err(|reason| {
                problem(format!("the value is not plain: {reason}")).with_help(
                    "give another value, give the language of the part that contains it, such as `--language posix`, \
                     or render the file as the platform does (`--as-platform`)",
                )
            });
        }
        Writing::At(place, language) => (place, *language),
    };
    if value.contains('\n') && language == ScriptLanguage::Batch {
        return Err(problem(
            "the value has several lines, which no command of a batch file accepts".to_owned(),
        )
        .with_help("give one key, or write the keys from a here-string in a separate PowerShell script"));
    }
    let plain = match language {
        ScriptLanguage::Batch | ScriptLanguage::PowerShell => Plain::of_windows(value, kind),
        _ => Plain::of(value, kind),
    };
    let refused = |Refusal { reason, help }| {
        problem(format!("the value cannot be written {}: {reason}", place.place)).with_help(help.unwrap_or(
            Cow::Borrowed("give another value, or move the macro to a place of its own inside quotes"),
        ))
    };
    place.demand.check(value, kind, plain).map_err(refused)?;
    let text = place.quoting.quote(value, plain).map_err(refused)?;
    for later in &*place.later {
        let fits = |value: &str, plain| {
            later.demand.check(value, kind, plain)?;
            later.quoting.as_ref().map_or(Ok(()), |quoting| quoting.expanded(value, plain))
        };
        let checked = if later.one_word && plain == Plain::Words {
            value.split(' ').filter(|word| !word.is_empty()).try_for_each(|word| fits(word, Plain::Word))
        } else {
            fits(value, plain)
        };
        checked.map_err(|Refusal { reason, help }| {
            problem(format!(
                "the value goes into a variable, which is expanded as `{}` in line {}, column {}: {reason}",
                Shown(&later.variable),
                later.position.line,
                later.position.column
            ))
            .with_help(
                help.unwrap_or(Cow::Borrowed(
                    "give another value, or use the macro itself there, inside quotes",
                )),
            )
        })?;
    }
    Ok(text)
}

/// Characters that the template does not take in passwords.
fn illegal_password(values: &MacroValues, options: &RenderOptions, uses: &[MacroUse]) -> Vec<Error> {
    let illegal = options.illegal_password_characters.as_deref().unwrap_or_default();
    let mut told = Vec::new();
    let mut problems = Vec::new();
    for found in uses {
        let name = found.name.name();
        if kind_of(name) != MacroKind::Password || told.contains(&name) {
            continue;
        }
        told.push(name);
        if let Some(c) = values.get(name).and_then(|value| value.chars().find(|&c| illegal.contains(c))) {
            problems.push(
                Error::new(
                    ErrorKind::InvalidValue,
                    format!("the password contains `{}`, which the template forbids", Shown(&c)),
                )
                .with_position(found.position)
                .with_field(found.name.to_string())
                .with_help(format!("give a password without any of `{}`", Shown(&illegal))),
            );
        }
    }
    problems
}

/// Macros that a value would make, alone or with what is around it. They would be replaced the next time.
fn new_macros(
    source: &Source<'_>,
    known: &KnownMacros,
    uses: &[MacroUse],
    values: &MacroValues,
    options: &RenderOptions,
    bytes: &[u8],
    written: &[std::ops::Range<usize>],
) -> Vec<Error> {
    let mut at = 0;
    let mut problems = Vec::new();
    for new in known.among(find_in_bytes(bytes, source.characters())) {
        while at < written.len() && written[at].end <= new.range.start {
            at += 1;
        }
        let kept = at < written.len()
            && written[at] == new.range
            && options.missing == MissingValue::Keep
            && values.get(uses[at].name.name()).is_none();
        if !kept {
            let near = uses.get(at.min(uses.len().saturating_sub(1)));
            let mut problem = Error::new(
                ErrorKind::InvalidValue,
                format!("with its value, the rendered script contains `{}`", new.name),
            )
            .with_help("give a value that does not form a macro, which the platform would replace again");
            if let Some(near) = near {
                problem = problem.with_position(near.position).with_field(near.name.to_string());
            }
            problems.push(problem);
        }
    }
    problems
}

/// Lines that became longer than cmd.exe reads.
fn long_lines(uses: &[MacroUse], bytes: &[u8], written: &[std::ops::Range<usize>]) -> Vec<Error> {
    let mut problems = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < written.len() && start < bytes.len() {
        let end =
            bytes[start..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |length| start + length);
        if written[at].start <= end {
            if end - start > LONGEST_LINE {
                problems.push(
                    Error::new(
                        ErrorKind::InvalidValue,
                        format!(
                            "the line has {} bytes with its values; cmd.exe reads {LONGEST_LINE}",
                            end - start
                        ),
                    )
                    .with_position(uses[at].position)
                    .with_field(uses[at].name.to_string())
                    .with_help("give a shorter value"),
                );
            }
            while at < written.len() && written[at].start <= end {
                at += 1;
            }
        }
        start = end + 1;
    }
    problems
}
