//! What is known of the commands that batch files call.

use std::ops::Range;

use super::argv::Argument;

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

/// What a program that runs other programs, or code, runs of its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Runs {
    Nothing,
    /// What is in the line from this argument on, unchanged. `unquoted` is whether a quote that it begins with
    /// and the last one go.
    Line {
        from: usize,
        unquoted: bool,
    },
    /// These arguments, joined by blanks.
    Command(Range<usize>),
    /// The arguments from this one on, as a program of PowerShell.
    PowerShell(usize),
    /// The file that this argument names; it gets those behind it as its arguments.
    File(usize),
    /// The arguments from this one on, as code of another language.
    Code(usize),
    /// Nothing, but the program reads its arguments as more than words.
    Data,
}

/// What the program with this name, in lower case and without its folder, runs.
pub(super) fn runs(name: &str, arguments: &[Argument]) -> Runs {
    let stem = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".com")).unwrap_or(name);
    let end = arguments.len();
    let text = |at: usize| arguments.get(at).map_or("", |argument| argument.text.as_str());
    let behind = |word: &str| (0..end).find(|&at| text(at) == word).map(|at| at + 1);
    let one = |at: usize| Runs::Command(at.min(end)..(at + 1).min(end));
    match stem {
        "cmd" | "command" => {
            let is_switch =
                |at: &usize| ["/c", "/k", "/r"].iter().any(|switch| text(*at).starts_with(switch));
            match (0..end).find(is_switch) {
                Some(at) if text(at).len() == 2 => Runs::Line { from: at + 1, unquoted: true },
                Some(at) => Runs::Command(at..end),
                None => Runs::Code(0),
            }
        }
        "start" => {
            let title = arguments.first().is_some_and(|first| first.begins_quoted);
            let valued = ["/d", "/affinity", "/node", "/machine"];
            Runs::Line { from: behind_options(usize::from(title), end, text, "/", &valued), unquoted: false }
        }
        "powershell" | "pwsh" => powershell(end, text),
        "schtasks" => behind("/tr").map_or(Runs::Nothing, one),
        "sc" => behind("binpath=").map_or(Runs::Nothing, one),
        // What the keys Run and RunOnce hold is run when somebody logs on.
        "reg" if (0..end).any(|at| text(at).contains("currentversion\\run")) => {
            behind("/d").map_or(Runs::Nothing, one)
        }
        "cscript" | "wscript" => Runs::File(behind_options(0, end, text, "/", &[])),
        "runas" => one(behind_options(0, end, text, "/", &[])),
        "psexec" | "psexec64" | "paexec" => {
            let valued = ["-u", "-p", "-n", "-w", "-r", "-a", "-g", "/u", "/p", "/n", "/w", "/r", "/a", "/g"];
            let mut at = behind_options(0, end, text, "-/\\@", &valued);
            // `-i` may have the number of a session.
            if at > 0 && matches!(text(at - 1), "-i" | "/i") && text(at).bytes().all(|b| b.is_ascii_digit()) {
                at = behind_options(at + 1, end, text, "-/", &valued);
            }
            Runs::Command(at.min(end)..end)
        }
        "forfiles" => behind("/c").map_or(Runs::Data, |at| Runs::Command(at..end)),
        "at" => Runs::Command(behind_options(1, end, text, "/", &[]).min(end)..end),
        "wmic" => match behind("create") {
            Some(at) if text(at.saturating_sub(2)) == "call" => Runs::Command(at..end),
            _ => Runs::Data,
        },
        "ssh" | "plink" => {
            let valued = ["-i", "-p", "-l", "-o", "-f", "-b", "-c", "-d", "-e", "-j", "-m", "-pw"];
            Runs::Command((behind_options(0, end, text, "-", &valued) + 1).min(end)..end)
        }
        "wsl" => Runs::Command(behind_options(0, end, text, "-", &["-d", "-u"]).min(end)..end),
        "bash" | "sh" | "node" | "perl" | "php" | "py" | "python" | "python3" | "ruby" => {
            let is_code = |at: &usize| matches!(text(*at), "-c" | "-e" | "-r" | "-p" | "-lc" | "--eval");
            let file = behind_options(0, end, text, "-", &[]);
            match (0..file).find(is_code) {
                Some(at) => Runs::Code(at + 1),
                None => Runs::File(file),
            }
        }
        _ if takes(name) == Takes::Code => Runs::Code(0),
        _ => Runs::Nothing,
    }
}

