//! Batch files. That what passes arrives is what the injection tests hold; here it is what passes.

use vmtemplate::ScriptLanguage;

use crate::values::{Construction, NOT_A_NUMBER, NOT_A_WORD, NOT_PLAIN, Refused, check};

/// Any text; a `"` is not handed on in the same way by cmd.exe and by every program.
const fn open(script: &'static str) -> Construction {
    but(script, &[("it has a `\"`", &["quote"])])
}

const fn but(script: &'static str, refused: &'static [Refused]) -> Construction {
    Construction { script, refused }
}

/// A command in a command is read twice, and quotes do not last for both.
const AGAIN: &[Refused] = &[("reads it as a part of a command", NOT_PLAIN)];

const CONSTRUCTIONS: [Construction; 62] = [
    open("net user Administrator ($X)"),
    open("net user Administrator \"($X)\""),
    open("net.exe user Administrator \"($X)\" >nul 2>&1"),
    open("C:\\Windows\\System32\\net.exe user Administrator ($X) /y"),
    but(
        "wmic computersystem where name=\"%COMPUTERNAME%\" call rename name=\"($X)\"",
        &[("in a language of its own", NOT_PLAIN)],
    ),
    open("netsh interface ip set address \"Ethernet\" static ($X) 255.255.255.0"),
    open("netsh interface ipv4 set dnsservers name=\"%NIC%\" static addr=($X) primary"),
    open(
        "reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters /v Hostname /t REG_SZ /d \"($X)\" /f",
    ),
    open("tzutil /s \"($X)\""),
    open("cscript //nologo C:\\Windows\\System32\\slmgr.vbs /ipk ($X)"),
    open("curl.exe -fsS \"($X)\" -o C:\\x"),
    open("schtasks /create /tn \"($X)\" /tr C:\\x.exe /sc onstart"),
    open("python C:\\x.py ($X)"),
    open("x.exe /p:($X);y"),
    open("x.exe \"/p:C:\\x ($X) y\""),
    open("x.exe --key=\"($X)\""),
    open("echo ($X)"),
    open("echo #:\"($X)\""),
    open("echo ($X)>> C:\\log.txt"),
    open("(\r\n  echo begin\r\n  echo ($X)\r\n) > C:\\x.txt"),
    open("if a==a (\r\n  echo ($X)\r\n  x.exe ($X)\r\n)"),
    open("if not a==b (\r\nx.exe ($X)\r\n) else (\r\nx.exe \"($X)\"\r\n)"),
    open("for %%A in (1) do x.exe ($X) \"($X)\""),
    but(
        "for %%A in (($X)) do netsh interface ip add dns \"Ethernet\" %%A",
        &[("cuts it into words", NOT_PLAIN)],
    ),
    but("for /f \"tokens=1\" %%A in (\"($X)\") do echo %%A", &[("cuts it into words", NOT_PLAIN)]),
    but("for /f %%A in ('net user ($X)') do echo %%A", &[("another cmd.exe reads it", NOT_PLAIN)]),
    open("if \"($X)\"==\"\" exit /b 1"),
    open("if not \"($X)\"==\"()\" echo some"),
    open("if ($X)==none exit /b 1"),
    open("if /i not ($X)==none echo some"),
    open("if [($X)]==[] exit /b 1"),
    but("if exist ($X) echo there", &[("`if` takes one word", NOT_A_WORD)]),
    open("if ($X) equ 5 echo five"),
    open("set \"v=($X)\"\r\nx.exe \"%v%\""),
    open("set \"v=($X)\"\r\nif \"%v%\"==\"\" exit /b 1"),
    but(
        "set v=($X)\r\nif %v%==none exit /b 1",
        &[
            ("has a `\"`", &["quote"]),
            ("ends the operand", &["spaces", "servers", "zone", "ssh", "url"]),
            ("outside of quotes", &["operators", "percent"]),
        ],
    ),
    but(
        "set v=($X)\r\nx.exe %v%",
        &[
            ("has a `\"`", &["quote"]),
            ("outside of quotes", &["exclamation", "operators", "percent", "spaces", "zone", "ssh", "url"]),
        ],
    ),
    but(
        "set v=($X)\r\necho %v%",
        &[("has a `\"`", &["quote"]), ("outside of quotes", &["exclamation", "operators", "percent", "url"])],
    ),
    but(
        "set \"v=($X)\"\r\nfor %%A in (%v%) do x.exe %%A",
        &[("has a `\"`", &["quote"]), ("cuts it into words", NOT_PLAIN)],
    ),
    open("setlocal EnableDelayedExpansion\r\nset \"v=($X)\"\r\nx.exe \"!v!\""),
    open("setlocal EnableDelayedExpansion\r\nx.exe \"($X)\" ($X)"),
    open("setlocal EnableDelayedExpansion\r\necho ($X)"),
    open("set \"v=($X)\"\r\npowershell -NoProfile -Command \"Set-X $env:v\""),
    open("rem it was ($X)\r\n:: it was ($X)"),
    open("title ($X)"),
    but("set /a size=($X) / 1024", &[("for a formula", NOT_A_NUMBER)]),
    but("echo x ($X)| findstr x", &[("both sides of a `|`", NOT_PLAIN)]),
    but("call :label ($X)\r\nexit /b\r\n:label\r\necho x", &[("a second time", NOT_PLAIN)]),
    but("call x.exe ($X)", &[("a second time", NOT_PLAIN)]),
    but("cmd /c net user Administrator ($X)", AGAIN),
    but("cmd /c \"net user Administrator ($X)\"", AGAIN),
    but("start \"\" /wait net user Administrator ($X)", AGAIN),
    but("my.bat ($X)", &[("is a batch file", NOT_PLAIN)]),
    but("runas /user:Administrator \"net user x ($X)\"", AGAIN),
    but("echo net user Administrator ($X)> C:\\x.cmd", &[("a file that is run later", NOT_PLAIN)]),
    open("powershell -NoProfile -ExecutionPolicy Bypass -File C:\\x.ps1 ($X)"),
    open("powershell -NoProfile -ExecutionPolicy Bypass -File C:\\x.ps1 -Key \"($X)\""),
    open(
        "powershell -NoProfile -Command \"Set-LocalUser -Name Administrator -Password (ConvertTo-SecureString '($X)' -AsPlainText -Force)\"",
    ),
    open("powershell -Command \"Rename-Computer -NewName ($X) -Force\""),
    open("powershell -Command \"Set-TimeZone -Id \\\"($X)\\\"\""),
    open("powershell Rename-Computer -NewName ($X)"),
    open(
        "powershell -c \"if ('($X)' -ne '') { New-NetIPAddress -InterfaceAlias Ethernet -IPAddress ($X) }\"",
    ),
];

#[test]
fn what_is_refused_in_a_batch_file_has_its_reason_in_the_table() {
    check(ScriptLanguage::Batch, &CONSTRUCTIONS);
}
