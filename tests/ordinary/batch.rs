//! Batch files. The injection tests assert that accepted values arrive unchanged and run nothing.

use vmtemplate::macros::ScriptLanguage;

use crate::values::{Class, Row, hold};

use Class::{Backslash, List, Spaced, Text, Word};

const fn open(script: &'static str) -> Row {
    but(script, &[])
}

const fn but(script: &'static str, refused: &'static [(Class, &'static str)]) -> Row {
    Row { script, refused }
}

/// A command inside a command is parsed twice, and quotes protect only once.
const AGAIN: &[(Class, &str)] = &[
    (Backslash, "reads it as a part of a command"),
    (Spaced, "reads it as a part of a command"),
    (Text, "reads it as a part of a command"),
];

/// The places of the injection test, and lines from setup scripts of hosters.
const ROWS: &[Row] = &[
    open("net user Administrator ($V)"),
    open("net user Administrator \"($V)\""),
    open("net.exe user Administrator \"($V)\" >nul 2>&1"),
    open("C:\\Windows\\System32\\net.exe user Administrator ($V) /y"),
    but(
        "wmic computersystem where name=\"%COMPUTERNAME%\" call rename name=\"($V)\"",
        &[
            (Backslash, "in a language of its own"),
            (Spaced, "in a language of its own"),
            (Text, "in a language of its own"),
        ],
    ),
    open("netsh interface ip set address \"Ethernet\" static ($V) 255.255.255.0"),
    open("netsh interface ipv4 set dnsservers name=\"%NIC%\" static addr=($V) primary"),
    open(
        "reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters /v Hostname /t REG_SZ /d \"($V)\" /f",
    ),
    open("tzutil /s \"($V)\""),
    open("cscript //nologo C:\\Windows\\System32\\slmgr.vbs /ipk ($V)"),
    open("curl.exe -fsS \"($V)\" -o C:\\x"),
    open("schtasks /create /tn \"($V)\" /tr C:\\x.exe /sc onstart"),
    open("python C:\\x.py ($V)"),
    open("x.exe /p:($V);y"),
    open("x.exe \"/p:C:\\x ($V) y\""),
    open("x.exe --key=\"($V)\""),
    open("echo ($V)"),
    open("echo #:\"($V)\""),
    // A digit directly before `>` is the number of a stream.
    but("echo ($V)>> C:\\log.txt", &[(Text, "number of a stream")]),
    open(">>C:\\u.xml echo ^<Password^>($V)^</Password^>"),
    open(">>C:\\x.txt echo a($V)"),
    open(">C:\\x.txt echo ($V)"),
    open(">\"C:\\a b.txt\" 2>&1 echo ($V)"),
    open(">C:\\x.txt (\r\n  echo ($V)\r\n)"),
    open("x.exe 2>&1 ($V)"),
    open("echo ($V) > C:\\x.txt\r\nset /p Z=<C:\\x.txt\r\nx.exe \"%Z%\""),
    open("(\r\n  echo begin\r\n  echo ($V)\r\n) > C:\\x.txt"),
    open("if a==a (\r\n  echo ($V)\r\n  x.exe ($V)\r\n)"),
    open("if not a==b (\r\nx.exe ($V)\r\n) else (\r\nx.exe \"($V)\"\r\n)"),
    // `%a` would be the variable of a loop.
    but("for %%A in (1) do x.exe ($V) \"($V)\"", &[(Text, "variable of the `for`")]),
    but(
        "for %%A in (($V)) do netsh interface ip add dns \"Ethernet\" %%A",
        &[
            (Backslash, "splits it into words"),
            (Spaced, "splits it into words"),
            (Text, "splits it into words"),
        ],
    ),
    but(
        "for /f \"tokens=1\" %%A in (\"($V)\") do echo %%A",
        &[
            (Backslash, "splits it into words"),
            (Spaced, "splits it into words"),
            (Text, "splits it into words"),
        ],
    ),
    but(
        "for /f %%A in ('net user ($V)') do echo %%A",
        &[
            (Backslash, "another cmd.exe reads it"),
            (Spaced, "another cmd.exe reads it"),
            (Text, "another cmd.exe reads it"),
        ],
    ),
    open("if \"($V)\"==\"\" exit /b 1"),
    open("if not \"($V)\"==\"()\" echo some"),
    open("if ($V)==none exit /b 1"),
    open("if /i not ($V)==none echo some"),
    open("if [($V)]==[] exit /b 1"),
    but(
        "if exist ($V) echo there",
        &[
            (Backslash, "`if` takes one word"),
            (Spaced, "`if` takes one word"),
            (Text, "`if` takes one word"),
            (List, "`if` takes one word"),
        ],
    ),
    open("if ($V) equ 5 echo five"),
    open("set \"v=($V)\"\r\nx.exe \"%v%\""),
    open("set \"v=($V)\"\r\nif \"%v%\"==\"\" exit /b 1"),
    but(
        "set v=($V)\r\nif %v%==none exit /b 1",
        &[
            (Text, "ends the operand"),
            (Text, "outside quotes"),
            (Spaced, "ends the operand"),
            (List, "ends the operand"),
        ],
    ),
    but("set v=($V)\r\nx.exe %v%", &[(Text, "outside quotes"), (Spaced, "outside quotes")]),
    but("set v=($V)\r\necho %v%", &[(Text, "outside quotes")]),
    but(
        "set \"v=($V)\"\r\nfor %%A in (%v%) do x.exe %%A",
        &[
            (Backslash, "splits it into words"),
            (Spaced, "splits it into words"),
            (Text, "splits it into words"),
        ],
    ),
    open("setlocal EnableDelayedExpansion\r\nset \"v=($V)\"\r\nx.exe \"!v!\""),
    // The meaning of a `^` depends on whether the other value has a `!`.
    but("setlocal EnableDelayedExpansion\r\nx.exe \"($V)\" ($V)", &[(Text, "delayed expansion")]),
    open("setlocal EnableDelayedExpansion\r\necho ($V)"),
    open("set \"v=($V)\"\r\npowershell -NoProfile -Command \"Set-X $env:v\""),
    but("rem it was ($V)\r\n:: it was ($V)", &[(Text, "the next line to the comment")]),
    open("title ($V)"),
    open("set \"LOG=%TEMP%\\setup.log\"\r\n>>\"%LOG%\" echo host ($V)\r\ntype \"%LOG%\""),
    but(
        "set /a size=($V) / 1024",
        &[
            (Backslash, "as a formula"),
            (Spaced, "as a formula"),
            (Text, "as a formula"),
            (List, "as a formula"),
            (Word, "as a formula"),
        ],
    ),
    but(
        "echo x ($V)| findstr x",
        &[(Backslash, "both sides of a `|`"), (Spaced, "both sides of a `|`"), (Text, "both sides of a `|`")],
    ),
    but(
        "call :label ($V)\r\nexit /b\r\n:label\r\necho x",
        &[(Backslash, "a second time"), (Spaced, "a second time"), (Text, "a second time")],
    ),
    but(
        "call x.exe ($V)",
        &[(Backslash, "a second time"), (Spaced, "a second time"), (Text, "a second time")],
    ),
    but("cmd /c net user Administrator ($V)", AGAIN),
    but("cmd /c \"net user Administrator ($V)\"", AGAIN),
    but("start \"\" /wait net user Administrator ($V)", AGAIN),
    but(
        "my.bat ($V)",
        &[(Backslash, "is a batch file"), (Spaced, "is a batch file"), (Text, "is a batch file")],
    ),
    but("runas /user:Administrator \"net user x ($V)\"", AGAIN),
    but(
        "echo net user Administrator ($V)> C:\\x.cmd",
        &[
            (Backslash, "a file that is run later"),
            (Spaced, "a file that is run later"),
            (Text, "a file that is run later"),
        ],
    ),
    open("powershell -NoProfile -ExecutionPolicy Bypass -File C:\\x.ps1 ($V)"),
    open("powershell -NoProfile -ExecutionPolicy Bypass -File C:\\x.ps1 -Key \"($V)\""),
    open(
        "powershell -NoProfile -Command \"Set-LocalUser -Name Administrator -Password (ConvertTo-SecureString '($V)' -AsPlainText -Force)\"",
    ),
    open("powershell -Command \"Rename-Computer -NewName ($V) -Force\""),
    open("powershell -Command \"Set-TimeZone -Id \\\"($V)\\\"\""),
    open("powershell Rename-Computer -NewName ($V)"),
    open(
        "powershell -c \"if ('($V)' -ne '') { New-NetIPAddress -InterfaceAlias Ethernet -IPAddress ($V) }\"",
    ),
];

#[test]
fn what_a_batch_file_refuses_of_ordinary_values_is_in_the_table() {
    let wrong: Vec<String> =
        ROWS.iter().flat_map(|row| hold(row.script, row.refused, ScriptLanguage::Batch)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
