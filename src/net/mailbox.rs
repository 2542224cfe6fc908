//! How other threads reach an event loop: a queue, and a wake-up if the loop sleeps.
//!
//! Input: mail from any thread, with its size. Output: the loop takes all of it at once.
//! Invariants: a loop that has mail is awake or has been woken, and no system call is made for one
//! that is awake, such as the caller's own; what waits, whether or not the loop has taken it, is
//! bounded; a loop that has ended keeps nothing.
//!
//! ```text
//!   post ──▶ queue ──the loop takes all──▶ its list ──some each turn──▶ Service::mail
//!            └────────────── waiting: at most mail_bytes ─────────────┘
//!            above half of it every loop of the server stops reading (Pressure)
//! ```

use crate::net::memory::Memory;
#[cfg(feature = "take-over")]
use crate::net::moving::Order;
use crate::net::wake::Wake;
use std::fmt;
#[cfg(feature = "client")]
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Posts mail to one event loop; cheap to clone, usable from any thread.
#[derive(Debug)]
pub struct Mailbox<M> {
    shared: Arc<Shared<M>>,
}

#[derive(Debug)]
struct Shared<M> {
    queue: Mutex<Queue<M>>,
    waker: Wake,
    /// Something is in the queue.
    posted: AtomicBool,
    /// The loop checks the queue only if it is woken. It sets this and then reads `posted` once
    /// more, while a sender sets that and then reads this: at least one of the two sees the other.
    asleep: AtomicBool,
    /// Bytes that have been posted and not handled.
    waiting: AtomicUsize,
    limit: usize,
    pressure: Pressure,
    memory: Memory,
}

#[derive(Debug)]
struct Queue<M> {
    post: Vec<Post<M>>,
    /// The loop has ended.
    ended: bool,
}

/// What a mailbox can hold.
#[derive(Debug)]
pub(crate) enum Post<M> {
    /// For the service, with its size.
    Mail(M, usize),
    /// For the loop: stop gracefully.
    Stop,
    /// For the loop: the addresses of a server that is dialled again, if known.
    #[cfg(feature = "client")]
    Addresses(u64, Option<Vec<SocketAddr>>),
    /// For the loop, of a program that takes over from another or hands over to it.
    #[cfg(feature = "take-over")]
    Order(Order),
}

/// Why mail was not accepted. It is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PostError {
    /// [`Limits::mail_bytes`](crate::net::Limits::mail_bytes) are already waiting: try again later.
    Full,
    /// The loop has ended.
    Ended,
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too much mail waits for the event loop",
            Self::Ended => "the event loop has ended",
        })
    }
}

impl std::error::Error for PostError {}

/// How many mailboxes of a server are more than half full.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pressure {
    mailboxes: Arc<AtomicUsize>,
}

impl Pressure {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.mailboxes.load(Relaxed) > 0
    }
}

