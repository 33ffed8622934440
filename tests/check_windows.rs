//! What a check reads from the registry and the files of Windows: drivers, firewall, tasks, values, and damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::ops::Range;
use std::sync::Arc;

use vmtemplate::disk::{DiskSource, Extent, ExtentKind, RegistryHive};
use vmtemplate::report::{CheckOptions, Finding, Severity, WindowsInfo};
use vmtemplate::{DiskImage, Error, ErrorKind, Report, Script, Template};
use vmtemplate_test_support::ntfs;
use vmtemplate_test_support::registry::{Key, utf16};
use vmtemplate_test_support::windows_disk::{
    self, BIOS, UEFI, WindowsDisk, check, findings, set, set_text, set_u32,
};
use vmtemplate_test_support::{has_tool, run};

const CONTROL: &str = r"ControlSet001\Control";
const SERVICES: &str = r"ControlSet001\Services";
const FIREWALL: &str = r"ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy";
const VERSION: &str = r"Microsoft\Windows NT\CurrentVersion";

/// A script without steps that could make up for what the image lacks.
const PLAIN: &str = "@echo off\r\nnet user Administrator \"($PASS)\"\r\nshutdown /r\r\nexit /b\r\n";

fn disk_with(hive: &str, change: impl FnOnce(&mut Key)) -> WindowsDisk {
    let mut disk = BIOS.disk();
    disk.registry(hive, change);
    disk
}

#[test]
fn the_volume_of_windows_is_found_with_its_hives() {
    for kind in [BIOS, UEFI] {
        let windows = kind.disk().image().windows().unwrap();
        assert!(windows.file("Windows/System32/config/SYSTEM").unwrap().size() > 0);
        let software = RegistryHive::of_windows(&windows, "software").unwrap();
        let product = software.key(VERSION).unwrap().unwrap().string("ProductName").unwrap();
        assert!(product.unwrap().starts_with("Windows"));
        let missing = RegistryHive::of_windows(&windows, "NOSUCH").unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
    let none = DiskImage::from_bytes(vec![0; 1 << 20]).windows().unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    assert!(none.help().is_some());
}

/// The codes of a check of the disk, each with its message.
fn told(disk: WindowsDisk, script: &str) -> Vec<(&'static str, String)> {
    let report = check(disk.image(), Some(script), 2048);
    findings(&report).iter().map(|finding| (finding.rule().code, finding.message().to_owned())).collect()
}

/// The only finding of a check of the disk.
fn only(report: &Report) -> &Finding {
    let found = findings(report);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0]
}

#[test]
fn a_driver_is_looked_for_where_its_service_starts_it_from() {
    // In the driver store, where virtio-win has installed since 2024, in every way to write the path.
    for image in [
        r"\SystemRoot\System32\drivers\viostor.syt",
        r"System32\drivers\viostor.syt",
        r"\??\C:\Windows\System32\drivers\viostor.syt",
        r"%SystemRoot%\System32\drivers\viostor.syt",
    ] {
        let path = format!(r"{SERVICES}\viostor");
        let mut disk = disk_with("SYSTEM", |root| set_text(root, &path, "ImagePath", image));
        disk.rename("viostor.sys", "viostor.syt");
        assert_eq!(told(disk, PLAIN), [], "{image}");
    }
    // Without a path, or with a path to an unknown volume, the usual path applies.
    for image in [None, Some(r"\Device\HarddiskVolume9\viostor.sys")] {
        let disk = disk_with("SYSTEM", |root| {
            windows_disk::remove(root, &format!(r"{SERVICES}\viostor"));
            set_u32(root, &format!(r"{SERVICES}\VIOSTOR"), "Start", 0);
            if let Some(image) = image {
                set_text(root, &format!(r"{SERVICES}\VIOSTOR"), "ImagePath", image);
            }
        });
        assert_eq!(told(disk, PLAIN), [], "{image:?}");
    }
}

