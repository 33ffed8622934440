//! Making a new template.

use std::path::{Path, PathBuf};

use super::Template;
use super::rest::Rest;
use crate::archive::ArchiveEntry;
use crate::disk::{DiskImage, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::macros::{MacroName, ScriptLanguage};
use crate::metainfo::{Limits, Metainfo, MetainfoKey, Product, Support, Tags};
use crate::named::{image_name, relative_name, script_name};
use crate::script::{LineEnding, Script, ScriptEncoding};
use crate::sources::Sources;

/// Bytes of a MB, the unit of disk limits.
const MB: u64 = 1_000_000;

/// The name of the setup script where nothing else names it.
const SCRIPT_NAME: &str = "setup.cmd";
/// The same for a script that is for a shell.
const SHELL_SCRIPT_NAME: &str = "setup.sh";

/// Collects what a template is made of; [`build`](Self::build) checks it all at once.
///
/// Setters never fail: they store what they get. Files are opened by [`build`](Self::build), not before.
///
/// ```
/// use vmtemplate::{DiskImage, Template};
///
/// let template = Template::builder("Windows-Server-2019")
///     .image(DiskImage::from_bytes(vec![0; 15_000_000]))
///     .image_name("win2019.hddimage")
///     .memory_mib(1024)
///     .ipv4(true)
///     .ipv6(false)
///     .tags(["windows", "windows2019"])
///     .template_version("5")
///     .build()?;
/// let limits = template.metainfo().limits()?;
/// assert_eq!((limits.memory_mib, limits.disk_mb), (Some(1024), Some(15)));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TemplateBuilder {
    name: Option<String>,
    base: Option<Metainfo>,
    image: Option<Given<DiskImage, OpenOptions>>,
    image_name: Option<String>,
    script: Option<Given<Script>>,
    script_name: Option<String>,
    limits: Limits,
    tags: Vec<String>,
    version: Option<String>,
    macros: Vec<String>,
    support: Vec<Product>,
    reboot_count: Option<u32>,
    virtio_disk: Option<bool>,
    virtio_net: Option<bool>,
}

/// A part of a template, as a setter got it.
#[derive(Debug, Clone)]
enum Given<T, O = ()> {
    Value(T),
    /// A file that `build` opens, with these options.
    Path(PathBuf, O),
}

impl TemplateBuilder {
    pub(super) fn new(name: String) -> Self {
        Self { name: Some(name), ..Self::default() }
    }

