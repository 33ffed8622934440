//! `vmtemplate check`

use std::path::PathBuf;

use vmtemplate::Result;
use vmtemplate::report::{CheckOptions, Rule};

use crate::ExitCode;
use crate::findings;
use crate::report::{self, Watch};
use crate::source::Opening;
use crate::streams::{self, STDIN};
use crate::values::Language;

/// Check every step of the platform's guide that can be checked without starting a machine.
///
/// Nothing is unpacked, changed or mounted, and root privileges are not needed. The exit status is 1 if any finding is
/// an error.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Archive, folder with a template, disk image, setup script, or metainfo.xml; - for one of these files on standard
    /// input
    #[arg(value_name = "PATH", required_unless_present = "explain")]
    path: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    opening: Opening,
    /// Print as JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print as SARIF 2.1.0, for code hosts and editors
    #[arg(long)]
    sarif: bool,
    /// Explain a rule: what it checks, why it matters, and how to fix what it finds
    #[arg(long, value_name = "CODE", exclusive = true, value_parser = rule)]
    explain: Option<&'static Rule>,
}

/// Which rules apply, and how severe their findings are.
#[derive(clap::Args)]
pub(crate) struct Choice {
    /// Treat warnings as errors
    #[arg(long, value_name = "WHAT")]
    deny: Option<Deny>,
    /// Disable a rule; may be given more than once
    #[arg(long, value_name = "CODE", value_parser = rule)]
    allow: Vec<&'static Rule>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    Warnings,
}

fn rule(code: &str) -> std::result::Result<&'static Rule, String> {
    Rule::by_code(code).ok_or_else(|| "no rule has this code; codes look like VMT0101".to_owned())
}

impl Choice {
    pub(crate) fn options(&self) -> CheckOptions {
        CheckOptions {
            allow: self.allow.iter().map(|rule| rule.code.to_owned()).collect(),
            deny_warnings: self.deny == Some(Deny::Warnings),
            ..CheckOptions::default()
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if let Some(rule) = args.explain {
        report::print(explain(rule).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.path.clone().unwrap_or_default();
    let watch = Watch::start("checking");
    let options =
        CheckOptions { language: args.language.language, control: watch.control(), ..args.choice.options() };
    let options = args.opening.check_options(options);
    let found = streams::read(
        &path,
        |path| vmtemplate::check(path, &options),
        |stdin| vmtemplate::report::check_stream(stdin, STDIN, &options),
    );
    drop(watch);
    let found = found?;
    if args.sarif {
        report::print_json(&found.sarif())?;
        return Ok(findings::status(&found));
    }
    findings::show(&found, &streams::input_name(&path), args.json)
}

fn explain(rule: &Rule) -> String {
    let step =
        if rule.step.is_empty() { String::new() } else { format!("\nStep of the guide: {}", rule.step) };
    format!(
        "{}: {}\n\nSeverity: {}\nWhy it matters: {}\nFix: {}{step}\n",
        rule.code, rule.title, rule.severity, rule.why, rule.fix
    )
}
