//! Shell scripts: the places of the injection test, and lines from scripts of hosters.

use std::io::Write;
use std::process::{Command, Stdio};

use vmtemplate::macros::ScriptLanguage;
use vmtemplate_test_support::tool;

use crate::places::CONTEXTS;
use crate::values::{Class, Row, VALUES, hold, rendered};

use Class::{Backslash, List, Number, Spaced, Text, Word};

const LANGUAGE: ScriptLanguage = ScriptLanguage::Posix;

const fn open(script: &'static str) -> Row {
    Row { script, refused: &[] }
}

/// Lines from install scripts of hosters in which no value is refused.
pub(crate) const OPEN: &[Row] = &[
    // Names and addresses.
    open("DOMAIN=$(printf '%s\\n' ($V) | sed \"s/^[^.]*\\.//\")"),
    open("hostnamectl set-hostname \"($V)\""),
    open("hostname ($V)"),
    open("addrs=($V)\nfor a in \"$addrs\"; do ip addr add \"$a\" dev eth0; done"),
    open("for ns in ($V); do\n  printf 'nameserver %s\\n' \"$ns\" >> /etc/resolv.conf\ndone"),
    open("if [ -n \"($V)\" ] && [ \"($V)\" != \"()\" ]; then ip addr add \"($V)/24\" dev eth0; fi"),
    open("if [[ -n \"($V)\" && \"($V)\" != \"()\" ]]; then ip route add default via ($V); fi"),
    open("ip -6 addr add ($V)/64 dev eth0"),
    open("nmcli con mod eth0 ipv4.addresses ($V)/24 ipv4.dns \"($V)\""),
    open("netplan set ethernets.eth0.gateway4=($V)"),
    open("case \"($V)\" in *:*) family=6 ;; *) family=4 ;; esac"),
    open("case $(uname -r) in ($V)) echo yes ;; esac"),
    open("export DNS=($V)\nreadonly DNS2=\"($V)\"\nDNS3=($V) env\nDNS4+=($V)"),
    open("servers=(($V))\nfor s in \"${servers[@]}\"; do printf '%s\\n' \"$s\"; done"),
    open("IFS=$'\\n'\nset -- ($V)\nprintf '%s\\n' \"$@\""),
    // Files.
    open("cat > /etc/network/interfaces <<EOF\nauto eth0\niface eth0 inet static\n    address ($V)\nEOF"),
    open("cat > /etc/sysconfig/network-scripts/ifcfg-eth0 <<'EOF'\nIPADDR=($V)\nEOF"),
    open("cat <<-EOF | tee /etc/netplan/01.yaml\n\tnetwork:\n\t  addresses: [($V)]\n\tEOF"),
    open("{\n  cat <<EOF\n($V)\nEOF\n} >> /etc/hosts"),
    open("conf=$(cat <<EOF\nserver ($V)\nEOF\n)\nprintf '%s\\n' \"$conf\" > /etc/ntp.conf"),
    open("printf '%s %s\\n' ($V) \"localhost\" >> /etc/hosts"),
    open("sed -i \"s/^HOSTNAME=.*/HOSTNAME=($V)/\" /etc/sysconfig/network"),
    open("sed -i -e 's|^#*\\(ListenAddress\\) .*|\\1 ($V)|' -e '/^$/d' /etc/ssh/sshd_config"),
    open("sed -i.bak -E \"s/@A@/($V)/g; s/@B@/x/\" /etc/app.conf"),
    open("ln -sf /usr/share/zoneinfo/($V) /etc/localtime"),
    open("timedatectl set-timezone ($V)"),
    open("mkdir -p /root/.ssh && printf '%s\\n' \"($V)\" >> /root/.ssh/authorized_keys"),
    open("grep -qF -- \"x($V)\" /root/.ssh/authorized_keys || exit 1"),
    // Variables by their names, and options that run nothing here.
    open("X=($V)\nN=X\nprintf '%s\\n' \"${!N}\""),
    open("X=($V)\nN=X\neval \"Y=\\$$N\"\nprintf '%s\\n' \"$Y\""),
    open("X=($V)\ndeclare -n R=X\nprintf '%s\\n' \"$R\""),
    open("export VALUE=($V)\npython3 -c 'import os; print(os.environ[\"VALUE\"])'"),
    open("export VALUE=($V)\nenv | sort > /root/environment"),
    open("tar -czf \"/root/($V).tar.gz\" /etc"),
    // Text in quotes of bash without a value in it.
    open("list=($'a\\tb')\ncase x in $'a') echo a ;; esac\nhostname ($V)"),
    // Passwords.
    open("printf 'root:%s\\n' \"($V)\" | chpasswd"),
    open("printf 'root:%s\\n' ($V) | sudo chpasswd"),
    open("chpasswd <<EOF\nroot:($V)\nEOF"),
    open("chpasswd <<< \"root:($V)\""),
    open("usermod -p '($V)' root"),
    open("passwd --stdin root <<EOF\n($V)\nEOF"),
    open("mysqladmin -u root password \"($V)\""),
    open("mysql -u root -p\"($V)\" -e 'FLUSH PRIVILEGES'"),
    open("curl -fsS --user \"admin:($V)\" https://example.com/"),
    // Commands that start another command.
    open("sudo -u app env HOME=/srv KEY=($V) nohup /srv/run --key ($V) &"),
    open("timeout -k 5 60 curl -fsS ($V)"),
    open("nice -n 10 ionice -c 3 setsid stdbuf -oL logger ($V)"),
    open("flock /run/lock/x hostname ($V)"),
    open("chroot /mnt/target useradd -c ($V) app"),
    open("busybox printf '%s\\n' ($V)"),
    open("sh -c 'useradd -c \"$1\" app' sh ($V)"),
    open("value=($V) awk '{ print ENVIRON[\"value\"] }' /etc/hosts"),
    open("ssh ($V) uptime"),
    open("su - app -c 'cat' <<EOF\n($V)\nEOF"),
    open("log() { logger -t install \"$1\"; }\nlog \"($V)\""),
    open("main() {\n  local host=($V)\n  printf '%s\\n' \"$host\" | tr a-z A-Z\n}\nmain"),
    open("while read -r line; do printf '%s\\n' \"$line\"; done <<EOF\n($V)\nEOF"),
    open("# ($V)\n: \"${x:=default}\""),
    // A script inside a script: the value is quoted for both.
    open("su - app -c \"logger ($V)\""),
    open("sh -c \"logger '($V)'\""),
    open("ssh host \"hostname ($V)\""),
    open("eval \"host=($V)\""),
    open("cat > /root/x.sh <<EOF\nhostname ($V)\nEOF"),
    open("at now <<EOF\nhostname ($V)\nEOF"),
    open("trap 'rm -f \"/tmp/($V)\"' EXIT"),
    open("trap 'curl -fsS \"($V)\"' EXIT"),
    open("nohup sh -c 'sleep 5; curl -fsS \"($V)\"' > /dev/null 2>&1 &"),
    open("bash -c \"curl -fsS '($V)'\""),
    open("curl -fsS \"($V)\" | bash"),
    open("sudo sh -c \"printf '%s\\n' 'root:($V)' | chpasswd\""),
    open("chroot /mnt <<EOF\nprintf '%s\\n' \"root:($V)\" | chpasswd\nEOF"),
    open("chroot /mnt /bin/sh <<'EOF'\ncat > /etc/hostname <<END\n($V)\nEND\nEOF"),
    open("virt-customize -a x.qcow2 --root-password password:($V)"),
    // Written files, and other commands.
    open("printf '%s\\n' ($V) > /etc/hostname\n/bin/hostname -F /etc/hostname\nhostname"),
    open("printf '127.0.1.1 %s\\n' \"($V)\" >> /etc/hosts\nsystemctl restart networking"),
    open(
        "cat > /etc/netplan/01.yaml <<EOF\naddresses: [($V)]\nEOF\nchmod 600 /etc/netplan/01.yaml\nnetplan apply",
    ),
    open(
        "C=/etc/sysconfig/network-scripts/ifcfg-eth0\ncat > $C <<EOF\nIPADDR=($V)\nEOF\nifup eth0\n. /etc/os-release",
    ),
    open(
        "mkdir -m 700 /root/.ssh\nprintf '%s\\n' \"($V)\" > /root/.ssh/authorized_keys\nchmod 700 /root/.ssh",
    ),
    open(
        "printf 'host=%s\\n' \"($V)\" > /etc/app.conf\ncp /etc/app.conf /etc/app.bak\nh=$(cat /etc/app.conf)\nlogger -- \"x$h\"",
    ),
    // Each function has its own parameters.
    open(
        "set_pass() { printf '%s:%s\\n' \"$1\" \"$2\" | chpasswd; }\nset_pass root \"($V)\"\nconfig() { sed -i \"s/^$1=.*/$1=$2/\" f; }\nconfig HOSTNAME x",
    ),
    open("declare -A DNS\nDNS[a]=($V)\nfor k in \"${!DNS[@]}\"; do logger \"$k\"; done"),
    open("reboot"),
];

