//! Ends of names of files that are code, and may be run with what a script has written there.

/// Scripts of the shell.
pub(super) const SHELL: &[&str] = &[".sh", ".bash"];

/// Scripts of PowerShell.
pub(super) const POWERSHELL: &[&str] = &[".ps1", ".psm1"];

/// Batch files, and scripts that Windows itself runs.
pub(super) const WINDOWS: &[&str] = &[".cmd", ".bat", ".vbs", ".js", ".wsf"];

/// Programs of other languages.
pub(super) const OTHERS: &[&str] = &[".py", ".pl", ".rb"];

/// Whether the name of a file, in lower case, ends like one of these kinds.
pub(super) fn is_any(name: &str, kinds: &[&[&str]]) -> bool {
    kinds.iter().copied().flatten().any(|end| name.ends_with(end))
}
