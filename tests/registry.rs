//! Registry hives through the public API, compared with hivex, and mutated ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use vmtemplate::ErrorKind;
use vmtemplate::disk::{RegistryHive, RegistryKey, RegistryType};
use vmtemplate_test_support::registry::{self, Key, List, hive, key, seal, utf16};
use vmtemplate_test_support::{has_tool, noise};

/// A key with values of every kind, and a value too long for one cell.
fn values() -> Vec<(String, u32, Vec<u8>)> {
    vec![
        (String::new(), 1, utf16("default\0")),
        ("none".into(), 0, Vec::new()),
        ("text".into(), 1, utf16("Größe Ж 😀\0 rest")),
        ("not ended".into(), 1, utf16("abc")),
        ("expand".into(), 2, utf16("%SystemRoot%\\x\0")),
        ("bytes".into(), 3, noise(1, 100)),
        ("four".into(), 4, 0xFEDC_BA98_u32.to_le_bytes().to_vec()),
        ("four, turned".into(), 5, 7_u32.to_be_bytes().to_vec()),
        ("link".into(), 6, utf16("\\Registry\\Machine")),
        ("texts".into(), 7, utf16("one\0two\0\0")),
        ("eight".into(), 11, (1_u64 << 40).to_le_bytes().to_vec()),
        ("other".into(), 0x1234, vec![1]),
        ("Größe \"q\" \\".into(), 3, vec![1, 2]),
        ("Ж".into(), 3, vec![1, 2, 3]),
        ("the most of a cell".into(), 3, noise(2, 16_344)),
        ("big".into(), 3, noise(3, 16_345)),
        ("bigger".into(), 3, noise(4, 200_000)),
    ]
}

/// Every kind of list, names in both encodings.
fn sample() -> Key {
    let many = |list, count: usize| {
        let keys = (0..count).map(|i| key(&format!("Key number {i}"), Vec::new())).collect();
        Key { name: format!("{list:?}"), keys, list, ..Key::default() }
    };
    let lists = vec![many(List::Lf, 30), many(List::Lh, 30), many(List::Li, 30), many(List::Ri(7), 300)];
    let names =
        ["Größe", "größer", "Ж", "ab", "ABC", "{1F}", "a/b"].map(|name| key(name, Vec::new())).to_vec();
    let mut root = key("ROOT", vec![key("Lists", lists), Key { list: List::Lf, ..key("Names", names) }]);
    root.keys.push(Key { values: values(), ..key("Values", Vec::new()) });
    root
}

/// All keys and values, as `hivexregedit --export` writes them.
fn export(key: &RegistryKey<'_>, path: &str, out: &mut String) -> vmtemplate::Result<()> {
    writeln!(out, "[{}]", if path.is_empty() { "\\" } else { path }).unwrap();
    let mut values = key.values()?;
    values.sort_by(|a, b| a.name().cmp(b.name()));
    for value in values {
        let number = (0..=11)
            .find(|&number| RegistryType::from(number) == value.kind())
            .or(if let RegistryType::Other(number) = value.kind() { Some(number) } else { None })
            .unwrap();
        match value.name() {
            "" => out.push('@'),
            name => write!(out, "\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")).unwrap(),
        }
        let data = value.data()?;
        if number == 4 && data.len() == 4 {
            writeln!(out, "=dword:{:08x}", value.u32()?).unwrap();
        } else {
            let bytes: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(out, "=hex({number:x}):{}", bytes.join(",")).unwrap();
        }
    }
    out.push('\n');
    let mut keys = key.subkeys()?;
    keys.sort_by(|a, b| a.name().cmp(b.name()));
    for below in keys {
        export(&below, &format!("{path}\\{}", below.name()), out)?;
    }
    Ok(())
}

fn exported(hive: &RegistryHive<'_>) -> String {
    let mut out = "Windows Registry Editor Version 5.00\n\n".to_owned();
    export(&hive.root().unwrap(), "", &mut out).unwrap();
    out
}

fn exported_by_hivex(path: &Path) -> String {
    hivexregedit(["--export".as_ref(), path.as_os_str(), "\\".as_ref()])
}

