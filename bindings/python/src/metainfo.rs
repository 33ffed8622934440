use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use vmtemplate as vt;

use crate::errors::{OrRaise, exception};
use crate::from_python::required;
use crate::to_python::to_python;
use crate::values;

/// A metainfo.xml: the metadata of a template, which the platform reads.
///
/// Changes edit the file in place: everything that is not set keeps its bytes. Properties are typed values; indexing by
/// element name or `limit.NAME` returns the text of an element. Setting a property to None, or deleting an index,
/// removes the element.
///
/// >>> import vmtemplate as vt
/// >>> metainfo = vt.Metainfo("Windows-Server-2019")
/// >>> metainfo.limits = vt.Limits(ipv4=True, memory_mib=1024)
/// >>> metainfo["limit.mem"], metainfo.tags
/// ('1024', ())
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct Metainfo(Mutex<vt::Metainfo>);

impl Metainfo {
    pub(crate) fn of(metainfo: vt::Metainfo) -> Self {
        Self(Mutex::new(metainfo))
    }

    /// Read or change the metadata. `work` must not run Python code: another thread could wait for the lock while it
    /// holds the interpreter.
    fn with<T>(&self, work: impl FnOnce(&mut vt::Metainfo) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of the current metadata.
    pub(crate) fn copy(&self) -> vt::Metainfo {
        self.with(|metainfo| metainfo.clone())
    }

    fn text(&self, key: &vt::metainfo::MetainfoKey) -> Option<String> {
        self.with(|metainfo| metainfo.get(key).map(Cow::into_owned)).filter(|text| !text.is_empty())
    }

    fn set_text(&self, key: &vt::metainfo::MetainfoKey, text: Option<&str>) -> PyResult<()> {
        if let Some(text) = text {
            return self.with(|metainfo| metainfo.set(key, text)).or_raise();
        }
        self.with(|metainfo| metainfo.remove(key));
        Ok(())
    }
}

#[pymethods]
impl Metainfo {
    #[new]
    fn new(os_name: &str) -> PyResult<Self> {
        vt::Metainfo::new(os_name).or_raise().map(Self::of)
    }

    /// Parse the text of a metainfo.xml. Invalid values are accepted; `check()` reports them.
    #[staticmethod]
    fn parse(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        vt::Metainfo::parse(&values::bytes_or_text(text)?).or_raise().map(Self::of)
    }

    /// Read a metainfo.xml from its file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| vt::Metainfo::from_file(path)).or_raise().map(Self::of)
    }

    /// Make a new metainfo.xml from these fields.
    #[staticmethod]
    fn from_fields(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        vt::Metainfo::from_fields(&required("fields", fields)?).or_raise().map(Self::of)
    }

