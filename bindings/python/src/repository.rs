use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{IntoPyDict, PyDict, PyList, PyTuple};
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::errors::OrRaise;
use crate::from_python::{arguments, parsed, word};
use crate::keys::{PublicKey, SigningKey};
use crate::run::run;
use crate::source::ArchiveArgument;
use crate::template::Template;
use crate::to_python::{to_list, to_python};
use crate::values;

/// A repository: a folder or URL with archives, and the file that describes them to the platform.
///
/// Iterating over it returns its entries. Several publishers may run at once, and any of them may be killed: readers of
/// the folder only ever see complete archives.
///
/// >>> import tempfile, vmtemplate as vt
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     repository = vt.Repository.create(folder)
/// ...     print(repository.format, repository.list())
/// vm6 []
#[pyclass(frozen, eq, module = "vmtemplate")]
#[derive(PartialEq)]
pub(crate) struct Repository(vt::Repository);

fn publish_options(
    key: Option<&SigningKey>,
    lock_timeout: Option<&Bound<'_, PyAny>>,
) -> PyResult<vt::repository::PublishOptions> {
    let key = key.map(|key| key.0.clone());
    let mut options = vt::repository::PublishOptions { key, ..vt::repository::PublishOptions::default() };
    if let Some(timeout) = lock_timeout {
        options.lock_timeout = values::duration(timeout)?;
    }
    Ok(options)
}

/// A mapping of keys to JSON values, in its order.
fn more_keys(set: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, String)>> {
    let mut options = vt::repository::EntryOptions::default();
    if let Some(set) = set {
        // Any mapping is accepted, but `json` takes only a dict.
        let py = set.py();
        let object = py.get_type::<PyDict>().call1((set,))?;
        let strict = [("ensure_ascii", false), ("allow_nan", false)].into_py_dict(py)?;
        let text = py.import("json")?.call_method("dumps", (object,), Some(&strict))?;
        options.set_keys(text.extract::<PyBackedStr>()?.as_ref()).or_raise()?;
    }
    Ok(options.set)
}

#[pymethods]
impl Repository {
    /// Open the repository in a folder. `format` is required if both descriptions exist, or none.
    #[staticmethod]
    #[pyo3(signature = (folder, format=None))]
    fn open(py: Python<'_>, folder: PathBuf, format: Option<&str>) -> PyResult<Self> {
        let format = format.map(parsed).transpose()?;
        run(py, None, None, |_| match format {
            Some(format) => vt::Repository::open_as(folder, format),
            None => vt::Repository::open(folder),
        })
        .map(Self)
    }

    /// Create an empty repository in a folder, which is created if it does not exist.
    ///
    /// Regardless of the umask, every user may read it (0644; 0755 for a new folder). Files that are published later
    /// get the mode and the owner of the description.
    #[staticmethod]
    #[pyo3(signature = (folder, format="vm6"))]
    fn create(py: Python<'_>, folder: PathBuf, format: &str) -> PyResult<Self> {
        let format = parsed(format)?;
        py.detach(|| vt::Repository::create(folder, format)).or_raise().map(Self)
    }

