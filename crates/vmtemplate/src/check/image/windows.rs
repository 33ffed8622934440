//! Which Windows is installed.

use super::language;
use super::look::{Look, Unread};
use super::pe::Machine;
use super::registry::Hive;
use super::release::Release;
use super::volumes::{Volume, Volumes};
use crate::check::ImageContext;
use crate::disk::{DiskImage, NtfsVolume, PartitionTable};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::rules::{Finding, image as rules};
use crate::shown::Shown;

const CURRENT_VERSION: &str = r"Microsoft\Windows NT\CurrentVersion";

/// The Windows that is installed on a disk, as its registry states. What it does not tell is `None`.
///
/// ```no_run
/// use vmtemplate::report::WindowsInfo;
/// use vmtemplate::DiskImage;
///
/// let disk = DiskImage::open("win2019.qcow2")?;
/// if let Some(windows) = WindowsInfo::read(&disk)? {
///     println!("{windows}"); // Windows Server 2019 Standard, version 1809, build 17763.3650, x64, en-US
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct WindowsInfo {
    /// The name that is shown: `Windows Server 2019 Standard`.
    pub product: Option<String>,
    /// The edition as Windows identifies it: `ServerStandard`.
    pub edition: Option<String>,
    /// `Client`, `Server` or `Server Core`.
    pub installation: Option<String>,
    /// The version that is shown: `1809`, `22H2`.
    pub version: Option<String>,
    /// The build, with the number of the update where there is one: `17763.3650`.
    pub build: Option<String>,
    /// The processor that it is made for: `x64`, `x86` or `ARM64`.
    pub architecture: Option<String>,
    /// The language that it was installed in: `en-US`.
    pub language: Option<String>,
    /// The state of Windows Setup: `IMAGE_STATE_COMPLETE`, or another if Sysprep was run.
    pub image_state: Option<String>,
}

impl WindowsInfo {
    /// Read it from the registry on the disk; `None` if no Windows is found there.
    ///
    /// What cannot be read is left `None` in the answer; [`Template::check`](crate::Template::check) states why.
    ///
    /// # Errors
    ///
    /// What reading the partition table gives, and those that say nothing of the disk:
    /// [`Network`](crate::ErrorKind::Network), [`SourceChanged`](crate::ErrorKind::SourceChanged).
    ///
    /// ```
    /// use vmtemplate::report::WindowsInfo;
    /// use vmtemplate::DiskImage;
    ///
    /// assert_eq!(WindowsInfo::read(&DiskImage::from_bytes([0; 4096]))?, None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read(disk: &DiskImage) -> Result<Option<Self>> {
        PartitionTable::read(disk)?;
        let control = Control::default();
        let context = ImageContext { name: "", metainfo: None, script: None, control: &control };
        let look = Look::new(disk, &context);
        let found = Volumes::find(&look)
            .ok()
            .and_then(|volumes| volumes.system(&look).map(|volume| Windows::open(&look, volume).info));
        look.findings().map(|_| found)
    }

    pub(super) fn is_server(&self) -> bool {
        match (&self.installation, &self.product) {
            (Some(installation), _) => installation.starts_with("Server"),
            // Windows before 2008 does not say.
            (None, Some(product)) => product.contains("Server"),
            (None, None) => false,
        }
    }

    pub(super) fn build_number(&self) -> Option<u32> {
        self.build.as_deref()?.split('.').next()?.parse().ok()
    }
}

impl std::fmt::Display for WindowsInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.product.as_deref().unwrap_or("an unknown Windows"))?;
        let parts = [
            ("version ", &self.version),
            ("build ", &self.build),
            ("", &self.architecture),
            ("", &self.language),
        ];
        for (what, value) in parts {
            if let Some(value) = value {
                write!(f, ", {what}{value}")?;
            }
        }
        Ok(())
    }
}

impl DiskImage {
    /// The volume on which Windows is installed.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if no volume of the disk has a Windows, and those of
    /// [`WindowsInfo::read`].
    ///
    /// ```no_run
    /// # use vmtemplate::DiskImage;
    /// let log = DiskImage::open("win2019.qcow2")?.windows()?.file("Windows/Panther/setupact.log")?.read(1 << 20)?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn windows(&self) -> Result<NtfsVolume> {
        PartitionTable::read(self)?;
        let control = Control::default();
        let context = ImageContext { name: "", metainfo: None, script: None, control: &control };
        let look = Look::new(self, &context);
        let found = Volumes::find(&look).ok().and_then(|volumes| volumes.into_system(&look));
        look.findings()?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no volume of the disk has a folder Windows/System32/config")
                .with_help("`vmtemplate check` on the image reports the volumes that it could not read")
        })
    }
}

