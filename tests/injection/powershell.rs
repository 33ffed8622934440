//! PowerShell scripts, parsed with an independent grammar: that of tree-sitter.
//!
//! PowerShell itself is not available where these tests run. They assert instead that a script with an accepted value
//! has the same structure as with a plain word, and that the value is one literal in it.

use tree_sitter::{Node, Parser, Tree};
use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, RenderOptions, ScriptLanguage};

use crate::values::hostile;

const COUNT: usize = 2_000;

/// Real constructs, and the minimum number of accepted values.
const OPEN: [(&str, usize); 38] = [
    ("$p = '($V)'", 1500),
    ("$p = \"($V)\"", 1500),
    ("$p = ($V)", 1500),
    ("[string]$p = \"($V)\" # the password", 1500),
    ("$p = \"a ($V) b $c\"", 1500),
    ("$p = \"${a}($V)\"", 1500),
    ("$p = ($V).Trim()", 1500),
    ("$p = 'a' + ($V) + \"b\"", 1500),
    ("$p = @'\n($V)\n'@\n", 1400),
    ("$p = @\"\na ($V)\n\"@\n", 1500),
    ("$p = ConvertTo-SecureString '($V)' -AsPlainText -Force", 1500),
    ("$p = (ConvertTo-SecureString \"($V)\" -AsPlainText -Force)", 1500),
    ("Set-LocalUser -Name Administrator -Password (ConvertTo-SecureString ($V) -AsPlainText -Force)", 1500),
    ("Rename-Computer -NewName ($V) -Force", 1500),
    ("Rename-Computer -NewName \"($V)\" -Restart", 1500),
    ("New-NetIPAddress -InterfaceIndex $i -IPAddress ($V) -PrefixLength 24", 1500),
    ("Set-DnsClientServerAddress -InterfaceAlias Ethernet -ServerAddresses (\"($V)\" -split ' ')", 1500),
    ("Set-TimeZone -Id '($V)'; Restart-Computer", 1500),
    ("Invoke-WebRequest -Uri ($V) -OutFile 'C:\\x'", 1500),
    ("if ('($V)' -ne '') { Write-Host \"it is ($V)\" } else { exit 1 }", 1500),
    ("if ($p -eq ($V)) { Write-Host same }", 1500),
    ("foreach ($n in '($V)'.Split(' ')) { Add-X -Name $n }", 1500),
    ("$h = @{ Name = ($V); Size = 5 }", 1500),
    ("$h = @{Name=\"($V)\"; Size=5}", 1500),
    ("function Set-P([string]$p = '($V)') { net user Administrator $q }", 500),
    ("try { Add-X -Key '($V)' } catch { Write-Error $_ }", 1500),
    ("([adsi]'WinNT://./Administrator,user').SetPassword('($V)')", 1500),
    ("([adsi]\"WinNT://./Administrator,user\").SetPassword(\"($V)\")", 1500),
    ("net user Administrator '($V)'", 900),
    ("net.exe user Administrator \"($V)\" | Out-Null", 900),
    ("'a', '($V)' | ForEach-Object { Add-X $_ }", 1500),
    ("Add-X `\n  -Name '($V)' `\n  -Force", 1500),
    ("<# it was ($V) #> Add-X -Name y", 1500),
    ("# it was ($V)\nAdd-X -Name y", 1500),
    ("if (($V) -eq \"x\") { Write-Host same }", 1500),
    ("$p = 'a' -replace 'a','($V)'", 1500),
    ("Invoke-Command -ScriptBlock { param($p) net user Administrator $p } -ArgumentList '($V)'", 900),
    ("Invoke-Command -ScriptBlock { net user Administrator '($V)' }", 900),
];

