use std::str::FromStr;

use super::language::{ScriptLanguage, unknown};
use super::name::MacroName;
use crate::error::{Error, Result};

/// How to replace a macro that has no value.
///
/// Only macros count: a `($NAME)` that is neither in the [catalogue](crate::macros::MacroInfo::catalogue) nor declared nor given
/// a value is none, and stays as it is in every mode. In PowerShell it is an expression.
///
/// ```
/// use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions};
/// use vmtemplate::Script;
///
/// let script = Script::from_text("set \"KEY=($PRODUCTKEY)\"\r\npowershell \"if ($nic) { exit }\"\r\n");
/// let render = |missing| {
///     script.render(&MacroValues::new(), &RenderOptions { missing, ..RenderOptions::default() })
/// };
/// assert!(render(MissingValue::Error).is_err());
/// let empty = render(MissingValue::Empty)?;
/// assert_eq!(empty.text(), "set \"KEY=\"\r\npowershell \"if ($nic) { exit }\"\r\n");
/// assert_eq!(render(MissingValue::Platform)?, empty);
/// assert!(render(MissingValue::Parens)?.text().starts_with("set \"KEY=()\"\r\n"));
/// assert_eq!(render(MissingValue::Keep)?, script);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingValue {
    /// An error that names the macro and its place.
    #[default]
    Error,
    /// `()`, as scripts in the wild find it.
    Parens,
    /// Nothing.
    Empty,
    /// The macro unchanged.
    Keep,
    /// What the platform does, as far as the scripts of its vendor show: they guard against an empty value of a macro
    /// that the platform knows, and against the spelling that is left of one that it does not know. That is nothing in
    /// place of a macro.
    Platform,
}

impl FromStr for MissingValue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "parens" => Ok(Self::Parens),
            "empty" => Ok(Self::Empty),
            "keep" => Ok(Self::Keep),
            "platform" => Ok(Self::Platform),
            _ => Err(unknown(
                text,
                "the treatment of a macro without a value",
                "platform, error, parens, empty or keep",
            )),
        }
    }
}

/// How a script is rendered.
///
/// ```
/// use vmtemplate::macros::{MissingValue, RenderOptions};
///
/// let options = RenderOptions { missing: MissingValue::Empty, ..RenderOptions::default() };
/// assert!(!options.as_platform);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// How to replace a macro without a value.
    pub missing: MissingValue,
    /// Only replace, as the platform does: no value is quoted, and none is refused for its place. For comparison only: the
    /// result may run commands that a value contains.
    pub as_platform: bool,
    /// The language of the script; `None` recognises it, as [`Script::language`](crate::Script::language) does.
    pub language: Option<ScriptLanguage>,
    /// Macros beside those of the [catalogue](crate::macros::MacroInfo::catalogue) and those that have a value. A template adds
    /// those that its metainfo.xml declares.
    pub declared: Vec<MacroName>,
    /// The characters that `($PASS)` must not contain: `illegal_password_characters` of metainfo.xml.
    pub illegal_password_characters: Option<String>,
}
