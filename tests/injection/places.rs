//! The places of a shell script in which values are tried.

pub(crate) struct Context {
    pub(crate) name: &'static str,
    pub(crate) write: fn(&[usize]) -> String,
    /// The text around each value when it arrives.
    pub(crate) around: (&'static str, &'static str),
    pub(crate) least: usize,
    /// An interpreter reads the value as code: letters, digits and `.`, `:`, `_`, `-` pass, and nothing else.
    pub(crate) plain: bool,
    /// Only bash has the construct.
    pub(crate) bash: bool,
    /// Each value starts a program, which takes time: only the first tenth of the values is tried.
    pub(crate) forks: bool,
}

const fn context(name: &'static str, write: fn(&[usize]) -> String, least: usize) -> Context {
    Context { name, write, around: ("", ""), least, plain: false, bash: false, forks: false }
}

const fn forks(name: &'static str, write: fn(&[usize]) -> String, least: usize) -> Context {
    Context { forks: true, ..context(name, write, least) }
}

const fn plain(name: &'static str, write: fn(&[usize]) -> String, least: usize) -> Context {
    Context { plain: true, forks: true, ..context(name, write, least) }
}

const fn bash(name: &'static str, write: fn(&[usize]) -> String, least: usize) -> Context {
    Context { bash: true, ..context(name, write, least) }
}

/// A call of `rec` with these arguments.
fn call(numbers: &[usize], arguments: &str) -> String {
    format!("rec{}\n", each(numbers, arguments))
}

/// A program that writes each of its arguments with a NUL at the end; the text before it runs it.
fn program(numbers: &[usize], before: &str) -> String {
    format!("{before} printf '%s\\0'{}\n", each(numbers, " ($V#)"))
}

