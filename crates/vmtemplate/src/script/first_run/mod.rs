//! Our own first-run scripts: what runs the setup script in the guest, and what puts that in place.

mod iso;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::file::read_bounded;
use crate::output::{Output, OutputFolder, OutputOptions, folder_of, write_file};
use crate::overwrite::Overwrite;

use iso::IsoFile;

/// What a master VM needs so that the setup script runs on the machines made from it.
///
/// The kit is four scripts and, if it is given, `dd.exe`. `prepare.cmd`, run once inside the master VM as an
/// administrator, does what the guide calls "Image configuration": it makes `C:\vmmgr`, puts the others there, allows
/// scripts of PowerShell, and makes the task `vmmgr_firstrun`. At start-up that task runs `firstrun.cmd`, which runs
/// `firstrun.ps1`, which finds the install drive in what `ddwrap.cmd` prints, copies it to `C:\vmmgr\vmmgr.cmd` and runs
/// it.
///
/// `firstrun.ps1` alone is not run by this crate's tests, for want of a PowerShell; how it finds the drive is.
///
/// ```
/// use vmtemplate::script::FirstRunKit;
///
/// # let folder = std::env::temp_dir().join(format!("vmt-doc-kit-{}", std::process::id()));
/// FirstRunKit::new().write(&folder)?;
/// let script = std::fs::read_to_string(folder.join("firstrun.cmd")).unwrap();
/// assert!(script.contains("C:\\vmmgr\\firstrun.ps1") && script.ends_with("\r\n"));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstRunKit {
    dd: Option<Vec<u8>>,
}

/// The scripts and their texts, by name.
const SCRIPTS: [(&str, &str); 4] = [
    ("ddwrap.cmd", include_str!("ddwrap.cmd")),
    ("firstrun.cmd", include_str!("firstrun.cmd")),
    ("firstrun.ps1", include_str!("firstrun.ps1")),
    ("prepare.cmd", include_str!("prepare.cmd")),
];

/// What is moved to its place last.
const LAST: &str = "prepare.cmd";

impl FirstRunKit {
    /// The version of the scripts, which is in their first lines.
    ///
    /// ```
    /// use vmtemplate::script::FirstRunKit;
    ///
    /// let kit = FirstRunKit::new();
    /// let (_, script) = &kit.files()[3];
    /// assert!(String::from_utf8_lossy(script).contains(&format!("version {}", FirstRunKit::VERSION)));
    /// ```
    pub const VERSION: &'static str = "1";

    /// The most bytes that `dd.exe` may have. That of "dd for windows" has less than one million.
    ///
    /// ```
    /// assert_eq!(vmtemplate::script::FirstRunKit::MAX_DD_SIZE, 16 << 20);
    /// ```
    pub const MAX_DD_SIZE: usize = 16 << 20;

    /// The four scripts, without `dd.exe`.
    ///
    /// ```
    /// let names: Vec<_> = vmtemplate::script::FirstRunKit::new().files().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["ddwrap.cmd", "firstrun.cmd", "firstrun.ps1", "prepare.cmd"]);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Take the `dd.exe` at `path` along.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] if it is not a program of Windows, [`ErrorKind::LimitExceeded`] if it has more than
    /// [`FirstRunKit::MAX_DD_SIZE`] bytes; those of reading a file.
    ///
    /// ```
    /// use vmtemplate::script::FirstRunKit;
    /// use vmtemplate::ErrorKind;
    ///
    /// let error = FirstRunKit::new().with_dd("/no/such/dd.exe").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// ```
    pub fn with_dd(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        self.dd = Some(read_dd(path).map_err(|error| error.with_path(path))?);
        Ok(self)
    }

