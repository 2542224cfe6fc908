//! What the thread of the file does, without the thread.
//!
//! Input: jobs in their order. Output: answers, all of them once one commit is durable. Invariants:
//! no two records have the same sequence number; after an error nothing is written until the file
//! was opened again, and what it has then counts, whatever publishers were answered. Waiting is
//! left to `queue`, which calls it.

use crate::push::data::contents::{Bounds, Commit, Contents};
use crate::push::data::problem::{DataProblem, guard};
use crate::push::data::tables::File;
use crate::push::hub::Past;
use crate::push::log::{Entry, KeyLimits, Keys, LogError, Logged, Ticket};
use crate::push::record::{Key, Publication, Record};
use crate::push::store::{Change, Done};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is to be written.
pub(super) enum Job {
    Append {
        ticket: Ticket,
        batch: Vec<Publication>,
        now: u64,
    },
    Write {
        changes: Vec<Change>,
        done: Done,
    },
}

/// What became of jobs.
#[derive(Default)]
pub(super) struct Answers {
    /// In the order of the batches.
    pub(super) appended: Vec<(Option<Ticket>, Vec<Logged>)>,
    pub(super) written: Vec<(Done, Result<(), LogError>)>,
    /// The file cannot be used for now.
    pub(super) failed: Option<LogError>,
}

impl Answers {
    /// Tells those that wait for a write.
    pub(super) fn tell(self) {
        for (done, result) in self.written {
            done(result);
        }
    }
}

/// The idempotency keys that are remembered.
#[derive(Debug)]
pub(super) struct FileKeys {
    pub(super) keys: Keys,
    /// How many subscribers records have reached, by sequence number: not in the file yet.
    reached: Vec<(u64, u64)>,
}

impl FileKeys {
    pub(super) fn new(limits: KeyLimits) -> Self {
        Self {
            keys: Keys::new(limits),
            reached: Vec::new(),
        }
    }

    /// See [`Log::delivered`](crate::push::log::Log::delivered).
    pub(super) fn delivered(&mut self, key: &Key, subscribers: usize) {
        // What is not logged has no number.
        let sequence = self.keys.delivered(key, subscribers).filter(|it| *it > 0);
        self.reached
            .extend(sequence.map(|it| (it, subscribers as u64)));
    }
}

/// Opens the file.
pub(super) type Opener = Box<dyn Fn() -> Result<File, DataProblem> + Send>;

pub(super) struct Writer {
    open: Opener,
    clock: Box<dyn Fn() -> u64 + Send>,
    bounds: Bounds,
    keys: Arc<Mutex<FileKeys>>,
    /// `None` after an error.
    contents: Option<Contents>,
    /// The last record that was delivered.
    head: u64,
}

impl Writer {
    /// For a file that is to be [loaded](Writer::load).
    pub(super) fn new(
        open: Opener,
        clock: Box<dyn Fn() -> u64 + Send>,
        bounds: Bounds,
        keys: Arc<Mutex<FileKeys>>,
    ) -> Self {
        Self {
            open,
            clock,
            bounds,
            keys,
            contents: None,
            head: 0,
        }
    }

    /// Opens the file and reads it.
    pub(super) fn load(&mut self) -> Result<&Contents, DataProblem> {
        let mut keys = lock(&self.keys);
        let head = self.head;
        let recent = |publication: Publication, sequence, time, reached: Option<u64>| {
            if sequence > head {
                let _ = keys.keys.seen(&publication, sequence, time);
            }
            if let (Some(key), Some(reached)) = (&publication.key, reached) {
                let _ = keys.keys.delivered(key, reached as usize);
            }
        };
        let now = (self.clock)();
        let bounds = self.bounds.clone();
        let contents = guard(|| Contents::load((self.open)()?, bounds, now, recent))?;
        self.head = self.head.max(contents.head());
        Ok(self.contents.insert(contents))
    }

    pub(super) fn contents(&self) -> Option<&Contents> {
        self.contents.as_ref()
    }

    /// See [`Contents::past`]. What cannot be read counts as let go.
    pub(super) fn past(&self, bytes: usize) -> Past {
        let past = self.contents.as_ref().map(|it| it.past(bytes));
        match past {
            Some(Ok(past)) => return past,
            Some(Err(problem)) => log::error!("the data file cannot be read: {problem}"),
            None => {}
        }
        Past {
            head: self.head,
            common_floor: self.head,
            ..Past::default()
        }
    }

