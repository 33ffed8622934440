//! The rules of the image: a good disk has no finding, and a disk with one fault has the finding of that fault.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::BTreeSet;

use vmtemplate::disk::PartitionTable;
use vmtemplate::report::{CheckOptions, Finding, Rule, Severity, WindowsInfo};
use vmtemplate::{DiskImage, Template};
use vmtemplate_test_support::ntfs;
use vmtemplate_test_support::registry::{Key, utf16};
use vmtemplate_test_support::windows_disk::{
    self, BIOS, Base, UEFI, WindowsDisk, check, findings, is_of_the_image, set_text, set_u32,
};
use vmtemplate_test_support::{has_tool, run};

/// A script without steps that could make up for what the image lacks.
const PLAIN: &str = "@echo off\r\nnet user Administrator \"($PASS)\"\r\nshutdown /r\r\nexit /b\r\n";

/// One fault: the code of its rule, the disk it is made on, and how.
#[derive(Clone, Copy)]
struct Case {
    code: &'static str,
    base: Base,
    script: Option<&'static str>,
    memory_mib: u64,
    change: fn(&mut WindowsDisk),
    /// A part of the message that the finding must have.
    says: &'static str,
}

fn case(code: &'static str, base: Base, says: &'static str, change: fn(&mut WindowsDisk)) -> Case {
    Case { code, base, script: None, memory_mib: 2048, change, says }
}

fn plain(case: Case) -> Case {
    Case { script: Some(PLAIN), ..case }
}

const CONTROL: &str = r"ControlSet001\Control";
const SERVICES: &str = r"ControlSet001\Services";
const CACHE: &str = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
const SETUP: &str = r"Microsoft\Windows\CurrentVersion\Setup\State";
const TASK: &str = "Windows/System32/Tasks/vmmgr_firstrun";

fn system(disk: &mut WindowsDisk, change: impl FnOnce(&mut Key)) {
    disk.registry("SYSTEM", change);
}

fn software(disk: &mut WindowsDisk, change: impl FnOnce(&mut Key)) {
    disk.registry("SOFTWARE", change);
}

fn task(disk: &mut WindowsDisk, from: &str, to: &str) {
    assert!(to.len() <= from.len());
    let to = format!("{to:<width$}", width = from.len());
    disk.patch_file(TASK, &utf16(from), &utf16(&to));
}

