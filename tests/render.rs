//! Rendering through the public API: properties of all scripts and values.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use proptest::prelude::*;
use vmtemplate::drive::{InstallDrive, Padding};
use vmtemplate::macros::{
    MacroInfo, MacroUse, MacroValues, MissingValue, RenderOptions, ScriptLanguage, find_macros,
};
use vmtemplate::{DiskImage, ErrorKind, Script, Template};

const NAMES: [&str; 6] = ["IP", "PASS", "HOSTNAME", "PRODUCTKEY", "X", "NAMESERVERS"];

/// Scripts made from pieces that have a meaning in some language, with macros between them.
fn script() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => prop::sample::select(&NAMES[..]).prop_map(|name| format!("(${name})")),
        4 => prop::sample::select(vec![
            "echo ", "net user x ", "set \"a=", "set b=", "rem ", "::", "if \"a\"==", " (", ")", "%a%", "!b!", "%", "^",
            "\"", "'", "`", "$(", "${a}", "$a", "\\", "|", "&", ">", "<<EOF", "EOF", "for %%i in (", ") do ", " ", "\r\n",
            "\n", "call ", "setlocal EnableDelayedExpansion", "@'", "'@", "# ", "($", "IP)", "\u{e4}", "case x in",
            "sh -c ", "x=", ";", "}", "{", "@\"", "\"@", "<#", "#>", ":label", "goto ", "((", "))", "$((", "$'",
        ]).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Whether rendering replaces it: the platform does not know `X`, so `X` is a macro only if it has a value.
fn is_macro(found: &MacroUse, values: &MacroValues) -> bool {
    MacroInfo::lookup(found.name.name()).is_some() || values.get(found.name.name()).is_some()
}

fn language() -> impl Strategy<Value = Option<ScriptLanguage>> {
    prop::sample::select(vec![
        None,
        Some(ScriptLanguage::Batch),
        Some(ScriptLanguage::PowerShell),
        Some(ScriptLanguage::Posix),
    ])
}

fn missing() -> impl Strategy<Value = MissingValue> {
    prop::sample::select(vec![
        MissingValue::Error,
        MissingValue::Parens,
        MissingValue::Empty,
        MissingValue::Keep,
        MissingValue::Platform,
    ])
}

