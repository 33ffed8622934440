//! The command `vmtemplate`: it parses arguments, calls the library, and prints.

mod build;
mod convert;
mod disk;
mod inspect;
mod metainfo;
mod pack;
mod repo;
mod report;
mod source;
mod unpack;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Build, inspect, pack and unpack OS templates of VMmanager clusters.
///
/// A template is a disk image, a setup script and a metadata file (metainfo.xml) in one .tar.gz archive.
#[derive(Parser)]
#[command(version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vmtemplate build --name Windows-Server-2019 --image win2019.qcow2 --memory-mib 1024 --ipv4 yes \\
      --tag windows --macro '($PRODUCTKEY)' -o Windows-Server-2019.tar.gz
  vmtemplate disk win2019.qcow2
  vmtemplate inspect Windows-Server-2019.tar.gz
  vmtemplate verify Windows-Server-2019.tar.gz
  vmtemplate unpack Windows-Server-2019.tar.gz win2019/
  vmtemplate metainfo win2019/metainfo.xml --set limit.mem=2048 --set version=6 -o win2019/metainfo.xml
  vmtemplate pack win2019/ -o Windows-Server-2019.tar.gz --force
  vmtemplate repo add /srv/repo Windows-Server-2019.tar.gz

Exit status: 0 done, 1 refused or failed, 2 wrong use.";

#[derive(Subcommand)]
enum Command {
    Build(Box<build::Args>),
    Pack(pack::Args),
    Inspect(inspect::Args),
    Unpack(unpack::Args),
    Verify(verify::Args),
    Disk(disk::Args),
    Convert(convert::Args),
    Metainfo(metainfo::Args),
    Repo(Box<repo::Args>),
}

/// An answer as metainfo.xml spells it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Build(args) => build::run(*args),
        Command::Pack(args) => pack::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Unpack(args) => unpack::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Disk(args) => disk::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Metainfo(args) => metainfo::run(&args),
        Command::Repo(args) => return exit(repo::run(&args)),
    };
    exit(done.map(|()| ExitCode::SUCCESS))
}

fn exit(done: vmtemplate::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}
