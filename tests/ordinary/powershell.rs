//! PowerShell scripts. The injection tests assert that an accepted value is one literal of the script.

use vmtemplate::macros::ScriptLanguage;

use crate::values::{Class, Row, hold};

use Class::{Backslash, List, Spaced, Text, Word};

const fn open(script: &'static str) -> Row {
    but(script, &[])
}

const fn but(script: &'static str, refused: &'static [(Class, &'static str)]) -> Row {
    Row { script, refused }
}

const PART: &str = "a part of a word";
/// The text is parsed again, in a language that the statement does not show.
const CODE: &[(Class, &str)] = &[
    (List, "as a command or as code"),
    (Backslash, "as a command or as code"),
    (Spaced, "as a command or as code"),
    (Text, "as a command or as code"),
];

const ROWS: &[Row] = &[
    open("$p = '($V)'"),
    open("$p = \"($V)\""),
    open("[string]$p = \"($V)\""),
    open("$p = ($V)"),
    open("$p = @'\n($V)\n'@\n"),
    open("$p = @\"\n($V)\n\"@\n"),
    open("$p = 'a' + ($V)"),
    // A number with a unit; a word there would be a command.
    but("$p = ($V)MB", &[(Word, PART), (List, PART), (Backslash, PART), (Spaced, PART), (Text, PART)]),
    open("$l = \"($V)\" -split ' '"),
    open("foreach ($n in \"($V)\".Split(' ')) { Add-X $n }"),
    open("Rename-Computer -NewName ($V) -Force"),
    open("Rename-Computer -NewName \"($V)\" -Force"),
    open("New-NetIPAddress -InterfaceIndex $i -IPAddress ($V) -PrefixLength 24 -DefaultGateway ($V)"),
    open("Set-DnsClientServerAddress -InterfaceAlias Ethernet -ServerAddresses (\"($V)\" -split ' ')"),
    open("Set-TimeZone -Id ($V)"),
    open("Set-LocalUser -Name Administrator -Password (ConvertTo-SecureString '($V)' -AsPlainText -Force)"),
    open("$s = ConvertTo-SecureString \"($V)\" -AsPlainText -Force"),
    open("([adsi]\"WinNT://./Administrator,user\").SetPassword(\"($V)\")"),
    open("Invoke-WebRequest -Uri ($V) -OutFile C:\\x"),
    but("Get-Item C:\\x\\($V)\\y", &[(List, PART), (Backslash, PART), (Spaced, PART), (Text, PART)]),
    open("if ('($V)' -eq '') { exit 1 }"),
    open("if (($V) -eq \"x\") { exit 1 }"),
    open("$p = 'a' -replace 'a', \"($V)\""),
    open("Invoke-Command -ScriptBlock { param($p) net user Administrator $p } -ArgumentList '($V)'"),
    open("Invoke-Command -ScriptBlock { net user Administrator '($V)' }"),
    open("$env:X = '($V)'; x.exe $env:X"),
    open("if ($p -ne ($V)) { exit 1 }"),
    open("$h = @{ Name = ($V); Size = 5 }"),
    open("function Set-P( $p ) { Add-X $p }\nSet-P '($V)'"),
    open("try { Add-X -Key '($V)' } catch { Start-Process notepad }"),
    open("# it was ($V)"),
    open("<# it was ($V) #>"),
    open("Write-Host it is ($V)"),
    open("Add-Content C:\\x.txt '($V)'"),
    open("'($V)' | Out-File C:\\x.txt"),
    open("net user Administrator '($V)'"),
    open("net user Administrator ($V)"),
    open("netsh interface ip set address Ethernet static ($V) 255.255.255.0"),
    open("& net.exe user Administrator \"($V)\""),
    but("cmd /c net user Administrator ($V)", CODE),
    but("cmd /c \"net user Administrator ($V)\"", CODE),
    but("Start-Process net.exe -ArgumentList \"user Administrator ($V)\" -Wait", CODE),
    but("Invoke-Expression \"net user Administrator ($V)\"", CODE),
];

#[test]
fn what_a_powershell_script_refuses_of_ordinary_values_is_in_the_table() {
    let wrong: Vec<String> =
        ROWS.iter().flat_map(|row| hold(row.script, row.refused, ScriptLanguage::PowerShell)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
