use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple};
use vmtemplate as vt;

use crate::errors::OrRaise;

/// Macro values by bare name. Each value is checked when it is set; `repr()` does not show values.
///
/// A value is a `str`, a number, a `bool`, an address of `ipaddress`, or a list or tuple of these. Every parameter that
/// takes values also takes a plain dict.
///
/// >>> import ipaddress, vmtemplate as vt
/// >>> values = vt.MacroValues({"IP": ipaddress.ip_address("192.0.2.10"), "TMPIPv4": False})
/// >>> values["NAMESERVERS"] = ["192.0.2.53", "2001:db8::53"]
/// >>> values["NAMESERVERS"]
/// '192.0.2.53 2001:db8::53'
#[pyclass(frozen, mapping, module = "vmtemplate")]
pub(crate) struct MacroValues(Mutex<vt::macros::MacroValues>);

impl MacroValues {
    /// Read or change the values. `work` must not run Python code: another thread could wait for the lock while it
    /// holds the interpreter.
    fn with<T>(&self, work: impl FnOnce(&mut vt::macros::MacroValues) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn copy(&self) -> vt::macros::MacroValues {
        self.with(|values| values.clone())
    }
}

/// Macro values as an argument: a `MacroValues` or a mapping.
pub(crate) struct ValuesArgument(pub(crate) vt::macros::MacroValues);

impl FromPyObject<'_, '_> for ValuesArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(values) = object.cast::<MacroValues>() {
            return Ok(Self(values.get().copy()));
        }
        let mut values = vt::macros::MacroValues::new();
        if let Ok(dict) = object.cast::<PyDict>() {
            for (name, value) in dict.iter() {
                set(&mut values, &name.extract::<String>()?, &value)?;
            }
        } else {
            for item in object.cast::<PyMapping>()?.items()?.iter() {
                let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
                set(&mut values, &name, &value)?;
            }
        }
        Ok(Self(values))
    }
}

fn set(values: &mut vt::macros::MacroValues, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    values.set(name, macro_value(value)?).or_raise()
}

fn macro_value(value: &Bound<'_, PyAny>) -> PyResult<vt::macros::MacroValue> {
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items: PyResult<Vec<String>> = value.try_iter()?.map(|item| one_value(&item?)).collect();
        return Ok(vt::macros::MacroValue::list(items?));
    }
    one_value(value).map(Into::into)
}

fn one_value(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyBool>() {
        return Ok(value.extract::<bool>()?.to_string());
    }
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyInt>() || is_address(value)? {
        return Ok(value.str()?.to_string());
    }
    // `str` of any other object is arbitrary text, such as `<object at 0x…>`.
    Err(PyTypeError::new_err(format!(
        "the value of a macro must be str, int, bool, an address of ipaddress, or a list of these; found {}",
        value.get_type().name()?
    )))
}

fn is_address(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    static CLASSES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let classes = CLASSES.get_or_try_init(py, || {
        let ipaddress = py.import("ipaddress")?;
        let both = (ipaddress.getattr("IPv4Address")?, ipaddress.getattr("IPv6Address")?);
        Ok::<_, PyErr>(both.into_pyobject(py)?.into_any().unbind())
    })?;
    value.is_instance(classes.bind(py))
}

#[pymethods]
impl MacroValues {
    #[new]
    #[pyo3(signature = (values=None))]
    fn new(values: Option<ValuesArgument>) -> Self {
        Self(Mutex::new(values.map(|values| values.0).unwrap_or_default()))
    }

    /// Parse a JSON object of values: strings, numbers, booleans, and lists of these.
    #[staticmethod]
    fn from_json(json: &str) -> PyResult<Self> {
        vt::macros::MacroValues::from_json(json).or_raise().map(|values| Self(Mutex::new(values)))
    }

    /// The same from a file.
    #[staticmethod]
    fn from_json_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| vt::macros::MacroValues::from_json_file(path))
            .or_raise()
            .map(|values| Self(Mutex::new(values)))
    }

    /// Set a value in the form `NAME=VALUE`.
    fn assign(&self, assignment: &str) -> PyResult<()> {
        self.with(|values| values.assign(assignment)).or_raise()
    }

    /// Copy all values of another mapping; they replace existing values.
    fn update(&self, values: ValuesArgument) {
        self.with(|held| held.extend(values.0));
    }

    /// The text of a value, or `default` if the macro has none.
    #[pyo3(signature = (name, default=None, /))]
    fn get(&self, name: &str, default: Option<Py<PyAny>>, py: Python<'_>) -> Option<Py<PyAny>> {
        let text = self.with(|values| values.get(name).map(ToOwned::to_owned));
        text.map(|text| PyString::new(py, &text).into_any().unbind()).or(default)
    }

    /// The bare names of all macros that have a value.
    fn keys(&self) -> Vec<String> {
        self.with(|values| values.names().map(|name| name.name().to_owned()).collect())
    }

    fn __getitem__(&self, name: &str) -> PyResult<String> {
        self.with(|values| values.get(name).map(ToOwned::to_owned))
            .ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __setitem__(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = macro_value(value)?;
        self.with(|values| values.set(name, value)).or_raise()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.with(|values| values.get(name).is_some())
    }

    fn __len__(&self) -> usize {
        self.with(|values| values.len())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyList::new(py, self.keys())?.try_iter()?.into_any())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let ours = self.copy();
        other.extract::<ValuesArgument>().is_ok_and(|other| ours == other.0)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let dict = PyDict::new(py);
        let values = slf.get().copy();
        for name in values.names() {
            dict.set_item(name.name(), values.get(name.name()))?;
        }
        (slf.get_type(), (dict,)).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        format!("<MacroValues of {}>", self.keys().join(", "))
    }
}
