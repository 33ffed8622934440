//! Runs the library's setup script in a real interpreter: which commands it calls, in which order, with which
//! arguments.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;

use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions};
use vmtemplate::script::{SetupInterface, SetupScript, SetupStep};
use vmtemplate_test_support::wine::{Call, Rule, Run, Wine};

const PASSWORD: &str = "Secret-1";

/// What a platform may write for a macro without a value.
const EVERY_MISSING: [MissingValue; 3] = [MissingValue::Parens, MissingValue::Empty, MissingValue::Keep];

const STATIC: &[(&str, &str)] = &[
    ("PASS", PASSWORD),
    ("IP", "192.0.2.10"),
    ("NETMASK", "255.255.255.0"),
    ("GATEWAY", "192.0.2.1"),
    ("NAMESERVER", "192.0.2.53"),
];

fn rendered(
    script: &Script,
    values: &[(&str, &str)],
    options: &RenderOptions,
) -> vmtemplate::Result<Vec<u8>> {
    let mut all = MacroValues::new();
    for (name, value) in values {
        all.set(name, *value)?;
    }
    Ok(script.render(&all, options)?.into_bytes())
}

/// The script rendered with these values.
fn fill(script: &Script, values: &[(&str, &str)], missing: MissingValue) -> Vec<u8> {
    rendered(script, values, &RenderOptions { missing, ..RenderOptions::default() }).unwrap()
}

/// The script rendered as the platform does, without quoting.
fn fill_plainly(script: &Script, values: &[(&str, &str)]) -> Vec<u8> {
    let mut text = script.text().into_owned();
    for (name, value) in values {
        text = text.replace(&format!("(${name})"), value);
    }
    text.into_bytes()
}

const INTERFACES: &str = "\r\nAdmin State    State          Type             Interface Name\r\n\
     -------------------------------------------------------------------------\r\n\
     Enabled        Disconnected   Dedicated        Ethernet\r\n\
     Enabled        Connected      Dedicated        Ethernet Instance 0 2\r\n\
     Enabled        Connected      Dedicated        Ethernet 3\r\n\r\n";

/// A machine on which every command that the script calls succeeds.
fn machine() -> Option<Wine> {
    let mut wine = Wine::new()?;
    wine.stand_in("netsh", &[Rule::new("interface show interface").prints(INTERFACES)]);
    for command in ["net", "diskpart", "schtasks", "reg", "cscript", "shutdown", "powershell", "ping"] {
        wine.stand_in(command, &[]);
    }
    wine.watch("VMT_PASSWORD");
    Some(wine)
}

