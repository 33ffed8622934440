//! A summary of the content of a template.

use serde::Serialize;

use super::Template;
use crate::archive::ArchiveEntry;
use crate::error::Result;
use crate::macros::KnownMacros;
use crate::metainfo::MetainfoFields;
use crate::script::{LineEnding, ScriptEncoding};

/// What a template holds: the form of `vmtemplate inspect --json`.
///
/// ```
/// use vmtemplate::{DiskImage, Template};
///
/// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
/// let info = template.info()?;
/// assert_eq!(info.metainfo.os_name.as_deref(), Some("Windows-10"));
/// assert_eq!(info.files.len(), 3);
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TemplateInfo {
    /// The metadata.
    pub metainfo: MetainfoFields,
    /// The setup script, if it is there.
    pub script: Option<ScriptInfo>,
    /// The files and their sizes in bytes.
    pub files: Vec<ArchiveEntry>,
}

/// What is known of a setup script without running it.
///
/// ```
/// # use vmtemplate::{DiskImage, Template};
/// # let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
/// let script = template.info()?.script.unwrap();
/// assert!(script.macros.contains(&"($IP)".to_string()));
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScriptInfo {
    /// How its lines end.
    pub line_ending: LineEnding,
    /// How its characters are encoded.
    pub encoding: ScriptEncoding,
    /// The macros that it uses, each once, in the order of their first use: those that the platform is known to fill in,
    /// and those that metainfo.xml declares.
    pub macros: Vec<String>,
}

impl Template {
    /// What the template holds, as plain data.
    ///
    /// # Errors
    ///
    /// [`InvalidMetainfo`](crate::ErrorKind::InvalidMetainfo) when an element holds something that is not of its type.
    ///
    /// ```
    /// # use vmtemplate::{DiskImage, Template};
    /// let template = Template::builder("Windows-10").image(DiskImage::from_bytes([0; 512])).build()?;
    /// println!("{:#?}", template.info()?);
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn info(&self) -> Result<TemplateInfo> {
        let script = self.script().map(|script| {
            let known = KnownMacros::declared(&self.metainfo().declared_macros());
            let mut macros: Vec<String> = Vec::new();
            for found in known.among(script.macros()) {
                let name = found.name.to_string();
                if !macros.contains(&name) {
                    macros.push(name);
                }
            }
            ScriptInfo { line_ending: script.line_ending(), encoding: script.encoding(), macros }
        });
        Ok(TemplateInfo { metainfo: self.metainfo().fields()?, script, files: self.files().to_vec() })
    }
}
