//! Variables and options whose values programs run as commands, or load as code.

use super::word::{UNKNOWN, Word};
use crate::macros::demand::Demand;

/// Variables whose value is a command, or a file that is loaded: bash(1), environ(7), ld.so(8), git(1), man(1), less(1),
/// rsync(1) and the manuals of the interpreters.
const VARIABLES: [&str; 31] = [
    "BASH_ENV",
    "BROWSER",
    "CVS_RSH",
    "EDITOR",
    "ENV",
    "FCEDIT",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SSH",
    "INPUTRC",
    "LD_AUDIT",
    "LD_PRELOAD",
    "LESSCLOSE",
    "LESSOPEN",
    "MANOPT",
    "MANPAGER",
    "NODE_OPTIONS",
    "PAGER",
    "PERL5DB",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PYTHONSTARTUP",
    "RSYNC_RSH",
    "RUBYOPT",
    "SHELL",
    "SUDO_ASKPASS",
    "SUDO_EDITOR",
    "TAR_OPTIONS",
    "VISUAL",
    "ZDOTDIR",
];
/// The ends of the names of others: `GIT_SSH_COMMAND`, `SSH_ASKPASS`, `GIT_SEQUENCE_EDITOR`, `SYSTEMD_PAGER`.
const VARIABLE_ENDS: [&str; 4] = ["_ASKPASS", "_COMMAND", "_EDITOR", "_PAGER"];
/// Variables that hold text in which some characters are code, and lists of folders in which programs are looked for.
const EXPANDED_VARIABLES: [&str; 10] = [
    "GCONV_PATH",
    "LD_LIBRARY_PATH",
    "NODE_PATH",
    "PATH",
    "PERL5LIB",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "PYTHONPATH",
];

/// Options that set one of very many settings, some of which are commands.
const SETTINGS: [&str; 3] = ["-c", "-o", "--option"];

/// Options whose value is a command, or a setting that may be one, by the manuals of their programs.
const OPTIONS: [(&str, &[&str]); 18] = [
    ("apt", &["-o", "--option"]),
    ("apt-get", &["-o", "--option"]),
    ("bind", &["-x", "-f"]),
    ("complete", &["-C", "-F"]),
    ("dpkg", &["--pre-invoke", "--post-invoke"]),
    ("git", &["-c", "--config-env", "--exec", "--receive-pack", "--upload-pack"]),
    ("install", &["--strip-program"]),
    ("man", &["-P", "--pager", "-H", "--html"]),
    ("nc", &["-e"]),
    ("ncat", &["-e", "--exec", "--lua-exec", "--sh-exec"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("scp", &["-S", "-o", "-F"]),
    ("sftp", &["-S", "-o", "-F"]),
    ("sort", &["--compress-program"]),
    ("split", &["--filter"]),
    (
        "tar",
        &[
            "-F",
            "-I",
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--rmt-command",
            "--rsh-command",
            "--to-command",
            "--use-compress-program",
        ],
    ),
    ("wget", &["--use-askpass"]),
    ("zip", &["-TT", "--unzip-command"]),
];

/// What a value must be that is in this variable, `begins` being whether nothing is before it there.
pub(super) fn in_variable(name: &str, begins: bool) -> Option<Demand> {
    if VARIABLES.contains(&name) || VARIABLE_ENDS.iter().any(|end| name.ends_with(end)) {
        return Some(command(begins, "programs run the value of this variable, or the file that it names"));
    }
    EXPANDED_VARIABLES
        .contains(&name)
        .then(|| Demand::word("shells expand the value of this variable, or use it to find programs"))
}

/// The words behind the name of this program that hold a command, by their numbers, and what a value in them must be.
pub(super) fn in_options(program: &str, words: &[Word]) -> Vec<(usize, Demand)> {
    let Some((_, options)) = OPTIONS.iter().find(|(name, _)| *name == program) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, word) in words.iter().enumerate() {
        for option in *options {
            let Some(rest) = word.text.strip_prefix(option) else { continue };
            let is_long = option.starts_with("--");
            let (holder, value) = match (rest, words.get(number + 1)) {
                ("", Some(next)) => (number + 1, next.text.as_str()),
                (_, _) if !is_long || rest.starts_with('=') => (number, rest),
                _ => continue,
            };
            // `--checkpoint-action=exec=COMMAND`
            let begins = value.rsplit('=').next().is_some_and(|command| command.starts_with(UNKNOWN))
                && !SETTINGS.contains(option);
            found.push((holder, command(begins, &format!("`{program} {option}` may run it"))));
        }
    }
    found
}

/// A word that `begins` a command names what is run; behind that it must not be another command.
fn command(begins: bool, reason: &str) -> Demand {
    if begins { Demand::typed(reason.to_owned()) } else { Demand::word(reason.to_owned()) }
}