/// Run a script next to the folder that it removes. On a real machine it is in that folder; but wine keeps the file of
/// a running script open, while Windows opens it for each line, so wine could not remove it.
fn run(wine: &Wine, script: &[u8]) -> Run {
    fs::create_dir_all(wine.path("C:\\vmmgr")).unwrap();
    fs::write(wine.path("C:\\vmmgr\\firstrun.cmd"), "rem").unwrap();
    let run = wine.run_at("C:\\work\\vmmgr.cmd", script, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

fn words(run: &Run) -> Vec<String> {
    run.calls.iter().map(Call::words).collect()
}

fn log(wine: &Wine) -> String {
    fs::read_to_string(wine.drive_c().join("setup.log")).unwrap().replace("\r\n", "\n")
}

/// The calls on a machine with a static address, without those of the steps in `without`.
fn calls_of_static_address(without: Option<SetupStep>) -> Vec<&'static str> {
    let calls: &[(SetupStep, &[&str])] = &[
        (SetupStep::Password, &["net user Administrator Secret-1 /y"]),
        (SetupStep::Address, &["netsh interface show interface"]),
        (
            SetupStep::Address,
            &[
                "netsh interface ipv4 set address name=Ethernet Instance 0 2 static 192.0.2.10 255.255.255.0 192.0.2.1",
            ],
        ),
        (
            SetupStep::NameServers,
            &[
                "netsh interface ipv4 set dnsservers name=Ethernet Instance 0 2 source=static address=192.0.2.53 \
               register=primary validate=no",
            ],
        ),
        (SetupStep::GrowVolume, &["diskpart /s C:\\windows\\Temp\\vmtemplate-volume.txt"]),
        (
            SetupStep::RemoteDesktop,
            &[
                "reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server /v fDenyTSConnections /t REG_DWORD /d 0 /f",
                "netsh advfirewall firewall set rule group=@FirewallAPI.dll,-28752 new enable=yes",
                "netsh advfirewall firewall add rule name=Remote Desktop (setup) dir=in action=allow protocol=TCP \
                 localport=3389",
            ],
        ),
        (SetupStep::RemoveFirstRun, &["schtasks /Delete /TN vmmgr_firstrun /F"]),
        (SetupStep::Restart, &["shutdown /r /t 5"]),
    ];
    // Three steps query the interface.
    let kept =
        |step: SetupStep, call: &str| Some(step) != without || call == "netsh interface show interface";
    calls
        .iter()
        .flat_map(|&(step, calls)| calls.iter().map(move |&call| (step, call)))
        .filter_map(|(step, call)| kept(step, call).then_some(call))
        .collect()
}

#[test]
fn a_static_address_with_a_gateway_is_set_up_in_order() {
    let Some(wine) = machine() else { return };
    let script = fill(&Script::default_windows(), STATIC, MissingValue::Parens);
    let run = run(&wine, &script);
    assert_eq!(words(&run), calls_of_static_address(None));
    let diskpart = run.calls.iter().find(|call| call.program == "diskpart").unwrap();
    assert_eq!(diskpart.input, "rescan\r\nselect volume C\r\nextend\r\n");
    assert!(!wine.path("C:\\vmmgr").exists(), "the folder is removed");
    assert!(!wine.path("C:\\windows\\temp\\vmtemplate-volume.txt").exists());
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    insta::assert_snapshot!(without_times(&log(&wine)));
}

fn without_times(log: &str) -> String {
    let line = |line: &str| match line.split_once(": begin ").or_else(|| line.split_once(": end ")) {
        Some((front, _)) => format!("{front}: (time)\n"),
        None => format!("{line}\n"),
    };
    log.lines().map(line).collect()
}

#[test]
fn each_step_can_be_left_out_and_the_others_stay() {
    let Some(wine) = machine() else { return };
    for &step in SetupStep::ALL {
        let script = SetupScript::windows().without(step).build().unwrap();
        let run = run(&wine, &fill(&script, STATIC, MissingValue::Keep));
        assert_eq!(words(&run), calls_of_static_address(Some(step)), "without {step}:\n{}", log(&wine));
        let removed = step != SetupStep::RemoveFirstRun;
        assert_eq!(wine.path("C:\\vmmgr").exists(), !removed, "without {step}");
        assert!(!log(&wine).contains(&format!("\n{step}: ")), "without {step}:\n{}", log(&wine));
    }
    let network = [SetupStep::Address, SetupStep::Ipv6Address, SetupStep::NameServers];
    let script = network.into_iter().fold(SetupScript::windows(), SetupScript::without).build().unwrap();
    let run = run(&wine, &fill(&script, STATIC, MissingValue::Keep));
    assert!(!words(&run).iter().any(|call| call.starts_with("netsh interface")), "{run:?}");
}

#[test]
fn a_next_hop_takes_the_place_of_mask_and_gateway() {
    let Some(wine) = machine() else { return };
    let values = [STATIC, &[("NEXTHOPIPv4", "10.0.0.1")]].concat();
    let run = run(&wine, &fill(&Script::default_windows(), &values, MissingValue::Empty));
    assert_eq!(
        words(&run)[2],
        "netsh interface ipv4 set address name=Ethernet Instance 0 2 static 192.0.2.10 255.255.255.255 10.0.0.1"
    );
}

#[test]
fn name_servers_of_both_families_go_on_the_interface_and_none_twice() {
    let Some(wine) = machine() else { return };
    let lists = [
        "192.0.2.53 2001:db8::53 198.51.100.53 2001:db8::54",
        "2001:db8::53 198.51.100.53 2001:db8::54 192.0.2.53",
        "\"192.0.2.53 2001:db8::53 198.51.100.53 2001:db8::54\"",
    ];
    for list in lists {
        let values = [STATIC, &[("NAMESERVERS", list)]].concat();
        let script = Script::default_windows();
        let script = if list.starts_with('"') {
            fill_plainly(&script, &values)
        } else {
            fill(&script, &values, MissingValue::Keep)
        };
        let run = run(&wine, &script);
        let calls: Vec<_> = words(&run).into_iter().filter(|call| call.contains("dnsservers")).collect();
        let set = "source=static";
        let last = "register=primary validate=no";
        let nic = "name=Ethernet Instance 0 2";
        assert_eq!(
            calls,
            [
                format!("netsh interface ipv4 set dnsservers {nic} {set} address=192.0.2.53 {last}"),
                format!("netsh interface ipv6 set dnsservers {nic} {set} address=2001:db8::53 {last}"),
                format!("netsh interface ipv4 add dnsservers {nic} address=198.51.100.53 validate=no"),
                format!("netsh interface ipv6 add dnsservers {nic} address=2001:db8::54 validate=no"),
            ],
            "{list}"
        );
    }
}

#[test]
fn an_ipv6_address_is_added_with_its_prefix_and_gateway() {
    let Some(wine) = machine() else { return };
    let ipv6 = |values: &[(&str, &str)]| {
        let values = [STATIC, values].concat();
        let run = run(&wine, &fill(&Script::default_windows(), &values, MissingValue::Parens));
        words(&run).into_iter().filter(|call| call.contains("ipv6")).collect::<Vec<_>>()
    };
    assert_eq!(ipv6(&[]), Vec::<String>::new());
    let interface = "interface=Ethernet Instance 0 2";
    assert_eq!(
        ipv6(&[("IPv6", "2001:db8::a"), ("NETMASKv6", "48"), ("GATEWAYv6", "2001:db8::1")]),
        [
            format!("netsh interface ipv6 add address {interface} address=2001:db8::a/48"),
            format!("netsh interface ipv6 add route prefix=::/0 {interface} nexthop=2001:db8::1"),
        ]
    );
    assert_eq!(
        ipv6(&[("IPv6", "2001:db8::a")]),
        [format!("netsh interface ipv6 add address {interface} address=2001:db8::a/64")]
    );
}

#[test]
fn a_key_is_installed_and_activated_and_a_missing_one_is_not() {
    let Some(wine) = machine() else { return };
    let key = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE";
    let slmgr = "cscript //nologo C:\\windows\\System32\\slmgr.vbs";
    let activation = |script: &Script, values: &[(&str, &str)], missing| {
        let values = [STATIC, values].concat();
        let run = run(&wine, &fill(script, &values, missing));
        assert!(!log(&wine).contains(key));
        words(&run).into_iter().filter(|call| call.starts_with("cscript")).collect::<Vec<_>>()
    };
    let script = Script::default_windows();
    let both = [format!("{slmgr} /ipk {key}"), format!("{slmgr} /ato")];
    assert_eq!(activation(&script, &[("PRODUCTKEY", key)], MissingValue::Parens), both);
    for missing in EVERY_MISSING {
        assert_eq!(activation(&script, &[], missing), Vec::<String>::new(), "{missing:?}");
    }
    let with_own_key = SetupScript::windows().product_key(false).build().unwrap();
    assert_eq!(activation(&with_own_key, &[("PRODUCTKEY", key)], MissingValue::Parens), both[1..]);
}

#[test]
fn what_is_missing_is_left_alone_however_the_platform_leaves_it() {
    let Some(wine) = machine() else { return };
    for missing in EVERY_MISSING {
        let run = run(&wine, &fill(&Script::default_windows(), &[], missing));
        let calls: Vec<_> = run.calls.iter().map(|call| call.program.as_str()).collect();
        assert_eq!(
            calls,
            ["netsh", "diskpart", "reg", "netsh", "netsh", "schtasks", "shutdown"],
            "{missing:?}: {:?}",
            words(&run)
        );
        for line in
            ["password: none was given", "address: left alone", "ipv6: left alone", "activation: no key"]
        {
            assert!(log(&wine).contains(line), "{missing:?}: {line}\n{}", log(&wine));
        }
    }
}

#[test]
fn a_step_that_fails_is_logged_and_the_rest_goes_on() {
    let Some(wine) = machine() else { return };
    wine.stand_in("net", &[Rule::new("").complains("no\r\n").exits(2)]);
    wine.stand_in("diskpart", &[Rule::new("").prints("There is no free space.\r\n").exits(5)]);
    wine.stand_in("schtasks", &[Rule::new("").exits(1)]);
    let run = run(&wine, &fill(&Script::default_windows(), STATIC, MissingValue::Parens));
    assert_eq!(words(&run), calls_of_static_address(None));
    let log = log(&wine);
    for line in [
        "\npassword: exit code 2\n",
        "\naddress: exit code 0\n",
        "\nThere is no free space.\nvolume: exit code 5\n",
        "\ntask: exit code 1\n",
        "\nrestart: exit code 0\n",
    ] {
        assert!(log.contains(line), "{line:?} in:\n{log}");
    }
}

/// The password as a command receives it, and that command.
fn arrived(run: &Run) -> Option<(&str, &str)> {
    let call = run.calls.iter().find(|call| call.program == "net" || call.program == "powershell")?;
    Some(if call.program == "net" {
        assert_eq!(call.arguments[..2], ["user", "Administrator"]);
        ("net", call.arguments[2].as_str())
    } else {
        assert_eq!(call.arguments[..3], ["-NoProfile", "-NonInteractive", "-Command"]);
        ("powershell", call.variable.as_str())
    })
}

#[test]
fn a_password_arrives_as_it_is_and_never_reaches_the_log() {
    let Some(wine) = machine() else { return };
    let script = SetupScript::windows().without(SetupStep::Activation).build().unwrap();
    let passwords = [
        ("a&b|c<d>e^f(g)h!i;j,k=l`m'n", "net"),
        ("with space and trailing one ", "net"),
        ("!VMT_ACCOUNT!^^&whoami", "net"),
        ("(x", "net"),
        ("~!@#$^&*()_+{}[]:;<>,.?|\\-", "net"),
        ("more-than-fourteen-characters", "net"),
        ("-option", "net"),
        ("100%", "net"),
        ("%PATH%&%%~", "net"),
        ("/delete", "powershell"),
        ("=begins", "powershell"),
        ("*", "powershell"),
        ("ends\\", "powershell"),
    ];
    for (password, by) in passwords {
        let values = [&[("PASS", password)], &STATIC[1..]].concat();
        let mut scripts = vec![fill(&script, &values, MissingValue::Parens)];
        // A value that the platform inserts without quoting must arrive unchanged.
        if !password.contains('%') {
            scripts.push(fill_plainly(&script, &values));
        }
        for script in scripts {
            let run = run(&wine, &script);
            assert_eq!(arrived(&run), Some((by, password)));
            let shown = log(&wine);
            assert!(!shown.contains(password) || password == "*", "{shown}");
            assert!(shown.contains("password: exit code 0\n"), "{shown}");
            let others =
                run.calls.iter().filter(|call| !["net", "powershell"].contains(&call.program.as_str()));
            assert!(others.clone().count() > 4);
            for call in others {
                assert_eq!(call.variable, "", "{} inherits the password", call.program);
            }
        }
    }
}

#[test]
fn a_password_with_a_quote_is_refused_by_us_and_set_by_its_other_way_when_the_platform_puts_it_there() {
    let script = Script::default_windows();
    let values = [&[("PASS", "a\"b")], &STATIC[1..]].concat();
    let error = rendered(
        &script,
        &values,
        &RenderOptions { missing: MissingValue::Empty, ..RenderOptions::default() },
    )
    .unwrap_err();
    assert!(error.to_string().contains("($PASS)"), "{error}");
    let Some(wine) = machine() else { return };
    let run = run(&wine, &fill_plainly(&script, &values));
    assert_eq!(arrived(&run), Some(("powershell", "a\"b")));
}

#[test]
fn without_a_policy_every_macro_that_has_no_value_is_named() {
    let error = rendered(&Script::default_windows(), STATIC, &RenderOptions::default()).unwrap_err();
    let told: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    for name in ["NEXTHOPIPv4", "IPv6", "NETMASKv6", "GATEWAYv6", "NAMESERVERS", "PRODUCTKEY"] {
        assert!(told.iter().any(|problem| problem.contains(&format!("(${name})"))), "{name}: {told:?}");
    }
    assert_eq!(told.len(), 6);
}

#[test]
fn an_interface_by_name_is_taken_without_asking() {
    let Some(wine) = machine() else { return };
    let script = SetupScript::windows().interface(SetupInterface::Named("LAN & (1)".into())).build().unwrap();
    let run = run(&wine, &fill(&script, STATIC, MissingValue::Parens));
    let calls = words(&run);
    assert!(!calls.contains(&"netsh interface show interface".into()));
    assert!(calls[1].starts_with("netsh interface ipv4 set address name=LAN & (1) static"), "{calls:?}");
}

#[test]
fn a_windows_of_another_language_tells_its_interface_otherwise() {
    let Some(wine) = machine() else { return };
    let german = INTERFACES.replace("Connected", "Verbunden").replace("Disconnected", "Getrennt");
    wine.stand_in(
        "netsh",
        &[
            Rule::new("interface show interface").prints(&german),
            Rule::new("interface ipv4 show interfaces").prints(
                "\r\nIdx     Met         MTU          State                Name\r\n\
                 ---  ----------  ----------  ------------  ---------------------------\r\n  \
                 1          75  4294967295  connected     Loopback Pseudo-Interface 1\r\n  \
                 3           5        1500  disconnected  Ethernet\r\n \
                 12          15        1500  connected     Ethernet 2\r\n\r\n",
            ),
        ],
    );
    let run = run(&wine, &fill(&Script::default_windows(), STATIC, MissingValue::Parens));
    assert!(words(&run)[3].starts_with("netsh interface ipv4 set address name=Ethernet 2 static"), "{run:?}");
}

#[test]
fn a_machine_whose_network_card_never_comes_is_set_up_without_it() {
    let Some(wine) = machine() else { return };
    wine.stand_in("netsh", &[Rule::new("advfirewall")]);
    let run = run(&wine, &fill(&Script::default_windows(), STATIC, MissingValue::Parens));
    let calls = words(&run);
    let waits = calls.iter().filter(|call| *call == "ping -n 2 127.0.0.1").count();
    assert!((50..=60).contains(&waits), "{waits}");
    assert!(!calls.iter().any(|call| call.contains(" set ") && call.contains("interface")), "{calls:?}");
    assert_eq!(calls.last().unwrap(), "shutdown /r /t 5");
    assert!(log(&wine).contains("address: left alone, there is no connected interface\n"));
    assert!(log(&wine).contains("name-servers: left alone"));
}

#[test]
fn nothing_behind_the_end_is_run() {
    let Some(wine) = machine() else { return };
    for step in [None, Some(SetupStep::RemoveFirstRun)] {
        let script = step.map_or_else(SetupScript::windows, |step| SetupScript::windows().without(step));
        let mut script = fill(&script.build().unwrap(), STATIC, MissingValue::Parens);
        script.extend(b"net what follows is not run\r\n".repeat(100));
        let calls = words(&run(&wine, &script));
        assert_eq!(calls, calls_of_static_address(step));
    }
}
