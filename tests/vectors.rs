//! The cases of tests/vectors, on which Rust, Python and C must agree, through the public API.
//!
//! `UPDATE_VECTORS=1 cargo test --test vectors` updates the expected results; read the difference before you commit it.
//! tests/vectors/README.md describes the format of a case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use vmtemplate::archive::{Level, PackOptions};
use vmtemplate::disk::FreeSpace;
use vmtemplate::drive::{InstallDrive, Padding};
use vmtemplate::macros::{MacroInfo, MacroName, MacroValues, MissingValue, RenderOptions, find_macros};
use vmtemplate::metainfo::{MetainfoFields, OsFamily, Tags, VmSpec};
use vmtemplate::output::Overwrite;
use vmtemplate::report::{CheckOptions, Finding};
use vmtemplate::repository::{EntryOptions, PublishOptions, RepositoryEntry, RepositoryFormat};
use vmtemplate::script::{ScriptCheckOptions, SetupFirewall, SetupInterface, SetupScript};
use vmtemplate::{
    Archive, DiskImage, Error, ErrorKind, Metainfo, Repository, Result, Script, Template, check,
};

/// The maximum width of lines in the cases, if possible.
const WIDTH: usize = 116;

/// Run every case of a topic, and compare or write the results.
fn topic<I: DeserializeOwned>(name: &str, run: impl Fn(I) -> Result<Value>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/{name}.json"));
    let text = fs::read_to_string(&path).unwrap();
    let mut cases: Vec<Map<String, Value>> = serde_json::from_str(&text).unwrap();
    let mut names = BTreeSet::new();
    let update = std::env::var_os("UPDATE_VECTORS").is_some();
    assert!(!update || std::env::var_os("CI").is_none(), "CI compares and does not write");
    let mut wrong = String::new();
    for case in &mut cases {
        let name = case["name"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "two cases are named `{name}`");
        assert!(case.keys().all(|key| ["name", "input", "expect"].contains(&key.as_str())), "{name}");
        let input =
            serde_json::from_value(case["input"].clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = run(input).unwrap_or_else(|error| json!({ "error": error_of(&error) }));
        readable_from_c(&found, &name);
        readable_from_c(&case["input"], &name);
        if !update && case.get("expect") != Some(&found) {
            let expected = case.get("expect").cloned().unwrap_or_default();
            writeln!(wrong, "`{name}`\n  expected {expected}\n  found    {found}").unwrap();
        }
        case.insert("expect".into(), found);
    }
    assert!(wrong.is_empty(), "{name}.json:\n{wrong}");
    let written = written(&cases);
    if update {
        fs::write(&path, written).unwrap();
    } else {
        assert!(text == written, "{name}.json is not written as UPDATE_VECTORS=1 writes it");
    }
}

/// Readers with C strings and doubles lose no information.
fn readable_from_c(value: &Value, case: &str) {
    match value {
        Value::String(text) => assert!(!text.contains('\0'), "{case}: a NUL in a text"),
        Value::Number(number) => {
            let exact = number.as_u64().is_some_and(|number| number <= 1 << 53);
            assert!(exact, "{case}: {number} is no whole number up to 2^53");
        }
        Value::Array(items) => items.iter().for_each(|item| readable_from_c(item, case)),
        Value::Object(members) => members.values().for_each(|member| readable_from_c(member, case)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The whole file: name, input, result, each on one line if it fits.
fn written(cases: &[Map<String, Value>]) -> String {
    let cases = cases.iter().map(|case| {
        let members = ["name", "input", "expect"].map(|key| {
            let mut member = format!("    \"{key}\": ");
            write_value(&mut member, key, &case[key], 4);
            member
        });
        format!("  {{\n{}\n  }}", members.join(",\n"))
    });
    format!("[\n{}\n]\n", cases.collect::<Vec<_>>().join(",\n"))
}

fn write_value(out: &mut String, key: &str, value: &Value, indent: usize) {
    // A text with several lines is written as several lines.
    let lines = match value {
        Value::String(text) if key == "text" => lines_of(text),
        other => other.clone(),
    };
    let value = &lines;
    let compact = spaced(&value.to_string());
    let fits = out.chars().count() + compact.chars().count() < WIDTH;
    if fits && !(key == "text" && value.is_array()) {
        return out.push_str(&compact);
    }
    let (pad, end) = (" ".repeat(indent + 2), " ".repeat(indent));
    let inner: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| inner(&pad, "", item, indent)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| inner(&format!("{pad}{}: ", json!(key)), key, member, indent))
            .collect(),
        _ => return out.push_str(&value.to_string()),
    };
    let brackets = if value.is_array() { ['[', ']'] } else { ['{', '}'] };
    write!(out, "{}\n{}\n{end}{}", brackets[0], inner.join(",\n"), brackets[1]).unwrap();
}

/// A text with several lines as an array of lines.
fn lines_of(text: &str) -> Value {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.len() > 1 { json!(lines) } else { json!(text) }
}

fn inner(before: &str, key: &str, value: &Value, indent: usize) -> String {
    let mut out = before.to_owned();
    write_value(&mut out, key, value, indent + 2);
    out
}

/// JSON with a space after each comma and colon that is not in a string.
fn spaced(compact: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for c in compact.chars() {
        out.push(c);
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if !quoted && (c == ',' || c == ':') {
            out.push(' ');
        }
    }
    out
}

/// The parts of an error that are the same in all languages, without messages and paths.
fn error_of(error: &Error) -> Value {
    let mut members = Map::new();
    members.insert("kind".into(), error.kind().name().into());
    if let Some(field) = error.field() {
        members.insert("field".into(), field.into());
    }
    if let Some(position) = error.position() {
        members.insert("line".into(), position.line.into());
        members.insert("column".into(), position.column.into());
    }
    if !error.problems().is_empty() {
        members.insert("problems".into(), error.problems().iter().map(error_of).collect());
    }
    members.into()
}

fn finding_of(finding: &Finding) -> Value {
    let mut members = Map::new();
    members.insert("code".into(), finding.rule().code.into());
    members.insert("severity".into(), finding.severity().to_string().into());
    let place = finding.place();
    if let Some(file) = &place.file {
        members.insert("file".into(), file.as_str().into());
    }
    if let Some(partition) = place.partition {
        members.insert("partition".into(), partition.into());
    }
    if let Some(position) = place.position {
        members.insert("line".into(), position.line.into());
        members.insert("column".into(), position.column.into());
    }
    members.into()
}

fn entry_of(entry: &RepositoryEntry) -> Value {
    json!({
        "name": entry.name,
        "file_name": entry.file_name,
        "kind": entry.kind(),
        "tags": entry.tags,
        "archive_size_mib": entry.archive_size_mib,
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Lines(Vec<String>),
}

impl Text {
    fn joined(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
        }
    }
}

/// Bytes in their shortest form.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Content {
    text: Option<Text>,
    /// The number of repetitions, if not one.
    repeat: Option<usize>,
    hex: Option<String>,
    /// The path of a gzip file, from the root of the repository; `runs` are written over its content.
    gzip: Option<PathBuf>,
    /// Zeros, with `runs` written over them in their order.
    size: usize,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    at: usize,
    hex: Option<String>,
    #[serde(default)]
    length: usize,
    #[serde(default)]
    seed: usize,
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        if let Some(text) = &self.text {
            return text.joined().repeat(self.repeat.unwrap_or(1)).into_bytes();
        }
        if let Some(hex) = &self.hex {
            return unhex(hex);
        }
        let mut bytes = vec![0; self.size];
        if let Some(path) = &self.gzip {
            let packed = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
            flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        }
        for run in &self.runs {
            let content = match &run.hex {
                Some(hex) => unhex(hex),
                None => (0..run.length).map(|i| (run.seed + i * i / 7) as u8).collect(),
            };
            bytes[run.at..run.at + content.len()].copy_from_slice(&content);
        }
        bytes
    }

    fn of(bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(['\0', '\u{FEFF}']) => json!({ "text": lines_of(text) }),
            _ => json!({ "hex": hex(bytes) }),
        }
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).unwrap() as u8).collect();
    assert!(digits.len().is_multiple_of(2), "{hex}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[test]
fn errors_have_their_names_and_numbers() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {}

    topic("errors", |_: Input| {
        let kinds = ErrorKind::all().iter();
        Ok(kinds.map(|kind| json!({ "name": kind.name(), "number": kind.number() })).collect())
    });
}