fn values() -> impl Strategy<Value = MacroValues> {
    let text = || {
        prop_oneof![
            prop::sample::select(vec![
                "", "plain", "a b", "a&b", "%x%", "!x!", "'", "\\", "($IP)", "($", "$PASS)", "IP)", "-x",
                "\u{e4}", "`", "$x",
            ])
            .prop_map(str::to_owned),
            "[ -~]{0,8}",
        ]
    };
    (prop::option::of(text()), prop::option::of(text()), any::<[bool; 4]>()).prop_map(|(pass, x, given)| {
        let mut values = MacroValues::new();
        let typed = [
            ("IP", "2001:db8::1"),
            ("HOSTNAME", "web-1"),
            ("PRODUCTKEY", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"),
            ("NAMESERVERS", "192.0.2.53 ::1"),
        ];
        for ((name, value), _) in typed.into_iter().zip(given).filter(|(_, given)| *given) {
            values.set(name, value).unwrap();
        }
        for (name, value) in [("PASS", pass), ("X", x)] {
            if let Some(value) = value {
                values.set(name, value).unwrap();
            }
        }
        values
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rendering_twice_is_rendering_once(
        script in script(), values in values(), language in language(), missing in missing(),
    ) {
        let options = RenderOptions { missing, language, ..RenderOptions::default() };
        if let Ok(once) = Script::from_text(script).render(&values, &options) {
            // The language is detected before rendering: a value does not change it.
            let twice = once.render(&values, &options);
            prop_assert_eq!(twice.as_ref().ok(), Some(&once), "{:?}", twice);
        }
    }

    #[test]
    fn nothing_outside_of_macros_changes(
        script in script(), values in values(), language in language(), missing in missing(), as_platform in any::<bool>(),
    ) {
        let options = RenderOptions { missing, language, as_platform, ..RenderOptions::default() };
        if let Ok(rendered) = Script::from_text(script.clone()).render(&values, &options) {
            // The text between macros, in this order, and nothing else at both ends.
            let mut rest = rendered.text().into_owned();
            let mut at = 0;
            let mut between = Vec::new();
            for found in find_macros(&script).filter(|found| is_macro(found, &values)) {
                between.push(&script[at..found.range.start]);
                at = found.range.end;
            }
            between.push(&script[at..]);
            prop_assert!(rest.starts_with(between[0]));
            rest.drain(..between[0].len());
            if between.len() == 1 {
                prop_assert_eq!(&rest, "");
            } else {
                prop_assert!(rest.ends_with(between[between.len() - 1]));
            }
            for text in &between[1..] {
                let Some(found) = rest.find(text) else { return Err(TestCaseError::fail(format!("{text:?} is gone"))) };
                rest.drain(..found + text.len());
            }
        }
    }

    #[test]
    fn every_macro_that_is_found_with_a_value_is_replaced_and_no_other(
        script in script(), values in values(), missing in missing(),
    ) {
        let options = RenderOptions { missing, as_platform: true, ..RenderOptions::default() };
        let mut expected = String::new();
        let mut at = 0;
        let mut complete = true;
        for found in find_macros(&script).filter(|found| is_macro(found, &values)) {
            expected.push_str(&script[at..found.range.start]);
            at = found.range.end;
            match (values.get(found.name.name()), missing) {
                (Some(value), _) => expected.push_str(value),
                (None, MissingValue::Parens) => expected.push_str("()"),
                (None, MissingValue::Keep) => expected.push_str(&found.name.to_string()),
                (None, MissingValue::Empty | MissingValue::Platform) => {}
                (None, _) => complete = false,
            }
        }
        expected.push_str(&script[at..]);
        let rendered = Script::from_text(script).render(&values, &options);
        if complete {
            prop_assert_eq!(rendered.unwrap().text().into_owned(), expected);
        } else {
            prop_assert_eq!(rendered.unwrap_err().kind(), ErrorKind::InvalidValue);
        }
    }

    #[test]
    fn what_is_rendered_has_the_macros_that_were_kept_and_no_others(
        script in script(), values in values(), language in language(), missing in missing(),
    ) {
        let options = RenderOptions { missing, language, ..RenderOptions::default() };
        let script = Script::from_text(script);
        if let Ok(rendered) = script.render(&values, &options) {
            let kept: Vec<_> = script
                .macros()
                .filter(|found| is_macro(found, &values))
                .filter(|found| missing == MissingValue::Keep && values.get(found.name.name()).is_none())
                .map(|found| found.name)
                .collect();
            let left: Vec<_> =
                rendered.macros().filter(|found| is_macro(found, &values)).map(|found| found.name).collect();
            prop_assert_eq!(left, kept);
        }
    }

    #[test]
    fn harmless_values_are_what_the_platform_writes(script in script(), language in language()) {
        let mut values = MacroValues::new();
        for name in NAMES {
            let value = match name {
                "IP" => "192.0.2.10",
                "PRODUCTKEY" => "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE",
                // A shell script has quotes around several values if one word is expected.
                "NAMESERVERS" => "192.0.2.53",
                _ => "plain",
            };
            values.set(name, value).unwrap();
        }
        let script = Script::from_text(script);
        let options = RenderOptions { missing: MissingValue::Keep, language, ..RenderOptions::default() };
        // PowerShell has no bare words, so the value is quoted.
        if language != Some(ScriptLanguage::PowerShell)
            && script.language() != Some(ScriptLanguage::PowerShell)
            && let Ok(rendered) = script.render(&values, &options)
        {
            let platform = RenderOptions { as_platform: true, ..options };
            prop_assert_eq!(rendered, script.render(&values, &platform).unwrap());
        }
    }

    #[test]
    fn what_is_rendered_of_any_bytes_renders_to_itself(bytes in prop::collection::vec(any::<u8>(), 0..200), language in language()) {
        let mut bytes = bytes;
        bytes.extend(b" ($PASS) ");
        let values = MacroValues::new().with("PASS", "a & 'b' \\").unwrap();
        let options = RenderOptions { language, ..RenderOptions::default() };
        if let Ok(rendered) = Script::from_bytes(bytes).render(&values, &options) {
            // No macro is left, and the value created none: rendering the result without values changes nothing.
            prop_assert_eq!(rendered.render(&MacroValues::new(), &options).unwrap(), rendered);
        }
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_place_and_reason() {
    let script = Script::from_text(
        "@echo off\r\nnet user Administrator ($PASS)\r\nrem ($IP)\r\n($HOSTNAME)\r\necho ($GATEWAY) ($nothing) | more\r\n",
    );
    let values = MacroValues::new()
        .with("PASS", "/add")
        .and_then(|values| values.with("IP", "192.0.2.10"))
        .and_then(|values| values.with("HOSTNAME", "web-1"))
        .unwrap();
    let options =
        RenderOptions { illegal_password_characters: Some("!/".into()), ..RenderOptions::default() };
    let error = script.render(&values, &options).unwrap_err();
    let told: Vec<String> = error.problems().iter().map(|problem| format!("{problem:#}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    line 2, column 24: `($PASS)`: the password contains `/`, which the template forbids (give a password without any of `!/`)
    line 2, column 24: `($PASS)`: the value cannot be written as a word in the arguments of `net`: it begins with `/` or `-` at the beginning of a word, and would be read as an option (give another value, or move the macro to a place of its own inside quotes)
    line 4, column 1: `($HOSTNAME)`: the value cannot be written outside quotes, where a command begins: the text at this place is run as a command; expected another place for the macro (write the name of the command itself; a value can be one of its arguments)
    line 5, column 6: `($GATEWAY)`: the macro has no value (give it one (`--set`, `--values`), or choose with --missing (`missing`) what a macro without a value becomes)
    "#);
}

#[test]
fn bytes_of_a_code_page_are_kept_and_take_ascii_values_only() {
    let script = Script::from_bytes(*b"rem \x8f\xe0 it is ($X)\r\necho ($X)\r\n");
    let render = |value: &str| {
        let values = MacroValues::new().with("X", value).unwrap();
        script.render(&values, &RenderOptions::default())
    };
    assert_eq!(render("a&b").unwrap().bytes(), b"rem \x8f\xe0 it is a&b\r\necho a^&b\r\n");
    assert!(render("\u{e4}").unwrap_err().problems()[0].message().contains("code page"));
    let platform = RenderOptions { as_platform: true, ..RenderOptions::default() };
    let values = MacroValues::new().with("X", "\u{e4}").unwrap();
    assert!(script.render(&values, &platform).is_err());
}

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Script {
    Script::from_bytes(text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>())
}

#[test]
fn utf_16_for_powershell_is_rendered_and_keeps_its_encoding() {
    let values = MacroValues::new().with("PASS", "\u{5BC6}'\u{1F40E}").unwrap();
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let script = utf_16("\u{FEFF}$p = '($PASS)'\r\nif ($p) { ($nic) }\r\n", to_bytes);
        assert_eq!(script.macros().next().unwrap().position.column, 7);
        let rendered = script.render(&values, &RenderOptions::default()).unwrap();
        let expected = "\u{FEFF}$p = '\u{5BC6}''\u{1F40E}'\r\nif ($p) { ($nic) }\r\n";
        assert_eq!(rendered, utf_16(expected, to_bytes));
        // A problem is reported with its position in characters.
        let error = script.render(&MacroValues::new(), &RenderOptions::default()).unwrap_err();
        assert_eq!(error.problems()[0].position().unwrap().column, 7);
    }
}

#[test]
fn utf_16_that_nothing_reads_is_refused_and_never_keeps_its_macros() {
    let values = MacroValues::new().with("IP", "192.0.2.10").unwrap();
    let platform = RenderOptions { as_platform: true, ..RenderOptions::default() };
    let le = u16::to_le_bytes;
    let cut = Script::from_bytes([utf_16("\u{FEFF}$a = ($IP)", le).bytes(), b"x"].concat());
    for (script, options, reason) in [
        (utf_16("\u{FEFF}echo ($IP)\r\n", le), RenderOptions::default(), "cmd.exe does not read"),
        (utf_16("\u{FEFF}set -e\necho ($IP)\n", le), RenderOptions::default(), "no shell reads"),
        (utf_16("\u{FEFF}($IP)\n", le), RenderOptions::default(), "nothing identifies"),
        (utf_16("$ip = '($IP)'\n", le), RenderOptions::default(), "without a byte order mark"),
        (utf_16("\u{FEFF}$ip = '($IP)'\n", le), platform, "does not find macros"),
        (cut, RenderOptions::default(), "damaged or truncated"),
    ] {
        let error = script.render(&values, &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidScript, "{reason}");
        assert!(error.message().contains(reason), "{error}");
        assert!(error.help().is_some());
        // The result is the same in a template, and on the drive of a machine.
        let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512]));
        let template = builder.script(script.clone()).build();
        if let Ok(template) = template {
            assert!(template.install_drive(&values, &options, Padding::default()).is_err());
        }
        assert!(InstallDrive::new(&script).is_err());
    }
}

#[test]
fn what_is_neither_known_nor_declared_nor_given_stays_in_every_mode_and_language() {
    let scripts = [
        (
            ScriptLanguage::PowerShell,
            "$n = 1\r\nif ($n) { ($n).Name; \"($n)\" }\r\nwhile ($true) { break }\r\n",
        ),
        (ScriptLanguage::Batch, "powershell \"if ($n) { exit }\"\r\necho ($LICENCE) ($pass)\r\n"),
        (ScriptLanguage::Posix, "a=($LICENCE)\n(($n))\necho \"($Pass)\"\n"),
        (ScriptLanguage::Kickstart, "rootpw ($password)\n"),
    ];
    for (language, text) in scripts {
        for missing in ["error", "parens", "empty", "keep", "platform"] {
            for as_platform in [false, true] {
                let options = RenderOptions {
                    missing: missing.parse().unwrap(),
                    language: Some(language),
                    as_platform,
                    ..RenderOptions::default()
                };
                let values = MacroValues::new().with("IP", "192.0.2.10").unwrap();
                let rendered = Script::from_text(text).render(&values, &options).unwrap();
                assert_eq!(rendered.text(), text, "{language} {missing}");
            }
        }
    }
}

#[test]
fn what_is_declared_is_a_macro() {
    let script = Script::from_text("@echo off\r\necho ($LICENCE) ($nic)\r\n");
    let declared = RenderOptions {
        declared: vec!["($LICENCE)".parse().unwrap()],
        missing: MissingValue::Empty,
        ..RenderOptions::default()
    };
    let none = MacroValues::new();
    assert_eq!(script.render(&none, &declared).unwrap().text(), "@echo off\r\necho  ($nic)\r\n");
    let strict = RenderOptions { missing: MissingValue::Error, ..declared };
    assert_eq!(script.render(&none, &strict).unwrap_err().problems().len(), 1);
    // A template uses the macros that its metadata declares.
    let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512]));
    let template = builder.script(script).declare_macro("($LICENCE)").build().unwrap();
    let error = template.render(&none, &RenderOptions::default()).unwrap_err();
    assert_eq!(error.problems()[0].field(), Some("($LICENCE)"));
    assert_eq!(template.info().unwrap().script.unwrap().macros, ["($LICENCE)"]);
}

