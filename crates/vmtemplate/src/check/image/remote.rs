//! How the customer gets in: Remote Desktop, the firewall, the administrator's account.

use super::look::{Look, Seen};
use super::windows::Windows;
use super::{rules, script};
use crate::disk::RegistryType;

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
            Some(_) => "Remote Desktop is off, and the setup script does not switch it on",
            None => "Remote Desktop is off; the setup script has to switch it on",
        };
        look.report(rules::REMOTE_DESKTOP, windows.system.place(&path), message);
    }
    firewall(look, windows, commands, is_on || is_switched_on)
}

/// Profiles and rules as [MS-GPFAS] has them, at the places of the local store.
fn firewall(look: &Look<'_>, windows: &Windows<'_>, commands: &[String], is_needed: bool) -> Seen<()> {
    let policy = windows.control(r"Services\SharedAccess\Parameters\FirewallPolicy");
    let profile = format!("{policy}\\PublicProfile");
    match windows.system.u32(look, &profile, "EnableFirewall")? {
        Some(0) => {
            look.report(
                rules::FIREWALL,
                windows.system.place(&profile),
                "the firewall is off for public networks",
            );
            return Ok(());
        }
        // It is not told: then there is nothing to say of its rules either.
        None => return Ok(()),
        Some(_) => {}
    }
    let path = format!("{policy}\\FirewallRules");
    let mut states = Vec::new();
    for name in ["RemoteDesktop-UserMode-In-TCP", "RemoteDesktop-In-TCP"] {
        if let Some(rule) = windows.system.string(look, &path, name)? {
            states.push(rule.to_ascii_lowercase().contains("|active=true|"));
        }
    }
    let is_open = states.is_empty() || states.contains(&true) || script::has(commands, &["firewall"]);
    if is_needed && !is_open {
        look.report(
            rules::REMOTE_DESKTOP_BLOCKED,
            windows.system.place(&path),
            "the rules for Remote Desktop are not active",
        );
    }
    Ok(())
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
        look.report(rules::ADMINISTRATOR, windows.sam.place(&path), "the account is disabled");
    }
    Ok(())
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
        // A name that the script computes is not known here.
        let is_plain = !name.is_empty() && !name.contains(['%', '!', '(', '/']);
        is_plain.then_some(name)
    });
    let Some(name) = name else { return Ok(()) };
    let names = format!("{USERS}\\Names");
    let Some(key) = windows.sam.key(look, &names)? else { return Ok(()) };
    let place = || windows.sam.place(&names);
    if look.seen(place(), key.subkey(&name))?.is_some() {
        return Ok(());
    }
    // Each name has the number of its account as the type of its default value.
    let mut administrator = None;
    for key in look.seen(place(), key.subkeys())? {
        let value = look.seen(place(), key.value(""))?;
        if value.is_some_and(|value| value.kind() == RegistryType::Other(ADMINISTRATOR)) {
            administrator = Some(key.name().to_owned());
        }
    }
    let is_called =
        administrator.map_or(String::new(), |name| format!("; the administrator is called {name:?}"));
    look.report(
        rules::NO_ACCOUNT,
        place(),
        format!("the script sets the password of {name:?}, and there is no such account{is_called}"),
    );
    Ok(())
}
