//! Which Windows is installed.

use super::boot;
use super::look::{Look, Seen};
use super::pe::Machine;
use super::registry::Hive;
use super::rules;
use super::volumes::{Volume, Volumes};
use crate::check::ImageContext;
use crate::disk::DiskImage;
use crate::error::Result;
use crate::progress::Control;

const CURRENT_VERSION: &str = r"Microsoft\Windows NT\CurrentVersion";

/// The Windows that is installed on a disk, as its registry tells. What it does not tell is `None`.
///
/// ```no_run
/// use vmtemplate::{DiskImage, WindowsInfo};
///
/// let disk = DiskImage::open("win2019.qcow2")?;
/// if let Some(windows) = WindowsInfo::read(&disk)? {
///     println!("{windows}"); // Windows Server 2019 Standard, version 1809, build 17763.3650, x64, en-US
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
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

/// Languages that Windows is installed in, by the number that the registry has of them (Microsoft, "Windows Language Code
/// Identifier (LCID) Reference").
const LANGUAGES: &[(&str, &str)] = &[
    ("0404", "zh-TW"),
    ("0405", "cs-CZ"),
    ("0407", "de-DE"),
    ("0409", "en-US"),
    ("040B", "fi-FI"),
    ("040C", "fr-FR"),
    ("040E", "hu-HU"),
    ("0410", "it-IT"),
    ("0411", "ja-JP"),
    ("0412", "ko-KR"),
    ("0413", "nl-NL"),
    ("0415", "pl-PL"),
    ("0416", "pt-BR"),
    ("0419", "ru-RU"),
    ("041D", "sv-SE"),
    ("041F", "tr-TR"),
    ("0422", "uk-UA"),
    ("0804", "zh-CN"),
    ("0809", "en-GB"),
    ("0816", "pt-PT"),
    ("0C0A", "es-ES"),
];

impl WindowsInfo {
    /// Read it from the registry on the disk; `None` if no Windows is found there.
    ///
    /// What cannot be read is left `None` in the answer; [`Template::check`](crate::Template::check) tells why.
    ///
    /// # Errors
    ///
    /// What reading the partition table gives, and those that say nothing of the disk:
    /// [`Network`](crate::ErrorKind::Network), [`ImageChanged`](crate::ErrorKind::ImageChanged).
    ///
    /// ```
    /// use vmtemplate::{DiskImage, WindowsInfo};
    ///
    /// assert_eq!(WindowsInfo::read(&DiskImage::from_bytes([0; 4096]))?, None);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn read(disk: &DiskImage) -> Result<Option<Self>> {
        crate::disk::PartitionTable::read(disk)?;
        let control = Control::default();
        let context = ImageContext { name: "", metainfo: None, script: None, control: &control };
        let look = Look::new(disk, &context);
        let found = Volumes::find(&look)
            .ok()
            .and_then(|volumes| volumes.system(&look).map(|volume| Windows::open(&look, volume).info));
        look.findings().map(|_| found)
    }

    pub(super) fn is_server(&self) -> bool {
        self.installation.as_deref().is_some_and(|installation| installation.starts_with("Server"))
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

/// The Windows that is checked.
pub(super) struct Windows<'v> {
    pub(super) volume: &'v Volume,
    pub(super) system: Hive<'v>,
    pub(super) software: Hive<'v>,
    pub(super) sam: Hive<'v>,
    /// The control set that the next start uses: `ControlSet001`.
    control_set: String,
    pub(super) info: WindowsInfo,
    pub(super) machine: Option<Machine>,
}

impl<'v> Windows<'v> {
    pub(super) fn open(look: &Look<'_>, volume: &'v Volume) -> Self {
        let open =
            |file: &str, name| Hive::open(look, volume, &format!("Windows/System32/config/{file}"), name);
        let mut windows = Self {
            volume,
            system: open("SYSTEM", r"HKLM\SYSTEM"),
            software: open("SOFTWARE", r"HKLM\SOFTWARE"),
            sam: open("SAM", r"HKLM\SAM"),
            control_set: String::new(),
            info: WindowsInfo::default(),
            machine: None,
        };
        // `Default` is the set that the next start takes, `Current` the one that the last start took.
        let number =
            ["Default", "Current"].map(|name| windows.system.u32(look, "Select", name).ok().flatten());
        let number = number.into_iter().flatten().next().unwrap_or(1);
        windows.control_set = format!("ControlSet{number:03}");
        windows.read_info(look).ok();
        windows
    }

