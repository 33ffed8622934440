use std::num::NonZeroUsize;
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use vmtemplate as vt;

use crate::cancel_token::CancelToken;
use crate::disk_image::{DiskImage, open_options};
use crate::errors::OrRaise;
use crate::from_python::{arguments, parsed, word};
use crate::functions::check_options;
use crate::install_drive::InstallDrive;
use crate::macro_values::ValuesArgument;
use crate::metainfo::Metainfo;
use crate::run::run;
use crate::script::Script;
use crate::setup_script::SetupScript;
use crate::source::{ArchiveArgument, Output, Reader};
use crate::to_python::to_python;
use crate::values;

/// A template: a disk image, a setup script and a metainfo.xml.
///
/// >>> import tempfile, pathlib, vmtemplate as vt
/// >>> template = vt.Template.build(
/// ...     "Windows-Server-2019", image=bytes(1 << 20), limits=vt.Limits(ipv4=True, memory_mib=1024), tags=["windows"]
/// ... )
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     summary = template.pack(pathlib.Path(folder, "w2019.tar.gz"))
/// ...     again = vt.Template.open(pathlib.Path(folder, "w2019.tar.gz"))
/// >>> again.metainfo.os_name, again.metainfo.limits.memory_mib, summary.content_bytes > 1 << 20
/// ('Windows-Server-2019', 1024, True)
#[pyclass(frozen, module = "vmtemplate")]
pub(crate) struct Template(pub(crate) vt::Template);

/// The image argument of a new template.
enum ImageArgument {
    Path(PathBuf),
    Image(vt::DiskImage),
}

fn image_argument(py: Python<'_>, image: &Bound<'_, PyAny>) -> PyResult<ImageArgument> {
    if let Ok(image) = image.cast::<DiskImage>() {
        return Ok(ImageArgument::Image(image.get().get()?));
    }
    if let Ok(path) = image.extract::<PathBuf>() {
        return Ok(ImageArgument::Path(path));
    }
    if let Ok(bytes) = values::bytes(image) {
        return Ok(ImageArgument::Image(vt::DiskImage::from_bytes(bytes)));
    }
    if image.hasattr("read")? {
        let reader = Reader(image.clone().unbind());
        return run(py, None, None, |control| {
            vt::DiskImage::from_stream(
                reader,
                &vt::disk::OpenOptions { control, ..vt::disk::OpenOptions::default() },
            )
        })
        .map(ImageArgument::Image);
    }
    Err(PyTypeError::new_err(format!(
        "an image must be a path, a DiskImage, bytes, or a binary file-like object; found {}",
        image.get_type().name()?
    )))
}

fn with_script(
    py: Python<'_>,
    builder: vt::template::TemplateBuilder,
    script: &Bound<'_, PyAny>,
) -> PyResult<vt::template::TemplateBuilder> {
    if let Ok(script) = script.cast::<Script>() {
        return Ok(builder.script(script.get().0.clone()));
    }
    if let Ok(setup) = script.cast::<SetupScript>() {
        return Ok(builder.script(setup.get().0.clone().build().or_raise()?));
    }
    if let Ok(path) = script.extract::<PathBuf>() {
        return Ok(py.detach(|| builder.script_path(path)));
    }
    if let Ok(bytes) = values::bytes(script) {
        return Ok(builder.script(vt::Script::from_bytes(bytes)));
    }
    Err(PyTypeError::new_err(format!(
        "a script must be a path, a Script, a SetupScript, or bytes; found {}",
        script.get_type().name()?
    )))
}

// The signatures of `pack` and `push` show it as a number.
const _: () = assert!(vt::archive::Level::DEFAULT.get() == 5);

#[pymethods]
impl Template {
    /// The name of the metadata file in a template.
    #[classattr]
    const METAINFO: &'static str = vt::Template::METAINFO;

