//! Scripts in UTF-16: which of them are rendered, and how.

use super::encoding::UTF8_BOM;
use super::{Script, ScriptEncoding};
use crate::error::{Error, ErrorKind, Result};
use crate::macros::{KnownMacros, MacroValues, RenderOptions, ScriptLanguage, Source, find_macros, render};

impl Script {
    /// [`Script::render`] of a script in UTF-16: PowerShell reads it behind a byte order mark (about_Character_Encoding).
    /// For any other interpreter it is refused, so that no macro is left in it unseen.
    pub(super) fn render_wide(&self, values: &MacroValues, options: &RenderOptions) -> Result<Self> {
        let refused = |message: &str, help: &str| {
            Err(Error::new(ErrorKind::InvalidScript, message.to_owned()).with_help(help))
        };
        let encoding = self.encoding();
        let Some(text) = self.decode_strictly() else {
            return refused(
                "the script is damaged or truncated UTF-16",
                "save the script again, in ASCII or in UTF-8",
            );
        };
        let known = KnownMacros::of_rendering(values, options);
        if known.among(find_macros(&text)).is_empty() {
            // Nothing is replaced in it, and its bytes are what they were.
            return Ok(self.clone());
        }
        if options.as_platform {
            return refused(
                "the script is UTF-16, in which the platform does not find macros: it replaces bytes",
                "save the script in ASCII",
            );
        }
        let language = options.language.or_else(|| ScriptLanguage::tell(text.as_bytes(), None).language());
        match language {
            Some(ScriptLanguage::PowerShell) => {}
            Some(ScriptLanguage::Batch) => {
                return refused(
                    "the batch file is UTF-16, which cmd.exe does not read",
                    "save the script in ASCII",
                );
            }
            Some(_) => {
                return refused("the script is UTF-16, which no shell reads", "save the script in UTF-8");
            }
            None => {
                return refused(
                    "the script is UTF-16, which only PowerShell reads, and nothing identifies it as a PowerShell \
                     script",
                    "save the script in ASCII, or give its language (`--language powershell`)",
                );
            }
        }
        if !self.bytes().starts_with(b"\xFF\xFE") && !self.bytes().starts_with(b"\xFE\xFF") {
            return refused(
                "the script is UTF-16 without a byte order mark, which PowerShell reads as a code page",
                "save the script with a byte order mark, or in ASCII",
            );
        }
        // The mark says to the renderer what that of UTF-16 says to PowerShell: values may have any characters.
        let narrow = [UTF8_BOM, text.as_bytes()].concat();
        let source = Source { bytes: &narrow, utf8: true, most: narrow.len().max(Self::MAX_SIZE) };
        let options = RenderOptions { language, ..options.clone() };
        let rendered = render(&source, values, &options)?;
        let rendered = String::from_utf8_lossy(rendered.strip_prefix(UTF8_BOM).unwrap_or(&rendered));
        let to_bytes = if encoding == ScriptEncoding::Utf16Le { u16::to_le_bytes } else { u16::to_be_bytes };
        let mut bytes = self.bytes()[..2].to_vec();
        bytes.extend(rendered.encode_utf16().flat_map(to_bytes));
        if bytes.len() > Self::MAX_SIZE {
            let message =
                format!("the rendered script has {} bytes, more than {}", bytes.len(), Self::MAX_SIZE);
            return Err(Error::new(ErrorKind::LimitExceeded, message)
                .with_help("the install drive has no more space; shorten the script or the values"));
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The text without its byte order mark; `None` if a part of it is no character.
    fn decode_strictly(&self) -> Option<String> {
        let from_bytes =
            if self.encoding() == ScriptEncoding::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
        let (pairs, rest) = self.bytes().as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|&pair| from_bytes(pair)).collect();
        if units.first() == Some(&0xFEFF) {
            units.remove(0);
        }
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    }
}
