//! What a statement runs of its words and strings.

use crate::macros::endings;

/// What makes code of text, or runs what it is given.
const CODE: [&str; 38] = [
    "iex",
    "invoke-expression",
    "scriptblock",
    "powershell",
    "pwsh",
    "cmd",
    "add-type",
    "start-process",
    "start",
    "saps",
    "invoke-cimmethod",
    "invoke-wmimethod",
    "register-scheduledtask",
    "new-scheduledtaskaction",
    "new-service",
    "wsl",
    "bash",
    "invokescript",
    // What this key of the registry holds is run when somebody logs on.
    "runonce",
    "start-threadjob",
    "import-module",
    "ipmo",
    "invoke-item",
    "ii",
    "schtasks",
    "runas",
    "wmic",
    "mshta",
    "forfiles",
    "psexec",
    "win32_process",
    "processstartinfo",
    "diagnostics.process",
    "system.diagnostics.process",
    // The keys of a table that goes to a command with `@NAME`.
    "filepath",
    "argumentlist",
    // The drives of functions and of other names of commands.
    "$function",
    "$alias",
];
/// What runs a block that is in the statement, and hands its arguments to it.
const OF_BLOCKS: [&str; 3] = ["invoke-command", "icm", "start-job"];
/// Members, behind a dot or `::`, that run what they are given.
const MEMBERS: [&str; 14] = [
    "addcommand",
    "addscript",
    "argumentlist",
    "arguments",
    "create",
    "exec",
    "expandstring",
    "filename",
    "invokescript",
    "newscriptblock",
    "run",
    "runspace",
    "shellexecute",
    "start",
];
/// What a string begins with that is the command line of an interpreter.
const BEGINNINGS: [&str; 9] = ["/c", "/k", "/r", "-c", "-command", "-e", "-enc", "-encodedcommand", "-file"];
/// What matches text, and leaves it in `$Matches`.
const MATCHES: [&str; 5] = ["-match", "-cmatch", "-imatch", "-regex", "-notmatch"];
/// What sets variables and names of commands in a way that is not followed.
const SETTERS: [&str; 7] =
    ["new-alias", "new-variable", "nv", "set-alias", "set-variable", "setenvironmentvariable", "sv"];
/// Those of them that are words of other sentences as well, and mean this as commands only.
const SHORT: [&str; 4] = ["ii", "nv", "start", "sv"];
/// Options behind which another word is that is no value of theirs.
const SWITCHES: [&str; 14] = [
    "-c",
    "-command",
    "-f",
    "-file",
    "-noexit",
    "-nologo",
    "-nonewwindow",
    "-noninteractive",
    "-nop",
    "-noprofile",
    "-passthru",
    "-sta",
    "-usenewenvironment",
    "-wait",
];
/// Options whose values are data of what is run.
const DATA: [&str; 14] = [
    "-args",
    "-argument",
    "-argumentlist",
    "-arguments",
    "-computername",
    "-credential",
    "-description",
    "-displayname",
    "-id",
    "-name",
    "-taskname",
    "-taskpath",
    "-user",
    "-workingdirectory",
];

/// In a longer one everything may name what is run.
const LONGEST_COMMAND: usize = 4096;

/// What a word makes of the statement that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Runs {
    /// A block that is in it is run with what it is given.
    Block,
    /// A part of its text is run.
    Code,
    /// It sets a variable, or what a name means, in a way that is not followed.
    Unfollowed,
}

/// The statements of a script or of a block, `{…}`.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the statement
pub(super) struct Block {
    /// The first subject of the statement.
    pub(super) statement: usize,
    /// Where the text begins that was not looked at.
    pub(super) unread: usize,
    /// Where the statement begins.
    pub(super) begin: usize,
    /// What the statement runs, and what those before it ran.
    pub(super) runs: Option<Runs>,
    before: Option<Runs>,
    /// It reads what it is given in a variable that it has not set: `$_`.
    is_given: bool,
    /// A block in the statement is given something, or there is any block in it.
    pub(super) gives: bool,
    pub(super) encloses: bool,
    /// The statement leaves a part of its text in `$Matches`.
    pub(super) matches: bool,
}

