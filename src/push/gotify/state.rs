//! What all workers share of the gotify dialect: the directory, its store, and passwords.
//!
//! ```text
//!   plan ──▶ Edit ──▶ Store::write ──▶ kept: directory, histories, streams, and then the answer
//!                                  ╰─▶ not kept: 503 or 507, and nothing has changed
//! ```
//!
//! Input: plans, from any thread. Output: [`GotifyMail`] for the workers. Invariants: one plan at a
//! time is on its way to the store, so each is made from what is kept; a change that is not kept is
//! never seen; a lock is never held while the store, the broker's log or a hash is at work.

use crate::net::{Mailbox, PeerId, Response};
use crate::push::broker::Broker;
use crate::push::gotify::credentials::{random, text};
use crate::push::gotify::directory::{Directory, Entry, Holder};
use crate::push::gotify::edits::{Edit, Ended, Forget, create_user};
use crate::push::gotify::message::topics;
use crate::push::gotify::passwords::Passwords;
use crate::push::gotify::problem::Problem;
use crate::push::log::LogError;
use crate::push::name::Pattern;
use crate::push::store::{Change, Done, Store};
use crate::push::workers::{Workers, workers};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Plans that wait at most: more than people make, and not too much memory if all have images.
const WAITING: usize = 64;

/// Characters of the first password: 120 random bits.
const PASSWORD: usize = 20;

/// The first user.
const FIRST: &str = "admin";

/// The gotify dialect of a server. Cheap to clone.
#[derive(Clone)]
pub struct Gotify {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    passwords: Passwords,
    state: Mutex<State>,
    broker: OnceLock<Broker>,
    workers: OnceLock<Workers<GotifyMail>>,
    /// See [`Gotify::generation`].
    generation: AtomicU64,
}

#[derive(Default)]
struct State {
    directory: Directory,
    waiting: VecDeque<(Plan, To)>,
    /// A plan is on its way to the store.
    busy: bool,
}

/// Says what is to change, as things are.
pub(super) type Plan = Box<dyn FnOnce(&Directory) -> Result<Edit, Problem> + Send>;

/// Whom an answer is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct To {
    pub(super) worker: usize,
    pub(super) tag: u64,
}

/// The bearer of the token of a client, who reads the messages of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::push) struct Reader {
    pub(super) client: u64,
    topics: Pattern,
}

impl Reader {
    /// The bearer of the token of this client, if it is there.
    pub(super) fn of(client: u64, directory: &Directory) -> Option<Self> {
        let user = directory.clients.get(&client)?.user;
        Some(Self {
            client,
            topics: topics(user),
        })
    }

    /// What it may read.
    pub(in crate::push) fn topics(&self) -> &Pattern {
        &self.topics
    }

    /// The name that limits count it by.
    pub(in crate::push) fn counts_as(&self) -> Arc<str> {
        client_name(self.client)
    }
}

/// The name of the token of a client.
pub(super) fn client_name(client: u64) -> Arc<str> {
    format!("gotify client {client}").into()
}

/// What a worker learns of a change.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GotifyMail {
    /// The answer to the request with this tag.
    Answer {
        /// The one that was given.
        tag: u64,
        /// What its client gets.
        response: Box<Response>,
    },
    /// Whether the password of the request with this tag was right.
    Checked {
        /// The one that was given.
        tag: u64,
        /// Whose it is.
        user: Option<u64>,
    },
    /// These streams end.
    Ended(Ended),
}

/// Why there is no [`Gotify`].
#[derive(Debug)]
#[non_exhaustive]
pub enum NoGotify {
    /// The store cannot be read.
    Store(LogError),
    /// What is in the store cannot be understood.
    Malformed,
}

impl fmt::Display for NoGotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Malformed => f.write_str("users, applications and clients cannot be read"),
        }
    }
}

impl std::error::Error for NoGotify {}

impl Gotify {
    /// With what a store has. If that is no user, there is a first one, named `admin`, whose new
    /// password is returned as well: it is nowhere else. The user is written without waiting, as a
    /// store may begin to write with the start of its server.
    ///
    /// # Errors
    ///
    /// See [`NoGotify`].
    // req: gotify-passwords-04
    pub fn open(
        store: Arc<dyn Store>,
        passwords: Passwords,
    ) -> Result<(Self, Option<String>), NoGotify> {
        let values = store.load().map_err(NoGotify::Store)?;
        let mut directory = Directory::load(&values).ok_or(NoGotify::Malformed)?;
        let mut password = None;
        if directory.users.is_empty() {
            let new = text(random::<PASSWORD>());
            let hash = passwords.hash_now(&new);
            let edit = create_user(&directory, FIRST.to_owned(), true, hash);
            let edit = edit.map_err(|_| NoGotify::Malformed)?;
            let changes = edit.entries.iter().map(Entry::change).collect();
            // A store may begin to write once its server has started: this must not wait for it.
            let done: Done = Box::new(|result| {
                if let Err(error) = result {
                    log::error!("the first user of gotify clients is not kept: {error}");
                }
            });
            store.write(changes, done);
            directory.apply(edit.entries);
            password = Some(new);
        }
        let state = State {
            directory,
            ..State::default()
        };
        let inner = Inner {
            store,
            passwords,
            state: Mutex::new(state),
            broker: OnceLock::new(),
            workers: OnceLock::new(),
            generation: AtomicU64::new(0),
        };
        let gotify = Self {
            inner: Arc::new(inner),
        };
        Ok((gotify, password))
    }

    /// Gives it the topics of its server. Only the first call counts.
    pub(in crate::push) fn attach(&self, broker: &Broker) {
        self.inner.broker.get_or_init(|| broker.clone());
    }

