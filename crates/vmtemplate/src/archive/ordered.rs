//! Work on several threads, with results in the order of the work.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use crate::error::{Error, ErrorKind, Result};
use crate::threads::{self, Job};

/// What the thread that called has to do: give out the work, and take the results.
pub(super) trait Ordered {
    type Job: Send;
    type Done: Send;

    /// The next piece of work; `None` after the last.
    fn next(&mut self) -> Result<Option<Step<Self::Job, Self::Done>>>;

    /// Take a result. Results come in the order in which [`Ordered::next`] gave the work out.
    fn done(&mut self, done: Self::Done) -> Result<()>;
}

pub(super) enum Step<J, D> {
    Work(J),
    /// Nothing to do: this result takes its place in the order.
    Done(D),
}

/// Do all of `task` with one thread for each of `workers`, or with as many as can be started; without any, here.
///
/// At most two pieces for each worker are under way, which bounds memory whatever there is to do. After a failure
/// nothing more is given out, and the failure that comes first in the order is the one that is reported, so that it is
/// the same in every run.
pub(super) fn run<T, W>(task: &mut T, workers: Vec<W>) -> Result<()>
where
    T: Ordered,
    W: FnMut(T::Job) -> Result<T::Done> + Send,
{
    run_with(task, workers, threads::spawn)
}

type Spawn = for<'s, 'e> fn(&'s Scope<'s, 'e>, Job<'s>) -> bool;

/// [`run`] with threads that `spawn` starts, if it can.
fn run_with<T, W>(task: &mut T, workers: Vec<W>, spawn: Spawn) -> Result<()>
where
    T: Ordered,
    W: FnMut(T::Job) -> Result<T::Done> + Send,
{
    let (jobs, queue) = sync_channel::<Pending<T>>(workers.len());
    let queue = Mutex::new(queue);
    // A thread that cannot be started leaves its worker here.
    let workers: Vec<_> = workers.into_iter().map(|worker| Mutex::new(Some(worker))).collect();
    let take = |worker: &Mutex<Option<W>>| worker.lock().unwrap_or_else(PoisonError::into_inner).take();
    thread::scope(|scope| {
        let start = |worker| {
            let queue = &queue;
            let job = move || {
                if let Some(worker) = take(worker) {
                    work::<T, W>(queue, worker);
                }
            };
            spawn(scope, Box::new(job))
        };
        // Where one cannot be started, the next cannot either.
        let threads = workers.iter().take_while(|worker| start(*worker)).count();
        if threads == 0 {
            return workers.first().and_then(take).map_or(Ok(()), |worker| work_here(task, worker));
        }
        // Moved here, so that it ends with this call, however that ends; its end is what stops the workers.
        let jobs = jobs;
        give_and_take(task, &jobs, 2 * threads)
    })
}

/// Do all of `task` in the calling thread.
fn work_here<T: Ordered>(task: &mut T, mut worker: impl FnMut(T::Job) -> Answer<T>) -> Result<()> {
    while let Some(step) = task.next()? {
        let done = match step {
            Step::Work(job) => worker(job)?,
            Step::Done(done) => done,
        };
        task.done(done)?;
    }
    Ok(())
}

type Answer<T> = Result<<T as Ordered>::Done>;
type Pending<T> = (<T as Ordered>::Job, Sender<Answer<T>>);

fn work<T: Ordered, W: FnMut(T::Job) -> Answer<T>>(queue: &Mutex<Receiver<Pending<T>>>, mut worker: W) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, reply)) = job else { return };
        // Nobody listens only when the work has failed already.
        reply.send(worker(job)).ok();
    }
}

