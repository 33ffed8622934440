//! Runs batch files with a real interpreter: wine's `cmd.exe`, with stand-ins for the commands that they call.
//!
//! Each [`Wine`] is a separate machine with its own `C:`, registry and processes, so that tests may run at the same
//! time and write to the same paths. Only the files of Windows itself are shared; they are made once for a target
//! folder, which takes some seconds.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tool;

const COMPILER: &str = "x86_64-w64-mingw32-gcc";
const STAND_IN: &str = include_str!("stand-in.c");
/// The timeout of scripts: one that waits for input would never end.
const PATIENCE: Duration = Duration::from_mins(5);

/// A Windows machine for one test. Its files are removed when it is dropped.
///
/// ```no_run
/// use vmtemplate_test_support::wine::{Rule, Wine};
///
/// let Some(wine) = Wine::new() else { return }; // prints that the test is skipped
/// wine.stand_in("netsh", &[Rule::new("show interface").prints("Connected\r\n")]);
/// let done = wine.run(b"@echo off\r\nnetsh interface show interface\r\nexit /b 3\r\n");
/// assert_eq!(done.calls[0].arguments, ["interface", "show", "interface"]);
/// assert_eq!((done.code, done.stdout.as_str()), (3, "Connected\r\n"));
/// ```
#[derive(Debug)]
pub struct Wine {
    prefix: TempDir,
    stand_in: PathBuf,
    watched: String,
}

/// The result of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Every call of a stand-in, in order.
    pub calls: Vec<Call>,
    /// The exit code of the script.
    pub code: i32,
    /// Its standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Its standard error, to which wine may add messages.
    pub stderr: String,
}

/// One call of a stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The command, without `.exe`.
    pub program: String,
    /// The whole command line as the command received it.
    pub command_line: String,
    /// The arguments as `CommandLineToArgvW` splits them, without the command itself.
    pub arguments: Vec<String>,
    /// Its standard input, or the content of the file after `/s`.
    pub input: String,
    /// The value of the variable of [`Wine::watch`].
    pub variable: String,
}

impl Call {
    /// Command and arguments, separated by single spaces, for comparisons.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.program.clone();
        for argument in &self.arguments {
            words.push(' ');
            words.push_str(argument);
        }
        words
    }
}

/// What a stand-in does if its command line contains a pattern.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    pattern: String,
    code: u8,
    stdout: String,
    stderr: String,
    copy: Option<(String, String)>,
}

impl Rule {
    /// For command lines that contain `pattern`, or all if it is empty. The first matching rule applies.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), ..Self::default() }
    }

    /// Print this.
    #[must_use]
    pub fn prints(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdout);
        self
    }

    /// Print this to standard error.
    #[must_use]
    pub fn complains(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stderr);
        self
    }

    /// Exit with this code.
    #[must_use]
    pub fn exits(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Copy a file, both by their Windows paths.
    #[must_use]
    pub fn copies(mut self, from: &str, to: &str) -> Self {
        self.copy = Some((from.to_owned(), to.to_owned()));
        self
    }
}

impl Wine {
    /// A new machine, or `None` if wine or the compiler for the stand-ins is not installed.
    ///
    /// # Panics
    ///
    /// In CI, which has both; and if the machine cannot be made.
    #[must_use]
    pub fn new() -> Option<Self> {
        for needed in ["wine", "wineserver", COMPILER] {
            tool(needed)?;
        }
        let shared = shared().unwrap_or_else(|e| panic!("cannot set up wine: {e}"));
        let prefix = machine(&shared).unwrap_or_else(|e| panic!("cannot make a machine for wine: {e}"));
        Some(Self { prefix, stand_in: shared.join("stand-in.exe"), watched: String::new() })
    }

    /// Record the value of this environment variable for each call.
    pub fn watch(&mut self, variable: &str) {
        variable.clone_into(&mut self.watched);
    }

    /// The folder that is `C:`.
    #[must_use]
    pub fn drive_c(&self) -> PathBuf {
        self.prefix.path().join("drive_c")
    }