    fn read_info(&mut self, look: &Look<'_>) -> Seen<()> {
        let text = |name: &str| self.software.string(look, CURRENT_VERSION, name);
        let mut info = WindowsInfo {
            product: text("ProductName")?,
            edition: text("EditionID")?,
            installation: text("InstallationType")?,
            version: text("DisplayVersion")?.or(text("ReleaseId")?),
            build: text("CurrentBuild")?,
            ..WindowsInfo::default()
        };
        if let (Some(build), Some(update)) =
            (&mut info.build, self.software.u32(look, CURRENT_VERSION, "UBR")?)
        {
            *build = format!("{build}.{update}");
        }
        // Windows 11 still has the name of its predecessor there; it begins with build 22000 (Microsoft, "Windows 11
        // release information").
        if let Some(product) = &mut info.product
            && !info.installation.as_deref().is_some_and(|kind| kind.starts_with("Server"))
            && info
                .build
                .as_deref()
                .and_then(|build| build.split('.').next()?.parse().ok())
                .is_some_and(|build: u32| build >= 22_000)
        {
            *product = product.replacen("Windows 10", "Windows 11", 1);
        }
        info.image_state =
            self.software.string(look, r"Microsoft\Windows\CurrentVersion\Setup\State", "ImageState")?;
        self.info = info;
        let environment = self.control(r"Control\Session Manager\Environment");
        let machine = self.system.string(look, &environment, "PROCESSOR_ARCHITECTURE")?;
        self.machine = machine.as_deref().and_then(Machine::of_name);
        self.info.architecture = self.machine.map(|machine| machine.to_string()).or(machine);
        let language = self.control(r"Control\Nls\Language");
        self.info.language = self.system.string(look, &language, "InstallLanguage")?.map(|number| {
            let known = LANGUAGES.iter().find(|(lcid, _)| number.eq_ignore_ascii_case(lcid));
            known.map_or_else(|| format!("language {number}"), |(_, name)| (*name).to_owned())
        });
        Ok(())
    }

    /// A key below the current control set, as a path of the SYSTEM hive.
    pub(super) fn control(&self, path: &str) -> String {
        format!("{}\\{path}", self.control_set)
    }

    /// Tell which it is.
    pub(super) fn tell(&self, look: &Look<'_>, volumes: &Volumes) {
        if self.software.content.is_none() {
            return;
        }
        let mut text = self.info.to_string();
        if let Some((firmware, _)) = boot::firmware(volumes) {
            text = format!("{text}, starts with {firmware}");
        }
        match self.info.image_state.as_deref() {
            Some("IMAGE_STATE_COMPLETE") => text.push_str(", not generalized"),
            Some(state) if state.starts_with("IMAGE_STATE_GENERALIZE") => {
                text.push_str(", generalized by Sysprep");
            }
            _ => {}
        }
        look.report(rules::WINDOWS, self.volume.place(look, ""), text);
    }
}

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    let info = &windows.info;
    if let Some(edition) = info.edition.as_deref().filter(|edition| edition.ends_with("Eval")) {
        // Microsoft, "Upgrade and conversion options for Windows Server": editions whose name ends so are evaluations.
        let place = windows.software.place(CURRENT_VERSION);
        look.report(rules::EVALUATION, place, format!("EditionID is {edition}: an evaluation edition"));
    }
    memory_limit(look, windows);
}

fn memory_limit(look: &Look<'_>, windows: &Windows<'_>) {
    let Some(build) = windows.info.build_number() else { return };
    let limit = look.context.metainfo.and_then(|metainfo| metainfo.limits().ok()?.memory_mib);
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
            format!("the template asks for {limit} MiB; {what} needs {least}"),
        );
    }
}