/// Drivers of virtio-win since 2024 on Windows 11 and Server 2025: none is in `System32\\drivers`.
#[test]
fn drivers_that_live_in_the_driver_store_are_found() {
    let store = r"System32\DriverStore\FileRepository";
    let drivers =
        [("viostor", "viostor"), ("netkvm", "netkvm"), ("VirtioSerial", "vioser"), ("BALLOON", "balloon")];
    let folder = |file: &str| format!("{file}.inf_amd64_0123456789abcdef");
    let mut disk = disk_with("SYSTEM", |root| {
        for (service, file) in drivers {
            let image = format!(r"\SystemRoot\{store}\{}\{file}.sys", folder(file));
            set_text(root, &format!(r"{SERVICES}\{service}"), "ImagePath", &image);
        }
    });
    let is_mounted = disk.mount_system_volume(|root| {
        let windows = root.join("Windows");
        for (_, file) in drivers {
            let package = windows.join(store.replace('\\', "/")).join(folder(file));
            std::fs::create_dir_all(&package).unwrap();
            let driver = windows.join(format!("System32/drivers/{file}.sys"));
            std::fs::rename(driver, package.join(format!("{file}.sys"))).unwrap();
        }
    });
    if !is_mounted {
        return;
    }
    assert_eq!(told(WindowsDisk { bytes: disk.bytes.clone() }, PLAIN), []);

    // A package without a service is installed when the device is detected, which is too late for the disk only.
    disk.registry("SYSTEM", |root| {
        for (service, _) in drivers {
            windows_disk::remove(root, &format!(r"{SERVICES}\{service}"));
        }
    });
    let message = "the driver viostor has no service; 0, start by the boot loader, was expected";
    assert_eq!(told(disk, PLAIN), [("VMT0511", message.to_owned())]);
}

#[test]
fn the_agent_is_found_behind_every_form_of_its_command() {
    for command in [
        r"C:\Program Files\Qemu-ga\qemu-ga.exe -d --retry-path",
        r"C:\Program Files\Qemu-ga\qemu-ga -d",
        r#""%ProgramFiles%\Qemu-ga\qemu-ga.exe" -d"#,
        r"\??\C:\Program Files\Qemu-ga\qemu-ga.exe",
    ] {
        let path = format!(r"{SERVICES}\QEMU-GA");
        assert_eq!(
            told(disk_with("SYSTEM", |root| set_text(root, &path, "ImagePath", command)), PLAIN),
            [],
            "{command}"
        );
    }
    let path = format!(r"{SERVICES}\QEMU-GA");
    let command = r#""C:\no\qemu-ga.exe" -d"#;
    let disk = disk_with("SYSTEM", |root| set_text(root, &path, "ImagePath", command));
    let message = r#"the service starts `"C:\no\qemu-ga.exe" -d`, which does not exist"#;
    assert_eq!(told(disk, PLAIN), [("VMT0521", message.to_owned())]);
}

/// A rule for Remote Desktop with these fields in place of those of the good disk.
fn firewall_rule(fields: &str) -> WindowsDisk {
    let rule = format!("v2.28|Action=Allow|Active=TRUE|Dir=In|Protocol=6|{fields}");
    let path = format!(r"{FIREWALL}\FirewallRules");
    disk_with("SYSTEM", |root| set_text(root, &path, "RemoteDesktop-UserMode-In-TCP", &rule))
}