#[test]
fn metainfo_is_read_edited_and_written() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        file: Option<Content>,
        os_name: Option<String>,
        fields: Option<MetainfoFields>,
        #[serde(default)]
        edits: Vec<Edit>,
        vm: Option<VmSpec>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Edit {
        key: String,
        value: Option<String>,
    }

    topic("metainfo", |input: Input| {
        let mut metainfo = match (&input.file, &input.os_name, &input.fields) {
            (Some(file), None, None) => Metainfo::parse(&file.bytes())?,
            (None, Some(name), None) => Metainfo::new(name)?,
            (None, None, Some(fields)) => Metainfo::from_fields(fields)?,
            _ => panic!("one of file, os_name and fields"),
        };
        for Edit { key, value } in &input.edits {
            let key = key.parse()?;
            match value {
                Some(value) => metainfo.set(&key, value)?,
                None => drop(metainfo.remove(&key)),
            }
        }
        let mut found = json!({ "file": Content::of(&metainfo.to_bytes()) });
        match metainfo.fields() {
            Ok(fields) => found["fields"] = serde_json::to_value(fields).unwrap(),
            Err(error) => found["fields_error"] = error_of(&error),
        }
        if let Some(vm) = &input.vm {
            found["unmet"] = serde_json::to_value(metainfo.limits()?.unmet(vm)).unwrap();
        }
        Ok(found)
    });
}

