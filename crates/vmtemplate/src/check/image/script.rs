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

/// Whether one line of the script has this word, and one of the others.
pub(super) fn has_any(commands: &[String], word: &str, others: &[&str]) -> bool {
    others.iter().any(|other| has(commands, &[word, other]))
}

/// `word` with the value of its variable, if it is one, `%NAME%`, that the script sets once: `set "NAME=value"`.
pub(super) fn resolve(commands: &[String], word: &str) -> String {
    let Some(name) = word.strip_prefix('%').and_then(|word| word.strip_suffix('%')) else {
        return word.to_owned();
    };
    let mut values = commands.iter().filter_map(|line| {
        let setting = line.strip_prefix("set ")?.trim_start();
        let setting = setting.strip_prefix('"').map_or(setting, |quoted| quoted.trim_end_matches('"'));
        setting.strip_prefix(name)?.strip_prefix('=')
    });
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_once_has_its_value() {
        let commands =
            commands_of("@set \"USER=Admin\"\r\nset two=a\r\n  set two=b\r\nrem set \"user=other\"\r\n");
        for (word, value) in
            [("%user%", "admin"), ("%two%", "%two%"), ("%none%", "%none%"), ("user", "user"), ("%", "%")]
        {
            assert_eq!(resolve(&commands, word), value);
        }
    }
}
