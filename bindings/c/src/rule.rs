//! The rules of a check.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use vmtemplate::report::{Rule, Severity};

use crate::boundary::{AsStruct, Failure, Memory, Outcome, Structs, look, str_in};
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

/// A rule of a check. It is static.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_rule {
    /// Its code, such as `VMT0101`.
    pub code: *const c_char,
    /// The severity of its findings, unless options set another one.
    pub severity: vmt_severity,
    /// What it requires.
    pub title: *const c_char,
    /// Why it matters.
    pub why: *const c_char,
    /// How to fix what breaks it.
    pub fix: *const c_char,
    /// The step of the platform's guide that it is based on.
    pub step: *const c_char,
}

impl AsStruct for Rule {
    type Struct = vmt_rule;

    fn as_struct(&self, memory: &mut Memory) -> vmt_rule {
        vmt_rule {
            code: memory.text(self.code),
            severity: severity_out(self.severity),
            title: memory.text(self.title),
            why: memory.text(self.why),
            fix: memory.text(self.fix),
            step: memory.text(self.step),
        }
    }
}

fn rules() -> &'static Structs<vmt_rule> {
    static RULES: OnceLock<Structs<vmt_rule>> = OnceLock::new();
    RULES.get_or_init(|| Structs::of(Rule::all()))
}

/// The static struct of a rule.
pub(crate) fn rule_struct(rule: &Rule) -> *const vmt_rule {
    Rule::all().position(|known| known.code == rule.code).map_or(ptr::null(), |at| rules().at(at))
}

/// A rule by its number from 0; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_at(index: usize) -> *const vmt_rule {
    look(ptr::null(), || Ok(rules().at(index)))
}

/// The rule with this code; NULL if no such rule exists.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_rule_by_code(code: *const c_char) -> *const vmt_rule {
    look(ptr::null(), || Ok(Rule::by_code(str_in(code, "code")?).map_or(ptr::null(), rule_struct)))
}
