//! Lints for unattended setups: prompts, deprecated commands, fixed interface names, printed passwords.

use std::collections::HashSet;
use std::ops::Range;

use super::batch::{Batch, Command, RedirectKind};
use super::{Lint, shown};
use crate::macros::{MacroInfo, MacroKind, find_macros};
use crate::rules::{Severity, script as rules};

impl Lint<'_> {
    pub(super) fn check_habits(&mut self, batch: &Batch) {
        for command in &batch.commands {
            self.check_timeout(command);
            self.check_question(command);
            self.check_obsolete(command);
            self.check_interface(command);
        }
        self.check_password(batch);
        self.check_log(batch);
    }

    /// `timeout` asks the console for keys, which a start-up task does not have: "ERROR: Input redirection is not
    /// supported, exiting the process immediately."
    fn check_timeout(&mut self, command: &Command) {
        if command.name != "timeout" {
            return;
        }
        let arguments = command.arguments(self.text);
        let seconds = arguments.iter().find_map(|word| {
            let number = word.strip_prefix("/t").unwrap_or(word).trim_start_matches(':');
            number.parse::<u32>().ok()
        });
        // One ping goes out at once, and one more each second.
        let count = seconds.map_or("SECONDS+1".to_owned(), |seconds| seconds.saturating_add(1).to_string());
        let message =
            "`timeout` fails at once without a keyboard, as in a start-up task, so the script does not wait";
        let finding = self
            .find(rules::WAITS, command.range.clone(), message)
            .with_fix(format!("wait with `ping -n {count} 127.0.0.1 > nul`"))
            .with_severity(Severity::Warning);
        self.add(finding);
    }

    fn check_question(&mut self, command: &Command) {
        if command.has_input() {
            return;
        }
        let arguments = command.arguments(self.text);
        let has = |option: &str| {
            arguments.iter().any(|argument| {
                // `/s/q` is two options.
                argument.strip_prefix('-').is_some_and(|name| name == option)
                    || argument.starts_with('/')
                        && argument[1..].split('/').any(|name| name.split(':').next() == Some(option))
            })
        };
        let first = arguments.first().map_or("", String::as_str);
        let sure = match command.name.as_str() {
            "pause" => Some(("`pause` waits for a key", "delete the line")),
            "set" if first.starts_with("/p") => {
                Some(("`set /p` waits for a typed line", "take the value from a macro or a file"))
            }
            "choice" if !has("t") => Some(("`choice` waits for a key", "add `/T SECONDS /D CHOICE`")),
            "date" | "time" if arguments.is_empty() => {
                Some(("the command asks for a new date or time", "add `/T`"))
            }
            "rd" | "rmdir" if has("s") && !has("q") => Some(("`rmdir /S` asks for confirmation", "add `/Q`")),
            "schtasks" if has("delete") && !has("f") => {
                Some(("`schtasks /Delete` asks whether it may", "add `/F`"))
            }
            "reg" if first == "delete" && !has("f") => {
                Some(("`reg delete` asks for confirmation", "add `/f`"))
            }
            "diskpart" if !has("s") => {
                Some(("`diskpart` waits for commands", "put them into a file: `diskpart /s FILE`"))
            }
            "net" if first == "user" && arguments.get(2).is_some_and(|word| word == "*") => Some((
                "`net user NAME *` waits for a typed password",
                "write the password macro in place of *",
            )),
            name if name.starts_with("slmgr") => Some((
                "`slmgr` shows a window and waits until somebody closes it",
                "run it with `cscript //nologo %SystemRoot%\\System32\\slmgr.vbs`",
            )),
            "wscript" if first.contains("slmgr") => Some((
                "`slmgr` under wscript shows a window and waits until somebody closes it",
                "run it with `cscript //nologo`",
            )),
            _ => None,
        };
        let maybe = match command.name.as_str() {
            // The question of the Windows 2000 days still comes: "The password entered is longer than 14 characters."
            "net" if first == "user" && sets_password(&arguments) && !has("y") && !has("yes") => {
                Some(("`net user` asks for confirmation of a password longer than 14 characters", "add `/y`"))
            }
            "reg" if first == "add" && !has("f") => {
                Some(("`reg add` asks before it replaces an existing value", "add `/f`"))
            }
            "del" | "erase" if !has("q") && arguments.iter().any(|word| is_everything(word)) => {
                Some(("`del` asks before it deletes all files of a folder", "add `/Q`"))
            }
            _ => None,
        };
        if let Some((message, fix)) = sure {
            let finding = self.find(rules::WAITS, command.range.clone(), message).with_fix(fix);
            self.add(finding);
        } else if let Some((message, fix)) = maybe {
            let finding = self.find(rules::MAY_WAIT, command.range.clone(), message).with_fix(fix);
            self.add(finding);
        }
    }

    fn check_obsolete(&mut self, command: &Command) {
        let arguments = command.arguments(self.text);
        // https://learn.microsoft.com/en-us/troubleshoot/windows-server/networking/netsh-advfirewall-firewall-control-firewall-behavior
        // https://learn.microsoft.com/en-us/windows/whats-new/deprecated-features
        let (message, fix) = match (command.name.as_str(), arguments.first().map(String::as_str)) {
            ("netsh", Some("firewall")) => (
                "`netsh firewall` has been deprecated since Windows Vista and ignores the profiles of the firewall",
                "netsh advfirewall firewall set rule group=\"@FirewallAPI.dll,-28752\" new enable=yes",
            ),
            ("wmic", _) => (
                "`wmic` is deprecated, and missing from Windows 11 24H2 and Windows Server 2025",
                "use PowerShell: `powershell -NoProfile -Command \"Get-CimInstance …\"`",
            ),
            _ => return,
        };
        let finding = self.find(rules::OBSOLETE, command.range.clone(), message).with_fix(fix);
        self.add(finding);
    }

    /// The interface is the first word behind `set address`, or is named as such.
    fn check_interface(&mut self, command: &Command) {
        let arguments = command.arguments(self.text);
        let word = |index: usize| arguments.get(index).map_or("", String::as_str);
        if command.name == "netsh" && "interface".starts_with(word(0)) && word(0).len() >= 3 {
            let is_family = matches!(word(1), "ip" | "ipv4" | "ipv6");
            let is_action = matches!(word(2), "set" | "add" | "delete");
            let objects = ["address", "addresses", "dns", "dnsserver", "dnsservers", "interface"];
            if !is_family || !is_action || !objects.contains(&word(3)) {
                return;
            }
            let named = (4..arguments.len())
                .find(|&index| word(index).starts_with("name=") || word(index).starts_with("interface="));
            // Without a name tag the place decides, unless other tags come first.
            let index = named.unwrap_or(4);
            if index < arguments.len() {
                self.check_interface_name(command, index + 1);
            }
        } else if command.name.starts_with("powershell") || command.name == "pwsh" {
            self.check_alias(command);
        }
    }

    /// `-InterfaceAlias NAME` of PowerShell, also inside of quotes.
    fn check_alias(&mut self, command: &Command) {
        const OPTION: &str = "-interfacealias";
        let text = self.text[command.range.clone()].to_ascii_lowercase();
        let Some(at) = text.find(OPTION) else { return };
        let rest = text[at + OPTION.len()..].trim_start_matches([' ', '\t', ':']);
        let start = command.range.start + text.len() - rest.len();
        let end = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
            _ => rest.find([' ', '"', ';', '|', '}', ')']).unwrap_or(rest.len()),
        };
        let name = rest[..end].trim_matches(['"', '\'']);
        if !name.is_empty() && !name.contains(['%', '!', '$', '*', '(']) {
            self.add_interface_name(name, start..start + end);
        }
    }

    fn check_interface_name(&mut self, command: &Command, index: usize) {
        let Some(range) = command.words.get(index).cloned() else { return };
        let word = &self.text[range.clone()];
        let name = word.split_once('=').map_or(word, |(_, name)| name).trim_matches(['"', '\'', '^']);
        // A variable, a macro, an index; another tag, whose place it is not.
        let is_other_tag =
            word.contains('=') && !word.to_ascii_lowercase().trim_start_matches('"').starts_with(['n', 'i']);
        if name.is_empty()
            || is_other_tag
            || name.contains(['%', '!', '$', '*'])
            || name.bytes().all(|b| b.is_ascii_digit())
        {
            return;
        }
        self.add_interface_name(name, range);
    }

    fn add_interface_name(&mut self, name: &str, range: Range<usize>) {
        let message = format!("the script contains the name of a network interface, {}", shown(name));
        let finding = self.find(rules::INTERFACE_NAME, range, message);
        self.add(finding);
    }

    /// The password, or a variable that holds it, behind an `echo`.
    fn check_password(&mut self, batch: &Batch) {
        let mut variables: HashSet<String> = HashSet::new();
        for command in &batch.commands {
            let text = &self.text[command.range.clone()];
            let shows_macro = find_macros(text).any(|found| {
                MacroInfo::lookup(found.name.name()).is_some_and(|info| info.kind == MacroKind::Password)
            });
            if command.name == "set"
                && shows_macro
                && variables.len() < 20
                && let Some((name, _)) = text.split_once('=')
            {
                let name = name["set".len().min(name.len())..].trim_matches([' ', '\t', '"']);
                if !name.is_empty() {
                    variables.insert(name.to_ascii_lowercase());
                }
            }
            let lower = text.to_ascii_lowercase();
            let shows_variable = variables.iter().any(|name| {
                ["%", "!"].iter().any(|mark| {
                    lower.contains(&format!("{mark}{name}{mark}"))
                        || lower.contains(&format!("{mark}{name}:"))
                })
            });
            let is_sent_to_a_program = command.redirects.is_empty() && self.is_piped_on(command);
            if command.name == "echo" && (shows_macro || shows_variable) && !is_sent_to_a_program {
                let message = if command.redirects.is_empty() {
                    "the script prints the password"
                } else {
                    "the script writes the password to a file"
                };
                let finding = self.find(rules::PASSWORD_SHOWN, command.range.clone(), message);
                self.add(finding);
            }
        }
    }

    /// Whether the output goes into a pipe.
    fn is_piped_on(&self, command: &Command) -> bool {
        let rest = self.text[command.range.end..].trim_start_matches([' ', '\t']);
        rest.starts_with('|') && !rest.starts_with("||")
    }

    fn check_log(&mut self, batch: &Batch) {
        let mut appended: HashSet<String> = HashSet::new();
        for command in &batch.commands {
            for redirect in &command.redirects {
                let target = self.text[redirect.target.clone()].replace('"', "").to_ascii_lowercase();
                match redirect.kind {
                    RedirectKind::Append => {
                        appended.insert(target);
                    }
                    // Once is enough for each file.
                    RedirectKind::Output if target != "nul" && appended.remove(&target) => {
                        let range = redirect.target.clone();
                        let message = format!(
                            "{} is overwritten; the script appended lines to it before",
                            shown(&self.text[range.clone()])
                        );
                        let finding = self.find(rules::LOG_LOST, range, message);
                        self.add(finding);
                    }
                    _ => {}
                }
            }
            // What is deleted or run was no log.
            if !matches!(command.name.as_str(), "echo" | "set") {
                for word in command.arguments(self.text) {
                    appended.remove(&word);
                }
            }
            appended.remove(&command.name);
        }
    }
}

/// `net user NAME PASSWORD` with a password that may be long: a macro, a variable, or a long one.
fn sets_password(arguments: &[String]) -> bool {
    let mut words = arguments.iter().skip(1).filter(|word| !word.starts_with('/'));
    let password = words.nth(1).map_or("", String::as_str);
    password.chars().count() > 14 || password.contains("($") || password.contains(['%', '!'])
}

/// `*`, `*.*`, and these in a folder.
fn is_everything(word: &str) -> bool {
    let file = word.rsplit(['\\', '/']).next().unwrap_or(word);
    matches!(file, "*" | "*.*")
}
