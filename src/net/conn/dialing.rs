//! Connections that the loop opens itself: those that wait for their turn, and those in progress.
//!
//! ```text
//!   Context::dial ──▶ queue of the server ──permit───▶ Phase::Dial ──101──▶ Phase::Open
//!                          ▲                                │ fails              │ ends
//!                          └──── later, after a wait ◀──────┴────────────────────┘
//! ```
//!
//! Attempts for one server wait for each other (RFC 6455 section 4.1, item 2), and a lost
//! connection may be dialled again with growing waits (section 7.2.3). The exchange is left to
//! `client`, which needs no socket, and its use to the engine.

use crate::client::open::Opening;
use crate::client::open::{ConnectPermit, Remote};
use crate::client::{Backoff, Endpoint, Error};
use crate::net::words::Delivery;
use crate::proto::Millis;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// A connection to open.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The server. The limits in its options for messages and times are ignored: a loop has the
    /// same for all its connections. Its own tap replaces that of the loop.
    pub endpoint: Arc<Endpoint>,
    /// A number for the service to use: see [`Context::tag`](crate::net::Context::tag).
    pub tag: u32,
    /// How its messages are delivered.
    pub delivery: Delivery,
    /// Dials again when the connection fails or ends, unless the service has closed it.
    pub reconnect: Option<Backoff>,
}

impl Dial {
    /// Dials once, with the tag 0.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            endpoint,
            tag: 0,
            delivery: Delivery::Messages,
            reconnect: None,
        }
    }
}

/// A dial and its progress so far.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) dial: Dial,
    /// Where to connect: the addresses of the endpoint, or those that a later look-up found.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Which of them is next.
    pub(crate) address: usize,
    /// The addresses may have changed since they were looked up.
    stale: bool,
    /// Consecutive attempts that failed.
    pub(crate) failed: u32,
    /// Milliseconds that are left for all addresses, not counting waits for permits.
    pub(crate) left: Millis,
    /// When the attempt at the current address began.
    pub(crate) began: Millis,
}

impl Attempt {
    pub(crate) fn new(dial: Dial, failed: u32) -> Self {
        Self {
            left: Millis::from(dial.endpoint.options.limits.open_ms),
            began: 0,
            addresses: dial.endpoint.addresses().to_vec(),
            dial,
            address: 0,
            stale: false,
            failed,
        }
    }

    /// Starts the attempt at the current address and returns when it must end: each address that is
    /// left has an equal share, so that a silent one does not use up the time of those that may
    /// answer.
    pub(crate) fn begin(&mut self, now: Millis) -> Millis {
        let addresses = self.addresses.len() - self.address;
        self.began = now;
        now + self.left / addresses.max(1) as Millis
    }

    /// The address to connect to now.
    pub(crate) fn current(&self) -> SocketAddr {
        self.addresses[self.address]
    }
}

/// A connection on its way to the phase Open.
#[derive(Debug)]
pub(crate) struct Dialing {
    pub(crate) attempt: Attempt,
    pub(crate) opening: Opening,
    /// What is sent as soon as TCP is connected.
    pub(crate) first: Vec<u8>,
    pub(crate) deadline: Millis,
    pub(crate) error: Option<Error>,
    /// It was cancelled: the service is not called about it.
    pub(crate) cancelled: bool,
    pub(crate) _permit: ConnectPermit,
}

impl Dialing {
    pub(crate) fn deadline(&self) -> Millis {
        self.deadline
    }

    /// The server sends no more.
    pub(crate) fn receive_eof(&mut self) {
        self.error = Some(self.opening.receive_eof());
    }

    pub(crate) fn timed_out(&mut self) {
        self.error = Some(match self.is_connecting() {
            true => Error::Connect(io::ErrorKind::TimedOut.into()),
            false => self.opening.timed_out(),
        });
    }

    /// The encrypted connection has failed.
    pub(crate) fn insecure(&mut self, error: io::Error) {
        self.error = Some(Error::of_stream(error));
    }

    /// TCP is not connected yet.
    pub(crate) fn is_connecting(&self) -> bool {
        !self.first.is_empty()
    }
}

/// What waits to be dialled.
#[derive(Debug, Default)]
pub(crate) struct Dials {
    queues: HashMap<Remote, VecDeque<Attempt>>,
    /// By time, and by number where times are equal.
    later: BTreeMap<(Millis, u64), Attempt>,
    numbers: u64,
    /// An attempt was added, or a permit was given back.
    look: bool,
    /// Another thread has the permit.
    retry_at: Option<Millis>,
    /// Open connections that are to be dialled again, and since when they have been open.
    kept: HashMap<u32, (Attempt, Millis)>,
    /// Attempts whose addresses are being looked up, by look-up number.
    looked_up: HashMap<u64, Attempt>,
    /// Subprotocols that servers have chosen.
    subprotocols: HashMap<u32, String>,
}

/// How often to check whether another thread has given a permit back.
const RETRY_MS: Millis = 5;