#[test]
fn macros_are_known_named_and_found() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Input {
        Catalogue {},
        Lookup(String),
        Spelling(String),
        Bare(String),
        Text(Text),
    }

    topic("macros", |input: Input| {
        let named = |name: MacroName| json!({ "name": name.name(), "spelling": name.to_string() });
        Ok(match input {
            Input::Catalogue {} => MacroInfo::catalogue()
                .iter()
                .map(|info| json!({ "name": info.name, "kind": info.kind }))
                .collect(),
            Input::Lookup(name) => json!({ "kind": MacroInfo::lookup(&name).map(|info| info.kind) }),
            Input::Spelling(text) => named(text.parse()?),
            Input::Bare(name) => named(MacroName::new(name)?),
            Input::Text(text) => find_macros(&text.joined())
                .map(|found| {
                    let position = found.position;
                    json!({ "name": found.name.name(), "line": position.line, "column": position.column })
                })
                .collect(),
        })
    });
}

#[test]
fn values_are_accepted_or_refused() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[serde(rename = "macro")]
        name: String,
        value: String,
        #[serde(default = "once")]
        repeat: usize,
    }
    fn once() -> usize {
        1
    }

    topic("values", |input: Input| {
        MacroValues::new().with(&input.name, input.value.repeat(input.repeat))?;
        Ok(json!({ "accepted": true }))
    });
}

fn macro_values(values: &BTreeMap<String, String>) -> Result<MacroValues> {
    values.iter().try_fold(MacroValues::new(), |all, (name, value)| all.with(name, value.as_str()))
}

#[test]
fn scripts_are_rendered() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        script: Content,
        language: Option<String>,
        #[serde(default)]
        values: BTreeMap<String, String>,
        missing: Option<String>,
        #[serde(default)]
        as_platform: bool,
        illegal_password_characters: Option<String>,
        #[serde(default)]
        declared: Vec<String>,
    }

    topic("render", |input: Input| {
        let options = RenderOptions {
            missing: input.missing.map_or(Ok(MissingValue::default()), |missing| missing.parse())?,
            as_platform: input.as_platform,
            language: input.language.map(|language| language.parse()).transpose()?,
            illegal_password_characters: input.illegal_password_characters,
            declared: input.declared.iter().map(|name| name.parse()).collect::<Result<_>>()?,
        };
        let script = Script::from_bytes(input.script.bytes());
        Ok(json!({ "script": Content::of(script.render(&macro_values(&input.values)?, &options)?.bytes()) }))
    });
}

