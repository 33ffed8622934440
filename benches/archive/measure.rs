//! Runs pipelines of processes and measures their cost.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// The cost of a run.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// Until the last process ended.
    pub wall: Duration,
    /// Until the output was also on the disk. vmtemplate waits for that itself.
    pub synced: Duration,
    /// User and system time of all processes.
    pub cpu: Duration,
    /// The sum of the memory peaks of the processes of the pipeline; for a process with children, the larger peak.
    pub peak: u64,
}

impl Cost {
    /// The better of two runs, number by number.
    fn min(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            synced: self.synced.min(other.synced),
            cpu: self.cpu.min(other.cpu),
            peak: self.peak.min(other.peak),
        }
    }
}

/// Run `stages`, each reading what the one before writes, and wait for all of them and then for the disk.
pub(crate) fn run(stages: Vec<Command>, output: &Path) -> Cost {
    let what = format!("{stages:?}");
    let begun = Instant::now();
    let mut children: Vec<Child> = Vec::new();
    let last = stages.len() - 1;
    for (number, mut stage) in stages.into_iter().enumerate() {
        if let Some(before) = children.last_mut() {
            stage.stdin(before.stdout.take().unwrap());
        }
        if number < last {
            stage.stdout(Stdio::piped());
        }
        children.push(stage.spawn().unwrap());
    }
    let (mut cpu, mut peak) = (Duration::ZERO, 0);
    for child in children {
        let used = child.wait4().unwrap();
        assert!(used.status.success(), "{what} failed: {}", used.status);
        cpu += used.rusage.utime + used.rusage.stime;
        peak += used.rusage.maxrss;
    }
    let wall = begun.elapsed();
    sync(output);
    Cost { wall, synced: begun.elapsed(), cpu, peak }
}

/// The cost of a short process, such as an inspection.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub wall: Duration,
    /// Bytes that the process read, including its own start.
    pub read: u64,
    pub peak: u64,
}

/// The best of ten runs of a command. The command may have findings, which is not a failure.
pub(crate) fn look(command: impl Fn() -> Command) -> Look {
    let mut best: Option<Look> = None;
    for _ in 0..10 {
        let begun = Instant::now();
        let child = command().spawn().unwrap();
        // Its counters can be read after it has ended and before this process waits for it.
        let folder = format!("/proc/{}", child.id());
        while !fs::read_to_string(format!("{folder}/stat")).unwrap().contains(") Z ") {
            std::thread::sleep(Duration::from_micros(50));
        }
        let wall = begun.elapsed();
        let io = fs::read_to_string(format!("{folder}/io")).unwrap();
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().trim().parse().unwrap();
        let used = child.wait4().unwrap();
        assert!(used.status.code().is_some_and(|code| code < 2), "{}", used.status);
        let peak = used.rusage.maxrss;
        if best.is_none_or(|best| wall < best.wall) {
            best = Some(Look { wall, read, peak });
        }
    }
    best.unwrap()
}

fn sync(path: &Path) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sync(&entry.unwrap().path());
        }
    } else {
        File::open(path).unwrap().sync_all().unwrap();
    }
}

/// The costs of several contenders in alternating runs, the best of each.
///
/// A contender that has used up `budget` is not run again: its noise is small compared with its time.
pub(crate) struct Rounds {
    pub runs: usize,
    pub budget: Duration,
}

impl Rounds {
    /// `run` measures contender number N in round number M.
    pub(crate) fn best(&self, contenders: usize, mut run: impl FnMut(usize, usize) -> Cost) -> Vec<Cost> {
        let mut best: Vec<Option<Cost>> = vec![None; contenders];
        let mut spent = vec![Duration::ZERO; contenders];
        for round in 0..self.runs {
            for number in 0..contenders {
                if round > 0 && spent[number] >= self.budget {
                    continue;
                }
                let cost = run(number, round);
                spent[number] += cost.synced;
                best[number] = Some(best[number].map_or(cost, |before| before.min(cost)));
            }
        }
        best.into_iter().flatten().collect()
    }
}
