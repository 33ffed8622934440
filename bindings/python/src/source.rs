//! Inputs and outputs of the caller: paths, bytes, and file-like objects.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use vmtemplate as vt;

/// A binary file-like object that is read from its current position.
pub(crate) struct Reader(pub(crate) Py<PyAny>);

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let bytes: PyBackedBytes = self.0.call_method1(py, "read", (buf.len(),))?.extract(py)?;
            let room = buf.get_mut(..bytes.len()).ok_or_else(|| {
                PyValueError::new_err("read(n) of the file-like object returned more than n bytes")
            })?;
            room.copy_from_slice(&bytes);
            Ok(bytes.len())
        })
        .map_err(|error: PyErr| io::Error::other(error))
    }
}

/// A binary file-like object that is written to in order.
pub(crate) struct Writer(pub(crate) Py<PyAny>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Python::attach(|py| {
            // An unbuffered object returns how much it wrote, and None if it would block.
            let taken: Option<usize> =
                self.0.call_method1(py, "write", (PyBytes::new(py, bytes),))?.extract(py)?;
            match taken {
                Some(taken) if taken <= bytes.len() => Ok(taken),
                _ => Err(PyValueError::new_err(
                    "write() of the file-like object did not return the number of bytes that it wrote",
                )),
            }
        })
        .map_err(|error: PyErr| io::Error::other(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A seekable binary file-like object with the raw bytes of a disk, or an archive.
pub(crate) struct Seekable {
    file: Py<PyAny>,
    turn: Mutex<()>,
    size: u64,
}

impl Seekable {
    pub(crate) fn new(file: &Bound<'_, PyAny>) -> PyResult<Self> {
        let size = file.call_method1("seek", (0, 2))?.extract()?;
        Ok(Self { file: file.clone().unbind(), turn: Mutex::new(()), size })
    }

    fn fill(&self, buf: &mut [u8], offset: u64) -> vt::Result<()> {
        let read = |py: Python<'_>| -> PyResult<()> {
            let file = self.file.bind(py);
            file.call_method1("seek", (offset,))?;
            let mut done = 0;
            while done < buf.len() {
                let bytes: PyBackedBytes = file.call_method1("read", (buf.len() - done,))?.extract()?;
                if bytes.is_empty() || bytes.len() > buf.len() - done {
                    return Err(PyValueError::new_err(format!(
                        "read() of the file-like object returned {} bytes at offset {}; expected from 1 to {}",
                        bytes.len(),
                        offset + done as u64,
                        buf.len() - done,
                    )));
                }
                buf[done..done + bytes.len()].copy_from_slice(&bytes);
                done += bytes.len();
            }
            Ok(())
        };
        // No other thread may seek before this one has read.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Python::attach(read)
            .map_err(|error| vt::Error::io("cannot read the file-like object", io::Error::other(error)))
    }
}

impl fmt::Debug for Seekable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seekable").field("size", &self.size).finish_non_exhaustive()
    }
}

impl vt::disk::DiskSource for Seekable {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vt::Result<()> {
        self.fill(buf, offset)
    }

    fn extent_at(&self, offset: u64) -> vt::Result<vt::disk::Extent> {
        Ok(vt::disk::Extent { offset, length: self.size - offset, kind: vt::disk::ExtentKind::Data })
    }
}

impl vt::source::ReadAt for Seekable {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vt::Result<()> {
        self.fill(buf, offset)
    }
}

/// The bytes of an object of the caller, without copying them.
struct Held(PyBackedBytes);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} bytes)", self.0.len())
    }
}

impl vt::source::ReadAt for Held {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vt::Result<()> {
        // The library never reads past the end.
        buf.copy_from_slice(&self.0[offset as usize..][..buf.len()]);
        Ok(())
    }
}

/// The source of an archive: a path or URL, or an object that contains it.
pub(crate) enum ArchiveArgument {
    Path(PathBuf),
    Source(Arc<dyn vt::source::ReadAt>, PathBuf),
}

impl ArchiveArgument {
    /// The archive that the argument names or holds.
    pub(crate) fn open(self) -> vt::Result<vt::Archive> {
        match self {
            Self::Path(path) => vt::Archive::open(path),
            Self::Source(source, name) => vt::Archive::from_source(source, name),
        }
    }
}

impl FromPyObject<'_, '_> for ArchiveArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(path) = object.extract::<PathBuf>() {
            return Ok(Self::Path(path));
        }
        if let Ok(bytes) = object.extract::<PyBackedBytes>() {
            return Ok(Self::Source(Arc::new(Held(bytes)), "bytes".into()));
        }
        if object.hasattr("seek")? {
            // The name of a file is its path, or its descriptor as a number.
            let name =
                object.getattr("name").and_then(|name| name.extract()).unwrap_or_else(|_| "file".into());
            return Ok(Self::Source(Arc::new(Seekable::new(&object)?), name));
        }
        Err(PyTypeError::new_err(format!(
            "an archive must be a path, a URL, bytes, or a seekable binary file-like object; found {}",
            object.get_type().name()?
        )))
    }
}

/// An output: a path, or a binary file-like object.
pub(crate) enum Output {
    Path(PathBuf),
    Writer(Writer),
}

impl Output {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.extract::<PathBuf>() {
            Err(_) if object.hasattr("write")? => Ok(Self::Writer(Writer(object.clone().unbind()))),
            path => path.map(Self::Path),
        }
    }
}

/// An input that is read once and in order: a path, or a binary file-like object and its name in errors.
pub(crate) enum Input {
    Path(PathBuf),
    Reader(Reader, String),
}

impl Input {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match object.extract::<PathBuf>() {
            Err(_) if object.hasattr("read")? => {
                // The name of a file is its path, or its descriptor as a number.
                let path =
                    object.getattr("name").and_then(|name| name.extract::<PathBuf>()).unwrap_or_default();
                let name = path.file_name().map_or("file".into(), |name| name.to_string_lossy());
                Ok(Self::Reader(Reader(object.clone().unbind()), name.into_owned()))
            }
            path => path.map(Self::Path),
        }
    }
}
