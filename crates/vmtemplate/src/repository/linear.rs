//! Four times as many templates take four times as much work, whatever is done with them.

use std::fs;
use std::path::Path;

use super::{Repository, RepositoryFormat};
use crate::archive::PackOptions;
use crate::disk::DiskImage;
use crate::repository::{EntryOptions, PublishOptions, RepositoryCheckOptions};
use crate::steps;
use crate::template::Template;

/// A work to be counted, in a repository whose templates are `Windows-0` and so on.
type Work = fn(&Repository, &Path);

const WORKS: [(&str, Work); 6] = [
    ("list", |repository, _| {
        repository.list().unwrap();
    }),
    ("add", |repository, archive| {
        repository.add(archive, &EntryOptions::default()).unwrap();
    }),
    ("replace", |repository, archive| {
        let options = EntryOptions { set: more_keys(repository), ..EntryOptions::default() };
        repository.replace("Windows-7", archive, &options).unwrap();
    }),
    ("remove", |repository, _| {
        repository.remove("Windows-7", &PublishOptions::default()).unwrap();
    }),
    ("sync", |repository, _| {
        repository.sync(&PublishOptions::default()).unwrap();
    }),
    ("verify", |repository, _| {
        let report = repository.check(&RepositoryCheckOptions::default()).unwrap();
        assert!(!report.findings().is_empty());
    }),
];

fn more_keys(repository: &Repository) -> Vec<(String, String)> {
    match repository.format() {
        RepositoryFormat::Vm6 => vec![("efi_boot".into(), "true".into())],
        RepositoryFormat::Vm5 => Vec::new(),
    }
}

/// The text of a description: `lines` apart, or all of it in one line.
fn description(format: RepositoryFormat, count: usize, lines: bool) -> String {
    let end = if lines { "\n" } else { "" };
    let templates: Vec<String> = (0..count)
        .map(|number| match format {
            // Every value is wrong in some way, so that each has a place to be reported.
            RepositoryFormat::Vm6 => format!(
                "{{\"name\": \"Windows-{number}\", \"tags\": 7, \"file_name\": \"w{number}.tar.gz\", \
                 \"archive_size_mib\": \"{number}\", \"x\": {{\"a\": [1, \"\\u00e4\"]}}}}"
            ),
            RepositoryFormat::Vm5 => format!(
                "<elem><osname>Windows-{number}</osname>{end}<support><elem version=\"5\">VMmgr</elem></support>\
                 <filename>w{number}.tar.gz</filename>{end}<utcmtime>yesterday</utcmtime></elem>"
            ),
        })
        .collect();
    match format {
        RepositoryFormat::Vm6 => {
            format!("{{\"type\": \"os\", \"os\": [{}]}}", templates.join(&format!(",{end}")))
        }
        RepositoryFormat::Vm5 => format!("<doc>{end}{}{end}</doc>", templates.join(end)),
    }
}

fn steps_of(work: Work, format: RepositoryFormat, count: usize, lines: bool) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("New.tar.gz");
    let template = Template::builder("Windows-New").image(DiskImage::from_bytes(vec![7; 4096]));
    template.build().unwrap().pack(&archive, &PackOptions::default()).unwrap();
    let repository = Repository::create(folder.path().join("repo"), format).unwrap();
    fs::write(repository.description_path(), description(format, count, lines)).unwrap();
    let sums: Vec<_> = (0..count).map(|number| format!("{number:064x}  w{number}.tar.gz\n")).collect();
    fs::write(repository.folder().join("SHA256SUMS"), sums.concat()).unwrap();
    // Some are there and sound, and are described again.
    for number in (0..count).step_by(10) {
        fs::copy(&archive, repository.folder().join(format!("w{number}.tar.gz"))).unwrap();
    }
    steps::of(|| work(&repository, &archive))
}

#[test]
fn four_times_as_many_templates_take_four_times_as_many_steps() {
    for format in [RepositoryFormat::Vm6, RepositoryFormat::Vm5] {
        for lines in [true, false] {
            for (name, work) in WORKS {
                let [one, four] = [100, 400].map(|count| steps_of(work, format, count, lines));
                assert!(
                    one > 1000 && four < 5 * one,
                    "{name}, {format}, lines {lines}: {one} steps, and {four} for four times as many"
                );
            }
        }
    }
}
