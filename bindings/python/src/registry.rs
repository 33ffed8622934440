// A method path fits one lifetime only, a closure any lifetime.
#![allow(clippy::redundant_closure_for_method_calls)]

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use self_cell::self_cell;
use vmtemplate as vt;

use crate::errors::OrRaise;
use crate::ntfs::NtfsFile;
use crate::to_python::to_python;
use crate::values;

type FileHive<'v> = vt::disk::RegistryHive<'v>;

self_cell!(
    struct HiveCell {
        owner: Arc<vt::disk::NtfsVolume>,
        #[covariant]
        dependent: FileHive,
    }
);

enum Hive {
    Bytes(vt::disk::RegistryHive<'static>),
    File(HiveCell),
}

impl Hive {
    fn get(&self) -> &vt::disk::RegistryHive<'_> {
        match self {
            Self::Bytes(hive) => hive,
            Self::File(cell) => cell.borrow_dependent(),
        }
    }
}

/// A read-only hive of the Windows registry.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryHive(Arc<Hive>);

impl RegistryHive {
    pub(crate) fn of_windows(
        py: Python<'_>,
        volume: Arc<vt::disk::NtfsVolume>,
        name: &str,
    ) -> PyResult<Self> {
        py.detach(|| HiveCell::try_new(volume, |volume| vt::disk::RegistryHive::of_windows(volume, name)))
            .or_raise()
            .map(|cell| Self(Arc::new(Hive::File(cell))))
    }
}

#[pymethods]
impl RegistryHive {
    /// Open a hive from these bytes.
    #[staticmethod]
    fn from_bytes(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        vt::disk::RegistryHive::from_bytes(values::bytes(data)?)
            .or_raise()
            .map(|hive| Self(Arc::new(Hive::Bytes(hive))))
    }

    /// Open a hive in a file of an NTFS volume, which is read on demand.
    #[staticmethod]
    fn open(py: Python<'_>, file: &NtfsFile) -> PyResult<Self> {
        let (volume, path) = file.place();
        py.detach(|| HiveCell::try_new(volume, |volume| vt::disk::RegistryHive::open(volume.file(path)?)))
            .or_raise()
            .map(|cell| Self(Arc::new(Hive::File(cell))))
    }

    /// Whether the hive is clean: all changes were written to it.
    #[getter]
    fn is_clean(&self) -> bool {
        self.0.get().is_clean()
    }

    /// The root key.
    fn root(&self, py: Python<'_>) -> PyResult<RegistryKey> {
        let (name, place) = py.detach(|| self.0.get().root().map(|key| named(&key))).or_raise()?;
        Ok(RegistryKey { hive: Arc::clone(&self.0), place, path: String::new(), name })
    }

    /// The key at this path, with `\` between keys; None if it does not exist. Case is ignored.
    fn key(&self, py: Python<'_>, path: &str) -> PyResult<Option<RegistryKey>> {
        let found = py.detach(|| Ok(self.0.get().key(path)?.map(|key| named(&key)))).or_raise()?;
        Ok(found.map(|(name, place)| RegistryKey {
            hive: Arc::clone(&self.0),
            place,
            path: path.to_owned(),
            name,
        }))
    }

    fn __getitem__(&self, py: Python<'_>, path: &str) -> PyResult<RegistryKey> {
        self.key(py, path)?.ok_or_else(|| PyKeyError::new_err(path.to_owned()))
    }

    fn __contains__(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        Ok(self.key(py, path)?.is_some())
    }

    fn __repr__(&self) -> &'static str {
        "<RegistryHive>"
    }
}

/// The position of a key in the hive.
fn named(key: &vt::disk::RegistryKey<'_>) -> (String, vt::disk::RegistryKeyPlace) {
    (key.name().to_owned(), key.place())
}

/// A key of a hive.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryKey {
    hive: Arc<Hive>,
    place: vt::disk::RegistryKeyPlace,
    path: String,
    name: String,
}

impl RegistryKey {
    /// Read the key at its position. It existed when this object was made, and the image does not change.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&vt::disk::RegistryKey<'_>) -> vt::Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.hive.get().key_at(self.place).and_then(|key| look(&key))).or_raise()
    }

    fn below(&self, (name, place): (String, vt::disk::RegistryKeyPlace)) -> Self {
        let path = if self.path.is_empty() { name.clone() } else { format!("{}\\{name}", self.path) };
        Self { hive: Arc::clone(&self.hive), place, path, name }
    }

    fn value_of(&self, value: &vt::disk::RegistryValue<'_>) -> RegistryValue {
        RegistryValue {
            hive: Arc::clone(&self.hive),
            place: value.place(),
            name: value.name().to_owned(),
            kind: value.kind(),
            size: value.size(),
        }
    }
}