    /// All fields of the metainfo.xml as plain values.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let fields = self.with(|metainfo| metainfo.fields()).or_raise()?;
        to_python(py, &fields)
    }

    /// Return, not raise, all problems: the errors that properties would raise, and more.
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let problems = self.with(|metainfo| metainfo.problems());
        PyList::new(py, problems.iter().map(|problem| exception(py, problem)).collect::<PyResult<Vec<_>>>()?)
    }

    /// Write the metainfo.xml to a file, which appears complete or not at all.
    #[pyo3(signature = (path, *, overwrite=false))]
    fn write_file(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        let metainfo = self.copy();
        py.detach(|| metainfo.write_file(path, overwrite.into())).or_raise()
    }

    /// The text of an element, or `default` if it does not exist.
    #[pyo3(signature = (key, default=None, /))]
    fn get(&self, key: &str, default: Option<Py<PyAny>>, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let key: vt::metainfo::MetainfoKey = key.parse().or_raise()?;
        let text = self.with(|metainfo| metainfo.get(&key).map(Cow::into_owned));
        Ok(text.map(|text| PyString::new(py, &text).into_any().unbind()).or(default))
    }

    fn __getitem__(&self, key: &str) -> PyResult<String> {
        let parsed: vt::metainfo::MetainfoKey = key.parse().or_raise()?;
        let text = self.with(|metainfo| metainfo.get(&parsed).map(Cow::into_owned));
        text.ok_or_else(|| PyKeyError::new_err(key.to_owned()))
    }

    fn __setitem__(&self, key: &str, text: &str) -> PyResult<()> {
        let key: vt::metainfo::MetainfoKey = key.parse().or_raise()?;
        self.with(|metainfo| metainfo.set(&key, text)).or_raise()
    }

    fn __delitem__(&self, key: &str) -> PyResult<()> {
        let parsed: vt::metainfo::MetainfoKey = key.parse().or_raise()?;
        let removed = self.with(|metainfo| metainfo.remove(&parsed));
        if removed { Ok(()) } else { Err(PyKeyError::new_err(key.to_owned())) }
    }

    fn __contains__(&self, key: &str) -> PyResult<bool> {
        let key: vt::metainfo::MetainfoKey = key.parse().or_raise()?;
        Ok(self.with(|metainfo| metainfo.get(&key).is_some()))
    }

    /// `osname`: the name of the operating system. A template without one is invisible to the platform.
    #[getter]
    fn os_name(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::OsName)
    }

    #[setter]
    fn set_os_name(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::OsName, text)
    }

    /// An alias of `os_name`, named like its element.
    #[getter]
    fn osname(&self) -> Option<String> {
        self.os_name()
    }

    #[setter]
    fn set_osname(&self, text: Option<&str>) -> PyResult<()> {
        self.set_os_name(text)
    }

    /// `version`: the version of the template, which may be any text.
    #[getter]
    fn template_version(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::Version)
    }

    #[setter]
    fn set_template_version(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::Version, text)
    }

    /// `hddimage`: the file name of the disk image.
    #[getter]
    fn image_file(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::ImageFile)
    }

    #[setter]
    fn set_image_file(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::ImageFile, text)
    }

    /// `installdrive`: the file name of the setup script.
    #[getter]
    fn script_file(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::ScriptFile)
    }

    #[setter]
    fn set_script_file(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::ScriptFile, text)
    }

    /// `type`: `ostemplate` for the template of an operating system.
    #[getter]
    fn template_type(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::Type)
    }

    #[setter]
    fn set_template_type(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::Type, text)
    }

    /// `illegal_password_characters`: the characters that a password must not contain.
    #[getter]
    fn illegal_password_characters(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::IllegalPasswordCharacters)
    }

    #[setter]
    fn set_illegal_password_characters(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::IllegalPasswordCharacters, text)
    }

    /// `chpasswd_method`: how a password is changed; the platform writes it into an installed template.
    #[getter]
    fn password_method(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::PasswordMethod)
    }

    #[setter]
    fn set_password_method(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::PasswordMethod, text)
    }

    /// `date`: the time of installation, `YYYY-MM-DD hh:mm:ss`; the platform sets it in an installed template.
    #[getter]
    fn date(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::Date)
    }

    #[setter]
    fn set_date(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::Date, text)
    }

    /// `install_result`: the result of the installation, `ok` or `0` for success; the platform writes it into an
    /// installed template.
    #[getter]
    fn install_result(&self) -> Option<String> {
        self.text(&vt::metainfo::MetainfoKey::InstallResult)
    }

    #[setter]
    fn set_install_result(&self, text: Option<&str>) -> PyResult<()> {
        self.set_text(&vt::metainfo::MetainfoKey::InstallResult, text)
    }

    /// The limits: what a machine must have.
    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let limits = self.with(|metainfo| metainfo.limits()).or_raise()?;
        to_python(py, &limits)
    }

    #[setter]
    fn set_limits(&self, limits: &Bound<'_, PyAny>) -> PyResult<()> {
        let limits = required("limits", limits)?;
        self.with(|metainfo| metainfo.set_limits(&limits)).or_raise()
    }

    /// The products that can use the template.
    #[getter]
    fn support<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let support = self.with(|metainfo| metainfo.support());
        to_python(py, &support)
    }

    #[setter]
    fn set_support(&self, support: &Bound<'_, PyAny>) -> PyResult<()> {
        let support = required("support", support)?;
        self.with(|metainfo| metainfo.set_support(&support)).or_raise()
    }

    /// The tags, in their order.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let tags = self.with(|metainfo| metainfo.tags());
        to_python(py, &tags)
    }

    #[setter]
    fn set_tags(&self, tags: &Bound<'_, PyAny>) -> PyResult<()> {
        let tags = required("tags", tags)?;
        self.with(|metainfo| metainfo.set_tags(&tags)).or_raise()
    }

    /// The number of restarts after which the system counts as installed.
    #[getter]
    fn reboot_count(&self) -> PyResult<u32> {
        self.with(|metainfo| metainfo.reboot_count()).or_raise()
    }

    #[setter]
    fn set_reboot_count(&self, count: u32) -> PyResult<()> {
        self.with(|metainfo| metainfo.set_reboot_count(count)).or_raise()
    }

    /// Whether the system has drivers for virtio disks.
    #[getter]
    fn virtio_disk(&self) -> bool {
        self.with(|metainfo| metainfo.virtio_disk())
    }

    #[setter]
    fn set_virtio_disk(&self, has_drivers: bool) -> PyResult<()> {
        self.with(|metainfo| metainfo.set_virtio_disk(has_drivers)).or_raise()
    }

    /// Whether the system has drivers for virtio network cards.
    #[getter]
    fn virtio_net(&self) -> bool {
        self.with(|metainfo| metainfo.virtio_net())
    }

    #[setter]
    fn set_virtio_net(&self, has_drivers: bool) -> PyResult<()> {
        self.with(|metainfo| metainfo.set_virtio_net(has_drivers)).or_raise()
    }

    /// The macros that the platform passes to the template, as `($NAME)`.
    #[getter]
    fn declared_macros<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.with(|metainfo| metainfo.declared_macros()))
    }

    #[setter]
    fn set_declared_macros(&self, macros: &Bound<'_, PyAny>) -> PyResult<()> {
        let macros: Vec<String> = required("declared_macros", macros)?;
        self.with(|metainfo| metainfo.set_declared_macros(&macros)).or_raise()
    }

    /// Whether the template takes public SSH keys, and how.
    #[getter]
    fn ssh_public_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let key = self.with(|metainfo| metainfo.ssh_public_key());
        to_python(py, &key)
    }

    #[setter]
    fn set_ssh_public_key(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let key = required("ssh_public_key", key)?;
        self.with(|metainfo| metainfo.set_ssh_public_key(key)).or_raise()
    }

    /// The descriptions of a network-install template.
    #[getter]
    fn descriptions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let descriptions = self.with(|metainfo| metainfo.descriptions());
        to_python(py, &descriptions)
    }

    /// The external addresses of a network-install template.
    #[getter]
    fn external_urls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.with(|metainfo| metainfo.external_urls()))
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.with(|metainfo| metainfo.to_bytes()))
    }

    fn __eq__(&self, other: &Bound<'_, Self>) -> bool {
        self.copy() == other.get().copy()
    }

    fn __copy__(&self) -> Self {
        Self::of(self.copy())
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> Self {
        self.__copy__()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        (slf.get_type().getattr("parse")?, (slf.get().__bytes__(py),)).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        format!("<Metainfo {:?}>", self.copy().os_name().unwrap_or_default())
    }
}
