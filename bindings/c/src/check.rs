//! Checking templates, images and scripts.

use std::ffi::{c_char, c_void};

use vmtemplate::report::{CheckOptions, check_stream};

use crate::boundary::{Failure, Outcome, build, list_in, path_in, read, reader, str_in, str_or_none};
use crate::control::{chosen, vmt_control};
use crate::error::{VMT_INVALID_VALUE, vmt_error};
use crate::image::{path_or_none, vmt_read_fn};
use crate::report::vmt_report;
use crate::rule::severity_in;
use crate::script::flags;

/// Treat every warning as an error.
pub const VMT_CHECK_DENY_WARNINGS: u32 = 1;
/// Do not check the disk image.
pub const VMT_CHECK_SKIP_IMAGE: u32 = 2;

/// Which rules are checked, and how severe their findings are. Fields that are zero have their defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_check_options {
    /// `sizeof(vmt_check_options)`.
    pub struct_size: usize,
    /// A combination of `VMT_CHECK_` flags.
    pub flags: u32,
    /// Codes of rules to disable, `allow_count` of them.
    pub allow: *const *const c_char,
    /// The number of `allow`.
    pub allow_count: usize,
    /// Rules with another severity than the default: `severity_count` texts such as `VMT0109=error`; the other
    /// severities are `warning` and `note`. If a code appears twice, the last text counts.
    pub severities: *const *const c_char,
    /// The number of `severities`.
    pub severity_count: usize,
    /// Cancels the work; may be NULL.
    pub control: *const vmt_control,
    /// The format of the disk image, as in `vmt_open_options`; NULL detects it.
    pub format: *const c_char,
    /// The folder of the files that an image may refer to, as in `vmt_open_options`.
    pub backing_files: *const c_char,
    /// The language of the setup script, as in `vmt_render_options`; NULL detects it.
    pub language: *const c_char,
}

pub(crate) fn check_options(options: *const vmt_check_options) -> Outcome<CheckOptions> {
    let options = read(options)?;
    let known = flags(options.flags, VMT_CHECK_DENY_WARNINGS | VMT_CHECK_SKIP_IMAGE)?;
    let severities = list_in(options.severities, options.severity_count, "severities")?;
    let severities = severities.into_iter().map(|text| {
        let (code, word) = text.split_once('=').unwrap_or((text, ""));
        let severity = match word {
            "note" => 1,
            "warning" => 2,
            "error" => 3,
            _ => {
                return Err(Failure::new(
                    VMT_INVALID_VALUE,
                    format!("`{text}` does not set the severity of a rule"),
                )
                .with_help("write it as VMT0109=error; the other severities are warning and note"));
            }
        };
        Ok((code.to_owned(), severity_in(severity)?))
    });
    Ok(CheckOptions {
        allow: list_in(options.allow, options.allow_count, "allow")?.into_iter().map(str::to_owned).collect(),
        severities: severities.collect::<Outcome<_>>()?,
        deny_warnings: known & VMT_CHECK_DENY_WARNINGS != 0,
        skip_image: known & VMT_CHECK_SKIP_IMAGE != 0,
        language: str_or_none(options.language, "language")?.map(str::parse).transpose()?,
        control: chosen(options.control)?,
        format: str_or_none(options.format, "format")?.map(str::parse).transpose()?,
        backing_files: path_or_none(options.backing_files, "backing_files")?,
    })
}

/// Check an archive, a folder with a template, a disk image or a script. `options` may be NULL.
///
/// The report contains every problem that was found. Fails with `VMT_NOT_FOUND`, `VMT_CANCELLED`, and with
/// `VMT_INVALID_VALUE` if the options name a rule that does not exist.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_check(
    path: *const c_char,
    options: *const vmt_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || Ok(vmtemplate::check(path_in(path, "path")?, &check_options(options)?)?.into()))
}

/// Check the data that `read` returns up to its end, as if it were a file with this name. The name may show what the
/// data is, as `setup.cmd` does. During the check an archive or an image is kept in a temporary file without a name.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_check_stream(
    read: vmt_read_fn,
    user_data: *mut c_void,
    name: *const c_char,
    options: *const vmt_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || {
        let (reader, name) = (reader(read, user_data)?, str_in(name, "name")?);
        Ok(check_stream(reader, name, &check_options(options)?)?.into())
    })
}