/// Places that accept only plain words or numbers.
const NARROW: [&str; 24] = [
    "Add-X C:\\a\\($V)\\b",
    "Add-X -Name:($V)",
    "$p = ($V)MB",
    "$p = 1 + ($V)MB",
    "net user --% x ($V)",
    "Invoke-Expression \"net user x ($V)\"",
    "cmd /c net user x ($V)",
    "cmd /c \"net user x ($V)\"",
    "Start-Process msiexec -ArgumentList '/i', 'x', 'P=($V)'",
    "powershell -Command \"Set-X -Name ($V)\"",
    "[scriptblock]::Create(\"Set-X -Name ($V)\")",
    "\"net user x ($V)\" | Set-Content C:\\x.cmd",
    "$p = '($V)'\niex \"net user x $p\"",
    "$p = \"`($V)\"",
    "$p = @\"\n$(Get-X '($V)')\n\"@\n",
    "Set-Item C:\\($V)",
    "$env:X = \"($V)\"; cmd /c \"echo %X%\"",
    "$env:X = '($V)'\ncmd /v /c 'echo !x!'",
    "$a = @{FilePath=\"cmd\"; ArgumentList=\"/c echo ($V)\"}; Start-Process @a",
    "$a = @(\"/c\",\"echo ($V)\"); & cmd @a",
    "$psi.Arguments = \"/c echo ($V)\"",
    "[Diagnostics.Process]::Start(\"cmd\",\"/c echo ($V)\")",
    "\"Set-X ($V)\" | Out-File C:\\x.txt; iex (Get-Content C:\\x.txt -Raw)",
    "Invoke-Command -ScriptBlock { param($p) cmd /c echo $p } -ArgumentList '($V)'",
];

/// Places that name a command: no text is accepted.
const CLOSED: [&str; 60] = [
    "($V)",
    "& ($V)",
    "& '($V)' x",
    ". \"($V)\"",
    "if ($a -eq 1) { ($V) }",
    "Get-X | ($V)",
    "$p = & '($V)'",
    "Invoke-Expression '($V)'",
    "'($V)' | iex",
    "iex \"Set-X; ($V)\"",
    "iex \"`$p = ($V)\"",
    "cmd /c ($V)",
    "cmd /c \"($V) x\"",
    "cmd /c start ($V)",
    "powershell -nop -ep bypass -c ($V)",
    "powershell -Command \"& '($V)'\"",
    "Start-Process ($V)",
    "Start-Process -FilePath \"($V)\"",
    "Start-Process -Verb RunAs ($V)",
    "[scriptblock]::Create('($V)')",
    "New-ScheduledTaskAction -Execute ($V)",
    "'($V)' | Set-Content C:\\x.ps1",
    "$p = '($V)'\n& $p",
    "$p = '($V)'\niex $p",
    "Set-X \"$a($V)\"",
    "$env:X = \"($V)\"; cmd /c \"%X%\"",
    "$a = @{FilePath=\"($V)\"}; Start-Process @a",
    "$a = @{FilePath=\"cmd\"; ArgumentList=\"/c ($V)\"}; Start-Process @a",
    "$a = @(\"/c\",\"($V)\"); & cmd @a",
    "$a = '($V)'; cmd /c @a",
    "$psi.FileName = \"($V)\"",
    "$psi.Arguments = \"/c ($V)\"",
    "[Diagnostics.Process]::Start(\"($V)\")",
    "\"($V)\" | Out-File x.txt; iex (Get-Content x.txt -Raw)",
    "Set-Content C:\\x.txt '($V)'\n$c = Get-Content C:\\x.txt\niex $c",
    "\"($V)\" -match \"(.*)\"; iex $Matches[1]",
    "\"($V)\" | ForEach-Object { & $_ }",
    "$ExecutionContext.InvokeCommand.InvokeScript(\"($V)\")",
    "([wmiclass]\"win32_process\").Create(\"($V)\")",
    "$function:f = \"($V)\"",
    "New-Item function:f -Value \"($V)\"",
    "Invoke-Item \"($V)\"",
    "ii ($V)",
    "Import-Module \"($V)\"",
    // The command comes from parentheses, and values from variables that are read by name.
    "$X = '($V)'\n& ($X)",
    "$p = & ('C:\\x\\' + '($V)')",
    "& (Get-Item \"($V)\") -quiet",
    "$X = '($V)'\n$N = 'X'\niex (Get-Variable $N).Value",
    "$X = '($V)'\n& (Get-Variable X -ValueOnly)",
    "$X = '($V)'\n$Y = (gv X).Value\niex $Y",
    "$X = '($V)'\nGet-Variable X | % { iex $_.Value }",
    "$env:X = '($V)'\niex (Get-Item env:X).Value",
    "$env:X = '($V)'\niex ([Environment]::GetEnvironmentVariable('X'))",
    "$X = '($V)'\niex $ExecutionContext.SessionState.PSVariable.GetValue('X')",
    "$ExecutionContext.InvokeCommand.ExpandString('($V)')",
    // Another name for what runs text, and values that are kept elsewhere.
    "Set-Alias z Invoke-Expression\nz \"($V)\"",
    "sal z iex; z \"($V)\"",
    "$i = 'iex'; & $i \"($V)\"",
    "$l = New-Object Collections.ArrayList; $l.Add('($V)'); iex $l[0]",
    "function f($a) { iex $a }\nf \"($V)\"",
];

