//! The contenders that pack and unpack: the command `vmtemplate`, and the usual tools.

use std::path::Path;
use std::process::{Command, Stdio};

/// A pipeline that does the work that is measured.
pub(crate) struct Contender {
    pub name: &'static str,
    /// Programs that it needs.
    tools: &'static [&'static str],
    stages: Stages,
    pub is_ours: bool,
    /// Whether clusters that the volume marks free are zeros in the result.
    pub skips_free_space: bool,
}

/// The pipeline for an input (the folder of the template, or the archive) and an output (an archive, or a folder).
type Stages = fn(&Path, &Path) -> Vec<Command>;

impl Contender {
    const fn ours(name: &'static str, stages: Stages, skips_free_space: bool) -> Self {
        Self { name, tools: &[], stages, is_ours: true, skips_free_space }
    }

    const fn rival(name: &'static str, tools: &'static [&'static str], stages: Stages) -> Self {
        Self { name, tools, stages, is_ours: false, skips_free_space: false }
    }

    pub(crate) fn stages(&self, input: &Path, output: &Path) -> Vec<Command> {
        (self.stages)(input, output)
    }

    /// A program that it needs and that is not installed.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.tools.iter().copied().find(|tool| !is_installed(tool))
    }
}

pub(crate) fn is_installed(tool: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.any(|folder| folder.join(tool).is_file())
}

/// Packing a folder with metainfo.xml, windows.cmd and disk.hddimage.
pub(crate) const PACKING: [Contender; 11] = [
    Contender::ours("vmtemplate pack", |folder, archive| vec![ours_packs(folder, archive, &[])], true),
    Contender::ours(
        "… --keep-free-space",
        |folder, archive| vec![ours_packs(folder, archive, &["--keep-free-space"])],
        false,
    ),
    Contender::ours(
        "… --keep-free-space --sparse",
        |folder, archive| vec![ours_packs(folder, archive, &["--keep-free-space", "--sparse"])],
        false,
    ),
    Contender::rival("tar -czf", &["tar", "gzip"], |folder, archive| vec![tar(folder, &["-czf"], archive)]),
    Contender::rival("tar -S -czf", &["tar", "gzip"], |folder, archive| {
        vec![tar(folder, &["-S", "-czf"], archive)]
    }),
    Contender::rival("tar -I pigz -cf", &["tar", "pigz"], |folder, archive| {
        vec![tar(folder, &["-I", "pigz", "-cf"], archive)]
    }),
    Contender::rival("tar -S -I pigz -cf", &["tar", "pigz"], |folder, archive| {
        vec![tar(folder, &["-S", "-I", "pigz", "-cf"], archive)]
    }),
    Contender::rival("tar -c | igzip", &["tar", "igzip"], |folder, archive| {
        vec![tar(folder, &["-cf"], Path::new("-")), igzip(archive)]
    }),
    Contender::rival("tar -S -c | igzip", &["tar", "igzip"], |folder, archive| {
        vec![tar(folder, &["-S", "-cf"], Path::new("-")), igzip(archive)]
    }),
    Contender::rival("bsdtar -czf", &["bsdtar"], |folder, archive| {
        let mut command = words("bsdtar", &["-czf"]);
        command.arg(archive).arg("-C").arg(folder).args(super::NAMES);
        vec![command]
    }),
    Contender::rival("Python tarfile, level 6", &["python3"], |folder, archive| {
        vec![python(folder, archive, "6")]
    }),
];

/// Unpacking into a folder.
pub(crate) const UNPACKING: [Contender; 6] = [
    Contender::ours(
        "vmtemplate unpack",
        |archive, folder| {
            let mut command = ours(&["unpack"]);
            command.arg(archive).arg(folder);
            vec![command]
        },
        false,
    ),
    Contender::rival("tar -xzf", &["tar", "gzip"], |archive, folder| {
        let mut command = words("tar", &["-xzf"]);
        command.arg(archive).arg("-C").arg(folder);
        vec![command]
    }),
    Contender::rival("pigz -dc | tar -x", &["tar", "pigz"], |archive, folder| {
        vec![file_last("pigz", &["-dc"], archive), untar(folder)]
    }),
    Contender::rival("igzip -dc | tar -x", &["tar", "igzip"], |archive, folder| {
        vec![file_last("igzip", &["-dc"], archive), untar(folder)]
    }),
    Contender::rival("rapidgzip -dc | tar -x", &["tar", "rapidgzip"], |archive, folder| {
        vec![file_last("rapidgzip", &["-dc"], archive), untar(folder)]
    }),
    Contender::rival("bsdtar -xzf", &["bsdtar"], |archive, folder| {
        let mut command = words("bsdtar", &["-xzf"]);
        command.arg(archive).arg("-C").arg(folder);
        vec![command]
    }),
];

fn words(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).stderr(Stdio::inherit()).env_remove("SOURCE_DATE_EPOCH");
    command
}

/// The command `vmtemplate` that was built next to this benchmark.
pub(crate) fn ours(arguments: &[&str]) -> Command {
    let bench = std::env::current_exe().unwrap();
    let mut command =
        words(bench.parent().unwrap().with_file_name("vmtemplate").to_str().unwrap(), arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn ours_packs(folder: &Path, archive: &Path, more: &[&str]) -> Command {
    let mut command = ours(&["pack"]);
    command.arg(folder).arg("-o").arg(archive).args(more);
    command
}

fn tar(folder: &Path, options: &[&str], archive: &Path) -> Command {
    let mut command = words("tar", options);
    command.arg(archive).arg("-C").arg(folder).args(super::NAMES);
    command
}

fn untar(folder: &Path) -> Command {
    let mut command = words("tar", &["-xf", "-", "-C"]);
    command.arg(folder);
    command
}

fn file_last(program: &str, options: &[&str], file: &Path) -> Command {
    let mut command = words(program, options);
    command.arg(file);
    command
}

fn igzip(archive: &Path) -> Command {
    let mut command = words("igzip", &["-c"]);
    command.stdout(std::fs::File::create(archive).unwrap());
    command
}

fn python(folder: &Path, archive: &Path, level: &str) -> Command {
    let script = "import sys, tarfile\n\
        with tarfile.open(sys.argv[1], 'w:gz', compresslevel=int(sys.argv[2])) as archive:\n\
        \x20   for name in sys.argv[4:]:\n\
        \x20       archive.add(sys.argv[3] + '/' + name, name)\n";
    let mut command = words("python3", &["-c", script]);
    command.arg(archive).arg(level).arg(folder).args(super::NAMES);
    command
}
