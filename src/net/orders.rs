//! What a program orders the workers of a server to do that hands over to another process, or takes
//! over from one.
//!
//! Input: calls, with the time by which they are to be answered. Output: listeners, connections.
//! Invariant: a worker that does not answer in time is reported, and nothing waits longer. What the
//! orders do is left to the engine.

use crate::net::handle::Handle;
use crate::net::mailbox::Mailbox;
use crate::net::moving::{Moved, MovedListener, Order, Unsettled, ask, wait};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// Handing connections over to another process.
impl<M> Handle<M> {
    /// Stops reading and accepting, so that another process can take over, and returns what still
    /// prevents that: to be called until nothing is [unsettled](Unsettled). Output still leaves.
    ///
    /// # Errors
    ///
    /// A loop has not answered by `until`. As after all of these calls, [`Handle::go`] lets the
    /// loops go on.
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
        let mailbox = &self.mailboxes()[worker];
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
        let mailbox = &self.mailboxes()[worker];
        ask(until, |to| mailbox.order(Order::Adopt(moved, to)))
    }

    /// All loops go on after a [rest](Handle::rest), or begin.
    pub fn go(&self) {
        self.mailboxes().iter().for_each(|it| it.order(Order::Go));
    }

    /// Another process has what was lent. The rest ends as after [`Handle::stop`], with close code
    /// 1012.
    pub fn leave(&self) {
        self.mailboxes()
            .iter()
            .for_each(|it| it.order(Order::Leave));
    }

    fn ask_all<R>(&self, order: impl Fn(Sender<R>) -> Order) -> Vec<Receiver<R>> {
        let ask = |mailbox: &Mailbox<M>| {
            let (to, answer) = channel();
            mailbox.order(order(to));
            answer
        };
        self.mailboxes().iter().map(ask).collect()
    }
}
