//! The install drive, as the first-run scripts read it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;

use vmtemplate::drive::{InstallDrive, Padding};
use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions};
use vmtemplate::output::Overwrite;
use vmtemplate::script::SetupScript;
use vmtemplate::{ErrorKind, Script};
use vmtemplate_test_support::{has_tool, run};

fn rendered() -> Script {
    let values = MacroValues::new()
        .with("PASS", "a&b %PATH%")
        .and_then(|values| values.with("IP", "192.0.2.10"))
        .and_then(|values| values.with("NETMASK", "255.255.255.0"))
        .and_then(|values| values.with("GATEWAY", "192.0.2.1"))
        .unwrap();
    let options = RenderOptions { missing: MissingValue::Parens, ..RenderOptions::default() };
    SetupScript::windows().build().unwrap().render(&values, &options).unwrap()
}

#[test]
fn what_dd_copies_in_the_guest_is_the_drive_and_the_script_in_it_the_rendered_one() {
    if !has_tool("dd") {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    for &padding in Padding::ALL {
        let [drive, copy] = ["drive.img", "vmmgr.cmd"].map(|name| work.path().join(name));
        InstallDrive::with_padding(&rendered(), padding).unwrap().write(&drive, Overwrite::Yes).unwrap();
        assert_eq!(fs::metadata(&drive).unwrap().len(), 1_048_576);
        let (input, output) = (format!("if={}", drive.display()), format!("of={}", copy.display()));
        run("dd", [input.as_str(), &output, "bs=512", "count=2048", "status=none"]);
        assert!(fs::read(&copy).unwrap() == fs::read(&drive).unwrap());
        assert_eq!(InstallDrive::read(&copy).unwrap().script(), rendered(), "{padding}");
    }
}

#[test]
fn a_drive_that_is_there_is_kept_unless_told_otherwise() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("drive.img");
    fs::write(&path, "mine").unwrap();
    let drive = InstallDrive::new(&rendered()).unwrap();
    assert_eq!(drive.write(&path, Overwrite::No).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(InstallDrive::read(&path).unwrap_err().kind(), ErrorKind::InvalidImage);
    drive.write(&path, Overwrite::Yes).unwrap();
    assert_eq!(InstallDrive::read(&path).unwrap(), drive);
}

#[cfg(unix)]
#[test]
fn no_padding_runs_anything_behind_a_script() {
    use vmtemplate_test_support::wine::{Call, Rule, Wine};

    let Some(wine) = Wine::new() else { return };
    wine.stand_in("netsh", &[Rule::new("show").prints("Enabled  Connected  Dedicated  Ethernet\r\n")]);
    for command in ["net", "diskpart", "schtasks", "reg", "cscript", "shutdown"] {
        wine.stand_in(command, &[]);
    }
    let calls = |run: &[Call]| run.iter().map(Call::words).collect::<Vec<_>>();
    for &padding in Padding::ALL {
        let whole = InstallDrive::with_padding(&rendered(), padding).unwrap();
        let on_drive = wine.run(whole.bytes());
        let alone = wine.run(rendered().bytes());
        assert_eq!(calls(&on_drive.calls), calls(&alone.calls), "{padding}");
        assert_eq!(on_drive.calls[0].arguments[2], "a&b %PATH%");
        assert_eq!((on_drive.code, on_drive.stdout.as_str()), (0, ""), "{padding}");
    }
    // A foreign script may not end itself, may have no final line end, and may jump back to labels.
    for (script, expected) in [
        ("@echo off\r\nnet one\r\nnet two\r\n", &["net one", "net two"][..]),
        ("@echo off\nnet one\nnet two", &["net one", "net two"]),
        (
            "@echo off\r\n:again\r\nnet %N%x\r\nif defined N exit /b\r\nset N=1\r\ngoto again\r\n",
            &["net x", "net 1x"],
        ),
    ] {
        let run = wine.run(InstallDrive::new(&Script::from_text(script)).unwrap().bytes());
        assert_eq!(calls(&run.calls), expected, "{script:?}");
    }
}
