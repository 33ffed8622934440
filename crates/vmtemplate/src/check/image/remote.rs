//! How the customer gets in: Remote Desktop, the firewall, the administrator's account.

use super::firewall::{FirewallRule, Shut};
use super::look::{Look, Seen};
use super::service::Service;
use super::windows::Windows;
use super::{firewall, script};
use crate::disk::RegistryType;
use crate::rules::{Finding, Place, image as rules};
use crate::shown::Shown;

/// `Start` of a service that is never started (Microsoft, "CurrentControlSet\Services subkey entries").
const DISABLED: u32 = 4;

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    let commands = script::commands(look);
    remote_desktop(look, windows, &commands).ok();
    administrator(look, windows, &commands).ok();
    account(look, windows, &commands).ok();
}

/// `fDenyTSConnections` is 0 where Remote Desktop is on (Microsoft, "Microsoft-Windows-TerminalServices-LocalSessionManager:
/// fDenyTSConnections", default 1).
fn remote_desktop(look: &Look<'_>, windows: &Windows<'_>, commands: &[String]) -> Seen<()> {
    let path = windows.control(r"Control\Terminal Server");
    let is_on = windows.system.u32(look, &path, "fDenyTSConnections")? == Some(0);
    let is_switched_on = script::has(commands, &["fdenytsconnections"]);
    if !is_on && !is_switched_on {
        let message = match look.context.script {
            Some(_) => "Remote Desktop is off, and the setup script does not turn it on",
            None => "Remote Desktop is off; the setup script has to turn it on",
        };
        look.report(rules::REMOTE_DESKTOP, windows.system.place(&path), message);
    }
    check_firewall(look, windows, commands, is_on || is_switched_on)
}

/// The local store of the firewall, and that of group policies ([MS-GPFAS], section 2.2).
const LOCAL: &str = r"Services\SharedAccess\Parameters\FirewallPolicy";
const POLICY: &str = r"Policies\Microsoft\WindowsFirewall";

/// The kinds of networks that have settings of their own, and the key of each. A new machine's network is public.
const NETWORKS: [(&str, &str); 3] =
    [("public", "PublicProfile"), ("private", "StandardProfile"), ("domain", "DomainProfile")];

/// A setting of the firewall for one kind of networks, and where it is. That of a group policy wins.
fn setting(look: &Look<'_>, windows: &Windows<'_>, profile: &str, name: &str) -> Seen<Option<(u32, Place)>> {
    let path = format!("{POLICY}\\{profile}");
    if let Ok(Some(value)) = windows.software.u32(look, &path, name) {
        return Ok(Some((value, windows.software.place(&path))));
    }
    let path = windows.control(&format!("{LOCAL}\\{profile}"));
    let value = windows.system.u32(look, &path, name)?;
    Ok(value.map(|value| (value, windows.system.place(&path))))
}

/// Report where the firewall lets everything in; whether it does so in public networks.
fn firewall_is_off(look: &Look<'_>, windows: &Windows<'_>) -> Seen<bool> {
    let mut off = Vec::new();
    for (network, profile) in NETWORKS {
        if let Some((0, place)) = setting(look, windows, profile, "EnableFirewall")? {
            off.push((network, place));
        }
    }
    let is_public = off.first().is_some_and(|(network, _)| *network == NETWORKS[0].0);
    if let Some((_, place)) = off.first() {
        let networks: Vec<_> = off.iter().map(|(network, _)| *network).collect();
        let message = format!("the firewall is off for {} networks", networks.join(" and "));
        look.report(rules::FIREWALL, place.clone(), message);
        return Ok(is_public);
    }
    if let Some(service) = Service::find(look, windows, "MpsSvc")?
        && service.start == Some(DISABLED)
    {
        let message = "the firewall is off: its service, MpsSvc, is disabled (Start 4)";
        let fix = "in the virtual machine, run: reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\MpsSvc /v Start /t \
                   REG_DWORD /d 2 /f and restart";
        let place = windows.system.place(&service.path);
        look.add(Finding::new(rules::FIREWALL, message).at(place).with_fix(fix));
        return Ok(true);
    }
    if let Some((0, place)) = setting(look, windows, NETWORKS[0].1, "DefaultInboundAction")? {
        let message = "DefaultInboundAction is 0: in public networks the firewall allows every incoming connection that no rule \
             blocks";
        let fix = "in the virtual machine, run: netsh advfirewall set publicprofile firewallpolicy blockinbound,allowoutbound";
        look.add(Finding::new(rules::FIREWALL, message).at(place).with_fix(fix));
        return Ok(true);
    }
    Ok(false)
}

