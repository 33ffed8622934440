//! Builds Python objects from the values of the library: a serde serializer.
//!
//! A struct becomes an object of the class of `vmtemplate._values` that has its name, and a variant of an enum a member
//! of the class of `vmtemplate._enums`. Fields are passed by keyword, so that their order does not matter.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::ser::{self, Serialize};

/// The Python object for a value of the library.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    value: &(impl Serialize + ?Sized),
) -> PyResult<Bound<'py, PyAny>> {
    value.serialize(ToPython(py)).map_err(|Raised(error)| error)
}

/// A list of Python objects.
pub(crate) fn to_list(
    py: Python<'_>,
    values: impl IntoIterator<Item = impl Serialize>,
) -> PyResult<Bound<'_, PyList>> {
    PyList::new(py, values.into_iter().map(|value| to_python(py, &value)).collect::<PyResult<Vec<_>>>()?)
}

/// A class of `vmtemplate._values`.
pub(crate) fn value_class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE
        .get_or_try_init(py, || py.import("vmtemplate._values").map(Bound::unbind))?
        .bind(py)
        .getattr(PyString::intern(py, name))
}

/// A member of a class of `vmtemplate._enums`. It is looked up once, as a disk may have many extents.
fn member<'py>(py: Python<'py>, name: &'static str, word: &'static str) -> PyResult<Bound<'py, PyAny>> {
    static MEMBERS: Mutex<BTreeMap<(&str, &str), Py<PyAny>>> = Mutex::new(BTreeMap::new());
    // No Python code runs while the lock is held.
    let members = || MEMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = members().get(&(name, word)).map(|member| member.clone_ref(py));
    if let Some(member) = known {
        return Ok(member.into_bound(py));
    }
    let member = py.import("vmtemplate._enums")?.getattr(name)?.call1((word,))?;
    members().insert((name, word), member.clone().unbind());
    Ok(member)
}

/// The exception that ended a serialization.
#[derive(Debug)]
pub(crate) struct Raised(PyErr);

impl From<PyErr> for Raised {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Raised {}

impl ser::Error for Raised {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(PyTypeError::new_err(message.to_string()))
    }
}

type Made<'py> = Result<Bound<'py, PyAny>, Raised>;

#[derive(Clone, Copy)]
struct ToPython<'py>(Python<'py>);

impl<'py> ToPython<'py> {
    fn sequence(self) -> Sequence<'py> {
        Sequence { to: self, items: Vec::new() }
    }

    fn no_such_value(what: &str) -> Raised {
        ser::Error::custom(format!("{what} has no form in Python"))
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {
        $(fn $method(self, value: $number) -> Made<'py> {
            Ok(PyInt::new(self.0, value).into_any())
        })*
    };
}

impl<'py> ser::Serializer for ToPython<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Raised;
    type SerializeSeq = Sequence<'py>;
    type SerializeTuple = Sequence<'py>;
    type SerializeTupleStruct = Sequence<'py>;
    type SerializeTupleVariant = ser::Impossible<Self::Ok, Raised>;
    type SerializeMap = Mapping<'py>;
    type SerializeStruct = Object<'py>;
    type SerializeStructVariant = ser::Impossible<Self::Ok, Raised>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_bool(self, value: bool) -> Made<'py> {
        Ok(value.into_pyobject(self.0).map_err(PyErr::from)?.to_owned().into_any())
    }

    fn serialize_f32(self, value: f32) -> Made<'py> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Made<'py> {
        Ok(PyFloat::new(self.0, value).into_any())
    }

    fn serialize_char(self, value: char) -> Made<'py> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Made<'py> {
        Ok(PyString::new(self.0, value).into_any())
    }

    fn serialize_bytes(self, value: &[u8]) -> Made<'py> {
        Ok(PyBytes::new(self.0, value).into_any())
    }

    fn serialize_none(self) -> Made<'py> {
        Ok(self.0.None().into_bound(self.0))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made<'py> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made<'py> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Made<'py> {
        Err(Self::no_such_value(name))
    }

    fn serialize_unit_variant(self, name: &'static str, _index: u32, variant: &'static str) -> Made<'py> {
        Ok(member(self.0, name, variant)?)
    }

    /// A value with one field becomes that field, unless Python has a class of its name.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Made<'py> {
        let value = value.serialize(self)?;
        Ok(match name {
            "MacroName" | "ProductVersion" => value_class(self.0, name)?.call_method1("parse", (value,))?,
            "Support" => value_class(self.0, name)?.call1((value,))?,
            _ => value,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Made<'py> {
        Err(Self::no_such_value(name))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Sequence<'py>, Raised> {
        Ok(self.sequence())
    }

    fn serialize_tuple(self, _length: usize) -> Result<Sequence<'py>, Raised> {
        Ok(self.sequence())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Sequence<'py>, Raised> {
        Ok(self.sequence())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, Raised> {
        Err(Self::no_such_value(name))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Mapping<'py>, Raised> {
        Ok(Mapping { to: self, dict: PyDict::new(self.0), key: None })
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Object<'py>, Raised> {
        Ok(Object { to: self, class: value_class(self.0, name)?, fields: PyDict::new(self.0) })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, Raised> {
        Err(Self::no_such_value(name))
    }
}

/// A tuple.
struct Sequence<'py> {
    to: ToPython<'py>,
    items: Vec<Bound<'py, PyAny>>,
}

impl<'py> Sequence<'py> {
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Raised> {
        self.items.push(value.serialize(self.to)?);
        Ok(())
    }

    fn made(self) -> Made<'py> {
        Ok(PyTuple::new(self.to.0, self.items)?.into_any())
    }
}

macro_rules! sequences {
    ($($kind:ident: $push:ident),*) => {
        $(impl<'py> ser::$kind for Sequence<'py> {
            type Ok = Bound<'py, PyAny>;
            type Error = Raised;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Raised> {
                self.push(value)
            }

            fn end(self) -> Made<'py> {
                self.made()
            }
        })*
    };
}

sequences! { SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field }

/// A dict.
struct Mapping<'py> {
    to: ToPython<'py>,
    dict: Bound<'py, PyDict>,
    key: Option<Bound<'py, PyAny>>,
}

impl<'py> ser::SerializeMap for Mapping<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Raised;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Raised> {
        self.key = Some(key.serialize(self.to)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Raised> {
        Ok(self.dict.set_item(self.key.take(), value.serialize(self.to)?)?)
    }

    fn end(self) -> Made<'py> {
        Ok(self.dict.into_any())
    }
}

/// An object of a class of `vmtemplate._values`. A field that is left out gets the default of the class.
struct Object<'py> {
    to: ToPython<'py>,
    class: Bound<'py, PyAny>,
    fields: Bound<'py, PyDict>,
}

impl<'py> ser::SerializeStruct for Object<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Raised;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Raised> {
        Ok(self.fields.set_item(PyString::intern(self.to.0, key), value.serialize(self.to)?)?)
    }

    fn end(self) -> Made<'py> {
        Ok(self.class.call((), Some(&self.fields))?)
    }
}