#[test]
fn a_script_of_no_known_language_is_rendered_where_nothing_must_be_quoted_and_refused_elsewhere() {
    let script = Script::from_text("echo ($IP)\n");
    let values = MacroValues::new().with("IP", "192.0.2.10").unwrap();
    let error = script.render(&values, &RenderOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.help().unwrap().contains("--language"), "{error:#}");
    let empty = RenderOptions { missing: MissingValue::Empty, ..RenderOptions::default() };
    assert_eq!(script.render(&MacroValues::new(), &empty).unwrap().text(), "echo \n");
    let platform = RenderOptions { as_platform: true, ..RenderOptions::default() };
    assert_eq!(script.render(&values, &platform).unwrap().text(), "echo 192.0.2.10\n");
    let posix = RenderOptions { language: Some(ScriptLanguage::Posix), ..RenderOptions::default() };
    assert_eq!(script.render(&values, &posix).unwrap().text(), "echo 192.0.2.10\n");
}

#[test]
fn the_name_of_the_script_in_the_metadata_says_its_language() {
    let text = "echo ($PASS)\n";
    let values = MacroValues::new().with("PASS", "a b").unwrap();
    for (name, expected) in [("setup.cmd", "echo a b\r\n"), ("setup.ps1", "echo 'a b'\r\n")] {
        let builder = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512]));
        let template = builder.script(Script::from_text(text)).script_name(name).build().unwrap();
        let rendered = template.render(&values, &RenderOptions::default()).unwrap();
        assert_eq!(rendered.text(), expected, "{name}");
    }
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("setup.sh");
    std::fs::write(&path, text).unwrap();
    let rendered = Template::render_path(&path, &values, &RenderOptions::default()).unwrap();
    assert_eq!(rendered.text(), "echo 'a b'\n");
}

