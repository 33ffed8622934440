//! `vmtemplate script`

use std::path::PathBuf;

use vmtemplate::Result;
use vmtemplate::script::{SetupFirewall, SetupInterface, SetupScript, SetupStep};

use crate::parsers;
use crate::report;

/// Print the setup script that `vmtemplate build` uses without --script.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    system: System,
}

#[derive(clap::Subcommand)]
enum System {
    Windows(Windows),
}

/// The setup script for Windows: a batch file with CR LF line ends, whose macros the platform fills in.
#[derive(clap::Args)]
struct Windows {
    /// Leave a step out; may be given more than once: password, address, ipv6, name-servers, volume, activation,
    /// remote-desktop, first-run, restart
    #[arg(long, value_name = "STEP", value_parser = parsers::name::<SetupStep>)]
    without: Vec<SetupStep>,
    /// Account whose password is set [default: Administrator]
    #[arg(long, value_name = "NAME")]
    administrator: Option<String>,
    /// Where the script writes its log [default: %SystemDrive%\setup.log]
    #[arg(long, value_name = "PATH")]
    log_file: Option<String>,
    /// Network interface to set up [default: the first one that is connected]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Do not open the firewall for Remote Desktop
    #[arg(long)]
    keep_firewall: bool,
    /// Activate with the product key in the image, not with ($PRODUCTKEY)
    #[arg(long)]
    no_product_key: bool,
    /// Write the script here; - for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
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
        script.write_file(output, args.force.into())
    })
}
