//! That PowerShell runs `firstrun.ps1`.
//!
//! Microsoft, "about_Execution_Policies": the policies, their order, and the defaults; the keys are those of the
//! administrative template PowerShellExecutionPolicy.admx and of `Set-ExecutionPolicy`.

use super::look::{Look, Seen};
use super::windows::Windows;
use super::{first_run, script};
use crate::rules::image as rules;

const GROUP: &str = r"Policies\Microsoft\Windows\PowerShell";
const MACHINE: &str = r"Microsoft\PowerShell\1\ShellIds\Microsoft.PowerShell";

pub(super) fn check(look: &Look<'_>, windows: &Windows<'_>) {
    machine(look, windows).ok();
    group(look, windows).ok();
}

/// Whether a local script without a signature runs under this policy.
fn is_loose(policy: &str) -> bool {
    ["remotesigned", "unrestricted", "bypass"].contains(&policy.to_lowercase().as_str())
}

fn machine(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let policy = windows.software.string(look, MACHINE, "ExecutionPolicy")?;
    let policy = policy.filter(|policy| !policy.eq_ignore_ascii_case("Undefined"));
    // Servers allow local scripts since 2012 R2, which is build 9600; clients do not.
    let is_allowed = match &policy {
        Some(policy) => is_loose(policy),
        None => windows.info.is_server() && windows.info.build_number().is_some_and(|build| build >= 9600),
    };
    if is_allowed || is_given_on_command_line(look, windows)? {
        return Ok(());
    }
    let found = match policy {
        Some(policy) => format!("the execution policy is {policy}"),
        None => "no execution policy is set, which means Restricted on this Windows".to_owned(),
    };
    look.report(
        rules::POLICY,
        windows.software.place(MACHINE),
        format!("{found}; RemoteSigned was expected"),
    );
    Ok(())
}

/// Whether `firstrun.cmd` calls PowerShell with `-ExecutionPolicy` and a loose one. Names of parameters may be cut short.
fn is_given_on_command_line(look: &Look<'_>, windows: &Windows<'_>) -> Seen<bool> {
    let Some(bytes) = first_run::read_script(look, windows, "firstrun.cmd")? else { return Ok(false) };
    let text = crate::script::Script::from_bytes(bytes).text().into_owned();
    Ok(script::commands_of(&text).iter().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.windows(2).any(|pair| {
            let is_option =
                pair[0] == "-ep" || (pair[0].len() >= 3 && "-executionpolicy".starts_with(pair[0]));
            is_option && is_loose(pair[1].trim_matches('"'))
        })
    }))
}

fn group(look: &Look<'_>, windows: &Windows<'_>) -> Seen<()> {
    let found = match windows.software.u32(look, GROUP, "EnableScripts")? {
        None => return Ok(()),
        Some(0) => "a group policy forbids all scripts".to_owned(),
        Some(_) => match windows.software.string(look, GROUP, "ExecutionPolicy")? {
            Some(policy) if !is_loose(&policy) => {
                format!("a group policy sets the execution policy {policy}")
            }
            _ => return Ok(()),
        },
    };
    look.report(rules::GROUP_POLICY, windows.software.place(GROUP), found);
    Ok(())
}