/// The first argument from `at` on that is no option: it begins with none of these signs, and none of the options that
/// take a value is before it.
fn behind_options<'t>(
    mut at: usize,
    end: usize,
    text: impl Fn(usize) -> &'t str,
    signs: &str,
    valued: &[&str],
) -> usize {
    while at < end && text(at).starts_with(|c| signs.contains(c)) {
        at += if valued.contains(&text(at)) { 2 } else { 1 };
    }
    at.min(end)
}

/// After Microsoft, "about_PowerShell_exe" and "about_Pwsh": an option may be cut short, and what is none begins the
/// command.
fn powershell<'t>(end: usize, text: impl Fn(usize) -> &'t str) -> Runs {
    const SWITCHES: [&str; 8] =
        ["help", "login", "mta", "noexit", "nologo", "noninteractive", "noprofile", "sta"];
    const VALUED: [&str; 11] = [
        "configurationname",
        "custompipename",
        "ep",
        "executionpolicy",
        "inputformat",
        "outputformat",
        "psconsolefile",
        "settingsfile",
        "version",
        "windowstyle",
        "workingdirectory",
    ];
    let mut at = 0;
    while at < end {
        let Some(option) = text(at).strip_prefix(['-', '/']) else { break };
        let is = |name: &str| !option.is_empty() && name.starts_with(option);
        at += match option {
            _ if is("command") => return Runs::PowerShell(at + 1),
            _ if is("file") => return Runs::File(at + 1),
            _ if is("encodedcommand") || option == "ec" => return Runs::Code(at + 1),
            // `-nop` and `-noni` are no more than a beginning, and so is `-ex`.
            _ if SWITCHES.iter().any(|name| is(name)) => 1,
            _ if VALUED.iter().any(|name| is(name)) => 2,
            _ => return Runs::Code(at),
        };
    }
    let at = at.min(end);
    if text(at).strip_suffix(".ps1").is_some() { Runs::File(at) } else { Runs::PowerShell(at) }
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

    fn of(line: &str) -> Runs {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let arguments: Vec<Argument> = words
            .map(|word| Argument {
                begins_quoted: word.starts_with('"'),
                text: word.trim_matches('"').to_owned(),
                ..Argument::default()
            })
            .collect();
        runs(name, &arguments)
    }

    #[test]
    fn what_a_command_runs_of_its_arguments_is_found_behind_its_options() {
        for (line, expected) in [
            ("net user x", Runs::Nothing),
            ("cmd /s /c net user", Runs::Line { from: 2, unquoted: true }),
            ("cmd.exe /cnet user", Runs::Command(0..2)),
            ("start \"\" /wait /d c:\\x net user", Runs::Line { from: 4, unquoted: false }),
            ("start net", Runs::Line { from: 0, unquoted: false }),
            ("powershell -nop -ep bypass -c x y", Runs::PowerShell(4)),
            ("powershell -noninteractive -executionpolicy bypass -file c:\\x.ps1 a", Runs::File(4)),
            ("powershell.exe set-x y", Runs::PowerShell(0)),
            ("powershell -w hidden c:\\x.ps1 y", Runs::File(2)),
            ("powershell -enc abc", Runs::Code(1)),
            ("pwsh -command x", Runs::PowerShell(1)),
            ("schtasks /create /tn a /tr x /sc once", Runs::Command(4..5)),
            ("schtasks /run /tn a", Runs::Nothing),
            ("runas /user:x notepad", Runs::Command(1..2)),
            ("psexec \\\\host -u a -p b -i 1 -s net user", Runs::Command(8..10)),
            ("forfiles /p c:\\ /c x", Runs::Command(3..4)),
            ("wmic process call create x", Runs::Command(3..4)),
            ("wmic computersystem where x rename y", Runs::Data),
            ("python x.py a", Runs::File(0)),
            ("perl -w -e x", Runs::Code(2)),
            ("ssh -i key host ls a", Runs::Command(3..5)),
            ("mshta x", Runs::Code(0)),
            ("cscript //nologo a.vbs x", Runs::File(1)),
            ("reg add hklm\\currentversion\\runonce /v a /d x /f", Runs::Command(5..6)),
            ("reg add hklm\\a /v a /d x /f", Runs::Nothing),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
    }
}