    /// Gives it the workers of its server. Only the first call counts.
    pub(in crate::push) fn connect<M>(&self, mailboxes: &[Mailbox<M>])
    where
        M: From<GotifyMail> + Send + 'static,
    {
        self.inner.workers.get_or_init(|| workers(mailboxes));
    }

    /// Whose messages the bearer of this token may read in other dialects.
    // req: gotify-topics-02
    pub(in crate::push) fn reader(&self, token: &str) -> Option<Reader> {
        self.read(|directory| match directory.holder(token)? {
            Holder::Application(_) => None,
            Holder::Client(client) => Reader::of(client, directory),
        })
    }

    /// Whether the client of a reader is still there.
    pub(in crate::push) fn has(&self, reader: &Reader) -> bool {
        self.read(|directory| directory.clients.contains_key(&reader.client))
    }

    /// Changes with every client that goes.
    pub(in crate::push) fn generation(&self) -> u64 {
        self.inner.generation.load(Relaxed)
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// Looks something up.
    pub(super) fn read<R>(&self, look: impl FnOnce(&mut Directory) -> R) -> R {
        look(&mut self.lock().directory)
    }

    /// Changes something once what is planned before has been done. The answer is mail.
    ///
    /// # Errors
    ///
    /// There are too many plans.
    // req: gotify-state-02
    pub(super) fn edit(&self, plan: Plan, to: To) -> Result<(), Problem> {
        let mut state = self.lock();
        if state.waiting.len() >= WAITING {
            return Err(Problem::busy("there is too much to change at once"));
        }
        state.waiting.push_back((plan, to));
        if std::mem::replace(&mut state.busy, true) {
            return Ok(());
        }
        drop(state);
        self.next();
        Ok(())
    }

    /// The same from where no other answer is possible.
    pub(super) fn edit_or_tell(&self, plan: Plan, to: To) {
        if let Err(problem) = self.edit(plan, to) {
            self.answer(to, problem.into());
        }
    }

    /// Sends the next plan to the store.
    fn next(&self) {
        loop {
            let mut state = self.lock();
            let Some((plan, to)) = state.waiting.pop_front() else {
                state.busy = false;
                return;
            };
            let planned = plan(&state.directory);
            drop(state);
            match planned {
                Ok(edit) => return self.write(edit, to),
                Err(problem) => self.answer(to, problem.into()),
            }
        }
    }

    fn write(&self, mut edit: Edit, to: To) {
        let mut changes: Vec<_> = edit.entries.iter().map(Entry::change).collect();
        let all = match &edit.forget {
            Forget::All(pattern) => Some(pattern.clone()),
            _ => None,
        };
        if let Some(pattern) = &all {
            edit.forget = Forget::These(pattern.clone(), self.sequences(pattern));
        }
        if let Forget::These(pattern, sequences) = &edit.forget
            && !sequences.is_empty()
        {
            changes.push(Change::Forget(pattern.clone(), sequences.clone()));
        }
        let this = self.clone();
        let done: Done = Box::new(move |result| {
            match result {
                Ok(()) => this.kept(edit, to, all.is_some()),
                Err(error) => this.answer(to, Problem::from(error).into()),
            }
            this.next();
        });
        match changes.is_empty() {
            true => done(Ok(())),
            false => self.inner.store.write(changes, done),
        }
    }

    /// The store has made a change.
    fn kept(&self, edit: Edit, to: To, is_all: bool) {
        self.lock().directory.apply(edit.entries);
        if let (Forget::These(pattern, sequences), Some(broker)) = (edit.forget, self.broker()) {
            broker.forget(&pattern, &sequences);
            // What was published to it meanwhile.
            let later = self.sequences(&pattern);
            if is_all && !later.is_empty() {
                broker.forget(&pattern, &later);
                self.inner
                    .store
                    .write(vec![Change::Forget(pattern, later)], Box::new(drop));
            }
        }
        for ended in edit.ended {
            self.inner.generation.fetch_add(1, Relaxed);
            for worker in 0..self.workers().len() {
                self.post(worker, GotifyMail::Ended(ended));
            }
        }
        self.answer(to, edit.response);
    }

    /// The records of a pattern, in order.
    fn sequences(&self, pattern: &Pattern) -> Vec<u64> {
        let latest = self
            .broker()
            .map(|it| it.latest(pattern, u64::MAX, usize::MAX));
        let records = latest.unwrap_or_default();
        records.iter().rev().map(|record| record.sequence).collect()
    }

    pub(super) fn answer(&self, to: To, response: Response) {
        let mail = GotifyMail::Answer {
            tag: to.tag,
            response: Box::new(response),
        };
        self.post(to.worker, mail);
    }

    /// Sends mail to a worker.
    pub(super) fn post(&self, worker: usize, mail: GotifyMail) {
        let size = match &mail {
            GotifyMail::Answer { response, .. } => response.body.len(),
            _ => 0,
        };
        if let Some(worker) = self.workers().get(worker)
            && worker.append(mail, size)
        {
            worker.wake();
        }
    }

    fn workers(&self) -> &Workers<GotifyMail> {
        static NONE: Workers<GotifyMail> = Vec::new();
        self.inner.workers.get().unwrap_or(&NONE)
    }

    fn broker(&self) -> Option<&Broker> {
        self.inner.broker.get()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose a request on this connection is, when it is answered.
pub(super) fn to(peer: PeerId, tag: u64) -> To {
    To {
        worker: peer.worker(),
        tag,
    }
}

impl fmt::Debug for Gotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gotify")
    }
}
