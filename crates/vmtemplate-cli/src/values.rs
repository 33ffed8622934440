//! Macro values, for every command that renders a script.

use std::io::Read;
use std::path::{Path, PathBuf};

use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions, ScriptLanguage};
use vmtemplate::source::Spooled;
use vmtemplate::{Archive, Control, Error, Result, Script, Template};

use crate::parsers;
use crate::streams::{self, STDIN};

#[derive(clap::Args)]
pub(crate) struct Values {
    /// Value of a macro; may be given more than once. Put secrets such as passwords in --values: other users of this
    /// machine can see command lines
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// File with values as a JSON object, such as {"IP": "192.0.2.10", "TMPIPv4": false}; - for standard input. Values
    /// given by --set take precedence
    #[arg(long = "values", value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to do with a macro without a value: error, parens, empty, keep, or platform, which does what the platform
    /// is known to do [default: error]
    #[arg(long, value_name = "WHAT", value_parser = parsers::name::<MissingValue>)]
    missing: Option<MissingValue>,
    /// Replace macros as the platform does: no value is quoted, and none is refused for its place. For comparison only
    #[arg(long)]
    as_platform: bool,
    #[command(flatten)]
    language: Language,
}

/// The language of a script, for every command that reads one.
#[derive(clap::Args)]
pub(crate) struct Language {
    /// Language of the script: batch, powershell, posix, preseed, kickstart, cloud-config [default: recognised by the
    /// #! line, the file name, or the content]
    #[arg(long, value_name = "LANGUAGE", value_parser = parsers::name::<ScriptLanguage>)]
    pub(crate) language: Option<ScriptLanguage>,
}

impl Values {
    /// The script at `path`, or the script of the template at `path`, with its macros replaced.
    pub(crate) fn render(&self, path: &Path) -> Result<Script> {
        let (values, options) = (self.values()?, self.options());
        streams::read(
            path,
            |path| Template::render_path(path, &values, &options),
            |mut stdin| {
                let mut head = Vec::new();
                let read = (&mut stdin).take(2).read_to_end(&mut head);
                read.map_err(|error| Error::io("cannot read standard input", error))?;
                // The magic number of gzip (RFC 1952, 2.3.1) marks an archive; anything else is a script.
                if head == [0x1F, 0x8B] {
                    let archive = Spooled::read(head.chain(stdin), &Control::default())?;
                    return Archive::from_source(archive, STDIN)?.render(&values, &options);
                }
                Script::from_reader(head.chain(stdin))?.render(&values, &options)
            },
        )
    }

    fn values(&self) -> Result<MacroValues> {
        let mut values = match &self.file {
            Some(path) => {
                let from_file = |path: &Path| MacroValues::from_json_file(path);
                streams::read(path, from_file, MacroValues::from_json_reader)?
            }
            None => MacroValues::new(),
        };
        for assignment in &self.set {
            values.assign(assignment)?;
        }
        Ok(values)
    }

    fn options(&self) -> RenderOptions {
        RenderOptions {
            missing: self.missing.unwrap_or_default(),
            as_platform: self.as_platform,
            language: self.language.language,
            ..RenderOptions::default()
        }
    }
}
