//! The template: a disk image, a setup script and a metainfo.xml, as one object.
//!
//! [`TemplateBuilder`] makes one of its parts and reports every problem at once; [`Template::open`] opens an archive or a
//! folder. [`TemplateInfo`] sums one up, as `vmtemplate inspect --json` prints it.

mod builder;
mod info;
mod of_archive;
mod rest;

use std::io::Write;
use std::path::Path;

use crate::archive::{
    self, Archive, ArchiveEntry, PackContent, PackEntries, PackEntry, PackOptions, PackSummary,
};
use crate::check::{self, CheckOptions, Parts};
use crate::disk::{DiskImage, FreeSpaceOptions, FreeSpaceReport, OpenOptions};
use crate::drive::{InstallDrive, Padding};
use crate::error::{Error, ErrorKind, Result};
use crate::file::head;
use crate::macros::{MacroValues, RenderOptions};
use crate::metainfo::{Metainfo, MetainfoKey};
use crate::named::{self, image_name, script_name};
use crate::remote::Location;
use crate::rules::Report;
use crate::script::Script;
use crate::sources::Sources;

use rest::Rest;

pub use builder::TemplateBuilder;
pub use info::{ScriptInfo, TemplateInfo};

/// An OS template: metadata, setup script and disk image.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("vmt-doc-template-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # std::fs::write(dir.join("win2019.raw"), vec![1; 4096]).unwrap();
/// use vmtemplate::archive::PackOptions;
/// use vmtemplate::Template;
///
/// let template = Template::builder("Windows-Server-2019")
///     .image_path(dir.join("win2019.raw"))
///     .memory_mib(1024)
///     .ipv4(true)
///     .tag("windows")
///     .declare_macro("($PRODUCTKEY)")
///     .build()?;
/// template.pack(dir.join("Windows-Server-2019.tar.gz"), &PackOptions::default())?;
///
/// let again = Template::open(dir.join("Windows-Server-2019.tar.gz"))?;
/// assert_eq!(again.metainfo().os_name().as_deref(), Some("Windows-Server-2019"));
/// assert_eq!(again.image().unwrap().size(), 4096);
/// # std::fs::remove_dir_all(dir).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct Template {
    metainfo: Metainfo,
    script: Option<Script>,
    image: Option<DiskImage>,
    /// The other files that the metadata names.
    rest: Rest,
    files: Vec<ArchiveEntry>,
    /// The files that it was read from, which no output of it may replace: none if it is an archive.
    sources: Sources,
    /// The image is the one in an archive, unconverted.
    is_archive: bool,
}

impl Template {
    /// The name that a template's metadata has in an archive and in a folder.
    ///
    /// ```
    /// assert_eq!(vmtemplate::Template::METAINFO, "metainfo.xml");
    /// ```
    pub const METAINFO: &str = named::METAINFO;

    /// Begin a new template for the operating system `name`, such as `Windows-Server-2019`.
    ///
    /// ```
    /// let error = vmtemplate::Template::builder("Windows-Server-2019").build().unwrap_err();
    /// assert!(error.to_string().contains("image"));
    /// ```
    pub fn builder(name: impl Into<String>) -> TemplateBuilder {
        TemplateBuilder::new(name.into())
    }

