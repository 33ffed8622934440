use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use self_cell::self_cell;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::closable::Closable;
use crate::errors::OrRaise;
use crate::from_python::{parsed, word};
use crate::ntfs::NtfsVolume;
use crate::registry::RegistryHive;
use crate::run::run;
use crate::source::{Output, Reader, Seekable};
use crate::to_python::to_python;
use crate::values;

/// An open, read-only disk image: the bytes of the virtual disk, independent of the image format.
///
/// >>> import vmtemplate as vt
/// >>> disk = vt.DiskImage.from_bytes(bytes(512) + b"data" + bytes(508))
/// >>> disk.size, disk.read(512, 4)
/// (1024, b'data')
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct DiskImage(Closable<vt::DiskImage>);

impl DiskImage {
    pub(crate) fn of(image: vt::DiskImage) -> Self {
        Self(Closable::new(image))
    }

    pub(crate) fn get(&self) -> PyResult<vt::DiskImage> {
        self.0.get()
    }
}

pub(crate) fn open_options(
    format: Option<&str>,
    backing_files: Option<PathBuf>,
    max_size: Option<u64>,
    temporary_folder: Option<PathBuf>,
    rbd_program: Option<PathBuf>,
) -> PyResult<vt::disk::OpenOptions> {
    let default = vt::disk::OpenOptions::default();
    Ok(vt::disk::OpenOptions {
        format: format.map(parsed).transpose()?,
        backing_files,
        max_size: max_size.unwrap_or(default.max_size),
        temporary_folder,
        rbd_program,
        ..default
    })
}

