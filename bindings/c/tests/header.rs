//! The committed header is what the sources say, and its version is that of the crate.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

use std::fs;
use std::path::Path;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header() -> String {
    fs::read_to_string(folder().join("include/vmtemplate.h")).unwrap()
}

/// The number or text that the header defines as `name`.
fn define(header: &str, name: &str) -> String {
    let start = format!("#define {name} ");
    let line = header.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("the header does not define {name}")).trim_matches('"').to_owned()
}

#[test]
fn the_header_is_made_of_the_sources() {
    let mut made = Vec::new();
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    cbindgen::Builder::new().with_crate(folder()).with_config(config).generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = folder().join("include/vmtemplate.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    let differs = made.lines().zip(held.lines()).position(|(made, held)| made != held);
    assert!(
        made == held,
        "include/vmtemplate.h differs from the sources, first at line {:?}; \
         write it anew with `UPDATE_HEADER=1 cargo test -p vmtemplate-c --test header`",
        differs.map(|line| line + 1),
    );
}

#[test]
fn the_version_macros_are_the_version_of_the_crate() {
    let header = header();
    assert_eq!(define(&header, "VMT_VERSION"), env!("CARGO_PKG_VERSION"));
    assert_eq!(define(&header, "VMT_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MAJOR"));
    assert_eq!(define(&header, "VMT_VERSION_MINOR"), env!("CARGO_PKG_VERSION_MINOR"));
    assert_eq!(define(&header, "VMT_VERSION_PATCH"), env!("CARGO_PKG_VERSION_PATCH"));
}

#[test]
fn unsafe_code_is_in_the_boundary_and_nowhere_else() {
    let mut files = 0;
    for entry in fs::read_dir(folder().join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert!(path.ends_with("boundary"), "{} is not looked at", path.display());
            continue;
        }
        files += 1;
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            // The attribute that exports a name, and the types of callbacks, which are C's to keep safe.
            let is_named = line.trim() == "#[unsafe(no_mangle)]" || line.contains("unsafe extern \"C\" fn(");
            let is_named = is_named || line.starts_with("#![allow(clippy::not_unsafe");
            assert!(is_named || !line.contains("unsafe"), "{}:{}: {line}", path.display(), number + 1);
        }
    }
    assert!(files > 20);
}

#[test]
fn every_kind_of_error_has_its_number_in_the_header() {
    let header = header();
    for kind in vmtemplate::ErrorKind::all() {
        let name = format!("VMT_{}", kind.name().replace('-', "_").to_uppercase());
        assert_eq!(define(&header, &name), kind.number().to_string(), "{name}");
    }
}
