//! An archive as a template: unpacked, verified, checked, rendered.

use std::path::Path;

use super::{Template, file_names, missing, unnamed};
use crate::archive::{self, Archive, ArchiveEntry, UnpackOptions, Verified, VerifyOptions};
use crate::check::{self, CheckOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::macros::{MacroValues, RenderOptions};
use crate::metainfo::Metainfo;
use crate::named;
use crate::rules::Report;
use crate::script::Script;

impl Archive {
    /// The template in it. The image is not read.
    ///
    /// # Errors
    ///
    /// [`InvalidMetainfo`](ErrorKind::InvalidMetainfo) and those of [`entries`](Self::entries) and [`read`](Self::read).
    ///
    /// ```no_run
    /// let template = vmtemplate::Archive::open("Windows-Server-2019.tar.gz")?.template()?;
    /// println!("{:?}", template.metainfo().limits()?.memory_mib);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn template(&self) -> Result<Template> {
        Template::of_archive(self)
    }

    /// Unpack it into `folder`, which need not exist, and list its files.
    ///
    /// Holes of the image become holes again. Archives of any tool are accepted. Existing files are never overwritten:
    /// a file that already exists in the folder is an error.
    ///
    /// # Errors
    ///
    /// Those of [`entries`](Self::entries), and [`AlreadyExists`](ErrorKind::AlreadyExists),
    /// [`StorageFull`](ErrorKind::StorageFull), [`Cancelled`](ErrorKind::Cancelled). After an error nothing of the
    /// archive is in the folder.
    ///
    /// ```no_run
    /// use vmtemplate::archive::UnpackOptions;
    /// use vmtemplate::Archive;
    ///
    /// for file in Archive::open("Windows-Server-2019.tar.gz")?.unpack("win2019/", &UnpackOptions::default())? {
    ///     println!("{} {}", file.size, file.name);
    /// }
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn unpack(&self, folder: impl AsRef<Path>, options: &UnpackOptions) -> Result<Vec<ArchiveEntry>> {
        archive::unpack(self, folder.as_ref(), Template::METAINFO, options)
    }

    /// Verify all of it: every checksum, header and length, that metainfo.xml is valid, and that the files it names exist.
    /// Returns the SHA-256 of the archive and of each file in it.
    ///
    /// Archives of any tool are accepted; each byte is read once, and nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`entries`](Self::entries); [`InvalidArchive`](ErrorKind::InvalidArchive) with the entry and the offset of
    /// the damage, also if the index at the end does not match the members;
    /// [`InvalidTemplate`](ErrorKind::InvalidTemplate) when a file that metainfo.xml names does not exist.
    ///
    /// ```no_run
    /// use vmtemplate::archive::VerifyOptions;
    /// use vmtemplate::Archive;
    ///
    /// let verified = Archive::open("Windows-Server-2019.tar.gz")?.verify(&VerifyOptions::default())?;
    /// println!("{}  Windows-Server-2019.tar.gz", verified.sha256);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn verify(&self, options: &VerifyOptions) -> Result<Verified> {
        let (verified, metainfo) = archive::verify(self, Template::METAINFO, options)?;
        check_files(&verified, metainfo.as_deref()).map_err(|error| error.with_path(self.path()))?;
        Ok(verified)
    }

    /// Check the template in it by all rules, as [`check()`](crate::check()) does: what is missing or cannot be read is a
    /// finding.
    ///
    /// # Errors
    ///
    /// Those of [`check()`](crate::check()).
    ///
    /// ```no_run
    /// use vmtemplate::report::{CheckOptions, Severity};
    /// use vmtemplate::Archive;
    ///
    /// let report = Archive::open("Windows-Server-2019.tar.gz")?.check(&CheckOptions::default())?;
    /// assert!(!report.has(Severity::Error));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn check(&self, options: &CheckOptions) -> Result<Report> {
        check::check_archive(self, options)
    }

    /// Its setup script with the values inserted, as [`Template::render`] does it.
    ///
    /// # Errors
    ///
    /// Those of [`template`](Self::template) and [`Template::render`].
    ///
    /// ```no_run
    /// use vmtemplate::macros::{MacroValues, RenderOptions};
    /// use vmtemplate::Archive;
    ///
    /// let values = MacroValues::new().with("($PASS)", "x7Kq-93")?;
    /// let script = Archive::open("Windows-Server-2019.tar.gz")?.render(&values, &RenderOptions::default())?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn render(&self, values: &MacroValues, options: &RenderOptions) -> Result<Script> {
        self.template()?.render(values, options).map_err(|error| error.with_path(self.path()))
    }
}

/// Fail unless metainfo.xml exists and is valid, and the files that it names exist.
fn check_files(verified: &Verified, metainfo: Option<&[u8]>) -> Result<()> {
    let metainfo = metainfo.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidTemplate,
            format!(
                "the archive has no {} at its root, or one that is larger than 1 MiB",
                Template::METAINFO
            ),
        )
        .with_help("pack the files themselves, not the folder that contains them")
    })?;
    let metainfo = Metainfo::parse(metainfo).map_err(|error| error.with_entry(Template::METAINFO))?;
    let (script, image) = file_names(&metainfo).map_err(|error| error.with_entry(Template::METAINFO))?;
    let mut problems = Vec::new();
    for (element, what, name) in [("installdrive", "setup script", script), ("hddimage", "disk image", image)]
    {
        match name {
            None if named::installs_over_network(&metainfo) => {}
            None => problems.push(unnamed(element, what)),
            Some(name) if verified.files.iter().any(|file| file.name == name) => {}
            Some(name) => problems.push(missing(element, what, &name)),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::many(
        ErrorKind::InvalidTemplate,
        "the archive is intact, but the template in it is incomplete",
        problems,
    ))
}
