//! Deterministic hostile values.

use vmtemplate::macros::{MacroValues, RenderOptions, ScriptLanguage};
use vmtemplate::{Error, Script};

/// The pieces of values: metacharacters of every interpreter, attempts to run `canary` or to write a file, options,
/// expansions, quotes of all kinds, text.
const PIECES: [&str; 119] = [
    "a",
    "B",
    "7",
    "1",
    "word",
    "two words",
    " ",
    "  ",
    "\t",
    "&",
    "&&",
    "|",
    "||",
    "<",
    ">",
    ">>",
    "2>",
    "1<",
    "^",
    "^^",
    "(",
    ")",
    "()",
    "(a)",
    "%",
    "%%",
    "%%%",
    "%PATH%",
    "%COMSPEC%",
    "%v1%",
    "%v",
    "%~dp0",
    "%~",
    "%1",
    "%*",
    "%0",
    "%A",
    "%%A",
    "%%~A",
    "%i",
    "%%i",
    "%i%",
    "%PATH:~0,1%",
    "%PATH:a=b%",
    "%=",
    "!",
    "!!",
    "!x!",
    "!PATH!",
    "!v1!",
    "!PATH:a=b!",
    "\"",
    "\"\"",
    "\\\"",
    "^\"",
    "'",
    "''",
    "`",
    "``",
    "\\",
    "\\\\",
    "\\\\\\",
    "/",
    "//",
    "/?",
    "/x",
    "/add",
    "/c",
    "-",
    "--",
    "-x",
    "--help",
    "-n",
    "-e",
    "*",
    "?",
    "*.*",
    "~",
    "~root",
    ";",
    ",",
    "=",
    "==",
    "+",
    ":",
    "::",
    ":x",
    ".",
    "..",
    "@",
    "#",
    "# ",
    "$",
    "$$",
    "$PATH",
    "${PATH}",
    "$(canary)",
    "`canary`",
    "$((1+1))",
    "{",
    "}",
    "{a,b}",
    "[",
    "]",
    "[a]",
    "&canary&",
    "|canary",
    "\"&canary \"",
    "'; canary; '",
    "& echo x>pwned.txt",
    "\"&echo x>pwned.txt&\"",
    "%COMSPEC% /c canary",
    "!COMSPEC! /c canary",
    "\u{e9}",
    "\u{4e2d}",
    "\u{ff02}",
    "\u{2019}",
    "\u{1}",
    "\u{1a}",
];

/// This many values; the first ones are each piece alone and between letters.
pub(crate) fn hostile(count: usize) -> Vec<String> {
    let mut values: Vec<String> = vec![String::new()];
    for words in [
        "on",
        "OFF",
        "rem",
        "nul",
        "con",
        "exit",
        "EOF",
        "EOF ",
        "IF",
        "canary",
        "canary.exe",
        "\u{7f}",
        "if",
        "@@",
    ] {
        values.push(words.to_owned());
    }
    for piece in PIECES {
        values.push(piece.to_owned());
        values.push(format!("a{piece}b"));
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64)).unwrap_or(0)
    };
    while values.len() < count {
        let mut value = String::new();
        for _ in 0..=next(4) {
            value.push_str(PIECES[next(PIECES.len())]);
        }
        if value.len() <= 36 {
            values.push(value);
        }
    }
    values
}

/// A group of values that are rendered together, without refused values, which are listed.
pub(crate) struct Group {
    pub script: Vec<u8>,
    pub accepted: Vec<usize>,
    pub refused: Vec<(usize, Error)>,
}

/// Render the script that `write` makes from the numbers of values, with macro `($V7)` for value 7, until none is
/// refused.
pub(crate) fn render(
    values: &[String],
    numbers: &[usize],
    language: ScriptLanguage,
    write: &dyn Fn(&[usize]) -> String,
) -> Group {
    let mut accepted = numbers.to_vec();
    let mut refused = Vec::new();
    loop {
        let mut given = MacroValues::new();
        for &number in &accepted {
            // Values with forbidden control characters are refused earlier.
            given.set(&format!("V{number}"), values[number].as_str()).unwrap_or_else(|e| panic!("{e}"));
        }
        let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
        match Script::from_text(write(&accepted)).render(&given, &options) {
            Ok(script) => return Group { script: script.into_bytes(), accepted, refused },
            Err(error) => {
                for problem in error.problems() {
                    let field = problem.field().unwrap_or_else(|| panic!("{problem} names no macro"));
                    assert!(problem.position().is_some(), "{problem} has no place");
                    let number: usize = field
                        .trim_start_matches("($V")
                        .trim_end_matches(')')
                        .parse()
                        .unwrap_or_else(|_| panic!("{field} is none of the macros"));
                    if let Some(at) = accepted.iter().position(|&other| other == number) {
                        accepted.remove(at);
                        refused.push((number, problem.clone()));
                    }
                }
            }
        }
    }
}

/// The text, repeated for each number, which replaces every `#` in it.
pub(crate) fn each(numbers: &[usize], text: &str) -> String {
    numbers.iter().map(|number| text.replace('#', &number.to_string())).collect()
}
