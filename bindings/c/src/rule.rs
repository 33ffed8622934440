//! The rules of a check.

use std::ffi::c_char;
use std::ptr;

use vmtemplate::report::{Rule, Severity};

use crate::boundary::{Failure, Outcome, Text, fixed, look, str_in, text};
use crate::error::VMT_INVALID_VALUE;

/// The severity of a finding.
pub type vmt_severity = u32;
/// A note: worth knowing.
pub const VMT_NOTE: vmt_severity = 1;
/// A warning: something may go wrong.
pub const VMT_WARNING: vmt_severity = 2;
/// An error: something will go wrong.
pub const VMT_ERROR: vmt_severity = 3;

pub(crate) const fn severity_out(severity: Severity) -> vmt_severity {
    match severity {
        Severity::Note => VMT_NOTE,
        Severity::Warning => VMT_WARNING,
        _ => VMT_ERROR,
    }
}

pub(crate) fn severity_in(severity: vmt_severity) -> Outcome<Severity> {
    match severity {
        VMT_NOTE => Ok(Severity::Note),
        VMT_WARNING => Ok(Severity::Warning),
        VMT_ERROR => Ok(Severity::Error),
        other => Err(Failure::new(
            VMT_INVALID_VALUE,
            format!("{other} is not a severity; expected VMT_NOTE, VMT_WARNING or VMT_ERROR"),
        )),
    }
}

fn rule(
    code: *const c_char,
    length: *mut usize,
    part: impl FnOnce(&'static Rule) -> &'static str,
) -> *const c_char {
    text(length, || Ok(Rule::by_code(str_in(code, "code")?).map(|rule| fixed(part(rule)))))
}

/// The number of rules.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_count() -> usize {
    look(0, || Ok(Rule::all().count()))
}

/// The code of a rule, such as `VMT0101`, by its number from 0; NULL past the end. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_code(index: usize) -> *const c_char {
    text(ptr::null_mut(), || Ok(Rule::all().nth(index).map(|rule| -> &Text { fixed(rule.code) })))
}

/// The severity of the rule with this code; 0 if no such rule exists.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_severity(code: *const c_char) -> vmt_severity {
    look(0, || Ok(Rule::by_code(str_in(code, "code")?).map_or(0, |rule| severity_out(rule.severity))))
}

/// What the rule requires; NULL if no such rule exists. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_title(code: *const c_char, length: *mut usize) -> *const c_char {
    rule(code, length, |rule| rule.title)
}

/// Why the rule matters; NULL if no such rule exists. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_why(code: *const c_char, length: *mut usize) -> *const c_char {
    rule(code, length, |rule| rule.why)
}

/// How to fix what breaks the rule; NULL if no such rule exists. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_fix(code: *const c_char, length: *mut usize) -> *const c_char {
    rule(code, length, |rule| rule.fix)
}

/// The step of the platform's guide that the rule is based on; NULL if no such rule exists. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_step(code: *const c_char, length: *mut usize) -> *const c_char {
    rule(code, length, |rule| rule.step)
}