impl Dials {
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let next = self.later.keys().next().map(|(at, _)| *at);
        let look = self.look.then_some(0);
        [next, self.retry_at, look].into_iter().flatten().min()
    }

    /// There is something to dial, or there may be.
    pub(crate) fn is_due(&self, now: Millis) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }

    /// See [`Context::dial`](crate::net::Context::dial).
    pub(crate) fn dial(&mut self, dial: Dial) {
        self.enqueue(Attempt::new(dial, 0));
    }

    pub(crate) fn enqueue(&mut self, attempt: Attempt) {
        let remote = attempt.dial.endpoint.remote(attempt.current());
        self.queues.entry(remote).or_default().push_back(attempt);
        self.look = true;
    }

    /// A permit was given back: whatever waits for the same server may begin.
    pub(crate) fn look(&mut self) {
        self.look = true;
    }

    /// Begins again after a wait; gives the attempt back if there is to be no other.
    pub(crate) fn postpone(&mut self, mut attempt: Attempt, now: Millis) -> Option<Attempt> {
        let backoff = attempt.dial.reconnect;
        let Some(delay) = backoff.and_then(|backoff| backoff.delay(attempt.failed)) else {
            return Some(attempt);
        };
        attempt.failed += 1;
        attempt.address = 0;
        attempt.stale = true;
        attempt.left = Millis::from(attempt.dial.endpoint.options.limits.open_ms);
        self.numbers += 1;
        let at = now + delay.as_millis() as Millis;
        self.later.insert((at, self.numbers), attempt);
        None
    }

    /// An attempt that is due and whose addresses are to be looked up: pass the answer to
    /// [`Dials::found`], with this number.
    pub(crate) fn next_lookup(&mut self, now: Millis) -> Option<(u64, Arc<Endpoint>)> {
        loop {
            let first = self.later.first_entry()?;
            if first.key().0 > now {
                return None;
            }
            let attempt = first.remove();
            if !attempt.stale {
                self.enqueue(attempt);
                continue;
            }
            self.numbers += 1;
            let endpoint = Arc::clone(&attempt.dial.endpoint);
            self.looked_up.insert(self.numbers, attempt);
            return Some((self.numbers, endpoint));
        }
    }

    /// Addresses were looked up; without any, those from before are tried.
    pub(crate) fn found(&mut self, number: u64, addresses: Option<Vec<SocketAddr>>) {
        let Some(mut attempt) = self.looked_up.remove(&number) else {
            return; // It has been cancelled.
        };
        attempt.addresses = addresses.unwrap_or(attempt.addresses);
        attempt.stale = false;
        self.enqueue(attempt);
    }

    /// Drops all dials and redials with this tag.
    pub(crate) fn cancel(&mut self, tag: u32) {
        let other = |attempt: &Attempt| attempt.dial.tag != tag;
        for queue in self.queues.values_mut() {
            queue.retain(other);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        self.later.retain(|_, attempt| other(attempt));
        self.looked_up.retain(|_, attempt| other(attempt));
        self.kept.retain(|_, (attempt, _)| other(attempt));
    }

    /// The attempts that are due, with their permits.
    pub(crate) fn next(&mut self, now: Millis) -> Vec<(Attempt, ConnectPermit)> {
        (self.look, self.retry_at) = (false, None);
        let mut next = Vec::new();
        self.queues.retain(|remote, queue| {
            let first = queue.front().map(|attempt| &attempt.dial.endpoint);
            let most = first.map_or(1, |endpoint| endpoint.options.handshakes);
            match ConnectPermit::take(remote.clone(), most) {
                Some(permit) => next.extend(queue.pop_front().map(|attempt| (attempt, permit))),
                None => self.retry_at = Some(now + RETRY_MS),
            }
            !queue.is_empty()
        });
        next
    }

    /// A connection is open that is to be dialled again when it ends.
    pub(crate) fn keep(&mut self, index: u32, dial: Dial, failed: u32, now: Millis) {
        if dial.reconnect.is_some() {
            self.kept.insert(index, (Attempt::new(dial, failed), now));
        }
    }

    /// The server has chosen a subprotocol for this connection.
    pub(crate) fn choose(&mut self, index: u32, subprotocol: Option<&str>) {
        if let Some(name) = subprotocol {
            self.subprotocols.insert(index, name.to_owned());
        }
    }

    /// The subprotocol of a connection that was dialled.
    pub(crate) fn subprotocol(&self, index: u32) -> Option<&str> {
        self.subprotocols.get(&index).map(String::as_str)
    }

    /// The service has closed this connection: it is not dialled again.
    pub(crate) fn forget(&mut self, index: u32) {
        self.kept.remove(&index);
    }

    /// A connection that was open has ended: it is dialled again if its dial asks for it.
    pub(crate) fn ended(&mut self, index: u32, now: Millis, stopping: bool) {
        self.subprotocols.remove(&index);
        let Some((mut attempt, since)) = self.kept.remove(&index) else {
            return;
        };
        let backoff = attempt.dial.reconnect.unwrap_or_default();
        if now - since > Millis::from(backoff.most_ms) {
            attempt.failed = 0;
        }
        if !stopping {
            self.postpone(attempt, now);
        }
    }

    /// Nothing more is dialled.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
