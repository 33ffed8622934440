//! What the setup script of the template does about the machine.

use super::look::Look;

/// The lines of the setup script that do something, in lower case; none if there is no script.
pub(super) fn commands(look: &Look<'_>) -> Vec<String> {
    let Some(script) = look.context.script else { return Vec::new() };
    commands_of(&script.text())
}

/// The lines of a batch file that do something, in lower case.
pub(super) fn commands_of(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches('@').trim_start().to_lowercase());
    lines.filter(|line| !line.is_empty() && !line.starts_with("rem ") && !line.starts_with("::")).collect()
}

/// Whether one line of the script has all these words.
pub(super) fn has(commands: &[String], words: &[&str]) -> bool {
    commands.iter().any(|line| words.iter().all(|word| line.contains(word)))
}