    /// Begin with a metainfo.xml that is there: only what is set here changes in it.
    ///
    /// The disk limit is added if there is none, and the file names if it has none.
    ///
    /// ```
    /// use vmtemplate::template::TemplateBuilder;
    /// use vmtemplate::{DiskImage, Metainfo};
    ///
    /// let base = Metainfo::parse(b"<doc><!-- ours --><osname>Windows-10</osname><version>4</version></doc>")?;
    /// let template = TemplateBuilder::from_metainfo(base)
    ///     .image(DiskImage::from_bytes([0; 512]))
    ///     .template_version("5")
    ///     .build()?;
    /// let xml = String::from_utf8(template.metainfo().to_bytes()).unwrap();
    /// assert!(xml.contains("<!-- ours -->") && xml.contains("<version>5</version>"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn from_metainfo(base: Metainfo) -> Self {
        Self { base: Some(base), ..Self::default() }
    }

    /// The name of the operating system: `osname`.
    ///
    /// ```
    /// # use vmtemplate::template::TemplateBuilder;
    /// # use vmtemplate::{DiskImage, Metainfo};
    /// # let base = Metainfo::parse(b"<doc><osname>Windows-10</osname></doc>")?;
    /// let builder = TemplateBuilder::from_metainfo(base).name("Windows-11");
    /// # let template = builder.image(DiskImage::from_bytes([0; 512])).build()?;
    /// # assert_eq!(template.metainfo().os_name().as_deref(), Some("Windows-11"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The disk image, already open.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512]));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn image(mut self, disk: DiskImage) -> Self {
        self.image = Some(Given::Value(disk));
        self
    }

    /// The disk image by its path: a file of any format, a block device or a Ceph image, as [`DiskImage::open`] takes it.
    ///
    /// ```
    /// # use vmtemplate::{ErrorKind, Template};
    /// let error = Template::builder("Windows-10").image_path("/no/such.raw").build().unwrap_err();
    /// assert_eq!(error.problems()[0].kind(), ErrorKind::NotFound);
    /// ```
    pub fn image_path(self, path: impl AsRef<Path>) -> Self {
        self.image_with(path, &OpenOptions::default())
    }

    /// The disk image by its path, opened with `options`, as [`DiskImage::open_with`] does.
    ///
    /// ```
    /// # use vmtemplate::disk::OpenOptions;
    /// # use vmtemplate::Template;
    /// let options = OpenOptions { backing_files: Some("/var/lib/images".into()), ..OpenOptions::default() };
    /// let builder = Template::builder("Windows-10").image_with("/no/such.qcow2", &options);
    /// assert!(builder.build().is_err());
    /// ```
    pub fn image_with(mut self, path: impl AsRef<Path>, options: &OpenOptions) -> Self {
        self.image = Some(Given::Path(path.as_ref().to_owned(), options.clone()));
        self
    }

    /// The file name of the image in the template: `hddimage`. Otherwise it follows from the image's own name.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let template =
    ///     Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).image_name("w10.hddimage").build()?;
    /// assert_eq!(template.metainfo().image_file().as_deref(), Some("w10.hddimage"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn image_name(mut self, name: impl Into<String>) -> Self {
        self.image_name = Some(name.into());
        self
    }

    /// The setup script. Without one, the one of [`Script::default_windows`] is taken, and a new metainfo.xml forbids
    /// `%` and `"` in passwords, which no quotes of a batch file save.
    ///
    /// Its line ends become CR LF, as `cmd.exe` needs them, unless it begins with `#!`, or its name or content says that it
    /// is for a shell. Without a name it is `setup.cmd`, or `setup.sh`.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Script, Template};
    /// let template = Template::builder("Windows-10")
    ///     .image(DiskImage::from_bytes([0; 512]))
    ///     .script(Script::from_text("@echo off\nnet user Administrator ($PASS)\n"))
    ///     .build()?;
    /// assert!(template.script().unwrap().bytes().starts_with(b"@echo off\r\n"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn script(mut self, script: Script) -> Self {
        self.script = Some(Given::Value(script));
        self
    }

    /// The setup script by its path. Its file name becomes its name in the template.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, ErrorKind, Template};
    /// let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512]));
    /// assert!(builder.script_path("/no/such.cmd").build().is_err());
    /// ```
    pub fn script_path(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        self.script = Some(Given::Path(path.to_owned(), ()));
        if self.script_name.is_none() {
            self.script_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        self
    }

    /// The file name of the script in the template: `installdrive`.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10")
    ///     .image(DiskImage::from_bytes([0; 512]))
    ///     .script_name("windows.cmd")
    ///     .build()?;
    /// assert_eq!(template.metainfo().script_file().as_deref(), Some("windows.cmd"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn script_name(mut self, name: impl Into<String>) -> Self {
        self.script_name = Some(name.into());
        self
    }

    /// The least memory of a virtual machine, in MiB.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).memory_mib(2048).build()?;
    /// assert_eq!(template.metainfo().limits()?.memory_mib, Some(2048));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn memory_mib(mut self, memory_mib: u64) -> Self {
        self.limits.memory_mib = Some(memory_mib);
        self
    }

    /// The least disk of a virtual machine, in MB (10^6 bytes). Without it, the image's size rounded up.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let disk = DiskImage::from_bytes(vec![0; 2_000_001]);
    /// assert!(Template::builder("Windows-10").image(disk.clone()).disk_mb(2).build().is_err());
    /// let template = Template::builder("Windows-10").image(disk).build()?;
    /// assert_eq!(template.metainfo().limits()?.disk_mb, Some(3));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn disk_mb(mut self, disk_mb: u64) -> Self {
        self.limits.disk_mb = Some(disk_mb);
        self
    }

    /// Whether the main address may be an IPv4 address.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).ipv4(true).build()?;
    /// assert_eq!(template.metainfo().limits()?.ipv4, Some(true));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn ipv4(mut self, supported: bool) -> Self {
        self.limits.ipv4 = Some(supported);
        self
    }

    /// Whether the main address may be an IPv6 address.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).ipv6(false).build()?;
    /// assert_eq!(template.metainfo().limits()?.ipv6, Some(false));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn ipv6(mut self, supported: bool) -> Self {
        self.limits.ipv6 = Some(supported);
        self
    }

    /// All limits at once. What is `None` in them stays as it is, as do other limits that are not named.
    ///
    /// ```
    /// # use vmtemplate::metainfo::Limits;
    /// # use vmtemplate::{DiskImage, Template};
    /// let limits = Limits {
    ///     memory_mib: Some(2048),
    ///     other: [("cpu".to_owned(), "2".to_owned())].into(),
    ///     ..Limits::default()
    /// };
    /// let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).ipv4(true);
    /// let template = builder.limits(limits).build()?;
    /// let limits = template.metainfo().limits()?;
    /// assert_eq!((limits.memory_mib, limits.ipv4, limits.other["cpu"].as_str()), (Some(2048), Some(true), "2"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits.update(limits);
        self
    }

    /// Add a tag.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).tag("windows").tag("windows10").build()?;
    /// assert!(template.metainfo().tags().contains("windows10"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Add several tags.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).tags(["windows", "windows10"]).build()?;
    /// assert_eq!(template.metainfo().tags().len(), 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// The version of the template, a free text such as `5`.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).template_version("5.57").build()?;
    /// assert_eq!(template.metainfo().template_version().as_deref(), Some("5.57"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn template_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Declare a macro that the platform passes to the script, written whole: `($PRODUCTKEY)`.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).declare_macro("($PRODUCTKEY)").build()?;
    /// assert_eq!(template.metainfo().declared_macros(), ["($PRODUCTKEY)"]);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn declare_macro(mut self, name: impl Into<String>) -> Self {
        self.macros.push(name.into());
        self
    }

    /// Add a product that can use the template, `VMmgr` or `VMmgr:5.45` with its least version. Without one: VMmgr.
    ///
    /// ```
    /// # use vmtemplate::metainfo::ProductVersion;
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).support("VMmgr").support("DCImgr").build()?;
    /// assert!(template.metainfo().support().allows("dcimgr", &ProductVersion::new(6, 0, 0)));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn support(mut self, product: impl Into<Product>) -> Self {
        self.support.push(product.into());
        self
    }

    /// After how many restarts the system counts as installed; 1 unless set.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// let template = Template::builder("Windows-10").image(disk).reboot_count(2).build()?;
    /// assert_eq!(template.metainfo().reboot_count()?, 2);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn reboot_count(mut self, count: u32) -> Self {
        self.reboot_count = Some(count);
        self
    }

    /// Whether the image has the virtio disk driver; yes unless set.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// assert!(!Template::builder("Windows-10").image(disk).virtio_disk(false).build()?.metainfo().virtio_disk());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn virtio_disk(mut self, installed: bool) -> Self {
        self.virtio_disk = Some(installed);
        self
    }

    /// Whether the image has the virtio network driver; yes unless set.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// # let disk = DiskImage::from_bytes([0; 512]);
    /// assert!(Template::builder("Windows-10").image(disk).build()?.metainfo().virtio_net());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn virtio_net(mut self, installed: bool) -> Self {
        self.virtio_net = Some(installed);
        self
    }

    /// Fail now if nothing can be built of what was set so far, whatever the image is. For an image that takes long to
    /// come, such as one of a stream: it need not be waited for if the script cannot be read.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    ///
    /// ```
    /// # use vmtemplate::{ErrorKind, Template};
    /// let builder = Template::builder("Windows-10").script_path("/no/such.cmd");
    /// assert_eq!(builder.probe().unwrap_err().problems()[0].kind(), ErrorKind::NotFound);
    /// assert!(Template::builder("Windows-10").probe().is_ok());
    /// ```
    pub fn probe(&self) -> Result<()> {
        let mut problems = Problems::default();
        problems.script(self.script.as_ref(), self.name_of_script().as_deref());
        self.clone().metainfo(None, &mut problems);
        if problems.0.is_empty() { Ok(()) } else { Err(problems.into_error()) }
    }

    /// Check everything and make the template.
    ///
    /// # Errors
    ///
    /// [`InvalidTemplate`](ErrorKind::InvalidTemplate); [`Error::problems`] lists all that is wrong, not only the first.
    ///
    /// ```
    /// # use vmtemplate::Template;
    /// let error = Template::builder(" ").declare_macro("PRODUCTKEY").build().unwrap_err();
    /// for problem in error.problems() {
    ///     eprintln!("{problem}");
    /// }
    /// assert_eq!(error.problems().len(), 3); // the name, the image, the macro
    /// ```
    pub fn build(mut self) -> Result<Template> {
        let mut problems = Problems::default();
        let disk = problems.image(self.image.as_ref());
        let image_files = disk.as_ref().map(DiskImage::files).unwrap_or_default();
        let script_file = match &self.script {
            Some(Given::Path(path, ())) => Some(path.clone()),
            Some(Given::Value(_)) | None => None,
        };
        let script = problems.script(self.script.as_ref(), self.name_of_script().as_deref());
        let is_shell = script.as_ref().and_then(Script::language) == Some(ScriptLanguage::Posix);
        if is_shell && self.script_name.is_none() && self.name_of_script().is_none() {
            self.script_name = Some(SHELL_SCRIPT_NAME.to_owned());
        }
        let metainfo = self.metainfo(disk.as_ref(), &mut problems);
        match (metainfo, script, disk, problems.0) {
            (Some(metainfo), Some(script), Some(disk), problems) if problems.is_empty() => {
                let file = |name: Option<String>, size| ArchiveEntry { name: name.unwrap_or_default(), size };
                let files = vec![
                    file(Some(Template::METAINFO.to_owned()), metainfo.to_bytes().len() as u64),
                    file(script_name(&metainfo)?, script.bytes().len() as u64),
                    file(image_name(&metainfo)?, disk.size()),
                ];
                let rest = Rest::of_metainfo(&metainfo);
                let (script, image) = (Some(script), Some(disk));
                let sources = Sources::new(script_file.into_iter().chain(image_files));
                Ok(Template { metainfo, script, image, rest, files, sources, is_archive: false })
            }
            (_, _, _, problems) => Err(Problems(problems).into_error()),
        }
    }

    /// The name of the script in the template, if something gives it.
    fn name_of_script(&self) -> Option<String> {
        let based = self.base.as_ref().and_then(Metainfo::script_file).map(String::from);
        self.script_name.clone().or(based)
    }

    /// The metadata, as far as it can be made; what cannot is a problem.
    fn metainfo(self, disk: Option<&DiskImage>, problems: &mut Problems) -> Option<Metainfo> {
        let has_own_script = self.script.is_none();
        let image_path = match &self.image {
            Some(Given::Value(disk)) => disk.path(),
            Some(Given::Path(path, _)) => Some(&**path),
            None => None,
        };
        let is_new = self.base.is_none();
        let mut metainfo = match self.base {
            Some(base) => base,
            // A name that is refused is reported below; all else is looked at all the same.
            None => problems.take(Metainfo::new("unnamed"), "osname")?,
        };
        if let Some(name) = &self.name {
            problems.take(metainfo.set_os_name(name), "osname");
        } else if metainfo.os_name().is_none_or(|name| name.trim().is_empty()) {
            problems.push(
                "osname",
                "the operating system has no name",
                "give one with --name (`name`), such as Windows-Server-2019",
            );
        }

        if let Some(mut limits) = problems.take(metainfo.limits(), "limit") {
            limits.update(self.limits);
            if limits.memory_mib == Some(0) {
                problems.push(
                    "limit.mem",
                    "the minimum memory is 0 MiB",
                    "give what the system needs with --memory-mib (`memory_mib`), such as 1024",
                );
            }
            if let Some(disk) = disk {
                let least = disk.size().div_ceil(MB);
                if *limits.disk_mb.get_or_insert(least) < least {
                    problems.push(
                        "limit.disk",
                        format!(
                            "a disk of {} MB is too small for the image, which has {} bytes",
                            limits.disk_mb.unwrap_or_default(),
                            disk.size()
                        ),
                        format!("give {least} or more with --disk-mb (`disk_mb`), omit it, or make the image smaller"),
                    );
                }
            }
            problems.take(metainfo.set_limits(&limits), "limit");
        }

        let products = match self.support {
            given if !given.is_empty() => Some(given),
            _ => is_new.then(|| vec![Product::from("VMmgr")]),
        };
        if let Some(products) = products {
            problems.take(metainfo.set_support(&Support { products }), "support");
        }
        if !self.tags.is_empty() {
            for tag in self.tags.iter().filter(|tag| tag.contains(',') || tag.trim().is_empty()) {
                problems.push(
                    "tags",
                    format!("`{tag}` is not a tag: a comma separates tags"),
                    "give each tag with a --tag (`tag`) of its own",
                );
            }
            problems.take(metainfo.set_tags(&self.tags.iter().map(String::as_str).collect::<Tags>()), "tags");
        }
        if let Some(version) = &self.version {
            problems.take(metainfo.set_template_version(version), "version");
        }
        if !self.macros.is_empty() {
            let (known, wrong): (Vec<_>, Vec<_>) =
                self.macros.iter().map(|name| name.parse::<MacroName>()).partition(Result::is_ok);
            problems
                .0
                .extend(wrong.into_iter().filter_map(Result::err).map(|error| error.with_field("macro")));
            let names: Vec<_> = known.into_iter().flatten().map(|name| name.to_string()).collect();
            problems.take(metainfo.set_declared_macros(&names), "macro");
        }
        if let Some(count) = self.reboot_count.or(is_new.then_some(1)) {
            problems.take(metainfo.set_reboot_count(count), "rebootcount");
        }
        if let Some(installed) = self.virtio_disk.or(is_new.then_some(true)) {
            problems.take(metainfo.set_virtio_disk(installed), "virtiodisk");
        }
        if let Some(installed) = self.virtio_net.or(is_new.then_some(true)) {
            problems.take(metainfo.set_virtio_net(installed), "virtionet");
        }

        if is_new && has_own_script {
            // The platform puts the password in as it is. Our script quotes it, which these two get out of.
            problems.take(metainfo.set_illegal_password_characters("%\""), "illegal_password_characters");
        }

        let image_file = self
            .image_name
            .or_else(|| metainfo.image_file().map(String::from))
            .unwrap_or_else(|| image_name_from(image_path, metainfo.os_name().as_deref()));
        let script_file = self
            .script_name
            .or_else(|| metainfo.script_file().map(String::from))
            .unwrap_or_else(|| SCRIPT_NAME.to_owned());
        problems.set_names(&mut metainfo, &image_file, &script_file);
        Some(metainfo)
    }
}

