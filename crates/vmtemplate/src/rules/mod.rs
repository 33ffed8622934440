//! Every rule as a row of a table, and the findings that refer to rules. Every module that checks something uses these.

use std::fmt;

use serde::Serialize;

/// A table of rules: a constant for each row, and one that lists them in order.
///
/// A row belongs to the step of the guide that the table names, or to the one that it names itself.
macro_rules! rules {
    (
        $(#[$doc:meta])* $table:ident, step $step:literal;
        $(
            $(#[$about:meta])* $name:ident = $code:literal $severity:ident $title:literal,
            why $why:literal,
            fix $fix:literal
            $(, step $own_step:literal)?;
        )*
    ) => {
        $($(#[$about])* pub(crate) const $name: &$crate::rules::Rule = &$crate::rules::Rule {
            code: $code,
            severity: $crate::rules::Severity::$severity,
            title: $title,
            why: $why,
            fix: $fix,
            step: rules!(@step $step $($own_step)?),
        };)*

        $(#[$doc])*
        pub(crate) const $table: &[&$crate::rules::Rule] = &[$($name),*];
    };
    (@step $step:literal) => { $step };
    (@step $step:literal $own_step:literal) => { $own_step };
}

mod finding;
pub(crate) mod image;
pub(crate) mod repository;
pub(crate) mod script;
pub(crate) mod template;

pub use finding::{Excerpt, Finding, Place, Report, Summary};

/// How much a finding matters.
///
/// ```
/// use vmtemplate::report::Severity;
///
/// assert!(Severity::Error > Severity::Warning);
/// assert_eq!(Severity::Note.to_string(), "note");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; the template works.
    Note,
    /// It works, but probably not as it was meant, or not everywhere.
    Warning,
    /// A machine made of this template will fail.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is checked, with a code that never changes and is never used again for something else.
///
/// ```
/// use vmtemplate::report::Severity;
/// use vmtemplate::Script;
///
/// let report = Script::from_text("echo ($IPP)\r\n").check(&Default::default());
/// let rule = report.findings()[0].rule();
/// assert!(rule.code.starts_with("VMT"));
/// assert!(!rule.why.is_empty());
/// ```
#[derive(Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// `VMT` and four digits; the first two are the part of the template.
    pub code: &'static str,
    /// How much a finding of this rule matters, unless the caller chooses another severity.
    pub severity: Severity,
    /// What is checked, as a sentence that is true of a correct template: "every line ends with CR LF".
    pub title: &'static str,
    /// Why it matters: what happens to the machine otherwise.
    pub why: &'static str,
    /// How to fix it, as an instruction, unless the finding has a more specific one.
    pub fix: &'static str,
    /// The step of the platform's guide that asks for it, by its heading; empty if the guide does not mention it.
    pub step: &'static str,
}

impl Rule {
    /// Every rule, in the order of the codes.
    ///
    /// ```
    /// for rule in vmtemplate::report::Rule::all() {
    ///     println!("{} {}: {}", rule.code, rule.severity, rule.title);
    /// }
    /// ```
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let tables = [template::METADATA, template::PACKAGE, script::RULES, image::RULES, repository::RULES];
        tables.into_iter().flatten().copied()
    }

    /// The rule of this code, in upper or lower case.
    ///
    /// ```
    /// use vmtemplate::report::Rule;
    ///
    /// assert_eq!(Rule::by_code("vmt0201").unwrap().code, "VMT0201");
    /// assert!(Rule::by_code("VMT9999").is_none());
    /// ```
    pub fn by_code(code: &str) -> Option<&'static Self> {
        Self::all().find(|rule| rule.code.eq_ignore_ascii_case(code))
    }
}
