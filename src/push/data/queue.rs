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
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

/// Bytes of jobs that may wait: what a slow disk writes in a second.
pub(super) const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of jobs of one commit, and their number.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;
const COMMIT_JOBS: usize = 4_096;

/// Between two looks at a file that cannot be used, or that nothing is to be written to.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
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
}

/// What the thread is to do next.
enum Next {
    Write(Vec<Job>),
    Wait,
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
                    if self.lock().jobs.is_empty() {
                        self.idle(&mut writer, feed);
                    }
                }
                Next::End => {
                    let _ = writer.tidy();
                    return;
                }
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        if state.jobs.is_empty() {
            return match state.closed {
                true => Next::End,
                false => Next::Wait,
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