impl Block {
    pub(super) fn new(statement: usize, unread: usize) -> Self {
        Self { statement, unread, begin: unread, ..Self::default() }
    }

    /// Look at the words of the statement up to `end`.
    pub(super) fn read(&mut self, bytes: &[u8], end: usize) {
        let text = bytes[self.unread.min(end)..end].to_ascii_lowercase();
        self.unread = end;
        let text = String::from_utf8_lossy(&text);
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.$".contains(c))) {
            self.runs = self.runs.max(of_word(word, false));
            self.matches |= MATCHES.contains(&word);
            let name = word.split('.').next().unwrap_or_default();
            self.is_given |= matches!(name, "$_" | "$psitem" | "$input" | "$args" | "param");
        }
        let is_static = text.match_indices("]::").any(|(at, _)| {
            let member = &text[at + 3..];
            member.starts_with("start(") || member.starts_with("start (")
        });
        if is_static || is_drive(&text) || has_beginning(&text) {
            self.runs = self.runs.max(Some(Runs::Code));
        }
    }

    /// The statement has ended, and the next one begins with this subject.
    pub(super) fn next(&mut self, statement: usize) {
        self.before = self.before.max(self.runs.take());
        self.statement = statement;
        (self.gives, self.encloses, self.matches) = (false, false, false);
    }

    /// Whether it reads what the statement around it hands to it.
    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    /// What it runs of what the statement around it hands to it.
    pub(super) fn passed_on(&self) -> Option<Runs> {
        self.before.max(self.runs).filter(|&runs| self.is_given && runs > Runs::Block)
    }
}

/// What a word in lower case makes of its statement; `is_command` is whether it is the first one of a command.
pub(super) fn of_word(word: &str, is_command: bool) -> Option<Runs> {
    let stem = stem(word);
    if SHORT.contains(&stem) && !is_command {
        None
    } else if SETTERS.contains(&stem) {
        Some(Runs::Unfollowed)
    } else if OF_BLOCKS.contains(&stem) {
        Some(Runs::Block)
    } else {
        let is_member = word.rsplit_once('.').is_some_and(|(_, member)| MEMBERS.contains(&member));
        // Files that are run later, or read their arguments again.
        let is_file = || endings::is_any(word, &[endings::POWERSHELL, endings::WINDOWS]);
        (is_member || CODE.contains(&stem) || is_file()).then_some(Runs::Code)
    }
}

