use proptest::prelude::*;

use super::super::language::ScriptLanguage;
use super::super::options::RenderOptions;
use super::super::values::MacroValues;
use crate::script::Script;

fn as_batch() -> RenderOptions {
    RenderOptions { language: Some(ScriptLanguage::Batch), ..RenderOptions::default() }
}

/// What becomes of `script` when every macro in it has this value: the rendered text, or the first reason.
fn rendered(script: &str, value: &str) -> Result<String, String> {
    let script = Script::from_text(script);
    let mut values = MacroValues::new();
    for found in script.macros() {
        values.set(found.name.name(), value).map_err(|error| error.to_string())?;
    }
    match script.render(&values, &as_batch()) {
        Ok(script) => Ok(script.text().into_owned()),
        Err(error) => Err(error.problems()[0].to_string()),
    }
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn values_are_written_for_their_place() {
    for (script, value, expected) in [
        ("net user x ($V)", "plain", "net user x plain"),
        ("net user x ($V)", "a b&c", "net user x \"a b&c\""),
        ("net user x ($V)", "100%", "net user x \"100%%\""),
        ("net user x ($V)", "end\\", "net user x \"end\\\\\""),
        ("net user x ($V)", "", "net user x \"\""),
        ("net user x \"($V)\"", "a^b|c", "net user x \"a^b|c\""),
        ("net user x \"($V)\"", "end\\\\", "net user x \"end\\\\\\\\\""),
        ("C:\\Windows\\net.exe user x/a:($V) /y", "a b", "C:\\Windows\\net.exe user x/a:\"a b\" /y"),
        ("echo ($V)", "a&b^c(d)<e>|", "echo a^&b^^c^(d^)^<e^>^|"),
        ("echo \"($V)\"", "a&b", "echo \"a&b\""),
        ("set \"x=($V)\"", "a&b c", "set \"x=a&b c\""),
        ("set x=($V)", "a&b c", "set x=a^&b c"),
        ("(\n  set x=($V)\n)", "a)b", "(\n  set x=a^)b\n)"),
        ("if \"($V)\"==\"\" exit /b", "a & b", "if \"a & b\"==\"\" exit /b"),
        ("if ($V)==x exit /b", "a b", "if \"a b\"==x exit /b"),
        ("if ($V)==x exit /b", "", "if \"\"==x exit /b"),
        ("if ($V)==x exit /b", "a/b&c", "if a/b^&c==x exit /b"),
        ("if [($V)]==[] exit /b", "a b", "if [\"a b\"]==[] exit /b"),
        ("if [($V)]==[] exit /b", "", "if []==[] exit /b"),
        ("if /i not x equ ($V) exit /b", "a,b", "if /i not x equ \"a,b\" exit /b"),
        ("cmd /c net user x ($V)", "Xk92", "cmd /c net user x Xk92"),
        ("cmd /s /c \"net user x ($V)\"", "Xk92", "cmd /s /c \"net user x Xk92\""),
        ("%COMSPEC% /c net user x ($V)", "Xk92", "%COMSPEC% /c net user x Xk92"),
        ("start \"\" /wait net user x ($V)", "Xk92", "start \"\" /wait net user x Xk92"),
        ("call net user x ($V)", "Xk92", "call net user x Xk92"),
        ("set \"CMD=net user x ($V)\"\n%CMD% /y", "Xk92", "set \"CMD=net user x Xk92\"\n%CMD% /y"),
        (
            "set \"p=($V)\"\nset \"CMD=net user x %p%\"\n%CMD%",
            "Xk92",
            "set \"p=Xk92\"\nset \"CMD=net user x %p%\"\n%CMD%",
        ),
        (
            "for /f %%i in ('net user ($V)') do echo %%i",
            "Xk92",
            "for /f %%i in ('net user Xk92') do echo %%i",
        ),
        ("runas /user:x \"net user ($V)\"", "Xk92", "runas /user:x \"net user Xk92\""),
        (
            "schtasks /create /tn ($V) /tr \"net user x\"",
            "a b",
            "schtasks /create /tn \"a b\" /tr \"net user x\"",
        ),
        ("echo net user x ($V)> c:\\x.cmd", "Xk92", "echo net user x Xk92> c:\\x.cmd"),
        ("wmic computersystem where x rename ($V)", "web-1", "wmic computersystem where x rename web-1"),
        ("powershell -File c:\\x.ps1 ($V)", "a b", "powershell -File c:\\x.ps1 \"a b\""),
        ("powershell -Command \"Set-X '($V)'\"", "it's 5%&", "powershell -Command \"Set-X 'it''s 5%%&'\""),
        ("powershell -Command \"Set-X ($V) -y\"", "web-1", "powershell -Command \"Set-X 'web-1' -y\""),
        ("powershell -Command Set-X ($V)", "a b", "powershell -Command Set-X \"'a b'\""),
        (
            "powershell -nop -c \"Set-X \\\"($V)\\\"\"",
            "a$b&c",
            "powershell -nop -c \"Set-X \\\"a`$b^&c\\\"\"",
        ),
        (
            "set \"p=($V)\"\npowershell -Command \"Set-X $env:p\"",
            "it's $x",
            "set \"p=it's $x\"\npowershell -Command \"Set-X $env:p\"",
        ),
        (
            "set \"p=($V)\"\npowershell -Command \"Set-X '%p%'\"",
            "a$b",
            "set \"p=a$b\"\npowershell -Command \"Set-X '%p%'\"",
        ),
        ("rem it is ($V)", "a & %b%", "rem it is a & %%b%%"),
        (":: it is ($V)", "a & b", ":: it is a & b"),
        (
            "setlocal EnableDelayedExpansion\nnet user x ($V)",
            "a!b",
            "setlocal EnableDelayedExpansion\nnet user x \"a^!b\"",
        ),
        (
            "setlocal EnableDelayedExpansion\nnet user x ($V)",
            "a!b^",
            "setlocal EnableDelayedExpansion\nnet user x \"a^!b^^\"",
        ),
        (
            "setlocal EnableDelayedExpansion\nnet user x ($V)",
            "a^",
            "setlocal EnableDelayedExpansion\nnet user x \"a^\"",
        ),
        (
            "setlocal EnableDelayedExpansion\necho ($V)",
            "a!^b",
            "setlocal EnableDelayedExpansion\necho a^^!^^^^b",
        ),
        (
            "setlocal EnableDelayedExpansion\nset \"p=($V)\"\nnet user x \"!p!\"",
            "a b",
            "setlocal EnableDelayedExpansion\nset \"p=a b\"\nnet user x \"!p!\"",
        ),
        ("set \"p=($V)\"\nnet user x \"%p%\"", "a b&c", "set \"p=a b&c\"\nnet user x \"%p%\""),
        ("for %%i in (1 2) do net user x ($V)", "a&b", "for %%i in (1 2) do net user x \"a&b\""),
        ("net user x ($V)>nul", "a b1", "net user x \"a b1\">nul"),
        (
            "if defined A (net user x ($V)) else echo ($V)",
            "a)b",
            "if defined A (net user x \"a)b\") else echo a^)b",
        ),
    ] {
        assert_eq!(rendered(script, value).as_deref(), Ok(expected), "{script:?} {value:?}");
    }
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn values_that_could_act_are_refused_with_the_reason() {
    for (script, value, reason) in [
        // Commands.
        ("($V)", "x", "run as a command"),
        ("@($V) a", "x", "run as a command"),
        ("C:\\tools\\($V)\\a.exe", "x", "run as a command"),
        ("echo a & ($V)", "x", "run as a command"),
        ("if a==b ($V)", "x", "run as a command"),
        ("if a==b (($V)) else ($V)", "x", "run as a command"),
        ("for %%i in (1) do ($V)", "x", "run as a command"),
        ("call ($V)", "x", "run as a command"),
        ("cmd /c ($V)", "x", "run as a command"),
        ("%COMSPEC% /c ($V)", "x", "run as a command"),
        ("%TOOL% /c ($V)", "x", "which may be any"),
        ("start \"\" ($V)", "x", "run as a command"),
        ("for /f %%i in ('net user ($V)') do echo %%i", "a&b", "another cmd.exe"),
        ("for /f %%i in ('($V)') do echo %%i", "x", "run as a command"),
        ("schtasks /create /tn a /tr \"($V)\"", "x", "run as a command"),
        ("schtasks /create /tn a /tr \"\\\"($V)\\\" x\"", "x", "run as a command"),
        ("cmd /c start \"\" ($V)", "x", "run as a command"),
        ("cmd /c \"net user x & ($V)\"", "x", "run as a command"),
        ("cmd /c net user x ^& ($V)", "x", "run as a command"),
        ("cmd /c call ($V)", "x", "run as a command"),
        ("cmd /c cmd /c cmd /c cmd /c cmd /c echo ($V)", "x", "too deep"),
        ("cmd /c net user x ($V)", "a&b", "a part of a command"),
        ("call cmd /c ($V)", "x", "run as a command"),
        ("start \"title\" /wait ($V)", "x", "run as a command"),
        ("runas /user:x \"($V) y\"", "x", "run as a command"),
        ("forfiles /c \"cmd /c ($V)\"", "x", "run as a command"),
        ("psexec \\\\host -s ($V)", "x", "run as a command"),
        ("wmic process call create \"($V)\"", "x", "run as a command"),
        ("sc create x binPath= \"($V)\"", "x", "run as a command"),
        ("cscript ($V)", "x", "run as a command"),
        (
            "reg add HKLM\\CurrentVersion\\RunOnce /v a /d \"cmd /c net user x ($V)\"",
            "a&b",
            "a part of a command",
        ),
        ("cmd /c powershell -c \"$a = ($V)\"", "x", "expected a number"),
        ("for /f %%i in ('powershell -c \"$a = ($V)\"') do echo %%i", "x", "expected a number"),
        ("echo powershell -c \"$a = ($V)\" > x.cmd", "x", "expected a number"),
        ("set \"CMD=net ($V)\"\n%CMD:~4%", "x", "run as a command"),
        ("powershell -Command ($V)", "x", "run as a command"),
        ("powershell -Command \"& '($V)'\"", "x", "run what follows"),
        ("powershell -Command \"iex '($V)'\"", "x", "as code"),
        ("powershell -Command \"$p = '($V)'; iex $p\"", "x", "`$p`"),
        ("powershell -NoProfile -File ($V)", "x", "run as a command"),
        ("powershell -Command \"Set-X '($V)'\"", "a\"b", "ends the quotes"),
        ("powershell -Command \"Set-X \"\"($V)\"\"\"", "a b", "differently"),
        ("set \"p=($V)\"\npowershell -Command \"Set-X '%p%'\"", "it's", "interprets the value"),
        ("set \"p=($V)\"\npowershell -Command \"iex $env:p\"", "x", "as code"),
        ("echo ($V) x | cmd", "x", "interprets it as code"),
        ("echo $a = ($V) | powershell -", "x", "interprets it as code"),
        ("echo net user x ($V) | cmd", "a&b", "interprets it as code"),
        ("echo start ($V)> c:\\x.cmd", "x", "run later"),
        ("set \"p=($V)\"\n%p%", "x", "run as a command"),
        ("echo ($V) | cmd", "x", "interprets it as code"),
        ("(echo a\necho ($V)\n) | %COMSPEC%", "x", "interprets it as code"),
        ("echo ($V)>> c:\\del.cmd", "x", "run later"),
        ("(\necho ($V)\n) > \"c:\\a b.ps1\"", "x", "run later"),
        ("set f=C:\\x.cmd\necho ($V)>%f%", "x", "run later"),
        ("set \"p=($V)\"\necho %p%>x.bat", "x", "run later"),
        // Operators and expansions.
        ("net user x \"($V)\"", "a\"b", "ends the quotes"),
        ("net user x ($V)", "\u{fc}", "code page"),
        ("net user x ($V)", "a\u{1a}", "control character"),
        ("call net user x ($V)", "a&b", "second time"),
        ("echo ($V) | more", "a&b", "another cmd.exe"),
        ("(echo ($V)\n) | more", "a&b", "another cmd.exe"),
        ("more | echo ($V)", "a&b", "another cmd.exe"),
        ("for %%i in (1) do echo \"($V)\"", "%i", "variable of the `for`"),
        ("echo 100% ($V)", "%PATH%", "pair with another"),
        ("echo %X:~0,1% \"($V)\"", "%a", "pair with another"),
        ("echo %X:\"=% ($V)", "a&b", "end or begin quotes"),
        ("echo %a($V)b%", "x", "signs of an expansion"),
        ("echo ^($V)", "&", "changes its first character"),
        ("net user ^\n($V)", "a&b", "changes its first character"),
        ("echo ($V)>x", "2", "number of a stream"),
        ("echo a>($V)", "a&b", "names the file"),
        ("if ($V)==x echo", "not", "as a keyword"),
        ("if a ($V) b echo", "x", "name the comparison"),
        ("if errorlevel ($V) echo", "x", "with a number"),
        ("if exist ($V) echo", "a b", "one word here"),
        ("set p=($V)\nif %p%==x echo", "a b", "ends the operand"),
        ("set p=($V)\nif %p%==x echo", "", "nothing to compare"),
        ("set \"p=($V)\"\nif %p%==x echo", "a&b", "outside quotes"),
        ("set \"p=($V)\"\nif %p%==x echo", "exist", "as a keyword"),
        ("set ($V)=x", "x", "name the variable"),
        ("set /a x=($V)", "x", "formula"),
        ("set \"CMD=net user x ($V)\"\n%CMD%", "a&b", "of which it is an argument"),
        ("set \"CMD=start ($V)\"\n%CMD%", "x", "run as a command"),
        ("set \"CMD=%a% ($V)\"\n%CMD%", "x", "run as a command"),
        ("set \"p=($V)\"\nset \"CMD=%p% x\"\n%CMD%", "x", "run as a command"),
        ("del \"($V)\"", "*", "names, options and patterns"),
        ("goto ($V)", "a b", "names, options"),
        (":($V)", "a b", "where a jump"),
        ("mytool ($V)", "a&b", "may be a batch file"),
        ("my.bat ($V)", "a&b", "is a batch file"),
        // Options, and what else means something.
        ("net user x ($V)", "/add", "an option"),
        ("net user x \"($V)\"", "-a b", "an option"),
        ("net user x ($V)", "*", "ask at the terminal"),
        ("echo ($V)", "off", "as a switch"),
        ("echo ($V)", "a /? b", "help text"),
        // Quotes that a program sees otherwise.
        ("x.exe \"C:\\\" ($V)", "a b", "different places"),
        ("x.exe \"C:\\($V)\"", "", "literal"),
        ("x.exe \"($V)($W)\"", "a\\", "may be a quote"),
        ("x.exe ($V)($W)", "a b", "joined to"),
        ("x.exe C:\\($V)", "a b", "joined to"),
        // Variables.
        ("set \"p=($V)\"\nnet user x %p%", "a b&c", "`%p%` in line 2, column 12: it is outside quotes"),
        ("set \"p=($V)\"\nset \"q=%p%\"\necho %q%", "a&b", "`%q%` in line 3"),
        ("set \"p=($V)\"\ncall :s \"%p%\"\nexit /b\n:s\nnet user x %1", "a&b", "second time"),
        ("set \"p=($V)\"\nnet user x \"%p%\"", "/add", "an option"),
        ("set \"p=($V)\"\nnet user x \"%p%\"", "a\\", "literal"),
        ("set \"p=($V)\"\ncall set q=%%p%%", "a&b", "only a part of it"),
        ("for %%i in (($V)) do %%i", "x", "run as a command"),
        ("setlocal EnableDelayedExpansion\nset \"p=($V)\"\nnet user x \"%p%\"", "a!b", "delayed expansion"),
        // Delayed expansion.
        (
            ":a\nsetlocal EnableDelayedExpansion\nendlocal\ngoto a\n:b\nnet user x ($V)",
            "a!b",
            "delayed expansion",
        ),
        ("setlocal EnableDelayedExpansion\nnet user %a% \"($V)\"", "a^b", "delayed expansion"),
        ("setlocal EnableDelayedExpansion\necho !a:($V)=b!", "x", "signs of an expansion"),
        ("net user x ($V)", &"x".repeat(9000), "cmd.exe reads 8191"),
        ("net user x ($V)", "($IP)", "the rendered script contains"),
        ("net user x ($($V)IP)", "", "the rendered script contains"),
    ] {
        let error = rendered(script, value).expect_err(&format!("{script:?} {value:?}"));
        assert!(error.contains(reason), "{script:?} {value:?}: {error}");
    }
}

#[test]
fn addresses_pass_where_free_text_does_not() {
    let script = "@echo off\r\nsetlocal EnableDelayedExpansion\r\nnetsh interface ip set address \"%I%\" static ($IP) \
                  ($NETMASK) ($GATEWAY) >> %log%\r\nset \"ns=($NAMESERVERS)\"\r\nset flist=%ns:\"=%\r\nfor %%i in (!flist!) \
                  do netsh add %%i >> x\r\nif \"%ns%\" == \"\" echo ($IP)/($NETMASK)| findstr x\r\ncmd /c echo ($IP)\r\n";
    let values = MacroValues::new()
        .with("IP", "192.0.2.10")
        .and_then(|v| v.with("NETMASK", "255.255.255.0"))
        .and_then(|v| v.with("GATEWAY", "2001:db8::1"))
        .and_then(|v| v.with("NAMESERVERS", "192.0.2.53 2001:db8::53"))
        .unwrap();
    let script = Script::from_text(script);
    let rendered = script.render(&values, &RenderOptions::default()).unwrap();
    let plain = RenderOptions { as_platform: true, ..RenderOptions::default() };
    assert_eq!(rendered, script.render(&values, &plain).unwrap());
    let command = Script::from_text("($IP)\r\n").render(&values, &as_batch());
    assert!(command.unwrap_err().problems()[0].to_string().contains("run as a command"));
}

#[test]
fn what_the_help_of_a_refusal_names_takes_the_value() {
    for (refused, instead) in [
        ("cmd /c net user x ($V)", "net user x \"($V)\""),
        ("start \"\" net user x ($V)", "net user x \"($V)\""),
        (
            "call :s ($V)\nexit /b\n:s\nnet user x %1",
            "set \"NAME=($V)\"\ncall :s\nexit /b\n:s\nnet user x \"%NAME%\"",
        ),
        ("my.bat ($V)", "set \"NAME=($V)\"\nmy.bat"),
        (
            "for /f %%i in ('net user ($V)') do echo %%i",
            "net user \"($V)\" > C:\\x.txt\nfor /f %%i in (C:\\x.txt) do echo %%i",
        ),
        ("set NAME=($V)\nif %NAME%==x echo", "set \"NAME=($V)\"\nif \"%NAME%\"==\"x\" echo"),
        ("if exist ($V) echo", "if exist \"($V)\" echo"),
        (
            "set \"NAME=($V)\"\npowershell -Command \"Set-X %NAME%\"",
            "set \"NAME=($V)\"\npowershell -Command \"Set-X $env:NAME\"",
        ),
    ] {
        assert!(rendered(refused, "a b&c").is_err(), "{refused:?}");
        assert!(rendered(instead, "a b&c").is_ok(), "{instead:?}: {:?}", rendered(instead, "a b&c"));
    }
}

#[test]
fn a_list_stands_bare_where_words_are_wanted_and_nowhere_else() {
    let rendered = |script: &str| {
        let values = MacroValues::new().with("NAMESERVERS", "192.0.2.53 192.0.2.54").unwrap();
        let done = Script::from_text(script.replace("($L)", "($NAMESERVERS)")).render(&values, &as_batch());
        done.map(|script| script.text().into_owned()).map_err(|error| format!("{error:#}"))
    };
    let list = "192.0.2.53 192.0.2.54";
    for script in [
        "for %%i in (($L)) do netsh add %%i",
        "netsh add ($L)",
        "echo ($L)",
        "set NS=($L)",
        "set \"NS=($L)\"\nfor %%i in (%NS%) do echo %%i",
        "set NS=($L)\nnetsh add %NS%",
        "call :add ($L)",
        "cmd /c netsh add ($L)",
        "for /f %%i in ('netsh add ($L)') do echo %%i",
        "rem ($L)",
        "for %%i in (($L)) do netsh add address=%%i",
        "set \"NS=($L)\"\nfor %%i in (%NS%) do call :add %%i\nexit /b\n:add\nnetsh add address=%~1 x",
        "set NS=($L)\nif \"%NS%\"==\"\" exit /b",
    ] {
        assert_eq!(rendered(script), Ok(script.replace("($L)", list)), "{script}");
    }
    for (script, expected) in [
        ("if not ($L)==none echo some", "if not \"192.0.2.53 192.0.2.54\"==none echo some"),
        ("if none equ ($L) echo some", "if none equ \"192.0.2.53 192.0.2.54\" echo some"),
        ("x.exe /p:($L)", "x.exe /p:\"192.0.2.53 192.0.2.54\""),
    ] {
        assert_eq!(rendered(script).as_deref(), Ok(expected), "{script}");
    }
    for (script, reason) in [
        ("echo a>($L)", "one word"),
        ("echo a>>x($L)", "one word"),
        ("type <($L)", "one word"),
        ("if exist ($L) echo", "one word"),
        ("if defined ($L) echo", "one word"),
        ("set /a x=($L)", "a number"),
        ("goto ($L)", "one word"),
        ("md ($L)", "one word"),
        ("cmd /c if ($L)==none echo", "one word"),
        ("cmd /c x.exe /p:($L)", "one word"),
        ("set NS=($L)\nif %NS%==none echo", "ends the operand"),
        ("set NS=($L)\nx.exe /p:%NS%", "several words"),
        ("set NS=($L)\necho a>%NS%", "one word"),
        ("set a=($L)\nset b=%a%\nif %b%==none echo", "ends the operand"),
    ] {
        let error = rendered(script).expect_err(script);
        assert!(error.contains(reason), "{script}: {error}");
    }
}

#[test]
fn delayed_expansion_is_known_where_the_script_is_straight() {
    let on = "setlocal EnableDelayedExpansion\n";
    for (script, expected) in [
        ("net user x ($V)", "\"a!\""),
        ("setlocal DisableDelayedExpansion\nnet user x ($V)", "\"a!\""),
        ("setlocal EnableDelayedExpansion\nendlocal\nnet user x ($V)", "\"a!\""),
        ("setlocal EnableDelayedExpansion\nsetlocal DisableDelayedExpansion\nnet user x ($V)", "\"a!\""),
        ("setlocal EnableDelayedExpansion\n:a\nnet user x ($V)\ngoto a", "\"a^!\""),
        ("net user x ($V)\nsetlocal EnableDelayedExpansion", "\"a!\""),
    ] {
        let text = rendered(script, "a!").unwrap();
        assert!(text.contains(expected), "{script:?}: {text}");
    }
    for script in [
        format!("if exist x {on}net user x ($V)"),
        format!("(\n{on})\nnet user x ($V)"),
        format!(":a\n{on}net user x ($V)\nendlocal"),
        format!(":a\nnet user x ($V)\n{on}goto a"),
    ] {
        assert!(rendered(&script, "a!").is_err(), "{script:?}");
    }
}

#[test]
fn the_lint_is_told_where_no_quoting_helps() {
    let script = Script::from_text(
        "net user x ($PASS)\r\nset \"k=($PRODUCTKEY)\"\r\ncscript a.vbs %k%\r\ncmd /c ($HOSTNAME)\r\n",
    );
    let places = script.macro_places(None);
    assert_eq!(places.len(), 3);
    assert_eq!(places[0].place, "as a word in the arguments of `net`");
    assert_eq!((places[0].never_safe(), places[0].is_free_text()), (None, true));
    assert!(places[1].never_safe().unwrap().starts_with("`%k%` in line 3"));
    assert!(!places[1].is_free_text());
    assert_eq!(places[2].never_safe().as_deref(), Some("the text at this place is run as a command"));
}

/// What cmd.exe of Windows makes of a line with one command: phase 1 (`%`), 2 (quotes, `^`, operators) and 5 (delayed
/// expansion), as far as values need them. `None` if an expansion or an operator acts. Wine does not do phase 5 as
/// Windows does, so this stands in for it.
fn windows_reads(line: &str, delayed: bool) -> Option<String> {
    let mut after_percent = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '%' && chars.next() != Some('%') {
            return None;
        }
        after_percent.push(c);
    }
    let (mut text, mut quoted) = (String::new(), false);
    let mut chars = after_percent.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '^' if !quoted => {
                text.push(chars.next()?);
                continue;
            }
            '&' | '|' | '<' | '>' if !quoted => return None,
            _ => {}
        }
        text.push(c);
    }
    if !delayed || !text.contains('!') {
        return Some(text);
    }
    let mut done = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '^' => done.push(chars.next()?),
            '!' => return None,
            c => done.push(c),
        }
    }
    Some(done)
}

