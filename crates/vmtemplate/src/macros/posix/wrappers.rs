//! Commands that run another command, which their arguments name.

/// A command that runs another one.
#[derive(Debug)]
pub(super) struct Wrapper {
    name: &'static str,
    /// The short options that take a word of their own.
    short: &'static str,
    /// The long ones.
    long: &'static [&'static str],
    /// How many words are before the command.
    pub(super) operands: usize,
    /// `NAME=value` may be before the command.
    pub(super) assigns: bool,
}

const fn wrapper(name: &'static str, short: &'static str, operands: usize) -> Wrapper {
    Wrapper { name, short, long: &[], operands, assigns: false }
}

/// By the manuals of sudo, OpenDoas, GNU coreutils, util-linux, findutils and systemd.
const WRAPPERS: [Wrapper; 40] = [
    Wrapper {
        name: "sudo",
        short: "ugpChrtTUDR",
        long: &[
            "user",
            "group",
            "prompt",
            "close-from",
            "host",
            "role",
            "type",
            "command-timeout",
            "other-user",
            "chdir",
            "chroot",
        ],
        operands: 0,
        assigns: true,
    },
    Wrapper { name: "env", short: "uCa", long: &["unset", "chdir", "argv0"], operands: 0, assigns: true },
    Wrapper { assigns: true, ..wrapper("doas", "uCa", 0) },
    Wrapper { long: &["signal", "kill-after"], ..wrapper("timeout", "ks", 1) },
    Wrapper { long: &["adjustment"], ..wrapper("nice", "n", 0) },
    Wrapper { long: &["class", "classdata"], ..wrapper("ionice", "cn", 0) },
    Wrapper { long: &["input", "output", "error"], ..wrapper("stdbuf", "ioe", 0) },
    Wrapper {
        long: &["max-args", "max-procs", "max-chars", "delimiter", "arg-file", "max-lines"],
        ..wrapper("xargs", "InPdLsEa", 0)
    },
    Wrapper {
        long: &[
            "unit",
            "property",
            "uid",
            "gid",
            "description",
            "slice",
            "setenv",
            "working-directory",
            "on-active",
            "on-boot",
            "on-calendar",
            "machine",
            "host",
            "nice",
            "service-type",
        ],
        ..wrapper("systemd-run", "upEHM", 0)
    },
    Wrapper { long: &["wait", "timeout", "conflict-exit-code"], ..wrapper("flock", "wE", 1) },
    Wrapper { long: &["format", "output"], ..wrapper("time", "fo", 0) },
    Wrapper { long: &["who", "why", "what", "mode"], ..wrapper("systemd-inhibit", "", 0) },
    Wrapper { long: &["root", "wd", "setuid", "setgid"], ..wrapper("unshare", "RwSG", 0) },
    Wrapper { long: &["target"], ..wrapper("nsenter", "tSG", 0) },
    Wrapper { long: &["directory"], ..wrapper("systemd-nspawn", "DMu", 0) },
    wrapper("nohup", "", 0),
    wrapper("setsid", "", 0),
    wrapper("exec", "a", 0),
    wrapper("command", "", 0),
    wrapper("builtin", "", 0),
    wrapper("busybox", "", 0),
    wrapper("toybox", "", 0),
    wrapper("coproc", "", 0),
    wrapper("chroot", "", 1),
    wrapper("arch-chroot", "u", 1),
    wrapper("chrt", "TPD", 1),
    wrapper("taskset", "", 1),
    wrapper("gosu", "", 1),
    wrapper("su-exec", "", 1),
    wrapper("setpriv", "", 0),
    wrapper("runcon", "utrl", 0),
    wrapper("setarch", "", 1),
    wrapper("linux32", "", 0),
    wrapper("linux64", "", 0),
    wrapper("fakeroot", "ibl", 0),
    wrapper("unbuffer", "", 0),
    wrapper("sshpass", "pfdP", 0),
    Wrapper { long: &["user"], ..wrapper("pkexec", "", 0) },
    wrapper("strace", "oepsuaOSPE", 0),
    wrapper("dbus-run-session", "", 0),
];

impl Wrapper {
    pub(super) fn lookup(name: &str) -> Option<&'static Self> {
        WRAPPERS.iter().find(|wrapper| wrapper.name == name)
    }

    /// Whether the word behind this option belongs to it.
    pub(super) fn takes_word(&self, option: &str) -> bool {
        takes_word(option, self.short, self.long)
    }
}

/// Whether the word behind `option` belongs to it: `-u`, `-nu`, `--user`, but not `-uroot` and `--user=root`.
pub(super) fn takes_word(option: &str, short: &str, long: &[&str]) -> bool {
    if let Some(name) = option.strip_prefix("--") {
        return long.contains(&name);
    }
    let letters = option.trim_start_matches('-');
    letters.find(|c| short.contains(c)).is_some_and(|at| at + 1 == letters.len())
}
