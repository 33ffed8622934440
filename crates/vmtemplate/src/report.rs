//! What a check reports: findings, each of a rule with a stable code.
//!
//! [`check()`](crate::check()) looks at whatever is at a path, [`check_stream`] at what comes through a stream, and
//! [`Template::check`](crate::Template::check), [`Archive::check`](crate::Archive::check),
//! [`Script::check`](crate::Script::check) and [`Repository::check`](crate::Repository::check) at one thing. Each returns a
//! [`Report`]: a list of [`Finding`]s, which serializes as `--json` prints it; [`Sarif`] is the form that code-scanning
//! services read. [`Rule::all`] lists the rules, with why each matters and how to fix what it finds.
//!
//! ```
//! use vmtemplate::Script;
//! use vmtemplate::report::{Rule, Severity};
//! use vmtemplate::script::ScriptCheckOptions;
//!
//! let report = Script::from_text("@echo off\r\npause\r\nexit /b\r\n").check(&ScriptCheckOptions::default());
//! assert!(report.has(Severity::Error));
//! assert!(Rule::all().any(|rule| rule.code == report.findings()[0].rule().code));
//! ```

pub use crate::check::{CheckOptions, Sarif, WindowsInfo, check_stream};
pub use crate::rules::{Excerpt, Finding, Place, Report, Rule, Severity, Summary};