#[test]
fn scripts_are_linted() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        script: Content,
        metainfo: Option<Content>,
        file_name: Option<String>,
        language: Option<String>,
    }

    topic("lint", |input: Input| {
        let metainfo = input.metainfo.map(|file| Metainfo::parse(&file.bytes())).transpose()?;
        let options = ScriptCheckOptions {
            metainfo: metainfo.as_ref(),
            file_name: input.file_name.as_deref(),
            language: input.language.map(|language| language.parse()).transpose()?,
        };
        let report = Script::from_bytes(input.script.bytes()).check(&options);
        Ok(report.findings().iter().map(finding_of).collect())
    });
}

#[test]
fn setup_scripts_are_made() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[serde(default)]
        without: Vec<String>,
        administrator: Option<String>,
        log_file: Option<String>,
        interface: Option<String>,
        firewall_unchanged: Option<bool>,
        product_key: Option<bool>,
    }

    topic("setup", |input: Input| {
        let mut setup = SetupScript::windows();
        for step in &input.without {
            setup = setup.without(step.parse()?);
        }
        if let Some(account) = input.administrator {
            setup = setup.administrator(account);
        }
        if let Some(path) = input.log_file {
            setup = setup.log_file(path);
        }
        if let Some(name) = input.interface {
            setup = setup.interface(SetupInterface::Named(name));
        }
        if input.firewall_unchanged == Some(true) {
            setup = setup.firewall(SetupFirewall::Unchanged);
        }
        if let Some(used) = input.product_key {
            setup = setup.product_key(used);
        }
        let script = setup.build()?;
        let bytes = script.bytes();
        let lines = bytes.split(|&byte| byte == b'\n').count() - 1;
        Ok(json!({ "lines": lines, "size": bytes.len(), "sha256": sha256(bytes) }))
    });
}

#[test]
fn install_drives_are_filled() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        script: Content,
        #[serde(default)]
        values: BTreeMap<String, String>,
        padding: Option<String>,
    }

    topic("drive", |input: Input| {
        let script = Script::from_bytes(input.script.bytes());
        let rendered = script.render(&macro_values(&input.values)?, &RenderOptions::default())?;
        let padding = input.padding.map_or(Ok(Padding::default()), |padding| padding.parse())?;
        let drive = InstallDrive::with_padding(&rendered, padding)?;
        Ok(json!({
            "sha256": sha256(drive.bytes()),
            "first_32": hex(&drive.bytes()[..32]),
            "script_size": drive.script().bytes().len(),
        }))
    });
}

/// The arguments of a template's builder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    image: Option<Content>,
    image_name: Option<String>,
    /// The image is written to a file of this name and opened there, so that its format is recognised.
    image_file: Option<String>,
    script: Option<Content>,
    script_name: Option<String>,
    memory_mib: Option<u64>,
    disk_mb: Option<u64>,
    ipv4: Option<bool>,
    ipv6: Option<bool>,
    #[serde(default)]
    tags: Vec<String>,
    version: Option<String>,
    #[serde(default)]
    macros: Vec<String>,
    #[serde(default)]
    support: Vec<String>,
    reboot_count: Option<u32>,
    virtio_disk: Option<bool>,
    virtio_net: Option<bool>,
}

