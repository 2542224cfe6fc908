//! The workers of a server as seen from outside: by a service that is being made, and by the
//! program that runs the server.

use crate::net::mailbox::Mailbox;
use crate::net::metrics::{Counters, Metrics};
use crate::net::moving::{Moved, MovedListener, Order, Unsettled, ask, wait};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// What a worker knows when its service is made.
#[derive(Debug)]
pub struct Worker<M> {
    /// The number of this worker, from 0.
    pub number: usize,
    /// The mailboxes of all workers, in the order of their numbers: to publish to all.
    pub mailboxes: Vec<Mailbox<M>>,
}

/// Controls a server from any thread, even while another joins it; cheap to clone.
#[derive(Debug)]
pub struct Handle<M> {
    mailboxes: Arc<[Mailbox<M>]>,
    metrics: Arc<[Arc<Metrics>]>,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            mailboxes: Arc::clone(&self.mailboxes),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

impl<M> Handle<M> {
    /// Of all workers, in order of their numbers.
    pub(crate) fn new(mailboxes: Arc<[Mailbox<M>]>, metrics: Arc<[Arc<Metrics>]>) -> Self {
        Self { mailboxes, metrics }
    }

    /// The counters of this worker.
    pub(crate) fn metrics(&self, worker: usize) -> Arc<Metrics> {
        Arc::clone(&self.metrics[worker])
    }

    /// Begins a graceful stop: no new connections, Close 1001 to every peer, spread over
    /// [`Limits::drain_ms`](crate::net::Limits::drain_ms), and a wait bounded by
    /// [`Limits::close_ms`](crate::Limits::close_ms) and
    /// [`Limits::linger_ms`](crate::Limits::linger_ms). Returns at once;
    /// [`Server::join`](crate::net::Server::join) waits.
    pub fn stop(&self) {
        for mailbox in self.mailboxes.iter() {
            mailbox.stop();
        }
    }

    /// Stops reading and accepting, so that another process can take over, and says how far that
    /// is: again and again until nothing is [unsettled](Unsettled). What is sent still leaves.
    ///
    /// # Errors
    ///
    /// A loop does not answer by then. As after all of these calls, [`Handle::go`] ends it.
    pub fn rest(&self, until: Instant) -> io::Result<Unsettled> {
        let mut all = Unsettled::default();
        let answers: Vec<_> = self.ask_all(Order::Rest);
        for answer in answers {
            let one = wait(&answer, until)?;
            all.connections += one.connections;
            all.mail |= one.mail;
        }
        Ok(all)
    }

    /// The listening sockets, in the order in which they were given, for another process.
    ///
    /// # Errors
    ///
    /// That of the system, or a loop does not answer by then.
    pub fn lend_listeners(&self, until: Instant) -> io::Result<Vec<MovedListener>> {
        let mut all: Vec<MovedListener> = Vec::new();
        for answer in self.ask_all(Order::Listeners) {
            for one in wait(&answer, until)?? {
                match all.iter_mut().find(|it| it.name == one.name) {
                    Some(listener) => listener.sockets.push(one.socket),
                    None => all.push(MovedListener {
                        name: one.name,
                        path: one.path,
                        sockets: vec![one.socket],
                    }),
                }
            }
        }
        Ok(all)
    }

    /// At most so many of the connections of a worker that rests, from this number on, which is 0
    /// at first; and the number to go on with.
    ///
    /// # Errors
    ///
    /// The loop does not answer by then.
    pub fn lend(
        &self,
        worker: usize,
        from: u32,
        most: usize,
        until: Instant,
    ) -> io::Result<(Vec<Moved>, Option<u32>)> {
        let mailbox = &self.mailboxes[worker];
        let batch = ask(until, |to| mailbox.order(Order::Lend { from, most, to }))?;
        Ok((batch.moved, batch.next))
    }

    /// Gives connections of another process to a worker that rests, and returns how many of them
    /// it takes.
    ///
    /// # Errors
    ///
    /// The loop does not answer by then.
    pub fn adopt(&self, worker: usize, moved: Vec<Moved>, until: Instant) -> io::Result<usize> {
        let mailbox = &self.mailboxes[worker];
        ask(until, |to| mailbox.order(Order::Adopt(moved, to)))
    }

    /// All loops go on after a [rest](Handle::rest), or begin.
    pub fn go(&self) {
        self.mailboxes.iter().for_each(|it| it.order(Order::Go));
    }

    /// Another process has what was lent. The rest ends as after [`Handle::stop`], with close code
    /// 1012.
    pub fn leave(&self) {
        self.mailboxes.iter().for_each(|it| it.order(Order::Leave));
    }

    fn ask_all<R>(&self, order: impl Fn(Sender<R>) -> Order) -> Vec<Receiver<R>> {
        let ask = |mailbox: &Mailbox<M>| {
            let (to, answer) = channel();
            mailbox.order(order(to));
            answer
        };
        self.mailboxes.iter().map(ask).collect()
    }

    /// The mailboxes of all workers, in the order of their numbers, usable from any thread.
    pub fn mailboxes(&self) -> &[Mailbox<M>] {
        &self.mailboxes
    }

    /// The counters of each worker. They are not read at one instant, so they may not match
    /// exactly.
    pub fn counters(&self) -> Vec<Counters> {
        self.metrics
            .iter()
            .map(|metrics| metrics.counters())
            .collect()
    }

    /// Bytes that all workers hold for their peers, of at most
    /// [`Limits::memory_bytes`](crate::net::Limits::memory_bytes).
    pub fn held_bytes(&self) -> usize {
        self.mailboxes.first().map_or(0, Mailbox::held_bytes)
    }
}
