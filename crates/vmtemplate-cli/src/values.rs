//! The values of macros, for every command that renders a script.

use std::path::PathBuf;

use vmtemplate::{MacroValues, MissingValue, RenderOptions, Result, ScriptLanguage};

#[derive(clap::Args)]
pub(crate) struct Values {
    /// Value of a macro; may be given more than once. What other users of the machine must not see, such as a
    /// password, belongs into --values
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Values as a JSON object, such as {"IP": "192.0.2.10", "TMPIPv4": false}; --set goes before them
    #[arg(long = "values", value_name = "FILE")]
    file: Option<PathBuf>,
    /// What a macro without a value becomes: error, parens, empty, keep, or platform, which is what the platform is
    /// known to do [default: error]
    #[arg(long, value_name = "WHAT")]
    missing: Option<MissingValue>,
    /// Replace as the platform does: nothing is quoted, nothing is refused for its place. For comparison only
    #[arg(long)]
    as_platform: bool,
    #[command(flatten)]
    language: Language,
}

/// The language of a script, for every command that reads one.
#[derive(clap::Args)]
pub(crate) struct Language {
    /// Language of the script: batch, powershell, posix, preseed, kickstart, cloud-config [default: by its #! line, the
    /// name of its file, or its content]
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<ScriptLanguage>,
}

impl Values {
    pub(crate) fn values(&self) -> Result<MacroValues> {
        let mut values =
            self.file.as_ref().map_or_else(|| Ok(MacroValues::new()), MacroValues::from_json_file)?;
        for assignment in &self.set {
            values.assign(assignment)?;
        }
        Ok(values)
    }

    pub(crate) fn options(&self) -> RenderOptions {
        RenderOptions {
            missing: self.missing.unwrap_or_default(),
            as_platform: self.as_platform,
            language: self.language.language,
            ..RenderOptions::default()
        }
    }
}
