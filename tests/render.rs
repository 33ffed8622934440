//! Rendering through the public API: what holds for every script and all values.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use proptest::prelude::*;
use vmtemplate::{ErrorKind, MacroValues, MissingValue, RenderOptions, Script, ScriptLanguage, find_macros};

const NAMES: [&str; 6] = ["IP", "PASS", "HOSTNAME", "PRODUCTKEY", "X", "NAMESERVERS"];

/// Scripts of pieces that mean something to one language or another, with macros between them.
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
            // The language is that of the first script: a value does not change it.
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
            for found in find_macros(&script) {
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
        for found in find_macros(&script) {
            expected.push_str(&script[at..found.range.start]);
            at = found.range.end;
            match (values.get(found.name.name()), missing) {
                (Some(value), _) => expected.push_str(value),
                (None, MissingValue::Parens) => expected.push_str("()"),
                (None, MissingValue::Keep) => expected.push_str(&found.name.to_string()),
                (None, MissingValue::Empty) => {}
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
                .filter(|found| missing == MissingValue::Keep && values.get(found.name.name()).is_none())
                .map(|found| found.name)
                .collect();
            let left: Vec<_> = rendered.macros().map(|found| found.name).collect();
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
                // Of several, a shell script has quotes around them where one word is expected.
                "NAMESERVERS" => "192.0.2.53",
                _ => "plain",
            };
            values.set(name, value).unwrap();
        }
        let script = Script::from_text(script);
        let options = RenderOptions { missing: MissingValue::Keep, language, ..RenderOptions::default() };
        // PowerShell has no bare words; there they get quotes.
        if language != Some(ScriptLanguage::PowerShell)
            && script.language() != Some(ScriptLanguage::PowerShell)
            && let Ok(rendered) = script.render(&values, &options)
        {
            let platform = RenderOptions { as_platform: true, ..options };
            prop_assert_eq!(rendered, script.render(&values, &platform).unwrap());
        }
    }

    #[test]
    fn no_bytes_make_the_renderer_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), language in language()) {
        let mut bytes = bytes;
        bytes.extend(b" ($PASS) ");
        let values = MacroValues::new().with("PASS", "a & 'b' \\").unwrap();
        let options = RenderOptions { language, ..RenderOptions::default() };
        let _ = Script::from_bytes(bytes).render(&values, &options);
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_place_and_reason() {
    let script = Script::from_text(
        "@echo off\r\nnet user Administrator ($PASS)\r\nrem ($IP)\r\n($HOSTNAME)\r\necho ($NOTHING) | more\r\n",
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
    line 2, column 24: `($PASS)`: the password has `/`, which the template does not take (give a password without any of `!/`)
    line 2, column 24: `($PASS)`: the value cannot stand as a word in the arguments of `net`: it begins with `/` or `-` where a word begins, and so would be an option (give another value, or move the macro to a place of its own inside quotes)
    line 4, column 1: `($HOSTNAME)`: the value cannot stand outside of quotes, where a command begins: what stands here is run as a command; expected another place for the macro (write the name of the command itself; a value can be one of its arguments)
    line 5, column 6: `($NOTHING)`: the macro has no value (give it one, or say what a macro without a value becomes)
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
    // In UTF-16 there are no macros.
    let wide = Script::from_bytes(*b"\xFF\xFE(\0$\0X\0)\0");
    assert_eq!(wide.render(&values, &RenderOptions::default()).unwrap(), wide);
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
            // A quadratic one takes minutes; a busy machine is no reason to fail.
            assert!(begin.elapsed().as_secs() < 60, "{language}: {line:?}");
        }
    }
}
