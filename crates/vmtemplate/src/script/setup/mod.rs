//! Our own setup script for Windows, put together from sections.

mod step;

use crate::error::{Error, ErrorKind, Result};

use super::Script;

pub use step::SetupStep;

/// Which network interface the setup script sets up.
///
/// ```
/// use vmtemplate::script::{SetupInterface, SetupScript};
///
/// let script = SetupScript::windows().interface(SetupInterface::Named("LAN 1".into())).build()?;
/// assert!(script.text().contains("set \"NIC=LAN 1\"\r\n"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SetupInterface {
    /// The first one that is connected; a new machine gets a minute to install its network card.
    #[default]
    FirstConnected,
    /// The one with this name.
    Named(String),
}

/// What the setup script does to the firewall of Windows.
///
/// ```
/// use vmtemplate::script::{SetupFirewall, SetupScript};
///
/// let script = SetupScript::windows().firewall(SetupFirewall::Unchanged).build()?;
/// assert!(!script.text().contains("advfirewall"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SetupFirewall {
    /// Lets Remote Desktop through, if [`SetupStep::RemoteDesktop`] is in.
    #[default]
    OpenRemoteDesktop,
    /// Nothing: the image has the rules it needs.
    Unchanged,
}

/// The setup script of this crate: what a new machine does once, with the values that the platform fills in.
///
/// Every section of the script states what it is for; every step writes its exit code to the log, and a step that fails
/// does not stop the others. A macro without a value may be left as `()`, as nothing, or unchanged.
///
/// Under [`Script::render`] a password arrives as it is, or is refused. The platform itself replaces the macro
/// and nothing more: then a password arrives if it has neither `%` nor `"`, which metainfo.xml can say in its
/// `illegal_password_characters`.
///
/// ```
/// use vmtemplate::script::{LineEnding, ScriptEncoding, SetupScript, SetupStep};
///
/// let script = SetupScript::windows()
///     .administrator("root")
///     .log_file("C:\\Windows\\Temp\\setup.log")
///     .without(SetupStep::Activation)
///     .build()?;
/// assert_eq!((script.encoding(), script.line_ending()), (ScriptEncoding::Ascii, LineEnding::CrLf));
/// assert!(!script.text().contains("($PRODUCTKEY)"));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupScript {
    steps: Vec<SetupStep>,
    administrator: String,
    log_file: String,
    interface: SetupInterface,
    firewall: SetupFirewall,
    product_key: bool,
}

impl SetupScript {
    /// The version of the script's text. It is in the first lines of the script and in its log.
    ///
    /// ```
    /// use vmtemplate::script::SetupScript;
    ///
    /// let line = format!("rem Setup script of vmtemplate, version {}, for Windows.", SetupScript::VERSION);
    /// assert_eq!(SetupScript::windows().build()?.text().lines().nth(1), Some(line.as_str()));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub const VERSION: &'static str = "1";

    /// A script with every step, for the account `Administrator`.
    ///
    /// ```
    /// let script = vmtemplate::script::SetupScript::windows().build()?;
    /// assert_eq!(script, vmtemplate::Script::default_windows());
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn windows() -> Self {
        Self {
            steps: SetupStep::ALL.to_vec(),
            administrator: "Administrator".into(),
            log_file: "%SystemDrive%\\setup.log".into(),
            interface: SetupInterface::default(),
            firewall: SetupFirewall::default(),
            product_key: true,
        }
    }