    /// The file of a Windows path such as `C:\vmmgr\dd.exe`; the path is case-sensitive.
    ///
    /// # Panics
    ///
    /// If the path is not one of `C:`.
    #[must_use]
    pub fn path(&self, windows: &str) -> PathBuf {
        let rest = windows.strip_prefix("C:\\").unwrap_or_else(|| panic!("{windows} is not on C:"));
        self.drive_c().join(rest.replace('\\', "/"))
    }

    /// Install a stand-in for the command `name` (without `.exe`), which precedes all others in `PATH`.
    pub fn stand_in(&self, name: &str, rules: &[Rule]) {
        self.stand_in_at(&format!("C:\\stand-ins\\{name}.exe"), rules);
    }

    /// Install a stand-in for the command with this Windows path.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn stand_in_at(&self, windows: &str, rules: &[Rule]) {
        let path = self.path(windows);
        let mut fields = Vec::new();
        for rule in rules {
            let (from, to) = rule.copy.clone().unwrap_or_default();
            let code = rule.code.to_string();
            for field in [&rule.pattern, &code, &rule.stdout, &rule.stderr, &from, &to] {
                fields.extend(field.bytes());
                fields.push(0);
            }
        }
        let done = fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::copy(&self.stand_in, &path))
            .and_then(|_| fs::write(path.with_extension("rules"), fields));
        done.unwrap_or_else(|e| panic!("cannot place a stand-in at {windows}: {e}"));
    }

    /// Run a batch file with these bytes with `cmd /c`.
    ///
    /// # Panics
    ///
    /// If it cannot be run, or does not end.
    #[must_use]
    pub fn run(&self, script: &[u8]) -> Run {
        self.run_at("C:\\work\\script.cmd", script, &[])
    }

    /// Write a batch file with these bytes to a Windows path and run it with arguments, in its folder.
    ///
    /// # Panics
    ///
    /// If it cannot be run, or does not end.
    #[must_use]
    pub fn run_at(&self, windows: &str, script: &[u8], arguments: &[&str]) -> Run {
        let path = self.path(windows);
        fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::write(&path, script))
            .unwrap_or_else(|e| panic!("cannot write {windows}: {e}"));
        self.command(path.parent().unwrap_or(&path), &[&["cmd", "/c", windows], arguments].concat())
    }

    /// Run a command of this machine in a folder.
    ///
    /// # Panics
    ///
    /// If it cannot be run, or does not end.
    #[must_use]
    pub fn command(&self, folder: &Path, command: &[&str]) -> Run {
        let [calls, stdout, stderr] =
            ["calls", "stdout", "stderr"].map(|name| self.prefix.path().join(format!("{name}.out")));
        fs::remove_file(&calls).ok();
        let create = |path: &Path| File::create(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut child = wine(self.prefix.path(), "wine")
            .args(command)
            .current_dir(folder)
            .env("WINEPATH", "C:\\stand-ins")
            .env("STAND_IN_CALLS", dos_path(&calls))
            .env("STAND_IN_VARIABLE", &self.watched)
            // Files, not pipes: wine's services would keep a pipe open long after the script.
            .stdin(Stdio::null())
            .stdout(create(&stdout))
            .stderr(create(&stderr))
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run wine: {e}"));
        let begin = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    child.kill().ok();
                    child.wait().ok();
                    panic!("{command:?} did not end; it printed:\n{}", read(&stdout))
                }
                Err(e) => panic!("cannot wait for wine: {e}"),
            }
        };
        Run {
            calls: parse_calls(&fs::read(&calls).unwrap_or_default()),
            code: status.code().unwrap_or_else(|| panic!("wine was killed: {status}")),
            stdout: read(&stdout),
            stderr: read(&stderr),
        }
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Its services would run for some seconds more, and write into the folder that is being removed.
        wine(self.prefix.path(), "wineserver").arg("-k").status().ok();
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn parse_calls(bytes: &[u8]) -> Vec<Call> {
    let mut fields = bytes.split(|&byte| byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
    let mut calls = Vec::new();
    // An empty field follows the last NUL.
    while let Some(program) = fields.next().filter(|name| !name.is_empty()) {
        let mut next = || fields.next().unwrap_or_else(|| panic!("a call of {program} is cut off"));
        let (command_line, input, variable, count) = (next(), next(), next(), next());
        let count: usize = count.parse().unwrap_or_else(|_| panic!("{count} is not a count"));
        let arguments = (0..count).map(|_| next()).skip(1).collect();
        calls.push(Call { program, command_line, arguments, input, variable });
    }
    calls
}

/// A wine command for the machine at `prefix`.
fn wine(prefix: &Path, command: impl AsRef<OsStr>) -> Command {
    let mut wine = Command::new(command);
    wine.env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        // No dialogs about .NET and HTML, no entries in the desktop menus of the user.
        .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=d")
        // The code pages of an English Windows: 437 for batch files.
        .env("LC_ALL", "C.UTF-8")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    wine
}

fn dos_path(path: &Path) -> OsString {
    let mut dos = OsString::from("Z:");
    dos.push(path.to_string_lossy().replace('/', "\\"));
    dos
}

/// The files that all machines share: wine's Windows, and the compiled stand-in. Made once for each target folder.
fn shared() -> io::Result<PathBuf> {
    // The executable of a test is target/PROFILE/deps/TEST.
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).ok_or_else(|| io::Error::other("there is no target folder"))?;
    let shared = target.join("tmp").join("wine");
    fs::create_dir_all(&shared)?;
    // Tests run in several processes at once.
    let lock = File::create(shared.join("lock"))?;
    lock.lock()?;
    let windows = shared.join("windows");
    if !windows.join(".complete").is_file() {
        if windows.exists() {
            fs::remove_dir_all(&windows)?;
        }
        fs::create_dir(&windows)?;
        check(wine(&windows, "wineboot").arg("-i").stdin(Stdio::null()))?;
        // The registry is written when the server ends. It may have ended by itself; then this fails.
        wine(&windows, "wineserver").arg("-k").stderr(Stdio::null()).status()?;
        if !windows.join("system.reg").is_file() {
            return Err(io::Error::other("wineboot wrote no registry"));
        }
        File::create(windows.join(".complete"))?;
    }
    let source = shared.join("stand-in.c");
    if fs::read(&source).ok().as_deref() != Some(STAND_IN.as_bytes()) {
        let fresh = shared.join("fresh.c");
        fs::write(&fresh, STAND_IN)?;
        let program = shared.join("stand-in.exe");
        check(
            Command::new(COMPILER)
                .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-s", "-o"])
                .args([&program, &fresh])
                .arg("-lshell32"),
        )?;
        fs::rename(fresh, source)?;
    }
    Ok(shared)
}

/// A separate machine: its own registry and drive, and links to Windows itself.
fn machine(shared: &Path) -> io::Result<TempDir> {
    let prefix = tempfile::Builder::new().prefix("vmtemplate-wine-").tempdir()?;
    let (from, to) = (shared.join("windows"), prefix.path());
    for file in ["system.reg", "user.reg", "userdef.reg", ".update-timestamp"] {
        fs::copy(from.join(file), to.join(file))?;
    }
    let system = to.join("drive_c/windows");
    fs::create_dir_all(system.join("temp"))?;
    fs::create_dir(to.join("dosdevices"))?;
    symlink("../drive_c", to.join("dosdevices/c:"))?;
    symlink("/", to.join("dosdevices/z:"))?;
    // Pipes go through files in %TEMP%.
    for user in fs::read_dir(from.join("drive_c/users"))? {
        fs::create_dir_all(to.join("drive_c/users").join(user?.file_name()).join("Temp"))?;
    }
    for entry in fs::read_dir(from.join("drive_c/windows"))? {
        let entry = entry?;
        if !entry.file_name().eq_ignore_ascii_case("temp") {
            symlink(entry.path(), system.join(entry.file_name()))?;
        }
    }
    Ok(prefix)
}

fn check(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr))))
}
