//! Services and drivers: what the registry says that Windows starts.

use super::look::{Look, Seen};
use super::windows::Windows;
use crate::disk::NtfsFile;

/// Programs whose paths have more blanks than this are not looked for at every one of them.
const MAX_WORDS: usize = 16;

/// A service, as its key below `Services` has it (Microsoft, "CurrentControlSet\Services subkey entries").
pub(super) struct Service {
    pub(super) name: &'static str,
    /// The key, as a path of the SYSTEM hive.
    pub(super) path: String,
    pub(super) image_path: Option<String>,
    pub(super) start: Option<u32>,
    /// What takes the place of `Start` on this machine: value `0` of the subkey `StartOverride`, which Windows 8 and later
    /// write for boot drivers of devices that a machine does not have.
    pub(super) start_override: Option<u32>,
}

impl Service {
    /// The service of this name, without regard to case.
    pub(super) fn find(look: &Look<'_>, windows: &Windows<'_>, name: &'static str) -> Seen<Option<Self>> {
        let path = windows.control(&format!("Services\\{name}"));
        let system = &windows.system;
        if system.key(look, &path)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            name,
            image_path: system.string(look, &path, "ImagePath")?.filter(|image| !image.trim().is_empty()),
            start: system.u32(look, &path, "Start")?,
            start_override: system.u32(look, &format!("{path}\\StartOverride"), "0")?,
            path,
        }))
    }

    /// `Start` as it counts.
    pub(super) fn effective_start(&self) -> Option<u32> {
        self.start_override.or(self.start)
    }

    /// The file of a driver as a path on the system volume; `None` if it is elsewhere.
    ///
    /// Without `ImagePath` it is `System32\drivers\NAME.sys`, and a relative path begins in the folder of Windows
    /// (Microsoft, "AddService directive": `ServiceBinary`; ReactOS, `IopNormalizeImagePath`).
    pub(super) fn driver_file(&self, windows: &Windows<'_>) -> Option<String> {
        match &self.image_path {
            Some(image) => resolve(image, &windows.drive),
            None => Some(format!("Windows/System32/drivers/{}.sys", self.name)),
        }
    }
}

/// The program that a command line starts, if it is on the system volume, with its path.
///
/// Without quotes, each blank may end the name of the program: the first that is there is started, with `.exe` added where
/// the name has no extension (Microsoft, "CreateProcessW": `lpCommandLine`).
pub(super) fn program<'w>(
    look: &Look<'_>,
    windows: &'w Windows<'_>,
    command: &str,
) -> Seen<Option<(String, NtfsFile<'w>)>> {
    let command = command.trim();
    let names: Vec<&str> = if let Some(quoted) = command.strip_prefix('"') {
        quoted.split('"').take(1).collect()
    } else {
        let blanks = command.match_indices([' ', '\t']).map(|(at, _)| at).take(MAX_WORDS);
        blanks.chain([command.len()]).map(|end| &command[..end]).collect()
    };
    for name in names {
        let Some(path) = resolve(name, &windows.drive) else { continue };
        let has_extension = path.rsplit('/').next().is_some_and(|file| file.contains('.'));
        // A bare name is looked for in the folder of system programs.
        let folder = if name.contains(['\\', '/']) { "" } else { "Windows/System32" };
        let path = match path.strip_prefix("Windows/").filter(|_| !folder.is_empty()) {
            Some(file) => format!("{folder}/{file}"),
            None => path,
        };
        for path in
            [Some(path.clone()), (!has_extension).then(|| format!("{path}.exe"))].into_iter().flatten()
        {
            if let Some(file) = windows.volume.file(look, &path)?.filter(|file| !file.is_folder()) {
                return Ok(Some((path, file)));
            }
        }
    }
    Ok(None)
}

