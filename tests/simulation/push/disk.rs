//! The log of a run with `--data`: the real file, behind a gate.
//!
//! ```text
//!   append, write ──▶ waits ──[commit]──▶ the file and its thread ──▶ feed, done
//! ```
//!
//! Nothing reaches the file before [`Disk::commit`], and no answer leaves before the file has all
//! that was committed with it, so a run is the same each time although the file has a thread. A
//! server that is killed leaves a copy of its file, with or without what has waited.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wirebell::push::data::{DataFile, DataLimits};
use wirebell::push::{Appended, Change, Done, Epoch, Feed, HistoryRules, Key, Log, LogError};
use wirebell::push::{Logged, Past, Publication, Store, Ticket};

/// Far more than a commit takes.
const PATIENCE: Duration = Duration::from_secs(20);

type Entries = Vec<(Option<Ticket>, Vec<Logged>)>;

enum Job {
    Append(Vec<Publication>, u64, Ticket),
    Write(Vec<Change>, Done),
}

/// What the thread of the file has said.
enum Said {
    Appended(Entries),
    Written(Option<Done>, Result<(), LogError>),
}

pub struct Disk {
    path: PathBuf,
    file: DataFile,
    /// What is in its store, or will be.
    values: Vec<(String, Vec<u8>)>,
    waiting: Mutex<Vec<Job>>,
    feed: Mutex<Option<Feed>>,
    say: Mutex<Sender<Said>>,
    said: Mutex<Receiver<Said>>,
    /// Batches that are refused from now on, and why.
    refuses: Mutex<(usize, Option<LogError>)>,
}

/// What a file keeps, and the time.
#[derive(Clone)]
pub struct Rules {
    pub history: HistoryRules,
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// What is in the store of a new file.
    pub values: Vec<(String, Vec<u8>)>,
}

impl Disk {
    /// A new file.
    pub fn new(rules: &Rules) -> Arc<Self> {
        Self::open(new_path(), rules)
    }

    fn open(path: PathBuf, rules: &Rules) -> Arc<Self> {
        let epoch: Epoch = "disk".parse().expect("an epoch");
        let clock = Arc::clone(&rules.clock);
        let (history, limits) = (rules.history.clone(), DataLimits::default());
        let file = DataFile::open(&path, epoch, history, limits, move || clock());
        let file = file.unwrap_or_else(|problem| panic!("the file cannot be opened: {problem}"));
        let (say, said) = channel();
        let mut values = file.load().expect("it was read");
        let is_new = values.is_empty();
        if is_new {
            values.clone_from(&rules.values);
        }
        let put = |(key, value): &(String, Vec<u8>)| Change::Put(key.clone(), value.clone());
        let changes = values.iter().map(put).collect();
        let disk = Arc::new(Self {
            path,
            file,
            values,
            waiting: Mutex::default(),
            feed: Mutex::default(),
            say: Mutex::new(say),
            said: Mutex::new(said),
            refuses: Mutex::default(),
        });
        if is_new {
            disk.write(changes, Box::new(drop));
        }
        disk
    }

    /// The server is killed, and another one opens what it has left. If what waits `is_written`, it
    /// is in the file, but nobody was told.
    pub fn kill(&self, is_written: bool, rules: &Rules) -> Arc<Self> {
        let jobs = std::mem::take(&mut *self.waiting.lock().expect("no panics"));
        if is_written {
            drop(self.run(jobs));
        }
        let path = new_path();
        fs::copy(&self.path, &path).expect("room for a file");
        Self::open(path, rules)
    }

    /// The next `batches` are refused.
    pub fn refuse(&self, batches: usize, error: LogError) {
        *self.refuses.lock().expect("no panics") = (batches, Some(error));
    }

    /// Writes what waits; false if nothing does.
    pub fn commit(&self) -> bool {
        let jobs = std::mem::take(&mut *self.waiting.lock().expect("no panics"));
        if jobs.is_empty() {
            return false;
        }
        for said in self.run(jobs) {
            match (said, &*self.feed.lock().expect("no panics")) {
                (Said::Appended(entries), Some(feed)) => feed(entries),
                (Said::Written(Some(done), result), _) => done(result),
                _ => {}
            }
        }
        true
    }

    /// Gives jobs to the file, and returns what it says once it has done them all.
    fn run(&self, jobs: Vec<Job>) -> Vec<Said> {
        let (mut tickets, mut writes) = (0, 0);
        for job in jobs {
            match job {
                Job::Append(batch, now, ticket) => {
                    tickets += 1;
                    if let Appended::Now(entries) = self.file.append(batch, now, ticket) {
                        self.tell(Said::Appended(vec![(Some(ticket), entries)]));
                    }
                }
                Job::Write(changes, done) => {
                    writes += 1;
                    self.write_now(changes, Some(done));
                }
            }
        }
        self.file.wake();
        let all = self.hear(tickets, writes);
        // What it holds is measured after its answers: the next one comes after that.
        self.write_now(Vec::new(), None);
        self.hear(0, 1);
        all
    }

    fn write_now(&self, changes: Vec<Change>, done: Option<Done>) {
        let say = self.say.lock().expect("no panics").clone();
        let said = Box::new(move |result| drop(say.send(Said::Written(done, result))));
        Store::write(&self.file, changes, said);
    }

    fn tell(&self, said: Said) {
        let say = self.say.lock().expect("no panics");
        say.send(said).expect("the other end is here");
    }

    fn hear(&self, mut tickets: usize, mut writes: usize) -> Vec<Said> {
        let from = self.said.lock().expect("no panics");
        let mut all = Vec::new();
        while tickets > 0 || writes > 0 {
            let said = from.recv_timeout(PATIENCE).expect("the file answers");
            match &said {
                Said::Appended(entries) => tickets -= entries.len(),
                Said::Written(..) => writes -= 1,
            }
            all.push(said);
        }
        all
    }
}

impl Log for Disk {
    fn epoch(&self) -> Epoch {
        self.file.epoch()
    }

    fn append(&self, batch: Vec<Publication>, now: u64, ticket: Ticket) -> Appended {
        let mut refuses = self.refuses.lock().expect("no panics");
        if let (1.., Some(error)) = *refuses {
            refuses.0 -= 1;
            return Appended::Now(vec![Err(error); batch.len()]);
        }
        let mut waiting = self.waiting.lock().expect("no panics");
        waiting.push(Job::Append(batch, now, ticket));
        Appended::Later
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        self.file.repeats(publication, now)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        self.file.delivered(key, subscribers);
    }

    fn past(&self, bytes: usize) -> Past {
        self.file.past(bytes)
    }

    fn start(&self, feed: Feed) {
        *self.feed.lock().expect("no panics") = Some(feed);
        let say = self.say.lock().expect("no panics").clone();
        self.file
            .start(Box::new(move |it| drop(say.send(Said::Appended(it)))));
    }

    fn held_bytes(&self) -> usize {
        self.file.held_bytes()
    }
}

impl Store for Disk {
    fn load(&self) -> Result<Vec<(String, Vec<u8>)>, LogError> {
        Ok(self.values.clone())
    }

    fn write(&self, changes: Vec<Change>, done: Done) {
        let mut waiting = self.waiting.lock().expect("no panics");
        waiting.push(Job::Write(changes, done));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.file.close();
        let _ = fs::remove_file(&self.path);
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

/// In memory, if there is a place for that.
fn new_path() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Relaxed));
    folder.join(format!("wirebell-simulation-{process}-{number}"))
}
