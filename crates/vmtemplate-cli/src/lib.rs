//! The command `vmtemplate` as a library: it parses arguments, calls the library `vmtemplate`, and prints.
//!
//! [`run`] is the interface: the program calls it, and so does `python -m vmtemplate`. [`report_text`] is what the command
//! prints for a report, for the Python module.

mod build;
mod check;
mod convert;
mod disk;
mod drive;
mod findings;
mod firstrun;
mod inspect;
mod lint;
mod metainfo;
mod pack;
mod parsers;
mod render;
mod repo;
mod report;
mod script;
mod source;
mod streams;
mod unpack;
mod values;
mod verify;

use std::ffi::OsString;

use clap::{Parser, Subcommand, ValueEnum};
use vmtemplate::Report;

/// Build, check, pack and publish OS templates for VMmanager clusters.
///
/// A template is a disk image, a setup script and a metadata file (metainfo.xml) in one .tar.gz archive.
#[derive(Parser)]
#[command(name = "vmtemplate", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vmtemplate build --name Windows-Server-2019 --image win2019.qcow2 --memory-mib 1024 --ipv4 yes \\
      --tag windows --macro '($PRODUCTKEY)' -o Windows-Server-2019.tar.gz
  vmtemplate disk win2019.qcow2
  vmtemplate lint windows.cmd --metainfo metainfo.xml
  vmtemplate check Windows-Server-2019.tar.gz --deny warnings
  vmtemplate inspect Windows-Server-2019.tar.gz
  vmtemplate verify Windows-Server-2019.tar.gz
  vmtemplate unpack Windows-Server-2019.tar.gz win2019/
  vmtemplate metainfo win2019/metainfo.xml --set limit.mem=2048 --set version=6 -o win2019/metainfo.xml
  vmtemplate render win2019/ --set IP=192.0.2.10 --values values.json --missing parens -o setup.cmd
  vmtemplate drive win2019/ --set IP=192.0.2.10 --values values.json --missing parens -o drive.img
  vmtemplate script windows --without activation > windows.cmd
  vmtemplate firstrun vmmgr/ --dd dd.exe --iso vmmgr.iso
  vmtemplate pack win2019/ -o Windows-Server-2019.tar.gz --force
  vmtemplate pack win2019/ -o - | ssh node vmtemplate verify -
  vmtemplate repo add /srv/repo Windows-Server-2019.tar.gz

Instead of a file name, `-` means standard input or standard output; write `./-` for a file with that name.

Exit status: 0 success, 1 the input was refused or the work failed, 2 wrong usage.";

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
    Render(render::Args),
    Lint(lint::Args),
    Check(check::Args),
    Drive(drive::Args),
    Script(script::Args),
    Firstrun(firstrun::Args),
    Repo(Box<repo::Args>),
}

/// An answer as metainfo.xml spells it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

/// The exit status of a command. The standard library's `ExitCode` cannot be read back as a number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ExitCode(u8);

impl ExitCode {
    const SUCCESS: Self = Self(0);
    const FAILURE: Self = Self(1);
    const WRONG_USE: Self = Self(2);
}

/// What the command prints for a report about `what`, without colours.
pub fn report_text(report: &Report, what: &str) -> String {
    findings::text(report, what, false)
}

/// Run the command with these arguments and return its exit status: 0 for success, 1 if the input was refused or the
/// work failed, 2 for wrong usage. The first argument is the name of the program.
///
/// The command prints to standard output and standard error. A command that may take long installs a handler for
/// Ctrl-C, which stays installed.
///
/// ```
/// assert_eq!(vmtemplate_cli::run(["vmtemplate", "script", "windows"]), 0);
/// assert_eq!(vmtemplate_cli::run(["vmtemplate", "no-such-command"]), 2);
/// ```
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    let command = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.command,
        Err(error) => {
            // If standard error is closed, there is no place left to report to.
            let _ = error.print();
            // `--help` and `--version` are not errors.
            return if error.use_stderr() { ExitCode::WRONG_USE.0 } else { ExitCode::SUCCESS.0 };
        }
    };
    streams::begin();
    let done = |()| ExitCode::SUCCESS;
    let status = match command {
        Command::Build(args) => build::run(*args),
        Command::Pack(args) => pack::run(&args).map(done),
        Command::Inspect(args) => inspect::run(&args).map(done),
        Command::Unpack(args) => unpack::run(&args).map(done),
        Command::Verify(args) => verify::run(&args).map(done),
        Command::Disk(args) => disk::run(&args).map(done),
        Command::Convert(args) => convert::run(&args).map(done),
        Command::Metainfo(args) => metainfo::run(&args).map(done),
        Command::Render(args) => render::run(&args).map(done),
        Command::Repo(args) => repo::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Drive(args) => drive::run(&args).map(done),
        Command::Script(args) => script::run(args).map(done),
        Command::Firstrun(args) => firstrun::run(&args).map(done),
    };
    match status {
        Ok(status) => status.0,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE.0
        }
    }
}
