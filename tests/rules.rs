//! For every rule for metadata, package and script, a template that breaks only this rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use tempfile::TempDir;
use vmtemplate::archive::PackOptions;
use vmtemplate::disk::OpenOptions;
use vmtemplate::macros::ScriptLanguage;
use vmtemplate::report::{CheckOptions, Rule, Severity};
use vmtemplate::script::{ScriptCheckOptions, SetupFirewall, SetupInterface, SetupScript, SetupStep};
use vmtemplate::template::TemplateBuilder;
use vmtemplate::{DiskImage, ErrorKind, Metainfo, Report, Script, Template, check};

/// A template without findings; the tests break it.
struct Draft {
    metainfo: String,
    script: Vec<u8>,
    script_name: &'static str,
    image: Vec<u8>,
    /// The image is made this long, without being written.
    image_size: Option<u64>,
    image_name: &'static str,
    more: Vec<(&'static str, Vec<u8>)>,
    /// The template as a .tar.gz made by `tar`.
    is_tarred: bool,
}

const METAINFO: &str = include_str!("fixtures/metainfo.xml");

const SCRIPT: &str = r#"@echo off
setlocal EnableExtensions DisableDelayedExpansion
set "LOG=C:\setup.log"
rem A comment with a ( and a ".
net user Administrator "($PASS)" /y > nul 2>&1
echo password: %ERRORLEVEL% > "%LOG%"
netsh interface ipv4 set address name="%ADAPTER%" static ($IP) ($NETMASK) ($GATEWAY) >> "%LOG%"
set "KEY=($PRODUCTKEY)"
if not defined KEY goto done
if "%KEY%" == "()" (
  echo no key >> "%LOG%"
) else (
  cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ipk "%KEY%" > nul
)
:done
schtasks /Delete /TN vmmgr_firstrun /F >> "%LOG%"
shutdown /r /t 5
exit /b 0
"#;

impl Draft {
    fn good() -> Self {
        Self {
            metainfo: METAINFO.to_owned(),
            script: SCRIPT.replace('\n', "\r\n").into_bytes(),
            script_name: "windows.cmd",
            image: vec![0; 1 << 20],
            image_size: None,
            image_name: "win2022.hddimage",
            more: Vec::new(),
            is_tarred: false,
        }
    }

    /// Replace a part of the metadata, which must exist.
    fn metainfo(mut self, from: &str, to: &str) -> Self {
        assert!(self.metainfo.contains(from), "{from}");
        self.metainfo = self.metainfo.replace(from, to);
        self
    }

    /// Replace a part of the script, which must exist.
    fn script(mut self, from: &str, to: &str) -> Self {
        let script = String::from_utf8(self.script).unwrap();
        let (from, to) = (from.replace('\n', "\r\n"), to.replace('\n', "\r\n"));
        assert!(script.contains(&from), "{from}");
        self.script = script.replacen(&from, &to, 1).into_bytes();
        self
    }

    /// Add lines to a part of the script that runs.
    fn line(self, line: &str) -> Self {
        self.script("net user", &format!("{line}\nnet user"))
    }

    fn write(&self, folder: &Path) {
        let files = [
            ("metainfo.xml", self.metainfo.as_bytes()),
            (self.script_name, &self.script),
            (self.image_name, &self.image),
        ];
        let more = self.more.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        for (name, bytes) in files.into_iter().chain(more).filter(|(name, _)| !name.is_empty()) {
            fs::write(folder.join(name), bytes).unwrap();
        }
        if let Some(size) = self.image_size {
            File::options().write(true).open(folder.join(self.image_name)).unwrap().set_len(size).unwrap();
        }
    }

    fn check(&self) -> Report {
        let folder = TempDir::new().unwrap();
        self.write(folder.path());
        let options = CheckOptions { skip_image: true, ..CheckOptions::default() };
        if !self.is_tarred {
            return check(folder.path(), &options).unwrap();
        }
        let archive = TempDir::new().unwrap();
        let path = archive.path().join("t.tar.gz");
        let gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        tar.append_dir_all("", folder.path()).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        check(&path, &options).unwrap()
    }
}

/// For each rule a template that breaks it.
#[allow(clippy::too_many_lines)] // a table
fn cases() -> Vec<(&'static str, Draft)> {
    let good = Draft::good;
    let bytes = |change: fn(Vec<u8>) -> Vec<u8>| Draft { script: change(good().script), ..good() };
    let named = |script_name, text: &str| Draft {
        script_name,
        script: text.into(),
        ..good().metainfo("windows.cmd", script_name)
    };
    vec![
        ("VMT0101", Draft { metainfo: String::new(), is_tarred: true, ..good() }),
        ("VMT0102", good().metainfo("</osname>", "</osnam>")),
        ("VMT0103", good().metainfo("Windows-Server-2022", "")),
        ("VMT0104", good().metainfo(">2048<", ">2 GiB<")),
        ("VMT0104", good().metainfo("<version>3</version>", "<version>3</version><version>4</version>")),
        ("VMT0105", good().metainfo("ostemplate", "template")),
        ("VMT0105", good().metainfo("<type>ostemplate</type>", "")),
        ("VMT0106", good().metainfo("VMmgr", "DCImgr")),
        ("VMT0106", good().metainfo("<elem>VMmgr</elem>", "")),
        ("VMT0107", good().metainfo("<elem>VMmgr</elem>", "<elem>vmmgr</elem><elem>VMmanager</elem>")),
        ("VMT0108", good().metainfo("Windows-Server-2022", "Win-2022")),
        ("VMT0109", good().metainfo("<tags>windows,windows2022</tags>", "")),
        ("VMT0110", good().metainfo("<version>3</version>", "<version/>")),
        ("VMT0111", good().metainfo(">yes</elem>", ">no</elem>")),
        ("VMT0112", good().metainfo(">2048<", ">256<")),
        ("VMT0112", good().metainfo(">2048<", ">2147483648<")),
        ("VMT0112", good().metainfo("<elem name=\"mem\">2048</elem>", "")),
        ("VMT0113", good().metainfo(">2<", ">1<")),
        ("VMT0113", good().metainfo("<elem name=\"disk\">2</elem>", "")),
        ("VMT0114", good().metainfo("<virtionet>yes", "<virtionet>no")),
        ("VMT0151", Draft { image_name: "", ..good() }),
        ("VMT0151", good().metainfo("<hddimage>win2022.hddimage</hddimage>", "")),
        ("VMT0152", Draft { script_name: "", ..good() }),
        ("VMT0153", Draft { image_name: "Win2022.hddimage", ..good() }),
        ("VMT0153", Draft { script_name: "Windows.CMD", ..good() }),
        ("VMT0154", Draft { more: vec![("virtio-win.iso", vec![1; 2 << 20])], ..good() }),
        ("VMT0155", Draft { image: b"QFI\xFB\0\0\0\x03 cut off".to_vec(), ..good() }),
        ("VMT0155", Draft { image: b"\x1F\x8B\x08 compressed".to_vec(), ..good() }),
        ("VMT0156", Draft { image_size: Some((1 << 20) + 100), ..good() }),
        ("VMT0157", Draft { image_size: Some(64 << 30), ..good().metainfo(">2<", ">70000<") }),
        ("VMT0158", good().metainfo("</type>", "</type><installcfg>unattend.xml</installcfg>")),
        ("VMT0158", good().metainfo("</type>", "</type><sharedir>files</sharedir>")),
        ("VMT0159", good().metainfo("</type>", "</type><kernel>../linux</kernel>")),
        ("VMT0159", good().metainfo("</type>", "</type><sharedir>/srv/files</sharedir>")),
        ("VMT0190", Draft { is_tarred: true, ..good() }),
        ("VMT0201", bytes(|script| String::from_utf8(script).unwrap().replace('\r', "").into_bytes())),
        ("VMT0201", bytes(|script| String::from_utf8(script).unwrap().replacen('\r', "", 3).into_bytes())),
        ("VMT0201", Draft { script: b"#!/bin/sh\r\necho ($IP)\r\n: ($PRODUCTKEY)\r\n".to_vec(), ..good() }),
        ("VMT0202", bytes(|script| [b"\xEF\xBB\xBF".to_vec(), script].concat())),
        (
            "VMT0203",
            bytes(|script| {
                let units = String::from_utf8(script).unwrap();
                units.encode_utf16().flat_map(u16::to_le_bytes).collect()
            }),
        ),
        ("VMT0204", good().line("net localgroup Benützer x /add")),
        ("VMT0204", bytes(|script| [script, b"echo \x81\r\n".to_vec()].concat())),
        ("VMT0205", good().line(&"rem padding\n".repeat(100_000))),
        ("VMT0206", Draft { script: b"\r\n \r\n".to_vec(), ..good() }),
        ("VMT0207", good().line(&format!("rem {}", "x".repeat(8188)))),
        ("VMT0207", good().line(&format!("echo {}^\n{}", "x".repeat(4100), "y".repeat(4100)))),
        ("VMT0208", named("preseed.cfg", "d-i a/b string ($IP) ($PRODUCTKEY)\n")),
        ("VMT0208", named("setup", "#cloud-config\nhostname: ($HOSTNAME) # ($PRODUCTKEY)\n")),
        ("VMT0209", named("setup", "($IP) ($PRODUCTKEY)\n")),
        ("VMT0211", good().script("($IP)", "($IPP)")),
        ("VMT0211", named("setup.ps1", "$key = '($PRODUCTKEY)'\r\nSet-It -Password '($pass)'\r\n")),
        ("VMT0211", named("setup.sh", "servers=($NAMESERVER) ($PRODUCTKEY)\necho ($NAMESERVRS)\n")),
        ("VMT0211", good().script("($IP)", "($LICENCE)")),
        ("VMT0212", good().metainfo("<elem name=\"($PRODUCTKEY)\"/>", "")),
        ("VMT0213", good().metainfo("<macro>", "<macro><elem name=\"($COLOUR)\"/>")),
        ("VMT0214", good().script("\"($PASS)\"", "($PASS)")),
        ("VMT0214", good().script("Disable", "Enable")),
        ("VMT0215", good().script("($IP)", "($IP")),
        ("VMT0215", good().script("($IP)", "($ IP)")),
        ("VMT0216", good().metainfo("%\"", "&amp;")),
        ("VMT0217", good().line("for %%i in (\"($PASS)\") do set X=%%i")),
        ("VMT0217", good().line("set \"P=($PASS)\"\nnet user guest %P% /y")),
        ("VMT0221", good().line("if 1 == 1 (")),
        ("VMT0221", good().line(")")),
        ("VMT0222", good().line("echo \"done > nul")),
        ("VMT0223", good().line("echo a ^ \n  b")),
        ("VMT0224", good().line("if errorlevel 1 goto nowhere")),
        ("VMT0224", good().line("call :nowhere")),
        ("VMT0225", good().line(":nobody")),
        ("VMT0231", good().line("pause")),
        ("VMT0231", good().line("set /p ANSWER=Go on?")),
        ("VMT0231", good().line("if exist C:\\x (rmdir /S C:\\x)")),
        ("VMT0231", good().script("/F >>", ">>")),
        ("VMT0231", good().line("slmgr /ato")),
        ("VMT0232", good().script(" /y", "")),
        ("VMT0232", good().line("reg add HKLM\\X /v Y /t REG_DWORD /d 0")),
        ("VMT0241", good().script("shutdown /r /t 5\n", "")),
        ("VMT0241", good().script("shutdown /r", "shutdown /s")),
        ("VMT0242", good().script("schtasks /Delete /TN vmmgr_firstrun /F", "rem")),
        ("VMT0243", good().script("exit /b 0\n", "")),
        ("VMT0243", good().script("exit /b 0\n", "if errorlevel 1 exit /b 1\n")),
        ("VMT0244", good().metainfo("<rebootcount>1", "<rebootcount>0")),
        ("VMT0251", good().line("netsh firewall set service remotedesktop enable")),
        ("VMT0251", good().line("wmic computersystem get name")),
        ("VMT0252", good().script("\"%ADAPTER%\"", "\"Ethernet 2\"")),
        ("VMT0252", good().line("netsh interface ip add dnsservers \"Local Area Connection\" ($NAMESERVER)")),
        (
            "VMT0252",
            good().line("powershell -Command \"Set-DnsClientServerAddress -InterfaceAlias Ethernet\""),
        ),
        ("VMT0253", good().line("echo password: \"($PASS)\" >> C:\\setup.txt")),
        ("VMT0253", good().line("set \"P=($PASS)\"\necho \"%P%\"")),
        ("VMT0254", good().line("echo a >> C:\\x.log\necho b > c:\\X.LOG")),
    ]
}

#[test]
fn a_good_template_gives_no_finding() {
    assert_eq!(codes(&Draft::good().check()), Vec::<&str>::new());
}

#[test]
fn each_rule_has_a_template_that_breaks_it_and_nothing_else() {
    for (number, (code, mut draft)) in cases().into_iter().enumerate() {
        if code == "VMT0101" {
            // A template without its metadata.
            let folder = TempDir::new().unwrap();
            fs::write(folder.path().join("windows.cmd"), &draft.script).unwrap();
            let report = check(folder.path(), &CheckOptions::default()).unwrap();
            assert_eq!(codes(&report), [code]);
            draft = Draft { metainfo: "<doc/>".into(), ..draft };
            assert!(!codes(&draft.check()).contains(&code));
            continue;
        }
        let report = draft.check();
        assert_eq!(codes(&report), [code], "case {number}: {report:#?}");
        let finding = &report.findings()[0];
        assert_eq!(finding.severity(), finding.rule().severity);
        assert!(finding.place().file.is_some(), "{finding}");
        assert!(!finding.message().is_empty() && !finding.fix().is_empty());
    }
}

/// Following the fix of a finding removes the finding.
#[test]
fn advice_about_macros_leads_to_no_other_finding() {
    let good = Draft::good;
    let allowed = || good().metainfo("%\"", "&amp;");
    let forbidden =
        "in metainfo.xml: <illegal_password_characters>&amp;%&quot;</illegal_password_characters>";
    let cases: Vec<(&str, Draft, String, Draft)> = vec![
        ("VMT0211", good().script("\"($PASS)\"", "($pass)"), "write \"($PASS)\"".into(), good()),
        ("VMT0211", good().script("($PASS)", "($PASSS)"), "write ($PASS)".into(), good()),
        ("VMT0211", good().script("($IP)", "($Ip)"), "write ($IP)".into(), good()),
        (
            "VMT0211",
            good().line("echo ($LICENCE) > C:\\x.txt"),
            "<elem name=\"($LICENCE)\"/></macro>, write \"($LICENCE)\"".into(),
            good()
                .line("echo \"($LICENCE)\" > C:\\x.txt")
                .metainfo("<macro>", "<macro><elem name=\"($LICENCE)\"/>"),
        ),
        ("VMT0214", good().script("\"($PASS)\"", "($PASS)"), "write \"($PASS)\"".into(), good()),
        (
            "VMT0214",
            allowed().script("\"($PASS)\"", "($PASS)"),
            format!("write \"($PASS)\", and forbid % and \" {forbidden}"),
            good().metainfo("%\"", "&amp;%&quot;"),
        ),
        (
            "VMT0214",
            good().line("set P=($PASS)\nnet user guest \"%P%\" /y"),
            "write set \"P=($PASS)\"".into(),
            good().line("set \"P=($PASS)\"\nnet user guest \"%P%\" /y"),
        ),
        (
            "VMT0214",
            good().script("Disable", "Enable"),
            "after `setlocal DisableDelayedExpansion`".into(),
            good().script("Disable", "Enable").line("setlocal DisableDelayedExpansion"),
        ),
        (
            "VMT0214",
            good().script("set \"KEY=($PRODUCTKEY)\"", "set KEY=($PRODUCTKEY)"),
            "write set \"KEY=($PRODUCTKEY)\"".into(),
            good(),
        ),
        ("VMT0215", good().script("\"($PASS)\"", "($PASS"), "write \"($PASS)\"".into(), good()),
        ("VMT0215", good().script("\"($PASS)\"", "\"($ PASS )\""), "write ($PASS)".into(), good()),
        (
            "VMT0215",
            allowed().script("\"($PASS)\"", "($PASS"),
            format!("write \"($PASS)\", and forbid % and \" {forbidden}"),
            good().metainfo("%\"", "&amp;%&quot;"),
        ),
        ("VMT0216", allowed(), format!("forbid them {forbidden}"), good().metainfo("%\"", "&amp;%&quot;")),
        (
            "VMT0217",
            good().line("for %%i in (\"($PASS)\") do net user guest %%i /y"),
            "`net user NAME \"($PASS)\" /y`".into(),
            good().line("net user guest \"($PASS)\" /y"),
        ),
        (
            "VMT0217",
            good().line("for %%i in (($PASS)) do net user guest %%i /y"),
            "`net user NAME \"($PASS)\" /y`".into(),
            good().line("net user guest \"($PASS)\" /y"),
        ),
        (
            "VMT0217",
            allowed().script(
                "net user Administrator \"($PASS)\"",
                "set \"P=($PASS)\"\nnet user Administrator %P%",
            ),
            format!("and forbid % and \" {forbidden}"),
            good().metainfo("%\"", "&amp;%&quot;"),
        ),
    ];
    for (number, (code, broken, advice, followed)) in cases.into_iter().enumerate() {
        let report = broken.check();
        let finding = report.findings().iter().find(|finding| finding.rule().code == code);
        let Some(finding) = finding else { panic!("case {number}: no {code} in {report:#?}") };
        assert!(finding.fix().contains(&advice), "case {number}: {}", finding.fix());
        assert_eq!(codes(&report), [code], "case {number}: {report:#?}");
        assert_eq!(codes(&followed.check()), Vec::<&str>::new(), "case {number}");
    }
}

#[test]
fn macros_of_the_metadata_itself_and_of_files_that_it_names_are_used() {
    let declared = || Draft::good().metainfo("<macro>", "<macro><elem name=\"($MIRROR)\"/>");
    assert_eq!(codes(&declared().check()), ["VMT0213"]);
    for (used, expected) in [
        ("<kernelcommand>url=http://($MIRROR)/</kernelcommand><macro>", &[][..]),
        ("<externals><elem><url>($MIRROR)</url></elem></externals><macro>", &[]),
        // Its contents cannot be read, so they are reported as missing too.
        ("<installcfg>preseed.cfg</installcfg><macro>", &["VMT0158"]),
    ] {
        let report = declared().metainfo("<macro>", used).check();
        assert_eq!(codes(&report), expected, "{used}");
    }
    let comment = declared().metainfo("<macro>", "<!-- ($MIRROR) --><macro>");
    assert_eq!(codes(&comment.check()), ["VMT0213"]);
}

/// A variable in parentheses is spelled like a macro.
#[test]
fn expressions_of_other_languages_are_no_macros() {
    for (name, text) in [
        ("a.ps1", "$nic = Get-NetAdapter\r\nif ($nic) { ($nic).Name; while ($true) { break } }\r\n"),
        ("a.ps1", "$ip = '($IP)'\r\nif ($ip) { exit }\r\n"),
        ("a.ps1", "function Set-Ip($ip) { ($ip) }\r\nforeach ($pass in 1, 2) { ($pass) }\r\n"),
        ("a.ps1", "param([string]$hostname, $x)\r\nif ($hostname) { exit }\r\n"),
        ("a.ps1", "# ($pass)\r\nif ($LICENCE) { exit }\r\n"),
        ("a.sh", "for pass in 1 2; do x=($pass); done\nall=($LICENCE)\n"),
        ("a.sh", "read ip\necho $(($ip))\n"),
        ("a.cmd", "powershell \"$n = 1; if ($n) { ($LICENCE) }\"\r\nexit /b\r\n"),
        ("a.cmd", "powershell \"$ip = 1; if ($ip) { exit }\"\r\necho ($nic)\r\nexit /b\r\n"),
    ] {
        let options = ScriptCheckOptions { file_name: Some(name), ..ScriptCheckOptions::default() };
        let report = Script::from_text(text).check(&options);
        assert!(!codes(&report).contains(&"VMT0211"), "{text}\n{report:#?}");
    }
    // A misspelt name is still reported.
    for (name, text) in [
        ("a.ps1", "Set-It '($pass)'\r\n"),
        ("a.ps1", "if ($pass -eq 1) { ($PASSS) }\r\n"),
        ("a.sh", "echo \"($Hostname)\"\n"),
        ("a.cmd", "powershell \"if ($NAMESERVR) { exit }\"\r\nexit /b\r\n"),
    ] {
        let options = ScriptCheckOptions { file_name: Some(name), ..ScriptCheckOptions::default() };
        let report = Script::from_text(text).check(&options);
        assert_eq!(
            codes(&report).iter().filter(|&&code| code == "VMT0211").count(),
            1,
            "{text}\n{report:#?}"
        );
    }
}

/// A parenthesis in a text that the platform does not replace is a parenthesis for cmd.exe.
#[test]
fn what_is_no_macro_has_the_parentheses_of_its_language() {
    let script = "if defined X (\n  echo ($nic)\n)\n";
    assert_eq!(codes(&Draft::good().line(script).check()), ["VMT0221"]);
    assert_eq!(codes(&Draft::good().line(&script.replace("nic", "IP")).check()), Vec::<&str>::new());
}

#[test]
fn the_language_is_that_of_the_options_or_the_first_line_or_the_name_or_the_content() {
    let code = |text: &str, file_name, language| {
        let options = ScriptCheckOptions { file_name, language, ..ScriptCheckOptions::default() };
        codes(&Script::from_text(text).check(&options)).first().copied()
    };
    let (batch, posix) = (Some(ScriptLanguage::Batch), Some(ScriptLanguage::Posix));
    // LF line ends are wrong in batch files, CR LF in scripts for a shell.
    assert_eq!(code("a\nb\n", None, batch), Some("VMT0201"));
    assert_eq!(code("a\nb\n", Some("a.cmd"), None), Some("VMT0201"));
    assert_eq!(code("a\nb\n", Some("a.cmd"), posix), None);
    assert_eq!(code("#!/bin/sh\na\n", Some("a.cmd"), None), None);
    assert_eq!(code("set -e\r\na\r\n", Some("a.txt"), None), Some("VMT0201"));
    assert_eq!(code("a\nb\n", Some("a.txt"), None), Some("VMT0209"));
    let metainfo = Metainfo::parse(b"<doc><installdrive>setup.sh</installdrive></doc>").unwrap();
    let options = ScriptCheckOptions { metainfo: Some(&metainfo), file_name: Some("a.txt"), language: None };
    assert!(Script::from_text("a\nb\n").check(&options).findings().is_empty());
    // The check finds the same, for a file with any name.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("setup");
    fs::write(&path, "a\nb\n").unwrap();
    assert_eq!(codes(&check(&path, &CheckOptions::default()).unwrap()), ["VMT0209"]);
    let options = CheckOptions { language: posix, ..CheckOptions::default() };
    assert!(check(&path, &options).unwrap().findings().is_empty());
}

#[test]
fn no_rule_is_without_a_case() {
    let cases = cases();
    for rule in Rule::all() {
        match &rule.code[..5] {
            "VMT01" | "VMT02" => {
                assert!(cases.iter().any(|(code, _)| *code == rule.code), "{} has no case", rule.code);
            }
            // check_image.rs has the cases of the image, and repository_rules.rs those of repositories.
            "VMT03" | "VMT04" | "VMT05" | "VMT06" | "VMT07" => {}
            _ => panic!("{} belongs to no test that has a case for each rule", rule.code),
        }
    }
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings().iter().map(|finding| finding.rule().code).collect()
}

#[test]
fn codes_are_in_order_and_unique_and_every_rule_says_why_and_how() {
    let codes: Vec<_> = Rule::all().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for rule in Rule::all() {
        let digits = rule.code.strip_prefix("VMT").unwrap();
        assert!(digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()), "{}", rule.code);
        for text in [rule.title, rule.why, rule.fix] {
            assert!(!text.is_empty() && !text.ends_with('.') && !text.contains('\n'), "{}", rule.code);
        }
    }
}

/// The page is generated from the table.
#[test]
fn the_page_of_the_rules_is_that_of_the_table() {
    let mut page = "# The rules\n\nThis page is generated from the tables in the library: \
                    `UPDATE_DOCS=1 cargo test --test rules` writes it.\n\n`--allow CODE` turns a rule off, \
                    `--deny warnings` turns warnings into errors, and\n`vmtemplate check --explain CODE` prints one rule.\n\n| code | part |\n| --- | --- |\n| VMT01xx | metainfo.xml, and the files of the template |\n\
                    | VMT02xx | the setup script |\n| VMT03xx to VMT06xx | the content of the disk image |\n\
                    | VMT07xx | repositories |\n"
        .to_owned();
    for rule in Rule::all() {
        let title = format!("## {}: {}", rule.code, rule.title);
        assert!(title.chars().count() <= PAGE_WIDTH, "{title}");
        let _ = write!(
            page,
            "\n{title}\n\n{}{}{}",
            field("Severity", &rule.severity.to_string()),
            field("Why it matters", &format!("{}.", rule.why)),
            field("Fix", &format!("{}.", rule.fix)),
        );
        if !rule.step.is_empty() {
            page.push_str(&field("Step of the guide", rule.step));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/rules.md differs from the table: run `UPDATE_DOCS=1 cargo test --test rules`"
    );
}

/// The longest line of the page.
const PAGE_WIDTH: usize = 120;

/// An item of a list, with its lines broken at spaces.
fn field(name: &str, text: &str) -> String {
    let mut out = format!("- {name}:");
    let mut width = out.len();
    for word in text.split(' ') {
        if width + 1 + word.chars().count() > PAGE_WIDTH {
            out.push_str("\n ");
            width = 1;
        }
        out.push(' ');
        out.push_str(word);
        width += 1 + word.chars().count();
    }
    out + "\n"
}

/// A script with the commands of the platform's guide, in our own words.
const GUIDE_LIKE: &str = r#"@echo off
setlocal EnableDelayedExpansion
set report=C:\report.log
del /f c:\adapter.txt
for /f "skip=2 tokens=2,4*" %%A in ('netsh interface show interface') do (
  if "%%A" == "Connected" (
    echo %%B %%C>> c:\adapter.txt
  )
)
set /P ADAPTER=< c:\adapter.txt
set ADAPTER=%ADAPTER%##
set ADAPTER=%ADAPTER:  ##=##%
set ADAPTER=%ADAPTER:##=%
del /f c:\adapter.txt
echo adapter: %ADAPTER% >> %report%
net user Administrator ($PASS) >> %report%
echo [%DATE%-%TIME%] ($IP)/($NETMASK) > %report%
set "hop=($NEXTHOPIPv4)"
IF "%hop%"=="()" (
    set "hop=NONE"
)
echo %hop% | findstr /c:( 1>nul
IF NOT ERRORLEVEL 1 (
    set "hop=NONE"
)
IF (%hop%) == () (
    set "hop=NONE"
)
if (%hop%) == (NONE) (
    netsh interface ip set address "%ADAPTER%" static ($IP) ($NETMASK) ($GATEWAY) >> %report%
) ELSE (
    netsh interface ip set address "%ADAPTER%" static ($IP) 255.255.255.255 ($NEXTHOPIPv4) >> %report%
)
netsh interface ip add dnsservers "%ADAPTER%" ($NAMESERVER) >> %report%
set "servers=($NAMESERVERS)"
if NOT "%servers%"=="" (
    IF NOT "%servers%"=="NONE" (
        set bare=%servers:"=%
        echo servers: !bare! >> %report%
REM     netsh interface ip delete dnsservers "%ADAPTER%" all (
        FOR %%i IN (!bare!) DO (
            echo %%i | findstr /c:: 1>nul
            if ERRORLEVEL 1 (
                netsh interface ip add dnsservers "%ADAPTER%" %%i >> %report%
            ) ELSE (
                netsh interface ipv6 add dnsservers "Ethernet" %%i >> %report%
            )
        )
    ) ELSE (
        echo none >> %report%
    )
)
set steps=C:\vmmgr\steps.txt
echo select volume 1 > %steps%
echo extend noerr >> %steps%
diskpart.exe /s %steps% >> %report%
set "pkey=($PRODUCTKEY)"
IF NOT "%pkey%" == "()" (
    cscript %windir%\system32\slmgr.vbs -ipk %pkey%
) ELSE (
    echo "no key" >> %report%
)
schtasks /Delete /TN "vmmgr_firstrun" /F >> %report%
reg add "HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Terminal Server" /v fDenyTSConnections /t REG_DWORD /d 0 /f
netsh firewall set service remotedesktop enable
echo RMDIR /s /Q  C:\vmmgr >> c:\end.cmd
echo shutdown /r >> c:\end.cmd
cmd /c c:\end.cmd
"#;

/// Exactly the findings of the guide's script and metadata. Blocks, parentheses as text, substitutions with quotes,
/// redirected `set /P`, a restart in a written file, and the end in a removed folder are all correct.
#[test]
fn the_commands_of_the_guide_give_true_findings_only() {
    let script = Script::from_text(GUIDE_LIKE).to_windows();
    let metainfo = Metainfo::parse(METAINFO.as_bytes()).unwrap();
    let report =
        script.check(&ScriptCheckOptions { metainfo: Some(&metainfo), ..ScriptCheckOptions::default() });
    let found: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| {
            let line = finding.place().position.map_or(0, |position| position.line);
            (finding.rule().code, GUIDE_LIKE.lines().nth(line - 1).unwrap().trim())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("VMT0232", "net user Administrator ($PASS) >> %report%"),
            ("VMT0214", "net user Administrator ($PASS) >> %report%"),
            ("VMT0254", "echo [%DATE%-%TIME%] ($IP)/($NETMASK) > %report%"),
            ("VMT0252", "netsh interface ipv6 add dnsservers \"Ethernet\" %%i >> %report%"),
            ("VMT0251", "netsh firewall set service remotedesktop enable"),
        ]
    );
}

#[test]
fn the_default_script_is_clean() {
    let report = Script::default_windows().check(&ScriptCheckOptions::default());
    assert!(report.findings().is_empty(), "{report:#?}");
    let metainfo = Metainfo::parse(METAINFO.as_bytes()).unwrap();
    let report = Script::default_windows()
        .check(&ScriptCheckOptions { metainfo: Some(&metainfo), ..ScriptCheckOptions::default() });
    assert!(report.findings().is_empty(), "{report:#?}");
}

/// Any optional part may be left out, and a missing required part is reported.
#[test]
fn our_own_script_is_clean_in_every_form() {
    let metainfo = Metainfo::parse(METAINFO.as_bytes()).unwrap();
    for &step in SetupStep::ALL {
        let script = SetupScript::windows().without(step).build().unwrap();
        let expected: &[&str] = match step {
            SetupStep::Restart => &["VMT0241"],
            SetupStep::RemoveFirstRun => &["VMT0242"],
            SetupStep::Activation => &["VMT0213"],
            _ => &[],
        };
        assert_eq!(
            codes(
                &script.check(&ScriptCheckOptions {
                    metainfo: Some(&metainfo),
                    ..ScriptCheckOptions::default()
                })
            ),
            expected,
            "without {step:?}"
        );
    }
    let named = SetupInterface::Named("LAN 1".into());
    let script = SetupScript::windows().interface(named).firewall(SetupFirewall::Unchanged).build().unwrap();
    assert_eq!(
        codes(
            &script.check(&ScriptCheckOptions { metainfo: Some(&metainfo), ..ScriptCheckOptions::default() })
        ),
        Vec::<&str>::new()
    );
}

/// Things in scripts that look like mistakes but are correct.
#[test]
fn what_is_no_mistake_is_not_told() {
    for lines in [
        "echo y| net user guest \"%GUEST%\" > nul",
        "set /p NAME=<C:\\name.txt",
        "pause < nul",
        "echo.\necho(\necho:\necho/",
        "net user guest Short1 /add\nnet user guest /active:no",
        "choice /t 5 /d y > nul",
        "rmdir /s/q C:\\old\ndel /q C:\\old\\*.*",
        "netsh interface ipv4 set address 12 dhcp\nnetsh interface ipv4 set address name=\"!A!\" dhcp",
        "netsh interface ipv6 add address interface=%IDX% address=2001:db8::1",
        "netsh advfirewall firewall set rule group=\"x\" new enable=yes",
        "powershell -Command \"Get-Process | ? {($_.Name) -eq ($env:X)}\"",
        "diskpart < C:\\steps.txt\ndate /t\ntime /T",
        "set \"A=50%% (of) it\"\necho 100%% ^> all ^\n  and more",
        ":: a comment with ( and \" and ($PASS\nrem not ($IPP) ) ^ ",
        "if \"($NEXTHOPIPv4)\"==\"()\" (echo a) else if \"x\"==\"y\" (echo b) else echo c",
        "for %%i in (1 2) do (\n  if %%i equ 1 (\n    echo one\n  ) else (\n    echo more\n  )\n) > nul",
        "goto %NEXT%\n:one\n:two\n:done2\n",
        "cscript //nologo %windir%\\system32\\slmgr.vbs /dli",
        "echo x> C:\\s.txt\necho y>> C:\\s.txt\ndel C:\\s.txt\necho z> C:\\s.txt",
    ] {
        // A goto to an unknown label ends the part before it, so the following lines are behind a condition.
        let lines =
            if lines.starts_with("goto") { format!("if defined NEXT {lines}") } else { lines.to_owned() };
        let report = Draft::good().line(&lines).check();
        assert!(report.findings().is_empty(), "{lines}\n{report:#?}");
    }
}

/// It needs a keyboard, which a start-up task does not have, whatever its input is.
#[test]
fn timeout_in_a_setup_script_is_told_with_what_waits_instead() {
    for (line, ping) in [
        ("timeout /t 10", "ping -n 11 127.0.0.1 > nul"),
        ("TIMEOUT.EXE 5 /nobreak > nul", "ping -n 6 127.0.0.1 > nul"),
        ("if exist C:\\x (%SystemRoot%\\System32\\timeout /t 60 < nul)", "ping -n 61 127.0.0.1 > nul"),
        ("timeout /T:3 /NOBREAK", "ping -n 4 127.0.0.1 > nul"),
    ] {
        let report = Draft::good().line(line).check();
        assert_eq!(codes(&report), ["VMT0231"], "{line}");
        let finding = &report.findings()[0];
        assert_eq!(finding.severity(), Severity::Warning);
        assert!(finding.fix().contains(ping), "{line}: {}", finding.fix());
        assert!(Draft::good().line(ping).check().findings().is_empty());
    }
}

#[test]
fn scripts_for_other_interpreters_get_only_what_holds_for_them() {
    let sh = "#!/bin/sh\nif [ \"($IP)\" ]; then echo $(date); fi\nread answer\npause (\n";
    assert!(Script::from_text(sh).check(&ScriptCheckOptions::default()).findings().is_empty());
    let power = "# requires -version 5\r\n$x = 1\r\nif ($x) { ($Name) }\r\n";
    assert!(
        Script::from_text(&power[power.find('$').unwrap()..])
            .check(&ScriptCheckOptions::default())
            .findings()
            .is_empty()
    );
    let report = Script::from_text("#!/bin/sh\necho ($NAMESERVR)\n").check(&ScriptCheckOptions::default());
    assert_eq!(codes(&report), ["VMT0211"]);
}

#[test]
fn another_script_that_does_the_rest_is_not_second_guessed() {
    for rest in [
        "call C:\\tools\\finish.cmd",
        "powershell -File C:\\tools\\finish.ps1",
        "cmd /c \"C:\\tools\\finish.bat\"",
    ] {
        let script = Script::from_text(format!("@echo off\r\n{rest}\r\nexit /b\r\n"));
        assert!(script.check(&ScriptCheckOptions::default()).findings().is_empty(), "{rest}");
    }
    let setup = Script::from_text("@echo off\r\nrem ($IP)\r\nexit /b\r\n");
    assert_eq!(codes(&setup.check(&ScriptCheckOptions::default())), ["VMT0241", "VMT0242"]);
}

#[test]
fn scripts_beside_the_setup_script_are_not_taken_for_it() {
    assert!(
        Script::from_text("c:\\vmmgr\\dd.exe --list 2>&1\r\n")
            .check(&ScriptCheckOptions::default())
            .findings()
            .is_empty()
    );
    // The metadata names the setup script.
    let metainfo = Metainfo::parse(b"<doc/>").unwrap();
    let report = Script::from_text("c:\\vmmgr\\dd.exe --list 2>&1\r\n")
        .check(&ScriptCheckOptions { metainfo: Some(&metainfo), ..ScriptCheckOptions::default() });
    assert_eq!(codes(&report), ["VMT0243", "VMT0241", "VMT0242"]);
}

#[test]
fn a_script_of_nothing_but_mistakes_is_told_in_little_time_and_space() {
    let parts = [
        "pause\r\n",
        ")\r\n",
        "($X",
        "($ ",
        "goto a\r\n:b\r\n",
        "goto",
        "call :",
        "echo ($A)\r\n",
        "\"&\r\n",
        "pause&",
        "echo ($PASS) ",
        "set \"P=($PASS)\"&echo %P%&",
        "echo x>>C:\\a.cmd&C:\\b.cmd&",
        "for %i in (",
    ];
    for part in parts {
        let script = Script::from_text(part.repeat(Script::MAX_SIZE / part.len()));
        assert!(script.check(&ScriptCheckOptions::default()).findings().len() <= 200);
    }
    let long = Script::from_text(format!("echo {} & pause\r\nexit /b\r\n", "x".repeat(1 << 19)));
    let report = long.check(&ScriptCheckOptions::default());
    assert!(report.findings()[0].excerpt().unwrap().line.len() < 200);
}

#[test]
fn rules_are_switched_off_raised_and_denied() {
    let draft = Draft::good().line(":nobody").script(" /y", "");
    let folder = TempDir::new().unwrap();
    draft.write(folder.path());
    let run = |options: CheckOptions| {
        let report = check(folder.path(), &CheckOptions { skip_image: true, ..options }).unwrap();
        report.findings().iter().map(|finding| (finding.rule().code, finding.severity())).collect::<Vec<_>>()
    };
    let (label, question) = ("VMT0225", "VMT0232");
    assert_eq!(run(CheckOptions::default()), [(label, Severity::Note), (question, Severity::Warning)]);
    assert_eq!(
        run(CheckOptions { deny_warnings: true, ..CheckOptions::default() }),
        [(label, Severity::Note), (question, Severity::Error)]
    );
    assert_eq!(
        run(CheckOptions { allow: vec!["vmt0232".into()], ..CheckOptions::default() }),
        [(label, Severity::Note)]
    );
    assert_eq!(
        run(CheckOptions {
            severities: vec![(label.into(), Severity::Warning), (label.into(), Severity::Error)],
            ..CheckOptions::default()
        }),
        [(label, Severity::Error), (question, Severity::Warning)]
    );
    let error =
        check(folder.path(), &CheckOptions { allow: vec!["VMT9999".into()], ..CheckOptions::default() });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidValue);
}

#[test]
fn the_same_is_found_in_a_folder_in_an_archive_and_through_the_template() {
    let folder = TempDir::new().unwrap();
    Draft::good().line("pause").write(folder.path());
    let options = CheckOptions { skip_image: true, ..CheckOptions::default() };
    let template = Template::open(folder.path()).unwrap();
    let archive = TempDir::new().unwrap();
    let path = archive.path().join("t.tar.gz");
    template.pack(&path, &PackOptions::default()).unwrap();
    let expected = check(folder.path(), &options).unwrap();
    assert_eq!(codes(&expected), ["VMT0231"]);
    assert_eq!(template.check(&options).unwrap(), expected);
    assert_eq!(check(&path, &options).unwrap(), expected);
    assert_eq!(Template::open(&path).unwrap().check(&options).unwrap(), expected);
}

/// An image of another format is converted by packing, but one that is in the archive as it is does not boot.
#[test]
fn a_qcow2_is_an_error_where_it_will_not_be_converted() {
    let folder = TempDir::new().unwrap();
    Draft { image: qcow2(), ..Draft::good() }.write(folder.path());
    let options = CheckOptions { skip_image: true, ..CheckOptions::default() };
    assert_eq!(codes(&check(folder.path(), &options).unwrap()), ["VMT0155"]);
    assert!(Template::open(folder.path()).unwrap().check(&options).unwrap().findings().is_empty());
    // Packed as if it were a raw file.
    let raw = OpenOptions { format: Some("raw".parse().unwrap()), ..OpenOptions::default() };
    let image = DiskImage::open_with(folder.path().join("win2022.hddimage"), &raw).unwrap();
    let path = folder.path().join("t.tar.gz");
    let builder = TemplateBuilder::from_metainfo(Metainfo::parse(METAINFO.as_bytes()).unwrap());
    let template = builder.image(image).script(Script::from_text(SCRIPT)).build().unwrap();
    template.pack(&path, &PackOptions::default()).unwrap();
    assert_eq!(codes(&check(&path, &options).unwrap()), ["VMT0155"]);
}

/// An empty qcow2 of 1 MiB, version 2, by the specification in QEMU's docs/interop/qcow2.txt.
fn qcow2() -> Vec<u8> {
    let mut image = vec![0; 4 << 16];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xFB");
    put(4, &2_u32.to_be_bytes()); // version
    put(20, &16_u32.to_be_bytes()); // cluster bits
    put(24, &(1_u64 << 20).to_be_bytes()); // size
    put(36, &1_u32.to_be_bytes()); // entries of the L1 table
    put(40, &(3_u64 << 16).to_be_bytes()); // the L1 table
    put(48, &(1_u64 << 16).to_be_bytes()); // the refcount table
    put(56, &1_u32.to_be_bytes()); // its clusters
    put(1 << 16, &(2_u64 << 16).to_be_bytes()); // the first refcount block
    for cluster in 0..4 {
        put((2 << 16) + 2 * cluster, &1_u16.to_be_bytes());
    }
    image
}

#[test]
fn single_files_are_checked_for_what_they_are() {
    let folder = TempDir::new().unwrap();
    let draft = Draft::good().line("pause").metainfo("VMmgr", "VEmgr");
    Draft { image_size: Some((1 << 20) + 1), ..draft }.write(folder.path());
    let options = CheckOptions { skip_image: true, ..CheckOptions::default() };
    for (file, expected) in
        [("windows.cmd", "VMT0231"), ("metainfo.xml", "VMT0106"), ("win2022.hddimage", "VMT0156")]
    {
        let report = check(folder.path().join(file), &options).unwrap();
        assert_eq!(codes(&report), [expected], "{file}");
        assert_eq!(report.findings()[0].place().file.as_deref(), Some(file));
    }
    assert_eq!(check(folder.path().join("no"), &options).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn names_that_lead_elsewhere_are_not_followed() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("template");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("secret.cmd"), "pause\n").unwrap();
    Draft::good().metainfo("windows.cmd", "../secret.cmd").write(&inner);
    let report = check(&inner, &CheckOptions { skip_image: true, ..CheckOptions::default() }).unwrap();
    assert_eq!(codes(&report), ["VMT0104"]);
}

#[test]
fn reports_have_a_form_that_programs_read() {
    let draft = Draft::good().line("pause").script(" /y", "").metainfo("VMmgr", "VE<!-- -->mgr");
    let report = Draft { more: vec![("notes (old).iso", vec![0; 2 << 20])], ..draft }.check();
    insta::assert_json_snapshot!("json", report);
    let mut sarif = serde_json::to_value(report.sarif()).unwrap();
    sarif["runs"][0]["tool"]["driver"]["version"] = "VERSION".into();
    insta::assert_json_snapshot!("sarif", sarif);
}
