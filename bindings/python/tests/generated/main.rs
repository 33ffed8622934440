//! The values and enums of the Python module are what the sources of the library say.
//!
//! As cbindgen reads the sources of the C library for its header, this test reads those of the library for
//! `_values.py`, `_enums.py` and the names in `__init__.py`. `UPDATE_PYTHON=1` writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // it is a test

mod python;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::Sources;

/// The dataclasses, in the order of the file: a class stands after those that its defaults need.
pub(crate) const VALUES: &[(&str, &[&str])] = &[
    ("Work and text", &["Progress", "Position"]),
    (
        "metainfo.xml",
        &["VmSpec", "UnmetLimit", "Limits", "Product", "SshPublicKey", "Description", "MetainfoFields"],
    ),
    ("Macros and scripts", &["MacroInfo", "MacroUse", "ScriptInfo"]),
    (
        "Archives",
        &[
            "ArchiveEntry",
            "UnpackLimits",
            "VerifiedFile",
            "Verified",
            "KeptVolume",
            "VolumeFreeSpace",
            "FreeSpaceReport",
            "Usage",
            "PackSummary",
        ],
    ),
    (
        "Disks",
        &[
            "Extent",
            "RawSummary",
            "PartitionKind",
            "Partition",
            "PartitionTable",
            "DiskInfo",
            "NtfsEntry",
            "WindowsInfo",
        ],
    ),
    ("Checks", &["Rule", "Place", "Excerpt", "Finding", "Summary", "Report"]),
    ("Templates and repositories", &["TemplateInfo", "RepositoryEntry", "Fetched", "Pushed", "Synced"]),
];

/// The values that are compared and unpacked as tuples.
pub(crate) const TUPLES: &[&str] = &["Position"];

/// The enums, in the order of the file.
pub(crate) const ENUMS: &[&str] = &[
    "ErrorKind",
    "Severity",
    "AddressFamily",
    "LineEnding",
    "ScriptEncoding",
    "ScriptLanguage",
    "MissingValue",
    "MacroKind",
    "ImageFormat",
    "ExtentKind",
    "FreeSpace",
    "KeptReason",
    "PartitionScheme",
    "FileSystem",
    "Hibernation",
    "RegistryType",
    "OsFamily",
    "RepositoryFormat",
    "TemplateKind",
    "Padding",
    "SetupStep",
    "SetupFirewall",
];

/// The types of Rust that have no class of their own in Python, and those whose class is written by hand in
/// `_methods.py`.
pub(crate) const TYPES: &[(&str, &str)] = &[
    ("Found", "int | AddressFamily"),
    ("Guid", "str"),
    ("MacroName", "MacroName"),
    ("PathBuf", "str"),
    ("ProductVersion", "ProductVersion"),
    ("String", "str"),
    ("Support", "Support"),
    ("Tags", "tuple[str, ...]"),
    ("bool", "bool"),
    ("f64", "float"),
    ("str", "str"),
    ("u32", "int"),
    ("u64", "int"),
    ("usize", "int"),
];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Sources {
    let library = folder().join("../../crates/vmtemplate/src");
    let mut sources = Sources::default();
    sources.read(&library);
    // A view stands for the type of the library that has its name.
    let mut views = Sources::default();
    views.read_file(&folder().join("src/views.rs"));
    sources.structs.extend(views.structs);
    sources
}

/// Compare a file with what it should be; write it first if `UPDATE_PYTHON` is set.
fn compare(name: &str, content: impl FnOnce(&str) -> String) {
    let path: PathBuf = folder().join("python/vmtemplate").join(name);
    let held = fs::read_to_string(&path).unwrap_or_default();
    let made = content(&held);
    if made != held && std::env::var_os("UPDATE_PYTHON").is_some() {
        fs::write(&path, &made).unwrap();
        return;
    }
    let differs = made.lines().zip(held.lines()).position(|(made, held)| made != held);
    assert!(
        made == held,
        "{name} differs from the sources, first at line {:?}; \
         write it anew with `UPDATE_PYTHON=1 cargo test -p vmtemplate-python --test generated`",
        differs.map(|line| line + 1),
    );
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join("python/vmtemplate").join(name)).unwrap()
}

#[test]
fn the_dataclasses_are_made_of_the_sources() {
    compare("_values.py", |_| python::values(&sources(), &read("_methods.py")));
}

#[test]
fn the_enums_are_made_of_the_sources() {
    compare("_enums.py", |_| python::enums(&sources(), &read("_methods.py"), &read("_native.pyi")));
}

#[test]
fn the_module_exports_every_class_that_it_imports() {
    compare("__init__.py", python::exports);
}

#[test]
fn an_enum_has_the_same_words_for_serde_and_for_people() {
    let sources = sources();
    let mut compared = 0;
    for name in ENUMS {
        let read = &sources.enums[*name];
        for variant in read.variants.iter().filter(|_| read.has_serde_words) {
            assert_eq!(sources.word(name, variant), variant.word, "{name}::{}", variant.name);
            compared += 1;
        }
    }
    assert!(compared > 50, "only {compared} variants have words of serde");
}

#[test]
fn the_documentation_of_rust_becomes_that_of_python() {
    let sources = sources();
    let docs = "Not set: `true` or [`None`](x) — see [`Limits::check`](crate::Limits::check) and [the guide](https://x.y).\n\
                \n\
                [`NotFound`](ErrorKind::NotFound), [`ErrorKind::NotFound`], [`Severity::Error`].\n\
                \n```\nlet x = 1;\n```\n# Errors\n\nNone.\n";
    assert_eq!(
        sources.prose(docs),
        [
            "Not set: `True` or `None` — see `Limits.check` and [the guide](https://x.y).",
            "`NotFound`, `ErrorKind.NOT_FOUND`, `Severity.ERROR`.",
        ]
    );
}
