//! How other threads reach an event loop: a queue and one wake-up per burst.
//!
//! Comes in: mail from any thread. Goes out: the loop takes all of it at once. Invariant: a loop
//! that has mail is awake or has been woken.

use mio::Waker;
use std::sync::{Arc, Mutex, PoisonError};

/// Posts to one event loop; cheap to clone, usable from any thread.
#[derive(Debug)]
pub struct Mailbox<M> {
    shared: Arc<Shared<M>>,
}

#[derive(Debug)]
struct Shared<M> {
    post: Mutex<Vec<Post<M>>>,
    waker: Arc<Waker>,
}

/// What can lie in a mailbox.
#[derive(Debug)]
pub(super) enum Post<M> {
    /// For the service.
    Mail(M),
    /// For the loop: stop gracefully.
    Stop,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> Mailbox<M> {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            shared: Arc::new(Shared {
                post: Mutex::default(),
                waker,
            }),
        }
    }

    /// Hands `mail` to [`Service::mail`](crate::net::Service::mail) of that loop, in the order of
    /// the calls. Never blocks for longer than another caller needs to append. Mail for a loop
    /// that has ended is dropped with it.
    pub fn post(&self, mail: M) {
        self.put(Post::Mail(mail));
    }

    pub(super) fn stop(&self) {
        self.put(Post::Stop);
    }

    /// As [`Mailbox::post`], without the system call: for callers that hold a lock. If it returns
    /// true, call [`Mailbox::wake`] as soon as the lock is gone.
    #[cfg_attr(not(feature = "push"), expect(dead_code))]
    pub(crate) fn append(&self, mail: M) -> bool {
        self.push(Post::Mail(mail))
    }

    /// Wakes the loop, for [`Mailbox::append`].
    pub(crate) fn wake(&self) {
        if let Err(error) = self.shared.waker.wake() {
            log::error!("an event loop cannot be woken: {error}");
        }
    }

    fn put(&self, post: Post<M>) {
        if self.push(post) {
            self.wake();
        }
    }

    /// Whether the queue was empty before: then the loop has to be woken.
    fn push(&self, post: Post<M>) -> bool {
        let mut queue = self
            .shared
            .post
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let was_empty = queue.is_empty();
        queue.push(post);
        was_empty
    }

    /// Takes everything that has been posted; `into` is empty and lends its memory.
    pub(super) fn take(&self, into: &mut Vec<Post<M>>) {
        debug_assert!(into.is_empty());
        let mut queue = self
            .shared
            .post
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *queue, into);
    }
}

#[cfg(test)]
impl<M> Mailbox<M> {
    /// A mailbox that no loop reads.
    pub(crate) fn unread() -> Self {
        let poll = mio::Poll::new().expect("an event queue");
        let waker = Waker::new(poll.registry(), mio::Token(0)).expect("a waker");
        Self::new(Arc::new(waker))
    }

    /// All mail that has been posted.
    pub(crate) fn take_mail(&self) -> Vec<M> {
        let mut posts = Vec::new();
        self.take(&mut posts);
        let mail = |post| match post {
            Post::Mail(mail) => Some(mail),
            Post::Stop => None,
        };
        posts.into_iter().filter_map(mail).collect()
    }
}
