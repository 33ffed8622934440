//! The program `vmtemplate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(vmtemplate_cli::run(std::env::args_os()))
}