/// The Windows that is checked.
pub(super) struct Windows<'v> {
    pub(super) volume: &'v Volume,
    pub(super) system: Hive<'v>,
    pub(super) software: Hive<'v>,
    pub(super) sam: Hive<'v>,
    /// The control set that the next start uses: `ControlSet001`.
    control_set: String,
    /// The letter of the volume of Windows: `C:`.
    pub(super) drive: String,
    pub(super) info: WindowsInfo,
    pub(super) machine: Option<Machine>,
}

impl<'v> Windows<'v> {
    pub(super) fn open(look: &Look<'_>, volume: &'v Volume) -> Self {
        let mut windows = Self {
            volume,
            system: Hive::open(look, volume, "SYSTEM"),
            software: Hive::open(look, volume, "SOFTWARE"),
            sam: Hive::open(look, volume, "SAM"),
            control_set: String::new(),
            drive: "C:".to_owned(),
            info: WindowsInfo::default(),
            machine: None,
        };
        windows.control_set = control_set(look, &windows.system);
        windows.read_info(look);
        windows
    }

    /// What cannot be read is left out, and told where it is tried.
    fn read_info(&mut self, look: &Look<'_>) {
        let software = |path: &str, name: &str| {
            let text = self.software.string(look, path, name).ok().flatten();
            text.filter(|text| !text.is_empty())
        };
        let text = |name: &str| software(CURRENT_VERSION, name);
        // `CurrentBuild` is text about an obsolete value up to Windows 2003, and `CurrentBuildNumber` came before it.
        let is_build = |build: &String| build.bytes().all(|b| b.is_ascii_digit());
        let build =
            text("CurrentBuildNumber").filter(is_build).or_else(|| text("CurrentBuild").filter(is_build));
        // `2600.xpclient.010817-1148`
        let build = build.or_else(|| Some(text("BuildLab")?.split('.').next()?.to_owned()).filter(is_build));
        let mut info = WindowsInfo {
            product: text("ProductName"),
            edition: text("EditionID"),
            installation: text("InstallationType"),
            version: text("DisplayVersion").or_else(|| text("ReleaseId")),
            build,
            image_state: software(r"Microsoft\Windows\CurrentVersion\Setup\State", "ImageState"),
            ..WindowsInfo::default()
        };
        // The letter that Windows gives to its own volume.
        let drive = text("SystemRoot").and_then(|root| Some(root.get(..2)?.to_owned()));
        let drive = drive.filter(|drive| drive.ends_with(':'));
        // Windows 11 still has the name of its predecessor there; it begins with build 22000 (Microsoft, "Windows 11
        // release information").
        let is_eleven = !info.is_server() && info.build_number().is_some_and(|build| build >= 22_000);
        if let Some(product) = info.product.as_mut().filter(|_| is_eleven) {
            *product = product.replacen("Windows 10", "Windows 11", 1);
        }
        let update = self.software.u32(look, CURRENT_VERSION, "UBR").ok().flatten();
        if let (Some(build), Some(update)) = (&mut info.build, update) {
            *build = format!("{build}.{update}");
        }
        let system =
            |path: &str, name: &str| self.system.string(look, &self.control(path), name).ok().flatten();
        let machine = system(r"Control\Session Manager\Environment", "PROCESSOR_ARCHITECTURE");
        let known = machine.as_deref().and_then(Machine::of_name);
        info.architecture = known.map(|machine| machine.to_string()).or(machine);
        info.language = system(r"Control\Nls\Language", "InstallLanguage").map(|number| {
            language::name(&number).map_or_else(|| format!("language {number}"), str::to_owned)
        });
        self.machine = known;
        if let Some(drive) = drive {
            self.drive = drive;
        }
        self.info = info;
    }

    /// A key below the current control set, as a path of the SYSTEM hive.
    pub(super) fn control(&self, path: &str) -> String {
        format!("{}\\{path}", self.control_set)
    }
}

/// The values that name the control set of the next start, and of the last one.
const SELECTED: [&str; 2] = ["Default", "Current"];

