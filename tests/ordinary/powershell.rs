//! PowerShell scripts.

use vmtemplate::ScriptLanguage;

use crate::values::{Construction, check};

const fn open(script: &'static str) -> Construction {
    Construction { script, refused: &[] }
}

const CONSTRUCTIONS: [Construction; 38] = [
    open("$p = '($X)'"),
    open("$p = \"($X)\""),
    open("[string]$p = \"($X)\""),
    open("$p = ($X)"),
    open("$p = @'\n($X)\n'@\n"),
    open("$p = @\"\n($X)\n\"@\n"),
    open("$p = 'a' + ($X)"),
    open("$p = ($X)MB"),
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
    open("Get-Item C:\\x\\($X)\\y"),
    open("if ('($X)' -eq '') { exit 1 }"),
    open("if ($p -ne ($X)) { exit 1 }"),
    open("$h = @{ Name = ($X); Size = 5 }"),
    open("function Set-P($p) { Add-X $p }\nSet-P '($X)'"),
    open("try { Add-X -Key '($X)' } catch { Start-Process notepad }"),
    open("# it was ($X)"),
    open("<# it was ($X) #>"),
    open("Write-Host it is ($X)"),
    open("Add-Content C:\\x.txt '($X)'"),
    open("'($X)' | Out-File C:\\x.txt"),
    open("net user Administrator '($X)'"),
    open("net user Administrator ($X)"),
    open("netsh interface ip set address Ethernet static ($X) 255.255.255.0"),
    open("& net.exe user Administrator \"($X)\""),
    open("cmd /c net user Administrator ($X)"),
    open("cmd /c \"net user Administrator ($X)\""),
    open("Start-Process net.exe -ArgumentList \"user Administrator ($X)\" -Wait"),
    open("Invoke-Expression \"net user Administrator ($X)\""),
];

#[test]
fn what_is_refused_in_a_powershell_script_has_its_reason_in_the_table() {
    check(ScriptLanguage::PowerShell, &CONSTRUCTIONS);
}
