use crate::macros::values::MacroValues;
use crate::macros::{RenderOptions, ScriptLanguage};
use crate::script::Script;

// PowerShell is not run by these tests: what they hold is what Microsoft's "about_Quoting_Rules" says.

fn rendered(script: &str, value: &str) -> Result<String, String> {
    let script = Script::from_text(script);
    let mut values = MacroValues::new();
    for found in script.macros() {
        values.set(found.name.name(), value).map_err(|error| error.to_string())?;
    }
    let options = RenderOptions { language: Some(ScriptLanguage::PowerShell), ..RenderOptions::default() };
    match script.render(&values, &options) {
        Ok(script) => Ok(String::from_utf8_lossy(script.bytes()).into_owned()),
        Err(error) => Err(error.problems()[0].to_string()),
    }
}

#[test]
fn values_are_written_for_their_place() {
    for (script, value, expected) in [
        ("$p = '($V)'", "it's $x", "$p = 'it''s $x'"),
        ("$p = \"($V)\"", "a\"b$c`d", "$p = \"a`\"b`$c``d\""),
        ("$p = ($V)", "a'b", "$p = 'a''b'"),
        ("$p = ($V)", "20480", "$p = 20480"),
        ("$p = ($V)", "", "$p = ''"),
        ("Set-Item -Value ($V) -Force", "-x;y", "Set-Item -Value '-x;y' -Force"),
        ("$p = @('($V)', ($V))", "a b", "$p = @('a b', 'a b')"),
        ("$p = @'\n($V)\n'@", "a'b$c", "$p = @'\na'b$c\n'@"),
        ("$p = @\"\n($V)\n\"@", "a\"b$c", "$p = @\"\na\"b`$c\n\"@"),
        ("Set-Item \"a $(Get-Item '($V)') b\"", "x'y", "Set-Item \"a $(Get-Item 'x''y') b\""),
        ("# it is ($V)", "a $(b)", "# it is a $(b)"),
        ("<# it is ($V) #>", "a", "<# it is a #>"),
        ("net user Administrator '($V)'", "a b", "net user Administrator 'a b'"),
        ("\u{feff}$p = '($V)'", "\u{2019}", "\u{feff}$p = '\u{2019}\u{2019}'"),
        ("\u{feff}$p = \"($V)\"", "\u{201d}", "\u{feff}$p = \"`\u{201d}\""),
        ("Get-Item https://($V)/x", "example.com", "Get-Item https://example.com/x"),
        ("'a' -replace 'a', \"($V)\"", "x$1$&", "'a' -replace 'a', \"x`$`$1`$`$&\""),
        ("'a' -replace 'a', ($V)", "x$1", "'a' -replace 'a', 'x$$1'"),
        ("'a'.Replace('a', ($V))", "x$1", "'a'.Replace('a', 'x$1')"),
        ("if (($V) -eq \"x\") { }", "web-1", "if ('web-1' -eq \"x\") { }"),
        (
            "Set-Content k -Value \"($SSHPUBKEYS)\"",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk+/Zb4= a\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk+/Zb4= a",
            "Set-Content k -Value \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk+/Zb4= a\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk+/Zb4= a\"",
        ),
        ("$p = ($V)", "007", "$p = '007'"),
        ("$p = ($V)", "12345678901234567890", "$p = '12345678901234567890'"),
        ("$p = ($V).Trim()", "web-1", "$p = 'web-1'.Trim()"),
        ("$p = ($V).ToString()", "5", "$p = '5'.ToString()"),
        ("$p = ($V)MB", "5", "$p = 5MB"),
        ("$p = \"a\" + ($V)", "web-1", "$p = \"a\" + 'web-1'"),
        ("$p = \"a\"+($V)", "web-1", "$p = \"a\"+'web-1'"),
        ("if ($x -eq ($V)) { }", "web-1", "if ($x -eq 'web-1') { }"),
        ("if (($V) -gt 5) { }", "20480", "if (20480 -gt 5) { }"),
        ("return ($V)", "web-1", "return 'web-1'"),
        ("$h = @{Name=($V); Size = ($V)}", "web-1", "$h = @{Name='web-1'; Size = 'web-1'}"),
        ("New-X -Name ($V) -Path C:\\($V)\\x", "web-1", "New-X -Name 'web-1' -Path C:\\web-1\\x"),
        ("Set-X -Zone:($V)", "Europe/Berlin", "Set-X -Zone:Europe/Berlin"),
        ("Set-X \"${a}($V)\"", "x", "Set-X \"${a}x\""),
        ("cmd /c net user x ($V)", "Xk92", "cmd /c net user x 'Xk92'"),
        ("cmd /c \"net user x ($V)\"", "Xk92", "cmd /c \"net user x Xk92\""),
        (
            "Start-Process msiexec -ArgumentList \"/i x P=($V)\"",
            "Xk92",
            "Start-Process msiexec -ArgumentList \"/i x P=Xk92\"",
        ),
        ("iex \"net user x ($V)\"", "Xk92", "iex \"net user x Xk92\""),
        ("& net user x ($V)", "a b", "& net user x 'a b'"),
        ("& 'C:\\x.exe' ($V)", "a b", "& 'C:\\x.exe' 'a b'"),
        ("net user --% x ($V)", "Xk92", "net user --% x Xk92"),
        (
            "try { Set-X '($V)'; Start-Process x } catch { }",
            "a&b",
            "try { Set-X 'a&b'; Start-Process x } catch { }",
        ),
    ] {
        assert_eq!(rendered(script, value).as_deref(), Ok(expected), "{script:?} {value:?}");
    }
}

