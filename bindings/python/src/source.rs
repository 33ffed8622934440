//! What the caller gives to be read: paths, bytes, and file-like objects.

use std::fmt;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use vmtemplate as vt;

/// A binary file-like object that is read from where it stands.
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

/// A binary file-like object that can seek, as the raw bytes of a disk.
pub(crate) struct SeekableDisk {
    file: Py<PyAny>,
    turn: Mutex<()>,
    size: u64,
}

impl SeekableDisk {
    pub(crate) fn new(file: &Bound<'_, PyAny>) -> PyResult<Self> {
        let size = file.call_method1("seek", (0, 2))?.extract()?;
        Ok(Self { file: file.clone().unbind(), turn: Mutex::new(()), size })
    }
}

impl fmt::Debug for SeekableDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeekableDisk").field("size", &self.size).finish_non_exhaustive()
    }
}

impl vt::DiskSource for SeekableDisk {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vt::Result<()> {
        let read = |py: Python<'_>| -> PyResult<()> {
            let file = self.file.bind(py);
            file.call_method1("seek", (offset,))?;
            let mut done = 0;
            while done < buf.len() {
                let bytes: PyBackedBytes = file.call_method1("read", (buf.len() - done,))?.extract()?;
                if bytes.is_empty() || bytes.len() > buf.len() - done {
                    return Err(PyValueError::new_err(format!(
                        "the file-like object returned {} bytes at offset {}; from 1 to {} were expected",
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
        // Another thread must not seek before this one has read.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Python::attach(read).map_err(|error| vt::Error::io("cannot read the image", io::Error::other(error)))
    }

    fn extent_at(&self, offset: u64) -> vt::Result<vt::Extent> {
        Ok(vt::Extent { offset, length: self.size - offset, kind: vt::ExtentKind::Data })
    }
}
