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
    ///
    /// Its options decide whether compression is offered, and with which windows and takeovers. A
    /// loop compresses for all its connections by the same settings and with the same budget: those
    /// of its own options, or else those of the first dial that has agreed to compression. Clients
    /// that it accepts get what its own options say.
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
    lookups: Lookups,
    /// Subprotocols that servers have chosen.
    subprotocols: HashMap<u32, String>,
}

/// Names that are looked up before an attempt: each once at a time, however many attempts need it.
#[derive(Debug, Default)]
struct Lookups {
    /// By number.
    all: HashMap<u64, Lookup>,
    numbers: HashMap<Name, u64>,
    /// Those that have not begun.
    waiting: VecDeque<u64>,
    /// How many have begun: each has a thread.
    running: usize,
}

#[derive(Debug)]
struct Lookup {
    name: Name,
    attempts: Vec<Attempt>,
}

/// Host and port.
type Name = (String, u16);

/// Look-ups of one loop at the same time. A resolver that does not answer keeps a thread for some
/// seconds.
const MOST_LOOKUPS: usize = 16;

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
        attempt.stale = attempt.dial.endpoint.name().is_some();
        attempt.left = Millis::from(attempt.dial.endpoint.options.limits.open_ms);
        self.numbers += 1;
        let at = now + delay.as_millis() as Millis;
        self.later.insert((at, self.numbers), attempt);
        None
    }

    /// An endpoint whose addresses are to be looked up, as attempts that need them are due: pass
    /// the answer to [`Dials::found`], with this number.
    pub(crate) fn next_lookup(&mut self, now: Millis) -> Option<(u64, Arc<Endpoint>)> {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now
        {
            let attempt = first.remove();
            match attempt.dial.endpoint.name().filter(|_| attempt.stale) {
                None => self.enqueue(attempt),
                Some(name) => {
                    self.numbers += 1;
                    self.lookups.add(self.numbers, name, attempt);
                }
            }
        }
        self.lookups.next()
    }

    /// Addresses were looked up; without any, those from before are tried.
    pub(crate) fn found(&mut self, number: u64, addresses: Option<Vec<SocketAddr>>) {
        for mut attempt in self.lookups.end(number) {
            if let Some(addresses) = &addresses {
                attempt.addresses.clone_from(addresses);
            }
            attempt.stale = false;
            self.enqueue(attempt);
        }
        self.look = true; // Another look-up may begin.
    }

    /// Drops all dials and redials with this tag.
    pub(crate) fn cancel(&mut self, tag: u32) {
        let other = |attempt: &Attempt| attempt.dial.tag != tag;
        for queue in self.queues.values_mut() {
            queue.retain(other);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        self.later.retain(|_, attempt| other(attempt));
        for lookup in self.lookups.all.values_mut() {
            lookup.attempts.retain(other);
        }
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

impl Lookups {
    /// This attempt needs the addresses of this name; `number` is for a new look-up.
    fn add(&mut self, number: u64, name: Name, attempt: Attempt) {
        if let Some(known) = self.numbers.get(&name)
            && let Some(lookup) = self.all.get_mut(known)
        {
            return lookup.attempts.push(attempt);
        }
        self.numbers.insert(name.clone(), number);
        let attempts = vec![attempt];
        self.all.insert(number, Lookup { name, attempts });
        self.waiting.push_back(number);
    }

    /// The next one that may begin.
    fn next(&mut self) -> Option<(u64, Arc<Endpoint>)> {
        while self.running < MOST_LOOKUPS {
            let number = self.waiting.pop_front()?;
            let attempts = self.all.get(&number).map(|lookup| &lookup.attempts);
            if let Some(first) = attempts.and_then(|attempts| attempts.first()) {
                self.running += 1;
                return Some((number, Arc::clone(&first.dial.endpoint)));
            }
            self.remove(number); // All have been cancelled.
        }
        None
    }

    /// One has ended: the attempts that have waited for it.
    fn end(&mut self, number: u64) -> Vec<Attempt> {
        let attempts = self.remove(number);
        self.running -= usize::from(attempts.is_some());
        attempts.unwrap_or_default()
    }

    fn remove(&mut self, number: u64) -> Option<Vec<Attempt>> {
        let lookup = self.all.remove(&number)?;
        self.numbers.remove(&lookup.name);
        Some(lookup.attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Options, ProxyChoice};

    /// An attempt at a server of this port that has failed, and is due at 0 again.
    fn fail(dials: &mut Dials, port: usize, tag: u32) {
        let options = Options::default().proxy(ProxyChoice::Direct);
        let uri = format!("ws://127.0.0.1:{port}/");
        let endpoint = Endpoint::resolve(&uri, options).expect("an address");
        let dial = Dial {
            tag,
            reconnect: Some(Backoff::default().first_ms(0)),
            ..Dial::new(Arc::new(endpoint))
        };
        assert!(dials.postpone(Attempt::new(dial, 0), 0).is_none());
    }

    fn lookups(dials: &mut Dials) -> Vec<u64> {
        std::iter::from_fn(|| dials.next_lookup(0))
            .map(|(number, _)| number)
            .collect()
    }

    fn enqueued(dials: &Dials) -> usize {
        dials.queues.values().map(VecDeque::len).sum()
    }

    #[test]
    fn a_name_is_looked_up_once_for_all_that_wait_for_it() {
        let mut dials = Dials::default();
        (0..1000).for_each(|_| fail(&mut dials, 9, 0));
        let numbers = lookups(&mut dials);
        assert_eq!(numbers.len(), 1);
        fail(&mut dials, 9, 0); // It waits for the same answer.
        assert_eq!(lookups(&mut dials).len(), 0);
        assert_eq!((dials.deadline(), enqueued(&dials)), (None, 0));
        let moved = SocketAddr::from(([127, 0, 0, 2], 9));
        dials.found(numbers[0], Some(vec![moved]));
        assert_eq!(dials.queues[&Remote::Address(moved)].len(), 1001);
        fail(&mut dials, 9, 0);
        assert_eq!(lookups(&mut dials).len(), 1, "the next answer may differ");
    }

    #[test]
    fn only_some_names_are_looked_up_at_a_time() {
        let mut dials = Dials::default();
        (0..100).for_each(|number| fail(&mut dials, 1000 + number, number as u32 % 2));
        let first = lookups(&mut dials);
        assert_eq!(first.len(), MOST_LOOKUPS);
        // Those that have begun go on; of the others every second has ended.
        dials.cancel(1);
        let (mut running, mut count) = (first, MOST_LOOKUPS);
        while let Some(number) = running.pop() {
            dials.found(number, None);
            dials.found(number, None); // An answer counts once.
            assert!(dials.is_due(0));
            let more = lookups(&mut dials);
            count += more.len();
            running.extend(more);
            assert!(running.len() <= MOST_LOOKUPS);
        }
        assert_eq!(count, MOST_LOOKUPS + (100 - MOST_LOOKUPS) / 2);
        assert_eq!(enqueued(&dials), 50);
        assert!(dials.lookups.all.is_empty() && dials.lookups.numbers.is_empty());
    }
}
