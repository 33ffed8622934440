//! What is known of the commands that batch files call.

/// How a command takes its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// As a program of its own that cuts its command line by the rules of Microsoft's C runtime.
    Argv,
    /// By cmd.exe itself.
    Internal,
    /// As another program to run, or as text in a language of its own.
    Code,
    /// As a batch file, which is read by the rules of batch files again.
    Batch,
    /// Nobody knows: a name without an ending may be a batch file.
    Unknown,
}

const INTERNAL: [&str; 46] = [
    "assoc", "break", "call", "cd", "chdir", "cls", "color", "copy", "date", "del", "dir", "dpath", "echo",
    "endlocal", "erase", "exit", "ftype", "goto", "keys", "md", "mkdir", "mklink", "move", "path", "pause",
    "popd", "prompt", "pushd", "rd", "rem", "ren", "rename", "rmdir", "set", "setlocal", "shift", "start",
    "time", "title", "type", "ver", "verify", "vol", "if", "for", "else",
];

/// Programs whose arguments are programs or code.
const CODE: [&str; 24] = [
    "at",
    "bash",
    "cmd",
    "command",
    "forfiles",
    "mshta",
    "node",
    "perl",
    "php",
    "plink",
    "powershell",
    "psexec",
    "psexec64",
    "pwsh",
    "py",
    "python",
    "python3",
    "ruby",
    "rundll32",
    "runas",
    "sh",
    "ssh",
    "wmic",
    "wsl",
];

/// Programs that are part of Windows, or as good as: their names are known to be no batch files.
const PROGRAMS: [&str; 72] = [
    "attrib",
    "bcdboot",
    "bcdedit",
    "bitsadmin",
    "bootrec",
    "cacls",
    "certreq",
    "certutil",
    "chkdsk",
    "choice",
    "cipher",
    "cmdkey",
    "cscript",
    "curl",
    "defrag",
    "diskpart",
    "dism",
    "djoin",
    "dnscmd",
    "driverquery",
    "eventcreate",
    "expand",
    "find",
    "findstr",
    "format",
    "fsutil",
    "getmac",
    "gpupdate",
    "hostname",
    "icacls",
    "ipconfig",
    "label",
    "logman",
    "logoff",
    "lpksetup",
    "manage-bde",
    "mode",
    "more",
    "mountvol",
    "msg",
    "msiexec",
    "net",
    "net1",
    "netdom",
    "netsh",
    "nltest",
    "nslookup",
    "ping",
    "pnputil",
    "powercfg",
    "reg",
    "regedit",
    "regsvr32",
    "robocopy",
    "route",
    "sc",
    "schtasks",
    "secedit",
    "setx",
    "shutdown",
    "sort",
    "systeminfo",
    "takeown",
    "tar",
    "taskkill",
    "tasklist",
    "timeout",
    "tzutil",
    "w32tm",
    "wevtutil",
    "where",
    "xcopy",
];

/// Whether cmd.exe has a command of this name, in lower case, itself.
pub(super) fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// How the command with this name, in lower case and without its folder, takes its arguments.
pub(super) fn takes(name: &str) -> Takes {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending @ ("exe" | "com" | "bat" | "cmd"))) => (stem, ending),
        _ => (name, ""),
    };
    if ending.is_empty() && is_internal(name) {
        Takes::Internal
    } else if matches!(ending, "bat" | "cmd") {
        Takes::Batch
    } else if CODE.contains(&stem) {
        Takes::Code
    } else if !ending.is_empty() || PROGRAMS.contains(&stem) {
        Takes::Argv
    } else {
        Takes::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart_by_name_and_ending() {
        for (name, expected) in [
            ("net", Takes::Argv),
            ("net.exe", Takes::Argv),
            ("mytool.exe", Takes::Argv),
            ("mytool", Takes::Unknown),
            ("mytool.bat", Takes::Batch),
            ("net.cmd", Takes::Batch),
            ("echo", Takes::Internal),
            ("echo.exe", Takes::Argv),
            ("cmd.exe", Takes::Code),
            ("powershell", Takes::Code),
            ("slmgr.vbs", Takes::Unknown),
        ] {
            assert_eq!(takes(name), expected, "{name}");
        }
    }
}
