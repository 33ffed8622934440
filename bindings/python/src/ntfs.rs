use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use self_cell::self_cell;
use vmtemplate as vt;

use crate::disk_image::DiskImage;
use crate::errors::OrRaise;
use crate::registry::RegistryHive;
use crate::run::run;
use crate::to_python::{to_list, to_python};

/// A read-only NTFS volume of a disk.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct NtfsVolume(Arc<vt::disk::NtfsVolume>);

impl NtfsVolume {
    pub(crate) fn of(volume: vt::disk::NtfsVolume) -> Self {
        Self(Arc::new(volume))
    }
}

#[pymethods]
impl NtfsVolume {
    /// Open the volume in the partition of `length` bytes at `offset` of the disk.
    #[staticmethod]
    #[pyo3(signature = (disk, offset=0, length=None))]
    fn open(py: Python<'_>, disk: &DiskImage, offset: u64, length: Option<u64>) -> PyResult<Self> {
        let disk = disk.get()?;
        let end = length.map_or(disk.size(), |length| offset.saturating_add(length));
        py.detach(|| vt::disk::NtfsVolume::open(&disk, offset..end)).or_raise().map(Self::of)
    }

    /// The offset of the volume on the disk, in bytes.
    #[getter]
    fn offset(&self) -> u64 {
        self.0.offset()
    }

    /// Its size in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.0.size()
    }

    /// The cluster size in bytes.
    #[getter]
    fn cluster_size(&self) -> u32 {
        self.0.cluster_size()
    }

    /// Its serial number.
    #[getter]
    fn serial_number(&self) -> u64 {
        self.0.serial_number()
    }

    /// Its label.
    #[getter]
    fn label(&self) -> &str {
        self.0.label()
    }

    /// The version of NTFS, such as `(3, 1)`.
    #[getter]
    fn version(&self) -> (u8, u8) {
        self.0.version()
    }

    /// Whether Windows will check the volume at its next start.
    #[getter]
    fn is_dirty(&self) -> bool {
        self.0.is_dirty()
    }

    /// Whether the journal is closed, which it is after a clean shutdown.
    fn has_clean_journal(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.has_clean_journal()).or_raise()
    }

    /// Whether Windows is hibernated on the volume.
    fn hibernation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = py.detach(|| self.0.hibernation()).or_raise()?;
        to_python(py, &found)
    }

    /// The file or folder at this path, with `\` or `/` between folders; `""` is the root. Case is ignored.
    fn file(&self, py: Python<'_>, path: &str) -> PyResult<NtfsFile> {
        py.detach(|| FileCell::try_new(Arc::clone(&self.0), |volume| volume.file(path)))
            .or_raise()
            .map(|file| NtfsFile { file, path: path.to_owned() })
    }

    /// Read the whole file at this path, which must not be larger than `max` bytes.
    #[pyo3(signature = (path, max=67_108_864))]
    fn read<'py>(&self, py: Python<'py>, path: &str, max: u64) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.file(path)?.read(max)).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// A hive of the Windows on the volume: `SYSTEM`, `SOFTWARE`, `SAM`, `SECURITY` or `DEFAULT`.
    pub(crate) fn hive(&self, py: Python<'_>, name: &str) -> PyResult<RegistryHive> {
        RegistryHive::of_windows(py, Arc::clone(&self.0), name)
    }

    /// Walk the folders from `folder` down, as `os.walk` does. Links are not followed.
    ///
    /// Each step is the path of a folder, the names of the folders in it, and the names of its files.
    #[pyo3(signature = (folder=""))]
    fn walk(&self, folder: &str) -> NtfsWalk {
        NtfsWalk(Mutex::new(WalkCell::new(Arc::clone(&self.0), |volume| volume.walk(folder))))
    }

    /// The paths of all files and folders that a pattern matches, in order. Case is ignored.
    ///
    /// `*` stands for any text and `?` for any character of a name, `**` for any number of folders:
    /// `volume.glob("Windows/**/*.log")`.
    fn glob(&self, py: Python<'_>, pattern: &str) -> PyResult<Vec<String>> {
        run(py, None, None, |_| self.0.glob(pattern))
    }

    fn __repr__(&self) -> String {
        format!("<NtfsVolume {:?}, {} bytes at {}>", self.0.label(), self.0.size(), self.0.offset())
    }
}

type Folders<'v> = vt::disk::NtfsWalk<'v>;

self_cell!(
    struct WalkCell {
        owner: Arc<vt::disk::NtfsVolume>,
        #[covariant]
        dependent: Folders,
    }
);

/// The path of a folder, the names of the folders in it, and the names of its files.
type Step = (String, Vec<String>, Vec<String>);

/// Iterates over the folders of a volume.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct NtfsWalk(Mutex<WalkCell>);

#[pymethods]
impl NtfsWalk {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Step>> {
        let next = py.detach(|| {
            let mut walk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            walk.with_dependent_mut(|_, folders| folders.next())
        });
        let names = |entries: Vec<vt::disk::NtfsEntry>| entries.into_iter().map(|entry| entry.name).collect();
        let folder = next.transpose().or_raise()?;
        Ok(folder.map(|folder| (folder.path, names(folder.folders), names(folder.files))))
    }
}

type File<'v> = vt::disk::NtfsFile<'v>;

self_cell!(
    struct FileCell {
        owner: Arc<vt::disk::NtfsVolume>,
        #[covariant]
        dependent: File,
    }
);

/// A file or folder of an NTFS volume.
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct NtfsFile {
    file: FileCell,
    path: String,
}

impl NtfsFile {
    fn get(&self) -> &vt::disk::NtfsFile<'_> {
        self.file.borrow_dependent()
    }

    /// The volume, and the path of the file on it.
    pub(crate) fn place(&self) -> (Arc<vt::disk::NtfsVolume>, &str) {
        (Arc::clone(self.file.borrow_owner()), &self.path)
    }
}

#[pymethods]
impl NtfsFile {
    /// Whether this is a folder.
    #[getter]
    fn is_folder(&self) -> bool {
        self.get().is_folder()
    }

    /// Its size in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.get().size()
    }

    /// The path that was used to open it.
    #[getter]
    fn path(&self) -> &str {
        &self.path
    }

    /// Read at most `length` bytes from `offset` on; fewer at the end of the file.
    fn read_at<'py>(&self, py: Python<'py>, offset: u64, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let read = py.detach(|| {
            // Allocate no more than the file has, even if the caller asks for more.
            let rest = self.get().size().saturating_sub(offset);
            let mut bytes = vec![0; length.min(usize::try_from(rest).unwrap_or(usize::MAX))];
            let read = self.get().read_at(&mut bytes, offset)?;
            bytes.truncate(read);
            Ok(bytes)
        });
        Ok(PyBytes::new(py, &read.or_raise()?))
    }

    /// Read the whole file, which must not be larger than `max` bytes.
    fn read<'py>(&self, py: Python<'py>, max: u64) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.get().read(max)).or_raise()?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The entries of the folder.
    fn list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries = py.detach(|| self.get().list()).or_raise()?;
        to_list(py, entries)
    }

    fn __repr__(&self) -> String {
        let what = if self.is_folder() { "folder" } else { "file" };
        format!("<NtfsFile {:?}, {what}, {} bytes>", self.path, self.size())
    }
}