impl Draft {
    fn build(&self, folder: &Path) -> Result<Template> {
        let mut builder = Template::builder(&self.name).tags(&self.tags);
        if let Some(image) = &self.image {
            builder = match &self.image_file {
                Some(name) => {
                    fs::write(folder.join(name), image.bytes()).unwrap();
                    builder.image_path(folder.join(name))
                }
                None => builder.image(DiskImage::from_bytes(image.bytes())),
            };
        }
        if let Some(script) = &self.script {
            builder = builder.script(Script::from_bytes(script.bytes()));
        }
        macro_rules! set {
            ($($field:ident => $setter:ident),*) => {
                $(if let Some(value) = self.$field.clone() {
                    builder = builder.$setter(value);
                })*
            };
        }
        set!(image_name => image_name, script_name => script_name, memory_mib => memory_mib, disk_mb => disk_mb,
            ipv4 => ipv4, ipv6 => ipv6, version => template_version, reboot_count => reboot_count,
            virtio_disk => virtio_disk, virtio_net => virtio_net);
        for name in &self.macros {
            builder = builder.declare_macro(name);
        }
        for product in &self.support {
            builder = builder.support(product.as_str());
        }
        builder.build()
    }
}

#[test]
fn templates_are_packed_to_the_same_bytes() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        template: Option<Draft>,
        folder: Option<Vec<NamedFile>>,
        mtime: u64,
        level: Option<i32>,
        #[serde(default)]
        sparse: bool,
        #[serde(default)]
        keep_free_space: bool,
        #[serde(default)]
        drop_page_files: bool,
    }

    topic("pack", |input: Input| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.tar.gz");
        let template = match (&input.template, &input.folder) {
            (Some(draft), None) => draft.build(folder.path())?,
            (None, Some(files)) => {
                let opened = folder.path().join("template");
                for file in files {
                    file.write_below(&opened);
                }
                Template::open(&opened)?
            }
            _ => panic!("one of template and folder"),
        };
        let options = PackOptions {
            level: input.level.map_or(Ok(Level::DEFAULT), Level::new)?,
            mtime: Some(input.mtime),
            sparse: input.sparse,
            free_space: if input.keep_free_space { FreeSpace::Keep } else { FreeSpace::Skip },
            drop_page_files: input.drop_page_files,
            ..PackOptions::default()
        };
        let summary = template.pack(&path, &options)?;
        let archive = fs::read(&path).unwrap();
        assert_eq!(summary.archive_bytes, archive.len() as u64);
        Ok(json!({
            "sha256": sha256(&archive),
            "size": archive.len(),
            "entries": Archive::open(&path)?.entries()?,
            "usage": summary.usage,
            "left_behind": summary.left_behind,
            "missing": summary.missing,
        }))
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedFile {
    name: String,
    content: Content,
}

impl NamedFile {
    /// Write the file into a folder, which is created, as are the folders in its name.
    fn write_below(&self, folder: &Path) {
        let path = folder.join(&self.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.content.bytes()).unwrap();
    }
}

#[test]
fn templates_are_checked() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        folder: Option<Vec<NamedFile>>,
        file: Option<NamedFile>,
        #[serde(default)]
        allow: Vec<String>,
        #[serde(default)]
        deny_warnings: bool,
        #[serde(default)]
        skip_image: bool,
        language: Option<String>,
    }

    topic("check", |input: Input| {
        let folder = tempfile::tempdir().unwrap();
        let mut path = folder.path().to_owned();
        for file in input.folder.iter().flatten().chain(&input.file) {
            file.write_below(&path);
        }
        if let Some(file) = &input.file {
            path.push(&file.name);
        }
        let options = CheckOptions {
            allow: input.allow,
            deny_warnings: input.deny_warnings,
            skip_image: input.skip_image,
            language: input.language.map(|language| language.parse()).transpose()?,
            ..CheckOptions::default()
        };
        Ok(check(&path, &options)?.findings().iter().map(finding_of).collect())
    });
}

#[test]
fn disks_are_recognised() {
    topic("disk", |file: NamedFile| {
        let folder = tempfile::tempdir().unwrap();
        file.write_below(folder.path());
        let info = DiskImage::open(folder.path().join(&file.name))?.info()?;
        let partitions = info.partitions.map(|table| {
            let partitions: Vec<Value> = table
                .partitions
                .iter()
                .map(|partition| {
                    json!({
                        "index": partition.index,
                        "offset": partition.offset,
                        "length": partition.length,
                        "kind": partition.kind.to_string(),
                        "name": partition.name,
                        "active": partition.active,
                    })
                })
                .collect();
            json!({
                "scheme": table.scheme,
                "sector_size": table.sector_size,
                "warnings": table.warnings.len(),
                "notes": table.notes.len(),
                "partitions": partitions,
            })
        });
        let kept: Vec<_> = info
            .free_space
            .volumes
            .iter()
            .map(|volume| volume.kept.as_ref().map(|kept| kept.reason))
            .collect();
        Ok(json!({ "format": info.format, "size": info.size, "table": partitions, "kept": kept }))
    });
}

