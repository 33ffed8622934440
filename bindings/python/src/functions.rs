//! The functions of the module, including those that implement methods of the dataclasses.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyList;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::disk_image::DiskImage;
use crate::enums::{Choice, member};
use crate::errors::OrRaise;
use crate::run::run;
use crate::source::Input;
use crate::values::{self, LimitsArgument, SupportArgument, VmSpecArgument};

/// The options of a check, from the arguments of `check` and `Template.check`.
pub(crate) fn check_options(
    allow: Vec<String>,
    severities: Option<std::collections::BTreeMap<String, Choice<vt::report::Severity>>>,
    deny_warnings: bool,
    skip_image: bool,
    language: Option<Choice<vt::macros::ScriptLanguage>>,
) -> vt::report::CheckOptions {
    vt::report::CheckOptions {
        allow,
        severities: severities.into_iter().flatten().map(|(code, choice)| (code, choice.0)).collect(),
        deny_warnings,
        skip_image,
        language: language.map(|choice| choice.0),
        ..vt::report::CheckOptions::default()
    }
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
#[pyo3(signature = (path, *, allow=Vec::new(), severities=None, deny_warnings=false, skip_image=false, language=None, format=None, backing_files=None, cancel=None), text_signature = "(path, *, allow=(), severities=None, deny_warnings=False, skip_image=False, language=None, format=None, backing_files=None, cancel=None)")]
pub(crate) fn check<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
    allow: Vec<String>,
    severities: Option<std::collections::BTreeMap<String, Choice<vt::report::Severity>>>,
    deny_warnings: bool,
    skip_image: bool,
    language: Option<Choice<vt::macros::ScriptLanguage>>,
    format: Option<Choice<vt::disk::ImageFormat>>,
    backing_files: Option<PathBuf>,
    cancel: Option<&CancelToken>,
) -> PyResult<Bound<'py, PyAny>> {
    let format = format.map(|format| format.0);
    let options = check_options(allow, severities, deny_warnings, skip_image, language);
    let options = vt::report::CheckOptions { format, backing_files, ..options };
    let input = Input::of(path)?;
    let report = run(py, None, cancel, |control| {
        let options = vt::report::CheckOptions { control, ..options };
        match input {
            Input::Path(path) => vt::check(path, &options),
            Input::Reader(reader, name) => vt::report::check_stream(reader, &name, &options),
        }
    })?;
    values::report(py, &report)
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
#[pyo3(signature = (path, *, overwrite=false), text_signature = "(path, *, overwrite=False)")]
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
    let uses: PyResult<Vec<_>> =
        vt::macros::find_macros(text).map(|used| values::macro_use(py, used)).collect();
    PyList::new(py, uses?)
}

/// Every rule.
#[pyfunction]
pub(crate) fn all_rules(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, vt::report::Rule::all().map(|rule| values::rule(py, rule)).collect::<PyResult<Vec<_>>>()?)
}

/// The rule with a code.
#[pyfunction]
pub(crate) fn rule_by_code<'py>(py: Python<'py>, code: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    vt::report::Rule::by_code(code).map(|rule| values::rule(py, rule)).transpose()
}

/// The limits that a machine does not meet.
#[pyfunction]
pub(crate) fn unmet_limits(
    py: Python<'_>,
    limits: LimitsArgument,
    vm: VmSpecArgument,
) -> PyResult<Bound<'_, PyList>> {
    let misses = vt::metainfo::Limits::from(limits).unmet(&vm.into());
    PyList::new(py, misses.iter().map(|miss| values::unmet_limit(py, miss)).collect::<PyResult<Vec<_>>>()?)
}

/// Whether a version of a product can use a template.
#[pyfunction]
pub(crate) fn support_allows(support: SupportArgument, product: &str, version: &str) -> bool {
    support.0.allows(product, &version.into())
}

/// The parts of a version.
#[pyfunction]
pub(crate) fn parse_product_version(text: &str) -> (u64, u64, u64) {
    vt::metainfo::ProductVersion::from(text).parts().into()
}

/// The name of a product and the parts of its least version.
#[pyfunction]
pub(crate) fn parse_product(text: &str) -> (String, Option<(u64, u64, u64)>) {
    let product = vt::metainfo::Product::from(text);
    (product.name, product.min_version.map(|version| version.parts().into()))
}

/// Every macro that the platform is known to fill in.
#[pyfunction]
pub(crate) fn macro_catalogue(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let infos = vt::macros::MacroInfo::catalogue().iter().map(|info| values::macro_info(py, info));
    PyList::new(py, infos.collect::<PyResult<Vec<_>>>()?)
}

/// The macro with a name.
#[pyfunction]
pub(crate) fn macro_lookup<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    vt::macros::MacroInfo::lookup(name).map(|info| values::macro_info(py, info)).transpose()
}

/// The macro that was probably meant.
#[pyfunction]
pub(crate) fn macro_nearest<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    vt::macros::MacroInfo::nearest(name).map(|info| values::macro_info(py, info)).transpose()
}

/// The operating system family that the platform recognises by a template name.
#[pyfunction]
pub(crate) fn os_family<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    vt::metainfo::OsFamily::of_template_name(name).map(|family| member(py, family)).transpose()
}

/// The partition table of a disk.
#[pyfunction]
pub(crate) fn read_partition_table<'py>(py: Python<'py>, disk: &DiskImage) -> PyResult<Bound<'py, PyAny>> {
    let table = py.detach(|| vt::disk::PartitionTable::read(&disk.0)).or_raise()?;
    values::partition_table(py, &table)
}

/// The Windows that is installed on a disk.
#[pyfunction]
pub(crate) fn read_windows_info<'py>(
    py: Python<'py>,
    disk: &DiskImage,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let info = run(py, None, None, |_| vt::report::WindowsInfo::read(&disk.0))?;
    info.map(|info| values::windows_info(py, &info)).transpose()
}

/// The file system of a volume.
#[pyfunction]
pub(crate) fn detect_file_system<'py>(
    py: Python<'py>,
    disk: &DiskImage,
    offset: u64,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let found = py.detach(|| vt::disk::FileSystem::detect(&disk.0, offset)).or_raise()?;
    found.map(|system| member(py, system)).transpose()
}