pub(crate) const CONTEXTS: &[Context] = &[
    context("word", |n| call(n, " ($V#)"), 8000),
    context("single", |n| call(n, " '($V#)'"), 8000),
    context("double", |n| call(n, " \"($V#)\""), 8000),
    Context { around: ("--p=", ":x"), ..context("joined", |n| call(n, " --p=($V#):x"), 9900) },
    Context {
        around: (" it is '", "' \""),
        ..context("joined in quotes", |n| call(n, " \"$empty it is '($V#)' \\\"\""), 9900)
    },
    context("assignment", |n| each(n, "v#=($V#)\n") + &call(n, " \"$v#\""), 8000),
    context(
        "assignment in quotes",
        |n| each(n, "v#=\"($V#)\"; export w#='($V#)'\n") + &call(n, " \"$v#\""),
        8000,
    ),
    context("bare variable", |n| each(n, "v#=($V#)\n") + &call(n, " $v#"), 3000),
    context("here-document", |n| each(n, "lines <<EOF\n($V#)\nEOF\n"), 9000),
    context("quoted here-document", |n| each(n, "lines <<-'EOF'\n\t($V#)\n\tEOF\n"), 9000),
    context("substitution", |n| call(n, " \"$(tell \"($V#)\")\""), 8000),
    context(
        "condition",
        |n| each(n, "if [ \"($V#)\" = \"($V#)\" ] && test x'($V#)' = x\"($V#)\"; then rec \"($V#)\"; fi\n"),
        8000,
    ),
    context("case", |n| each(n, "case \"($V#)\" in '') rec '' ;; *) rec \"($V#)\" ;; esac\n"), 8000),
    context("list", |n| format!("for v in{}; do rec \"$v\"; done\n", each(n, " ($V#)")), 8000),
    context("parameter", |n| "f() { rec \"$1\"; }\n".to_owned() + &each(n, "f \"($V#)\"\n"), 8000),
    context(
        "read",
        |n| {
            let print = each(n, "printf '%s\\n' \"($V#)\"\n");
            format!("{{\n{print}}} | while IFS= read -r v; do rec \"$v\"; done\n")
        },
        8000,
    ),
    context("printed into a variable", |n| each(n, "v#=$(printf '%s' \"($V#)\")\nrec \"$v#\"\n"), 8000),
    context("comment", |n| format!("rec{} # {}\n", each(n, " ($V#)"), each(n, "($V#)")), 8000),
    context("operand", |n| each(n, "if [ ($V#) = ($V#) ]; then rec ($V#); fi\n"), 8000),
    context("pattern", |n| each(n, "case ($V#) in ($V#)) rec ($V#) ;; *) rec wrong ;; esac\n"), 8000),
    context("exported", |n| each(n, "export v#=($V#)\n") + &call(n, " \"$v#\""), 8000),
    context("read-only", |n| each(n, "readonly r#=($V#)\n") + &call(n, " \"$r#\""), 8000),
    context("local", |n| each(n, "f() { local v#=($V#); rec \"$v#\"; }\nf\n"), 8000),
    context("before a command", |n| each(n, "v#=($V#) eval 'rec \"$v#\"'\n"), 8000),
    context("parameters", |n| format!("set --{}\nrec \"$@\"\n", each(n, " ($V#)")), 8000),
    context("parameters of a script", |n| format!("sh -c '\n{}' sh{}\n", REC, each(n, " ($V#)")), 8000),
    context("default", |n| each(n, "v#=($V#); rec \"${unset:-$v#}\"\n"), 8000),
    forks("variables of env", |n| each(n, "env v#=($V#) sh -c 'printf \"%s\\0\" \"$v#\"'\n"), 800),
    context("env", |n| program(n, "env -u HOME A=b"), 8000),
    context("nohup", |n| program(n, "nohup"), 8000),
    context("timeout", |n| program(n, "timeout -k 5 60"), 8000),
    context("nice", |n| program(n, "nice -n 5 setsid stdbuf -o 0"), 8000),
    context("find", |n| format!("find /dev/null -exec printf '%s\\0'{} \\;\n", each(n, " ($V#)")), 8000),
    forks("filter", |n| each(n, "rec \"$(tell \"($V#)\" | sed 's/^x*//')\"\n"), 800),
    context(
        "replacement of sed",
        |n| {
            let programs = each(n, " -e 's|^L#$|($V#)|;t'");
            format!(
                "printf 'L%s\\n'{} | sed{programs} | while IFS= read -r v; do rec \"$v\"; done\n",
                each(n, " #")
            )
        },
        9000,
    ),
    context(
        "replacement of sed in double quotes",
        |n| {
            let programs = each(n, " -e \"s/^L#\\$/($V#)/;t\"");
            format!(
                "printf 'L%s\\n'{} | sed{programs} | while IFS= read -r v; do rec \"$v\"; done\n",
                each(n, " #")
            )
        },
        9000,
    ),
    forks("variable of awk", |n| each(n, "awk -v v=($V#) 'BEGIN { printf \"%s%c\", v, 0 }'\n"), 500),
    bash("here-string", |n| each(n, "lines <<< ($V#)\n"), 8000),
    bash("added", |n| each(n, "v#=; v#+=($V#)\n") + &call(n, " \"$v#\""), 8000),
    bash("array", |n| format!("a=({})\nrec \"${{a[@]}}\"\n", each(n, " ($V#)")), 8000),
    bash("element", |n| each(n, "a#[7]=($V#)\nrec \"${a#[7]}\"\n"), 8000),
    bash("declared", |n| each(n, "declare v#=($V#)\n") + &call(n, " \"$v#\""), 8000),
    bash(
        "condition of bash",
        |n| each(n, "if [[ ($V#) == ($V#) && x\"($V#)\" = x($V#) ]]; then rec ($V#); fi\n"),
        8000,
    ),
    plain("backquotes", |n| each(n, "rec `tell ($V#)`\n"), 40),
    forks("eval", |n| each(n, "eval \"rec ($V#)\"\n"), 500),
    forks("eval of words", |n| each(n, "eval rec ($V#)\n"), 500),
    forks("code", |n| each(n, "sh -c \"printf '%s\\\\0' ($V#)\"\n"), 500),
    forks("code on a pipe", |n| each(n, "echo \"env printf %s ($V#); head -c 1 /dev/zero\" | sh\n"), 300),
    forks("document of a shell", |n| each(n, "sh <<EOF\nprintf '%s\\\\0' ($V#)\nEOF\n"), 500),
    plain("calculation", |n| each(n, "rec $((($V#)))\n"), 3),
    forks("format", |n| each(n, "printf '($V#)\\0'\n"), 300),
    plain("command behind a variable", |n| each(n, "$empty rec ($V#)\n"), 40),
    plain("pattern of sed", |n| each(n, "echo ($V#) | sed -n '/^($V#)$/p' | tr '\\n' '\\0'\n"), 40),
    plain("arguments of xargs", |n| each(n, "echo ($V#) | xargs printf '%s\\0'\n"), 40),
    plain("program of awk", |n| each(n, "awk 'BEGIN { printf \"%s%c\", \"($V#)\", 0 }'\n"), 40),
];

