//! What a script is by what is in it, where neither its first line nor its name says so.

use super::language::ScriptLanguage;

/// Lines beyond this are not looked at: what a script is shows early.
const MOST_LINES: usize = 2000;
/// Nor is what is behind so many bytes of a line.
const MOST_BYTES: usize = 400;

/// How much speaks for one language.
#[derive(Default)]
struct Evidence {
    /// Lines that no other language has.
    sure: usize,
    /// Lines that begin with a command which is usual there.
    usual: usize,
}

/// The language that the text is written in; `None` if nothing says it, or if it could be several.
pub(super) fn language(text: &[u8]) -> Option<ScriptLanguage> {
    if let Some(document) = document(text) {
        return Some(document);
    }
    let (mut batch, mut powershell, mut posix) =
        (Evidence::default(), Evidence::default(), Evidence::default());
    let mut has_unix_ends = false;
    for line in text.split_inclusive(|&b| b == b'\n').take(MOST_LINES) {
        has_unix_ends |= line.ends_with(b"\n") && !line.ends_with(b"\r\n");
        let short = &line[..line.len().min(MOST_BYTES)];
        let original = String::from_utf8_lossy(short);
        let original = original.trim();
        let lower = original.to_ascii_lowercase();
        batch.sure += usize::from(is_batch(&lower));
        powershell.sure += usize::from(is_powershell(&lower));
        posix.sure += usize::from(is_posix(original));
        let command = command(&lower);
        batch.usual += usize::from(BATCH_COMMANDS.contains(&command) || is_windows_path(&lower));
        posix.usual += usize::from(POSIX_COMMANDS.contains(&command));
    }
    let (windows, shell) = (batch.sure + powershell.sure, posix.sure);
    if windows + shell > 0 {
        // A script may write one for another interpreter, but a few lines do not outweigh the rest.
        return if shell >= 3 * windows {
            Some(ScriptLanguage::Posix)
        } else if windows < 3 * shell {
            None
        } else if batch.sure >= powershell.sure {
            // What cmd.exe runs may hold lines for PowerShell, and is quoted in the stricter way.
            Some(ScriptLanguage::Batch)
        } else {
            Some(ScriptLanguage::PowerShell)
        };
    }
    // Commands that another system has as well, so line ends count: no shell runs a script with CR LF.
    match (batch.usual, posix.usual) {
        (1.., 0) => Some(ScriptLanguage::Batch),
        (0, 1..) if has_unix_ends || !text.contains(&b'\n') => Some(ScriptLanguage::Posix),
        (0, 0) if !has_unix_ends && starts_with_echo(text) => Some(ScriptLanguage::Batch),
        _ => None,
    }
}

/// Files of answers, which are no scripts.
fn document(text: &[u8]) -> Option<ScriptLanguage> {
    let mut options = 0;
    for (number, line) in text.split(|&b| b == b'\n').take(MOST_LINES).enumerate() {
        let line = String::from_utf8_lossy(&line[..line.len().min(MOST_BYTES)]);
        let line = line.trim();
        // cloud-init, "User-data formats": the first line says it; that of a template is before it.
        if number < 2 && line == "#cloud-config" {
            return Some(ScriptLanguage::CloudConfig);
        }
        // debconf-set-selections(1): owner, question, type, value. The installer's owner is `d-i`.
        if line.starts_with("#_preseed_V1") || line.starts_with("d-i ") && line.contains('/') {
            return Some(ScriptLanguage::Preseed);
        }
        // pykickstart, "Kickstart syntax": sections, and commands of which a file has several.
        let word = line.split_ascii_whitespace().next().unwrap_or_default();
        if matches!(word, "%packages" | "%post" | "%pre" | "%addon") {
            return Some(ScriptLanguage::Kickstart);
        }
        options += usize::from(KICKSTART_COMMANDS.contains(&word));
        if options >= 3 {
            return Some(ScriptLanguage::Kickstart);
        }
    }
    None
}

/// Commands of kickstart that no shell script begins a line with.
const KICKSTART_COMMANDS: [&str; 12] = [
    "auth",
    "authconfig",
    "autopart",
    "bootloader",
    "clearpart",
    "ignoredisk",
    "keyboard",
    "lang",
    "part",
    "rootpw",
    "timezone",
    "zerombr",
];