#[test]
fn a_number_sign_behind_a_value_begins_no_comment() {
    let values = MacroValues::new().with("HOSTNAME", "w1").unwrap().with("PASS", "x;calc").unwrap();
    for (script, language, expected) in [
        ("echo ($HOSTNAME)# ($PASS)", ScriptLanguage::PowerShell, "echo w1# 'x;calc'"),
        ("echo ($HOSTNAME) # ($PASS)", ScriptLanguage::PowerShell, "echo 'w1' # x;calc"),
        (
            "powershell -Command \"echo ($HOSTNAME)# ($PASS)\"",
            ScriptLanguage::Batch,
            "powershell -Command \"echo w1# 'x;calc'\"",
        ),
    ] {
        let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
        assert_eq!(Script::from_text(script).render(&values, &options).unwrap().text(), expected);
    }
}

#[test]
fn values_that_could_act_are_refused_with_the_reason() {
    for (script, value, reason) in [
        ("($V)", "x", "run as a command"),
        ("& ($V)", "x", "run as a command"),
        ("& '($V)'", "x", "run what follows"),
        ("if ($a -eq 1) { ($V) }", "x", "run as a command"),
        ("Invoke-Expression '($V)'", "x", "as code"),
        ("'($V)' | iex", "x", "as code"),
        ("cmd /c \"echo ($V)\"", "x y", "as code"),
        ("cmd /c \"($V)\"", "x", "as code"),
        ("cmd /c ($V) x", "x", "as code"),
        ("Start-Process x -ArgumentList '/c', '($V)'", "x&y", "as code"),
        ("Start-Process -Verb RunAs ($V)", "x", "as code"),
        ("powershell -Command \"($V) x\"", "x", "as code"),
        ("iex \"Set-X $(1); ($V)\"", "x", "as code"),
        ("iex \"`$a = ($V)\"", "x", "as code"),
        ("$p = '($V)'; & $p x", "x", "run what follows"),
        (". '($V)'", "x", "run what follows"),
        ("'($V)' | ForEach-Object { iex $_ }", "x", "as code"),
        ("icm { param( $x ) iex $x } -Args '($V)'", "x y", "as code"),
        ("$a = ($V)MB", "x", "part of a word"),
        ("$a = 1..($V)", "x", "part of a word"),
        ("if ($V) { }", "x", "requires parentheses"),
        ("Set-X \"$a($V)\"", "x", "name of the variable"),
        ("Set-X \"$($V)\"", "x", "name of the variable"),
        ("Set-X $a($V)", "x", "name of the variable"),
        ("net user --% ($V)", "x y", "--%"),
        ("@\"\n$(($V) x)\n\"@", "x", "substitution in a here-string"),
        ("Start-Process ($V)", "x", "as code"),
        ("[scriptblock]::Create('($V)')", "x", "as code"),
        ("'($V)' | Set-Content C:\\x.ps1", "x", "as code"),
        ("$p = '($V)'\niex $p", "x", "`$p` in line 2"),
        ("$p = '($V)'\n$q = $p\niex $q", "x", "`$q` in line 3"),
        ("[string]$p = '($V)'\niex $p", "x", "`$p` in line 2"),
        ("$h = @{}\n$h['a'] = '($V)'\niex $h.a", "x", "`$h` in line 3"),
        ("$h.a.b += '($V)'\niex $h.a.b", "x", "`$h` in line 2"),
        ("$a, $b = '($V)', 'y'\niex $b", "x", "`$b` in line 2"),
        ("foreach ($i in 'a', '($V)') { $z = $i }\niex $z", "x", "`$z` in line 2"),
        ("function f( $x ) { $y = $x }\nf '($V)'\niex $y", "x", "`$y` in line 3"),
        ("function f {\nparam( $x )\niex $x\n}\nf -x '($V)'", "x", "`$x` in line 2"),
        ("function f([string]$x) {\niex $x }\n$z = f '($V)'", "x", "`$x` in line 2"),
        ("function f { iex $args[0] }\nf '($V)'", "x", "`$args` in line 1"),
        ("filter f { iex $_ }\n'($V)' | f", "x", "`$_` in line 1"),
        ("$p = '($V)'\n$p.x | iex # a = b", "x", "`$p` in line 2"),
        ("$p = '($V)'\n$p, $q | iex # a = b", "x", "`$p` in line 2"),
        ("$p = '($V)'\n$h[(iex $p)] = 1", "x", "`$p` in line 2"),
        ("$p = '($V)'\n$h[$p] = 1\niex $h", "x", "`$h` in line 3"),
        ("Set-Variable p '($V)'\niex $p", "x", "as code"),
        ("$p = '($V)'\n$q = \"a $p\"\n$p = $q\nnet user x $p", "/add", "line 4"),
        ("$p = '($V)'\nnet user Administrator $p", "a\"b", "passes a `\"`"),
        ("$p = '($V)'\nnet user Administrator $p", "/add", "an option"),
        ("net user Administrator '($V)'", "/add", "an option"),
        ("net user Administrator '($V)'", "a\\", "passes a `\"`"),
        ("net user Administrator ($V)", "", "does not pass"),
        ("Get-Item a($V)b", "x y", "part of a word"),
        ("$p = '($V)'", "\u{e4}", "byte order mark"),
        ("$p = '($V)'", "a\u{1b}", "control character"),
        ("$p = \"`($V)\"", "$x", "changes its first character"),
        ("$p = @'\n($V)\n'@", "'@; x", "ends the here-string"),
        ("<# ($V) #>", "#> x", "ends the comment"),
        ("$p = \u{2018}a\u{2019}; $q = '($V)'", "x y", "cannot be followed"),
        ("$p = @\"\n$(x '($V)')\n\"@", "x y", "substitution in a here-string"),
    ] {
        let error = rendered(script, value).expect_err(&format!("{script:?} {value:?}"));
        assert!(error.contains(reason), "{script:?} {value:?}: {error}");
    }
}

#[test]
fn what_the_help_of_a_refusal_names_takes_the_value() {
    for (refused, instead) in [
        ("iex \"net user x ($V)\"", "$env:NAME = '($V)'\niex 'net user x $env:NAME'"),
        ("Set-X \"$a($V)\"", "Set-X \"${a}($V)\""),
        ("Get-Item C:\\($V)\\x", "Get-Item \"C:\\($V)\\x\""),
        ("if ($V) { }", "if (\"($V)\") { }"),
    ] {
        assert!(rendered(refused, "a b&c").is_err(), "{refused:?}");
        assert!(rendered(instead, "a b&c").is_ok(), "{instead:?}: {:?}", rendered(instead, "a b&c"));
    }
}