const CODE: &[(Class, &str)] =
    &[(Text, "letters, digits and"), (Spaced, "letters, digits and"), (Backslash, "letters, digits and")];

/// Places in which the interpreter gives a value a meaning that quoting cannot prevent.
pub(crate) const PARTLY: &[Row] = &[
    Row { script: "echo \"root:($V)\" | chpasswd", refused: ECHO },
    Row { script: "echo ($V) >> /etc/hosts", refused: ECHO },
    Row { script: "DOMAIN=$(echo \"($V)\" | sed \"s/^[^.]*\\.//\")", refused: ECHO },
    Row {
        script: "awk -v h=($V) '{ print h }' /etc/hosts",
        refused: &[(Backslash, "beginning of an escape")],
    },
    // The file name would lead to another folder.
    Row { script: "cp x y > /var/log/($V)", refused: ONE_WORD },
    Row { script: "cat < /usr/share/zoneinfo/($V)", refused: ONE_WORD },
    // A variable outside quotes.
    Row { script: "h=($V)\nhostname $h", refused: SPLIT },
    Row { script: "addrs=($V)\nfor a in $addrs; do ip addr add \"$a\" dev eth0; done", refused: SPLIT },
    Row {
        script: "h=($V)\n[ $h = x ]",
        refused: &[
            (Spaced, "splits it into words"),
            (Backslash, "splits it into words"),
            // `?` stands for any character in the names of files.
            (Text, "expands file patterns"),
            (List, "splits it into words"),
        ],
    },
    // One word of a list.
    Row { script: "N=(($V))\nprintf '%s\\n' DNS1=${N[0]}", refused: SPLIT },
    Row { script: "set -- ($V)\nprintf '%s\\n' DNS1=$1", refused: SPLIT },
    Row { script: "eval $(ipcalc -np ($V) 255.255.255.0)", refused: ONE_WORD_OF_CODE },
    // Code.
    Row { script: "host=`echo ($V)`", refused: BARE_CODE },
    Row { script: "echo \"hostname ($V)\" | sh", refused: ECHO },
    Row { script: "echo \"X=($V)\" > conf; . ./conf", refused: ECHO },
    Row { script: "echo -e \"#!/bin/sh\\nIP=($V)\" > y.sh; sh y.sh", refused: ONE_WORD_OF_CODE },
    Row { script: "echo -e \"X=1 # c\\nP=($V)\" | sh", refused: ONE_WORD_OF_CODE },
    Row { script: "sed -i '/^($V)/d' /etc/hosts", refused: CODE },
    Row { script: "sed -i \"/localhost/a ($V)\" /etc/hosts", refused: CODE },
    Row { script: "awk '/($V)/ { print }' /etc/hosts", refused: CODE },
    Row { script: "python3 -c 'print(\"($V)\")'", refused: CODE },
    Row { script: "python3 - <<EOF\nname = '($V)'\nEOF", refused: CODE },
    Row { script: "mysql -e \"ALTER USER root IDENTIFIED BY '($V)'\"", refused: CODE },
    Row { script: "perl -pi -e 's/x/($V)/' /etc/hosts", refused: CODE },
    Row { script: "printf \"($V)\\n\" > /etc/hostname", refused: FORMAT },
    Row { script: "sudo sh -c \"echo 'root:($V)' | chpasswd\"", refused: ECHO },
    Row { script: "echo \"($V)\" | xargs -n1 echo nameserver", refused: CODE },
    Row { script: "$RUN hostname ($V)", refused: ONE_WORD_OF_CODE },
    Row {
        script: "echo ($V) | xargs hostname",
        refused: &[
            (Text, "argument of another command"),
            (Spaced, "argument of another command"),
            (Backslash, "argument of another command"),
            (List, "argument of another command"),
        ],
    },
    Row { script: "bash -c \"$(curl -fsSL https://($V)/install.sh)\"", refused: ONE_WORD_OF_CODE },
    Row { script: "curl -fsSL https://($V)/install.sh | sudo bash -s -- -y", refused: ONE_WORD_OF_CODE },
    // Numbers.
    Row { script: "size=$(( ($V) / 1024 ))", refused: NUMBERS },
    Row { script: "[ \"($V)\" -gt 1 ]", refused: NUMBERS },
];

