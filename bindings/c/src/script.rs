//! Setup scripts.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::{LineEnds, LintOptions, MissingValue, RenderOptions, Script, ScriptEncoding};

use crate::boundary::{
    Failure, Outcome, Slot, Text, build, bytes_in, free, get, get_or_none, handle, list_in, look, named,
    output, path_in, read, status, str_in, str_or_none, text,
};
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error};
use crate::macros::{MacrosValue, vmt_macros};
use crate::metainfo::vmt_metainfo;
use crate::report::{ReportValue, vmt_report};
use crate::values::vmt_values;

/// A script. It is never changed; many threads may look at it, and texts live as long as it does.
pub struct vmt_script(Slot<ScriptValue>);
handle!(vmt_script, ScriptValue);

#[derive(Debug)]
pub(crate) struct ScriptValue {
    pub(crate) script: Script,
    text: OnceLock<Text>,
}

impl From<Script> for ScriptValue {
    fn from(script: Script) -> Self {
        Self { script, text: OnceLock::new() }
    }
}

impl vmt_script {
    pub(crate) fn lent(script: &Script) -> Self {
        Self(Slot::lent(script.clone().into()))
    }
}

/// The bytes of a script, copied. Any bytes are taken; the lint says what is wrong with them.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_new(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(Script::from_bytes(bytes_in(bytes, length, "bytes")?).into()))
}

/// A script file.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_from_file(path: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_script {
    build(err, || Ok(Script::from_file(path_in(path, "path")?)?.into()))
}

/// Our own setup script for Windows, all steps of it. `vmt_setup_new()` makes others.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_default_windows(err: *mut *mut vmt_error) -> *mut vmt_script {
    build(err, || Ok(Script::default_windows().into()))
}

/// Its bytes.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_bytes(script: *const vmt_script, length: *mut usize) -> *const u8 {
    let (bytes, count) = look((ptr::null(), 0), || {
        let bytes = get(script)?.script.bytes();
        Ok((bytes.as_ptr(), bytes.len()))
    });
    output(length, count);
    bytes
}

/// Its text as UTF-8; what is no text in its encoding is replaced.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_text(script: *const vmt_script, length: *mut usize) -> *const c_char {
    text(length, || {
        let value = get(script)?;
        Ok(Some(value.text.get_or_init(|| Text::new(value.script.text().as_bytes()))))
    })
}

/// How a script is encoded.
pub type vmt_encoding = u32;
/// ASCII.
pub const VMT_ENCODING_ASCII: vmt_encoding = 0;
/// UTF-8.
pub const VMT_ENCODING_UTF8: vmt_encoding = 1;
/// UTF-8 with a byte order mark.
pub const VMT_ENCODING_UTF8_BOM: vmt_encoding = 2;
/// UTF-16, little-endian.
pub const VMT_ENCODING_UTF16LE: vmt_encoding = 3;
/// UTF-16, big-endian.
pub const VMT_ENCODING_UTF16BE: vmt_encoding = 4;
/// An 8-bit code page.
pub const VMT_ENCODING_8BIT: vmt_encoding = 5;

/// Its encoding.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_encoding(script: *const vmt_script) -> vmt_encoding {
    look(VMT_ENCODING_ASCII, || {
        Ok(match get(script)?.script.encoding() {
            ScriptEncoding::Ascii => VMT_ENCODING_ASCII,
            ScriptEncoding::Utf8 => VMT_ENCODING_UTF8,
            ScriptEncoding::Utf8Bom => VMT_ENCODING_UTF8_BOM,
            ScriptEncoding::Utf16Le => VMT_ENCODING_UTF16LE,
            ScriptEncoding::Utf16Be => VMT_ENCODING_UTF16BE,
            _ => VMT_ENCODING_8BIT,
        })
    })
}

/// How its lines end.
pub type vmt_line_ends = u32;
/// There is one line.
pub const VMT_LINE_ENDS_NONE: vmt_line_ends = 0;
/// CR LF, as Windows has it.
pub const VMT_LINE_ENDS_CRLF: vmt_line_ends = 1;
/// LF, with which cmd.exe may miss labels.
pub const VMT_LINE_ENDS_LF: vmt_line_ends = 2;
/// Both.
pub const VMT_LINE_ENDS_MIXED: vmt_line_ends = 3;

/// How its lines end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_line_ends(script: *const vmt_script) -> vmt_line_ends {
    look(VMT_LINE_ENDS_NONE, || {
        Ok(match get(script)?.script.line_ends() {
            LineEnds::CrLf => VMT_LINE_ENDS_CRLF,
            LineEnds::Lf => VMT_LINE_ENDS_LF,
            LineEnds::Mixed => VMT_LINE_ENDS_MIXED,
            _ => VMT_LINE_ENDS_NONE,
        })
    })
}

/// Its language, `batch`, `powershell` or `posix`; `preseed`, `kickstart` or `cloud-config` of a file that is no script;
/// NULL if it cannot be told. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_language(script: *const vmt_script) -> *const c_char {
    text(ptr::null_mut(), || Ok(get(script)?.script.language().map(named)))
}

