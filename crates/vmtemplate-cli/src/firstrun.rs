//! `vmtemplate firstrun`

use std::io::Write;
use std::path::PathBuf;

use vmtemplate::script::FirstRunKit;
use vmtemplate::{Error, Result};

use crate::streams::{self, is_stream};

/// Write the first-run scripts, and prepare.cmd, which installs them.
///
/// Run prepare.cmd once inside the master VM, as an administrator: it creates C:\vmmgr, allows PowerShell scripts, and
/// creates the scheduled task that runs the setup script of each new machine.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder to write to; it is created if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Also write a CD image with the same files, to mount in the master VM; - for standard output
    #[arg(long, value_name = "OUT.iso")]
    iso: Option<PathBuf>,
    /// Include this dd.exe ("dd for windows", which the scripts need)
    #[arg(long, value_name = "PATH")]
    dd: Option<PathBuf>,
    /// Replace the CD image if it exists
    #[arg(long, requires = "iso")]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let kit = FirstRunKit::new();
    let kit = match &args.dd {
        Some(dd) => kit.with_dd(dd)?,
        None => kit,
    };
    match &args.iso {
        Some(iso) if is_stream(iso) => {
            let mut output = streams::stdout()?;
            kit.write(&args.folder)?;
            let written = output.write_all(&kit.iso()).and_then(|()| output.flush());
            written.map_err(|error| Error::io("cannot write the CD image to standard output", error))
        }
        Some(iso) => kit.write_with_iso(&args.folder, iso, args.force.into()),
        None => kit.write(&args.folder),
    }
}