    /// The folder, or the URL.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.0.folder().to_owned()
    }

    /// The format of its description.
    #[getter]
    fn format<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.format())
    }

    /// The file that describes the archives.
    #[getter]
    fn description_path(&self) -> PathBuf {
        self.0.description_path()
    }

    /// Its templates in the order of the description, with version, size and modification time.
    ///
    /// If the description lacks one of these, it is taken from the archive, unless the repository is remote.
    fn list<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let entries = run(py, None, None, |_| self.0.list())?;
        to_list(py, entries)
    }

    /// Verify an archive, copy it into the folder, and describe it.
    ///
    /// `archive` is a path, a URL, bytes, or a seekable binary file-like object. Without a path, the name of the
    /// archive is derived from the name of its template. Options that are not given are taken from the archive.
    /// `replace` replaces the template with the same name, if one exists. `requirements` also writes its minimum memory
    /// and disk size. `set` has keys that the platform has and this module does not know, with JSON values. `key` signs
    /// the description. `lock_timeout` is the maximum time to wait for another publisher, as a timedelta or in seconds.
    #[pyo3(signature = (archive, *, replace=false, name=None, tags=None, file_name=None, image_name=None, expand=None, network_device=None, requirements=false, set=None, limits=None, key=None, lock_timeout=None, progress=None, cancel=None))]
    fn add<'py>(
        &self,
        py: Python<'py>,
        archive: ArchiveArgument,
        replace: bool,
        name: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        file_name: Option<String>,
        image_name: Option<String>,
        expand: Option<String>,
        network_device: Option<String>,
        requirements: bool,
        set: Option<&Bound<'py, PyAny>>,
        limits: Option<&Bound<'py, PyAny>>,
        key: Option<&SigningKey>,
        lock_timeout: Option<&Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        arguments!(tags: Option<vt::metainfo::Tags>, limits: vt::archive::UnpackLimits);
        let mut options = vt::repository::EntryOptions {
            name,
            tags,
            file_name,
            image_name,
            expand,
            network_device,
            requirements,
            set: more_keys(set)?,
            limits,
            publish: publish_options(key, lock_timeout)?,
        };
        let entry = run(py, progress, cancel, |control| {
            options.publish.control = control;
            match (archive, replace) {
                (ArchiveArgument::Path(path), false) => self.0.add(path, &options),
                (ArchiveArgument::Path(path), true) => self.0.add_or_replace(path, &options),
                (ArchiveArgument::Source(source, called), false) => {
                    self.0.add_source(source, called, &options)
                }
                (ArchiveArgument::Source(source, called), true) => {
                    self.0.add_or_replace_source(source, called, &options)
                }
            }
        })?;
        to_python(py, &entry)
    }

    /// Replace the archive of the template `name`.
    ///
    /// What neither an option nor the metainfo.xml of the new archive gives keeps its description.
    #[pyo3(signature = (name, archive, *, new_name=None, tags=None, file_name=None, image_name=None, expand=None, network_device=None, requirements=false, set=None, limits=None, key=None, lock_timeout=None, progress=None, cancel=None))]
    fn replace<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        archive: ArchiveArgument,
        new_name: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        file_name: Option<String>,
        image_name: Option<String>,
        expand: Option<String>,
        network_device: Option<String>,
        requirements: bool,
        set: Option<&Bound<'py, PyAny>>,
        limits: Option<&Bound<'py, PyAny>>,
        key: Option<&SigningKey>,
        lock_timeout: Option<&Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        arguments!(tags: Option<vt::metainfo::Tags>, limits: vt::archive::UnpackLimits);
        let mut options = vt::repository::EntryOptions {
            name: new_name,
            tags,
            file_name,
            image_name,
            expand,
            network_device,
            requirements,
            set: more_keys(set)?,
            limits,
            publish: publish_options(key, lock_timeout)?,
        };
        let entry = run(py, progress, cancel, |control| {
            options.publish.control = control;
            match archive {
                ArchiveArgument::Path(path) => self.0.replace(name, path, &options),
                ArchiveArgument::Source(source, called) => {
                    self.0.replace_source(name, source, called, &options)
                }
            }
        })?;
        to_python(py, &entry)
    }

    /// Pack a template directly into the repository, and describe it. Object storage receives it while it is packed.
    ///
    /// `replace` replaces the template with the same name, if one exists. The other options are those of
    /// `Template.pack` and of `add`.
    #[pyo3(signature = (template, *, replace=false, level=5, threads=None, mtime=None, free_space="skip", drop_page_files=false, sparse=false, name=None, tags=None, file_name=None, image_name=None, expand=None, network_device=None, requirements=false, set=None, key=None, lock_timeout=None, progress=None, cancel=None))]
    fn push<'py>(
        &self,
        py: Python<'py>,
        template: &Template,
        replace: bool,
        level: i32,
        threads: Option<NonZeroUsize>,
        mtime: Option<&Bound<'py, PyAny>>,
        free_space: &str,
        drop_page_files: bool,
        sparse: bool,
        name: Option<String>,
        tags: Option<&Bound<'py, PyAny>>,
        file_name: Option<String>,
        image_name: Option<String>,
        expand: Option<String>,
        network_device: Option<String>,
        requirements: bool,
        set: Option<&Bound<'py, PyAny>>,
        key: Option<&SigningKey>,
        lock_timeout: Option<&Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        arguments!(tags: Option<vt::metainfo::Tags>);
        let entry = vt::repository::EntryOptions {
            name,
            tags,
            file_name,
            image_name,
            expand,
            network_device,
            requirements,
            set: more_keys(set)?,
            publish: publish_options(key, lock_timeout)?,
            ..vt::repository::EntryOptions::default()
        };
        let pack = vt::archive::PackOptions {
            level: vt::archive::Level::new(level).or_raise()?,
            threads: threads.into(),
            mtime: mtime.map(values::seconds_since_1970).transpose()?,
            free_space: word(py, "free_space", free_space)?,
            drop_page_files,
            sparse,
            ..vt::archive::PackOptions::default()
        };
        let mut options = vt::repository::PushOptions { pack, entry, replace };
        let pushed = run(py, progress, cancel, |control| {
            options.entry.publish.control = vt::Control { progress: None, cancel: control.cancel.clone() };
            options.pack.control = control;
            self.0.push(&template.0, &options)
        })?;
        values::logged(to_python(py, &pushed)?)
    }

    /// Fetch the archive of a template into a folder, and verify it. An interrupted fetch is resumed.
    #[pyo3(signature = (name, folder, *, public_key=None, overwrite=false, limits=None, progress=None, cancel=None))]
    fn fetch<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        folder: PathBuf,
        public_key: Option<&PublicKey>,
        overwrite: bool,
        limits: Option<&Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let public_key = public_key.map(|key| key.0.clone());
        arguments!(limits: vt::archive::UnpackLimits);
        let fetched = run(py, progress, cancel, |control| {
            self.0.fetch(
                name,
                folder,
                &vt::repository::FetchOptions { public_key, overwrite: overwrite.into(), limits, control },
            )
        })?;
        let made = to_python(py, &fetched)?;
        // A path that is not UTF-8 is exact here, as `os.fsdecode` has it.
        made.getattr("__dict__")?.set_item("path", fetched.path.into_os_string())?;
        values::logged(made)
    }

    /// Remove a template from the description, then delete its archive.
    #[pyo3(signature = (name, *, key=None, lock_timeout=None, cancel=None))]
    fn remove<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        key: Option<&SigningKey>,
        lock_timeout: Option<&Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut options = publish_options(key, lock_timeout)?;
        let entry = run(py, None, cancel, |control| {
            options.control = control;
            self.0.remove(name, &options)
        })?;
        to_python(py, &entry)
    }

    /// Update sizes and checksums of archives that were changed by hand.
    ///
    /// The entries of damaged and missing archives stay unchanged.
    #[pyo3(signature = (*, key=None, lock_timeout=None, progress=None, cancel=None))]
    fn sync<'py>(
        &self,
        py: Python<'py>,
        key: Option<&SigningKey>,
        lock_timeout: Option<&Bound<'py, PyAny>>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut options = publish_options(key, lock_timeout)?;
        let synced = run(py, progress, cancel, |control| {
            options.control = control;
            self.0.sync(&options)
        })?;
        values::logged(to_python(py, &synced)?)
    }

    /// Check the description, the archives, the checksums, and with `public_key` the signatures.
    ///
    /// `quick` opens the archives without reading all of them.
    #[pyo3(signature = (*, public_key=None, quick=false, limits=None, threads=None, progress=None, cancel=None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        public_key: Option<&PublicKey>,
        quick: bool,
        limits: Option<&Bound<'py, PyAny>>,
        threads: Option<NonZeroUsize>,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let public_key = public_key.map(|key| key.0.clone());
        arguments!(limits: vt::archive::UnpackLimits);
        let report = run(py, progress, cancel, |control| {
            self.0.check(&vt::repository::RepositoryCheckOptions {
                public_key,
                quick,
                limits,
                threads: threads.into(),
                control,
            })
        })?;
        values::report(py, &report, &self.0.folder().to_string_lossy())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        run(py, None, None, |_| self.0.list()).map(|entries| entries.len())
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let entries = run(py, None, None, |_| self.0.list())?;
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => to_python(py, entry),
            None => Err(PyKeyError::new_err(name.to_owned())),
        }
    }

    /// Whether it has a template with this name, or this very entry.
    fn __contains__(&self, py: Python<'_>, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        match item.extract::<String>() {
            Ok(name) => Ok(run(py, None, None, |_| self.0.list())?.iter().any(|entry| entry.name == name)),
            Err(_) => self.list(py)?.contains(item),
        }
    }

    // A repository without templates is still a repository.
    fn __bool__(&self) -> bool {
        true
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.list(py)?.try_iter()?.into_any())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let repository = slf.get();
        let arguments = (repository.folder(), repository.format(py)?);
        (slf.get_type().getattr("open")?, arguments).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        format!("<Repository {:?}, {}>", self.0.folder(), self.0.format())
    }
}
