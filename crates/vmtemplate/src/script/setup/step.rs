use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// One step of the setup script.
///
/// ```
/// use vmtemplate::script::SetupStep;
///
/// assert_eq!("name-servers".parse::<SetupStep>()?, SetupStep::NameServers);
/// assert_eq!(SetupStep::GrowVolume.to_string(), "volume");
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SetupStep {
    /// Sets the administrator's password.
    Password,
    /// Sets the IPv4 address, with mask and gateway or with a next hop.
    Address,
    /// Adds the IPv6 address and its gateway, where they are given.
    Ipv6Address,
    /// Sets the name servers of both families.
    NameServers,
    /// Grows the volume of the system into the disk.
    GrowVolume,
    /// Installs the product key, where one is given, and activates Windows.
    Activation,
    /// Allows Remote Desktop.
    RemoteDesktop,
    /// Removes the task `vmmgr_firstrun` and the folder `C:\vmmgr`.
    RemoveFirstRun,
    /// Restarts the machine.
    Restart,
}

impl SetupStep {
    /// All of them, in the order in which they are done.
    ///
    /// ```
    /// use vmtemplate::script::SetupStep;
    ///
    /// assert_eq!(SetupStep::ALL.last(), Some(&SetupStep::Restart));
    /// ```
    pub const ALL: &'static [Self] = &[
        Self::Password,
        Self::Address,
        Self::Ipv6Address,
        Self::NameServers,
        Self::GrowVolume,
        Self::Activation,
        Self::RemoteDesktop,
        Self::RemoveFirstRun,
        Self::Restart,
    ];

    /// The name of the step, as the command line takes it.
    ///
    /// ```
    /// assert_eq!(vmtemplate::script::SetupStep::Ipv6Address.name(), "ipv6");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Address => "address",
            Self::Ipv6Address => "ipv6",
            Self::NameServers => "name-servers",
            Self::GrowVolume => "volume",
            Self::Activation => "activation",
            Self::RemoteDesktop => "remote-desktop",
            Self::RemoveFirstRun => "first-run",
            Self::Restart => "restart",
        }
    }
}

impl fmt::Display for SetupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SetupStep {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|step| step.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|step| step.name()).collect();
            Error::new(ErrorKind::InvalidValue, format!("`{name}` is not a step of the setup script"))
                .with_help(format!("the steps are {}", names.join(", ")))
        })
    }
}