/// Building a template does not change a shell script, even one that does not begin with `#!`.
#[test]
fn a_shell_script_keeps_its_line_ends_in_a_template() {
    let text = "set -e\necho \"root:($PASS)\" | chpasswd\nreboot\n";
    let values = MacroValues::new().with("PASS", "a$b").unwrap();
    let build = |name: Option<&str>, text: &str| {
        let builder = Template::builder("Debian-12").image(DiskImage::from_bytes([0; 512]));
        let builder = builder.script(Script::from_text(text));
        match name {
            Some(name) => builder.script_name(name).build().unwrap(),
            None => builder.build().unwrap(),
        }
    };
    for (name, expected) in [(None, "setup.sh"), (Some("run"), "run"), (Some("run.sh"), "run.sh")] {
        let template = build(name, text);
        assert_eq!(template.metainfo().script_file().as_deref(), Some(expected));
        let rendered = template.render(&values, &RenderOptions::default()).unwrap();
        assert_eq!(rendered.text(), text.replace("($PASS)", "a\\$b"), "{expected}");
    }
    assert_eq!(build(Some("run.sh"), "a\nb\n").script().unwrap().text(), "a\nb\n");
    assert_eq!(build(Some("run.cmd"), text).script().unwrap().text(), text.replace('\n', "\r\n"));
}

