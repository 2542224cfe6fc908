//! The thread that writes the file, and what waits for it.
//!
//! Input: jobs from any thread. Output: calls of the feed and of what writes wait for. Invariants:
//! putting a job never waits; the time that a commit takes is the only thing that gathers jobs; at
//! most [`QUEUE_BYTES`] wait. While the file cannot be used, jobs are refused at once, and it is
//! opened again every second.

use crate::push::data::writer::{Answers, Job, Writer, refuse};
use crate::push::log::{Feed, LogError};
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

/// Bytes of jobs that may wait: what a slow disk writes in a second.
pub(super) const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of jobs of one commit, and their number.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;
const COMMIT_JOBS: usize = 4_096;

/// The time between two looks at a file that cannot be used, or to which nothing is written.
const PAUSE: Duration = Duration::from_secs(1);

/// How long closing the file for another process may take.
const LEND: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// The file was closed for another process.
    changed: Condvar,
    thread: OnceLock<Thread>,
    /// Bytes of jobs that wait: changed under the lock, read without it.
    bytes: AtomicUsize,
    /// Bytes of memory of the index.
    index: AtomicUsize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Job, usize)>,
    refused: Option<LogError>,
    closed: bool,
    /// Another process is to have the file.
    lent: bool,
    /// The file is closed here, for another process.
    away: bool,
}

/// What the thread is to do next.
enum Next {
    Write(Vec<Job>),
    Wait,
    /// Close the file, for another process.
    Lend,
    /// Open it again.
    TakeBack,
    End,
}

impl Queue {
    /// Puts a job of this size.
    ///
    /// # Errors
    ///
    /// The job, and why it cannot be done now.
    pub(super) fn put(&self, job: Job, bytes: usize) -> Result<(), (Job, LogError)> {
        let mut state = self.lock();
        if let Some(error) = state.refused {
            return Err((job, error));
        }
        let waiting = self.bytes.load(Relaxed);
        if state.closed || waiting + bytes > QUEUE_BYTES && waiting > 0 {
            return Err((job, LogError::Unavailable));
        }
        self.bytes.store(waiting + bytes, Relaxed);
        state.jobs.push_back((job, bytes));
        Ok(())
    }

    /// Whether a small job would be taken.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(super) fn ready(&self) -> Result<(), LogError> {
        let state = self.lock();
        match state.refused {
            Some(error) => Err(error),
            None if state.closed || self.bytes.load(Relaxed) >= QUEUE_BYTES => {
                Err(LogError::Unavailable)
            }
            None => Ok(()),
        }
    }

    /// Wakes the thread.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Bytes of memory of jobs and of the index. Every turn of the broker asks: it takes no lock.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.load(Relaxed) + self.index.load(Relaxed)
    }

    /// Starts the thread, which ends after [`close`](Queue::close).
    pub(super) fn start(self: &Arc<Self>, writer: Writer, feed: Feed) -> JoinHandle<()> {
        let queue = Arc::clone(self);
        queue.measure(&writer);
        let begin = move || queue.run(writer, &feed);
        let builder = thread::Builder::new().name("wirebell-data".into());
        let handle = builder.spawn(begin).expect("a thread can be started");
        let _ = self.thread.set(handle.thread().clone());
        handle
    }

    /// Closes the file once nothing waits, so that another process can open it. Jobs that come
    /// meanwhile wait. False if that takes too long.
    pub(super) fn lend(&self) -> bool {
        self.lock().lent = true;
        self.wake();
        let state = self.lock();
        let waits = |state: &mut State| !state.away;
        let (state, _) = self
            .changed
            .wait_timeout_while(state, LEND, waits)
            .unwrap_or_else(PoisonError::into_inner);
        state.away
    }

    /// The other process does not keep it.
    pub(super) fn take_back(&self) {
        if std::mem::take(&mut self.lock().lent) {
            self.wake();
        }
    }

    /// No more jobs: the thread ends once those that wait are done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    fn run(&self, mut writer: Writer, feed: &Feed) {
        loop {
            match self.next() {
                Next::Write(jobs) => {
                    let answers = writer.run(jobs);
                    self.settle(answers, feed);
                    self.measure(&writer);
                }
                Next::Wait => {
                    thread::park_timeout(PAUSE);
                    let state = self.lock();
                    let is_idle = state.jobs.is_empty() && !state.away;
                    drop(state);
                    if is_idle {
                        self.idle(&mut writer, feed);
                    }
                }
                Next::Lend => {
                    let _ = writer.tidy();
                    writer.close();
                    self.lock().away = true;
                    self.changed.notify_all();
                }
                Next::TakeBack => self.take_back_now(&mut writer),
                Next::End => {
                    let _ = writer.tidy();
                    return;
                }
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        if state.away {
            if state.closed {
                return Next::End;
            }
            // If the file was lent again meanwhile, it stays closed.
            state.away = state.lent;
            return match state.away {
                true => Next::Wait,
                false => Next::TakeBack,
            };
        }
        if state.jobs.is_empty() {
            return match (state.closed, state.lent) {
                (true, _) => Next::End,
                (false, true) => Next::Lend,
                (false, false) => Next::Wait,
            };
        }
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        while jobs.len() < COMMIT_JOBS
            && bytes < COMMIT_BYTES
            && let Some((job, size)) = state.jobs.pop_front()
        {
            jobs.push(job);
            bytes += size;
        }
        self.bytes.store(self.bytes.load(Relaxed) - bytes, Relaxed);
        Next::Write(jobs)
    }

    fn settle(&self, mut answers: Answers, feed: &Feed) {
        if let Some(error) = answers.failed {
            self.lock().refused = Some(error);
        }
        let appended = mem::take(&mut answers.appended);
        if !appended.is_empty() {
            feed(appended);
        }
        answers.tell();
    }

    /// The file is opened again, in which nothing can have changed. What has waited is written, or
    /// refused until the file can be opened.
    fn take_back_now(&self, writer: &mut Writer) {
        if let Err(problem) = writer.reopen() {
            log::error!("the data file cannot be opened again: {problem}");
            self.lock().refused = Some(LogError::Unavailable);
        }
        self.measure(writer);
    }

    /// Nothing is to be written.
    fn idle(&self, writer: &mut Writer, feed: &Feed) {
        if writer.contents().is_some() {
            self.lock().refused = writer.tidy();
            return self.measure(writer);
        }
        match writer.reopen() {
            Ok(found) => {
                log::warn!("the data file can be written again");
                if !found.is_empty() {
                    feed(vec![(None, found)]);
                }
                self.lock().refused = None;
            }
            Err(problem) => log::debug!("the data file cannot be opened: {problem}"),
        }
    }

    fn measure(&self, writer: &Writer) {
        let held = writer.contents().map(|it| it.held_bytes());
        self.index.store(held.unwrap_or(0), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what waits; for a file that was never started.
    pub(super) fn drop_all(&self) {
        let jobs: Vec<_> = self.lock().jobs.drain(..).map(|(job, _)| job).collect();
        self.bytes.store(0, Relaxed);
        refuse(jobs, LogError::Unavailable).tell();
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut all = f.debug_struct("State");
        all.field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}