#[test]
fn a_rule_for_other_networks_leaves_that_of_a_new_machine_shut() {
    let disk = || firewall_rule("LPort=3389|Profile=Domain|Profile=Private|");
    let message = "the rules for Remote Desktop are active only for Domain and Private networks; the network of a new \
                   machine is Public";
    let report = check(disk().image(), Some(PLAIN), 2048);
    assert_eq!((only(&report).rule().code, only(&report).message()), ("VMT0631", message));
    assert!(only(&report).fix().contains("netsh advfirewall firewall add rule"));
    // A script that enables the group does not change profiles; one that adds a rule opens the port.
    let enable = "netsh advfirewall firewall set rule group=\"@FirewallAPI.dll,-28752\" new enable=yes\r\n";
    assert_eq!(told(disk(), &format!("{enable}{PLAIN}")), [("VMT0631", message.to_owned())]);
    let add =
        "netsh advfirewall firewall add rule name=RDP dir=in action=allow protocol=TCP localport=3389\r\n";
    assert_eq!(told(disk(), &format!("{add}{PLAIN}")), []);
    assert_eq!(told(firewall_rule("LPort=3389|Profile=Public|"), PLAIN), []);
}

#[test]
fn the_port_of_remote_desktop_is_the_one_that_is_set() {
    let path = format!(r"{CONTROL}\Terminal Server\WinStations\RDP-Tcp");
    let moved = |fields: &str| {
        let mut disk = firewall_rule(fields);
        disk.registry("SYSTEM", |root| set_u32(root, &path, "PortNumber", 3390));
        told(disk, PLAIN)
    };
    let shut = "no rule allows connections to TCP port 3390";
    assert_eq!(moved("LPort=3389|"), [("VMT0631", shut.to_owned())]);
    for open in ["LPort=3390|", "LPort2_10=3380-3399|", "LPort=3389|LPort=3390|", ""] {
        assert_eq!(moved(open), [], "{open}");
    }
}

#[test]
fn a_rule_that_blocks_and_a_profile_without_exceptions_win() {
    let path = format!(r"{FIREWALL}\FirewallRules");
    let block = "v2.28|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=3389|";
    let disk = disk_with("SYSTEM", |root| set_text(root, &path, "{5A1E}", block));
    let report = check(disk.image(), None, 2048);
    assert_eq!(only(&report).message(), "the rule {5A1E} drops every connection to Remote Desktop");
    assert!(only(&report).fix().ends_with("Disable-NetFirewallRule -Name '{5A1E}'"));

    let path = format!(r"{FIREWALL}\PublicProfile");
    let disk = disk_with("SYSTEM", |root| set_u32(root, &path, "DoNotAllowExceptions", 1));
    let report = check(disk.image(), Some(PLAIN), 2048);
    assert_eq!(only(&report).rule().code, "VMT0631");
    assert!(only(&report).message().contains("DoNotAllowExceptions is 1"));
}

