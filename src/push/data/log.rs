//! The file as a log and as a store.
//!
//! Input: calls of the broker and of whatever keeps state. Output: jobs for the thread. Invariant:
//! no call waits for the disk, except opening the file and what is done before it is
//! [started](Log::start). Handles share one file; with the last one its thread ends, after it has
//! written what waits.

use crate::options::options;
use crate::push::data::contents::Bounds;
use crate::push::data::problem::DataProblem;
use crate::push::data::queue::Queue;
use crate::push::data::tables::File;
use crate::push::data::writer::{FileKeys, Job, Opener, Writer, lock};
use crate::push::hub::{HistoryRules, Past};
use crate::push::log::{Appended, Feed, Handed, KeyLimits, Log, LogError, Ticket};
use crate::push::position::Epoch;
use crate::push::record::{Key, Publication};
use crate::push::store::{Change, Done, Store};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

options! {
    /// The bounds of a file of data, besides the history of each topic.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct DataLimits {
        /// Topics that have messages in it; beyond it the one with the oldest message ends.
        pub topics: usize = 100_000,
        /// Bytes of messages that it keeps; beyond it the oldest go. The file itself may have twice
        /// as many.
        pub bytes: usize = 4 * 1024 * 1024 * 1024,
        /// The bounds of idempotency keys.
        pub keys: KeyLimits = KeyLimits::DEFAULT,
    }
}

/// A file of data: the log of the server, and a store for its state. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DataFile {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: Epoch,
    keys: Arc<Mutex<FileKeys>>,
    queue: Arc<Queue>,
    state: Vec<(String, Vec<u8>)>,
    /// Until it is started.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a job takes besides its texts.
const JOB: usize = 200;

impl DataFile {
    /// Opens a file, or creates it. `epoch` is that of a new one, and should be one that no other
    /// log had; `rules` say what it keeps; `clock` is the time of day as a Unix time in
    /// milliseconds. Reading a million messages takes about a second.
    ///
    /// # Errors
    ///
    /// See [`DataProblem`].
    pub fn open(
        path: impl AsRef<Path>,
        epoch: Epoch,
        rules: HistoryRules,
        limits: DataLimits,
        clock: impl Fn() -> u64 + Send + 'static,
    ) -> Result<Self, DataProblem> {
        let path = path.as_ref().to_owned();
        let open = Box::new(move || File::open(&path, epoch));
        Self::with(open, rules, limits, Box::new(clock))
    }

    pub(super) fn with(
        open: Opener,
        rules: HistoryRules,
        limits: DataLimits,
        clock: Box<dyn Fn() -> u64 + Send>,
    ) -> Result<Self, DataProblem> {
        let keys = Arc::new(Mutex::new(FileKeys::new(limits.keys)));
        let bounds = Bounds {
            rules,
            topics: limits.topics,
            bytes: limits.bytes,
        };
        let mut writer = Writer::new(open, clock, bounds, Arc::clone(&keys));
        let contents = writer.load()?;
        let shared = Shared {
            epoch: contents.epoch(),
            state: contents.state()?,
            keys,
            queue: Arc::default(),
            writer: Mutex::new(Some(writer)),
            thread: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// No other handle is there: once this one has gone, so has the thread.
    #[cfg(test)]
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }
}

impl Log for DataFile {
    fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    fn append(&self, batch: Vec<Publication>, now: u64, ticket: Ticket) -> Appended {
        let count = batch.len();
        let bytes = batch.iter().map(size).sum();
        let job = Job::Append { ticket, batch, now };
        match self.shared.queue.put(job, bytes) {
            Ok(()) => Appended::Later,
            Err((_, error)) => Appended::Now(vec![Err(error); count]),
        }
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        lock(&self.shared.keys).keys.repeats(publication, now)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        lock(&self.shared.keys).delivered(key, subscribers);
    }

    fn past(&self, bytes: usize) -> Past {
        let writer = self.shared.writer.lock();
        let writer = writer.unwrap_or_else(PoisonError::into_inner);
        writer
            .as_ref()
            .map_or_else(Past::default, |it| it.past(bytes))
    }

    fn start(&self, feed: Feed) {
        let Shared { writer, thread, .. } = &*self.shared;
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let started = self.shared.queue.start(writer, feed);
            *thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        }
    }

    fn wake(&self) {
        self.shared.queue.wake();
    }

    fn close(&self) {
        self.shared.close();
    }

    fn ready(&self) -> Result<(), LogError> {
        self.shared.queue.ready()
    }

    fn hand_over(&self) -> Option<Handed> {
        self.shared.queue.lend().then_some(Handed::Elsewhere)
    }

    fn take_back(&self) {
        self.shared.queue.take_back();
    }

    fn held_bytes(&self) -> usize {
        self.shared.queue.held_bytes()
    }
}

fn size(publication: &Publication) -> usize {
    let key = publication.key.as_ref();
    let key = key.map_or(0, |key| key.owner.len() + key.text.len());
    publication.payload.bytes().len() + publication.topic.as_str().len() + key + JOB
}

impl Store for DataFile {
    /// As they were when the file was opened.
    fn load(&self) -> Result<Vec<(String, Vec<u8>)>, LogError> {
        Ok(self.shared.state.clone())
    }

    fn write(&self, changes: Vec<Change>, done: Done) {
        let sizes = changes.iter().map(|change| match change {
            Change::Put(key, value) => key.len() + value.len(),
            Change::Delete(key) => key.len(),
            Change::Forget(_, sequences) => sequences.len() * size_of::<u64>(),
        });
        let bytes = JOB + sizes.sum::<usize>();
        match self.shared.queue.put(Job::Write { changes, done }, bytes) {
            Ok(()) => self.shared.queue.wake(),
            Err((Job::Write { done, .. }, error)) => done(Err(error)),
            Err(_) => {}
        }
    }
}

impl Shared {
    /// Waits for the thread, which closes the file.
    fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock();
        let running = thread.unwrap_or_else(PoisonError::into_inner).take();
        match running {
            // The feed may have held the last handle: the thread then ends by itself.
            Some(running) if running.thread().id() != thread::current().id() => {
                let _ = running.join();
            }
            Some(_) => {}
            None => self.queue.drop_all(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