/// The rules of the local store and of group policies. A policy can leave the local ones out.
fn firewall_rules(look: &Look<'_>, windows: &Windows<'_>) -> Seen<Vec<FirewallRule>> {
    let mut rules = Vec::new();
    let merges = setting(look, windows, NETWORKS[0].1, "AllowLocalPolicyMerge")?;
    let local = windows.control(LOCAL);
    for (hive, store) in [(&windows.system, local.as_str()), (&windows.software, POLICY)] {
        let path = format!("{store}\\FirewallRules");
        let is_left_out = store == local && merges.as_ref().is_some_and(|(value, _)| *value == 0);
        let Ok(Some(key)) = hive.key(look, &path) else { continue };
        if is_left_out {
            continue;
        }
        for value in hive.seen(look, &path, key.values())? {
            // What is no text is no rule.
            let text = value.lenient_text().unwrap_or_default();
            rules.extend(FirewallRule::parse(value.name(), &text));
        }
    }
    Ok(rules)
}

/// That a new machine's network, which is public, reaches Remote Desktop.
fn check_firewall(look: &Look<'_>, windows: &Windows<'_>, commands: &[String], is_needed: bool) -> Seen<()> {
    let is_off = firewall_is_off(look, windows)?;
    if is_off || !is_needed || script::has_any(commands, "firewall", SWITCHES_OFF) {
        return Ok(());
    }
    let port = rdp_port(look, windows)?;
    let allow = format!(
        "run this, or add it to the setup script: netsh advfirewall firewall add rule name=\"Remote Desktop\" dir=in \
         action=allow protocol=TCP localport={port}"
    );
    if let Some((1, place)) = setting(look, windows, NETWORKS[0].1, "DoNotAllowExceptions")? {
        let message = "DoNotAllowExceptions is 1: in public networks the firewall drops every connection, regardless \
                       of its rules";
        let fix = "run this, or add it to the setup script: netsh advfirewall set publicprofile firewallpolicy \
                   blockinbound,allowoutbound";
        look.add(Finding::new(rules::REMOTE_DESKTOP_BLOCKED, message).at(place).with_fix(fix));
        return Ok(());
    }
    let found = firewall_rules(look, windows)?;
    // Windows before Vista has rules of another kind.
    if found.is_empty() {
        return Ok(());
    }
    let adds = script::has_any(commands, "firewall", ADDS_A_RULE);
    let enables = script::has(commands, &["firewall"]);
    let Some(shut) = firewall::shut(&found, port, enables, adds) else { return Ok(()) };
    let (message, fix) = match shut {
        Shut::Inactive => ("the rules for Remote Desktop are not active".to_owned(), None),
        Shut::NoRule => (format!("no rule allows connections to TCP port {port}"), Some(allow)),
        Shut::Profiles(profiles) => (
            format!(
                "the rules for Remote Desktop are active only for {profiles} networks; the network of a new machine is \
                 Public"
            ),
            Some(allow),
        ),
        Shut::Limited(field) => (
            format!("the rules allow Remote Desktop only for some connections: {}", Shown(&field)),
            Some(allow),
        ),
        Shut::Blocked(id) => (
            format!("the rule {} drops every connection to Remote Desktop", Shown(&id)),
            Some(format!(
                "in PowerShell, run: Disable-NetFirewallRule -Name '{}'",
                Shown(id.replace('\'', "''"))
            )),
        ),
    };
    let place = windows.system.place(&windows.control(&format!("{LOCAL}\\FirewallRules")));
    let finding = Finding::new(rules::REMOTE_DESKTOP_BLOCKED, message).at(place);
    look.add(match fix {
        Some(fix) => finding.with_fix(fix),
        None => finding,
    });
    Ok(())
}

/// Commands that open the firewall for good, beside the word `firewall` in one line.
const SWITCHES_OFF: &[&str] = &["state off", "-enabled false", "opmode disable", "disable-netfirewallrule"];

