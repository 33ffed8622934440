//! Batch files. That what passes arrives is what the injection tests hold; here it is what passes.

use vmtemplate::ScriptLanguage;

use crate::values::{Construction, check};

const fn open(script: &'static str) -> Construction {
    Construction { script, refused: &[] }
}

const CONSTRUCTIONS: [Construction; 62] = [
    open("net user Administrator ($X)"),
    open("net user Administrator \"($X)\""),
    open("net.exe user Administrator \"($X)\" >nul 2>&1"),
    open("C:\\Windows\\System32\\net.exe user Administrator ($X) /y"),
    open("wmic computersystem where name=\"%COMPUTERNAME%\" call rename name=\"($X)\""),
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
    open("for %%A in (($X)) do netsh interface ip add dns \"Ethernet\" %%A"),
    open("for /f \"tokens=1\" %%A in (\"($X)\") do echo %%A"),
    open("for /f %%A in ('net user ($X)') do echo %%A"),
    open("if \"($X)\"==\"\" exit /b 1"),
    open("if not \"($X)\"==\"()\" echo some"),
    open("if ($X)==none exit /b 1"),
    open("if /i not ($X)==none echo some"),
    open("if [($X)]==[] exit /b 1"),
    open("if exist ($X) echo there"),
    open("if ($X) equ 5 echo five"),
    open("set \"v=($X)\"\r\nx.exe \"%v%\""),
    open("set \"v=($X)\"\r\nif \"%v%\"==\"\" exit /b 1"),
    open("set v=($X)\r\nif %v%==none exit /b 1"),
    open("set v=($X)\r\nx.exe %v%"),
    open("set v=($X)\r\necho %v%"),
    open("set \"v=($X)\"\r\nfor %%A in (%v%) do x.exe %%A"),
    open("setlocal EnableDelayedExpansion\r\nset \"v=($X)\"\r\nx.exe \"!v!\""),
    open("setlocal EnableDelayedExpansion\r\nx.exe \"($X)\" ($X)"),
    open("setlocal EnableDelayedExpansion\r\necho ($X)"),
    open("set \"v=($X)\"\r\npowershell -NoProfile -Command \"Set-X $env:v\""),
    open("rem it was ($X)\r\n:: it was ($X)"),
    open("title ($X)"),
    open("set /a size=($X) / 1024"),
    open("echo x ($X)| findstr x"),
    open("call :label ($X)\r\nexit /b\r\n:label\r\necho x"),
    open("call x.exe ($X)"),
    open("cmd /c net user Administrator ($X)"),
    open("cmd /c \"net user Administrator ($X)\""),
    open("start \"\" /wait net user Administrator ($X)"),
    open("my.bat ($X)"),
    open("runas /user:Administrator \"net user x ($X)\""),
    open("echo net user Administrator ($X)> C:\\x.cmd"),
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
