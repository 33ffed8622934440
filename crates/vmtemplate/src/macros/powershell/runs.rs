//! What a statement runs of its words and strings.

/// What makes code of text, or runs what it is given.
const CODE: [&str; 21] = [
    "iex",
    "invoke-expression",
    "scriptblock",
    "invoke-command",
    "icm",
    "powershell",
    "pwsh",
    "cmd",
    "add-type",
    "start-process",
    "start",
    "saps",
    "start-job",
    "invoke-cimmethod",
    "invoke-wmimethod",
    "register-scheduledtask",
    "new-scheduledtaskaction",
    "new-service",
    "wsl",
    "bash",
    "invokescript",
];
/// What sets variables and names of commands in a way that is not followed.
const SETTERS: [&str; 7] =
    ["new-alias", "new-variable", "nv", "set-alias", "set-variable", "setenvironmentvariable", "sv"];
/// Those of them that are words of other sentences as well, and mean this as commands only.
const SHORT: [&str; 3] = ["nv", "start", "sv"];
/// Ends of names of files that are run later, or read their arguments again.
const CODE_FILES: [&str; 6] = [".ps1", ".psm1", ".cmd", ".bat", ".vbs", ".js"];
/// Options behind which another word stands that is no value of theirs.
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

/// What a word makes of the statement that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Runs {
    /// A part of its text is run.
    Code,
    /// It sets a variable, or what a name means, in a way that is not followed.
    Unfollowed,
}

/// The statements of a script or of a block, `{…}`.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The first subject of the statement.
    pub(super) statement: usize,
    /// Where the text begins that was not looked at.
    pub(super) unread: usize,
    /// What the statement runs, and what those before it ran.
    pub(super) runs: Option<Runs>,
    before: Option<Runs>,
    /// It reads what it is given in a variable that it has not set: `$_`.
    is_given: bool,
}

impl Block {
    pub(super) fn new(statement: usize, unread: usize) -> Self {
        Self { statement, unread, ..Self::default() }
    }

    /// Look at the words of the statement up to `end`.
    pub(super) fn read(&mut self, bytes: &[u8], end: usize) {
        let text = bytes[self.unread.min(end)..end].to_ascii_lowercase();
        self.unread = end;
        let text = String::from_utf8_lossy(&text);
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.$".contains(c))) {
            self.runs = self.runs.max(of_word(word, false));
            let name = word.split('.').next().unwrap_or_default();
            self.is_given |= matches!(name, "$_" | "$psitem" | "$input" | "$args" | "param");
        }
    }

    /// The statement has ended, and the next one begins with this subject.
    pub(super) fn next(&mut self, statement: usize) {
        self.before = self.before.max(self.runs.take());
        self.statement = statement;
    }

    /// What it runs of what the statement around it hands to it.
    pub(super) fn passed_on(&self) -> Option<Runs> {
        self.before.max(self.runs).filter(|_| self.is_given)
    }
}

/// What a word in lower case makes of its statement; `is_command` is whether it is the first one of a command.
pub(super) fn of_word(word: &str, is_command: bool) -> Option<Runs> {
    let stem = stem(word);
    if SHORT.contains(&stem) && !is_command {
        None
    } else if SETTERS.contains(&stem) {
        Some(Runs::Unfollowed)
    } else {
        (CODE.contains(&stem) || CODE_FILES.iter().any(|ending| word.ends_with(ending))).then_some(Runs::Code)
    }
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
    let is_runner = |word: &&str| matches!(*word, "call" | ".") || CODE.contains(&stem(word));
    let Some(runner) = words.iter().rposition(is_runner) else { return words.is_empty() };
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