#[test]
fn group_policies_of_the_firewall_win_over_its_own_settings() {
    let policy = r"Policies\Microsoft\WindowsFirewall";
    let off = disk_with("SOFTWARE", |root| {
        set_u32(root, &format!(r"{policy}\PublicProfile"), "EnableFirewall", 0);
    });
    let report = check(off.image(), Some(PLAIN), 2048);
    assert_eq!(only(&report).rule().code, "VMT0632");
    assert!(only(&report).place().path.as_deref().unwrap().ends_with(r"WindowsFirewall\PublicProfile"));
    // The rules of the machine do not apply if the policy excludes them.
    let left_out = |rule: Option<&str>| {
        let disk = disk_with("SOFTWARE", |root| {
            set_u32(root, &format!(r"{policy}\PublicProfile"), "AllowLocalPolicyMerge", 0);
            let other = "v2.28|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|";
            set_text(root, &format!(r"{policy}\FirewallRules"), "R", rule.unwrap_or(other));
        });
        told(disk, PLAIN).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(left_out(None), ["VMT0631"]);
    assert!(left_out(Some("v2.28|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|")).is_empty());
}

#[test]
fn a_firewall_that_lets_everything_in_is_told_however_it_is_switched_off() {
    let changes: [fn(&mut Key); 4] = [
        |root| set_u32(root, &format!(r"{FIREWALL}\PublicProfile"), "EnableFirewall", 0),
        |root| set_u32(root, &format!(r"{FIREWALL}\StandardProfile"), "EnableFirewall", 0),
        |root| set_u32(root, &format!(r"{FIREWALL}\PublicProfile"), "DefaultInboundAction", 0),
        |root| set_u32(root, &format!(r"{SERVICES}\MpsSvc"), "Start", 4),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let report = check(disk_with("SYSTEM", change).image(), Some(PLAIN), 2048);
        assert_eq!(only(&report).rule().code, "VMT0632", "{number}");
    }
}

#[test]
fn the_build_of_windows_xp_is_told() {
    let disk = disk_with("SOFTWARE", |root| {
        let key = root.keys.iter_mut().find(|key| key.name == "Microsoft").unwrap();
        let key = key.keys.iter_mut().find(|key| key.name == "Windows NT").unwrap();
        key.keys[0].values.clear();
        set_text(root, VERSION, "ProductName", "Microsoft Windows XP");
        set_text(root, VERSION, "CurrentBuild", "1.511.1 () (Obsolete data - do not use)");
        set_text(root, VERSION, "CurrentBuildNumber", "2600");
    });
    let info = WindowsInfo::read(&disk.image()).unwrap().unwrap();
    assert_eq!(
        (info.product.as_deref(), info.build.as_deref()),
        (Some("Microsoft Windows XP"), Some("2600"))
    );
}

#[test]
fn a_value_is_read_as_what_it_holds_whatever_its_type() {
    let product = "Windows Server 2019 Standard";
    let odd = [utf16(product), vec![0]].concat();
    for (kind, data) in [
        (1, utf16(product)),
        (2, utf16(&format!("{product}\0"))),
        (3, utf16(&format!("{product}\0"))),
        (3, format!("{product}\0").into_bytes()),
        (7, utf16(&format!("{product}\0\0"))),
        (0, utf16(product)),
        (1, odd),
        (1, [utf16(&format!("{product}\0")), utf16("rubbish")].concat()),
        (0x2_0001, utf16(product)),
    ] {
        let disk = disk_with("SOFTWARE", |root| set(root, VERSION, "ProductName", kind, data.clone()));
        let info = WindowsInfo::read(&disk.image()).unwrap().unwrap();
        assert_eq!(info.product.as_deref(), Some(product), "type {kind}: {data:?}");
        assert_eq!(info.build.as_deref(), Some("17763.3650"));
    }
    // Numbers likewise: `Start` of a driver.
    for (kind, data) in [
        (4, vec![0, 0, 0, 0]),
        (4, vec![0]),
        (5, vec![0, 0, 0, 0]),
        (11, vec![0; 8]),
        (3, vec![0, 0, 0, 0]),
        (1, utf16("0\0")),
        (1, utf16("0x0")),
    ] {
        let path = format!(r"{SERVICES}\viostor");
        let disk = disk_with("SYSTEM", |root| set(root, &path, "Start", kind, data.clone()));
        assert_eq!(told(disk, PLAIN), [], "type {kind}: {data:?}");
    }
    // A value that is not text is reported with its type, and the rest is read.
    let disk = disk_with("SOFTWARE", |root| set(root, VERSION, "ProductName", 3, vec![1, 0, 2, 0, 255]));
    let info = WindowsInfo::read(&disk.image()).unwrap().unwrap();
    assert_eq!((info.product, info.build.as_deref()), (None, Some("17763.3650")));
}

#[test]
fn every_language_of_the_media_has_its_name() {
    for (number, name) in
        [("0406", "da-DK"), ("0408", "el-GR"), ("0414", "nb-NO"), ("0C0C", "fr-CA"), ("041e", "th-TH")]
    {
        let path = format!(r"{CONTROL}\Nls\Language");
        let disk = disk_with("SYSTEM", |root| set_text(root, &path, "InstallLanguage", number));
        let info = WindowsInfo::read(&disk.image()).unwrap().unwrap();
        assert_eq!(info.language.as_deref(), Some(name));
    }
}

#[test]
fn a_disabled_administrator_is_named_as_this_windows_names_it() {
    let disk = disk_with("SAM", |root| {
        let mut account = vec![0; 80];
        account[56] = 0x11;
        set(root, r"SAM\Domains\Account\Users\000001F4", "F", 3, account);
        windows_disk::remove(root, r"SAM\Domains\Account\Users\Names\Administrator");
        set(root, r"SAM\Domains\Account\Users\Names\Järjestelmänvalvoja", "", 500, Vec::new());
    });
    let report = check(disk.image(), Some("@echo off\r\nshutdown /r\r\nexit /b\r\n"), 2048);
    assert_eq!(
        only(&report).fix(),
        "in the virtual machine, run: net user \"Järjestelmänvalvoja\" /active:yes"
    );
}

/// The task with two triggers, of which the second does not work, and without a mark.
#[test]
fn a_task_runs_if_one_of_its_triggers_does() {
    let path = "Windows/System32/Tasks/vmmgr_firstrun";
    let pad = |text: &str, length: usize| utf16(&format!("{text:<length$}"));
    let from = "<BootTrigger>\r\n      <Enabled>true</Enabled>\r\n    </BootTrigger>\r\n  </Triggers>\r\n  <Principals>\r\n    \
                <Principal id=\"Author\">";
    let to =
        "<BootTrigger/><BootTrigger><Enabled>false</Enabled></BootTrigger></Triggers><Principals><Principal>";
    let mut disk = BIOS.disk();
    disk.patch_file(path, &utf16(from), &pad(to, from.len()));
    assert_eq!(told(disk, PLAIN), []);
    // Without a byte order mark: blanks replace it.
    let mut disk = BIOS.disk();
    let start = "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-16\"?>";
    disk.patch_file(path, &utf16(start), &utf16(&" ".repeat(start.chars().count())));
    assert_eq!(told(disk, PLAIN), []);
}

#[test]
fn a_broken_registry_is_an_error_once_with_a_way_out() {
    for hive in ["SYSTEM", "SOFTWARE", "SAM"] {
        for damage in [b"regf".as_slice(), b"nk "] {
            let mut disk = BIOS.disk();
            let broken: Vec<u8> = damage.iter().map(|byte| byte ^ 1).collect();
            disk.patch_file(&format!("Windows/System32/config/{hive}"), damage, &broken);
            let report = check(disk.image(), None, 2048);
            assert_eq!(only(&report).severity(), Severity::Error, "{hive}");
            assert_eq!(only(&report).rule().code, "VMT0324");
            assert!(only(&report).fix().contains("use an earlier image"));
        }
    }
}

#[test]
fn a_control_set_that_is_not_there_is_told_and_the_drivers_of_another_one_are_looked_at() {
    let disk = disk_with("SYSTEM", |root| {
        set_u32(root, "Select", "Default", 3);
        set_u32(root, "Select", "Current", 3);
    });
    let report = check(disk.image(), Some(PLAIN), 2048);
    assert_eq!(
        only(&report).message(),
        "Default is 3, but ControlSet003 does not exist; Current is 3, but ControlSet003 does not exist"
    );
    assert!(only(&report).fix().contains("/v Default /t REG_DWORD /d 1"));
}

#[test]
fn what_cannot_start_is_not_fixed_from_inside() {
    let mut disk = BIOS.disk();
    disk.rename("winload.exe", "winload.exf");
    let report = check(disk.image(), None, 2048);
    assert!(only(&report).fix().contains("sfc /scannow /offbootdir=C:\\ /offwindir=C:\\Windows"));

    let mut disk = BIOS.disk();
    disk.bytes[446] = 0;
    let report = check(disk.image(), None, 2048);
    assert!(
        only(&report).fix().contains("Windows ISO")
            && only(&report).fix().contains("select partition 1, active")
    );

    let mut disk = UEFI.disk();
    disk.set_gpt_kind(0, 2);
    let report = check(disk.image(), None, 2048);
    assert!(only(&report).fix().contains("create partition efi") && !only(&report).fix().contains("active"));

    // The volume alone, without a partition table.
    let mut disk = BIOS.disk();
    let mut volume = Vec::new();
    disk.patch_system_volume(|bytes| volume = bytes.to_vec());
    let report = check(DiskImage::from_bytes(volume), None, 2048);
    assert!(
        only(&report).fix().starts_with("create the image again from the complete disk"),
        "{}",
        only(&report)
    );
}

/// A disk of which a part cannot be read.
#[derive(Debug)]
struct Cut(Vec<u8>, Range<usize>);

impl DiskSource for Cut {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vmtemplate::Result<()> {
        let start = offset as usize;
        if start < self.1.end && start + buf.len() > self.1.start {
            return Err(Error::io("a bad sector", std::io::ErrorKind::UnexpectedEof.into()));
        }
        buf.copy_from_slice(&self.0[start..start + buf.len()]);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> vmtemplate::Result<Extent> {
        Ok(Extent { offset, length: self.size() - offset, kind: ExtentKind::Data })
    }
}

#[test]
fn an_image_that_cannot_be_read_is_told_once_as_that() {
    let bytes = UEFI.disk().bytes;
    // Within the table, within the volume of Windows, within the backup of the table.
    for part in [0..100, 7 << 20..28 << 20, bytes.len() - 1024..bytes.len()] {
        let disk = DiskImage::from_source(Arc::new(Cut(bytes.clone(), part.clone())));
        let report = check(disk, None, 2048);
        let codes: Vec<_> = findings(&report).iter().map(|finding| finding.rule().code).collect();
        assert_eq!(codes, ["VMT0322"], "{part:?}: {report:#?}");
    }
}

/// A truncated image lacks its last clusters; the table at its start is intact.
#[test]
fn a_qcow2_that_is_cut_off_is_not_taken_for_one_of_a_partition() {
    if !has_tool("qemu-img") {
        return;
    }
    let folder = ntfs::scratch();
    let (raw, image) = (folder.path().join("raw"), folder.path().join("cut.qcow2"));
    std::fs::write(&raw, BIOS.disk().bytes).unwrap();
    run("qemu-img", ["convert", "-O", "qcow2", raw.to_str().unwrap(), image.to_str().unwrap()]);
    let size = std::fs::metadata(&image).unwrap().len();
    // A shorter and shorter part of it is left.
    for part in [16, 4, 2] {
        std::fs::File::options().write(true).open(&image).unwrap().set_len(size - size / part).unwrap();
        let disk = DiskImage::open(&image).unwrap();
        let report = check(disk, None, 2048);
        let finding = findings(&report).into_iter().find(|finding| finding.rule().code == "VMT0322");
        let finding = finding.unwrap_or_else(|| panic!("{report:#?}"));
        assert!(finding.fix().contains("copy it again from its source"), "{}", finding.fix());
        let others = ["VMT0302", "VMT0304", "VMT0301"];
        assert!(
            !findings(&report).iter().any(|finding| others.contains(&finding.rule().code)),
            "{report:#?}"
        );
    }
}

#[test]
fn a_name_that_speaks_of_another_windows_is_told() {
    let named = |name: &str| {
        let template = Template::builder(name).image(BIOS.disk().image()).memory_mib(2048).ipv4(true);
        let report = template
            .script(Script::from_text(PLAIN))
            .build()
            .unwrap()
            .check(&CheckOptions::default())
            .unwrap();
        findings(&report).iter().map(|f| (f.rule().code, f.message().to_owned())).collect::<Vec<_>>()
    };
    let message =
        "the name of the template is \"Windows-Server-2022\", but the image contains Windows Server 2019";
    assert_eq!(named("Windows-Server-2022"), [("VMT0504", message.to_owned())]);
    assert_eq!(named("Windows-10").len(), 1);
    for right in ["Windows-Server-2019-std", "win2k19", "Windows"] {
        assert_eq!(named(right), [], "{right}");
    }
}