/// The first word of a line in lower case: the command, without its folder and `.exe`.
fn command(line: &str) -> &str {
    let word = line.split(|c: char| c.is_whitespace() || "|&;<>()".contains(c)).next().unwrap_or_default();
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

/// Commands that Windows has and a shell script does not begin with.
const BATCH_COMMANDS: [&str; 34] = [
    "bcdedit",
    "certutil",
    "cls",
    "cmd",
    "color",
    "copy",
    "cscript",
    "del",
    "diskpart",
    "dism",
    "erase",
    "icacls",
    "md",
    "move",
    "msiexec",
    "net",
    "netsh",
    "pause",
    "powercfg",
    "powershell",
    "rd",
    "reg",
    "ren",
    "robocopy",
    "sc",
    "schtasks",
    "slmgr",
    "sysprep",
    "taskkill",
    "tzutil",
    "w32tm",
    "wmic",
    "wscript",
    "xcopy",
];

/// Commands that Unix has and Windows does not begin a script with.
const POSIX_COMMANDS: [&str; 43] = [
    "apk",
    "apt",
    "apt-get",
    "awk",
    "cat",
    "chmod",
    "chown",
    "chpasswd",
    "chroot",
    "cp",
    "dnf",
    "dpkg",
    "grep",
    "hostnamectl",
    "ifconfig",
    "ifup",
    "insmod",
    "ip",
    "ln",
    "mkfs",
    "modprobe",
    "mount",
    "mv",
    "passwd",
    "poweroff",
    "printf",
    "reboot",
    "rm",
    "rpm",
    "sed",
    "service",
    "sudo",
    "sysctl",
    "systemctl",
    "tar",
    "timedatectl",
    "touch",
    "umount",
    "useradd",
    "usermod",
    "wget",
    "yum",
    "zypper",
];

/// `C:\…` or `%SystemRoot%\…` at the beginning of a line.
fn is_windows_path(line: &str) -> bool {
    let line = line.trim_start_matches('"').as_bytes();
    matches!(line, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
}

/// A text that begins with `echo`, which is all that there is of it in the shortest batch files.
fn starts_with_echo(text: &[u8]) -> bool {
    text.trim_ascii_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"echo "))
}

/// Whether a line, in lower case, is one that only a batch file has.
fn is_batch(line: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|start| line.starts_with(start));
    let word = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if let Some(rest) = line.strip_prefix('@') {
        return word(rest);
    }
    if let Some(rest) = line.strip_prefix(':') {
        // A label or a comment; `: text` is the command of a shell that does nothing.
        return word(rest) || rest.starts_with(':');
    }
    if let Some(rest) = line.strip_prefix("set ") {
        let name = rest.trim_start_matches(['"', ' ']).trim_start_matches("/a ").trim_start_matches("/p ");
        let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        return length > 0 && name[length..].trim_start().starts_with('=') && !rest.starts_with('-');
    }
    // `if ($x)==y` compares a macro; `if ($x) {` is PowerShell.
    line.starts_with("if (") && line.contains("==") && !line.contains('{')
        || matches!(line, "rem" | "setlocal" | "endlocal")
        || begins(&[
            "rem ",
            "echo.",
            "echo(",
            "setlocal ",
            "goto ",
            "goto:",
            "call ",
            "if not ",
            "if exist ",
            "if defined ",
            "if errorlevel ",
            "if /i ",
            "if \"",
            "if %",
            "for %",
            "for /",
            "exit /b",
        ])
}

/// Whether a line, in lower case, is one that only PowerShell has: an assignment to a variable, a cmdlet, a block.
fn is_powershell(line: &str) -> bool {
    if let Some(rest) = line.strip_prefix('$') {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_:.".contains(c));
        let length = length.unwrap_or(rest.len());
        let behind = rest[length..].trim_start();
        return length > 0 && ["=", "+=", "|", "["].iter().any(|sign| behind.starts_with(sign));
    }
    let block =
        ["if (", "if(", "elseif (", "} elseif", "foreach (", "foreach(", "while (", "switch (", "for ("];
    let others = ["param(", "param (", "#requires", "<#", "[cmdletbinding", "try {", "} catch", "catch {"];
    VERBS.iter().any(|verb| {
        line.strip_prefix(verb).is_some_and(|noun| noun.starts_with(|c: char| c.is_ascii_alphabetic()))
    }) || others.iter().any(|start| line.starts_with(start))
        || line.starts_with("function ") && line.ends_with('{') && !line.contains("()")
        || block.iter().any(|start| line.starts_with(start)) && line.contains('$') && line.contains('{')
        || line.starts_with('[') && line.contains("]::")
        || line.starts_with("([") && line.contains(").")
}

const VERBS: [&str; 22] = [
    "add-",
    "clear-",
    "copy-",
    "disable-",
    "enable-",
    "get-",
    "import-",
    "install-",
    "invoke-",
    "move-",
    "new-",
    "out-",
    "remove-",
    "rename-",
    "resize-",
    "restart-",
    "set-",
    "start-",
    "stop-",
    "test-",
    "uninstall-",
    "write-",
];