    /// Leave a step out.
    ///
    /// Without [`SetupStep::RemoveFirstRun`] but with [`SetupStep::Restart`] the machine restarts as long as the install
    /// drive is there.
    ///
    /// ```
    /// use vmtemplate::script::{SetupScript, SetupStep};
    ///
    /// let script = SetupScript::windows().without(SetupStep::Restart).build()?;
    /// assert!(!script.text().contains("shutdown"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn without(mut self, step: SetupStep) -> Self {
        self.steps.retain(|&kept| kept != step);
        self
    }

    /// The account that gets the password. In some languages Windows names it otherwise, such as `Administrateur`.
    ///
    /// ```
    /// use vmtemplate::script::SetupScript;
    /// use vmtemplate::ErrorKind;
    ///
    /// let script = SetupScript::windows().administrator("Administrateur").build()?;
    /// assert!(script.text().contains("Administrateur"));
    /// assert_eq!(SetupScript::windows().administrator("a/b").build().unwrap_err().kind(), ErrorKind::InvalidValue);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn administrator(mut self, account: impl Into<String>) -> Self {
        self.administrator = account.into();
        self
    }

    /// The file that the script writes its log to; `%NAME%` stands for a variable of Windows.
    ///
    /// ```
    /// let script = vmtemplate::script::SetupScript::windows().log_file("%SystemRoot%\\Temp\\setup.log").build()?;
    /// assert!(script.text().contains("set \"LOG=%SystemRoot%\\Temp\\setup.log\""));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn log_file(mut self, path: impl Into<String>) -> Self {
        self.log_file = path.into();
        self
    }

    /// Which interface is set up. See [`SetupInterface`].
    ///
    /// ```
    /// use vmtemplate::script::{SetupInterface, SetupScript};
    ///
    /// let script = SetupScript::windows().interface(SetupInterface::FirstConnected).build()?;
    /// assert_eq!(script, SetupScript::windows().build()?);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn interface(mut self, interface: SetupInterface) -> Self {
        self.interface = interface;
        self
    }

    /// What happens to the firewall. See [`SetupFirewall`].
    ///
    /// ```
    /// use vmtemplate::script::{SetupFirewall, SetupScript};
    ///
    /// let script = SetupScript::windows().firewall(SetupFirewall::OpenRemoteDesktop).build()?;
    /// assert!(script.text().contains("netsh advfirewall"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn firewall(mut self, firewall: SetupFirewall) -> Self {
        self.firewall = firewall;
        self
    }

    /// Whether the product key of `($PRODUCTKEY)` is installed before Windows is activated. If not, the key that the
    /// image has is activated.
    ///
    /// ```
    /// let script = vmtemplate::script::SetupScript::windows().product_key(false).build()?;
    /// assert!(!script.text().contains("($PRODUCTKEY)") && script.text().contains("slmgr.vbs"));
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    #[must_use]
    pub fn product_key(mut self, used: bool) -> Self {
        self.product_key = used;
        self
    }

    /// The script: ASCII, CR LF, its macros to be filled in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] if a name or path is none or would not are in a batch file as it is; all that is
    /// wrong is in [`Error::problems`].
    ///
    /// ```
    /// use vmtemplate::script::{SetupInterface, SetupScript};
    ///
    /// let error = SetupScript::windows()
    ///     .administrator("")
    ///     .log_file("setup.log")
    ///     .interface(SetupInterface::Named("\"".into()))
    ///     .build()
    ///     .unwrap_err();
    /// assert_eq!(error.problems().len(), 3);
    /// ```
    pub fn build(self) -> Result<Script> {
        let problems: Vec<Error> = [
            check_account(&self.administrator).map_err(|e| e.with_field("administrator")),
            self.check_log_file().map_err(|e| e.with_field("log_file")),
            match &self.interface {
                SetupInterface::FirstConnected => Ok(()),
                SetupInterface::Named(name) => {
                    check_text(name, "interface name", 256).map_err(|e| e.with_field("interface"))
                }
            },
        ]
        .into_iter()
        .filter_map(Result::err)
        .collect();
        if !problems.is_empty() {
            return Err(Error::many(ErrorKind::InvalidValue, "the setup script", problems));
        }
        Ok(self.assemble())
    }

    pub(crate) fn assemble(&self) -> Script {
        let has = |step| self.steps.contains(&step);
        let network = has(SetupStep::Address) || has(SetupStep::Ipv6Address) || has(SetupStep::NameServers);
        let looks_for_interface = network && self.interface == SetupInterface::FirstConnected;
        let named = network && !looks_for_interface;
        let key = has(SetupStep::Activation) && self.product_key;
        let opens = has(SetupStep::RemoteDesktop) && self.firewall == SetupFirewall::OpenRemoteDesktop;
        let name = match &self.interface {
            SetupInterface::FirstConnected => "",
            SetupInterface::Named(name) => name,
        };
        let begin = include_str!("begin.cmd").replace("{LOG}", &self.log_file);
        let password = include_str!("password.cmd").replace("{ADMINISTRATOR}", &literal(&self.administrator));
        let interface_named = include_str!("interface_named.cmd").replace("{INTERFACE}", &literal(name));
        let sections = [
            (true, begin.as_str()),
            // The password first: it is what the customer cannot do without, and needs no network.
            (has(SetupStep::Password), &password),
            (looks_for_interface, include_str!("interface.cmd")),
            (named, &interface_named),
            (has(SetupStep::Address), include_str!("address.cmd")),
            (has(SetupStep::Ipv6Address), include_str!("ipv6.cmd")),
            (has(SetupStep::NameServers), include_str!("name_servers.cmd")),
            (has(SetupStep::GrowVolume), include_str!("volume.cmd")),
            (key, include_str!("activation_key.cmd")),
            (has(SetupStep::Activation) && !key, include_str!("activation.cmd")),
            (has(SetupStep::RemoteDesktop), include_str!("remote_desktop.cmd")),
            (opens, include_str!("firewall.cmd")),
            (has(SetupStep::RemoveFirstRun), include_str!("remove_task.cmd")),
            (has(SetupStep::Restart), include_str!("restart.cmd")),
            (has(SetupStep::RemoveFirstRun), include_str!("end_removing.cmd")),
            (!has(SetupStep::RemoveFirstRun), include_str!("end.cmd")),
            // What is called is behind the end, and before it ends the script again: what follows on the drive is
            // padding. Labels are looked for from the call on, so none is looked for in the padding.
            (looks_for_interface, include_str!("interface_sub.cmd")),
            (has(SetupStep::NameServers), include_str!("name_server_sub.cmd")),
            (true, include_str!("done_sub.cmd")),
        ];
        let mut text = String::new();
        for (_, section) in sections.iter().filter(|(is_in, _)| *is_in) {
            text.push_str(section);
        }
        Script::from_text(text.replace("{VERSION}", Self::VERSION)).to_windows()
    }

    fn check_log_file(&self) -> Result<()> {
        let path = &self.log_file;
        check_text(path, "path of the log", 200)?;
        let absolute = path.starts_with('%') || path.as_bytes().get(1..3) == Some(b":\\");
        if !absolute || path.contains(['<', '>', '|', '*', '?', '&', '^']) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format!("`{path}` is not an absolute Windows path"),
            )
            .with_help("give a path such as C:\\setup.log or %SystemDrive%\\setup.log"));
        }
        if self.steps.contains(&SetupStep::RemoveFirstRun)
            && path.get(..9).is_some_and(|folder| folder.eq_ignore_ascii_case("C:\\vmmgr\\"))
        {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the log is in C:\\vmmgr, which the script removes at the end",
            )
            .with_help("write the log elsewhere, such as C:\\setup.log"));
        }
        Ok(())
    }
}

