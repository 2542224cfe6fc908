//! The mailboxes of workers, whatever else they take.
//!
//! Input: mail of one sender, such as the broker. Output: mail of the service. Invariant: an append
//! never waits, and never makes a system call.

use crate::net::Mailbox;

/// A [`Mailbox`] that takes mail of type `M`, perhaps among others.
pub(super) trait Worker<M>: Send + Sync {
    /// Appends mail; returns whether the loop sleeps and has to be woken.
    fn append(&self, mail: M, bytes: usize) -> bool;
    fn is_full(&self) -> bool;
    /// Some mailbox of its server is more than half full.
    fn is_pressed(&self) -> bool;
    fn wake(&self);
    /// What is held besides mail was `before` and is `after`: counts toward
    /// [`memory_bytes`](crate::net::Limits::memory_bytes). Returns how much must be given back.
    fn charge(&self, before: usize, after: usize) -> usize;
}

/// The mailboxes of a server, by the number of the worker.
pub(super) type Workers<M> = Vec<Box<dyn Worker<M>>>;

/// The mailboxes of a service whose mail is `S`.
pub(super) fn workers<M, S>(mailboxes: &[Mailbox<S>]) -> Workers<M>
where
    S: From<M> + Send + 'static,
{
    let new = |it: &Mailbox<S>| Box::new(it.clone()) as Box<dyn Worker<M>>;
    mailboxes.iter().map(new).collect()
}

impl<M, S: From<M> + Send> Worker<M> for Mailbox<S> {
    fn append(&self, mail: M, bytes: usize) -> bool {
        Mailbox::append(self, mail.into(), bytes)
    }

    fn is_full(&self) -> bool {
        Mailbox::is_full(self)
    }

    fn is_pressed(&self) -> bool {
        Mailbox::is_pressed(self)
    }

    fn wake(&self) {
        Mailbox::wake(self);
    }

    fn charge(&self, before: usize, after: usize) -> usize {
        Mailbox::charge(self, before, after)
    }
}