    /// Open a template: an archive, or a folder that holds metainfo.xml and the files it names. An archive may be given
    /// by its URL (feature `remote`); then only the parts of it that are needed are fetched.
    ///
    /// Only metadata and script are read. In an archive of this crate the image is opened as well and can be read in
    /// place; the archive of another tool has to be read to its end, and its image is only listed. A file that
    /// metainfo.xml names and that does not exist is not an error here.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound), also if metainfo.xml does not exist;
    /// [`InvalidMetainfo`](ErrorKind::InvalidMetainfo), also if a file name in it leads out of the template;
    /// [`InvalidArchive`](ErrorKind::InvalidArchive) and [`UnsafeArchive`](ErrorKind::UnsafeArchive).
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("vmt-doc-open-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// std::fs::write(dir.join("metainfo.xml"), "<doc><osname>Windows-Server-2019</osname></doc>").unwrap();
    ///
    /// let template = vmtemplate::Template::open(&dir)?;
    /// assert_eq!(template.files()[0].name, "metainfo.xml");
    /// assert!(template.image().is_none());
    /// # std::fs::remove_dir_all(dir).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// The same, with the image of a folder opened with `options`, which do not apply to an image in an archive.
    ///
    /// ```
    /// use vmtemplate::disk::{ImageFormat, OpenOptions};
    /// use vmtemplate::Template;
    ///
    /// let options = OpenOptions { format: Some(ImageFormat::Raw), ..OpenOptions::default() };
    /// assert!(Template::open_with("/no/such/folder", &options).is_err());
    /// ```
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        match Location::of(path)? {
            Location::Path(folder) if folder.is_dir() => Self::open_folder(&folder, options),
            _ => Self::of_archive(&Archive::open(path)?),
        }
    }

