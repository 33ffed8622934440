//! The command that is being read.

/// The command that is being read, inside its parentheses or braces.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is one fact about the command
pub(super) struct Context {
    /// Inside `"…"`, in which `$(` has opened another context.
    pub(super) in_string: bool,
    pub(super) closing: u8,
    /// The first word of the command, and whether it is complete.
    pub(super) head: String,
    pub(super) has_head: bool,
    /// A `&` or `.` is before it, which runs it whatever it is.
    pub(super) call: bool,
    /// It is in parentheses whose value another command runs: `& (…)`.
    pub(super) is_run: bool,
    /// Where the command begins, and the string in it that is read.
    pub(super) start: usize,
    pub(super) string: usize,
    /// These are the keys and values of a table, `@{…}`.
    pub(super) is_table: bool,
    /// A value is where another statement has its command.
    pub(super) is_value: bool,
    /// The variables that are set in the statement.
    pub(super) assigns: Vec<String>,
    /// These are the parameters of a function.
    pub(super) is_parameters: bool,
}

impl Context {
    /// One more character of the first word. Of a long one only the beginning counts.
    pub(super) fn push(&mut self, c: char) {
        if self.head.len() < 200 {
            self.head.push(c);
        }
    }

    /// The same command inside a string that begins at `start`.
    pub(super) fn in_string(&self, start: usize) -> Self {
        Self {
            in_string: true,
            closing: b'"',
            head: self.head.clone(),
            assigns: self.assigns.clone(),
            string: start,
            ..*self
        }
    }

    /// A `.` of its own runs what follows it.
    pub(super) fn run_by_dot(&mut self) {
        if !self.has_head && self.head == "." {
            self.head.clear();
            self.call = true;
        }
    }

    /// Whether what comes next is run, whatever it is.
    pub(super) fn runs_next(&self) -> bool {
        self.call && !self.has_head
    }

    /// Whether the keyword that it begins with has parentheses behind it.
    pub(super) fn wants_parentheses(&self) -> bool {
        ["elseif", "for", "foreach", "if", "param", "switch", "until", "while"]
            .iter()
            .any(|word| self.head.eq_ignore_ascii_case(word))
    }

    /// Whether the command is an expression: it begins with a string, a variable, a number or an operator.
    pub(super) fn is_expression(&self) -> bool {
        const KEYWORDS: [&str; 19] = [
            "begin", "catch", "do", "else", "elseif", "end", "exit", "finally", "for", "foreach", "if", "in",
            "param", "process", "return", "switch", "throw", "until", "while",
        ];
        let head = self.head.as_str();
        let first = head.chars().next();
        let is_number = |c: char| c.is_ascii_digit() || ".+-*/%,kKmMgGtTbB\u{FFFD}".contains(c);
        if self.call {
            return false;
        }
        match first {
            None | Some('\u{FFFD}' | '[' | '@' | '-' | '+' | '!' | ',') => true,
            Some(c) if c.is_ascii_digit() => head.chars().all(is_number),
            Some(_) => KEYWORDS.iter().any(|word| head.eq_ignore_ascii_case(word)),
        }
    }
}

/// Whether a command of this name, in lower case, is a program: not a cmdlet, a keyword, an expression.
pub(super) fn is_native(head: &str) -> bool {
    const WORDS: [&str; 22] = [
        "if", "elseif", "else", "while", "for", "foreach", "switch", "return", "throw", "param", "function",
        "try", "catch", "finally", "do", "until", "in", "echo", "write", "process", "begin", "end",
    ];
    let plain = head.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let cmdlet = head.split_once('-').is_some_and(|(verb, noun)| {
        !verb.is_empty() && !noun.is_empty() && head.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    (plain && !cmdlet && !WORDS.contains(&head)) || head.strip_suffix(".exe").is_some()
}