/// Whether the text names a function or an alias as an item: what it is set to is run.
fn is_drive(text: &str) -> bool {
    ["function:", "alias:"].iter().any(|drive| {
        text.match_indices(drive)
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

/// Whether a string of the text is, or begins with, the option of an interpreter behind which code is.
fn has_beginning(text: &str) -> bool {
    text.match_indices(['\'', '"']).any(|(at, _)| begins_command_line(&text[at + 1..]))
}

/// Whether a string that begins in this way is the command line of an interpreter.
pub(super) fn begins_command_line(text: &str) -> bool {
    let text = text.trim_start();
    let word = text.split(|c: char| c.is_whitespace() || "'\",".contains(c)).next().unwrap_or_default();
    BEGINNINGS.iter().any(|beginning| word.eq_ignore_ascii_case(beginning))
}

fn stem(word: &str) -> &str {
    let base = word.rsplit(['\\', '/']).next().unwrap_or_default();
    base.strip_suffix(".exe").unwrap_or(base)
}

/// Whether a word behind this text of a command, or of a program in a string, names what is run.
pub(super) fn is_named_behind(text: &[u8]) -> bool {
    if text.len() > LONGEST_COMMAND {
        return true;
    }
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let is_quote = |c: char| "'\"`,".contains(c);
    let command = text.rsplit([';', '|', '&', '(', '{', '\n']).next().unwrap_or_default();
    let open = command.trim_end_matches(|c: char| is_quote(c) || c.is_whitespace());
    // `$a = x` runs `x`, `/a=x` does not.
    if let Some(before) = open.strip_suffix('=') {
        return before.ends_with(char::is_whitespace)
            || before.rsplit(char::is_whitespace).next().is_some_and(|word| word.contains('$'));
    }
    let words: Vec<&str> =
        command.split(|c: char| is_quote(c) || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    let is_runner = |word: &&str| {
        matches!(*word, "call" | ".") || CODE.contains(&stem(word)) || OF_BLOCKS.contains(&stem(word))
    };
    if is_drive(command) {
        return true;
    }
    let Some(runner) = words.iter().rposition(is_runner) else {
        // `/c` of its own is that of an interpreter which is named elsewhere.
        return words.iter().all(|word| BEGINNINGS.contains(word));
    };
    // What it runs is its first word that belongs to no option.
    let rest = &words[runner + 1..];
    let mut is_value = false;
    let named = rest.iter().any(|word| {
        let is_option = word.starts_with(['-', '/']);
        let names = !is_option && !is_value;
        is_value = word.starts_with('-') && !SWITCHES.contains(word);
        names
    });
    !named && !rest.last().is_some_and(|word| DATA.contains(word))
}

/// Whether a script gives a command that runs text another name, or holds its name as a text, so that any command in it
/// may be that one: `Set-Alias run iex`, `$run = 'iex'`.
pub(super) fn renames(script: &[u8]) -> bool {
    const RUNNERS: [&str; 4] = ["iex", "invoke-expression", "icm", "invoke-command"];
    const NAMERS: [&str; 4] = ["set-alias", "new-alias", "sal", "nal"];
    let text = String::from_utf8_lossy(script).to_ascii_lowercase();
    text.lines().any(|line| {
        let words = || line.split(|c: char| c.is_whitespace() || "'\"(){};,|&=".contains(c));
        let names = words().any(|word| RUNNERS.contains(&word));
        let quoted = RUNNERS
            .iter()
            .any(|name| ["'", "\""].iter().any(|quote| line.contains(&format!("{quote}{name}{quote}"))));
        quoted || (names && words().any(|word| NAMERS.contains(&word)))
    })
}

/// Whether a statement runs the value of an expression in parentheses: `& (…)`, `. (…)`.
pub(super) fn calls_parentheses(statement: &[u8]) -> bool {
    statement.iter().enumerate().any(|(at, &byte)| {
        let begins = at.checked_sub(1).is_none_or(|before| {
            statement[before].is_ascii_whitespace() || b"({;|=&".contains(&statement[before])
        });
        matches!(byte, b'&' | b'.')
            && begins
            && statement[at + 1..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_where_a_program_begins_and_behind_what_runs_it() {
        for text in [
            "",
            "a; ",
            "a | ",
            "& '",
            "$a = ",
            "$a='",
            "iex ",
            "cmd /c ",
            "cmd.exe /s /c \"",
            "cmd /c start ",
            "start-process ",
            "start-process -filepath '",
            "start-process -verb runas ",
            "powershell -nop -ep bypass -c ",
            "powershell -ep bypass ",
            "new-scheduledtaskaction -execute ",
            "[scriptblock]::create('",
            "if (",
        ] {
            assert!(is_named_behind(text.as_bytes()), "{text:?}");
        }
        for text in [
            "net user ",
            "cmd /c net user x ",
            "cmd /c \"echo ",
            "start-process notepad ",
            "start-process -filepath x -argumentlist '",
            "start-process x -argumentlist '/c','a','",
            "new-scheduledtaskaction -execute x -argument ",
            "powershell -c set-x -name ",
            "msiexec /i x p=",
            "a; b ",
        ] {
            assert!(!is_named_behind(text.as_bytes()), "{text:?}");
        }
    }
}
