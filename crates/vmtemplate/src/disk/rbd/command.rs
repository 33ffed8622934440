//! Running the installed `rbd`.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::opener::OpenOptions;
use super::super::{DiskSource, invalid};
use super::diff::{MAGIC, diff_version, spool_diff};
use crate::error::{Error, ErrorKind, Result};
use crate::source::spool::read_failed;
use crate::threads;

/// How often a switch to cancel is looked at while `rbd` is silent.
const POLL: Duration = Duration::from_millis(50);
/// How long a command that closed its output, or lost it, may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// As much of what `rbd` says on standard error as a message can bear: the end of it.
const MAX_MESSAGE: usize = 2000;

/// Export `spec`, which is `POOL/IMAGE[@SNAP]` or `POOL/NAMESPACE/IMAGE[@SNAP]`.
pub(in super::super) fn open(spec: &str, options: &OpenOptions) -> Result<Arc<dyn DiskSource>> {
    check_spec(spec)?;
    let program = options.rbd_program.as_deref().unwrap_or_else(|| Path::new("rbd"));
    let mut command = Command::new(program);
    command.args(["export-diff", "--no-progress", spec, "-"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that what it started in turn can be ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| {
        Error::io(format!("cannot run `{}`", program.display()), e)
            .with_help("install the command `rbd` (Debian: ceph-common), or name it with `rbd_program`")
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let running = Running(Mutex::new(Some(child)));

    let (disk, message, status) = thread::scope(|scope| {
        let listener = thread::Builder::new().name("vmtemplate".into());
        let listener = listener.spawn_scoped(scope, || stderr.map(last_words).unwrap_or_default());
        // Reading waits for as long as `rbd` is silent: somebody else must watch the switch.
        let watch = || {
            while running.is_alive() {
                if options.control.cancel.is_cancelled() {
                    return running.kill();
                }
                thread::sleep(POLL);
            }
        };
        let message = match listener {
            Ok(message) if threads::spawn(scope, Box::new(watch)) => message,
            // Unread, what `rbd` says would stop it in the middle.
            refused => {
                running.kill();
                running.reap();
                let error = refused.err().unwrap_or_else(|| io::ErrorKind::WouldBlock.into());
                return Err(Error::io("cannot start the threads that listen to `rbd`", error).with_help(
                    "raise the limit of processes (`ulimit -u`, or the pids limit of the container)",
                ));
            }
        };
        let disk = match stdout {
            Some(mut stdout) => read_export(&mut stdout, options),
            None => Err(invalid("`rbd` has no output")),
        };
        let status = running.reap();
        Ok((disk, message.join().unwrap_or_default(), status))
    })?;
    options.control.stop_if_cancelled()?;
    match disk {
        // A failed export is cut off, too; why it failed says more.
        Ok(_) if !status.is_some_and(|status| status.success()) => Err(failed(spec, status, &message)),
        Err(error)
            if error.kind() == ErrorKind::InvalidImage && !status.is_some_and(|status| status.success()) =>
        {
            Err(failed(spec, status, &message).caused_by(error))
        }
        disk => disk,
    }
}

fn read_export(stdout: &mut dyn Read, options: &OpenOptions) -> Result<Arc<dyn DiskSource>> {
    let mut magic = Vec::new();
    stdout.take(MAGIC as u64).read_to_end(&mut magic).map_err(read_failed)?;
    let version = diff_version(&magic)
        .ok_or_else(|| invalid("the output of `rbd export-diff` does not begin with its magic"))?;
    spool_diff(stdout, version, options)
}

/// The specification becomes an argument of a command: only what names an image may be in it.
fn check_spec(spec: &str) -> Result<()> {
    let (path, snapshot) =
        spec.split_once('@').map_or((spec, None), |(path, snapshot)| (path, Some(snapshot)));
    let names: Vec<_> = path.split('/').chain(snapshot).collect();
    let depth = path.split('/').count();
    let plain = |name: &&str| {
        !name.is_empty()
            && !name.starts_with('-')
            && !name.contains(['@', '/', ':', '\\', '='])
            && !name.contains(char::is_control)
    };
    if (2..=3).contains(&depth) && spec.len() <= 1024 && names.iter().all(plain) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidValue, "this does not name an RBD image".to_owned()).with_help(
        "write rbd:POOL/IMAGE or rbd:POOL/IMAGE@SNAPSHOT; options for Ceph go into the variable CEPH_ARGS",
    ))
}

fn failed(spec: &str, status: Option<ExitStatus>, message: &str) -> Error {
    let how = status.map_or_else(|| "it did not exit".to_owned(), |status| status.to_string());
    let said = if message.is_empty() { "no message" } else { message };
    Error::new(ErrorKind::Io, format!("`rbd export-diff {spec}` failed ({how}): {said}"))
}

/// Read all that is said, and keep the end of it, without what could steer a terminal.
fn last_words(mut stderr: impl Read) -> String {
    let mut said = Vec::new();
    let mut buf = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buf) {
        said.extend_from_slice(&buf[..read]);
        said.drain(..said.len().saturating_sub(MAX_MESSAGE));
    }
    let text = String::from_utf8_lossy(&said);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A child that is reaped in every case.
struct Running(Mutex<Option<Child>>);

impl Running {
    /// Not yet reaped.
    fn is_alive(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn kill(&self) {
        if let Some(child) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            kill_group(child);
        }
    }

    /// Give it a little time to end, end it otherwise, and take its status.
    fn reap(&self) -> Option<ExitStatus> {
        let deadline = Instant::now() + GRACE;
        loop {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let child = slot.as_mut()?;
            if let Ok(Some(status)) = child.try_wait() {
                *slot = None;
                return Some(status);
            }
            if Instant::now() > deadline {
                kill_group(child);
                let status = child.wait().ok();
                *slot = None;
                return status;
            }
            drop(slot);
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = slot {
            kill_group(child);
            child.wait().ok();
        }
    }
}

/// The child is not reaped yet, so its number cannot be another's.
fn kill_group(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
    child.kill().ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_an_image_is_given_to_the_command() {
        for good in ["rbd/windows", "pool/ns/image", "pool/image@snap", "pool/image 2@a.b-c"] {
            check_spec(good).unwrap();
        }
        for bad in [
            "",
            "image",
            "/image",
            "pool/",
            "pool/image@",
            "--pool/image",
            "pool/-image",
            "a/b/c/d",
            "p/i@a@b",
            "p/i:conf=/etc/x",
            "p/i\n",
            "p/i@-s",
            "p/i=1",
        ] {
            assert_eq!(check_spec(bad).unwrap_err().kind(), ErrorKind::InvalidValue, "{bad:?}");
        }
    }
}
