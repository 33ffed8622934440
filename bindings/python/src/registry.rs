// The path of a method is for one lifetime, a closure for all.
#![allow(clippy::redundant_closure_for_method_calls)]

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use self_cell::self_cell;
use vmtemplate as vt;

use crate::enums::member;
use crate::errors::OrRaise;
use crate::ntfs::NtfsFile;
use crate::values;

type FileHive<'v> = vt::RegistryHive<'v>;

self_cell!(
    struct HiveCell {
        owner: Arc<vt::NtfsVolume>,
        #[covariant]
        dependent: FileHive,
    }
);

enum Hive {
    Bytes(vt::RegistryHive<'static>),
    File(HiveCell),
}

impl Hive {
    fn get(&self) -> &vt::RegistryHive<'_> {
        match self {
            Self::Bytes(hive) => hive,
            Self::File(cell) => cell.borrow_dependent(),
        }
    }
}

/// A hive of the registry of Windows, read-only.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryHive(Arc<Hive>);

#[pymethods]
impl RegistryHive {
    /// A hive of these bytes.
    #[staticmethod]
    fn from_bytes(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        vt::RegistryHive::from_bytes(values::bytes(data)?)
            .or_raise()
            .map(|hive| Self(Arc::new(Hive::Bytes(hive))))
    }

    /// A hive in a file of an NTFS volume, of which only what is asked for is read.
    #[staticmethod]
    fn open(py: Python<'_>, file: &NtfsFile) -> PyResult<Self> {
        let (volume, path) = file.place();
        py.detach(|| HiveCell::try_new(volume, |volume| vt::RegistryHive::open(volume.file(path)?)))
            .or_raise()
            .map(|cell| Self(Arc::new(Hive::File(cell))))
    }

    /// Whether all changes have reached it.
    #[getter]
    fn is_clean(&self) -> bool {
        self.0.get().is_clean()
    }

    /// The key at the top.
    fn root(&self, py: Python<'_>) -> PyResult<RegistryKey> {
        let name = py.detach(|| self.0.get().root().map(|key| key.name().to_owned())).or_raise()?;
        Ok(RegistryKey { hive: Arc::clone(&self.0), path: String::new(), name })
    }

    /// The key of this path, with `\` between keys; None if it is not there. Case does not matter.
    fn key(&self, py: Python<'_>, path: &str) -> PyResult<Option<RegistryKey>> {
        let name = py.detach(|| Ok(self.0.get().key(path)?.map(|key| key.name().to_owned()))).or_raise()?;
        Ok(name.map(|name| RegistryKey { hive: Arc::clone(&self.0), path: path.to_owned(), name }))
    }

    fn __repr__(&self) -> &'static str {
        "<RegistryHive>"
    }
}

/// A key of a hive.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryKey {
    hive: Arc<Hive>,
    path: String,
    name: String,
}

impl RegistryKey {
    /// Look at the key where it stands. It was there when this object was made, and nobody writes to the image.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&vt::RegistryKey<'_>) -> vt::Result<T> + Send,
    ) -> PyResult<T> {
        with_key(py, &self.hive, &self.path, look)
    }

    fn below(&self, name: String) -> Self {
        let path = if self.path.is_empty() { name.clone() } else { format!("{}\\{name}", self.path) };
        Self { hive: Arc::clone(&self.hive), path, name }
    }

    fn value_of(&self, value: &vt::RegistryValue<'_>) -> RegistryValue {
        RegistryValue {
            hive: Arc::clone(&self.hive),
            key: self.path.clone(),
            name: value.name().to_owned(),
            kind: value.kind(),
            size: value.size(),
        }
    }
}

fn with_key<T: Send>(
    py: Python<'_>,
    hive: &Hive,
    path: &str,
    look: impl FnOnce(&vt::RegistryKey<'_>) -> vt::Result<T> + Send,
) -> PyResult<T> {
    let found = py.detach(|| hive.get().key(path)?.map(|key| look(&key)).transpose()).or_raise()?;
    found.ok_or_else(|| gone(path))
}

fn gone(what: &str) -> PyErr {
    pyo3::exceptions::PyKeyError::new_err(what.to_owned())
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

    /// The keys below it.
    fn subkeys(&self, py: Python<'_>) -> PyResult<Vec<Self>> {
        let names = self.with(py, |key| {
            Ok(key.subkeys()?.iter().map(|below| below.name().to_owned()).collect::<Vec<_>>())
        })?;
        Ok(names.into_iter().map(|name| self.below(name)).collect())
    }

    /// The key of this name below it; None if it is not there.
    fn subkey(&self, py: Python<'_>, name: &str) -> PyResult<Option<Self>> {
        let name = self.with(py, |key| Ok(key.subkey(name)?.map(|below| below.name().to_owned())))?;
        Ok(name.map(|name| self.below(name)))
    }

    /// Its values.
    fn values(&self, py: Python<'_>) -> PyResult<Vec<RegistryValue>> {
        self.with(py, |key| Ok(key.values()?.iter().map(|value| self.value_of(value)).collect()))
    }

    /// The value of this name; None if it is not there. The default value has the name `""`.
    fn value(&self, py: Python<'_>, name: &str) -> PyResult<Option<RegistryValue>> {
        self.with(py, |key| Ok(key.value(name)?.map(|value| self.value_of(&value))))
    }

    /// The text of a value; None if it is not there.
    fn string(&self, py: Python<'_>, name: &str) -> PyResult<Option<String>> {
        self.with(py, |key| key.string(name))
    }

    /// The texts of a list; None if it is not there.
    fn strings(&self, py: Python<'_>, name: &str) -> PyResult<Option<Vec<String>>> {
        self.with(py, |key| key.strings(name))
    }

    /// The number of a value; None if it is not there.
    fn u32(&self, py: Python<'_>, name: &str) -> PyResult<Option<u32>> {
        self.with(py, |key| key.u32(name))
    }

    fn __repr__(&self) -> String {
        format!("<RegistryKey {:?}>", if self.path.is_empty() { &self.name } else { &self.path })
    }
}

/// A value of a key.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct RegistryValue {
    hive: Arc<Hive>,
    key: String,
    name: String,
    kind: vt::RegistryType,
    size: u32,
}

impl RegistryValue {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&vt::RegistryValue<'_>) -> vt::Result<T> + Send,
    ) -> PyResult<T> {
        with_key(py, &self.hive, &self.key, |key| {
            key.value(&self.name)?.map(|value| look(&value)).transpose()
        })?
        .ok_or_else(|| gone(&self.name))
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
        member(py, self.kind)
    }

    /// The size of its data in bytes.
    #[getter]
    fn size(&self) -> u32 {
        self.size
    }

    /// Its bytes as they stand in the hive.
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |value| value.data())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Its text.
    fn string(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |value| value.string())
    }

    /// Its texts.
    fn strings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.with(py, |value| value.strings())?)
    }

    /// Its number, of 32 bits.
    fn u32(&self, py: Python<'_>) -> PyResult<u32> {
        self.with(py, |value| value.u32())
    }

    /// Its number, of 64 bits.
    fn u64(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |value| value.u64())
    }

    fn __repr__(&self) -> String {
        format!("<RegistryValue {:?}, {}, {} bytes>", self.name, self.kind, self.size)
    }
}
