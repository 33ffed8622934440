//! The command `vmtemplate`.
fn main() {}
