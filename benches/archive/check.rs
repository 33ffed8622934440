//! Checking a template in its archive, without unpacking it.

use std::process::Stdio;

use super::measure::look;
use super::report::Report;
use super::rivals::ours;
use super::settings::{Settings, remove};
use super::table::Table;

pub(crate) fn measure(settings: &Settings, report: &mut Report) {
    if settings.size.is_none() {
        eprintln!("SKIPPED check: a disk that was given may hold no Windows");
        return;
    }
    let archive = settings.fresh("check.tar.gz");
    let packed = ours(&["pack"]).arg(&settings.folder).arg("-o").arg(&archive).stdout(Stdio::null()).status();
    assert!(packed.unwrap().success());
    let command = || {
        let mut command = ours(&["check", "--json"]);
        command.arg(&archive).stdout(Stdio::null());
        command
    };
    let said = command().stdout(Stdio::piped()).output().unwrap().stdout;
    assert!(String::from_utf8(said).unwrap().contains("VMT0501"), "the check has found no Windows");
    let look = look(command);
    let size = archive.metadata().unwrap().len();
    let mut table = Table::new("archive", &["seconds", "MiB read", "% of it", "memory, MiB"]);
    let name = format!("{} MiB, a disk of {} MiB", size >> 20, settings.disk.metadata().unwrap().len() >> 20);
    let mib = |bytes: u64| bytes as f64 / super::MIB as f64;
    let part = 100.0 * look.read as f64 / size as f64;
    table.row(
        name,
        true,
        &[Some(look.wall.as_secs_f64()), Some(mib(look.read)), Some(part), Some(mib(look.peak))],
    );
    remove(&archive);
    let text = "`vmtemplate check` of the archive: the rules for metadata, package, script and image, including the registry \
                and the files of the Windows in it.";
    report.section("Checking an archive", text, &table);
}