    /// Every file by its name, in order.
    ///
    /// ```
    /// let kit = vmtemplate::script::FirstRunKit::new();
    /// assert!(kit.files().iter().all(|(_, bytes)| bytes.ends_with(b"\r\n")));
    /// ```
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let script = |text: &str| {
            let text = text.replace("{VERSION}", Self::VERSION);
            super::Script::from_text(text).to_windows().into_bytes()
        };
        let mut files: Vec<_> = SCRIPTS.iter().map(|&(name, text)| (name, script(text))).collect();
        files.extend(self.dd.clone().map(|bytes| ("dd.exe", bytes)));
        files.sort_unstable_by_key(|&(name, _)| name);
        files
    }

    /// Write all files into a folder, which may be new: all of them, or none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if one of the files is there; those of writing files.
    ///
    /// ```
    /// use vmtemplate::script::FirstRunKit;
    /// use vmtemplate::ErrorKind;
    ///
    /// # let folder = std::env::temp_dir().join(format!("vmt-doc-kit-write-{}", std::process::id()));
    /// FirstRunKit::new().write(&folder)?;
    /// assert_eq!(FirstRunKit::new().write(&folder).unwrap_err().kind(), ErrorKind::AlreadyExists);
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        self.stage(folder.as_ref())?.commit(LAST)
    }

    /// Write all files into a folder, as [`write`](Self::write) does, and the CD image of them to `iso`, which may be in
    /// that folder: all of this, or nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if one of the files is there, or `iso` is and `overwrite` is not set; those of writing
    /// files.
    ///
    /// ```
    /// use vmtemplate::script::FirstRunKit;
    ///
    /// # let folder = std::env::temp_dir().join(format!("vmt-doc-kit-both-{}", std::process::id()));
    /// FirstRunKit::new().write_with_iso(&folder, folder.join("vmmgr.iso"), vmtemplate::output::Overwrite::No)?;
    /// assert!(folder.join("prepare.cmd").exists() && folder.join("vmmgr.iso").exists());
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_with_iso(
        &self,
        folder: impl AsRef<Path>,
        iso: impl AsRef<Path>,
        overwrite: Overwrite,
    ) -> Result<()> {
        let (folder, iso) = (folder.as_ref(), iso.as_ref());
        let kit = self.stage(folder)?;
        if let (Some(name), true) = (iso.file_name(), folder_of(iso) == folder && !folder.exists()) {
            // The folder does not exist until the kit is.
            stage_file(&kit.staged(name), &self.iso())?;
            return kit.commit(LAST);
        }
        let mut image = Output::create(iso, &OutputOptions::with_overwrite(overwrite))?;
        image
            .file()
            .write_all(&self.iso())
            .map_err(|e| Error::io("cannot write the CD image", e).with_path(iso))?;
        image.sync()?;
        kit.commit(LAST)?;
        image.commit()
    }

    /// All files, beside their places.
    fn stage(&self, folder: &Path) -> Result<OutputFolder> {
        let output = OutputFolder::create(folder)?;
        for (name, bytes) in self.files() {
            output.refuse_existing(name)?;
            stage_file(&output.staged(name), &bytes)?;
        }
        Ok(output)
    }

    /// A CD image of all files, as the platform's "Mount ISO image" takes it: ISO 9660 with Joliet names. The same
    /// files give the same bytes.
    ///
    /// ```
    /// let image = vmtemplate::script::FirstRunKit::new().iso();
    /// assert_eq!(&image[0x8001..0x8006], b"CD001");
    /// ```
    pub fn iso(&self) -> Vec<u8> {
        let files = self.files();
        let files: Vec<_> = files.iter().map(|(name, bytes)| IsoFile { name, bytes }).collect();
        iso::image("VMTEMPLATE", &files)
    }

    /// Write the CD image to a file: the whole of it, or nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if `path` is there and `overwrite` is not set; those of writing a file.
    ///
    /// ```
    /// use vmtemplate::script::FirstRunKit;
    ///
    /// # let path = std::env::temp_dir().join(format!("vmt-doc-kit-{}.iso", std::process::id()));
    /// FirstRunKit::new().write_iso(&path, vmtemplate::output::Overwrite::No)?;
    /// assert_eq!(std::fs::read(&path).unwrap(), FirstRunKit::new().iso());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn write_iso(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<()> {
        write_file(path.as_ref(), &self.iso(), &OutputOptions::with_overwrite(overwrite))
    }
}

fn stage_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| Error::io("cannot write a first-run script", e).with_path(path))
}

fn read_dd(path: &Path) -> Result<Vec<u8>> {
    let bytes =
        read_bounded(path, FirstRunKit::MAX_DD_SIZE).map_err(|e| Error::io("cannot read dd.exe", e))?;
    let Some(bytes) = bytes else {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("this file has more than {} bytes, so it is not dd.exe", FirstRunKit::MAX_DD_SIZE),
        ));
    };
    // The mark of every program since MS-DOS: Microsoft, "PE Format".
    if !bytes.starts_with(b"MZ") {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            "this is not a Windows program: it does not begin with MZ",
        )
        .with_help("download \"dd for windows\", unpack it, and give the dd.exe in it"));
    }
    Ok(bytes)
}