/// What one piece of mail costs besides its bytes, in lists that may be half empty.
const RECORD: usize = 64;

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> Mailbox<M> {
    pub(crate) fn new(waker: Wake, limit: usize, pressure: &Pressure, memory: &Memory) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Queue {
                    post: Vec::new(),
                    ended: false,
                }),
                waker,
                posted: AtomicBool::new(false),
                asleep: AtomicBool::new(false),
                waiting: AtomicUsize::new(0),
                limit,
                pressure: pressure.clone(),
                memory: memory.clone(),
            }),
        }
    }

    /// Hands `mail` to [`Service::mail`](crate::net::Service::mail) of that loop, in the order of
    /// the calls. `bytes` is its size on the heap; 0 if that is negligible. Never blocks longer
    /// than another caller needs to append.
    ///
    /// # Errors
    ///
    /// [`PostError::Full`] if [`Limits::mail_bytes`](crate::net::Limits::mail_bytes) are already
    /// waiting, and [`PostError::Ended`] if the loop has ended. While nothing waits, one piece of
    /// any size is accepted.
    pub fn post(&self, mail: M, bytes: usize) -> Result<(), PostError> {
        let bytes = Self::weight(bytes);
        if self.is_full() {
            return Err(PostError::Full);
        }
        self.put(Post::Mail(mail, bytes), bytes)
    }

    /// [`Mailbox::post`] would fail for lack of room: for callers that post to several mailboxes or
    /// to none.
    pub fn is_full(&self) -> bool {
        self.shared.waiting.load(Relaxed) >= self.shared.limit
    }

    /// Some mailbox of its server is more than half full.
    #[cfg_attr(not(feature = "push"), expect(dead_code))]
    pub(crate) fn is_pressed(&self) -> bool {
        self.shared.pressure.is_on()
    }

    /// Bytes that the loops of its server hold: see
    /// [`Context::held_bytes`](crate::net::Context::held_bytes).
    pub(crate) fn held_bytes(&self) -> usize {
        self.shared.memory.held()
    }

    /// What a service holds besides its mail was `before` and is `after`, in bytes; it counts
    /// toward [`Limits::memory_bytes`](crate::net::Limits::memory_bytes). Returns how much should
    /// be given back because the server holds too much.
    #[cfg_attr(not(feature = "push"), expect(dead_code))]
    pub(crate) fn charge(&self, before: usize, after: usize) -> usize {
        let memory = &self.shared.memory;
        memory.change_shared(before, after);
        memory.excess(0)
    }

    /// The result of the look-up with this number.
    #[cfg(feature = "client")]
    pub(crate) fn post_addresses(&self, number: u64, addresses: Option<Vec<SocketAddr>>) {
        let _ = self.put(Post::Addresses(number, addresses), 0);
    }

    #[cfg(feature = "take-over")]
    pub(crate) fn order(&self, order: Order) {
        let _ = self.put(Post::Order(order), 0);
    }

    pub(crate) fn stop(&self) {
        let _ = self.put(Post::Stop, 0);
    }

    /// Like [`Mailbox::post`], but even past the bound, and without the system call: for callers
    /// that hold a lock and have checked whether the mailbox [is full](Mailbox::is_full). If it
    /// returns true, the loop sleeps: call [`Mailbox::wake`] as soon as the lock is released.
    #[cfg_attr(not(feature = "push"), expect(dead_code))]
    pub(crate) fn append(&self, mail: M, bytes: usize) -> bool {
        let bytes = Self::weight(bytes);
        self.push(Post::Mail(mail, bytes), bytes) == Ok(true)
    }

    /// Wakes the loop, after [`Mailbox::append`].
    pub(crate) fn wake(&self) {
        self.shared.waker.wake();
    }

    fn put(&self, post: Post<M>, bytes: usize) -> Result<(), PostError> {
        if self.push(post, bytes)? {
            self.wake();
        }
        Ok(())
    }

    /// Whether the loop has to be woken.
    fn push(&self, post: Post<M>, bytes: usize) -> Result<bool, PostError> {
        let mut queue = self.lock();
        if queue.ended {
            return Err(PostError::Ended);
        }
        queue.post.push(post);
        self.count(bytes);
        self.shared.posted.store(true, SeqCst);
        drop(queue);
        Ok(self.shared.asleep.swap(false, SeqCst))
    }

    /// The cost of mail that holds this many bytes on the heap.
    fn weight(bytes: usize) -> usize {
        bytes + 2 * size_of::<Post<M>>() + RECORD
    }

    fn count(&self, bytes: usize) {
        let Shared { waiting, limit, .. } = &*self.shared;
        let before = waiting.fetch_add(bytes, Relaxed);
        if before <= limit / 2 && before + bytes > limit / 2 {
            self.shared.pressure.mailboxes.fetch_add(1, Relaxed);
        }
        self.shared.memory.add(bytes);
    }

    /// The loop has handled this much of the mail it took.
    pub(crate) fn handled(&self, bytes: usize) {
        let Shared { waiting, limit, .. } = &*self.shared;
        let before = waiting.fetch_sub(bytes, Relaxed);
        if before > limit / 2 && before - bytes <= limit / 2 {
            self.shared.pressure.mailboxes.fetch_sub(1, Relaxed);
        }
        self.shared.memory.sub(bytes);
    }

    /// Something has been posted that was not yet taken.
    #[inline]
    pub(crate) fn has_post(&self) -> bool {
        self.shared.posted.load(SeqCst)
    }

    /// Takes everything that has been posted; `into` is empty and lends its memory.
    pub(crate) fn take(&self, into: &mut Vec<Post<M>>) {
        debug_assert!(into.is_empty());
        let mut queue = self.lock();
        self.shared.posted.store(false, SeqCst);
        std::mem::swap(&mut queue.post, into);
    }

    /// The loop is about to sleep: from now on it is woken. False if it has mail.
    #[inline]
    pub(crate) fn fall_asleep(&self) -> bool {
        self.shared.asleep.store(true, SeqCst);
        !self.has_post()
    }

    /// The loop is awake, and will look here before it sleeps.
    #[inline]
    pub(crate) fn awake(&self) {
        self.shared.asleep.store(false, Relaxed);
    }

    /// The loop has ended: what waits is dropped, and new mail is refused.
    pub(crate) fn end(&self) {
        let mut queue = self.lock();
        queue.ended = true;
        let rest = std::mem::take(&mut queue.post);
        drop(queue);
        drop(rest); // Outside the lock: it may be large, or itself post mail when it is dropped.
        self.handled(self.shared.waiting.load(Relaxed));
    }

    fn lock(&self) -> MutexGuard<'_, Queue<M>> {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl<M> Mailbox<M> {
    /// A mailbox that no loop reads.
    pub(crate) fn unread() -> Self {
        let memory = Memory::new(usize::MAX, 1);
        Self::new(Wake::new(|| Ok(())), 1 << 20, &Pressure::default(), &memory)
    }

    /// All mail that has been posted.
    pub(crate) fn take_mail(&self) -> Vec<M> {
        let mut posts = Vec::new();
        self.take(&mut posts);
        let mail = |post| match post {
            Post::Mail(mail, bytes) => {
                self.handled(bytes);
                Some(mail)
            }
            _ => None,
        };
        posts.into_iter().filter_map(mail).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailboxes(limit: usize) -> ([Mailbox<u8>; 2], Pressure, Memory) {
        let waker = Wake::new(|| Ok(()));
        let (pressure, memory) = (Pressure::default(), Memory::new(1 << 20, 2));
        let new = || Mailbox::new(waker.clone(), limit, &pressure, &memory);
        ([new(), new()], pressure.clone(), memory.clone())
    }

    #[test]
    fn a_full_mailbox_refuses_and_pressure_begins_at_half() {
        let ([one, other], pressure, memory) = mailboxes(10_000);
        assert_eq!(
            one.post(1, 20_000),
            Ok(()),
            "anything fits into an empty one"
        );
        assert_eq!(one.post(2, 0), Err(PostError::Full));
        assert_eq!(other.post(3, 4_000), Ok(()));
        assert!(pressure.is_on());
        let mut taken = Vec::new();
        one.take(&mut taken);
        assert!(one.is_full(), "taken is not handled");
        let [Post::Mail(1, bytes)] = taken[..] else {
            panic!("{taken:?}");
        };
        one.handled(bytes);
        assert!(!pressure.is_on() && !one.is_full());
        for _ in 0..2 {
            assert_eq!(other.post(4, 1_000), Ok(()));
        }
        assert!(pressure.is_on());
        other.end();
        assert!(!pressure.is_on());
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn only_a_loop_that_sleeps_is_woken_and_only_once() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let waker = Wake::new(move || {
            counted.fetch_add(1, Relaxed);
            Ok(())
        });
        let memory = Memory::new(1 << 20, 1);
        let mailbox = Mailbox::new(waker, 1 << 20, &Pressure::default(), &memory);
        let post = |expected| {
            assert_eq!(mailbox.post(1, 0), Ok(()));
            assert_eq!(wakes.swap(0, Relaxed), expected);
        };
        post(0);
        assert!(!mailbox.fall_asleep(), "it has mail");
        mailbox.awake();
        let mut taken = Vec::new();
        mailbox.take(&mut taken);
        assert!(!mailbox.has_post() && mailbox.fall_asleep());
        post(1);
        post(0);
        mailbox.awake();
        post(0);
        assert!(mailbox.has_post());
    }

    #[test]
    fn one_that_has_ended_keeps_nothing() {
        struct Counted(Arc<()>);
        let waker = Wake::new(|| Ok(()));
        let memory = Memory::new(1 << 20, 1);
        let mailbox = Mailbox::new(waker, 1000, &Pressure::default(), &memory);
        let alive = Arc::new(());
        assert_eq!(mailbox.post(Counted(Arc::clone(&alive)), 0), Ok(()));
        mailbox.end();
        assert_eq!(Arc::strong_count(&alive), 1);
        let late = Counted(Arc::clone(&alive));
        assert_eq!(mailbox.post(late, 0), Err(PostError::Ended));
        assert_eq!((Arc::strong_count(&alive), memory.held()), (1, 0));
        assert_eq!(Arc::strong_count(&Counted(alive).0), 1);
    }
}