    fn open_folder(folder: &Path, options: &OpenOptions) -> Result<Self> {
        let path = folder.join(Self::METAINFO);
        let metainfo = Metainfo::from_file(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => error.with_help(format!(
                "a template folder contains {}, and the image and the script that it names",
                Self::METAINFO
            )),
            _ => error,
        })?;
        let (script_name, image_name) = file_names(&metainfo).map_err(|error| error.with_path(&path))?;
        let rest = Rest::of_folder(folder, &metainfo)?;
        let size = metainfo.to_bytes().len() as u64;
        let mut files = vec![ArchiveEntry { name: Self::METAINFO.to_owned(), size }];
        let mut script = None;
        if let Some(name) = script_name
            && let Some(path) = named::find(folder, &name, &MetainfoKey::ScriptFile)?
        {
            let found = Script::from_file(path)?;
            files.push(ArchiveEntry { name, size: found.bytes().len() as u64 });
            script = Some(found);
        }
        files.extend(rest.files());
        let mut image = None;
        if let Some(name) = image_name
            && let Some(path) = named::find(folder, &name, &MetainfoKey::ImageFile)?
        {
            let found = DiskImage::open_with(path, options)?;
            files.push(ArchiveEntry { name, size: found.size() });
            image = Some(found);
        }
        let own = files.iter().map(|file| folder.join(&file.name));
        let sources = Sources::new(own.chain(image.iter().flat_map(DiskImage::files)));
        Ok(Self { metainfo, script, image, rest, files, sources, is_archive: false })
    }

    pub(super) fn of_archive(archive: &Archive) -> Result<Self> {
        let metainfo = Metainfo::parse(&archive.read(Self::METAINFO)?)
            .map_err(|error| error.with_path(archive.path()).with_entry(Self::METAINFO))?;
        let (script_name, image_name) = file_names(&metainfo)
            .map_err(|error| error.with_path(archive.path()).with_entry(Self::METAINFO))?;
        let entries = archive.entries()?;
        let has = |name: &String| entries.iter().any(|entry| entry.name == *name);
        let script =
            script_name.filter(has).map(|name| archive.read(&name)).transpose()?.map(Script::from_bytes);
        let image = match image_name.filter(has).map(|name| archive.disk(&name)).transpose() {
            Err(error) if error.kind() == ErrorKind::Unsupported => None,
            image => image?,
        };
        let rest = Rest::of_archive(archive, &metainfo)?;
        let files = entries.to_vec();
        Ok(Self { metainfo, script, image, rest, files, sources: Sources::default(), is_archive: true })
    }

    /// The metadata.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
    /// assert_eq!(template.metainfo().reboot_count()?, 1);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn metainfo(&self) -> &Metainfo {
        &self.metainfo
    }

    /// The setup script, as it is in the template.
    ///
    /// ```
    /// # use vmtemplate::script::LineEnding;
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
    /// assert_eq!(template.script().unwrap().line_ending(), LineEnding::CrLf);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn script(&self) -> Option<&Script> {
        self.script.as_ref()
    }

    /// The disk image, where it can be read: not in the archive of another tool, which must be unpacked first.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
    /// assert_eq!(template.image().unwrap().size(), 512);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn image(&self) -> Option<&DiskImage> {
        self.image.as_ref()
    }

    /// The files of the template with their sizes, as they are or will be in the archive.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).image_name("win10.hddimage").build()?;
    /// assert_eq!(template.files()[2].name, "win10.hddimage");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn files(&self) -> &[ArchiveEntry] {
        &self.files
    }

    /// The setup script with its macros replaced, as [`Script::render`] does it. Macros that metainfo.xml declares are
    /// known. The language follows from the name of the script, and the characters that passwords must not contain from
    /// metainfo.xml, unless the options give them.
    ///
    /// # Errors
    ///
    /// Those of [`Script::render`]; [`InvalidTemplate`](ErrorKind::InvalidTemplate) if the template has no script.
    ///
    /// ```
    /// # use vmtemplate::macros::{MacroValues, RenderOptions};
    /// # use vmtemplate::{DiskImage, Script, Template};
    /// let script = Script::from_text("net user Administrator ($PASS)\r\n");
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).script(script).build()?;
    /// let values = MacroValues::new().with("PASS", "a b")?;
    /// let rendered = template.render(&values, &RenderOptions::default())?;
    /// assert_eq!(rendered.text(), "net user Administrator \"a b\"\r\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn render(&self, values: &MacroValues, options: &RenderOptions) -> Result<Script> {
        let Some(script) = &self.script else {
            return Err(match self.metainfo.script_file() {
                Some(name) => missing("installdrive", "setup script", &name),
                None => unnamed("installdrive", "setup script"),
            });
        };
        let mut options = options.clone();
        if options.illegal_password_characters.is_none() {
            options.illegal_password_characters =
                self.metainfo.illegal_password_characters().map(std::borrow::Cow::into_owned);
        }
        options.declared.extend(self.metainfo.declared_macros().iter().filter_map(|name| name.parse().ok()));
        if options.language.is_none() {
            options.language = self.metainfo.script_file().and_then(|name| script.language_as(&name));
        }
        Ok(script.render(values, &options)?.with_sources(&self.sources))
    }

    /// The install drive of a new machine: [`Template::render`] on a drive of the right size.
    ///
    /// # Errors
    ///
    /// Those of [`Template::render`] and [`InstallDrive::with_padding`].
    ///
    /// ```
    /// # use vmtemplate::drive::Padding;
    /// # use vmtemplate::macros::{MacroValues, RenderOptions};
    /// # use vmtemplate::{DiskImage, Script, Template};
    /// let script = Script::from_text("net user Administrator ($PASS)\r\n");
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).script(script).build()?;
    /// let values = MacroValues::new().with("PASS", "a b")?;
    /// let drive = template.install_drive(&values, &RenderOptions::default(), Padding::default())?;
    /// assert_eq!(drive.bytes().len(), 1_048_576);
    /// assert_eq!(drive.script().text(), "net user Administrator \"a b\"\r\n");
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn install_drive(
        &self,
        values: &MacroValues,
        options: &RenderOptions,
        padding: Padding,
    ) -> Result<InstallDrive> {
        InstallDrive::with_padding(&self.render(values, options)?, padding)
    }

    /// [`Template::render`] of the template at `path`, or [`Script::render`] of the script file there.
    ///
    /// A folder and a gzip file are templates, anything else is a script.
    ///
    /// # Errors
    ///
    /// Those of [`Template::open`], [`Script::from_file`] and rendering.
    ///
    /// ```
    /// # use vmtemplate::macros::{MacroValues, RenderOptions};
    /// # use vmtemplate::Template;
    /// # let path = std::env::temp_dir().join(format!("vmt-doc-render-{}.cmd", std::process::id()));
    /// std::fs::write(&path, "echo ($IP)\r\n").unwrap();
    ///
    /// let values = MacroValues::new().with("IP", "192.0.2.10")?;
    /// let rendered = Template::render_path(&path, &values, &RenderOptions::default())?;
    /// assert_eq!(rendered.text(), "echo 192.0.2.10\r\n");
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn render_path(
        path: impl AsRef<Path>,
        values: &MacroValues,
        options: &RenderOptions,
    ) -> Result<Script> {
        let path = path.as_ref();
        let rendered = match Location::of(path)? {
            Location::Path(path) if !path.is_dir() && !is_archive(&path) => {
                let script = Script::from_file(&path)?;
                let name = path.file_name().map(|name| name.to_string_lossy());
                let told = name.and_then(|name| script.language_as(&name));
                let options = RenderOptions { language: options.language.or(told), ..options.clone() };
                let sources = Sources::new([path.clone()]);
                script.render(values, &options).map(|script| script.with_sources(&sources))
            }
            _ => Self::open(path)?.render(values, options),
        };
        rendered.map_err(|error| error.with_path(path))
    }

    /// Check every step of the platform's guide that can be checked without starting a machine.
    ///
    /// Reads metadata, script and image, and changes nothing. A finding reports what could not be checked.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if the options name a rule that does not exist;
    /// [`Cancelled`](ErrorKind::Cancelled). Problems of the template are in the report, not errors.
    ///
    /// ```
    /// # use vmtemplate::report::CheckOptions;
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
    /// for finding in template.check(&CheckOptions::default())?.findings() {
    ///     println!("{finding}");
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn check(&self, options: &CheckOptions) -> Result<Report> {
        let image_name = image_name(&self.metainfo)?.unwrap_or_default();
        let script_name = script_name(&self.metainfo)?.unwrap_or_default();
        let is_listed = self.files.iter().any(|file| file.name == image_name);
        let not_seen = (self.image.is_none() && is_listed).then(|| check::image_not_seen(&image_name));
        let parts = Parts {
            metainfo: Some(self.metainfo.clone()),
            script: self.script.clone().map(|script| (script_name, script)),
            image: self.image.clone().map(|disk| (image_name, disk)),
            files: Some(self.files.clone()),
            is_packed: self.is_archive,
            findings: not_seen.into_iter().collect(),
        };
        check::check_parts(parts, options)
    }

    /// Write the template as an archive: metainfo.xml, the script, the image, in this order.
    ///
    /// A device or a named pipe at `path` is written to as it is, a block device only if overwriting is asked for; a link
    /// stays one, and the file that it leads to is replaced.
    ///
    /// The image is read in place. Blocks that its map records as zero are not read, nor, by default, are clusters that its
    /// NTFS volumes mark free. A volume that is dirty, hibernated or inconsistent is packed completely, and the summary
    /// gives the reason. The same template gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if `path` is a file that the template is made of, a backing file of its image
    /// among them; [`AlreadyExists`](ErrorKind::AlreadyExists) unless overwriting is asked for;
    /// [`InvalidTemplate`](ErrorKind::InvalidTemplate) when a file that metainfo.xml names is missing;
    /// [`SourceChanged`](ErrorKind::SourceChanged) when the image is written to meanwhile;
    /// [`StorageFull`](ErrorKind::StorageFull), [`Cancelled`](ErrorKind::Cancelled). After an error no partial output
    /// remains, and the file at `path` is unchanged.
    ///
    /// ```no_run
    /// use vmtemplate::archive::PackOptions;
    /// use vmtemplate::{Control, Template};
    ///
    /// let control = Control::on_progress(|p| eprint!("\r{:3.0}%", 100.0 * p.fraction()));
    /// let summary = Template::open("win2019/")?
    ///     .pack("Windows-Server-2019.tar.gz", &PackOptions { control, ..PackOptions::default() })?;
    /// println!("{} bytes, {} of them never read", summary.content_bytes, summary.usage.holes);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn pack(&self, path: impl AsRef<Path>, options: &PackOptions) -> Result<PackSummary> {
        let path = path.as_ref();
        self.sources.refuse(path, "the template is made of")?;
        archive::pack(|| self.pack_entries(options), path, options).map(|summary| self.told(summary))
    }

    /// Write the template as an archive to anything that takes bytes in order: a socket, a pipe, a buffer.
    ///
    /// The bytes are those that [`pack`](Self::pack) writes. `options.overwrite` has no effect.
    ///
    /// # Errors
    ///
    /// Those of [`pack`](Self::pack); the bytes written before an error are not a valid archive.
    ///
    /// ```
    /// use vmtemplate::archive::PackOptions;
    /// use vmtemplate::{DiskImage, Template};
    ///
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([7; 512])).build()?;
    /// let mut archive = Vec::new();
    /// let summary = template.pack_to(&mut archive, &PackOptions::default())?;
    /// assert_eq!(summary.archive_bytes, archive.len() as u64);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn pack_to(&self, mut output: impl Write, options: &PackOptions) -> Result<PackSummary> {
        archive::pack_to(|| self.pack_entries(options), &mut output, options)
            .map(|summary| self.told(summary))
    }

    /// The summary with what only the template knows.
    fn told(&self, mut summary: PackSummary) -> PackSummary {
        summary.left_behind.clone_from(&self.rest.left_behind);
        summary.missing.clone_from(&self.rest.missing);
        summary
    }

    /// The files of the archive, and what became of the free space of the image.
    fn pack_entries(&self, options: &PackOptions) -> Result<PackEntries> {
        let (script_name, image_name) = file_names(&self.metainfo)?;
        let mut problems = Vec::new();
        let mut entries = vec![PackEntry {
            name: Self::METAINFO.to_owned(),
            content: PackContent::Bytes(self.metainfo.to_bytes()),
        }];
        match (script_name, &self.script) {
            (Some(name), Some(script)) => {
                entries.push(PackEntry { name, content: PackContent::Bytes(script.bytes().to_vec()) });
            }
            (Some(name), None) => problems.push(missing("installdrive", "setup script", &name)),
            (None, _) if named::installs_over_network(&self.metainfo) => {}
            (None, _) => problems.push(unnamed("installdrive", "setup script")),
        }
        problems.extend(named::others(&self.metainfo).into_iter().filter_map(Result::err));
        entries.extend(self.rest.pack_entries()?);
        let mut free_space = FreeSpaceReport::default();
        match (image_name, &self.image) {
            (Some(name), Some(disk)) => {
                let (disk, report) = disk.without_free_space(&FreeSpaceOptions {
                    free_space: options.free_space,
                    drop_page_files: options.drop_page_files,
                    control: options.control.clone(),
                })?;
                entries.push(PackEntry { name, content: PackContent::Disk(disk) });
                free_space = report;
            }
            (Some(name), None) if self.files.iter().any(|file| file.name == name) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "this archive was made by another tool, and its image can only be read from the start",
                )
                .with_help("unpack it first, and use the folder"));
            }
            (Some(name), None) => problems.push(missing("hddimage", "disk image", &name)),
            (None, _) if named::installs_over_network(&self.metainfo) => {}
            (None, _) => problems.push(unnamed("hddimage", "disk image")),
        }
        if !problems.is_empty() {
            return Err(Error::many(ErrorKind::InvalidTemplate, "the template cannot be packed", problems));
        }
        Ok(PackEntries { entries, free_space })
    }
}

/// Whether the file is an archive. What cannot be read is none; opening it as a script says why.
fn is_archive(path: &Path) -> bool {
    head(path, 2).is_ok_and(|head| archive::is_gzip(&head))
}

fn missing(element: &str, what: &str, name: &str) -> Error {
    Error::new(ErrorKind::InvalidTemplate, format!("the {what} `{name}` does not exist"))
        .with_field(element)
        .with_help("put the file beside metainfo.xml, or correct the name (it is case-sensitive)")
}

fn unnamed(element: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidTemplate, format!("metainfo.xml does not name the {what}"))
        .with_field(element)
        .with_help(format!("set it: `vmtemplate metainfo FILE --set {element}=NAME`"))
}

/// The names of script and image, which come from outside and must not lead out of the template.
fn file_names(metainfo: &Metainfo) -> Result<(Option<String>, Option<String>)> {
    Ok((script_name(metainfo)?, image_name(metainfo)?))
}