/// Everything that is wrong, collected.
#[derive(Default)]
struct Problems(Vec<Error>);

impl Problems {
    fn into_error(self) -> Error {
        Error::many(ErrorKind::InvalidTemplate, "the template cannot be built", self.0)
    }

    fn push(&mut self, field: &str, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Error::new(ErrorKind::InvalidTemplate, message).with_field(field).with_help(help));
    }

    /// The value, or one problem more.
    fn take<T>(&mut self, result: Result<T>, field: &str) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(error.with_field(field));
                None
            }
        }
    }

    fn set_names(&mut self, metainfo: &mut Metainfo, image: &str, script: &str) {
        if image.to_lowercase() == script.to_lowercase() {
            let message = format!("the image and the script have the same name, `{image}`");
            self.push(
                "hddimage",
                message,
                "give them different names with --image-name (`image_name`) or \
                                            --script-name (`script_name`)",
            );
        }
        for (key, name) in [(MetainfoKey::ImageFile, image), (MetainfoKey::ScriptFile, script)] {
            let set = relative_name(&key, name).and_then(|_| metainfo.set(&key, name));
            self.take(set, &key.to_string());
        }
    }

    fn image(&mut self, image: Option<&Given<DiskImage, OpenOptions>>) -> Option<DiskImage> {
        match image {
            Some(Given::Value(disk)) => Some(disk.clone()),
            Some(Given::Path(path, options)) => self.take(DiskImage::open_with(path, options), "image"),
            None => {
                self.push("image", "no disk image was given", "give its path with --image (`image`)");
                None
            }
        }
    }

    fn script(&mut self, script: Option<&Given<Script>>, name: Option<&str>) -> Option<Script> {
        let script = match script {
            Some(Given::Value(script)) => script.clone(),
            Some(Given::Path(path, ())) => self.take(Script::from_file(path), "script")?,
            None => Script::default_windows(),
        };
        let language = name.map_or_else(|| script.language(), |name| script.language_as(name));
        let is_for_windows =
            matches!(language, None | Some(ScriptLanguage::Batch | ScriptLanguage::PowerShell));
        if script.bytes().starts_with(b"#!") || !is_for_windows {
            return Some(script);
        }
        // PowerShell knows UTF-8 by its mark.
        let is_marked =
            script.encoding() == ScriptEncoding::Utf8Bom && language != Some(ScriptLanguage::PowerShell);
        if is_marked || script.encoding().is_utf16() {
            self.push(
                "script",
                format!("the script is {}, which cmd.exe does not run", script.encoding()),
                "save it as ASCII, or in the OEM code page, without a byte order mark",
            );
        }
        Some(if script.line_ending() == LineEnding::CrLf { script } else { script.to_windows() })
    }
}

/// `win2019.raw` → `win2019.hddimage`; without a file name, from the name of the system.
fn image_name_from(path: Option<&Path>, os_name: Option<&str>) -> String {
    let stem = match path.and_then(Path::file_stem) {
        Some(stem) => stem.to_string_lossy(),
        None => os_name.unwrap_or("disk").into(),
    };
    let safe: String = stem
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    format!("{}.hddimage", safe.trim_matches(['.', '-']))
}
