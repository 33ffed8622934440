//! Setup scripts.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::Script;
use vmtemplate::macros::{MissingValue, RenderOptions};
use vmtemplate::script::{LineEnding, ScriptCheckOptions, ScriptEncoding};

use crate::boundary::{
    AsStruct, Failure, Memory, Outcome, Slot, Structs, build, bytes_in, free, get, get_or_none, handle,
    list_in, look, named, path_in, read, status, str_or_none, text,
};
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error};
use crate::macros::{macros_value, vmt_macros};
use crate::metainfo::vmt_metainfo;
use crate::report::vmt_report;
use crate::values::vmt_values;

/// A script. It is immutable, any number of threads may use it, and its texts live as long as it does.
pub struct vmt_script(Slot<ScriptValue>);
handle!(vmt_script, ScriptValue);

#[derive(Debug)]
pub(crate) struct ScriptValue {
    pub(crate) script: Script,
    info: OnceLock<Structs<vmt_script_info>>,
}

impl From<Script> for ScriptValue {
    fn from(script: Script) -> Self {
        Self { script, info: OnceLock::new() }
    }
}

impl vmt_script {
    pub(crate) fn lent(script: &Script) -> Self {
        Self(Slot::lent(script.clone().into()))
    }
}

/// Make a script from its bytes, which are copied. Any bytes are accepted; the lint reports problems.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_new(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(Script::from_bytes(bytes_in(bytes, length, "bytes")?).into()))
}

/// Read a script from its file.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_from_file(path: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_script {
    build(err, || Ok(Script::from_file(path_in(path, "path")?)?.into()))
}

/// The encoding of a script.
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

/// The line ends of a script.
pub type vmt_line_ending = u32;
/// No line end: a single line.
pub const VMT_LINE_ENDING_NONE: vmt_line_ending = 0;
/// CR LF, as on Windows.
pub const VMT_LINE_ENDING_CRLF: vmt_line_ending = 1;
/// LF; cmd.exe may then miss labels.
pub const VMT_LINE_ENDING_LF: vmt_line_ending = 2;
/// Both CR LF and LF.
pub const VMT_LINE_ENDING_MIXED: vmt_line_ending = 3;

/// A script: its bytes, and what they are.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_script_info {
    /// Its bytes; NULL if it is empty.
    pub bytes: *const u8,
    /// The number of `bytes`.
    pub length: usize,
    /// Its text as UTF-8; bytes that its encoding does not allow are replaced.
    pub text: *const c_char,
    /// Its encoding.
    pub encoding: vmt_encoding,
    /// Its line ends.
    pub line_ending: vmt_line_ending,
}

impl AsStruct for Script {
    type Struct = vmt_script_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_script_info {
        let (bytes, length) = memory.array(self.bytes().to_vec());
        vmt_script_info {
            bytes,
            length,
            text: memory.text(self.text().as_bytes()),
            encoding: match self.encoding() {
                ScriptEncoding::Ascii => VMT_ENCODING_ASCII,
                ScriptEncoding::Utf8 => VMT_ENCODING_UTF8,
                ScriptEncoding::Utf8Bom => VMT_ENCODING_UTF8_BOM,
                ScriptEncoding::Utf16Le => VMT_ENCODING_UTF16LE,
                ScriptEncoding::Utf16Be => VMT_ENCODING_UTF16BE,
                _ => VMT_ENCODING_8BIT,
            },
            line_ending: match self.line_ending() {
                LineEnding::CrLf => VMT_LINE_ENDING_CRLF,
                LineEnding::Lf => VMT_LINE_ENDING_LF,
                LineEnding::Mixed => VMT_LINE_ENDING_MIXED,
                _ => VMT_LINE_ENDING_NONE,
            },
        }
    }
}

/// Its bytes and its text, which live as long as it does; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_get(script: *const vmt_script) -> *const vmt_script_info {
    look(ptr::null(), || {
        let value = get(script)?;
        Ok(value.info.get_or_init(|| Structs::one(&value.script)).pointer())
    })
}