/// A path of the registry as one on the system volume, which has the letter `drive`; `None` if it leads elsewhere.
fn resolve(path: &str, drive: &str) -> Option<String> {
    let mut path = path.trim().trim_matches('"').replace('/', "\\");
    let strip = |path: &str, prefix: &str| -> Option<String> {
        let start = path.get(..prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then(|| path[prefix.len()..].to_owned())
    };
    // The same folder in the names of the kernel, of Windows, and of device paths (Microsoft, "Naming Files, Paths, and
    // Namespaces").
    let device = [r"\??\", r"\\?\", r"\\.\", r"\GLOBAL??\", r"\DosDevices\"];
    if let Some(rest) = device.iter().find_map(|prefix| strip(&path, prefix)) {
        // Behind such a prefix is a device: a drive, or something that is not looked for here.
        strip(&rest, drive)?;
        path = rest;
    }
    for (variable, folder) in [
        ("%systemroot%", r"\Windows"),
        ("%windir%", r"\Windows"),
        ("%programfiles%", r"\Program Files"),
        ("%programw6432%", r"\Program Files"),
        ("%programfiles(x86)%", r"\Program Files (x86)"),
        ("%programdata%", r"\ProgramData"),
        ("%allusersprofile%", r"\ProgramData"),
        ("%systemdrive%", ""),
        (r"\SystemRoot\", r"\Windows\"),
    ] {
        if let Some(rest) = strip(&path, variable) {
            path = format!("{drive}{folder}{rest}");
            break;
        }
    }
    let inside = if let Some(rest) = strip(&path, drive) {
        rest.strip_prefix('\\')?.to_owned()
    } else if path.as_bytes().get(1) == Some(&b':') {
        return None; // another drive
    } else if let Some(rest) = path.strip_prefix('\\') {
        // From the root of the volume, unless it names a device or another machine.
        let first = rest.split('\\').next().unwrap_or_default();
        if first.is_empty() || ["device", "arcname"].contains(&first.to_ascii_lowercase().as_str()) {
            return None;
        }
        rest.to_owned()
    } else {
        format!("Windows\\{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in inside.split('\\') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn a_path_of_the_registry_leads_to_a_file_of_the_system_volume() {
        let driver = "Windows/System32/drivers/viostor.sys";
        for (path, expected) in [
            (r"System32\drivers\viostor.sys", driver),
            (r"\SystemRoot\System32\drivers\viostor.sys", driver),
            (r"\systemroot\System32\drivers\viostor.sys", driver),
            (r"%SystemRoot%\System32\drivers\viostor.sys", driver),
            (r"\??\C:\Windows\System32\drivers\viostor.sys", driver),
            (r"\\?\c:\Windows\System32\drivers\viostor.sys", driver),
            (r"\Windows\System32\drivers\viostor.sys", driver),
            ("\"C:/Windows/System32/drivers/viostor.sys\"", driver),
            (r"%windir%\.\Temp\..\System32\drivers\viostor.sys", driver),
            (
                r"\SystemRoot\System32\DriverStore\FileRepository\viostor.inf_amd64_0123\viostor.sys",
                "Windows/System32/DriverStore/FileRepository/viostor.inf_amd64_0123/viostor.sys",
            ),
            (r"%ProgramFiles%\Qemu-ga\qemu-ga.exe", "Program Files/Qemu-ga/qemu-ga.exe"),
            (r"%ProgramFiles(x86)%\Qemu-ga\qemu-ga.exe", "Program Files (x86)/Qemu-ga/qemu-ga.exe"),
            (r"%SystemDrive%\tools\a.exe", "tools/a.exe"),
        ] {
            assert_eq!(resolve(path, "C:").as_deref(), Some(expected), "{path}");
        }
        assert_eq!(resolve(r"D:\Windows\a.sys", "D:").as_deref(), Some("Windows/a.sys"));
        for elsewhere in [
            r"D:\a.sys",
            r"\??\Volume{0123}\a.sys",
            r"\Device\HarddiskVolume3\Windows\a.sys",
            r"\\server\share\a.exe",
            r"C:\..\..\a.sys",
            "C:",
            "C:a.sys",
        ] {
            assert_eq!(resolve(elsewhere, "C:"), None, "{elsewhere}");
        }
    }
}