/// A text unchanged between the quotes of `set "NAME=…"`, where only `%` is special.
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

/// What a name of an account may hold: Microsoft, `NET USER` and "User name policy": at most 20 characters, none of
/// `"/\[]:;|=,+*?<>@`, and not only dots and spaces.
fn check_account(name: &str) -> Result<()> {
    check_text(name, "account name", 20)?;
    let bad = name.chars().find(|&c| "\"/\\[]:;|=,+*?<>@".contains(c));
    if let Some(bad) = bad {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            format!("the account name `{name}` contains `{bad}`, which Windows does not allow"),
        ));
    }
    if name.chars().all(|c| c == '.' || c == ' ') {
        return Err(Error::new(ErrorKind::InvalidValue, format!("`{name}` is not the name of an account")));
    }
    Ok(())
}

fn check_text(text: &str, what: &str, most: usize) -> Result<()> {
    let refused = if text.is_empty() {
        format!("the {what} is empty")
    } else if text.len() > most {
        format!("the {what} has {} characters; at most {most} are allowed", text.len())
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"') {
        format!("the {what} contains a quote or a character that is not printable ASCII")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidValue, refused)
        .with_help("a batch file is read in a code page that differs between machines; use printable ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{LineEnding, ScriptEncoding};

    fn refused(script: SetupScript) -> Vec<String> {
        let error = script.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        error.problems().iter().filter_map(|problem| problem.field().map(str::to_owned)).collect()
    }

    #[test]
    fn names_that_are_none_or_would_not_stand_as_they_are_are_refused() {
        for name in
            ["", "a\"b", "a/b", "a\\b", "a@b", "...", "Администратор", "a\r\nb", "a name of 21 letters!"]
        {
            assert_eq!(refused(SetupScript::windows().administrator(name)), ["administrator"], "{name:?}");
        }
        for name in ["", "LAN\"", "LAN\n", "Verbindung für LAN"] {
            let script = SetupScript::windows().interface(SetupInterface::Named(name.into()));
            assert_eq!(refused(script), ["interface"], "{name:?}");
        }
        for path in
            ["", "setup.log", "C:setup.log", "C:\\a&b", "C:\\a\"", "C:\\vmmgr\\setup.log", "c:\\VMMGR\\x"]
        {
            assert_eq!(refused(SetupScript::windows().log_file(path)), ["log_file"], "{path:?}");
        }
        // Without the removal of the folder a log in it stays.
        let kept = SetupScript::windows().without(SetupStep::RemoveFirstRun).log_file("C:\\vmmgr\\setup.log");
        assert!(kept.build().is_ok());
    }

    #[test]
    fn a_percent_sign_in_a_name_stands_for_itself() {
        let script = SetupScript::windows()
            .administrator("100%PATH%")
            .interface(SetupInterface::Named("50%".into()))
            .build()
            .unwrap();
        assert!(script.text().contains("set \"VMT_ACCOUNT=100%%PATH%%\"\r\n"));
        assert!(script.text().contains("set \"NIC=50%%\"\r\n"));
    }

    #[test]
    fn every_choice_gives_ascii_with_windows_line_ends_and_no_place_left_open() {
        let mut scripts: Vec<_> =
            SetupStep::ALL.iter().map(|&step| SetupScript::windows().without(step)).collect();
        scripts
            .push(SetupStep::ALL.iter().fold(SetupScript::windows(), |script, &step| script.without(step)));
        scripts.push(SetupScript::windows().interface(SetupInterface::Named("{VERSION} {LOG}".into())));
        for script in scripts {
            let script = script.build().unwrap();
            assert_eq!((script.encoding(), script.line_ending()), (ScriptEncoding::Ascii, LineEnding::CrLf));
            for place in ["{ADMINISTRATOR}", "{INTERFACE}", "={LOG}"] {
                assert!(!script.text().contains(place), "{place}");
            }
            assert!(script.text().contains("exit /b 0\r\n"));
        }
    }
}