/// The arguments behind the program, by the rules of Microsoft's C runtime.
fn argv(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let (mut quoted, mut backslashes) = (false, 0);
    for c in line.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let text = current.get_or_insert_with(String::new);
        if c == '"' {
            text.push_str(&"\\".repeat(backslashes / 2));
            if backslashes % 2 == 1 {
                text.push('"');
            } else {
                quoted = !quoted;
            }
        } else {
            text.push_str(&"\\".repeat(backslashes));
            if c == ' ' && !quoted {
                if text.is_empty() && backslashes == 0 && !line.contains("\"\"") {
                    current = None;
                } else {
                    arguments.extend(current.take());
                }
            } else {
                text.push(c);
            }
        }
        backslashes = 0;
    }
    if current.is_some() || backslashes > 0 {
        arguments.push(current.unwrap_or_default() + &"\\".repeat(backslashes));
    }
    arguments.remove(0);
    arguments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_hands_on_what_was_rendered(
        value in "[a%!^&|<>()\\\\ ,;=/*-]{1,9}", other in "[a!^]{0,3}", delayed in any::<bool>(), place in 0_usize..7,
    ) {
        let (script, before, after) = [
            ("x.exe a ($V) b", "", ""),
            ("x.exe a \"($V)\" b", "", ""),
            ("x.exe a /p:($V);x b", "/p:", ";x"),
            ("x.exe a \"c ($V) d\" b", "c ", " d"),
            ("echo 1:($V).", "1:", "."),
            ("set \"v=($V)\"", "v=", ""),
            ("powershell -c \"S \\\"($V)\\\"\"", "S \"", "\""),
        ][place];
        // Text of the script's own may have a `!` as well, or the macro of another value.
        let script = if place < 2 { format!("{script} ($W)") } else { script.to_owned() };
        let on = if delayed { "setlocal EnableDelayedExpansion\n" } else { "" };
        let values = MacroValues::new().with("V", value.as_str()).and_then(|v| v.with("W", other.as_str())).unwrap();
        if let Ok(done) = Script::from_text(format!("{on}{script}")).render(&values, &RenderOptions::default()) {
            let done = done.text().into_owned();
            let line = done.strip_prefix(on).unwrap();
            let read = windows_reads(line, delayed);
            prop_assert!(read.is_some(), "something acts in {line:?}");
            let read = read.unwrap();
            let expected = format!("{before}{value}{after}");
            match place {
                4 => prop_assert_eq!(read, format!("echo {expected}")),
                5 => prop_assert_eq!(read, format!("set \"{expected}\"")),
                6 => prop_assert_eq!(argv(&read), ["-c".to_owned(), expected], "{}", line),
                _ => {
                    let arguments = argv(&read);
                    prop_assert_eq!(&arguments[..3], &["a".to_owned(), expected, "b".to_owned()][..], "{}", line);
                    if place < 2 {
                        prop_assert_eq!(&arguments[3..], &[other][..], "{}", line);
                    }
                }
            }
        }
    }
}

#[test]
fn a_part_of_a_value_is_text_between_quotes_and_nowhere_else() {
    let script = |use_of_it: &str| format!("set \"p=($V)\"\n{use_of_it}\n");
    for text in [
        "if \"%p:~0,1%\"==\"/\" exit /b",
        "if \"%p:~-1%\"==\"\\\" exit /b",
        "set \"q=%p:\"=%\"",
        "set \"q=%p:\"=/%\"",
    ] {
        assert_eq!(rendered(&script(text), "a&b"), Ok(script(text).replace("($V)", "a&b")), "{text}");
    }
    for text in [
        "if %p:~0,1%==/ exit /b",
        "set q=%p:~1%",
        "set \"q=%p:a=\"%\"",
        "net user x \"%p:~1%\"",
        "echo %p:~1%",
    ] {
        let refused = rendered(&script(text), "a&b").unwrap_err();
        assert!(refused.contains("only a part of it is taken"), "{text}: {refused}");
    }
}
