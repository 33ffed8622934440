//! Enforces the rule of CONTRIBUTING.md on imports: a module imports only from modules that `lib.rs` lists before it.
//!
//! Every `use` line and every path that begins with `crate`, `self` or `super` counts; a name that a module only passes
//! on is followed to the module that defines it. Test code (`#[cfg(test)]`) may import what it likes. A module and the
//! modules inside it are one thing: between these two no direction is asked for.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Sibling modules that may import from each other: the folder, the modules, the reason.
const CIRCLES: &[(&str, &[&str], &str)] = &[(
    "disk",
    &["open", "qcow2"],
    "a qcow2 names its backing file, which may be of any format again: opening images is recursive by nature",
)];

/// The path of a module below the root of the crate.
type ModulePath = Vec<String>;

#[derive(Default)]
struct Tree {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Default)]
struct Module {
    /// The modules inside, in the order of their `mod` lines.
    children: Vec<String>,
    /// The binding of a `use` line: the name and its path.
    names: BTreeMap<String, Vec<String>>,
    /// Every path that the module names.
    paths: Vec<Vec<String>>,
}

#[test]
fn modules_import_only_from_those_above_them() {
    let tree = Tree::load(&root().join("crates/vmtemplate/src"));
    assert!(tree.modules.contains_key(&path("disk::ntfs::record")), "the walk has not seen the library");
    assert_eq!(tree.against_the_order(), Vec::<String>::new(), "imports against the order of lib.rs");
}

#[test]
fn modules_beside_each_other_import_without_circles() {
    let tree = Tree::load(&root().join("crates/vmtemplate/src"));
    let known: BTreeSet<_> =
        CIRCLES.iter().map(|(parent, modules, _)| (path(parent), names(modules))).collect();
    let found = tree.circles();
    let new: Vec<_> = found.iter().filter(|(circle, _)| !known.contains(circle)).collect();
    assert!(new.is_empty(), "circles, with the imports that close them: {new:#?}");
    let gone: Vec<_> = known.iter().filter(|circle| !found.contains_key(circle)).collect();
    assert!(gone.is_empty(), "these circles are no more, and can leave the list: {gone:?}");
}

#[test]
fn an_import_against_the_order_and_a_circle_are_found_wherever_they_hide() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("lib.rs", "mod low; mod middle; mod high; pub use high::High; #[cfg(test)] mod aside;");
    write(
        "low.rs",
        "fn f() -> u8 { println!(\"{}\", crate::high::ONE); 1 } #[cfg(test)] mod tests { use crate::middle::A; }",
    );
    write("middle/mod.rs", "mod a; mod b; pub use a::A; fn f(_: crate::High) {}");
    write("middle/a.rs", "use std::fs; use super::b::{self, Deep}; pub struct A;");
    write("middle/b.rs", "mod inner; pub use inner::Deep;");
    write(
        "middle/b/inner.rs",
        "use super::super::{a as other}; use other::A; pub struct Deep; use crate::low;",
    );
    write("high.rs", "use crate::low::f; use crate::middle::A; pub struct High; pub const ONE: u8 = 1;");

    let tree = Tree::load(folder.path());
    assert_eq!(tree.against_the_order(), ["low -> high", "middle -> high"]);
    let circles: Vec<_> = tree.circles().into_iter().collect();
    let imports =
        names(&["middle::a -> middle::b", "middle::a -> middle::b::inner", "middle::b::inner -> middle::a"]);
    assert_eq!(circles, [((path("middle"), names(&["a", "b"])), imports)]);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn path(text: &str) -> ModulePath {
    text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Tree {
    /// Read the crate whose `lib.rs` is in `folder`.
    fn load(folder: &Path) -> Self {
        let mut tree = Self::default();
        tree.read(Vec::new(), &folder.join("lib.rs"), folder);
        tree
    }

    /// Read the module at `path` and those inside it, whose files are in `folder`.
    fn read(&mut self, path: ModulePath, file: &Path, folder: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader::default();
        reader.visit_file(&parsed);
        self.add(path, reader, folder);
    }

    /// Add the module at `path`, and its submodules: in its own file, or in files in `folder`.
    fn add(&mut self, path: ModulePath, mut reader: Reader, folder: &Path) {
        for child in &reader.module.children {
            let at = [path.as_slice(), std::slice::from_ref(child)].concat();
            let inside = folder.join(child);
            if let Some(inline) = reader.inline.remove(child) {
                self.add(at, inline, &inside);
            } else {
                let flat = folder.join(format!("{child}.rs"));
                let file = if flat.is_file() { flat } else { inside.join("mod.rs") };
                self.read(at, &file, &inside);
            }
        }
        self.modules.insert(path, reader.module);
    }

    /// The module that defines what `named` means in the module at `from`; `None` if that is not part of the crate.
    fn defining(&self, from: &[String], named: &[String]) -> Option<ModulePath> {
        self.follow(from, named, 0)
    }

    fn follow(&self, from: &[String], named: &[String], depth: usize) -> Option<ModulePath> {
        assert!(depth < 20, "{from:?} names {named:?}, which stands for itself");
        let module = &self.modules[from];
        let (first, mut rest) = named.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from[..from.len() - 1].to_vec(),
            name if module.children.iter().any(|child| child == name) => {
                [from, std::slice::from_ref(first)].concat()
            }
            // A name whose path begins with the same name belongs to another crate: `use serde::{self, ser}`.
            name => match module.names.get(name) {
                Some(meant) if meant.first() != Some(first) => {
                    let meant = [meant.as_slice(), rest].concat();
                    return self.follow(from, &meant, depth + 1);
                }
                _ => return None,
            },
        };
        while let Some((name, after)) = rest.split_first() {
            let module = &self.modules[&at];
            if name == "super" {
                at.pop();
            } else if module.children.contains(name) {
                at.push(name.clone());
            } else if let Some(meant) = module.names.get(name) {
                let meant = [meant.as_slice(), after].concat();
                return self.follow(&at, &meant, depth + 1).or(Some(at));
            } else {
                break;
            }
            rest = after;
        }
        Some(at)
    }

    /// Every import: the module that imports, and the one that defines what is imported.
    fn imports(&self) -> BTreeSet<(ModulePath, ModulePath)> {
        let paths = self
            .modules
            .iter()
            .flat_map(|(from, module)| module.paths.iter().map(move |named| (from, named)));
        paths
            .filter_map(|(from, named)| Some((from.clone(), self.defining(from, named)?)))
            .filter(|(from, to)| !from.starts_with(to) && !to.starts_with(from))
            .collect()
    }

    fn against_the_order(&self) -> Vec<String> {
        let order = &self.modules[&Vec::new()].children;
        let floor = |path: &ModulePath| order.iter().position(|name| *name == path[0]);
        let imports = self.imports();
        let upwards = imports.iter().filter(|(from, to)| from[0] != to[0] && floor(to) > floor(from));
        upwards.map(|(from, to)| arrow(from, to)).collect()
    }

    /// The cycles between the submodules of each module, each with its imports.
    fn circles(&self) -> BTreeMap<(ModulePath, BTreeSet<String>), BTreeSet<String>> {
        let imports = self.imports();
        // The two modules are represented by the children of their common parent.
        let mut folders: BTreeMap<ModulePath, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for (from, to) in &imports {
            let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            if common > 0 {
                let folder = folders.entry(from[..common].to_vec()).or_default();
                folder.entry(&from[common]).or_default().insert(&to[common]);
            }
        }
        let mut circles = BTreeMap::new();
        for (parent, edges) in &folders {
            let reached: BTreeMap<_, _> = edges.keys().map(|&name| (name, reachable(edges, name))).collect();
            for (&name, others) in &reached {
                let circle: BTreeSet<String> = others
                    .iter()
                    .filter(|&&other| reached.get(other).is_some_and(|back| back.contains(name)))
                    .map(|&other| other.to_owned())
                    .collect();
                let is_inside = |path: &ModulePath| {
                    path.starts_with(parent)
                        && path.get(parent.len()).is_some_and(|name| circle.contains(name))
                };
                let closing = imports.iter().filter(|(from, to)| {
                    is_inside(from) && is_inside(to) && from[parent.len()] != to[parent.len()]
                });
                let closing = closing.map(|(from, to)| arrow(from, to)).collect();
                if !circle.is_empty() {
                    circles.insert((parent.clone(), circle), closing);
                }
            }
        }
        circles
    }
}