fn give_and_take<T: Ordered>(task: &mut T, jobs: &SyncSender<Pending<T>>, window: usize) -> Result<()> {
    let stopped = || Error::new(ErrorKind::Io, "a worker thread stopped unexpectedly");
    let mut under_way: VecDeque<Receiver<Answer<T>>> = VecDeque::new();
    let mut all_given = false;
    let mut failed = None;
    loop {
        while !all_given && under_way.len() < window {
            let (reply, answer) = channel();
            match task.next() {
                Ok(Some(Step::Work(job))) => jobs.send((job, reply)).map_err(|_| stopped())?,
                Ok(Some(Step::Done(done))) => reply.send(Ok(done)).map_err(|_| stopped())?,
                Ok(None) => {
                    all_given = true;
                    break;
                }
                // What was given out before comes first, and may have failed as well.
                Err(error) => {
                    failed = Some(error);
                    all_given = true;
                    break;
                }
            }
            under_way.push_back(answer);
        }
        let Some(answer) = under_way.pop_front() else { break };
        task.done(answer.recv().map_err(|_| stopped())??)?;
    }
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Counts up to `end`; multiples of seven need no work, and `fails` cannot be given out.
    struct Squares {
        at: u64,
        end: u64,
        fails: Option<u64>,
        found: Vec<u64>,
    }

    impl Squares {
        fn up_to(end: u64) -> Self {
            Self { at: 0, end, fails: None, found: Vec::new() }
        }
    }

    impl Ordered for Squares {
        type Job = u64;
        type Done = u64;

        fn next(&mut self) -> Result<Option<Step<u64, u64>>> {
            if self.fails == Some(self.at) {
                return Err(Error::new(ErrorKind::Io, "the source broke"));
            }
            let at = self.at;
            self.at += 1;
            let step = if at.is_multiple_of(7) { Step::Done(at * at) } else { Step::Work(at) };
            Ok((at < self.end).then_some(step))
        }

        fn done(&mut self, done: u64) -> Result<()> {
            self.found.push(done);
            Ok(())
        }
    }

    #[allow(clippy::unnecessary_wraps)] // workers may fail
    fn square(n: u64) -> Result<u64> {
        // Later work is done sooner.
        thread::sleep(Duration::from_micros(300 - 10 * (n % 30)));
        Ok(n * n)
    }

    #[test]
    fn results_come_in_the_order_of_the_work_for_any_number_of_threads() {
        for threads in [1, 2, 8] {
            let mut task = Squares::up_to(100);
            run(&mut task, vec![square; threads]).unwrap();
            assert_eq!(task.found, (0..100).map(|n| n * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_failure_that_comes_first_in_the_order_is_told() {
        for threads in [1, 2, 8] {
            let fail = |n: u64| match n {
                51 | 52 => Err(Error::new(ErrorKind::Io, format!("{n} failed"))),
                _ => square(n),
            };
            let mut task = Squares { fails: Some(53), ..Squares::up_to(100) };
            let error = run(&mut task, vec![fail; threads]).unwrap_err();
            assert_eq!(error.message(), "51 failed");
            assert_eq!(task.found.len(), 51);
            assert!(task.at <= 53, "nothing is given out after a failure");
        }
        let mut task = Squares { fails: Some(53), ..Squares::up_to(100) };
        assert_eq!(run(&mut task, vec![square; 2]).unwrap_err().message(), "the source broke");
        assert_eq!(task.found.len(), 53);
    }

    #[test]
    fn where_few_threads_start_or_none_the_results_and_the_failure_are_the_same() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let none: Spawn = |_, _| false;
        let one: Spawn =
            |scope, job| STARTED.fetch_add(1, Ordering::Relaxed) == 0 && threads::spawn(scope, job);
        for spawn in [none, one] {
            STARTED.store(0, Ordering::Relaxed);
            let mut task = Squares::up_to(100);
            run_with(&mut task, vec![square; 8], spawn).unwrap();
            assert_eq!(task.found, (0..100).map(|n| n * n).collect::<Vec<_>>());

            STARTED.store(0, Ordering::Relaxed);
            let fail = |n: u64| if n == 51 { Err(Error::new(ErrorKind::Io, "51 failed")) } else { square(n) };
            let mut task = Squares { fails: Some(53), ..Squares::up_to(100) };
            assert_eq!(run_with(&mut task, vec![fail; 8], spawn).unwrap_err().message(), "51 failed");
            assert_eq!(task.found.len(), 51);
        }
    }
}