/// Records its parameters; a separate script.
const REC: &str = "for a do printf \"%s\\0\" \"$a\"; done";

pub(crate) const CLOSED: &[&str] = &[
    "($V)",
    "\"($V)\" x",
    "a; ($V)",
    "if true; then ($V); fi",
    "sudo ($V)",
    "eval \"($V)\"",
    "sh -c '($V)'",
    "echo `($V)`",
    "echo ($V) | sh",
    "sh <<EOF\n($V)\nEOF",
    "cat <<EOF | bash\n($V)\nEOF",
    "x=($V)\neval \"$x\"",
    "cat > /tmp/x.sh <<EOF\n($V)\nEOF",
    "x=`case a in a) ($V) ;; esac`",
    // Values that get into a variable without an assignment.
    "f() { eval \"$1\"; }\nf \"($V)\"",
    "f() { for x do eval \"$x\"; done; }\nf '($V)'",
    "for x do ($V); done",
    "case x\nin x) ($V) ;; esac",
    "f () {\n  eval \"$@\"\n}\nif f a \"($V)\"; then :; fi",
    "f() { x=${1}; sh -c \"$x\"; }\ng() { f \"$*\"; }\ng '($V)'",
    "main() { inner '($V)'; }\ninner() { eval \"$1\"; }\nmain",
    "x=$(echo \"($V)\")\neval \"$x\"",
    "x=\"$(cat \"$(echo '($V)')\")\"\neval \"$x\"",
    "for x in a \"($V)\"; do eval \"$x\"; done",
    "y=($V)\nfor x in \"$y\"; do\n  eval \"$x\"\ndone",
    "echo \"($V)\" | while read -r x; do eval \"$x\"; done",
    "y=($V)\nprintf '%s' \"$y\" | tr a b | { read x; eval \"$x\"; }",
    "while read -r a x; do eval \"$x\"; done <<EOF\nb ($V)\nEOF",
    "y=\"($V)\"\nread x <<EOF\n$y\nEOF\neval \"$x\"",
    "{ echo a; echo \"($V)\"; } | while read x; do eval \"$x\"; done",
    "(echo a; echo \"($V)\") | { read x; eval \"$x\"; }",
    "f() { echo \"($V)\"; }\nf | { read x; eval \"$x\"; }",
    "f() { echo \"($V)\"; }\nx=$(f)\neval \"$x\"",
    "if :; then echo \"($V)\"; fi | while read x; do eval \"$x\"; done",
    "echo ($V) > /tmp/x | read\neval \"$REPLY\"",
    // Commands that run another command.
    "sudo -u root -- ($V)",
    "env A=b ($V)",
    "env -S ($V)",
    "timeout -k 5 10 ($V)",
    "nice -n 5 nohup ($V)",
    "command ($V)",
    "time -p ($V)",
    "chroot /mnt ($V)",
    "flock /tmp/x ($V)",
    "flock /tmp/x -c \"($V)\"",
    "busybox ($V)",
    "xargs ($V)",
    "echo ($V) | xargs env",
    "echo ($V) | xargs sh -c",
    "echo \"($V)\" | xargs -I{} sh -c \"{}\"",
    "find / -exec ($V) \\;",
    "find / -name x -exec sudo ($V) {} +",
    "$SUDO ($V)",
    "$SUDO -u root ($V)",
    "sh ($V)",
    ". ($V)",
    "nohup sh -x -c ($V) &",
    "su - user -c \"($V)\"",
    "ssh host ($V)",
    "ssh host \"cd /; ($V)\"",
    "sh -c 'sudo ($V)'",
    "sh -c \"sh -c '($V)'\"",
    "trap ($V) EXIT",
    "eval \"$(echo '($V)')\"",
    "sh -c 'eval \"$1\"' sh ($V)",
    "set -- ($V)\neval \"$1\"",
    "bash <(echo ($V))",
    ". <(echo ($V))",
    "sh < <(echo ($V))",
    "sh <<< ($V)",
    // Commands that read code from printed text.
    "echo ($V) | sudo -u root bash -s",
    "echo ($V) | tr a b | sh",
    "{ echo ($V); echo; } | sh",
    "(echo; echo ($V)) | sh",
    "for x in ($V); do echo; done | sh",
    "echo ($V) | { read -r; sh; }",
    "echo ($V) | (cd /; sh)",
    "echo ($V) | if true; then sh; fi",
    "echo ($V) | while :; do sh; break; done",
    "f() { sh; }\necho ($V) | f",
    "f() { sh; }\nf <<EOF\n($V)\nEOF",
    "while :; do sh; done <<EOF\n($V)\nEOF",
    "echo ($V) | x=$(sh)",
    "echo ($V) | tee /tmp/x.sh",
    "tee /tmp/x.sh <<EOF\n($V)\nEOF",
    "{ echo ($V); } > /tmp/x.sh",
    "cat <<EOF |\n($V)\nEOF\nsh",
    // Programs of other languages that run a string.
    "awk 'BEGIN { system(\"($V)\") }'",
    "awk -v c=($V) 'BEGIN { system(c) }'",
    "awk -v c=($V) 'BEGIN { c | getline }'",
    "sed 's/x/($V)/e' /etc/passwd",
    "sed '1e ($V)' /etc/passwd",
    "perl -e \"system('($V)')\"",
    "perl -pe 's/x/($V)/e'",
    "python3 -c \"import os; os.system('($V)')\"",
    "python3 <<EOF\nimport subprocess\nsubprocess.run(['($V)'])\nEOF",
    "mysql -e '\\! ($V)'",
    // Names of variables, and text that shells read differently.
    "read ($V)",
    "export ($V)",
    "printf -v ($V) x",
    "echo a &>x ($V)",
    "[[ a || ($V) ]]",
    "sh <($V)",
    "ssh host bash -s <<EOF\n($V)\nEOF",
    "echo ($V) | ssh host sudo sh",
    "echo ($V) | su - user -c 'cd /; sh'",
    ". /dev/stdin <<EOF\n($V)\nEOF",
    "echo ($V) | bash /dev/stdin",
    "chroot /mnt /bin/bash <<EOF\n($V)\nEOF",
    "awk -f - <<EOF\nBEGIN { system(\"($V)\") }\nEOF",
    "sudo -i <<EOF\n($V)\nEOF",
    // Files that are written and run.
    "echo \"($V)\" > /root/fin\nsh /root/fin",
    "echo \"($V)\" > /root/fin\nchmod +x /root/fin",
    "echo \"($V)\" > /root/fin\nchmod 0700 /root/fin\ncd /root\n./fin",
    "echo \"($V)\" >> fin\nchroot /mnt ./fin",
    "F=$(mktemp)\necho \"($V)\" > $F\nbash \"$F\"",
    "D=/root\necho \"($V)\" > \"$D/f\"\n\"${D}/f\"",
    "F=/root/f\necho \"($V)\" > $F\n/root/f",
    "echo \"($V)\" > $(mktemp)\nsh $(mktemp)",
    "echo \"($V)\" | tee f > /dev/null\n. ./f",
    "echo \"($V)\" | dd of=/root/f\nsource /root/f",
    "install -m 755 /dev/stdin /root/f <<EOF\n($V)\nEOF\n/root/f",
    "exec 3> /root/f\necho \"($V)\" >&3\nexec 3>&-\nsh /root/f",
    "cat > f <<EOF\n($V)\nEOF\nbash < f",
    "cat > f <<EOF\n($V)\nEOF\ncat f | sh",
    "echo \"($V)\" > f\ncp f g\nsh g",
    "echo \"($V)\" > f\nmv f /root/g\n/root/g",
    "echo \"($V)\" > f\ninstall -m 755 f /usr/local/bin/\n/usr/local/bin/f",
    "echo \"($V)\" > /usr/local/bin/fin\nfin",
    "echo \"($V)\" >> /etc/rc.local",
    "echo \"($V)\" > f\nfor x in ./f; do sh $x; done",
    "sed -i \"s/x/($V)/\" /root/f\nsh /root/f",
    "echo \"($V)\" > f.txt\npython3 f.txt",
    "printf '%s' \"($V)\" > f\nsudo bash f",
    "f() { sh /root/f; }\necho \"($V)\" > /root/f\nf",
    // Values that are read back from a file.
    "echo \"($V)\" > f\nread X < f\neval \"$X\"",
    "echo \"($V)\" > f\nread X < f\n$X",
    "echo \"($V)\" > f\nwhile read -r l; do eval \"$l\"; done < f",
    "echo \"($V)\" > f\nX=$(cat f)\neval \"$X\"",
    "echo \"($V)\" > f\nX=$(grep x f | head -n 1)\nsh -c \"$X\"",
    "echo \"($V)\" > f\nbash -c \"$(<f)\"",
    "cat > f <<EOF\n($V)\nEOF\neval \"$(cat f)\"",
    // Functions that print the value.
    "X=\"($V)\"\nf() { echo \"$X\"; }\neval \"$(f)\"",
    "f() { echo \"($V)\"; }\nf | sh",
    "f() (echo \"($V)\")\nsh -c \"$(f)\"",
    // Programs of other languages that run their input.
    "echo \"($V)\" | awk '{ system($0) }'",
    "echo \"($V)\" | awk '{ print $0 | \"sh\" }'",
    "X=\"($V)\" awk 'BEGIN { system(ENVIRON[\"X\"]) }'",
    "perl -e 'system($ARGV[0])' \"($V)\"",
    "python3 -c 'import os, sys; os.system(sys.argv[1])' \"($V)\"",
    "env A=\"($V)\" python3 -c 'import os; os.system(os.environ[\"A\"])'",
    "env A=\"($V)\" sh -c 'eval \"$A\"'",
    "echo \"($V)\" > f\nawk '{ system($0) }' f",
    "sh -c \"X='($V)'; eval \\\"\\$X\\\"\"",
    "printf '%s\\n' \"($V)\" | sh",
    "printf '%s\\n' \"($V)\" > x.sh",
    "make -f - <<EOF\n($V)\nEOF",
    "echo \"($V)\" | make -f /dev/stdin",
    // Variables that are read by name.
    "X=\"($V)\"\nN=X\nsh -c \"${!N}\"",
    "X=\"($V)\"\nN=X\nY=${!N}\neval \"$Y\"",
    "X=\"($V)\"\ndeclare -n R=X\neval \"$R\"",
    "X=\"($V)\"\nN=X\neval \"Y=\\$$N\"\neval \"$Y\"",
    "export X=\"($V)\"\neval \"$(printenv X)\"",
    "X=\"($V)\"\nset | sh",
    "X=\"($V)\"\ndeclare -p X > f\n. ./f",
    "export X=\"($V)\"\nperl -e 'system $ENV{X}'",
    "export X=\"($V)\"\npython3 -c 'import os; os.system(os.environ[\"X\"])'",
    // Variables and options whose value is run.
    "PROMPT_COMMAND=\"($V)\"",
    "export BASH_ENV=($V)",
    "LD_PRELOAD=($V) ls",
    "GIT_SSH_COMMAND=\"($V)\" git fetch",
    "export EDITOR=($V)",
    "tar -cf a.tar --checkpoint-action=exec=\"($V)\" .",
    "tar -I ($V) -xf a",
    "rsync -e \"($V)\" a b",
    "complete -C \"($V)\" x",
    // Lines that `echo` begins, variables that the shell sets, descriptors, and files under other names.
    "echo -e \"#!/bin/sh\\n($V)\" > y.sh\nsh y.sh",
    "echo -e \"X=1 # c\\n($V)\" | sh",
    "[[ \"($V)\" =~ (.*) ]]\neval \"${BASH_REMATCH[1]}\"",
    ": \"($V)\"\neval \"$_\"",
    "f() { while getopts p: o; do eval \"$OPTARG\"; done; }\nf -p \"($V)\"",
    "f() { x=\"${!#}\"; eval \"$x\"; }\nf a \"($V)\"",
    "echo \"($V)\" | sed 's/^/ /e'",
    "exec 3<<EOF\n($V)\nEOF\nsh <&3",
    "exec 0<<EOF\n($V)\nEOF\nsh",
    "echo \"($V)\" > q.tmp\ncat q.tmp > b.sh\nsh b.sh",
    "echo \"($V)\" > d/01\nfor f in d/*; do . $f; done",
    "echo \"($V)\" > d/01\ncat d/* | sh",
];

/// The text, repeated for each number, which replaces every `#` in it.
fn each(numbers: &[usize], text: &str) -> String {
    numbers.iter().map(|number| text.replace('#', &number.to_string())).collect()
}
