//! Twenty-five values as platforms and people make them, and the result of rendering them.

use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, RenderOptions, ScriptLanguage};

/// A value and its macro.
pub(crate) struct Ordinary {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
}

const fn of(name: &'static str, value: &'static str) -> Ordinary {
    Ordinary { name, value }
}

pub(crate) const VALUES: [Ordinary; 25] = [
    of("PASS", "Xk92mPq4Lw"),
    of("PASS", "correct-horse-battery"),
    of("PASS", "p@ss!W0rd#7"),
    of("PASS", "aB3$dE5^fG7"),
    of("PASS", "Tr0ub4dor&3"),
    of("PASS", "k;7(2)|w<1>"),
    of("PASS", "100%sure=1"),
    of("PASS", "correct horse battery"),
    of("PASS", "q\\7R*t?"),
    of("HOSTNAME", "web-1"),
    of("HOSTNAME", "web-1.example.com"),
    of("IP", "192.0.2.10"),
    of("IPv6", "2001:db8::10"),
    of("IPv6", "::1"),
    of("NAMESERVERS", "192.0.2.53 2001:db8::53"),
    of("NETMASK", "255.255.255.0"),
    of("NETMASKv6", "64"),
    of("PRODUCTKEY", "VK7JG-NPHTM-C97JM-9MPGT-3V66T"),
    of("SSHPUBKEYS", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk+/Zb4= admin@example.com"),
    of("PASS_CRYPT", "$6$rounds=5000$Zx8s/7.q$k1Uu0x/3PZ.w1"),
    of("TIMEZONE", "Europe/Madrid"),
    of("TIMEZONE", "Etc/GMT+1"),
    of("TIMEZONE", "W. Europe Standard Time"),
    of("FINISH", "https://example.com/finish?id=7&token=ab%20c"),
    of("VOL_SIZE_M", "20480"),
];

/// The values that a place may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A number in digits.
    Number,
    /// One word of letters, digits and `.`, `:`, `_`, `-`.
    Word,
    /// Several such words.
    List,
    /// Text with a backslash.
    Backslash,
    /// Text with a space.
    Spaced,
    /// Other text.
    Text,
}

impl Ordinary {
    pub(crate) fn class(&self) -> Class {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:_-".contains(c);
        match self.value {
            value if value.bytes().all(|b| b.is_ascii_digit()) => Class::Number,
            value if value.chars().all(is_plain) => Class::Word,
            _ if self.name == "NAMESERVERS" => Class::List,
            value if value.contains('\\') => Class::Backslash,
            value if value.contains(' ') => Class::Spaced,
            _ => Class::Text,
        }
    }
}

/// The script with the value instead of `($V)`, or the reason and the help of the refusal.
pub(crate) fn rendered(
    script: &str,
    ordinary: &Ordinary,
    language: ScriptLanguage,
) -> Result<String, (String, String)> {
    let text = script.replace("($V)", &format!("(${})", ordinary.name));
    let values = MacroValues::new().with(ordinary.name, ordinary.value).unwrap();
    let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
    match Script::from_text(text).render(&values, &options) {
        Ok(script) => Ok(script.text().into_owned()),
        Err(error) => {
            let problem = &error.problems()[0];
            Err((problem.to_string(), problem.help().unwrap_or_default().to_owned()))
        }
    }
}

/// A place, and the values that it may refuse, each with the reason in the message.
pub(crate) struct Row {
    pub(crate) script: &'static str,
    pub(crate) refused: &'static [(Class, &'static str)],
}

/// Fail if a value is refused that the table does not name, or if the table names one that passes.
pub(crate) fn hold(script: &str, refused: &[(Class, &str)], language: ScriptLanguage) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used = vec![false; refused.len()];
    for ordinary in &VALUES {
        let Err((reason, help)) = rendered(script, ordinary, language) else { continue };
        let row = refused.iter().position(|(class, why)| *class == ordinary.class() && reason.contains(why));
        match row {
            Some(row) => used[row] = true,
            None => wrong.push(format!("{script:?} refuses {:?}: {reason}", ordinary.value)),
        }
        if help.is_empty() {
            wrong.push(format!("{script:?} refuses {:?} and does not say what to write", ordinary.value));
        }
    }
    for ((class, why), _) in refused.iter().zip(used).filter(|(_, used)| !used) {
        wrong.push(format!("{script:?} refuses no {class:?} because {why:?}"));
    }
    wrong
}