/// The same for a file with this name, whose ending decides where the script has no `#!` line.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_language_as(
    script: *const vmt_script,
    file_name: *const c_char,
) -> *const c_char {
    text(ptr::null_mut(), || Ok(get(script)?.script.language_as(str_in(file_name, "file_name")?).map(named)))
}

/// The same script with every line end as CR LF, which cmd.exe asks for.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_to_windows(
    script: *const vmt_script,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(script)?.script.to_windows().into()))
}

/// What is spelled as a macro in it, known or not.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_macros(script: *const vmt_script, err: *mut *mut vmt_error) -> *mut vmt_macros {
    build(err, || Ok(MacrosValue::new(get(script)?.script.macros())))
}

/// Render as the platform does: values are not quoted, whatever is in them.
pub const VMT_RENDER_AS_PLATFORM: u32 = 1;

/// How macros are replaced. Zeros are defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_render_options {
    /// `sizeof(vmt_render_options)`.
    pub struct_size: usize,
    /// The sum of `VMT_RENDER_` numbers.
    pub flags: u32,
    /// What becomes of a macro without a value: `error` (the default), `parens`, `empty`, `keep`, or `platform`, which is
    /// what the platform is known to do.
    pub missing: *const c_char,
    /// The language of the script, where it shall not be found out: `batch`, `powershell`, `posix`, `preseed`, `kickstart`
    /// or `cloud-config`.
    pub language: *const c_char,
    /// What a password must not have. For a template, metainfo.xml says it.
    pub illegal_password_characters: *const c_char,
    /// Macros, such as `($COLOUR)`, beside those that the platform knows and those that have a value: `declared_count`
    /// of them. For a template, those that metainfo.xml declares are added. Any other `($name)` stays as it is.
    pub declared: *const *const c_char,
    /// How many.
    pub declared_count: usize,
}

pub(crate) fn render_options(options: *const vmt_render_options) -> Outcome<RenderOptions> {
    let options = read(options)?;
    let missing = match str_or_none(options.missing, "missing")? {
        Some(text) => text.parse()?,
        None => MissingValue::default(),
    };
    Ok(RenderOptions {
        missing,
        as_platform: flags(options.flags, VMT_RENDER_AS_PLATFORM)? & VMT_RENDER_AS_PLATFORM != 0,
        language: str_or_none(options.language, "language")?.map(str::parse).transpose()?,
        illegal_password_characters: str_or_none(
            options.illegal_password_characters,
            "illegal_password_characters",
        )?
        .map(str::to_owned),
        declared: list_in(options.declared, options.declared_count, "declared")?
            .into_iter()
            .map(str::parse)
            .collect::<Result<_, _>>()?,
    })
}

/// Flags of which only these are known.
pub(crate) fn flags(given: u32, known: u32) -> Outcome<u32> {
    if given & !known == 0 {
        return Ok(given);
    }
    Err(Failure::new(VMT_INVALID_VALUE, format!("`flags` is {given:#x}; only {known:#x} are known")))
}

/// The script with its macros replaced, each value quoted for its place, so that none becomes a command.
///
/// `options` may be NULL. Fails with `VMT_INVALID_VALUE`, with a problem for each value that cannot be written where it
/// is used, and for each macro without one.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_render(
    script: *const vmt_script,
    values: *const vmt_values,
    options: *const vmt_render_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(script)?.script.render(&get(values)?.values, &render_options(options)?)?.into()))
}

/// What would go wrong with it. `metainfo`, which may be NULL, tells what the template declares.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_lint(
    script: *const vmt_script,
    metainfo: *const vmt_metainfo,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || {
        let metainfo = get_or_none(metainfo)?.map(|value| &value.metainfo);
        Ok(ReportValue::new(get(script)?.script.lint(metainfo)))
    })
}

/// What is known of a script beside its bytes. Zeros are defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_lint_options {
    /// `sizeof(vmt_lint_options)`.
    pub struct_size: usize,
    /// The metadata of its template: which macros are declared, how many restarts are waited for, and the name of the
    /// script. May be NULL.
    pub metainfo: *const vmt_metainfo,
    /// The name of its file, whose ending says the language where neither a `#!` line nor the metadata does.
    pub file_name: *const c_char,
    /// The language of the script, where it shall not be found out, as in `vmt_render_options`.
    pub language: *const c_char,
}

/// What would go wrong with it, by all that is known. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_lint_with(
    script: *const vmt_script,
    options: *const vmt_lint_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || {
        let options = read(options)?;
        let options = LintOptions {
            metainfo: get_or_none(options.metainfo)?.map(|value| &value.metainfo),
            file_name: str_or_none(options.file_name, "file_name")?,
            language: str_or_none(options.language, "language")?.map(str::parse).transpose()?,
        };
        Ok(ReportValue::new(get(script)?.script.lint_with(&options)))
    })
}

/// Write the file so that it appears whole or not at all. Fails with `VMT_ALREADY_EXISTS` unless `overwrite`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_write_file(
    script: *const vmt_script,
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(script)?.script.write_file(path_in(path, "path")?, overwrite)?))
}

/// Free a script. NULL is taken, and so is one that is part of a template, which stays.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_free(script: *mut vmt_script) {
    look((), || free(script));
}