    /// Build a template from its parts. An error reports every problem at once.
    ///
    /// `image` is a path, a `DiskImage`, bytes of a raw disk, or a binary file-like object, which is read completely.
    /// `script` is a path, a `Script`, a `SetupScript`, or bytes; the default is vmtemplate's own script. `support`
    /// defaults to VMmgr, `limits.disk_mb` to the size of the image, and file names to the names of the given files.
    /// `base` is a metainfo.xml in which only the given values are changed; `name` is then optional.
    #[staticmethod]
    #[pyo3(signature = (name=None, *, image=None, script=None, limits=None, tags=None, version=None, macros=None, support=None, reboot_count=None, virtio_disk=None, virtio_net=None, image_name=None, script_name=None, base=None))]
    fn build(
        py: Python<'_>,
        name: Option<String>,
        image: Option<&Bound<'_, PyAny>>,
        script: Option<&Bound<'_, PyAny>>,
        limits: Option<&Bound<'_, PyAny>>,
        tags: Option<&Bound<'_, PyAny>>,
        version: Option<String>,
        macros: Option<&Bound<'_, PyAny>>,
        support: Option<&Bound<'_, PyAny>>,
        reboot_count: Option<u32>,
        virtio_disk: Option<bool>,
        virtio_net: Option<bool>,
        image_name: Option<String>,
        script_name: Option<String>,
        base: Option<&Metainfo>,
    ) -> PyResult<Self> {
        arguments!(limits: vt::metainfo::Limits, tags: Vec<String>, macros: Vec<String>, support: vt::metainfo::Support);
        let mut builder = match base {
            Some(base) => vt::template::TemplateBuilder::from_metainfo(base.copy()),
            None => vt::Template::builder(name.as_deref().unwrap_or_default()),
        };
        // The builder opens the path, so that a problem with it is reported together with all others.
        builder = match image.map(|image| image_argument(py, image)).transpose()? {
            Some(ImageArgument::Path(path)) => py.detach(|| builder.image_path(path)),
            Some(ImageArgument::Image(image)) => builder.image(image),
            None => builder,
        };
        if let Some(script) = script {
            builder = with_script(py, builder, script)?;
        }
        builder = builder.limits(limits).tags(tags);
        builder = macros.into_iter().fold(builder, vt::template::TemplateBuilder::declare_macro);
        builder = support.products.into_iter().fold(builder, vt::template::TemplateBuilder::support);
        // Whatever was not given stays as the library has it.
        macro_rules! given {
            ($($option:ident => $method:ident;)*) => {
                $(if let Some(value) = $option { builder = builder.$method(value); })*
            };
        }
        given! {
            name => name;
            version => template_version;
            reboot_count => reboot_count;
            virtio_disk => virtio_disk;
            virtio_net => virtio_net;
            image_name => image_name;
            script_name => script_name;
        }
        py.detach(|| builder.build()).or_raise().map(Self)
    }

    /// Open an archive, or a folder that contains metainfo.xml. The image is not read.
    ///
    /// An archive is a path, a URL, bytes, or a seekable binary file-like object, which no other code may use at the
    /// same time. `format` and `backing_files` apply to the image in a folder, as in `DiskImage.open`.
    #[staticmethod]
    #[pyo3(signature = (path, *, format=None, backing_files=None))]
    fn open(
        py: Python<'_>,
        path: ArchiveArgument,
        format: Option<&str>,
        backing_files: Option<PathBuf>,
    ) -> PyResult<Self> {
        let options = open_options(format, backing_files, None, None, None)?;
        run(py, None, None, |_| match path {
            ArchiveArgument::Path(path) => vt::Template::open_with(path, &options),
            source @ ArchiveArgument::Source(..) => source.open()?.template(),
        })
        .map(Self)
    }

    /// A copy of its metadata. To change a template, build another one with this as `base`.
    #[getter]
    fn metainfo(&self) -> Metainfo {
        Metainfo::of(self.0.metainfo().clone())
    }

    /// Its setup script, if it has one.
    #[getter]
    fn script(&self) -> Option<Script> {
        self.0.script().cloned().map(Script)
    }

    /// Its disk image, if it can be read in place.
    #[getter]
    fn image(&self) -> Option<DiskImage> {
        self.0.image().cloned().map(DiskImage::of)
    }