#[pymethods]
impl RegistryKey {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Its path in the hive; empty for the root.
    #[getter]
    fn path(&self) -> &str {
        &self.path
    }

    /// Its subkeys.
    fn subkeys(&self, py: Python<'_>) -> PyResult<Vec<Self>> {
        let found = self.with(py, |key| Ok(key.subkeys()?.iter().map(named).collect::<Vec<_>>()))?;
        Ok(found.into_iter().map(|below| self.below(below)).collect())
    }

    /// The subkey with this name; None if it does not exist.
    fn subkey(&self, py: Python<'_>, name: &str) -> PyResult<Option<Self>> {
        let found = self.with(py, |key| Ok(key.subkey(name)?.map(|below| named(&below))))?;
        Ok(found.map(|below| self.below(below)))
    }

    /// Its values.
    fn values(&self, py: Python<'_>) -> PyResult<Vec<RegistryValue>> {
        self.with(py, |key| Ok(key.values()?.iter().map(|value| self.value_of(value)).collect()))
    }

    /// The value with this name; None if it does not exist. The default value has the name `""`.
    fn value(&self, py: Python<'_>, name: &str) -> PyResult<Option<RegistryValue>> {
        self.with(py, |key| Ok(key.value(name)?.map(|value| self.value_of(&value))))
    }

    /// The text of a value; None if it does not exist.
    fn string(&self, py: Python<'_>, name: &str) -> PyResult<Option<String>> {
        self.with(py, |key| key.string(name))
    }

    /// The texts of a multi-string value; None if it does not exist.
    fn strings(&self, py: Python<'_>, name: &str) -> PyResult<Option<Vec<String>>> {
        self.with(py, |key| key.strings(name))
    }

    /// The number of a value; None if it does not exist.
    fn u32(&self, py: Python<'_>, name: &str) -> PyResult<Option<u32>> {
        self.with(py, |key| key.u32(name))
    }

    /// The data of a value as what Python has for its type: `str`, `int`, `list` or `bytes`.
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let value = self.value(py, name)?.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
        Ok(match value.kind {
            vt::disk::RegistryType::String
            | vt::disk::RegistryType::ExpandString
            | vt::disk::RegistryType::Link => value.string(py)?.into_pyobject(py)?.into_any(),
            vt::disk::RegistryType::MultiString => value.strings(py)?.into_any(),
            vt::disk::RegistryType::U32 | vt::disk::RegistryType::U32BigEndian => {
                value.u32(py)?.into_pyobject(py)?.into_any()
            }
            vt::disk::RegistryType::U64 => value.u64(py)?.into_pyobject(py)?.into_any(),
            _ => value.data(py)?.into_any(),
        })
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        Ok(self.value(py, name)?.is_some())
    }

    fn __repr__(&self) -> String {
        format!("<RegistryKey {:?}>", if self.path.is_empty() { &self.name } else { &self.path })
    }
}

/// A value of a key.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryValue {
    hive: Arc<Hive>,
    place: vt::disk::RegistryValuePlace,
    name: String,
    kind: vt::disk::RegistryType,
    size: u32,
}

impl RegistryValue {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&vt::disk::RegistryValue<'_>) -> vt::Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.hive.get().value_at(self.place).and_then(|value| look(&value))).or_raise()
    }
}

#[pymethods]
impl RegistryValue {
    /// Its name; empty for the default value.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.kind)
    }

    /// The size of its data in bytes.
    #[getter]
    fn size(&self) -> u32 {
        self.size
    }

    /// Its data as bytes, as stored in the hive.
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |value| value.data())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Its data as text.
    fn string(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |value| value.string())
    }

    /// Its data as a list of texts.
    fn strings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.with(py, |value| value.strings())?)
    }

    /// Its data as a number of 32 bits.
    fn u32(&self, py: Python<'_>) -> PyResult<u32> {
        self.with(py, |value| value.u32())
    }

    /// Its data as a number of 64 bits.
    fn u64(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |value| value.u64())
    }

    fn __repr__(&self) -> String {
        format!("<RegistryValue {:?}, {}, {} bytes>", self.name, self.kind, self.size)
    }
}
