//! Reads values of the library from Python objects: a serde deserializer.
//!
//! What it refuses, it names as Python does: the argument and the field, the type or the words that were expected, and
//! what was found. An object of a wrong type is a `TypeError`, a wrong value a `ValueError`.

use std::fmt;
use std::str::FromStr;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyMapping, PyString};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use vmtemplate as vt;

use crate::errors::{OrRaise, invalid_value};
use crate::to_python::value_class;

/// The value of the argument `name`; the default if it was not given.
pub(crate) fn argument<T: DeserializeOwned + Default>(
    name: &str,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<T> {
    given.map_or_else(|| Ok(T::default()), |given| required(name, given))
}

/// The value of an argument that must be given.
pub(crate) fn required<T: DeserializeOwned>(name: &str, given: &Bound<'_, PyAny>) -> PyResult<T> {
    T::deserialize(FromPython(given)).map_err(|wrong| wrong.below(name).raised(given.py()))
}

/// The value of an argument that is a member of an enum or its word.
pub(crate) fn word<T: DeserializeOwned>(py: Python<'_>, name: &str, word: &str) -> PyResult<T> {
    required(name, &PyString::new(py, word))
}

/// The value of a word that the library parses.
pub(crate) fn parsed<T: FromStr<Err = vt::Error>>(word: &str) -> PyResult<T> {
    word.parse().or_raise()
}

/// Reads arguments of a function, each under its own name: `arguments!(limits: vt::metainfo::Limits, tags: Vec<String>)`.
macro_rules! arguments {
    ($($name:ident: $kind:ty),* $(,)?) => {
        $(let $name: $kind = $crate::from_python::argument(stringify!($name), $name)?;)*
    };
}
pub(crate) use arguments;

/// Why an object is not the value that was expected.
#[derive(Debug)]
struct Wrong {
    /// The place: the argument, then fields, keys and indices.
    path: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Type {
        expected: String,
        found: String,
    },
    /// A word that the enum `kind` does not have.
    Word {
        word: String,
        kind: &'static str,
        expected: String,
    },
    Value(String),
    Raised(PyErr),
}

impl Wrong {
    fn of(reason: Reason) -> Self {
        Self { path: String::new(), reason }
    }

    fn found(expected: &str, object: &Bound<'_, PyAny>) -> Self {
        let found = if object.is_none() {
            "None".into()
        } else {
            object.get_type().name().map_or_else(|_| "another type".into(), |name| name.to_string())
        };
        Self::of(Reason::Type { expected: expected.into(), found })
    }

    /// Put a name, `[0]` or `['key']` before the path.
    fn below(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }

    /// None would have been accepted as well.
    fn or_none(mut self) -> Self {
        if let (true, Reason::Type { expected, .. }) = (self.path.is_empty(), &mut self.reason) {
            expected.push_str(" or None");
        }
        self
    }

    fn raised(self, py: Python<'_>) -> PyErr {
        let text = self.to_string();
        match self.reason {
            Reason::Type { .. } => PyTypeError::new_err(text),
            Reason::Value(_) | Reason::Word { .. } => invalid_value(py, &text),
            Reason::Raised(error) => error,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        match &self.reason {
            Reason::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
            Reason::Word { word, kind, expected } => {
                write!(f, "'{word}' is not a valid {kind}; expected {expected}")
            }
            Reason::Value(text) => f.write_str(text),
            Reason::Raised(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Wrong {}

impl From<PyErr> for Wrong {
    fn from(error: PyErr) -> Self {
        Self::of(Reason::Raised(error))
    }
}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::of(Reason::Value(message.to_string()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let expected = match expected {
            [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
            words => words.concat(),
        };
        Self::of(Reason::Word { word: variant.into(), kind: "word", expected })
    }
}

/// A key and its value.
type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

#[derive(Clone, Copy)]
struct FromPython<'a, 'py>(&'a Bound<'py, PyAny>);

impl<'py> FromPython<'_, 'py> {
    /// The text of a `str`, or of a value that is a text in the library.
    fn text(self) -> Result<String, Wrong> {
        let object = self.0;
        if object.is_instance_of::<PyString>() {
            return Ok(object.extract()?);
        }
        if object.is_instance(&value_class(object.py(), "ProductVersion")?)? {
            return Ok(object.str()?.extract()?);
        }
        Err(Wrong::found("str", object))
    }

    fn items(self) -> Result<Vec<Bound<'py, PyAny>>, Wrong> {
        let object = self.0;
        let is_one_thing = object.is_instance_of::<PyString>()
            || object.is_instance_of::<PyBytes>()
            || object.cast::<PyMapping>().is_ok();
        match object.try_iter() {
            Ok(items) if !is_one_thing => Ok(items.collect::<PyResult<_>>()?),
            _ => Err(Wrong::found("a sequence", object)),
        }
    }

    fn entries(self) -> Result<Vec<Pair<'py>>, Wrong> {
        let Ok(mapping) = self.0.cast::<PyMapping>() else {
            return Err(Wrong::found("a mapping", self.0));
        };
        Ok(mapping.items()?.iter().map(|pair| pair.extract()).collect::<PyResult<_>>()?)
    }
}

macro_rules! numbers {
    ($($method:ident => $visit:ident: $number:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let Ok(number) = self.0.cast::<PyInt>() else {
                return Err(Wrong::found("int", self.0));
            };
            match number.extract::<$number>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(de::Error::custom(format!(
                    "{number} is not a number from {} to {}", <$number>::MIN, <$number>::MAX
                ))),
            }
        })*
    };
}

impl<'de> de::Deserializer<'de> for FromPython<'_, '_> {
    type Error = Wrong;

    numbers! {
        deserialize_i8 => visit_i8: i8, deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32, deserialize_i64 => visit_i64: i64,
        deserialize_u8 => visit_u8: u8, deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32, deserialize_u64 => visit_u64: u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let object = self.0;
        if object.is_none() {
            visitor.visit_unit()
        } else if object.is_instance_of::<PyBool>() {
            self.deserialize_bool(visitor)
        } else if object.is_instance_of::<PyInt>() {
            if object.lt(0)? { self.deserialize_i64(visitor) } else { self.deserialize_u64(visitor) }
        } else if object.is_instance_of::<PyFloat>() {
            self.deserialize_f64(visitor)
        } else if object.is_instance_of::<PyString>() {
            self.deserialize_str(visitor)
        } else if object.is_instance_of::<PyDict>() {
            self.deserialize_map(visitor)
        } else {
            self.deserialize_seq(visitor)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.cast::<PyBool>() {
            Ok(value) => visitor.visit_bool(value.is_true()),
            Err(_) => Err(Wrong::found("bool", self.0)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.extract() {
            Ok(number) => visitor.visit_f64(number),
            Err(_) => Err(Wrong::found("float", self.0)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.extract::<Vec<u8>>() {
            Ok(bytes) => visitor.visit_byte_buf(bytes),
            Err(_) => Err(Wrong::found("bytes", self.0)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_none() { visitor.visit_none() } else { visitor.visit_some(self).map_err(Wrong::or_none) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_none() { visitor.visit_unit() } else { Err(Wrong::found("None", self.0)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(Items { items: self.items()?.into_iter(), index: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Entries { entries: self.entries()?.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let class = value_class(self.0.py(), name)?;
        if self.0.is_instance(&class)? {
            return visitor.visit_map(Fields { object: self.0, names: fields.iter(), current: None });
        }
        // A class that parses text may be given as its text.
        if !class.hasattr("parse")? {
            return Err(Wrong::found(name, self.0));
        }
        if !self.0.is_instance_of::<PyString>() {
            return Err(Wrong::found(&format!("{name} or str"), self.0));
        }
        let object = class.call_method1("parse", (self.0,))?;
        visitor.visit_map(Fields { object: &object, names: fields.iter(), current: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        // A member is a `str`, as its word is.
        let Ok(word) = self.text() else {
            return Err(Wrong::found(&format!("{name} or str"), self.0));
        };
        visitor.visit_enum(IntoDeserializer::<Wrong>::into_deserializer(word)).map_err(|mut wrong| {
            if let Reason::Word { kind, .. } = &mut wrong.reason {
                *kind = name;
            }
            wrong
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }
}

/// The items of a sequence.
struct Items<'py> {
    items: std::vec::IntoIter<Bound<'py, PyAny>>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let read =
            seed.deserialize(FromPython(&item)).map_err(|wrong| wrong.below(&format!("[{}]", self.index)));
        self.index += 1;
        read.map(Some)
    }
}

/// The entries of a mapping.
struct Entries<'py> {
    entries: std::vec::IntoIter<Pair<'py>>,
    /// The value whose key was read, and the step that names it.
    value: Option<(Bound<'py, PyAny>, String)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        let step = format!("[{}]", key.repr()?);
        self.value = Some((value, step.clone()));
        seed.deserialize(FromPython(&key)).map_err(|wrong| wrong.below(&step)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (value, step) =
            self.value.take().ok_or_else(|| <Wrong as de::Error>::custom("a value without a key"))?;
        seed.deserialize(FromPython(&value)).map_err(|wrong| wrong.below(&step))
    }
}

/// The fields of an object.
struct Fields<'a, 'py> {
    object: &'a Bound<'py, PyAny>,
    names: std::slice::Iter<'static, &'static str>,
    /// The field whose name was read.
    current: Option<&'static str>,
}

impl<'de> de::MapAccess<'de> for Fields<'_, '_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.current = self.names.next().copied();
        self.current
            .map(|field| seed.deserialize(IntoDeserializer::<Wrong>::into_deserializer(field)))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let field = self.current.unwrap_or_default();
        let value = self.object.getattr(field)?;
        seed.deserialize(FromPython(&value)).map_err(|wrong| wrong.below(field))
    }
}