#[pymethods]
impl DiskImage {
    /// Open a raw file, a block device, a qcow2, VHDX, VMDK or VHD, or `rbd:POOL/IMAGE[@SNAP]`.
    ///
    /// Without `format`, the format is recognised by content. Files that an image refers to, such as the backing file
    /// of a qcow2, are opened only in the folder `backing_files`.
    #[staticmethod]
    #[pyo3(signature = (path, *, format=None, backing_files=None, max_size=None, temporary_folder=None, rbd_program=None))]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        format: Option<&str>,
        backing_files: Option<PathBuf>,
        max_size: Option<u64>,
        temporary_folder: Option<PathBuf>,
        rbd_program: Option<PathBuf>,
    ) -> PyResult<Self> {
        let options = open_options(format, backing_files, max_size, temporary_folder, rbd_program)?;
        py.detach(|| vt::DiskImage::open_with(path, &options)).or_raise().map(Self::of)
    }

    /// A raw disk with these bytes.
    #[staticmethod]
    fn from_bytes(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::of(vt::DiskImage::from_bytes(values::bytes(data)?)))
    }

    /// An image of any format from a binary file-like object, such as a pipe or a response over HTTP.
    ///
    /// The whole object is first copied into a temporary file without a name, in which blocks of zeros take no space.
    #[staticmethod]
    #[pyo3(signature = (file, *, format=None, max_size=None, temporary_folder=None, progress=None, cancel=None))]
    fn from_stream(
        py: Python<'_>,
        file: Py<PyAny>,
        format: Option<&str>,
        max_size: Option<u64>,
        temporary_folder: Option<PathBuf>,
        progress: Option<Bound<'_, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Self> {
        let options = open_options(format, None, max_size, temporary_folder, None)?;
        run(py, progress, cancel, |control| {
            vt::DiskImage::from_stream(Reader(file), &vt::disk::OpenOptions { control, ..options })
        })
        .map(Self::of)
    }

    /// A raw disk in a seekable binary file-like object, which is read on demand.
    ///
    /// No other code may use the object at the same time.
    #[staticmethod]
    fn from_seekable(file: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self::of(vt::DiskImage::from_source(std::sync::Arc::new(Seekable::new(file)?))))
    }

    /// The size of the virtual disk in bytes.
    #[getter]
    fn size(&self) -> PyResult<u64> {
        Ok(self.get()?.size())
    }

    /// The name of the format, as `qemu-img` spells it.
    #[getter]
    fn format(&self) -> PyResult<&'static str> {
        Ok(self.get()?.format())
    }

    /// The path of the image, if it was opened by a path.
    #[getter]
    fn path(&self) -> PyResult<Option<PathBuf>> {
        Ok(self.get()?.path().map(ToOwned::to_owned))
    }

    /// Read `length` bytes of the disk from `offset` on.
    fn read<'py>(&self, py: Python<'py>, offset: u64, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let disk = self.get()?;
        let bytes = py.detach(|| disk.read_vec(offset, length)).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The parts of the disk in order, each with its kind: data, zeros, or free space. No data is read.
    fn extents(&self) -> PyResult<ExtentIterator> {
        Ok(ExtentIterator(Mutex::new(Walk::new(self.get()?, vt::DiskImage::extents))))
    }

    /// What the disk contains: its partitions, its volumes, and how much of it packing would read.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let disk = self.get()?;
        let info = run(py, None, None, |_| disk.info())?;
        to_python(py, &info)
    }

    /// The same disk with free clusters of its NTFS volumes read as zeros, and a report for each volume.
    #[pyo3(signature = (*, free_space="skip", drop_page_files=false, cancel=None))]
    fn without_free_space<'py>(
        &self,
        py: Python<'py>,
        free_space: &str,
        drop_page_files: bool,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let free_space = word(py, "free_space", free_space)?;
        let disk = self.get()?;
        let (disk, report) = run(py, None, cancel, |control| {
            disk.without_free_space(&vt::disk::FreeSpaceOptions { free_space, drop_page_files, control })
        })?;
        (Self::of(disk), to_python(py, &report)?).into_pyobject(py)
    }

    /// Write the disk to a sparse raw file, which appears complete or not at all, or to a binary file-like object.
    ///
    /// A device or a named pipe is written to directly; a block device requires `overwrite`.
    #[pyo3(signature = (path, *, overwrite=false, threads=0, free_space="skip", drop_page_files=false, progress=None, cancel=None))]
    fn write_raw<'py>(
        &self,
        py: Python<'py>,
        path: Bound<'py, PyAny>,
        overwrite: bool,
        threads: usize,
        free_space: &str,
        drop_page_files: bool,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let free_space = word(py, "free_space", free_space)?;
        let output = Output::of(&path)?;
        let disk = self.get()?;
        let summary = run(py, progress, cancel, |control| {
            let options = vt::disk::WriteRawOptions {
                overwrite: overwrite.into(),
                threads: vt::progress::Threads::new(threads),
                free_space,
                drop_page_files,
                control,
            };
            match output {
                Output::Path(path) => disk.write_raw(path, &options),
                Output::Writer(writer) => disk.write_raw_to(writer, &options),
            }
        })?;
        values::logged(to_python(py, &summary)?)
    }

    /// The volume on which Windows is installed: `image.windows().read("Windows/win.ini")`.
    fn windows(&self, py: Python<'_>) -> PyResult<NtfsVolume> {
        let disk = self.get()?;
        run(py, None, None, |_| disk.windows()).map(NtfsVolume::of)
    }

    /// A hive of the Windows on the disk: `SYSTEM`, `SOFTWARE`, `SAM`, `SECURITY` or `DEFAULT`.
    fn hive(&self, py: Python<'_>, name: &str) -> PyResult<RegistryHive> {
        self.windows(py)?.hive(py, name)
    }

    /// Close the image. Volumes and templates that were made from it can still be read.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    /// Whether the image was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.0.is_closed()
    }

    fn __enter__(slf: Py<Self>) -> PyResult<Py<Self>> {
        slf.get().get()?;
        Ok(slf)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        values::html(slf, "image")
    }

    fn __repr__(&self) -> String {
        let Ok(disk) = self.get() else {
            return "<DiskImage, closed>".into();
        };
        let place = disk.path().map(|path| format!(" {path:?}")).unwrap_or_default();
        format!("<DiskImage{place}, {}, {} bytes>", disk.format(), disk.size())
    }
}

self_cell!(
    struct Walk {
        owner: vt::DiskImage,
        #[covariant]
        dependent: Extents,
    }
);

type Extents<'a> = vt::disk::Extents<'a>;

/// Iterates over the extents of a disk.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct ExtentIterator(Mutex<Walk>);

#[pymethods]
impl ExtentIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| {
            let mut walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            walk.with_dependent_mut(|_, extents| extents.next())
        });
        next.transpose().or_raise()?.map(|extent| to_python(py, &extent)).transpose()
    }
}