#[allow(clippy::too_many_lines)] // a table
fn cases() -> Vec<Case> {
    vec![
        case("VMT0301", BIOS, "no volume of this disk has a folder", |disk| disk.rename("config", "confih")),
        case("VMT0302", BIOS, "the root of the index", |disk| {
            // A damaged folder is reported, and none of its files is reported as missing.
            disk.patch_system_volume(|volume| {
                let record = windows_disk::record_named(volume, "vmmgr");
                let root = ntfs::attribute_at(volume, record, 0x90, "$I30");
                volume[root + 32 + 20] = 0xFF; // where its entries end
            });
        }),
        case("VMT0303", BIOS, "encrypted with BitLocker", |disk| {
            disk.patch_system_volume(|volume| volume[3..11].copy_from_slice(b"-FVE-FS-"));
        }),
        case("VMT0303", BIOS, "encrypted with BitLocker", |disk| {
            // BitLocker To Go: the boot sector of a FAT volume, with the identifier of BitLocker.
            disk.patch_system_volume(|volume| {
                volume[3..11].copy_from_slice(b"MSWIN4.1");
                volume[54..59].copy_from_slice(b"FAT16");
                volume[424..440]
                    .copy_from_slice(b"\x3B\xD6\x67\x49\x29\x2E\xD8\x4A\x83\x99\xF6\xA3\x39\xE3\xD0\x01");
            });
        }),
        case("VMT0323", UEFI, "the backup GPT is damaged", |disk| {
            let last = disk.bytes.len() - 512;
            disk.bytes[last + 16] ^= 1;
        }),
        case("VMT0323", UEFI, "the disk was enlarged by 1048576 bytes", |disk| {
            // The state after `qemu-img resize`.
            let enlarged = disk.bytes.len() + (1 << 20);
            disk.bytes.resize(enlarged, 0);
        }),
        case("VMT0304", UEFI, "", |disk| {
            let last = disk.bytes.len() - 512;
            disk.bytes[last + 16] ^= 1;
            disk.bytes[512 + 56] ^= 1; // another GUID: its checksum is wrong, too
        }),
        case("VMT0305", BIOS, "no partition is marked active", |disk| disk.bytes[446] = 0),
        case("VMT0305", UEFI, "no EFI system partition", |disk| disk.set_gpt_kind(0, 2)),
        case("VMT0306", BIOS, "no code", |disk| disk.bytes[..440].fill(0)),
        case("VMT0307", BIOS, "lacks this file", |disk| disk.rename("bootmgr", "bootmgs")),
        case("VMT0307", BIOS, "lacks this file", |disk| disk.rename("BCD", "BCE")),
        case("VMT0307", BIOS, "this file is empty", |disk| {
            windows_disk::empty(&mut disk.bytes[1 << 20..5 << 20], "BCD");
        }),
        case("VMT0307", UEFI, "lacks this file", |disk| {
            disk.rename_fat("bootmgfw.efi", "bootmgfx.efi");
        }),
        case("VMT0308", UEFI, "a new machine looks for", |disk| {
            disk.rename_fat("bootx64.efi", "bootx65.efi");
        }),
        case("VMT0309", BIOS, "starts with BIOS", |disk| disk.rename("winload.exe", "winload.exf")),
        case("VMT0309", UEFI, "starts with UEFI", |disk| disk.rename("winload.efi", "winload.efj")),
        case("VMT0309", BIOS, "this loader is empty", |disk| disk.empty_file("winload.exe")),
        case("VMT0309", BIOS, "no program", |disk| {
            disk.patch_file("Windows/System32/winload.exe", b"MZ", b"ZM");
        }),
        case("VMT0309", UEFI, "for ARM64, but Windows is for x64", |disk| {
            disk.patch_file("Windows/System32/winload.efi", b"PE\0\0\x64\x86", b"PE\0\0\x64\xAA");
        }),
        case("VMT0310", BIOS, "the private header of a dynamic disk at byte 3072", |disk| {
            disk.bytes[6 * 512..][..8].copy_from_slice(b"PRIVHEAD");
        }),
        case("VMT0311", BIOS, "the database of Storage Spaces", |disk| {
            disk.bytes[4096..][..8].copy_from_slice(b"SPACEDB ");
        }),
        case("VMT0312", UEFI, "the volume is ReFS", |disk| {
            let reserved = PartitionTable::read(&disk.view()).unwrap().partitions[1].offset as usize;
            disk.bytes[reserved + 3..][..8].copy_from_slice(b"ReFS\0\0\0\0");
        }),
        case("VMT0313", BIOS, "the label of an LVM physical volume", |disk| {
            disk.bytes[512..][..8].copy_from_slice(b"LABELONE");
        }),
        case("VMT0320", BIOS, "the recovery partition 3 follows", |disk| disk.add_partition_behind(0x27)),
        case("VMT0320", BIOS, "partition 3, FAT16 (0E), follows", |disk| disk.add_partition_behind(0x0E)),
        Case {
            script: Some("echo select volume 2 > x\r\nnet user Administrator x\r\nexit /b\r\n"),
            ..case("VMT0321", BIOS, "is number 1, or 2 if", |_| {})
        },
        Case {
            script: Some("echo select volume=1 > x\r\nexit /b\r\n"),
            ..case("VMT0321", UEFI, "is number 0, or 1 if", |_| {})
        },
        case("VMT0324", BIOS, "does not begin with \"regf\"", |disk| {
            disk.patch_file("Windows/System32/config/SAM", b"regf", b"gone");
        }),
        case("VMT0324", BIOS, "does not begin with \"regf\"", |disk| {
            disk.patch_file("Windows/System32/config/SYSTEM", b"regf", b"gone");
        }),
        case("VMT0324", BIOS, "is missing", |disk| disk.rename("SYSTEM", "SYSTEN")),
        case("VMT0324", BIOS, "is missing", |disk| disk.rename("SOFTWARE", "SOFTWARF")),
        case("VMT0324", BIOS, r"found on the way to HKLM\SOFTWARE\", |disk| {
            disk.patch_file("Windows/System32/config/SOFTWARE", b"nk ", b"no ");
        }),
        case("VMT0325", BIOS, "Default is 7, but ControlSet007 does not exist", |disk| {
            system(disk, |root| set_u32(root, "Select", "Default", 7));
        }),
        case("VMT0325", BIOS, "Current is 2, but ControlSet002 does not exist", |disk| {
            system(disk, |root| set_u32(root, "Select", "Current", 2));
        }),
        case("VMT0325", BIOS, "neither Default nor Current", |disk| {
            system(disk, |root| root.keys.retain(|key| key.name != "Select"));
        }),
        case("VMT0401", BIOS, "marked to be checked", |disk| {
            disk.patch_system_volume(|volume| {
                let record = ntfs::record_at(volume, 3);
                let information = ntfs::attribute_at(volume, record, 0x70, "");
                volume[information + ntfs::u16_at(volume, information + 20) + 10] |= 1;
            });
        }),
        case("VMT0402", BIOS, "journal", |disk| {
            disk.patch_system_volume(|volume| {
                let at = ntfs::first_cluster_of(volume, 2) * 4096;
                volume[at..at + 8192].fill(0);
            });
        }),
        case("VMT0403", BIOS, "memory of a hibernated Windows", |disk| {
            disk.rename("hiberfil.sy_", "hiberfil.sys");
            disk.patch_file("hiberfil.sys", &[0; 4], b"HIBR");
        }),
        case("VMT0404", BIOS, "Fast Startup is on", |disk| {
            let path = format!(r"{CONTROL}\Session Manager\Power");
            system(disk, |root| set_u32(root, &path, "HiberbootEnabled", 1));
        }),
        case("VMT0405", BIOS, "sequence numbers differ", |disk| disk.reopen_hive("SOFTWARE")),
        case("VMT0406", BIOS, "an update to finish", |disk| {
            let path = r"Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending";
            software(disk, |root| windows_disk::add(root, path));
        }),
        case("VMT0406", BIOS, "an update to finish", |disk| {
            let path = r"Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired";
            software(disk, |root| windows_disk::add(root, path));
        }),
        case("VMT0407", BIOS, "names files to be replaced", |disk| {
            let path = format!(r"{CONTROL}\Session Manager");
            let files = utf16("\\??\\C:\\old.dll\0\0");
            system(disk, |root| windows_disk::set(root, &path, "PendingFileRenameOperations", 7, files));
        }),
        case("VMT0408", BIOS, "IMAGE_STATE_UNDEPLOYABLE", |disk| {
            software(disk, |root| set_text(root, SETUP, "ImageState", "IMAGE_STATE_UNDEPLOYABLE"));
        }),
        case("VMT0409", BIOS, "but unattend.xml does not exist", |disk| {
            software(disk, |root| {
                set_text(root, SETUP, "ImageState", "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE");
            });
        }),
        case("VMT0502", BIOS, "ServerStandardEval", |disk| {
            let path = r"Microsoft\Windows NT\CurrentVersion";
            software(disk, |root| set_text(root, path, "EditionID", "ServerStandardEval"));
        }),
        Case { memory_mib: 256, ..case("VMT0503", BIOS, "requires 256 MiB", |_| {}) },
        case("VMT0510", BIOS, "neither viostor.sys nor vioscsi.sys", |disk| {
            disk.rename("viostor.sys", "viostor.syt");
        }),
        case("VMT0511", BIOS, "the service viostor has Start 3", |disk| {
            system(disk, |root| set_u32(root, &format!(r"{SERVICES}\viostor"), "Start", 3));
        }),
        case("VMT0511", BIOS, "the driver viostor has no service", |disk| {
            system(disk, |root| windows_disk::remove(root, &format!(r"{SERVICES}\viostor")));
        }),
        case(
            "VMT0510",
            BIOS,
            r"the service viostor starts Windows\System32\DriverStore\viostor.sys",
            |disk| {
                let path = format!(r"{SERVICES}\viostor");
                let image = r"\SystemRoot\System32\DriverStore\viostor.sys";
                system(disk, |root| set_text(root, &path, "ImagePath", image));
            },
        ),
        case("VMT0511", BIOS, "has Start 0, and StartOverride makes that 3", |disk| {
            system(disk, |root| set_u32(root, &format!(r"{SERVICES}\viostor\StartOverride"), "0", 3));
        }),
        case("VMT0512", BIOS, "the service netkvm has Start 4: it is disabled", |disk| {
            system(disk, |root| set_u32(root, &format!(r"{SERVICES}\netkvm"), "Start", 4));
        }),
        case("VMT0523", BIOS, "the service VirtioSerial has Start 4", |disk| {
            system(disk, |root| set_u32(root, &format!(r"{SERVICES}\VirtioSerial"), "Start", 4));
        }),
        case("VMT0512", BIOS, "the driver is missing", |disk| disk.rename("netkvm.sys", "netkvm.syt")),
        case("VMT0512", BIOS, "copied, not installed", |disk| {
            system(disk, |root| windows_disk::remove(root, &format!(r"{SERVICES}\netkvm")));
        }),
        case("VMT0513", BIOS, "the driver is missing", |disk| disk.rename("balloon.sys", "balloon.syt")),
        case("VMT0514", BIOS, "for x86, but Windows is for x64", |disk| {
            disk.patch_file("Windows/System32/drivers/viostor.sys", b"PE\0\0\x64\x86", b"PE\0\0\x4C\x01");
        }),
        case("VMT0514", BIOS, "the file is not a driver", |disk| {
            disk.patch_file("Windows/System32/drivers/vioser.sys", b"MZ", b"ZM");
        }),
        case("VMT0520", BIOS, "the service does not exist", |disk| {
            system(disk, |root| windows_disk::remove(root, &format!(r"{SERVICES}\QEMU-GA")));
        }),
        case("VMT0521", BIOS, "which does not exist", |disk| disk.rename("qemu-ga.exe", "qemu-ga.exf")),
        case("VMT0522", BIOS, "the service has Start 3", |disk| {
            system(disk, |root| set_u32(root, &format!(r"{SERVICES}\QEMU-GA"), "Start", 3));
        }),
        case("VMT0523", BIOS, "the driver is missing", |disk| disk.rename("vioser.sys", "vioser.syt")),
        case("VMT0601", BIOS, "the file is missing", |disk| disk.rename("ddwrap.cmd", "ddwrap.cme")),
        case("VMT0601", BIOS, "the file is missing", |disk| disk.rename("firstrun.cmd", "firstrun.cme")),
        case("VMT0601", BIOS, "the file is missing", |disk| disk.rename("firstrun.ps1", "firstrun.ps2")),
        case("VMT0601", BIOS, "the file is missing", |disk| disk.rename("dd.exe", "dd.exf")),
        case("VMT0602", BIOS, "the line ends are LF", |disk| {
            disk.patch_file("vmmgr/ddwrap.cmd", b"2>&1\r\n", b"2>&1 \n");
        }),
        case("VMT0602", BIOS, "the line ends are mixed", |disk| {
            disk.patch_file("vmmgr/firstrun.cmd", b"off\r\n", b"off \n");
        }),
        case("VMT0603", BIOS, "does not name firstrun.ps1", |disk| {
            disk.patch_file("vmmgr/firstrun.cmd", b"firstrun.ps1", b"firstrun.ps2");
        }),
        case("VMT0603", BIOS, "looks for a disk of 2097152 bytes; the install drive has 1048576", |disk| {
            disk.patch_file("vmmgr/firstrun.ps1", b"1048576", b"2097152");
        }),
        case("VMT0604", BIOS, "the file is not a program", |disk| {
            disk.patch_file("vmmgr/dd.exe", b"MZ", b"PK");
        }),
        case("VMT0604", BIOS, "for ARM64", |disk| {
            disk.patch_file("vmmgr/dd.exe", b"PE\0\0\x4C\x01", b"PE\0\0\x64\xAA");
        }),
        case("VMT0610", BIOS, "the task does not exist", |disk| {
            disk.rename("vmmgr_firstrun", "vmmgr_firstruo");
        }),
        case("VMT0611", BIOS, "not well-formed", |disk| task(disk, "</Task>", "</Tasl>")),
        case("VMT0612", BIOS, "no trigger BootTrigger", |disk| task(disk, "BootTrigger>", "IdleTrigger>")),
        case("VMT0612", BIOS, "it ended with its EndBoundary, 2019-01-01", |disk| {
            task(
                disk,
                "<BootTrigger>\r\n      <Enabled>true</Enabled>\r\n    </BootTrigger>\r\n  </Triggers>",
                "<BootTrigger><EndBoundary>2019-01-01</EndBoundary></BootTrigger></Triggers>",
            );
        }),
        case("VMT0612", BIOS, "BootTrigger that works: it is disabled", |disk| {
            task(disk, "<BootTrigger>\r\n      <Enabled>true", "<BootTrigger>\r\n      <Enabled>0");
        }),
        case("VMT0613", BIOS, "vmmgr\\firstrun.bat", |disk| task(disk, "firstrun.cmd", "firstrun.bat")),
        case("VMT0614", BIOS, "LogonType is not set", |disk| task(disk, "S-1-5-18", "Somebody")),
        case("VMT0615", BIOS, "RunLevel is not HighestAvailable", |disk| {
            task(
                disk,
                "<UserId>S-1-5-18</UserId>\r\n      <RunLevel>HighestAvailable</RunLevel>",
                "<UserId>Administrator</UserId><LogonType>S4U</LogonType>",
            );
        }),
        case("VMT0616", BIOS, "Settings/Enabled is false", |disk| {
            task(disk, "Policy>\r\n    <Enabled>true<", "Policy>\r\n   <Enabled>false<");
        }),
        case("VMT0617", BIOS, "does not list the task", |disk| {
            software(disk, |root| windows_disk::remove(root, &format!(r"{CACHE}\Tree\vmmgr_firstrun")));
        }),
        case("VMT0617", BIOS, "does not start at boot the task", |disk| {
            software(disk, |root| windows_disk::remove(root, &format!(r"{CACHE}\Boot")));
        }),
        case("VMT0618", BIOS, "RunOnlyIfNetworkAvailable is true", |disk| {
            task(
                disk,
                "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
                "<RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>",
            );
        }),
        case("VMT0620", BIOS, "the execution policy is Restricted", |disk| {
            let path = r"Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell";
            software(disk, |root| set_text(root, path, "ExecutionPolicy", "Restricted"));
        }),
        case("VMT0621", BIOS, "forbids all scripts", |disk| {
            let path = r"Policies\Microsoft\Windows\PowerShell";
            software(disk, |root| set_u32(root, path, "EnableScripts", 0));
        }),
        case("VMT0621", BIOS, "sets the execution policy AllSigned", |disk| {
            let path = r"Policies\Microsoft\Windows\PowerShell";
            software(disk, |root| {
                set_u32(root, path, "EnableScripts", 1);
                set_text(root, path, "ExecutionPolicy", "AllSigned");
            });
        }),
        plain(case("VMT0630", BIOS, "the setup script does not turn it on", |disk| {
            system(disk, |root| {
                set_u32(root, &format!(r"{CONTROL}\Terminal Server"), "fDenyTSConnections", 1);
            });
        })),
        plain(case("VMT0631", BIOS, "are not active", |disk| {
            let path = format!(r"{SERVICES}\SharedAccess\Parameters\FirewallPolicy\FirewallRules");
            let rule = "v2.28|Action=Allow|Active=FALSE|Dir=In|";
            system(disk, |root| set_text(root, &path, "RemoteDesktop-UserMode-In-TCP", rule));
        })),
        case("VMT0632", BIOS, "the firewall is off", |disk| {
            let path = format!(r"{SERVICES}\SharedAccess\Parameters\FirewallPolicy\PublicProfile");
            system(disk, |root| set_u32(root, &path, "EnableFirewall", 0));
        }),
        case("VMT0633", BIOS, "the account is disabled", |disk| {
            disk.registry("SAM", |root| {
                let mut account = vec![0; 80];
                account[56] = 0x11;
                windows_disk::set(root, r"SAM\Domains\Account\Users\000001F4", "F", 3, account);
            });
        }),
        case("VMT0634", BIOS, "the administrator is called \"Verwalter\"", |disk| {
            disk.registry("SAM", |root| {
                windows_disk::remove(root, r"SAM\Domains\Account\Users\Names\Administrator");
                windows_disk::set(root, r"SAM\Domains\Account\Users\Names\Verwalter", "", 500, Vec::new());
            });
        }),
        case("VMT0640", BIOS, "the page file has 100 MiB; it is set to \"?:\\pagefile.sys\"", |disk| {
            disk.rename("pagefile.sy_", "pagefile.sys");
        }),
        case("VMT0641", BIOS, "the hibernation file has", |disk| disk.rename("hiberfil.sy_", "hiberfil.sys")),
        case("VMT0642", BIOS, "0 MiB of 24 MiB are free", |disk| {
            disk.patch_system_volume(|volume| {
                let bitmap = ntfs::first_cluster_of(volume, 6) * 4096;
                let clusters = volume.len() / 4096;
                volume[bitmap..bitmap + clusters / 8].fill(0xFF);
            });
        }),
        case("VMT0643", BIOS, "contains a password", |disk| disk.rename("unattend.xm_", "unattend.xml")),
        case("VMT0644", BIOS, "a memory dump", |disk| disk.rename("MEMORY.DM_", "MEMORY.DMP")),
        case("VMT0645", BIOS, "an earlier Windows", |disk| disk.rename("Windows.ol_", "Windows.old")),
        case("VMT0647", BIOS, "its setup script remains", |disk| disk.rename("vmmgr.cm_", "vmmgr.cmd")),
        case("VMT0646", BIOS, "of free clusters contain old data", |disk| {
            disk.patch_system_volume(|volume| {
                let bitmap = ntfs::first_cluster_of(volume, 6) * 4096;
                for cluster in 0..volume.len() / 4096 {
                    if volume[bitmap + cluster / 8] >> (cluster % 8) & 1 == 0 {
                        volume[cluster * 4096..][..4096].fill(0xA5);
                    }
                }
            });
        }),
    ]
}