fn render(script: &str, value: &str) -> Result<String, vmtemplate::Error> {
    let values = MacroValues::new().with("V", value).unwrap();
    let options = RenderOptions { language: Some(ScriptLanguage::PowerShell), ..RenderOptions::default() };
    // With a byte order mark, the script may contain every character.
    let done = Script::from_text(format!("\u{feff}{script}")).render(&values, &options)?;
    Ok(done.text().trim_start_matches('\u{feff}').to_owned())
}

struct Grammar(Parser);

impl Grammar {
    fn new() -> Self {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
        Self(parser)
    }

    fn read(&mut self, script: &str) -> Tree {
        self.0.parse(script, None).unwrap()
    }

    /// The structure of a script: of a literal or comment only its kind, and its parts only if they are evaluated.
    fn structure(&mut self, script: &str) -> Vec<String> {
        let tree = self.read(script);
        let mut found = Vec::new();
        structure(tree.root_node(), &mut found);
        found
    }
}

/// This grammar treats some `#` in a string as the start of a comment.
fn can_read(script: &str, value: &str) -> bool {
    !(value.contains('#') && script.contains('"'))
}

fn structure(node: Node<'_>, found: &mut Vec<String>) {
    let literal = node.kind().contains("string_characters")
        || matches!(node.kind(), "comment" | "expandable_string_literal" | "expandable_here_string_literal");
    found.push(format!("{}{}", node.kind(), if node.is_missing() { " (missing)" } else { "" }));
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        if !literal || matches!(child.kind(), "variable" | "sub_expression" | "ERROR") {
            structure(child, found);
        }
    }
    found.push("end".to_owned());
}

/// A plain word, or a number if the value is alone.
fn like(script: &str, value: &str) -> String {
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let plain = if is_number { "17" } else { "plain" };
    render(script, plain).unwrap_or_else(|error| panic!("{script}: {error:#}"))
}

fn check(grammar: &mut Grammar, script: &str, value: &str, done: &str) {
    let like = like(script, value);
    let expected = grammar.structure(&like);
    assert!(!expected.iter().any(|kind| kind == "ERROR"), "{like:?} is no PowerShell: {expected:?}");
    assert_eq!(grammar.structure(done), expected, "{script:?} with {value:?} is {done:?}");
}

#[test]
fn with_every_value_that_passes_a_script_keeps_its_structure() {
    let mut grammar = Grammar::new();
    let values = hostile(COUNT);
    for (script, least) in OPEN {
        let mut passed = 0;
        for value in &values {
            if let Ok(done) = render(script, value) {
                passed += 1;
                if !can_read(script, value) {
                    continue;
                }
                check(&mut grammar, script, value, &done);
            }
        }
        assert!(passed >= least, "{script:?}: only {passed} of {COUNT} values pass");
    }
}

#[test]
fn only_plain_words_pass_where_text_is_read_again() {
    let mut grammar = Grammar::new();
    let is_part_of_word = |value: &str| {
        value.is_empty()
            || value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-/+=~@".contains(&b))
    };
    for script in NARROW {
        for value in &hostile(COUNT) {
            if let Ok(done) = render(script, value) {
                assert!(is_part_of_word(value), "{script:?}: {value:?} passes");
                assert_eq!(grammar.structure(&done), grammar.structure(&like(script, value)), "{done:?}");
            }
        }
    }
}

#[test]
fn no_text_passes_where_it_would_be_a_command() {
    for script in CLOSED {
        for value in &hostile(COUNT) {
            assert!(render(script, value).is_err(), "{script:?}: {value:?} passes");
        }
    }
}

#[test]
fn the_grammar_sees_a_value_that_gets_out_of_its_quotes() {
    let mut grammar = Grammar::new();
    for (plain, other) in [
        ("$p = 'plain'", "$p = 'it'; canary; ''"),
        ("$p = \"plain\"", "$p = \"$(canary)\""),
        ("$p = \"plain\"", "$p = \"$x\""),
        ("Set-X -Name plain", "Set-X -Name plain -Force"),
        ("Set-X -Name plain", "Set-X -Name plain; canary"),
        ("<# plain #>\nSet-X", "<# #> canary #>\nSet-X"),
    ] {
        assert_ne!(grammar.structure(plain), grammar.structure(other), "{other:?}");
    }
}
