//! The two forms in which a repository describes itself.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::shown::Shown;

/// For which generation of the platform a repository is described.
///
/// ```
/// use vmtemplate::repository::RepositoryFormat;
///
/// assert_eq!("vm5".parse::<RepositoryFormat>()?, RepositoryFormat::Vm5);
/// assert_eq!(RepositoryFormat::default().file_name(), "metadata.json");
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RepositoryFormat {
    /// VMmanager 6: metadata.json.
    #[default]
    Vm6,
    /// VMmanager 5: metadata.xml.
    Vm5,
}

impl RepositoryFormat {
    /// The name of the file that describes the repository.
    ///
    /// ```
    /// assert_eq!(vmtemplate::repository::RepositoryFormat::Vm5.file_name(), "metadata.xml");
    /// ```
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Vm6 => "metadata.json",
            Self::Vm5 => "metadata.xml",
        }
    }

    /// The description of a repository without templates.
    pub(super) fn empty(self) -> &'static str {
        match self {
            Self::Vm6 => "{\n  \"type\": \"os\",\n  \"os\": [\n  ]\n}\n",
            Self::Vm5 => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc>\n</doc>\n",
        }
    }
}

impl fmt::Display for RepositoryFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vm6 => "vm6",
            Self::Vm5 => "vm5",
        })
    }
}

impl FromStr for RepositoryFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "vm6" => Ok(Self::Vm6),
            "vm5" => Ok(Self::Vm5),
            _ => Err(Error::new(
                ErrorKind::InvalidValue,
                format!("found `{}`; expected vm6 or vm5", Shown(&text)),
            )
            .with_help("vm6 is the metadata.json of VMmanager 6, vm5 is the metadata.xml of VMmanager 5")),
        }
    }
}
