//! Publications on their way: those that wait to be appended, and those that were and have not been
//! read yet.
//!
//! ```text
//!   append ──▶ jobs ──▶ sent: one batch, one script ──▶ the batch, read again: answered
//! ```
//!
//! Input: batches of the broker, from any thread. Output: what to send, and who is to be answered.
//! Invariants: putting a job never waits; while the log cannot be reached, none is taken; whatever
//! was taken is answered once, after [`PATIENCE`] at the latest; at most [`QUEUE_BYTES`] are held.

use crate::push::log::{Entry, LogError, Logged, Ticket, digest};
use crate::push::record::{Key, Publication};
use crate::push::redis::record::encode;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Bytes of publications that may wait: what a slow server takes in a second.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Publications of one batch, and their bytes; a job that has more is a batch by itself. A script
/// holds up all others: this one takes some milliseconds.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 512 * 1024;

/// How long a publication waits for a log that can no longer be reached: longer than another
/// primary needs to take over when it is told at once, and shorter than clients wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a job takes besides its texts.
const JOB: usize = 200;

/// A publication, as the script gets it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) bytes: Vec<u8>,
    key: Option<Key>,
    /// In hexadecimal digits; empty without a key.
    pub(super) digest: String,
}

/// What one call of the broker appends.
#[derive(Debug)]
struct Job {
    ticket: Ticket,
    publications: Vec<Prepared>,
    bytes: usize,
    since: Instant,
}

/// What is appended at once.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) number: u64,
    jobs: Vec<Job>,
}

/// Which calls are to be answered, and with what.
pub(super) type Answers = Vec<(Option<Ticket>, Vec<Logged>)>;

#[derive(Debug, Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    thread: OnceLock<Thread>,
    known: Mutex<Reached>,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    sent: VecDeque<Arc<Sending>>,
    number: u64,
    bytes: usize,
    reads: bool,
    appends: bool,
    closed: bool,
}

impl Prepared {
    fn new(publication: &Publication) -> Self {
        let mut hex = String::new();
        if publication.key.is_some() {
            for byte in digest(publication) {
                write!(hex, "{byte:02x}").expect("a text takes everything");
            }
        }
        Self {
            bytes: encode(publication),
            key: publication.key.clone(),
            digest: hex,
        }
    }

    /// The key as the script knows it; empty without one.
    pub(super) fn key_bytes(&self) -> Vec<u8> {
        let key = self.key.as_ref();
        key.map_or_else(Vec::new, |key| {
            [&*key.owner, "\0", &*key.text].concat().into()
        })
    }

    fn size(&self) -> usize {
        let key = self.key.as_ref();
        self.bytes.len() + key.map_or(0, |key| key.owner.len() + key.text.len()) + JOB
    }
}

impl Sending {
    pub(super) fn publications(&self) -> impl Iterator<Item = &Prepared> {
        self.jobs.iter().flat_map(|job| &job.publications)
    }

    fn bytes(&self) -> usize {
        self.jobs.iter().map(|job| job.bytes).sum()
    }
}

impl Pending {
    /// Takes publications; false if the log cannot take them now.
    pub(super) fn put(&self, batch: &[Publication], ticket: Ticket) -> bool {
        // Before the lock, as it may copy megabytes.
        let publications: Vec<_> = batch.iter().map(Prepared::new).collect();
        let bytes = publications.iter().map(Prepared::size).sum();
        let mut state = self.lock();
        let is_full = state.bytes > 0 && state.bytes + bytes > QUEUE_BYTES;
        if !state.reads || !state.appends || state.closed || is_full {
            return false;
        }
        state.bytes += bytes;
        state.jobs.push_back(Job {
            ticket,
            publications,
            bytes,
            since: Instant::now(),
        });
        true
    }