/// Commands that make a rule, or one that holds for public networks.
const ADDS_A_RULE: &[&str] = &[
    "add rule",
    "add portopening",
    "set service",
    "new-netfirewallrule",
    "profile=any",
    "profile=public",
    "-profile any",
    "-profile public",
];

/// The port of Remote Desktop (Microsoft, "Change the listening port for Remote Desktop").
fn rdp_port(look: &Look<'_>, windows: &Windows<'_>) -> Seen<u16> {
    let path = windows.control(r"Control\Terminal Server\WinStations\RDP-Tcp");
    let port = windows.system.u32(look, &path, "PortNumber")?;
    Ok(port.and_then(|port| u16::try_from(port).ok()).unwrap_or(3389))
}

const USERS: &str = r"SAM\Domains\Account\Users";

/// The relative identifier of the administrator that every Windows has (Microsoft, "Security identifiers").
const ADMINISTRATOR: u32 = 500;

/// Whether the account is enabled: bit 0 of the control flags at byte 56 of its value `F` ([MS-SAMR], section 2.2.1.12,
/// `USER_ACCOUNT_DISABLED`; libyal, "Security Accounts Manager (SAM)").
fn administrator(look: &Look<'_>, windows: &Windows<'_>, commands: &[String]) -> Seen<()> {
    let path = format!("{USERS}\\{ADMINISTRATOR:08X}");
    let Some(data) = windows.sam.data(look, &path, "F")? else { return Ok(()) };
    let is_disabled = data.get(56).is_some_and(|flags| flags & 1 == 1);
    if is_disabled && !script::has(commands, &["net user", "/active:yes"]) {
        let name = administrator_name(look, windows)?.unwrap_or_else(|| "Administrator".to_owned());
        let fix = format!("in the virtual machine, run: net user \"{}\" /active:yes", Shown(name));
        let finding = Finding::new(rules::ADMINISTRATOR, "the account is disabled");
        look.add(finding.at(windows.sam.place(&path)).with_fix(fix));
    }
    Ok(())
}

/// What the administrator is called: it depends on the language of Windows, and people rename it. Each name has the number of its
/// account as the type of its default value.
fn administrator_name(look: &Look<'_>, windows: &Windows<'_>) -> Seen<Option<String>> {
    let path = format!("{USERS}\\Names");
    let Some(names) = windows.sam.key(look, &path)? else { return Ok(None) };
    let mut administrator = None;
    for key in windows.sam.seen(look, &path, names.subkeys())? {
        let value = windows.sam.seen(look, &path, key.value(""))?;
        if value.is_some_and(|value| value.kind() == RegistryType::Other(ADMINISTRATOR)) {
            administrator = Some(key.name().to_owned());
        }
    }
    Ok(administrator)
}

/// The account that the script names in `net user NAME PASSWORD`.
fn account(look: &Look<'_>, windows: &Windows<'_>, commands: &[String]) -> Seen<()> {
    let name = commands.iter().find_map(|line| {
        let (_, rest) = line.split_once("net user ").or_else(|| line.split_once("net.exe user "))?;
        let rest = rest.trim_start();
        let name = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => rest.split_whitespace().next()?,
        };
        let name = script::resolve(commands, name);
        // A name that the script computes is not known here, nor one in a code page that the bytes do not tell.
        let is_plain = !name.is_empty() && !name.contains(['%', '!', '(', '/', char::REPLACEMENT_CHARACTER]);
        is_plain.then_some(name)
    });
    let Some(name) = name else { return Ok(()) };
    let names = format!("{USERS}\\Names");
    let Some(key) = windows.sam.key(look, &names)? else { return Ok(()) };
    if windows.sam.seen(look, &names, key.subkey(&name))?.is_some() {
        return Ok(());
    }
    let is_called = administrator_name(look, windows)?
        .map_or(String::new(), |name| format!("; the administrator is called \"{}\"", Shown(name)));
    look.report(
        rules::NO_ACCOUNT,
        windows.sam.place(&names),
        format!(
            "the script sets the password of \"{}\", but this account does not exist{is_called}",
            Shown(name)
        ),
    );
    Ok(())
}