#[test]
fn several_public_keys_stand_where_the_script_takes_lines() {
    let (first, second) = ("ssh-ed25519 AAAA a@b", "ssh-rsa BBBB it's");
    let render = |text: &str, language| {
        let values = MacroValues::new().with("SSHPUBKEYS", vec![first, second]).unwrap();
        let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
        Script::from_text(text).render(&values, &options).map(|script| script.text().into_owned())
    };
    let (posix, power) = (ScriptLanguage::Posix, ScriptLanguage::PowerShell);
    for (text, language, expected) in [
        ("cat << EOF\n($SSHPUBKEYS)\nEOF\n", posix, format!("cat << EOF\n{first}\n{second}\nEOF\n")),
        ("cat <<'E'\n($SSHPUBKEYS)\nE\n", posix, format!("cat <<'E'\n{first}\n{second}\nE\n")),
        ("printf '%s\\n' \"($SSHPUBKEYS)\"\n", posix, format!("printf '%s\\n' \"{first}\n{second}\"\n")),
        ("$k = @'\n($SSHPUBKEYS)\n'@\n", power, format!("$k = @'\n{first}\n{second}\n'@\n")),
        ("$k = \"($SSHPUBKEYS)\"\n", power, format!("$k = \"{first}\n{second}\"\n")),
        ("$k = '($SSHPUBKEYS)'\n", power, format!("$k = '{first}\n{}'\n", second.replace('\'', "''"))),
        ("$k = @\"\r\n($SSHPUBKEYS)\r\n\"@\r\n", power, format!("$k = @\"\r\n{first}\n{second}\r\n\"@\r\n")),
    ] {
        assert_eq!(render(text, language).unwrap(), expected, "{text}");
    }
    for (text, language) in [
        ("cat << EOF\nx ($SSHPUBKEYS)\nEOF\n", posix),
        ("cat << EOF\n($SSHPUBKEYS) x\nEOF\n", posix),
        ("# ($SSHPUBKEYS)\n", posix),
        ("($SSHPUBKEYS)\n", posix),
        ("k=\"($SSHPUBKEYS)\"\necho $k\n", posix),
        ("k=\"($SSHPUBKEYS)\"\nsh -c \"echo $k\"\n", posix),
        ("$k = @'\nx ($SSHPUBKEYS)\n'@\n", power),
        ("# ($SSHPUBKEYS)\n", power),
        ("echo ($SSHPUBKEYS)\r\n", ScriptLanguage::Batch),
        ("rem ($SSHPUBKEYS)\r\n", ScriptLanguage::Batch),
        ("#cloud-config\nk: ($SSHPUBKEYS)\n", ScriptLanguage::CloudConfig),
    ] {
        assert!(render(text, language).is_err(), "{text}");
    }
    // A line of the value must not end the document.
    let values = MacroValues::new().with("SSHPUBKEYS", "ssh-rsa A\nssh-x").unwrap();
    let script = Script::from_text("#!/bin/sh\ncat << ssh-x\n($SSHPUBKEYS)\nssh-x\n");
    assert!(script.render(&values, &RenderOptions::default()).is_err());
}

