//! The mailboxes of workers, whatever else they take.
//!
//! Input: mail of the broker. Output: mail of the service. Invariant: an append never waits, and
//! never makes a system call.

use crate::net::Mailbox;
use crate::push::broker::mail::BrokerMail;

/// A mailbox, whatever else it takes: see [`Mailbox`].
pub(super) trait Worker: Send + Sync {
    fn append(&self, mail: BrokerMail, bytes: usize) -> bool;
    fn is_full(&self) -> bool;
    fn wake(&self);
}

impl<M: From<BrokerMail> + Send> Worker for Mailbox<M> {
    fn append(&self, mail: BrokerMail, bytes: usize) -> bool {
        Mailbox::append(self, mail.into(), bytes)
    }

    fn is_full(&self) -> bool {
        Mailbox::is_full(self)
    }

    fn wake(&self) {
        Mailbox::wake(self);
    }
}