fn hivexregedit(arguments: [&OsStr; 3]) -> String {
    // Use UTF-8 for files and streams, independent of the locale.
    let out = Command::new("hivexregedit").args(arguments).env("PERL_UNICODE", "SD").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Compare, and show the first difference only.
fn assert_same(ours: &str, theirs: &str) {
    for (number, (a, b)) in ours.lines().zip(theirs.lines()).enumerate() {
        let cut = |line: &str| line.chars().take(200).collect::<String>();
        assert!(a == b, "line {number}: {} is {} for hivex", cut(a), cut(b));
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

#[test]
fn every_kind_of_list_and_value_is_read_back_and_hivex_agrees() {
    let bytes = hive(&sample());
    let hive = RegistryHive::from_bytes(bytes.clone()).unwrap();
    assert!(hive.is_clean());
    let key = hive.key(r"Values").unwrap().unwrap();
    for (name, kind, data) in values() {
        let value = key.value(&name).unwrap().unwrap_or_else(|| panic!("{name:?}"));
        assert_eq!((value.kind(), value.size() as usize), (RegistryType::from(kind), data.len()), "{name:?}");
        assert!(value.data().unwrap() == data, "{name:?}");
    }
    for list in ["Lf", "Lh", "Li", "Ri(7)"] {
        let key = hive.key(&format!("Lists\\{list}")).unwrap().unwrap();
        assert_eq!(key.subkeys().unwrap().len(), if list == "Ri(7)" { 300 } else { 30 });
        assert_eq!(key.subkey("KEY NUMBER 29").unwrap().unwrap().name(), "Key number 29");
        assert!(key.subkey("Key number 300").unwrap().is_none());
    }
    if has_tool("hivexregedit") {
        // hivex 1.3 treats the four padding bytes of a segment's cell as data.
        let mut root = sample();
        root.keys.iter_mut().for_each(|key| key.values.retain(|(_, _, data)| data.len() <= 16_344));
        let bytes = registry::hive(&root);
        let hive = RegistryHive::from_bytes(bytes.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hive");
        std::fs::write(&path, bytes).unwrap();
        assert_same(&exported(&hive), &exported_by_hivex(&path));
    }
}

#[test]
fn names_are_found_without_regard_to_case() {
    let hive = RegistryHive::from_bytes(hive(&sample())).unwrap();
    for (path, name) in [
        (r"\names\GRÖSSE", None), // ß has no single capital letter
        (r"NAMES\GRÖßE", Some("Größe")),
        (r"Names\GRÖßER", Some("größer")),
        (r"Names\ж", Some("Ж")),
        (r"Names\AB", Some("ab")),
        (r"Names\abc\", Some("ABC")),
        (r"Names\a/b", Some("a/b")),
        (r"Names\a", None),
        (r"Names\ab\c", None),
        ("", Some("ROOT")),
    ] {
        let found = hive.key(path).unwrap();
        assert_eq!(found.as_ref().map(RegistryKey::name), name, "{path}");
    }
    let values = hive.key("Values").unwrap().unwrap();
    assert!(values.value("TEXT").unwrap().is_some());
    assert!(values.value("ж").unwrap().is_some());
    assert!(values.value("tex").unwrap().is_none());
}

#[test]
fn values_come_as_the_types_that_they_have() {
    let hive = RegistryHive::from_bytes(hive(&sample())).unwrap();
    let key = hive.key("Values").unwrap().unwrap();
    assert_eq!(key.string("").unwrap().unwrap(), "default");
    assert_eq!(key.string("text").unwrap().unwrap(), "Größe Ж 😀");
    assert_eq!(key.string("not ended").unwrap().unwrap(), "abc");
    assert_eq!(key.string("expand").unwrap().unwrap(), r"%SystemRoot%\x");
    assert_eq!(key.string("nowhere").unwrap(), None);
    assert_eq!(key.u32("four").unwrap(), Some(0xFEDC_BA98));
    assert_eq!(key.u32("four, turned").unwrap(), Some(7));
    assert_eq!(key.value("eight").unwrap().unwrap().u64().unwrap(), 1 << 40);
    assert_eq!(key.strings("texts").unwrap().unwrap(), ["one", "two"]);
    let error = key.u32("text").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert_eq!(
        error.message(),
        "the value \"text\" is REG_SZ; REG_DWORD or REG_DWORD_BIG_ENDIAN was expected"
    );
    assert_eq!(key.value("other").unwrap().unwrap().kind().to_string(), "type 0x1234");
}

#[test]
fn hives_that_hivex_made_are_read_value_for_value() {
    if !has_tool("hivexregedit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, merge) = (folder.path().join("hive"), folder.path().join("merge.reg"));
    std::fs::write(&path, hive(&key("ROOT", Vec::new()))).unwrap();
    let mut text = "Windows Registry Editor Version 5.00\n\n[\\deep]\n\n[\\wide]\n\n".to_owned();
    for i in 0..7 {
        writeln!(text, "[\\deep\\{i}]\n").unwrap();
    }
    for i in 0..400 {
        // Levels, siblings, and names of one, two and four bytes per character.
        let name = ["plain", "Größe", "Ж и", "漢字", "a b {c}"][i % 5];
        let path = [
            format!("\\{name} {i}"),
            format!("\\deep\\{}\\{name} {i}", i % 7),
            format!("\\wide\\{name} {i}"),
        ];
        writeln!(text, "[{}]", path[i % 3]).unwrap();
        for j in 0..i % 6 {
            let length = [0, 3, 4, 5, 700, 20_000 * usize::from(i % 40 == 3)][j];
            let bytes: Vec<_> =
                noise((i * 6 + j) as u64, length).iter().map(|b| format!("{b:02x}")).collect();
            writeln!(text, "\"{name} {j}\"=hex({:x}):{}", [1, 3, 7, 0, 11, 0x77][j], bytes.join(","))
                .unwrap();
        }
        writeln!(text, "\"number\"=dword:{i:08x}\n").unwrap();
    }
    std::fs::write(&merge, text).unwrap();
    let merged = hivexregedit(["--merge".as_ref(), path.as_os_str(), merge.as_os_str()]);
    assert!(merged.is_empty(), "{merged}");
    let bytes = std::fs::read(&path).unwrap();
    let hive = RegistryHive::from_bytes(bytes).unwrap();
    let ours = exported(&hive);
    assert!(ours.lines().count() > 1500, "{}", ours.lines().count());
    assert_same(&ours, &exported_by_hivex(&path));
    // Every listed key is found by its path, also in the other case.
    for line in ours.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')) {
        for path in [line.to_owned(), line.to_uppercase()] {
            assert!(hive.key(&path).unwrap().is_some() || line.contains('ß'), "{path}");
        }
    }
}

#[test]
fn an_unclean_hive_is_told_and_a_log_is_not_taken_for_a_hive() {
    let good = hive(&sample());
    let mut open = good.clone();
    open[4] += 1;
    seal(&mut open);
    assert!(!RegistryHive::from_bytes(open).unwrap().is_clean());
    for kind in [1, 2, 6] {
        let mut log = good.clone();
        log[28] = kind;
        seal(&mut log);
        let error = RegistryHive::from_bytes(log).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("transaction log"), "{error}");
    }
}

/// The offset of the record with this name: the signature of its cell.
fn record(hive: &[u8], signature: [u8; 2], header: usize, name: &str) -> usize {
    (4096..hive.len())
        .step_by(4)
        .find(|&at| hive[at..].starts_with(&signature) && hive[at + header..].starts_with(name.as_bytes()))
        .unwrap()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Walk and read the whole hive, and return the number of keys and values.
fn walk(key: &RegistryKey<'_>, left: &mut usize) -> vmtemplate::Result<usize> {
    let mut seen = 1;
    for value in key.values()? {
        value.data()?;
        value.string().ok();
        value.strings().ok();
        seen += 1;
    }
    for below in key.subkeys()? {
        *left = left.checked_sub(1).expect("a hive of this size cannot have so many keys");
        seen += walk(&below, left)?;
    }
    Ok(seen)
}

fn walk_bytes(bytes: Vec<u8>) -> vmtemplate::Result<usize> {
    let mut left = bytes.len() / 80;
    let hive = RegistryHive::from_bytes(bytes)?;
    // Lookups take other paths than walks.
    for path in [r"Lists\Lh\Key number 7", r"Lists\Ri(7)\Key number 299", r"Names\ABC", r"Names\ж", "Values"]
    {
        hive.key(path).and_then(|key| key.map(|key| key.string("text")).transpose()).ok();
    }
    walk(&hive.root()?, &mut left)
}

#[test]
fn structures_that_contradict_themselves_are_refused() {
    let good = hive(&sample());
    let lists = record(&good, *b"nk", 76, "Lists");
    let names = record(&good, *b"nk", 76, "Names");
    let ri = record(&good, *b"nk", 76, "Ri(7)");
    let big = record(&good, *b"vk", 20, "bigger");
    let values = record(&good, *b"nk", 76, "Values");
    let place = |at: usize| 4096 + u32_at(&good, at) as usize + 4; // what a field points to
    let root = 4096 + u32_at(&good, 36) as usize + 4;
    let below = |at: usize| u32_at(&good, place(at + 28) + 4);
    let word = |number: u32| number.to_le_bytes().to_vec();
    for (what, at, bytes, why) in [
        ("no hive", 0, b"hive".to_vec(), "does not begin with"),
        ("an old version", 24, word(2), "version 1.2"),
        ("an unknown kind", 28, word(9), "unknown kind 9"),
        ("more bins than bytes", 40, word(0x7FFF_F000), "contradicts its file size"),
        ("bins that are no multiple", 40, word(4097), "contradicts its file size"),
        ("no root", 36, word(0x10), "not a valid offset of a cell"),
        ("a root past the end", 36, word(good.len() as u32), "not a valid offset of a cell"),
        ("a free cell", lists - 4, word(96), "is free"),
        ("an endless cell", lists - 4, word(0x8000_0000), "impossible size"),
        ("a key below itself", place(root + 28) + 4, word(u32_at(&good, 36)), "as its parent"),
        ("a key in two places", place(lists + 28) + 4, word(below(names)), "as its parent"),
        ("a key listed twice", place(names + 28) + 12, word(below(names)), "listed twice"),
        ("a list within itself", place(ri + 28) + 4, word(u32_at(&good, ri + 28)), "contains itself"),
        ("a list that counts too far", place(names + 28) + 2, vec![255, 255], "has no room"),
        ("a name past its cell", names + 72, vec![255, 255], "truncated"),
        ("more values than room", values + 36, word(60_000), "has no room"),
        ("four thousand million values", values + 36, word(u32::MAX), "more than"),
        ("data past their cell", record(&good, *b"vk", 20, "bytes") + 4, word(5000), "has less than"),
        (
            "resident data of 5 bytes",
            record(&good, *b"vk", 20, "four") + 4,
            word(0x8000_0005),
            "has less than",
        ),
        ("data of 2 GiB", big + 4, word(0x7FFF_FFFF), "at most"),
        ("segments that are missing", place(big + 8) + 2, vec![9, 0], "in 9 segments"),
        ("a value that is a key", place(values + 40), word(u32_at(&good, 36)), "no value"),
    ] {
        let mut bent = good.clone();
        bent[at..at + bytes.len()].copy_from_slice(&bytes);
        seal(&mut bent);
        let error = walk_bytes(bent).expect_err(what);
        assert!(error.message().contains(why), "{what}: {error}");
    }
    let mut torn = good.clone();
    torn[508] ^= 1;
    assert!(walk_bytes(torn).unwrap_err().message().contains("checksum"));
    assert!(walk_bytes(good[..600].to_vec()).is_err());
    assert!(walk_bytes(Vec::new()).is_err());
}

#[test]
fn twenty_thousand_mutated_hives_give_errors_or_data() {
    let good = hive(&sample());
    // The data of values is not part of the structure, so it is not mutated.
    let noise_begins = good.windows(64).position(|window| window == &noise(2, 64)[..]).unwrap();
    let structure: Vec<usize> =
        (0..48).chain(4096..noise_begins.min(good.len())).chain(good.len() - 2048..good.len()).collect();
    let mut state = 7_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let (begin, mut whole) = (Instant::now(), 0);
    for round in 0..20_000 {
        let mut bent = good.clone();
        for _ in 0..=below(4) {
            let at = structure[below(structure.len())];
            let bytes: &[u8] = match below(5) {
                0 => &[0],
                1 => &[0xFF; 4],
                2 => &good[4096 + 8 * below(800)..][..4],
                3 => &[bent[at] ^ 1 << below(8)],
                _ => &(8 * below(good.len() / 8) as u32).to_le_bytes(),
            };
            let end = (at + bytes.len()).min(bent.len());
            let bytes = bytes[..end - at].to_vec();
            bent[at..end].copy_from_slice(&bytes);
        }
        seal(&mut bent);
        let outcome = std::panic::catch_unwind(|| walk_bytes(bent).is_ok());
        whole += usize::from(outcome.unwrap_or_else(|_| panic!("round {round}")));
    }
    assert!(whole > 1000 && whole < 19_000, "{whole} of the hives were read whole");
    assert!(begin.elapsed() < Duration::from_mins(2), "{:?}", begin.elapsed());
}