#[test]
fn files_of_answers_take_plain_values() {
    let values = MacroValues::new()
        .with("MIRROR", "https://mirror.example.com/debian")
        .and_then(|values| values.with("NAMESERVERS", "192.0.2.53 ::1"))
        .and_then(|values| values.with("PASS", "a b"))
        .unwrap();
    let script =
        Script::from_text("d-i mirror/http/hostname string ($MIRROR)\nd-i n/n string ($NAMESERVERS)\n");
    assert_eq!(script.language(), Some(ScriptLanguage::Preseed));
    let rendered = script.render(&values, &RenderOptions::default()).unwrap();
    assert!(rendered.text().contains("string https://mirror.example.com/debian\n"));
    let script = Script::from_text("d-i passwd/root-password password ($PASS)\n");
    let rendered = script.render(&values, &RenderOptions::default()).unwrap();
    assert_eq!(rendered.text(), "d-i passwd/root-password password a b\n");
    let script = Script::from_text("d-i preseed/late_command string echo ($PASS)\n");
    let error = script.render(&values, &RenderOptions::default()).unwrap_err();
    assert!(error.problems()[0].message().contains("preseed"), "{error:#}");
    let posix = RenderOptions { language: Some(ScriptLanguage::Posix), ..RenderOptions::default() };
    assert!(script.render(&values, &posix).is_ok());
}

#[test]
fn a_rendered_script_fits_on_the_install_drive_or_is_refused() {
    let script = Script::from_text(format!("#!/bin/sh\n{}", "echo ($X)\n".repeat(60_000)));
    let values = MacroValues::new().with("X", "x".repeat(10)).unwrap();
    assert!(script.render(&values, &RenderOptions::default()).is_ok());
    let values = MacroValues::new().with("X", "x".repeat(30_000)).unwrap();
    let error = script.render(&values, &RenderOptions::default()).unwrap_err();
    assert_eq!(error.problems()[0].kind(), ErrorKind::LimitExceeded);
}

#[test]
fn the_largest_scripts_are_rendered_in_linear_time() {
    for line in [
        "set a=($X)\r\n",
        "set a=%a%\r\n",
        "($X)",
        "%",
        "!",
        "!a:",
        "%%a",
        "%a:",
        "(",
        "((",
        "\"",
        "`",
        "$(",
        "${",
        "$'",
        "<<E\n",
        "^",
        "| ",
        "if ",
        "for ",
        "@'\n",
        "<#",
        "'",
        "$a=",
        "case x in ",
        "$((",
        "for %%i in (",
        "echo ($X) | ",
    ] {
        let text = format!("rem ($X)\r\n{}", line.repeat((Script::MAX_SIZE - 10) / line.len()));
        let values = MacroValues::new().with("X", "x").unwrap();
        for language in [ScriptLanguage::Batch, ScriptLanguage::PowerShell, ScriptLanguage::Posix] {
            let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
            let begin = std::time::Instant::now();
            let _ = Script::from_text(text.clone()).render(&values, &options);
            // A quadratic algorithm takes minutes; a busy machine must not make this fail.
            assert!(begin.elapsed().as_secs() < 60, "{language}: {line:?}");
        }
    }
}

#[test]
fn a_loop_over_a_list_takes_its_words_one_by_one() {
    let values = MacroValues::new().with("NAMESERVERS", "192.0.2.53 2001:db8::53").unwrap();
    for (script, language) in [
        ("for ns in ($NAMESERVERS); do ip route add $ns/32 dev eth0; done", ScriptLanguage::Posix),
        (
            "l=($NAMESERVERS)\nfor ns in $l; do [ $ns = x ] || echo nameserver $ns >> /etc/x; done",
            ScriptLanguage::Posix,
        ),
        ("for %%i in (($NAMESERVERS)) do netsh add address=%%i", ScriptLanguage::Batch),
        ("set L=($NAMESERVERS)\r\nfor %%i in (%L%) do if not %%i==none netsh add %%i", ScriptLanguage::Batch),
    ] {
        let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
        let rendered = Script::from_text(script).render(&values, &options);
        assert!(rendered.is_ok(), "{script}: {rendered:?}");
    }
    // In quotes, the loop has one item: the whole list.
    for (script, language) in [
        ("for ns in \"($NAMESERVERS)\"; do ip route add $ns/32 dev eth0; done", ScriptLanguage::Posix),
        ("for %%i in (\"($NAMESERVERS)\") do netsh add address=%%~i", ScriptLanguage::Batch),
    ] {
        let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
        let error = Script::from_text(script).render(&values, &options).unwrap_err();
        assert!(error.to_string().contains("is expanded as"), "{script}: {error}");
    }
}
