//! The functions of the module, including those that implement methods of the dataclasses.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::disk_image::DiskImage;
use crate::errors::OrRaise;
use crate::from_python::{arguments, parsed, required};
use crate::run::run;
use crate::source::Input;
use crate::to_python::{to_list, to_python};
use crate::values;
use crate::views::{MacroUse, UnmetLimit};

/// The options of a check, from the arguments of `check` and `Template.check`.
pub(crate) fn check_options(
    allow: Option<&Bound<'_, PyAny>>,
    severities: Option<&Bound<'_, PyAny>>,
    deny_warnings: bool,
    skip_image: bool,
    language: Option<&str>,
    format: Option<&str>,
) -> PyResult<vt::report::CheckOptions> {
    arguments!(allow: Vec<String>, severities: Option<BTreeMap<String, vt::report::Severity>>);
    Ok(vt::report::CheckOptions {
        allow,
        severities: severities.into_iter().flatten().collect(),
        deny_warnings,
        skip_image,
        language: language.map(parsed).transpose()?,
        format: format.map(parsed).transpose()?,
        ..vt::report::CheckOptions::default()
    })
}

/// Check an archive, a folder with metainfo.xml, a disk image, a metainfo.xml or a script.
///
/// Instead of a path, `path` may be a binary file-like object, which is read completely and checked as a file with its
/// name. During the check an archive or an image is kept in a temporary file without a name.
///
/// `allow` disables rules by their codes, `severities` changes the severity of rules, and `deny_warnings` treats every
/// warning as an error. `skip_image` does not check the disk image. `language` is the language of the setup script;
/// without it, the language is detected. `format` and `backing_files` are as in `DiskImage.open`; with a `format`, no
/// rule checks whether the image looks like another format.
///
/// >>> import tempfile, pathlib, vmtemplate as vt
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     script = pathlib.Path(folder, "setup.cmd")
/// ...     _ = script.write_bytes(b"@echo off\necho done\n")
/// ...     report = vt.check(script)
/// >>> sorted({finding.code for finding in report})[0]
/// 'VMT0201'
#[pyfunction]
#[pyo3(signature = (path, *, allow=None, severities=None, deny_warnings=false, skip_image=false, language=None, format=None, backing_files=None, cancel=None))]
pub(crate) fn check<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
    allow: Option<&Bound<'py, PyAny>>,
    severities: Option<&Bound<'py, PyAny>>,
    deny_warnings: bool,
    skip_image: bool,
    language: Option<&str>,
    format: Option<&str>,
    backing_files: Option<PathBuf>,
    cancel: Option<&CancelToken>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = check_options(allow, severities, deny_warnings, skip_image, language, format)?;
    let options = vt::report::CheckOptions { backing_files, ..options };
    let input = Input::of(path)?;
    let what = match &input {
        Input::Path(path) => path.to_string_lossy().into_owned(),
        Input::Reader(_, name) => name.clone(),
    };
    let report = run(py, None, cancel, |control| {
        let options = vt::report::CheckOptions { control, ..options };
        match input {
            Input::Path(path) => vt::check(path, &options),
            Input::Reader(reader, name) => vt::report::check_stream(reader, &name, &options),
        }
    })?;
    values::report(py, &report, &what)
}

/// Raise early the exception that writing to `path` would raise.
///
/// It raises if the file exists and `overwrite` is not set, if its folder does not exist or does not accept new files,
/// or if it is a folder. Nothing is written.
///
/// >>> import vmtemplate as vt
/// >>> vt.probe_output("/no/such/folder/drive.img")
/// Traceback (most recent call last):
///     ...
/// vmtemplate.NotFoundError: /no/such/folder/drive.img: cannot create a file beside the output: ...
#[pyfunction]
#[pyo3(signature = (path, *, overwrite=false))]
pub(crate) fn probe_output(py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
    py.detach(|| vt::output::probe_output(path, overwrite.into())).or_raise()
}

/// The macros in a text, known or not, in their order.
///
/// >>> import vmtemplate as vt
/// >>> [str(use.name) for use in vt.find_macros("($IP)/($NETMASK) ($)")]
/// ['($IP)', '($NETMASK)']
#[pyfunction]
pub(crate) fn find_macros<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyList>> {
    to_list(py, vt::macros::find_macros(text).map(MacroUse::from))
}

/// Every rule.
#[pyfunction]
pub(crate) fn all_rules(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    to_list(py, vt::report::Rule::all())
}

/// The rule with a code.
#[pyfunction]
pub(crate) fn rule_by_code<'py>(py: Python<'py>, code: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &vt::report::Rule::by_code(code))
}

/// The limits that a machine does not meet.
#[pyfunction]
pub(crate) fn unmet_limits<'py>(
    py: Python<'py>,
    limits: &Bound<'py, PyAny>,
    vm: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let unmet = required::<vt::metainfo::Limits>("limits", limits)?.unmet(&required("vm", vm)?);
    to_list(py, unmet.iter().map(UnmetLimit::from))
}