#[test]
fn a_good_disk_gives_no_finding_but_which_windows_it_is() {
    for (base, starts) in [(BIOS, "BIOS"), (UEFI, "UEFI")] {
        for script in [None, Some(PLAIN)] {
            let report = check(base.disk().image(), script, 2048);
            assert_eq!(findings(&report), Vec::<&Finding>::new(), "{starts}");
            let windows = report.findings().iter().find(|finding| finding.rule().code == "VMT0501").unwrap();
            assert_eq!(
                windows.message(),
                format!(
                    "Windows Server 2019 Standard, version 1809, build 17763.3650, x64, en-US, starts with {starts}, not generalized"
                )
            );
        }
    }
    // The numbers of the guide: the system volume of a BIOS disk with a system partition is volume 1.
    let report =
        check(BIOS.disk().image(), Some("net user Administrator x\r\necho select volume 1 > x\r\n"), 1024);
    assert_eq!(findings(&report), Vec::<&Finding>::new());
}

#[test]
fn each_fault_gives_its_own_finding_and_no_other() {
    let mut wrong = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        let mut disk = case.base.disk();
        (case.change)(&mut disk);
        let report = check(disk.image(), case.script, case.memory_mib);
        let found = findings(&report);
        let is_right = !found.is_empty()
            && found
                .iter()
                .all(|finding| finding.rule().code == case.code && finding.message().contains(case.says));
        if !is_right {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{number}: {} ({:?}): {found:#?}", case.code, case.says));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_the_image_has_a_case() {
    // A note that every Windows gives, an image that cannot be read, names of other releases, and shadow copies, which
    // tests/free_space.rs makes with ntfs-3g, have tests of their own.
    let elsewhere = ["VMT0322", "VMT0501", "VMT0504", "VMT0648"];
    let cases: BTreeSet<_> = cases().iter().map(|case| case.code).chain(elsewhere).collect();
    let rules: BTreeSet<_> = Rule::all().filter(|rule| is_of_the_image(rule)).map(|rule| rule.code).collect();
    assert_eq!(cases, rules);
}

/// The name suggests a version of Windows and the image contains one; both imply a memory limit.
#[test]
fn a_memory_limit_that_is_too_low_is_told_once() {
    let report = check(BIOS.disk().image(), Some(PLAIN), 256);
    let of_memory = |rule: &Rule| ["VMT0112", "VMT0503"].contains(&rule.code);
    let told: Vec<_> = report.findings().iter().filter(|finding| of_memory(finding.rule())).collect();
    assert_eq!(told.iter().map(|finding| finding.rule().code).collect::<Vec<_>>(), ["VMT0503"]);
}

#[test]
fn windows_tells_what_it_is() {
    let info = WindowsInfo::read(&UEFI.disk().image()).unwrap().unwrap();
    assert_eq!(info.product.as_deref(), Some("Windows Server 2019 Standard"));
    assert_eq!(info.edition.as_deref(), Some("ServerStandard"));
    assert_eq!(info.installation.as_deref(), Some("Server"));
    assert_eq!(info.version.as_deref(), Some("1809"));
    assert_eq!(info.build.as_deref(), Some("17763.3650"));
    assert_eq!(info.architecture.as_deref(), Some("x64"));
    assert_eq!(info.language.as_deref(), Some("en-US"));
    assert_eq!(info.image_state.as_deref(), Some("IMAGE_STATE_COMPLETE"));
}

#[test]
fn a_script_of_the_first_run_that_waits_is_told_with_its_line() {
    let mut disk = BIOS.disk();
    disk.patch_file("vmmgr/firstrun.cmd", b"@echo off\r\n", b"pause    \r\n");
    let report = check(disk.image(), None, 2048);
    let found: Vec<String> = report.findings().iter().map(ToString::to_string).collect();
    let place = "Windows-Server-2019.hddimage, partition 2, vmmgr/firstrun.cmd:1:1";
    assert!(found.iter().any(|found| found.starts_with(place) && found.contains("[VMT0231]")), "{found:#?}");
}

#[test]
fn a_disk_without_windows_is_an_error_only_where_the_name_promises_one() {
    for (name, severity) in [("Windows-10", Severity::Error), ("Debian-12", Severity::Note)] {
        let template =
            Template::builder(name).image(DiskImage::from_bytes(vec![0; 1 << 16])).ipv4(true).build();
        let report = template.unwrap().check(&CheckOptions::default()).unwrap();
        let found = findings(&report).into_iter().find(|finding| finding.rule().code == "VMT0301").unwrap();
        assert_eq!(found.severity(), severity);
    }
}

#[test]
fn a_template_without_virtio_needs_no_virtio_drivers() {
    let mut disk = BIOS.disk();
    disk.rename("viostor.sys", "viostor.syt");
    disk.rename("netkvm.sys", "netkvm.syt");
    let template = Template::builder("Windows-Server-2019")
        .image(disk.image())
        .ipv4(true)
        .virtio_disk(false)
        .virtio_net(false)
        .build()
        .unwrap();
    assert_eq!(findings(&template.check(&CheckOptions::default()).unwrap()), Vec::<&Finding>::new());
}

#[test]
fn a_policy_on_the_command_line_of_the_first_run_is_enough_but_for_a_group_policy() {
    let path = r"Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell";
    let mut disk = BIOS.disk();
    software(&mut disk, |root| set_text(root, path, "ExecutionPolicy", "Restricted"));
    disk.patch_file(
        "vmmgr/firstrun.cmd",
        b"@echo off\r\npowershell.exe C:\\vmmgr\\firstrun.ps1 >NUL\r\n",
        b"powershell -ep bypass c:\\vmmgr\\firstrun.ps1         \r\n",
    );
    assert_eq!(findings(&check(disk.image(), None, 2048)), Vec::<&Finding>::new());
}

#[test]
fn efi_system_partitions_of_every_size_of_fat_are_looked_into() {
    if !["mkfs.vfat", "mmd", "mcopy"].into_iter().all(has_tool) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (image, file) = (folder.path().join("efi"), folder.path().join("file"));
    std::fs::write(&file, "loader").unwrap();
    for (bits, size, per_cluster) in [("12", 8 << 20, "8"), ("16", 16 << 20, "1"), ("32", 40 << 20, "1")] {
        std::fs::write(&image, "").unwrap();
        std::fs::File::options().write(true).open(&image).unwrap().set_len(size).unwrap();
        let path = image.to_str().unwrap();
        run("mkfs.vfat", ["-F", bits, "-s", per_cluster, path]);
        // Folders of several clusters, with names of both kinds before the names that are searched for.
        run("mmd", ["-i", path, "::/EFI", "::/EFI/Microsoft", "::/EFI/Microsoft/Boot", "::/EFI/BOOT"]);
        for number in 0..150 {
            let name = format!("::/EFI/Microsoft/Boot/a name that is long, number {number}");
            run("mcopy", ["-i", path, file.to_str().unwrap(), &name]);
        }
        for name in ["EFI/Microsoft/Boot/bootmgfw.efi", "EFI/Microsoft/Boot/BCD", "EFI/BOOT/BOOTX64.EFI"] {
            run("mcopy", ["-i", path, file.to_str().unwrap(), &format!("::/{name}")]);
        }
        let codes = |remove: Option<&str>| {
            if let Some(name) = remove {
                run("mdel", ["-i", path, &format!("::/{name}")]);
            }
            // An MBR whose one partition is an EFI system partition.
            let mut disk = vec![0; 1 << 20];
            disk[510..512].copy_from_slice(&[0x55, 0xAA]);
            disk[450] = 0xEF;
            disk[454..458].copy_from_slice(&2048_u32.to_le_bytes());
            disk[458..462].copy_from_slice(&((size >> 9) as u32).to_le_bytes());
            disk.extend(std::fs::read(&image).unwrap());
            let report = check(DiskImage::from_bytes(disk), None, 2048);
            findings(&report).iter().map(|finding| finding.rule().code).collect::<Vec<_>>()
        };
        // The only finding is that it contains no Windows.
        assert_eq!(codes(None), ["VMT0301"], "FAT{bits}");
        assert_eq!(codes(Some("EFI/Microsoft/Boot/bootmgfw.efi")), ["VMT0307", "VMT0301"], "FAT{bits}");
        assert_eq!(codes(Some("EFI/BOOT/BOOTX64.EFI")), ["VMT0307", "VMT0308", "VMT0301"], "FAT{bits}");
    }
}

/// What a check reads: tables, records, folders, bitmaps, hives, the FAT.
fn structures(disk: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = vec![0..512, 512..1024, 1024..1536];
    for at in (0..disk.len()).step_by(512) {
        match &disk[at..at + 4] {
            b"FILE" => ranges.push(at..at + 420),
            b"INDX" => ranges.push(at..at + 1024),
            b"regf" => ranges.extend([at..at + 64, at + 4096..at + 8192, at + 8192..at + 16384]),
            b"\xEB\x3C\x90m" => {
                ranges.extend([at..at + 64, at + 512..at + 1024, at + (65 << 9)..at + (90 << 9)]);
            }
            _ => {}
        }
    }
    ranges
}

/// What a check may read of the fixtures, which have 30 and 31 MiB; each read counts 64 bytes more than it fetches. The
/// check needs 1.23 MiB and 1.09 MiB; the rest allows for a few more rules, but not for a second pass.
const CHECK_BUDGET: u64 = 3 << 19;

#[test]
fn a_check_reads_little_of_a_disk() {
    for base in [BIOS, UEFI] {
        let disk = ntfs::Patched {
            base: std::sync::Arc::new(base.disk().bytes),
            patches: Vec::new(),
            budget: CHECK_BUDGET.into(),
        };
        // Past the budget, a read panics.
        check(DiskImage::from_source(std::sync::Arc::new(disk)), None, 2048);
    }
}

#[test]
fn thousands_of_mutated_disks_give_findings_and_end() {
    let bases = [BIOS, UEFI].map(|base| std::sync::Arc::new(base.disk().bytes));
    let places = bases.each_ref().map(|base| structures(base));
    assert!(places[1].len() > places[0].len() / 2);
    let mut state = 3_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut told = BTreeSet::new();
    for round in 0..4000 {
        let (base, places) = (&bases[round % 2], &places[round % 2]);
        let mut patches = Vec::new();
        for _ in 0..=below(4) {
            let range = &places[below(places.len())];
            let at = range.start + below(range.len());
            for offset in 0..1 << below(3) {
                let old = base[at + offset];
                let new = [0, 1, 0x7F, 0xFF, old.wrapping_add(1), old ^ 1 << below(8), below(256) as u8];
                patches.push((at + offset, new[below(new.len())]));
            }
        }
        let disk = ntfs::Patched::with_budget(base, patches.clone(), 8 << 20);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let report = check(disk, None, 2048);
            report.findings().iter().map(|finding| finding.rule().code).collect::<Vec<_>>()
        }));
        told.extend(outcome.unwrap_or_else(|_| panic!("round {round}: {patches:x?}")));
    }
    // The run covers all structures that are read.
    assert!(told.len() >= 15, "{told:?}");
}
