//! What the platform and the first run wait for: the restart, the end, the task.

use std::collections::HashSet;

use super::Lint;
use super::batch::{Batch, Command};
use crate::rules::{Finding, script as rules};

impl Lint<'_> {
    pub(super) fn check_job(&mut self, batch: &Batch) {
        let commands = Commands { text: self.text, batch };
        if commands.hand_over() {
            // Another script does the rest, and it cannot be seen.
        } else {
            let count = self.metainfo.map_or(Some(1), |metainfo| metainfo.reboot_count().ok());
            if let Some(count) = count.filter(|&count| count > 0 && !commands.restart()) {
                let count = if self.metainfo.is_some() {
                    format!("`rebootcount` in metainfo.xml is {count}")
                } else {
                    "the platform waits for one restart unless metainfo.xml sets `rebootcount`".to_owned()
                };
                self.add(Finding::new(
                    rules::NO_RESTART,
                    format!("the script does not restart the machine, but {count}"),
                ));
            }
            if count == Some(0) && commands.restart() {
                let message = "the script restarts the machine, but `rebootcount` in metainfo.xml is 0";
                self.add(Finding::new(rules::RESTARTS_UNCOUNTED, message));
            }
            if !commands.remove_task() {
                let message = "the script does not remove the scheduled task vmmgr_firstrun";
                self.add(Finding::new(rules::TASK_STAYS, message));
            }
        }
        if batch.falls_off && !commands.remove_themselves() {
            let end = self.text.trim_end().len();
            let start = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
            let line = start + self.text[start..end].len() - self.text[start..end].trim_start().len();
            let message = "the script does not end here: cmd.exe continues with the padding after it";
            let finding = self.find(rules::INTO_PADDING, line..end, message);
            self.add(finding);
        }
    }
}

struct Commands<'a> {
    text: &'a str,
    batch: &'a Batch,
}

impl Commands<'_> {
    fn lines(&self) -> impl Iterator<Item = (&Command, String)> {
        self.batch
            .commands
            .iter()
            .map(|command| (command, self.text[command.range.clone()].to_ascii_lowercase()))
    }

    /// A restart, also one that is written into a file to be run later.
    fn restart(&self) -> bool {
        self.lines().any(|(_, line)| {
            let shutdown = line.contains("shutdown")
                && line.split([' ', '\t', '"', '\'', ',']).any(|word| {
                    matches!(word, "/r" | "-r" | "/g" | "-g") || word.starts_with("/r/") || word == "/reboot"
                });
            shutdown
                || line.contains("restart-computer")
                || line.contains("sysprep") && line.contains("/reboot")
                || line.contains("wmic") && line.contains("reboot")
        })
    }

    fn remove_task(&self) -> bool {
        self.lines().any(|(_, line)| {
            let names_it = line.contains("vmmgr_firstrun");
            let removes = line.contains("schtasks")
                && (line.contains("/delete") || line.contains("/disable"))
                || line.contains("unregister-scheduledtask")
                || line.contains("disable-scheduledtask");
            // The task's own file, too; and without its folder the task does nothing.
            removes && (names_it || line.contains(['%', '!', '$']))
                || names_it && is_removal(&line)
                || removes_folder(&line)
        })
    }

    /// Whether the folder that the script runs from is deleted, after which cmd.exe cannot read on.
    fn remove_themselves(&self) -> bool {
        self.lines().any(|(_, line)| {
            removes_folder(&line) || is_removal(&line) && (line.contains("%~f0") || line.contains("%~0"))
        })
    }

    /// Whether a script is started that is not this one.
    fn hand_over(&self) -> bool {
        let written = self.written();
        self.lines().any(|(command, line)| {
            let is_text = matches!(command.name.as_str(), "echo" | "set" | "del" | "rmdir" | "rd" | "if");
            !is_text
                && line.split([' ', '\t', '"', '\'', '=']).any(|word| {
                    let is_script =
                        [".cmd", ".bat", ".ps1", ".vbs"].iter().any(|ending| word.ends_with(ending));
                    is_script && !word.ends_with("slmgr.vbs") && !written.contains(word)
                })
        })
    }

    /// The files that this script writes itself, whose lines are in it.
    fn written(&self) -> HashSet<String> {
        let redirects = self.batch.commands.iter().flat_map(|command| &command.redirects);
        redirects
            .map(|redirect| self.text[redirect.target.clone()].replace('"', "").to_ascii_lowercase())
            .collect()
    }
}

fn is_removal(line: &str) -> bool {
    line.split([' ', '\t', '"', '&', '('])
        .any(|word| matches!(word, "del" | "erase" | "rd" | "rmdir" | "remove-item"))
}

fn removes_folder(line: &str) -> bool {
    is_removal(line) && (line.contains("\\vmmgr") || line.contains("%~dp0")) && !line.contains("\\vmmgr\\")
}