/// Whether a version of a product can use a template.
#[pyfunction]
pub(crate) fn support_allows(support: &Bound<'_, PyAny>, product: &str, version: &str) -> PyResult<bool> {
    Ok(required::<vt::metainfo::Support>("support", support)?.allows(product, &version.into()))
}

/// The parts of a version.
#[pyfunction]
pub(crate) fn parse_product_version(text: &str) -> (u64, u64, u64) {
    vt::metainfo::ProductVersion::from(text).parts().into()
}

/// A product and its least version.
#[pyfunction]
pub(crate) fn parse_product<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &vt::metainfo::Product::from(text))
}

/// The text of a macro with a bare name.
#[pyfunction]
pub(crate) fn macro_text(name: String) -> PyResult<String> {
    vt::macros::MacroName::new(name).or_raise().map(|name| name.to_string())
}

/// The bare name in the text of a macro.
#[pyfunction]
pub(crate) fn macro_bare_name(text: &str) -> PyResult<String> {
    text.parse::<vt::macros::MacroName>().or_raise().map(|name| name.name().to_owned())
}

/// Every macro that the platform is known to fill in.
#[pyfunction]
pub(crate) fn macro_catalogue(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    to_list(py, vt::macros::MacroInfo::catalogue())
}

/// The macro with a name.
#[pyfunction]
pub(crate) fn macro_lookup<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &vt::macros::MacroInfo::lookup(name))
}

/// The macro that was probably meant.
#[pyfunction]
pub(crate) fn macro_nearest<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &vt::macros::MacroInfo::nearest(name))
}

/// The operating system family that the platform recognises by a template name.
#[pyfunction]
pub(crate) fn os_family<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &vt::metainfo::OsFamily::of_template_name(name))
}

/// The partition table of a disk.
#[pyfunction]
pub(crate) fn read_partition_table<'py>(py: Python<'py>, disk: &DiskImage) -> PyResult<Bound<'py, PyAny>> {
    let disk = disk.get()?;
    let table = py.detach(|| vt::disk::PartitionTable::read(&disk)).or_raise()?;
    to_python(py, &table)
}

/// The Windows that is installed on a disk.
#[pyfunction]
pub(crate) fn read_windows_info<'py>(py: Python<'py>, disk: &DiskImage) -> PyResult<Bound<'py, PyAny>> {
    let disk = disk.get()?;
    let info = run(py, None, None, |_| vt::report::WindowsInfo::read(&disk))?;
    to_python(py, &info)
}

/// The file system of a volume.
#[pyfunction]
pub(crate) fn detect_file_system<'py>(
    py: Python<'py>,
    disk: &DiskImage,
    offset: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let disk = disk.get()?;
    let found = py.detach(|| vt::disk::FileSystem::detect(&disk, offset)).or_raise()?;
    to_python(py, &found)
}

/// Functions that answer what the library computes of a value.
macro_rules! computed {
    ($($(#[$doc:meta])* $function:ident($kind:ty) = |$value:ident| $answer:expr;)*) => {
        $($(#[$doc])*
        #[pyfunction]
        pub(crate) fn $function<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
            let $value: $kind = required("self", value)?;
            to_python(value.py(), &$answer)
        })*
    };
}

computed! {
    /// `Progress.fraction`.
    progress_fraction(vt::progress::Progress) = |progress| progress.fraction();
    /// `Usage.read`.
    usage_read(vt::disk::Usage) = |usage| usage.read();
    /// `Usage.total`.
    usage_total(vt::disk::Usage) = |usage| usage.total();
    /// `Extent.end`.
    extent_end(vt::disk::Extent) = |extent| extent.end();
    /// `FreeSpaceReport.dropped`.
    free_space_dropped(vt::disk::FreeSpaceReport) = |report| report.dropped();
    /// `PartitionKind.is_recovery`.
    partition_is_recovery(vt::disk::PartitionKind) = |kind| kind.is_recovery();
    /// `PartitionKind.is_efi_system`.
    partition_is_efi_system(vt::disk::PartitionKind) = |kind| kind.is_efi_system();
    /// `PartitionKind.is_extended`.
    partition_is_extended(vt::disk::PartitionKind) = |kind| kind.is_extended();
    /// `RepositoryEntry.kind`.
    entry_kind(vt::repository::RepositoryEntry) = |entry| entry.kind();
    /// `RepositoryEntry.family`.
    entry_family(vt::repository::RepositoryEntry) = |entry| entry.family();
}

/// The text of a value of the class `name`, as the library shows it.
#[pyfunction]
pub(crate) fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    macro_rules! shown {
        ($($module:ident::$kind:ident),*) => {
            match name {
                $(stringify!($kind) => Ok(required::<vt::$module::$kind>("self", value)?.to_string()),)*
                _ => Err(PyTypeError::new_err(format!("{name} has no text"))),
            }
        };
    }
    shown!(
        disk::PartitionKind,
        error::Position,
        metainfo::Product,
        metainfo::Support,
        report::Summary,
        report::WindowsInfo
    )
}