/// The control set that the next start uses, as `Select` has it. Where that does not exist, another one, so that the rest
/// of the report is about something.
fn control_set(look: &Look<'_>, system: &Hive<'_>) -> String {
    let first = "ControlSet001".to_owned();
    if system.content.is_none() {
        return first;
    }
    let exists = |set: &str| system.key(look, set).ok().map(|key| key.is_some());
    let (mut chosen, mut missing, mut is_said) = (None, Vec::new(), false);
    for name in SELECTED {
        let number = match system.u32(look, "Select", name) {
            Ok(Some(number)) => number,
            Ok(None) => continue,
            Err(Unread) => return first, // damage, which was told
        };
        is_said = true;
        let set = format!("ControlSet{number:03}");
        match exists(&set) {
            Some(true) => chosen = chosen.or(Some(set)),
            Some(false) => missing.push((name, number, set)),
            None => return first,
        }
    }
    let other = || {
        let root = system.content.as_ref()?.root().ok()?;
        let names = root.subkeys().ok()?.into_iter().map(|key| key.name().to_owned());
        names.filter(|name| name.to_ascii_lowercase().starts_with("controlset")).min()
    };
    let chosen = chosen.or_else(other);
    let message = match missing.as_slice() {
        [] if is_said => None,
        [] => Some("neither Default nor Current specifies the control set of the next start".to_owned()),
        all => {
            let named =
                all.iter().map(|(name, number, set)| format!("{name} is {number}, but {set} does not exist"));
            Some(named.collect::<Vec<_>>().join("; "))
        }
    };
    if let Some(message) = message {
        let finding = Finding::new(rules::CONTROL_SET, message).at(system.place("Select"));
        let number = chosen.as_deref().and_then(|set| set.get(10..)?.parse::<u32>().ok());
        look.add(match number {
            // `reg` in the command prompt of the ISO sees its own registry: that of the disk has to be loaded.
            Some(number) => finding.with_fix(format!(
                "start the machine from the Windows ISO, choose to repair it, open a command prompt, and run: reg load \
                 HKLM\\DISK C:\\Windows\\System32\\config\\SYSTEM then reg add HKLM\\DISK\\Select /v Default /t \
                 REG_DWORD /d {number} /f then the same for Current, and reg unload HKLM\\DISK"
            )),
            None => finding,
        });
    }
    chosen.unwrap_or(first)
}

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    let info = &windows.info;
    if let Some(edition) = info.edition.as_deref().filter(|edition| edition.ends_with("Eval")) {
        // Microsoft, "Upgrade and conversion options for Windows Server": editions whose name ends so are evaluations.
        let place = windows.software.place(CURRENT_VERSION);
        look.report(rules::EVALUATION, place, format!("EditionID is {edition}: an evaluation edition"));
    }
    memory_limit(look, windows);
    name(look, windows);
}

/// That the name of the template speaks of the Windows that is in it.
fn name(look: &Look<'_>, windows: &Windows<'_>) {
    let Some(name) = look.context.metainfo.and_then(crate::metainfo::Metainfo::os_name) else { return };
    let held =
        windows.info.build_number().and_then(|build| Release::of_build(build, windows.info.is_server()));
    let (Some(named), Some(held)) = (Release::of_name(&name), held) else { return };
    if !named.covers(held) {
        let message =
            format!("the name of the template is \"{}\", but the image contains {held}", Shown(name));
        look.report(rules::NAME, windows.volume.place(look, ""), message);
    }
}

fn memory_limit(look: &Look<'_>, windows: &Windows<'_>) {
    let Some(build) = windows.info.build_number() else { return };
    let limit = look.context.metainfo.and_then(|metainfo| metainfo.limits().ok()?.memory_mib);
    // Those before Vista make do with what any machine has.
    if build < 6000 {
        return;
    }
    // Microsoft, "Hardware requirements for Windows Server" (without desktop), "Windows 10 specifications", "Windows 11
    // specifications".
    let (least, what) = match (windows.info.is_server(), windows.machine) {
        (true, _) => (512, "Windows Server"),
        (false, _) if build >= 22_000 => (4096, "Windows 11"),
        (false, Some(Machine::X86)) => (1024, "a 32-bit Windows"),
        (false, _) => (2048, "a 64-bit Windows"),
    };
    if let Some(limit) = limit.filter(|&limit| limit < least) {
        let place = windows.volume.place(look, "");
        look.report(
            rules::MEMORY_LIMIT,
            place,
            format!("the template requires {limit} MiB; {what} needs {least}"),
        );
    }
}