/// Whether a line is one that only a shell has. Upper and lower case count.
fn is_posix(line: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|start| line.starts_with(start));
    let assigned = line.find('=').is_some_and(|at| {
        let name = line[..at].trim_end_matches('+');
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !line[at + 1..].starts_with([' ', '='])
    });
    let is_option = |line: &str| {
        let option = line.strip_prefix("set -").or_else(|| line.strip_prefix("set +"));
        option.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
    };
    let is_function = line.find("()").is_some_and(|at| {
        let name = line[..at].trim_end().trim_start_matches("function ");
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    });
    assigned
        || is_function
        || is_option(line)
        || matches!(line, "then" | "fi" | "do" | "done" | "esac" | "else" | ";;")
        || begins(&[
            "if [ ",
            "if [[ ",
            "if ! ",
            "elif ",
            "then ",
            "fi ",
            "fi;",
            "done ",
            "done;",
            "done<",
            "while [ ",
            "while read",
            "until [ ",
            "[ ",
            "[[ ",
            "export ",
            "local ",
            "readonly ",
            "case \"$",
            "case $",
            "exec ",
            ". /",
            "source ",
            "trap ",
            "unset ",
            "echo \"$",
            "echo $",
        ])
        || line.starts_with("for ") && line.contains(" in ") && line.ends_with("do")
        || line.contains("<<EOF")
        || line.contains("<< EOF")
        || line.contains("<<'EOF'")
        || line.contains("<<-")
        || line.contains("/dev/null")
        || line.contains(" /etc/")
        || line.contains("> /etc/")
        || line.contains("| chpasswd")
        || line.contains("$(cat ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<ScriptLanguage> {
        language(text.as_bytes())
    }

    #[test]
    fn batch_files_are_recognised() {
        for text in [
            "@echo off\r\n$a = 1\r\n",
            "net user x\r\n",
            "net user x ($PASS)",
            "echo ($IP)\r\n",
            "echo ($IP)",
            "pause\r\nexit /b\r\n",
            "set a=b\r\n",
            "Get-Disk\r\nset a=b\r\n",
            ":again\ngoto again\n",
            "rem nothing\n",
            "c:\\vmmgr\\dd.exe --list 2>&1\r\n",
            "if ($HOSTNAME)==x exit\r\n",
            "setlocal EnableDelayedExpansion\nnet user x ($V)",
            "for %%i in (1 2) do echo %%i\r\n",
        ] {
            assert_eq!(told(text), Some(ScriptLanguage::Batch), "{text:?}");
        }
    }

    #[test]
    fn scripts_for_powershell_are_recognised() {
        for text in [
            "$a = 1\r\nWrite-Host $a\r\n",
            "<# why #>\r\nparam([string]$x)\r\n",
            "$a = @'\r\n@'\r\n",
            "echo 'first'\r\n$a = 1\r\n",
            "if ($nic) {\n  New-NetIPAddress -IPAddress ($IP)\n}\n",
            "([adsi]\"WinNT://./Administrator,user\").SetPassword('($PASS)')\n",
            "[Environment]::SetEnvironmentVariable('a', '($IP)')\n",
            "function Set-It {\n  return 1\n}\n",
            "foreach ($server in $servers) { Write-Host $server }\r\n",
        ] {
            assert_eq!(told(text), Some(ScriptLanguage::PowerShell), "{text:?}");
        }
    }

    #[test]
    fn shell_scripts_are_recognised_without_their_first_line() {
        for text in [
            "set -e\nip addr add ($IP)/24 dev eth0\nfor ns in ($NAMESERVERS); do\n  echo $ns\ndone\nreboot\n",
            "echo \"root:($PASS)\" | chpasswd\n",
            "ip addr add ($IP)/24 dev eth0\n",
            "HOSTNAME=($HOSTNAME)\nhostname $HOSTNAME\n",
            "if [ -n \"($IP)\" ]; then\n  echo x\nfi\n",
            "apt-get update\n",
            "cat > /etc/hostname <<EOF\n($HOSTNAME)\nEOF\n",
            "main() {\n  echo\n}\nmain\n",
            "useradd admin",
            "export LANG=C\n",
        ] {
            assert_eq!(told(text), Some(ScriptLanguage::Posix), "{text:?}");
        }
    }

    #[test]
    fn files_of_answers_are_told_as_what_they_are() {
        for (text, language) in [
            ("d-i mirror/http/hostname string ($MIRROR)\n", ScriptLanguage::Preseed),
            ("#_preseed_V1\n\n", ScriptLanguage::Preseed),
            ("install\nlang en_US\nkeyboard us\nrootpw ($PASS)\nreboot\n", ScriptLanguage::Kickstart),
            ("text\n%packages\n@core\n%end\n", ScriptLanguage::Kickstart),
            ("#cloud-config\nhostname: ($HOSTNAME)\n", ScriptLanguage::CloudConfig),
            ("## template: jinja\n#cloud-config\n", ScriptLanguage::CloudConfig),
        ] {
            assert_eq!(told(text), Some(language), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "\n",
            "($HOSTNAME)\r\n",
            "($HOSTNAME)\n",
            "echo ($IP)\n",
            "hello world\n",
            "<unattend>($PASS)</unattend>\r\n",
            "{\"ip\": \"($IP)\"}\n",
            "[Network]\nAddress = ($IP)\n",
            "reboot\r\n",
            "@echo off\nset -e\n",
        ] {
            assert_eq!(told(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_shell_script_that_writes_a_batch_file_stays_one() {
        let text = "set -e\nif [ -d /boot ]; then\n  A=1\nfi\nexport A\ncat > x.cmd <<EOF\n@echo off\nEOF\n";
        assert_eq!(told(text), Some(ScriptLanguage::Posix));
    }
}
