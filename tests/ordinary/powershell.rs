//! PowerShell scripts.

use vmtemplate::ScriptLanguage;

use crate::values::{Construction, NOT_A_WORD, Refused, check};

const fn open(script: &'static str) -> Construction {
    Construction { script, refused: &[] }
}

const fn but(script: &'static str, refused: &'static [Refused]) -> Construction {
    Construction { script, refused }
}

/// How Windows PowerShell hands a `"` to a program is wrong, and no way of writing it helps.
const NATIVE: &[Refused] = &[("passes a `\"`", &["quote"])];
/// It is text that is read once more, in a language that the statement does not say.
const CODE: &[Refused] = &[("for a command or for code", NOT_A_WORD)];

/// A path in a word without quotes has letters, digits and a few signs.
const NOT_A_PART: &[&str] = &[
    "symbols",
    "exclamation",
    "operators",
    "percent",
    "apostrophe",
    "quote",
    "spaces",
    "servers",
    "zone",
    "ssh",
    "url",
    "hash",
];
const NOT_A_NUMBER_OF_BYTES: &[&str] = &[
    "letters and digits",
    "with a dash",
    "digits",
    "symbols",
    "exclamation",
    "operators",
    "percent",
    "apostrophe",
    "quote",
    "spaces",
    "host",
    "fqdn",
    "ipv4",
    "ipv6",
    "gateway",
    "netmask",
    "servers",
    "key",
    "zone",
    "iana",
    "ssh",
    "url",
    "hash",
];

const CONSTRUCTIONS: [Construction; 38] = [
    open("$p = '($X)'"),
    open("$p = \"($X)\""),
    open("[string]$p = \"($X)\""),
    open("$p = ($X)"),
    open("$p = @'\n($X)\n'@\n"),
    open("$p = @\"\n($X)\n\"@\n"),
    open("$p = 'a' + ($X)"),
    // A number with a unit; a word there would be a command.
    but("$p = ($X)MB", &[("part of a word", NOT_A_NUMBER_OF_BYTES)]),
    open("$l = \"($X)\" -split ' '"),
    open("foreach ($n in \"($X)\".Split(' ')) { Add-X $n }"),
    open("Rename-Computer -NewName ($X) -Force"),
    open("Rename-Computer -NewName \"($X)\" -Force"),
    open("New-NetIPAddress -InterfaceIndex $i -IPAddress ($X) -PrefixLength 24 -DefaultGateway ($X)"),
    open("Set-DnsClientServerAddress -InterfaceAlias Ethernet -ServerAddresses (\"($X)\" -split ' ')"),
    open("Set-TimeZone -Id ($X)"),
    open("Set-LocalUser -Name Administrator -Password (ConvertTo-SecureString '($X)' -AsPlainText -Force)"),
    open("$s = ConvertTo-SecureString \"($X)\" -AsPlainText -Force"),
    open("([adsi]\"WinNT://./Administrator,user\").SetPassword(\"($X)\")"),
    open("Invoke-WebRequest -Uri ($X) -OutFile C:\\x"),
    but("Get-Item C:\\x\\($X)\\y", &[("part of a word", NOT_A_PART)]),
    open("if ('($X)' -eq '') { exit 1 }"),
    open("if ($p -ne ($X)) { exit 1 }"),
    open("$h = @{ Name = ($X); Size = 5 }"),
    open("function Set-P( $p ) { Add-X $p }\nSet-P '($X)'"),
    open("try { Add-X -Key '($X)' } catch { Start-Process notepad }"),
    open("# it was ($X)"),
    open("<# it was ($X) #>"),
    open("Write-Host it is ($X)"),
    open("Add-Content C:\\x.txt '($X)'"),
    open("'($X)' | Out-File C:\\x.txt"),
    but("net user Administrator '($X)'", NATIVE),
    but("net user Administrator ($X)", NATIVE),
    but("netsh interface ip set address Ethernet static ($X) 255.255.255.0", NATIVE),
    but("& net.exe user Administrator \"($X)\"", NATIVE),
    but("cmd /c net user Administrator ($X)", CODE),
    but("cmd /c \"net user Administrator ($X)\"", CODE),
    but("Start-Process net.exe -ArgumentList \"user Administrator ($X)\" -Wait", CODE),
    but("Invoke-Expression \"net user Administrator ($X)\"", CODE),
];

#[test]
fn what_is_refused_in_a_powershell_script_has_its_reason_in_the_table() {
    check(ScriptLanguage::PowerShell, &CONSTRUCTIONS);
}
