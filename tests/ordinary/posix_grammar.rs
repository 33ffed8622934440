//! Rendered shell scripts, parsed with an independent grammar: tree-sitter's for bash.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use tree_sitter::{Node, Parser};
use vmtemplate::Script;
use vmtemplate::macros::{MacroValues, RenderOptions, ScriptLanguage};
use vmtemplate_test_support::tool;

use crate::hostile::hostile;
use crate::places::CONTEXTS;
use crate::posix::{OPEN, PARTLY};

/// The contexts of a construct.
const AROUND: [(&str, &str); 8] = [
    ("", ""),
    ("if true; then\n", "\nfi"),
    ("{\n", "\n}"),
    ("(\n", "\n)"),
    ("f() {\n", "\n}\nf x"),
    ("while false; do\n", "\ndone < /dev/null"),
    ("case $1 in\na|b)\n", "\n;;\n*) ;;\nesac"),
    ("out=$(\n", "\n)"),
];

/// Deterministic pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

/// A script of nested and consecutive constructs, with macros `($V)`.
fn script(random: &mut Random, pieces: &[String]) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(3) {
        let mut piece = pieces[random.below(pieces.len())].clone();
        for _ in 0..random.below(3) {
            let (before, after) = AROUND[random.below(AROUND.len())];
            piece = format!("{before}{piece}{after}");
        }
        text.push_str(&piece);
        text.push('\n');
    }
    text
}

fn render(script: &str, value: &str) -> Option<String> {
    let values = MacroValues::new().with("V", value).unwrap();
    let options = RenderOptions { language: Some(ScriptLanguage::Posix), ..RenderOptions::default() };
    Some(Script::from_text(script).render(&values, &options).ok()?.text().into_owned())
}

/// The commands of a script with the number of their words, and commands inside words; not the text of the words.
fn shape(parser: &mut Parser, text: &str) -> Option<String> {
    let tree = parser.parse(text, None).unwrap();
    let mut shape = String::new();
    describe(tree.root_node(), &mut shape);
    (!tree.root_node().has_error()).then_some(shape)
}

fn describe(node: Node<'_>, shape: &mut String) {
    let is_word = matches!(
        node.kind(),
        "word"
            | "raw_string"
            | "string"
            | "concatenation"
            | "number"
            | "string_content"
            | "comment"
            | "ansi_c_string"
            | "extglob_pattern"
            | "regex"
    );
    let runs = matches!(
        node.kind(),
        "command_substitution"
            | "process_substitution"
            | "simple_expansion"
            | "expansion"
            | "arithmetic_expansion"
    );
    let mut cursor = node.walk();
    let mut children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
    if node.kind() == "heredoc_redirect" {
        // If a document begins with a backslash, the grammar treats its start as a word after the delimiter.
        let row = node.start_position().row;
        children.retain(|child| child.kind().starts_with("heredoc_") || child.end_position().row == row);
    }
    if node.kind().starts_with("heredoc_") && node.kind() != "heredoc_redirect" {
        // The grammar splits the text of a document at every backslash.
        inside(&children, shape);
    } else if is_word {
        shape.push('w');
        inside(&children, shape);
    } else if runs || !children.is_empty() {
        write!(shape, "{}(", node.kind()).unwrap();
        for child in children {
            describe(child, shape);
        }
        shape.push(')');
    } else {
        shape.push_str(node.kind());
    }
    shape.push(' ');
}

/// The commands inside a word.
fn inside(children: &[Node<'_>], shape: &mut String) {
    for child in children {
        if child.kind().ends_with("expansion") || child.kind().ends_with("substitution") {
            describe(*child, shape);
        } else {
            let mut cursor = child.walk();
            let nested: Vec<Node<'_>> = child.named_children(&mut cursor).collect();
            inside(&nested, shape);
        }
    }
}

#[test]
fn a_value_changes_no_command_of_a_script_by_another_grammar() {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).unwrap();
    let pieces: Vec<String> = OPEN
        .iter()
        .chain(PARTLY)
        .map(|row| row.script.to_owned())
        .chain(
            CONTEXTS
                .iter()
                .map(|context| (context.write)(&[0]).replace("($V0)", "($V)").trim_end().to_owned()),
        )
        .collect();
    let values = hostile(2000);
    let mut random = Random(0x5EED_0F5E_ED0F_5EED);
    let (mut compared, mut refused, mut unread) = (0, 0, 0);
    let bash = tool("bash");
    for number in 0..3000 {
        let script = script(&mut random, &pieces);
        let value = &values[random.below(values.len())];
        let Some(expected) = render(&script, "plain1") else { continue };
        let Some(expected) = shape(&mut parser, &expected) else {
            // The grammar does not cover the whole language of shells.
            unread += 1;
            continue;
        };
        let Some(text) = render(&script, value) else {
            refused += 1;
            continue;
        };
        // If the grammar fails on a value (for example a `]` inside `[[ … ]]`), bash itself decides.
        let found = shape(&mut parser, &text);
        if let Some(found) = &found {
            assert_eq!(found, &expected, "{value:?} in\n{script}\ngave\n{text}");
            compared += 1;
        } else {
            unread += 1;
        }
        if let Some(bash) = bash.as_ref().filter(|_| found.is_none() || number % 10 == 0) {
            let output = Command::new(bash).args(["-n", "-c", &text]).stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    println!("{compared} compared, {refused} refused, {unread} that the grammar does not read");
    assert!(compared > 500, "only {compared} were compared; {refused} were refused, {unread} not read");
}
