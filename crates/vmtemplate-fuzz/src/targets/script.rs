//! Rendering: foreign scripts and values in all three languages.

use std::str;

use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions, ScriptLanguage};
use vmtemplate::script::ScriptCheckOptions;

pub(crate) fn batch(input: &[u8]) {
    render(ScriptLanguage::Batch, input);
}

pub(crate) fn powershell(input: &[u8]) {
    render(ScriptLanguage::PowerShell, input);
}

pub(crate) fn posix(input: &[u8]) {
    render(ScriptLanguage::Posix, input);
}

/// A script with two macros and their values, which are separated by NUL.
///
/// A value must not change how the script is read: with one macro replaced, the other is still in the same context.
/// Therefore one pass writes the same as two passes, one for each value, in either order. And no value creates a macro.
fn render(language: ScriptLanguage, input: &[u8]) {
    let mut parts = input.splitn(3, |&byte| byte == 0);
    let (pass, user, script) = (parts.next(), parts.next(), parts.next());
    let (Some(Ok(pass)), Some(Ok(user)), Some(script)) =
        (pass.map(str::from_utf8), user.map(str::from_utf8), script)
    else {
        return;
    };
    let script = Script::from_bytes(script);
    let options =
        RenderOptions { missing: MissingValue::Keep, language: Some(language), ..RenderOptions::default() };
    let (mut first, mut second) = (MacroValues::new(), MacroValues::new());
    if first.set("PASS", pass).is_err() || second.set("HOSTNAME", user).is_err() {
        return;
    }
    let mut both = first.clone();
    both.extend(second.clone());
    let once = script.render(&both, &options);
    drop(script.check(&ScriptCheckOptions::default()));
    let Ok(once) = once else { return };
    for (one, other) in [(&first, &second), (&second, &first)] {
        // A language may refuse a script after a value that it accepted; it must not render it in another way.
        if let Ok(half) = script.render(one, &options)
            && let Ok(whole) = half.render(other, &options)
        {
            assert!(
                whole.bytes() == once.bytes(),
                "{:?} with {pass:?} and {user:?} in one pass is\n{}\nand in two\n{}",
                script.text(),
                once.text(),
                whole.text()
            );
        }
    }
    for found in once.macros() {
        assert!(both.get(found.name.name()).is_none(), "{} is in the rendered script", found.name);
    }
}

/// The seeds of a target of this file.
pub(crate) fn seeds(target: &str) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let scripts: &[(&'static str, &str, &str, &str)] = match target {
        "batch" => &[
            (
                "net-user",
                "Xk92mPq4Lw",
                "web1",
                "@echo off\r\nnet user Administrator \"($PASS)\"\r\nnetdom renamecomputer %COMPUTERNAME% /newname:($HOSTNAME)\r\n",
            ),
            (
                "variables",
                "a&b|c%d^e",
                "a.b",
                "set \"p=($PASS)\"\r\nset h=($HOSTNAME)\r\nif \"%h%\"==\"()\" (echo none) else (echo %h% \"%p%\")\r\n",
            ),
            (
                "delayed",
                "a!b",
                "w",
                "setlocal EnableDelayedExpansion\r\nset \"p=($PASS)\"\r\nfor %%i in (($HOSTNAME)) do echo !p! %%i>>log\r\n",
            ),
            (
                "powershell",
                "Abc123",
                "w1",
                "powershell -Command \"Set-It '($PASS)' -Name ($HOSTNAME)\"\r\ncmd /c net user a ($PASS)\r\n",
            ),
        ],
        "powershell" => &[
            (
                "quotes",
                "it's $x",
                "web1",
                "$p = '($PASS)'\n$q = \"($PASS)\"\nRename-Computer -NewName ($HOSTNAME)\n",
            ),
            (
                "here-string",
                "a`b\"c",
                "w",
                "$k = @'\n($PASS)\n'@\nif ($k) { Set-It -Name \"x($HOSTNAME)y\" $k }\n",
            ),
            (
                "expressions",
                "x",
                "y",
                "@('($PASS)', '($HOSTNAME)') | ForEach-Object { iex $_ }\n$h=@{a='($PASS)'}\n",
            ),
        ],
        "posix" => &[
            (
                "chpasswd",
                "it's $x",
                "web1",
                "#!/bin/sh\nset -e\necho \"root:($PASS)\" | chpasswd\nhostnamectl set-hostname ($HOSTNAME)\n",
            ),
            (
                "documents",
                "a`b`c",
                "w",
                "cat > /etc/x <<EOF\npass=($PASS)\nEOF\ncat <<'EOF'\n($HOSTNAME)\nEOF\n",
            ),
            (
                "variables",
                "a b",
                "w",
                "p='($PASS)'\nfor h in ($HOSTNAME); do case \"$h\" in \"($PASS)\") echo \"$p\";; esac; done\n",
            ),
            (
                "filters",
                "Abc",
                "a.example.com",
                "D=$(echo \"($HOSTNAME)\" | sed 's/^[^.]*\\.//')\nsudo env A=($PASS) sh -c \"echo ($PASS)\"\n",
            ),
        ],
        _ => return None,
    };
    let seed = |(name, pass, user, script): &(&'static str, &str, &str, &str)| {
        (*name, [pass.as_bytes(), b"\0", user.as_bytes(), b"\0", script.as_bytes()].concat())
    };
    Some(scripts.iter().map(seed).collect())
}