    /// The thread to wake.
    pub(super) fn serve(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// No more publications: both threads end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Whether the log is read, and appended to.
    pub(super) fn set(&self, reads: Option<bool>, appends: Option<bool>) {
        let mut state = self.lock();
        state.reads = reads.unwrap_or(state.reads);
        state.appends = appends.unwrap_or(state.appends);
    }

    /// Whether publications are taken now.
    pub(super) fn is_ready(&self) -> bool {
        let state = self.lock();
        state.reads && state.appends && !state.closed && state.bytes < QUEUE_BYTES
    }

    /// The next batch to append.
    pub(super) fn next(&self) -> Option<Arc<Sending>> {
        let mut state = self.lock();
        let (mut jobs, mut count, mut bytes) = (Vec::new(), 0, 0);
        while let Some(job) = state.jobs.front() {
            count += job.publications.len();
            bytes += job.bytes;
            if !jobs.is_empty() && (count > BATCH || bytes > BATCH_BYTES) {
                break;
            }
            jobs.extend(state.jobs.pop_front());
        }
        if jobs.is_empty() {
            return None;
        }
        state.number += 1;
        let number = state.number;
        let sent = Arc::new(Sending { number, jobs });
        state.sent.push_back(Arc::clone(&sent));
        Some(sent)
    }

    /// What was sent and has not been read: it may have been appended or not.
    pub(super) fn unread(&self) -> Vec<Arc<Sending>> {
        self.lock().sent.iter().cloned().collect()
    }

    /// A batch of this node was read from the log.
    pub(super) fn settle(&self, number: u64, entries: Vec<Logged>) -> Answers {
        let mut state = self.lock();
        let place = state.sent.iter().position(|sent| sent.number == number);
        let Some(sent) = place.and_then(|place| state.sent.remove(place)) else {
            return vec![(None, entries)]; // Its publishers were told that it is not known.
        };
        state.bytes -= sent.bytes();
        drop(state);
        let mut entries = entries.into_iter();
        let known = self.known();
        let mut answers = Vec::with_capacity(sent.jobs.len());
        for job in &sent.jobs {
            let entries = job.publications.iter().zip(&mut entries);
            let entries = entries.map(|(it, entry)| known.complete(it.key.as_ref(), entry));
            answers.push((Some(job.ticket), entries.collect()));
        }
        answers
    }

    /// Gives up what has waited too long; everything that was not sent, if the log cannot be
    /// reached.
    // req: push-nodes-04
    pub(super) fn give_up(&self, now: Instant) -> Answers {
        let mut state = self.lock();
        let is_late = |job: &Job| now.duration_since(job.since) > PATIENCE;
        let is_cut = !state.appends || !state.reads || state.closed;
        let mut gone = match is_cut {
            true => mem::take(&mut state.jobs).into(),
            false => Vec::new(),
        };
        let mut late = Vec::new();
        state.sent.retain(|sent| {
            let is_late = sent.jobs.iter().any(is_late);
            if is_late {
                late.push(Arc::clone(sent));
            }
            !is_late
        });
        state.bytes -= gone.iter().map(|job| job.bytes).sum::<usize>();
        state.bytes -= late.iter().map(|sent| sent.bytes()).sum::<usize>();
        drop(state);
        let refused = |job: &Job| {
            let entries = vec![Err(LogError::Unavailable); job.publications.len()];
            (Some(job.ticket), entries)
        };
        let mut answers: Answers = gone.drain(..).map(|job| refused(&job)).collect();
        answers.extend(late.iter().flat_map(|sent| &sent.jobs).map(refused));
        answers
    }

    /// How many a publication with this key has reached.
    pub(super) fn reached(&self, key: &Key, subscribers: usize, most: usize) {
        self.known().note(key, subscribers, most);
    }

    fn known(&self) -> MutexGuard<'_, Reached> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many publications with keys have reached: two halves, the older one of which goes when the
/// newer one is full.
#[derive(Debug, Default)]
struct Reached {
    newer: HashMap<Key, usize>,
    older: HashMap<Key, usize>,
}

impl Reached {
    fn note(&mut self, key: &Key, subscribers: usize, most: usize) {
        if self.newer.len() >= most / 2 {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(key.clone(), subscribers);
    }

    fn complete(&self, key: Option<&Key>, entry: Logged) -> Logged {
        let find = |key| self.newer.get(key).or_else(|| self.older.get(key));
        match entry {
            Ok(Entry::Repeated { sequence, .. }) => Ok(Entry::Repeated {
                sequence,
                subscribers: key.and_then(find).copied(),
            }),
            entry => entry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publications(count: usize, key: Option<&str>) -> Vec<Publication> {
        let mut publication = Publication::new("a".parse().unwrap(), "x".into());
        publication.key = key.map(|key| Key {
            owner: "".into(),
            text: key.into(),
        });
        vec![publication; count]
    }

    fn ready() -> Pending {
        let pending = Pending::default();
        pending.set(Some(true), Some(true));
        pending
    }

    #[test]
    // req: push-nodes-04
    fn nothing_is_taken_while_the_log_is_not_reached() {
        let pending = Pending::default();
        assert!(!pending.put(&publications(1, None), Ticket(1)));
        pending.set(Some(true), None);
        assert!(!pending.put(&publications(1, None), Ticket(1)) && !pending.is_ready());
        pending.set(None, Some(true));
        assert!(pending.is_ready());
        assert!(pending.put(&publications(1, None), Ticket(1)));
        pending.set(Some(false), None);
        let refused = vec![(Some(Ticket(1)), vec![Err(LogError::Unavailable)])];
        assert_eq!(pending.give_up(Instant::now()), refused);
        assert_eq!(pending.held_bytes(), 0);
    }

    #[test]
    fn what_waits_is_one_batch_and_is_answered_when_it_is_read() {
        let pending = ready();
        for ticket in 1..=3 {
            assert!(pending.put(&publications(200, None), Ticket(ticket)));
        }
        let sent = pending.next().unwrap();
        assert_eq!((sent.number, sent.publications().count()), (1, 400));
        assert_eq!(pending.unread().len(), 1);
        let entries: Vec<Logged> = vec![Err(LogError::KeyReused); 400];
        let answers = pending.settle(1, entries.clone());
        let sizes: Vec<_> = answers.iter().map(|(it, all)| (*it, all.len())).collect();
        assert_eq!(sizes, [(Some(Ticket(1)), 200), (Some(Ticket(2)), 200)]);
        assert_eq!(pending.settle(1, entries.clone()), [(None, entries)]);
        assert_eq!(pending.next().unwrap().publications().count(), 200);
        assert_eq!(pending.next().map(|it| it.number), None);
    }

    #[test]
    // req: push-nodes-04
    fn what_is_not_read_in_time_is_given_up() {
        let pending = ready();
        assert!(pending.put(&publications(2, None), Ticket(9)));
        let sent = pending.next().unwrap();
        assert_eq!(pending.give_up(Instant::now()), []);
        let answers = pending.give_up(Instant::now() + PATIENCE * 2);
        assert_eq!(
            answers,
            [(Some(Ticket(9)), vec![Err(LogError::Unavailable); 2])]
        );
        assert_eq!((pending.unread().len(), pending.held_bytes()), (0, 0));
        // It was appended nevertheless: delivered, but no publisher waits for it.
        assert_eq!(pending.settle(sent.number, vec![]), [(None, vec![])]);
    }

    #[test]
    fn the_queue_is_bounded() {
        let pending = ready();
        let mut large = publications(1, None);
        large[0].payload = vec![0; QUEUE_BYTES].into();
        assert!(pending.put(&large, Ticket(1)), "one is always taken");
        assert!(!pending.put(&publications(1, None), Ticket(2)));
    }

    #[test]
    // req: push-publish-08
    fn a_repetition_is_answered_as_the_first_was() {
        let pending = ready();
        let batch = publications(1, Some("k"));
        pending.reached(batch[0].key.as_ref().unwrap(), 3, 10);
        assert!(pending.put(&batch, Ticket(1)));
        let number = pending.next().unwrap().number;
        let entry = |subscribers| {
            Ok(Entry::Repeated {
                sequence: 5,
                subscribers,
            })
        };
        let answers = pending.settle(number, vec![entry(None)]);
        assert_eq!(answers, [(Some(Ticket(1)), vec![entry(Some(3))])]);
    }
}