    /// Its files, in the order of the archive.
    #[getter]
    fn files<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.0.files())
    }

    /// Everything about the template that is known without reading its image.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let info = py.detach(|| self.0.info()).or_raise()?;
        to_python(py, &info)
    }

    /// Replace the macros of the setup script, as `Script.render` does.
    ///
    /// The characters that passwords must not contain are taken from the metadata if they are not given.
    #[pyo3(signature = (values, *, missing="error", as_platform=false, language=None, illegal_password_characters=None, declared=None))]
    fn render(
        &self,
        py: Python<'_>,
        values: ValuesArgument,
        missing: &str,
        as_platform: bool,
        language: Option<&str>,
        illegal_password_characters: Option<String>,
        declared: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Script> {
        let options =
            values::render_options(missing, as_platform, language, illegal_password_characters, declared)?;
        py.detach(|| self.0.render(&values.0, &options)).or_raise().map(Script)
    }

    /// The same for the template or script at `path`.
    #[staticmethod]
    #[pyo3(signature = (path, values, *, missing="error", as_platform=false, language=None, illegal_password_characters=None, declared=None))]
    fn render_path(
        py: Python<'_>,
        path: PathBuf,
        values: ValuesArgument,
        missing: &str,
        as_platform: bool,
        language: Option<&str>,
        illegal_password_characters: Option<String>,
        declared: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Script> {
        let options =
            values::render_options(missing, as_platform, language, illegal_password_characters, declared)?;
        py.detach(|| vt::Template::render_path(path, &values.0, &options)).or_raise().map(Script)
    }

    /// Render the script and make the install drive of a new machine from it.
    #[pyo3(signature = (values, *, missing="error", as_platform=false, language=None, illegal_password_characters=None, declared=None, padding="blank-lines"))]
    fn install_drive(
        &self,
        py: Python<'_>,
        values: ValuesArgument,
        missing: &str,
        as_platform: bool,
        language: Option<&str>,
        illegal_password_characters: Option<String>,
        declared: Option<&Bound<'_, PyAny>>,
        padding: &str,
    ) -> PyResult<InstallDrive> {
        let options =
            values::render_options(missing, as_platform, language, illegal_password_characters, declared)?;
        let padding = parsed(padding)?;
        py.detach(|| self.0.install_drive(&values.0, &options, padding)).or_raise().map(InstallDrive)
    }

    /// Check the template against all rules; `vmtemplate.check` describes the options.
    #[pyo3(signature = (*, allow=None, severities=None, deny_warnings=false, skip_image=false, language=None, format=None, cancel=None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        allow: Option<&Bound<'_, PyAny>>,
        severities: Option<&Bound<'_, PyAny>>,
        deny_warnings: bool,
        skip_image: bool,
        language: Option<&str>,
        format: Option<&str>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = check_options(allow, severities, deny_warnings, skip_image, language, format)?;
        let report =
            run(py, None, cancel, |control| self.0.check(&vt::report::CheckOptions { control, ..options }))?;
        values::report(py, &report, self.0.metainfo().os_name().as_deref().unwrap_or("template"))
    }

    /// Pack the template into an archive, which appears complete or not at all, or into a writable binary file-like
    /// object.
    ///
    /// `level` is the compression level from 1 (fastest) to 12 (smallest). `mtime` is the time of all entries, as a
    /// datetime or in seconds since 1970; the default is SOURCE_DATE_EPOCH or 1980-01-01, so that the same input gives
    /// the same bytes. `sparse` does not store the holes of the image, which not every tar can unpack. `progress` is
    /// called repeatedly with a `Progress`, on this thread; an exception in it cancels the work.
    #[pyo3(signature = (path, *, level=5, threads=None, mtime=None, overwrite=false, free_space="skip", drop_page_files=false, sparse=false, progress=None, cancel=None))]
    fn pack<'py>(
        &self,
        py: Python<'py>,
        path: Bound<'py, PyAny>,
        level: i32,
        threads: Option<NonZeroUsize>,
        mtime: Option<&Bound<'py, PyAny>>,
        overwrite: bool,
        free_space: &str,
        drop_page_files: bool,
        sparse: bool,
        progress: Option<Bound<'py, PyAny>>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mtime = mtime.map(values::seconds_since_1970).transpose()?;
        let free_space = word(py, "free_space", free_space)?;
        let output = Output::of(&path)?;
        let summary = run(py, progress, cancel, |control| {
            let options = vt::archive::PackOptions {
                level: vt::archive::Level::new(level)?,
                threads: threads.into(),
                mtime,
                overwrite: overwrite.into(),
                free_space,
                drop_page_files,
                sparse,
                control,
            };
            match output {
                Output::Path(path) => self.0.pack(path, &options),
                Output::Writer(writer) => self.0.pack_to(writer, &options),
            }
        })?;
        values::logged(to_python(py, &summary)?)
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        values::html(slf, "template")
    }

    fn __repr__(&self) -> String {
        format!("<Template {:?}>", self.0.metainfo().os_name().unwrap_or_default())
    }
}
