//! Where the macros of a shell script are, and how values are written there.
//!
//! After POSIX.1-2024, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.7.4 (here-documents), 2.10 (grammar), and
//! what bash adds. `parser` cuts the script into commands and words, `commands` says what a command makes of each of
//! its words, `classify` joins the two, `code` reads words and documents that are scripts themselves, and `foreign` those
//! that are programs of other languages. `hooks` lists variables and options whose values programs run.

mod block;
mod by_name;
mod classify;
mod code;
mod commands;
mod document;
mod expansion;
mod files;
mod flows;
mod foreign;
mod hooks;
mod parser;
mod quote;
mod sed;
mod word;
mod wrappers;

use std::rc::Rc;

use super::find::MacroUse;
use super::follow::{self, follow};
use super::place::MacroPlace;
use quote::PosixPlace;

type Subject = follow::Subject<PosixPlace>;

pub(super) fn places(bytes: &[u8], utf8: bool, uses: Vec<MacroUse>) -> Vec<MacroPlace> {
    let marks: Vec<_> = uses.iter().map(|found| found.range.clone()).collect();
    let read = |known: files::Files| {
        let mut parser = parser::Parser::new(bytes, &marks, 0);
        parser.known = Rc::new(known);
        parser.scan()
    };
    let mut scan = read(files::Files::default());
    if scan.flows.files.matter() {
        // Which files are run, and which functions there are, is known at the end of the script.
        scan = read(scan.flows.files);
    }
    follow(bytes, utf8, &scan.subjects, uses)
}