#[test]
fn repositories_are_edited_in_place() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        format: String,
        description: Option<Content>,
        #[serde(default)]
        operations: Vec<Operation>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Operation {
        Add { archive: ArchiveOf, options: Option<Options> },
        Replace { name: String, archive: ArchiveOf, options: Option<Options> },
        Remove { name: String },
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ArchiveOf {
        file_name: String,
        template: Draft,
    }
    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Options {
        name: Option<String>,
        tags: Option<Tags>,
        file_name: Option<String>,
        image_name: Option<String>,
        expand: Option<String>,
        network_device: Option<String>,
        requirements: bool,
        /// For `add`: replace the template with the same name.
        replace: bool,
        set: Option<Map<String, Value>>,
    }

    let pack = |archive: &ArchiveOf, folder: &Path| -> Result<PathBuf> {
        let path = folder.join(&archive.file_name);
        let options = PackOptions { mtime: Some(0), overwrite: Overwrite::Yes, ..PackOptions::default() };
        archive.template.build(folder)?.pack(&path, &options)?;
        Ok(path)
    };
    let entry_options = |options: Options| -> Result<EntryOptions> {
        let mut entry = EntryOptions {
            name: options.name,
            tags: options.tags,
            file_name: options.file_name,
            image_name: options.image_name,
            expand: options.expand,
            network_device: options.network_device,
            requirements: options.requirements,
            ..EntryOptions::default()
        };
        if let Some(keys) = options.set {
            entry.set_keys(&Value::from(keys).to_string())?;
        }
        Ok(entry)
    };
    topic("repository", |input: Input| {
        let folder = tempfile::tempdir().unwrap();
        let format: RepositoryFormat = input.format.parse()?;
        let repository = match &input.description {
            None => Repository::create(folder.path().join("repo"), format)?,
            Some(description) => {
                let at = folder.path().join("repo");
                fs::create_dir(&at).unwrap();
                fs::write(at.join(format.file_name()), description.bytes()).unwrap();
                Repository::open_as(at, format)?
            }
        };
        for operation in input.operations {
            match operation {
                Operation::Add { archive, options } => {
                    let path = pack(&archive, folder.path())?;
                    let options = options.unwrap_or_default();
                    let replace = options.replace;
                    let entry = entry_options(options)?;
                    drop(if replace {
                        repository.add_or_replace(path, &entry)?
                    } else {
                        repository.add(path, &entry)?
                    });
                }
                Operation::Replace { name, archive, options } => {
                    let path = pack(&archive, folder.path())?;
                    drop(repository.replace(&name, path, &entry_options(options.unwrap_or_default())?)?);
                }
                Operation::Remove { name } => {
                    drop(repository.remove(&name, &PublishOptions::default())?);
                }
            }
        }
        let entries: Vec<Value> = repository.list()?.iter().map(entry_of).collect();
        let description = fs::read(repository.description_path()).unwrap();
        Ok(json!({ "description": Content::of(&description), "entries": entries }))
    });
}

#[test]
fn families_are_taken_from_names() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        template_name: String,
    }

    topic("family", |input: Input| {
        let family = OsFamily::of_template_name(&input.template_name);
        Ok(json!({ "family": family.map(|family| family.to_string()) }))
    });
}

#[test]
fn every_file_of_cases_has_a_test() {
    let tests = include_str!("vectors.rs");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(topic) = name.strip_suffix(".json") {
            assert!(tests.contains(&format!("topic(\"{topic}\"")), "nothing reads {name}");
        }
    }
}