    /// Writes jobs, all of them in one commit.
    // req: push-batch-07
    pub(super) fn run(&mut self, jobs: Vec<Job>) -> Answers {
        let Some(contents) = &mut self.contents else {
            return refuse(jobs, LogError::Unavailable);
        };
        let first = contents.head() + 1;
        let mut commit = begin(&self.keys);
        let mut answers = Answers::default();
        for job in jobs {
            match job {
                Job::Append { ticket, batch, now } => {
                    let stage = |it| stage(contents, &self.keys, &mut commit, it, now);
                    let entries = batch.into_iter().map(stage).collect();
                    answers.appended.push((Some(ticket), entries));
                }
                Job::Write { changes, done } => {
                    commit.change(changes);
                    answers.written.push((done, Ok(())));
                }
            }
        }
        if commit.is_empty() {
            return answers;
        }
        match contents.commit(&commit, (self.clock)()) {
            Ok(()) => self.head = contents.head(),
            Err(problem) => self.fail(&mut answers, first, &problem),
        }
        answers
    }

    /// Removes what is dead, and writes how many subscribers records with keys have reached, if
    /// nothing else is to be done.
    pub(super) fn tidy(&mut self) -> Option<LogError> {
        let contents = self.contents.as_mut()?;
        let now = (self.clock)();
        let commit = begin(&self.keys);
        let tidied =
            contents
                .is_dirty(now)
                .and_then(|is_dirty| match is_dirty || !commit.is_empty() {
                    true => contents.commit(&commit, now),
                    false => Ok(()),
                });
        let problem = tidied.err()?;
        let mut answers = Answers::default();
        self.fail(&mut answers, u64::MAX, &problem);
        answers.failed
    }

    /// Closes the file: another process opens it.
    pub(super) fn close(&mut self) {
        self.contents = None;
    }

    /// Opens the file again. Returns what it has after the last record that was delivered: a commit
    /// that has failed may have succeeded nevertheless.
    pub(super) fn reopen(&mut self) -> Result<Vec<Logged>, DataProblem> {
        let head = self.head;
        let records = self.load()?.after(head)?;
        let logged = |record: Arc<Record>| Ok(Entry::New(record));
        Ok(records.into_iter().map(logged).collect())
    }

    /// Nothing from this sequence number on was logged, as far as is known.
    fn fail(&mut self, answers: &mut Answers, first: u64, problem: &DataProblem) {
        log::error!("the data file cannot be written: {problem}; publications are refused");
        self.contents = None;
        let error = problem.log_error();
        lock(&self.keys).keys.take_back(first);
        let is_lost = |entry: &Entry| match entry {
            Entry::New(_) => true,
            Entry::Repeated { sequence, .. } => *sequence >= first,
            Entry::Break(_) => false,
        };
        let entries = answers.appended.iter_mut().flat_map(|(_, entries)| entries);
        for entry in entries.filter(|it| it.as_ref().is_ok_and(is_lost)) {
            *entry = Err(error);
        }
        for (_, result) in &mut answers.written {
            *result = Err(error);
        }
        answers.failed = Some(error);
    }
}

/// A commit of what was delivered since the last one. If it fails, that is lost to the file.
fn begin(keys: &Mutex<FileKeys>) -> Commit {
    let mut commit = Commit::default();
    let mut keys = lock(keys);
    let reached = mem::take(&mut keys.reached);
    if !reached.is_empty() {
        commit.reach(reached, keys.keys.oldest().unwrap_or(u64::MAX));
    }
    commit
}

/// Gives a publication its place, unless its idempotency key was seen.
// req: push-publish-08 push-publish-11
fn stage(
    contents: &mut Contents,
    keys: &Mutex<FileKeys>,
    commit: &mut Commit,
    publication: Publication,
    now: u64,
) -> Logged {
    let key = publication.key.clone();
    if key.is_some() {
        let time = contents.time().max(now);
        let seen = lock(keys)
            .keys
            .seen(&publication, contents.head() + 1, time);
        if let Some(seen) = seen {
            return seen;
        }
    }
    let record = contents.stage(commit, publication, key.as_ref(), now);
    Ok(Entry::New(record))
}

/// Nothing of this was written.
pub(super) fn refuse(jobs: Vec<Job>, error: LogError) -> Answers {
    let mut answers = Answers::default();
    for job in jobs {
        match job {
            Job::Append { ticket, batch, .. } => {
                let entries = batch.iter().map(|_| Err(error)).collect();
                answers.appended.push((Some(ticket), entries));
            }
            Job::Write { done, .. } => answers.written.push((done, Err(error))),
        }
    }
    answers
}

pub(super) fn lock(keys: &Mutex<FileKeys>) -> MutexGuard<'_, FileKeys> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
