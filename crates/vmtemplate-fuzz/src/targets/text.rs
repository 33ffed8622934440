//! Metadata of templates and repositories, and macro values.

use std::fs;

use vmtemplate::macros::MacroValues;
use vmtemplate::metainfo::MetainfoKey;
use vmtemplate::repository::{PublishOptions, RepositoryCheckOptions, RepositoryFormat};
use vmtemplate::{Error, ErrorKind, Metainfo, Repository};

use crate::scratch::with_scratch;

/// metainfo.xml: parsing and writing keeps every byte, and an edit changes only what it names.
pub(crate) fn metainfo(input: &[u8]) {
    let mut metainfo = match Metainfo::parse(input) {
        Ok(metainfo) => metainfo,
        Err(error) => {
            let kinds = [ErrorKind::InvalidMetainfo, ErrorKind::LimitExceeded, ErrorKind::Unsupported];
            assert!(kinds.contains(&error.kind()), "an error of kind {}: {error}", error.kind());
            return;
        }
    };
    assert!(metainfo.to_bytes() == input, "parsing and writing changed it");
    drop(metainfo.problems());
    drop(metainfo.fields());
    for key in ["version", "limit.mem", "installdrive"] {
        let key: MetainfoKey = key.parse().unwrap();
        if metainfo.set(&key, "1 < 2 & \"3\"").is_ok() {
            let again = Metainfo::parse(&metainfo.to_bytes()).unwrap();
            assert_eq!(again.get(&key).as_deref(), Some("1 < 2 & \"3\""), "{key}");
        }
    }
}

pub(crate) fn metadata_json(input: &[u8]) {
    description(RepositoryFormat::Vm6, input);
}

pub(crate) fn metadata_xml(input: &[u8]) {
    description(RepositoryFormat::Vm5, input);
}

/// The description of a repository: listed, verified, and without its first template.
fn description(format: RepositoryFormat, input: &[u8]) {
    with_scratch(|scratch| {
        let folder = scratch.join("repository");
        fs::create_dir(&folder).unwrap();
        let path = folder.join(format.file_name());
        fs::write(&path, input).unwrap();
        let repository = Repository::open_as(&folder, format).unwrap();
        drop(repository.check(&RepositoryCheckOptions::default()));
        let list = || {
            let mut entries = repository.list()?;
            // The position of an entry in the file may change.
            for entry in &mut entries {
                entry.position = None;
            }
            Ok::<_, Error>(entries)
        };
        if let Ok(entries) = list()
            && let Some(first) = entries.first()
            && repository.remove(&first.name, &PublishOptions::default()).is_ok()
        {
            let left = list().unwrap();
            assert_eq!(left.len() + 1, entries.len(), "more than one template was removed");
            assert_eq!(entries[1..], left, "another template was changed");
        }
        fs::remove_dir_all(&folder).unwrap();
    });
}

/// Macro values as JSON: accepted values are returned unchanged.
pub(crate) fn values(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(values) = MacroValues::from_json(text) else { return };
    for name in values.names() {
        let value = values.get(name.name()).unwrap();
        let mut again = MacroValues::new();
        again
            .set(name.name(), value)
            .unwrap_or_else(|e| panic!("{name}: accepted from JSON, but refused alone: {e}"));
        assert_eq!(again.get(name.name()), Some(value));
    }
}

/// The seeds of a target of this file.
pub(crate) fn seeds(target: &str) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let seeds: &[(&'static str, &str)] = match target {
        "metainfo" => &[
            ("guide", include_str!("../../../../tests/fixtures/metainfo.xml")),
            ("empty", ""),
            ("root-alone", "<doc/>"),
            (
                "comments",
                "<?xml version='1.0' encoding='UTF-8'?><!-- a --><doc><osname><!-- b -->x</osname></doc>",
            ),
            (
                "references",
                "<doc><tags>&lt;&#65;&#x42;&amp;</tags><limit><elem name='mem'>1</elem></limit></doc>",
            ),
            ("doctype", "<!DOCTYPE doc [<!ENTITY a 'b'>]><doc>&a;</doc>"),
            ("cdata", "<doc><osname><![CDATA[<x>]]></osname><elem/></doc>"),
        ],
        "metadata-json" => &[
            ("empty-list", "{\"type\": \"os\", \"os\": []}"),
            ("old-form", "[{\"name\": \"Windows\", \"tags\": [\"a\"], \"file_name\": \"w.tar.gz\"}]"),
            (
                "two",
                "{\n  \"type\": \"os\",\n  \"os\": [\n    {\"name\": \"A\", \"file_name\": \"a.tar.gz\", \"x\": 1.50e3},\n    {\"name\": \"B\", \"file_name\": \"b.tar.gz\", \"archive_size_mib\": 2, \"y\": [null, true, {\"z\": \"\\u00e4\"}]}\n  ]\n}\n",
            ),
            ("key-twice", "{\"os\": [], \"os\": []}"),
            ("deep", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"),
            ("surrogate", "{\"os\": [{\"name\": \"\\ud83d\\ude00\", \"file_name\": \"\\ud83d\"}]}"),
        ],
        "metadata-xml" => &[
            ("empty", "<doc/>"),
            (
                "one",
                "<?xml version=\"1.0\"?>\n<doc>\n  <elem create-metainfo=\"yes\">\n    <osname>A</osname>\n    <support><elem version=\"5.1\">VMmgr</elem></support>\n    <tags>a,b</tags>\n    <filename>a.tar.gz</filename>\n    <utcmtime>2020-01-02 03:04:05</utcmtime>\n  </elem>\n</doc>\n",
            ),
            (
                "two",
                "<doc><elem><osname>A</osname><filename>a</filename></elem><elem><osname>B</osname><filename>b</filename></elem></doc>",
            ),
            ("same-name", "<doc><elem><osname>A</osname></elem><elem><osname>A</osname></elem></doc>"),
        ],
        "values" => &[
            (
                "ordinary",
                "{\"IP\": \"192.0.2.10\", \"PASS\": \"Xk92mPq4Lw\", \"NETMASKv6\": 64, \"TMPIPv4\": true}",
            ),
            ("keys", "{\"SSHPUBKEYS\": \"ssh-ed25519 AAAA a\\nssh-ed25519 BBBB b\"}"),
            ("parentheses", "{\"($HOSTNAME)\": \"a.example.com\", \"TIMEZONE\": \"Europe/Berlin\"}"),
            ("lists", "{\"NAMESERVERS\": \"192.0.2.1 2001:db8::1\", \"IPv4ALIASES\": \"\"}"),
            ("mark", "\u{feff}{}"),
        ],
        _ => return None,
    };
    Some(seeds.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect())
}