fn arrow(from: &ModulePath, to: &ModulePath) -> String {
    format!("{} -> {}", from.join("::"), to.join("::"))
}

/// Everything reachable from `start`, which itself is included only if it is reachable through others.
fn reachable<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(name) = open.pop() {
        for &next in edges.get(name).into_iter().flatten() {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

/// Collects what one file declares and names.
#[derive(Default)]
struct Reader {
    module: Module,
    /// The modules in the file itself.
    inline: BTreeMap<String, Reader>,
}

impl Reader {
    fn add_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(part) => self.add_use(&with(&part.ident), &part.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.add_use(before, item)),
            syn::UseTree::Glob(_) => self.module.paths.push(before.to_vec()),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.bind(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            syn::UseTree::Name(name) => self.bind(name.ident.to_string(), with(&name.ident)),
            syn::UseTree::Rename(renamed) if renamed.ident == "self" => {
                self.bind(renamed.rename.to_string(), before.to_vec());
            }
            syn::UseTree::Rename(renamed) => self.bind(renamed.rename.to_string(), with(&renamed.ident)),
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut named: Vec<String> = Vec::new();
        let mut colons = 0;
        // One more token than the stream has ends the last path.
        for token in tokens.into_iter().map(Some).chain([None]) {
            match token {
                Some(TokenTree::Punct(sign)) if sign.as_char() == ':' && !named.is_empty() => colons += 1,
                Some(TokenTree::Ident(word)) if colons == 2 => {
                    named.push(word.to_string());
                    colons = 0;
                }
                other => {
                    if named.len() > 1 && (named[0] == "crate" || named[0] == "super") {
                        self.module.paths.push(std::mem::take(&mut named));
                    }
                    (named, colons) = (Vec::new(), 0);
                    match other {
                        Some(TokenTree::Ident(word)) => named.push(word.to_string()),
                        Some(TokenTree::Group(group)) => self.add_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
    }

    fn bind(&mut self, name: String, named: Vec<String>) {
        self.module.paths.push(named.clone());
        self.module.names.insert(name, named);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !function.attrs.iter().any(is_for_tests) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if let Some((_, items)) = &module.content {
            let inside = self.inline.entry(name.clone()).or_default();
            for item in items {
                inside.visit_item(item);
            }
        }
        self.module.children.push(name);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let named: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if named.len() > 1 && ["crate", "self", "super"].contains(&named[0].as_str()) {
            self.module.paths.push(named);
        }
        visit::visit_path(self, path);
    }

    /// The arguments of a macro are not parsed: words joined by `::` are paths.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.add_tokens(mac.tokens.clone());
    }
}

/// Whether the item behind this attribute is compiled for tests only.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string();
    list.path.is_ident("cfg")
        && (condition == "test" || condition.starts_with("all (test ,") || condition.starts_with("all(test,"))
}
