//! `vmtemplate script`

use std::path::PathBuf;

use vmtemplate::{Result, SetupFirewall, SetupInterface, SetupScript, SetupStep};

use crate::report;

/// Print the setup script that a template without one of its own gets.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    system: System,
}

#[derive(clap::Subcommand)]
enum System {
    Windows(Windows),
}

/// The setup script for Windows: a batch file with CR LF, its macros to be filled in by the platform.
#[derive(clap::Args)]
struct Windows {
    /// Leave a step out; may be given more than once: password, address, ipv6, name-servers, volume, activation,
    /// remote-desktop, first-run, restart
    #[arg(long, value_name = "STEP")]
    without: Vec<SetupStep>,
    /// Account that gets the password [default: Administrator]
    #[arg(long, value_name = "NAME")]
    administrator: Option<String>,
    /// Where the script writes its log [default: %SystemDrive%\setup.log]
    #[arg(long, value_name = "PATH")]
    log_file: Option<String>,
    /// Interface that is set up [default: the first one that is connected]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Do not let Remote Desktop through the firewall
    #[arg(long)]
    keep_firewall: bool,
    /// Activate the key that the image has, not the one of ($PRODUCTKEY)
    #[arg(long)]
    no_product_key: bool,
    /// Write the script here; - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let System::Windows(args) = args.system;
    let mut script = args.without.into_iter().fold(SetupScript::windows(), SetupScript::without);
    if let Some(account) = args.administrator {
        script = script.administrator(account);
    }
    if let Some(path) = args.log_file {
        script = script.log_file(path);
    }
    if let Some(name) = args.interface {
        script = script.interface(SetupInterface::Named(name));
    }
    if args.keep_firewall {
        script = script.firewall(SetupFirewall::Unchanged);
    }
    let script = script.product_key(!args.no_product_key).build()?;
    report::print_or_write(args.output.as_deref(), script.bytes(), |output| {
        script.write_file(output, args.force)
    })
}