/// Its language: `batch`, `powershell` or `posix`; `preseed`, `kickstart` or `cloud-config` for a file that is not a
/// script; NULL if it is unknown. The text is static.
///
/// `file_name`, which may be NULL, is the name of its file, whose extension decides if the script has no `#!` line.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_language(script: *const vmt_script, file_name: *const c_char) -> *const c_char {
    text(ptr::null_mut(), || {
        let script = &get(script)?.script;
        let language = match str_or_none(file_name, "file_name")? {
            Some(name) => script.language_as(name),
            None => script.language(),
        };
        Ok(language.map(named))
    })
}

/// The same script with CR LF line ends, which cmd.exe requires.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_to_windows(
    script: *const vmt_script,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(script)?.script.to_windows().into()))
}

/// Find everything in the script that is spelled as a macro, known or not.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_macros(script: *const vmt_script, err: *mut *mut vmt_error) -> *mut vmt_macros {
    build(err, || Ok(macros_value(get(script)?.script.macros())))
}

/// Render as the platform does: no value is quoted.
pub const VMT_RENDER_AS_PLATFORM: u32 = 1;

/// Options for replacing macros. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_render_options {
    /// `sizeof(vmt_render_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_RENDER_` flags.
    pub flags: u32,
    /// What to do with a macro without a value: `error` (the default), `parens`, `empty`, `keep`, or `platform`, which
    /// does what the platform is known to do.
    pub missing: *const c_char,
    /// The language of the script: `batch`, `powershell`, `posix`, `preseed`, `kickstart` or `cloud-config`; NULL
    /// detects it.
    pub language: *const c_char,
    /// Characters that a password must not contain. For a template they are taken from metainfo.xml.
    pub illegal_password_characters: *const c_char,
    /// Macros, such as `($COLOUR)`, besides those that the platform knows and those that have a value: `declared_count`
    /// of them. For a template, those that metainfo.xml declares are added. Any other `($name)` is left unchanged.
    pub declared: *const *const c_char,
    /// The number of `declared`.
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

/// Fail unless all flags that are set are known.
pub(crate) fn flags(given: u32, known: u32) -> Outcome<u32> {
    if given & !known == 0 {
        return Ok(given);
    }
    Err(Failure::new(VMT_INVALID_VALUE, format!("`flags` is {given:#x}; only {known:#x} are known")))
}

/// Replace the macros of a script. Each value is quoted for its place, so that none runs as a command.
///
/// `options` may be NULL. Fails with `VMT_INVALID_VALUE`, with a problem for each value that cannot be quoted for its
/// place, and for each macro without a value.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_render(
    script: *const vmt_script,
    values: *const vmt_values,
    options: *const vmt_render_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(script)?.script.render(&get(values)?.values, &render_options(options)?)?.into()))
}

/// Information about a script that its bytes do not contain. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_script_check_options {
    /// `sizeof(vmt_script_check_options)`.
    pub struct_size: usize,
    /// The metadata of its template, which has the declared macros, the number of restarts, and the name of the script.
    /// May be NULL.
    pub metainfo: *const vmt_metainfo,
    /// The name of its file, whose extension decides the language if neither a `#!` line nor the metadata does.
    pub file_name: *const c_char,
    /// The language of the script, as in `vmt_render_options`; NULL detects it.
    pub language: *const c_char,
}

/// Report what would go wrong with a script. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_check(
    script: *const vmt_script,
    options: *const vmt_script_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || {
        let script = &get(script)?.script;
        let options = read(options)?;
        let options = ScriptCheckOptions {
            metainfo: get_or_none(options.metainfo)?.map(|value| &value.metainfo),
            file_name: str_or_none(options.file_name, "file_name")?,
            language: str_or_none(options.language, "language")?.map(str::parse).transpose()?,
        };
        Ok(script.check(&options).into())
    })
}

/// Write the file, which appears complete or not at all. Fails with `VMT_ALREADY_EXISTS` unless `overwrite` is set.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_write_file(
    script: *const vmt_script,
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(script)?.script.write_file(path_in(path, "path")?, overwrite.into())?))
}

/// Free a script. NULL, and a handle that is part of a template, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_script_free(script: *mut vmt_script) {
    look((), || free(script));
}