const SPLIT: &[(Class, &str)] =
    &[(Spaced, "splits it into words"), (Backslash, "splits it into words"), (Text, "expands file patterns")];
const FORMAT: &[(Class, &str)] = &[(Text, "as a format"), (Backslash, "as a format")];
const ECHO: &[(Class, &str)] = &[(Backslash, "beginning of an escape")];
const ONE_WORD: &[(Class, &str)] = &[
    (Text, "names the file"),
    (Spaced, "names the file"),
    (Backslash, "names the file"),
    (List, "names the file"),
];
/// A list outside quotes is several arguments, as it would be in the script itself.
const BARE_CODE: &[(Class, &str)] = CODE;
const ONE_WORD_OF_CODE: &[(Class, &str)] = &[
    (Text, "letters, digits and"),
    (Spaced, "letters, digits and"),
    (Backslash, "letters, digits and"),
    (List, "one word of"),
];
const NUMBERS: &[(Class, &str)] = &[
    (Text, "a number in digits"),
    (Spaced, "a number in digits"),
    (Backslash, "a number in digits"),
    (List, "a number in digits"),
    (Word, "a number in digits"),
];

#[test]
fn ordinary_values_pass_in_what_hosters_write() {
    let wrong: Vec<String> =
        OPEN.iter().chain(PARTLY).flat_map(|row| hold(row.script, row.refused, LANGUAGE)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ordinary_values_pass_wherever_hostile_ones_are_tried() {
    let mut wrong = Vec::new();
    for context in CONTEXTS {
        let refused: &[(Class, &str)] = match context.name {
            "bare variable" => SPLIT,
            "variable of awk" | "code on a pipe" => ECHO,
            "format" => FORMAT,
            "calculation" => NUMBERS,
            "arguments of xargs" | "command behind a variable" => ONE_WORD_OF_CODE,
            "backquotes" | "program of awk" => CODE,
            "pattern of sed" => &[(Text, CODE[0].1), (Spaced, CODE[0].1), ECHO[0]],
            name => {
                assert!(!context.plain, "{name} has no row");
                &[]
            }
        };
        wrong.extend(hold(&(context.write)(&[0]).replace("($V0)", "($V)"), refused, LANGUAGE));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_rendered_is_a_script_that_shells_can_read() {
    let Some(bash) = tool("bash") else { return };
    let mut all = String::new();
    for row in OPEN.iter().chain(PARTLY) {
        all.extend(
            VALUES
                .iter()
                .filter_map(|value| rendered(row.script, value, LANGUAGE).ok())
                .map(|text| text + "\n"),
        );
    }
    let mut child = Command::new(bash)
        .args(["-n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A place that refuses a value, the help of the error, and the place after following the help.
const WAYS_OUT: &[(&str, &str, &str)] = &[
    ("v=($V)\nsh -c \"useradd $v\"", "$1", "sh -c 'useradd \"$1\"' sh ($V)"),
    ("host=`echo '($V)'`", "$(…)", "host=$(printf '%s' '($V)')"),
    ("printf \"($V)\"", "printf '%s\\n'", "printf '%s\\n' ($V)"),
    ("echo ($V)", "printf '%s\\n'", "printf '%s\\n' ($V)"),
    ("sed \"/($V)/d\" x", "s/PATTERN/($NAME)/", "sed \"s/PATTERN/($V)/\" x"),
    (
        "python3 -c \"print('($V)')\"",
        "value=($NAME) python3",
        "value=($V) python3 -c 'import os; print(os.environ)'",
    ),
    ("awk \"/($V)/\" x", "value=($NAME) awk", "value=($V) awk 'index($0, ENVIRON[\"value\"])' x"),
    ("echo \"${x:-($V)}\"", "value=($NAME)", "value=($V)\nprintf '%s' \"${x:-$value}\""),
    ("cat x > ($V)", "mv -- FILE", "cat x > FILE; mv -- FILE ($V)"),
    ("$RUN ($V) x", "name of the command itself", "logger ($V) x"),
    ("v=($V)\nsed \"s/a/$v/\" x", "the macro itself", "sed \"s/a/($V)/\" x"),
    ("set ($V)", "set -- ", "set -- ($V)"),
    ("sh -c '($V) x'", "as an argument", "sh -c 'logger \"$1\"' sh ($V)"),
    ("echo \"useradd ($V)\" | sh", "printf '%s\\n'", "printf '%s\\n' \"useradd ($V)\" | sh"),
    ("v=($V)\nsh <<EOF\nuseradd $v\nEOF", "the macro itself", "sh <<EOF\nuseradd ($V)\nEOF"),
    ("v=($V)\nat now <<EOF\nuseradd $v\nEOF", "the macro itself", "at now <<EOF\nuseradd ($V)\nEOF"),
    ("v=($V)\ntrap \"rm $v\" EXIT", "$value", "value=($V)\ntrap 'rm \"$value\"' EXIT"),
    ("v=($V)\neval \"w=$v\"", "$value", "value=($V)\neval 'w=\"$value\"'"),
    ("mysql -e \"SET PASSWORD = '($V)'\"", "mysqladmin password", "mysqladmin password ($V)"),
    (
        "psql -c \"ALTER USER a PASSWORD '($V)'\"",
        ":'value'",
        "psql -v value=($V) <<'EOF'\nALTER USER a PASSWORD :'value';\nEOF",
    ),
    ("[[ a || ($V) == b ]]", "#!/bin/bash", "#!/bin/bash\n[[ a || ($V) == b ]]"),
];

#[test]
fn what_a_refusal_says_to_write_instead_works() {
    for (refused, says, instead) in WAYS_OUT {
        let value = VALUES.iter().find(|value| value.class() == Backslash).unwrap();
        let (reason, help) = rendered(refused, value, LANGUAGE).expect_err(refused);
        assert!(help.contains(says), "{refused:?}: {reason} has the help {help:?}");
        rendered(instead, value, LANGUAGE).unwrap_or_else(|(reason, _)| panic!("{instead:?}: {reason}"));
    }
    let number = VALUES.iter().filter(|value| value.class() == Number).count();
    assert!(number >= 2, "numbers are among the values");
}
