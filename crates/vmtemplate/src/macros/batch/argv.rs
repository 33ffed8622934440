//! How a program cuts its command line into arguments.
//!
//! After Microsoft, "Parsing C command-line arguments". cmd.exe does not know `\"`, so that an item may be inside the
//! quotes of one of the two and outside of those of the other.

use super::Item;
use super::atoms::Atom;

/// One argument, as the program gets it.
#[derive(Debug, Default)]
pub(super) struct Argument {
    /// Its characters, macros and variables; quotes that only group are none of them.
    pub(super) pieces: Vec<Piece>,
    /// The item that it begins with, be it a quote.
    pub(super) start: usize,
    pub(super) begins_quoted: bool,
    /// Its plain characters in lower case, with U+FFFD for each macro and variable.
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The number of the item.
    pub(super) number: usize,
    pub(super) item: Item,
    /// The program sees it between quotes.
    pub(super) grouped: bool,
}

/// The arguments in `items` from item `from` on, and whether every program cuts them in this way: `""` between quotes is
/// read differently by old and new ones.
pub(super) fn cut(items: &[Item], from: usize) -> (Vec<Argument>, bool) {
    let mut arguments = Vec::new();
    let mut current: Option<Argument> = None;
    let (mut grouped, mut agreed) = (false, true);
    let mut at = from;
    while at < items.len() {
        let item = items[at];
        if !grouped && matches!(item.atom, Atom::Byte(b' ' | b'\t')) {
            arguments.extend(current.take());
            at += 1;
            continue;
        }
        let argument = current.get_or_insert_with(|| Argument {
            start: at,
            begins_quoted: item.is(b'"'),
            ..Argument::default()
        });
        let slashes = items[at..].iter().take_while(|item| item.is(b'\\')).count();
        let before_quote = items.get(at + slashes).is_some_and(|item| item.is(b'"'));
        let kept = if before_quote { slashes / 2 } else { slashes };
        for number in at..at + kept {
            argument.push(number, items[number], grouped);
        }
        at += slashes;
        if before_quote && slashes % 2 == 1 {
            argument.push(at, items[at], grouped);
            at += 1;
        } else if before_quote {
            agreed &= !(grouped && items.get(at + 1).is_some_and(|item| item.is(b'"')));
            grouped = !grouped;
            at += 1;
        } else if slashes == 0 {
            argument.push(at, item, grouped);
            at += 1;
        }
    }
    arguments.extend(current);
    (arguments, agreed)
}

impl Argument {
    fn push(&mut self, number: usize, item: Item, grouped: bool) {
        self.pieces.push(Piece { number, item, grouped });
        self.text.push(match item.atom {
            Atom::Byte(byte) => char::from(byte.to_ascii_lowercase()),
            Atom::Newline => ' ',
            Atom::Macro(_) | Atom::Variable(_) => char::REPLACEMENT_CHARACTER,
        });
    }
}
