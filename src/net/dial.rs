//! Connections that the loop itself opens: the client's role of RFC 6455.
//!
//! Comes in: a [`Dial`] of the service. Goes out: a peer in the phase Open, or the reason why
//! there is none. Attempts for one server wait for each other (section 4.1, item 2), and a lost
//! connection may be dialled again with growing waits (section 7.2.3).
//!
//! ```text
//!   Context::dial ──▶ queue of the server ──its turn──▶ Phase::Dial ──101──▶ Phase::Open
//!                          ▲                                │ fails              │ ends
//!                          └──── later, after a wait ◀──────┴────────────────────┘
//! ```
//!
//! The exchange is left to `client::open`, which needs no socket. Without the feature `client`,
//! `no_dial` stands in this place. Invariant: each dial ends in one `opened` or one `not_opened`
//! of the service, unless the loop stops before.

use crate::client::open::{BODY_GRACE_MS, Opened, Opening};
use crate::client::open::{ConnectPermit as Turn, Remote};
use crate::client::{Backoff, Endpoint, Error};
use crate::net::context::Context;
use crate::net::core::Core;
use crate::net::event_loop::EventLoop;
use crate::net::input::Reader;
use crate::net::peer::{Peer, Phase};
use crate::net::service::Service;
use crate::net::slots::PeerId;
use crate::net::transport::Transport;
use crate::proto::{Connection, Millis, Role};
use mio::Token;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::{io, mem};

/// Where masking keys come from.
pub(super) type Source = crate::client::Random;

/// A connection to open.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The server. Of its options the bounds for messages and time do not count: a loop has the
    /// same for all its connections. A tap of its own takes the place of the loop's.
    pub endpoint: Arc<Endpoint>,
    /// A number of the service's own: see [`Context::tag`].
    pub tag: u32,
    /// Dials again when the connection fails or ends, unless the service has closed it.
    pub reconnect: Option<Backoff>,
}

/// A dial, and how it has gone so far.
#[derive(Debug)]
struct Attempt {
    dial: Dial,
    /// Which address of the endpoint is next.
    address: usize,
    /// Attempts that failed, one after the other.
    failed: u32,
    /// Milliseconds that are left for all addresses, without the waits for turns.
    left: Millis,
    /// When the attempt at the current address began.
    began: Millis,
}

impl Attempt {
    fn new(dial: Dial, failed: u32) -> Self {
        Self {
            left: Millis::from(dial.endpoint.options.open_ms),
            began: 0,
            dial,
            address: 0,
            failed,
        }
    }

    /// When the attempt at the current address ends, which begins: each of those that are left has
    /// an equal share, so that a silent one does not take the time of those that may answer.
    fn begin(&mut self, now: Millis) -> Millis {
        let addresses = self.dial.endpoint.addresses().len() - self.address;
        self.began = now;
        now + self.left / addresses.max(1) as Millis
    }
}

/// A connection on its way to the phase Open.
#[derive(Debug)]
pub(super) struct Dialing {
    attempt: Attempt,
    opening: Opening,
    /// What is sent as soon as TCP is connected.
    first: Vec<u8>,
    deadline: Millis,
    error: Option<Error>,
    _turn: Turn,
}

/// What waits to be dialled.
#[derive(Debug, Default)]
pub(super) struct Dials {
    queues: HashMap<Remote, VecDeque<Attempt>>,
    /// By time, and by number where times are equal.
    later: BTreeMap<(Millis, u64), Attempt>,
    numbers: u64,
    /// An attempt was added, or a turn has ended.
    look: bool,
    /// Another thread has a turn that is waited for.
    retry_at: Option<Millis>,
    /// Open connections that are to be dialled again, and since when they are open.
    kept: HashMap<u32, (Attempt, Millis)>,
}

/// How often to look whether a turn of another thread has ended.
const RETRY_MS: Millis = 5;

impl Dials {
    pub(super) fn deadline(&self) -> Option<Millis> {
        let next = self.later.keys().next().map(|(at, _)| *at);
        let look = self.look.then_some(0);
        [next, self.retry_at, look].into_iter().flatten().min()
    }

    /// There is something to dial, or there may be.
    fn is_due(&self, now: Millis) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }

    fn enqueue(&mut self, attempt: Attempt) {
        let Dial { endpoint, .. } = &attempt.dial;
        let remote = endpoint.remote(endpoint.addresses()[attempt.address]);
        self.queues.entry(remote).or_default().push_back(attempt);
        self.look = true;
    }

    /// Begins anew after a wait; gives the attempt back if there shall be no other.
    fn postpone(&mut self, mut attempt: Attempt, now: Millis) -> Option<Attempt> {
        let backoff = attempt.dial.reconnect;
        let Some(delay) = backoff.and_then(|backoff| backoff.delay(attempt.failed)) else {
            return Some(attempt);
        };
        attempt.failed += 1;
        attempt.address = 0;
        attempt.left = Millis::from(attempt.dial.endpoint.options.open_ms);
        self.numbers += 1;
        let at = now + delay.as_millis() as Millis;
        self.later.insert((at, self.numbers), attempt);
        None
    }

    /// The attempts whose time and turn have come.
    fn next(&mut self, now: Millis) -> Vec<(Attempt, Turn)> {
        while let Some(entry) = self
            .later
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let attempt = entry.remove();
            self.enqueue(attempt);
        }
        (self.look, self.retry_at) = (false, None);
        let mut next = Vec::new();
        self.queues.retain(|remote, queue| {
            let first = queue.front().map(|attempt| &attempt.dial.endpoint);
            let most = first.map_or(1, |endpoint| endpoint.options.handshakes);
            match Turn::take(remote.clone(), most) {
                Some(turn) => next.extend(queue.pop_front().map(|attempt| (attempt, turn))),
                None => self.retry_at = Some(now + RETRY_MS),
            }
            !queue.is_empty()
        });
        next
    }
}

impl Dialing {
    pub(super) fn deadline(&self) -> Millis {
        self.deadline
    }

    /// The server sends no more.
    pub(super) fn receive_eof(&mut self) {
        self.error = Some(self.opening.receive_eof());
    }

    pub(super) fn timed_out(&mut self) {
        self.error = Some(match self.is_connecting() {
            true => Error::Connect(io::ErrorKind::TimedOut.into()),
            false => self.opening.timed_out(),
        });
    }

    /// TCP is not connected yet.
    fn is_connecting(&self) -> bool {
        !self.first.is_empty()
    }
}

impl<S: Service> EventLoop<S> {
    /// Begins the attempts that are due.
    pub(super) fn dial(&mut self) {
        let now = self.core.now;
        if !self.core.dials.is_due(now) {
            return;
        }
        for (mut attempt, turn) in self.core.dials.next(now) {
            let deadline = attempt.begin(now);
            let endpoint = &attempt.dial.endpoint;
            let mut first = Vec::new();
            let opening = Opening::new(endpoint, &mut first);
            let stream = Transport::connect(endpoint.addresses()[attempt.address]);
            match (opening, stream) {
                (Err(error), _) => self.dial_failed(attempt, error),
                (_, Err(error)) => self.dial_failed(attempt, Error::Connect(error)),
                (Ok(opening), Ok(stream)) => {
                    let dialing = Dialing {
                        deadline,
                        attempt,
                        opening,
                        first,
                        error: None,
                        _turn: turn,
                    };
                    self.watch(stream, dialing);
                }
            }
        }
    }

    fn watch(&mut self, mut transport: Transport, dialing: Dialing) {
        let index = self.core.peers.vacant();
        let registered = transport.register(self.poll.registry(), Token(index as usize));
        let mut peer = Peer::new(transport, self.core.now);
        peer.phase = Phase::Dial(Box::new(dialing));
        self.core.peers.insert(peer);
        match registered {
            Ok(()) => self.core.arm(index),
            Err(error) => self.core.dial_error(index, Error::Connect(error)),
        }
    }

    /// A peer has been removed: it may have been an attempt, or is to be dialled again.
    pub(super) fn removed(&mut self, index: u32, peer: Peer) {
        let now = self.core.now;
        let kept = self.core.dials.kept.remove(&index);
        if let Phase::Dial(dialing) = peer.phase {
            self.core.dials.look = true; // The turn ends with the peer.
            let Dialing { attempt, error, .. } = *dialing;
            self.dial_failed(attempt, error.unwrap_or(Error::Lost(None)));
        } else if let Some((mut attempt, since)) = kept {
            let backoff = attempt.dial.reconnect.unwrap_or_default();
            if now - since > Millis::from(backoff.most_ms) {
                attempt.failed = 0;
            }
            if !self.core.stopping {
                self.core.dials.postpone(attempt, now);
            }
        }
    }

    /// Goes on with the next address, or later, or not at all.
    fn dial_failed(&mut self, mut attempt: Attempt, error: Error) {
        if self.core.stopping {
            return;
        }
        // Its turn has ended: whatever waits for the same server may begin.
        self.core.dials.look = true;
        attempt.address += 1;
        let took = self.core.now.saturating_sub(attempt.began);
        attempt.left = attempt.left.saturating_sub(took);
        let unreachable = matches!(error, Error::Connect(_));
        if unreachable && attempt.address < attempt.dial.endpoint.addresses().len() {
            return self.core.dials.enqueue(attempt);
        }
        let tag = attempt.dial.tag;
        self.core.dials.postpone(attempt, self.core.now);
        let context = &mut Context::new(&mut self.core);
        self.service.not_opened(context, tag, &error);
    }
}

impl<S: Service> Reader<'_, S> {
    /// Bytes of a server that has not opened the WebSocket yet; returns how many are done with.
    pub(super) fn answer(&mut self, index: u32, end: usize) -> usize {
        let Some(Phase::Dial(dialing)) = self.core.peers.at(index).map(|peer| &mut peer.phase)
        else {
            return 0;
        };
        let mut out = Vec::new();
        let Dialing {
            attempt,
            opening,
            deadline,
            ..
        } = &mut **dialing;
        let answered = opening.is_settled();
        match opening.receive(&attempt.dial.endpoint, &self.buffer[..end], &mut out) {
            Ok(None) => {
                if opening.is_settled() && !answered {
                    // Only a body is missing.
                    *deadline = (*deadline).min(self.core.now + BODY_GRACE_MS);
                    self.core.touch(index);
                }
                if !out.is_empty() {
                    self.core.put(index, &out);
                }
                end
            }
            Ok(Some(opened)) => {
                let rest = opened.rest.len();
                match self.core.open_dialled(index, &opened) {
                    Ok(id) => self.service.opened(&mut Context::new(self.core), id),
                    Err(error) => self.core.dial_error(index, error),
                }
                end - rest
            }
            Err(error) => {
                self.core.dial_error(index, error);
                end
            }
        }
    }
}

impl Core {
    /// See [`Context::dial`].
    pub(super) fn dial(&mut self, dial: Dial) {
        if !self.stopping {
            self.dials.enqueue(Attempt::new(dial, 0));
        }
    }

    /// The socket of a peer has news. If it was connecting: whether it is connected now.
    pub(super) fn dialled(&mut self, index: u32) -> bool {
        let Some(peer) = self.peers.at(index) else {
            return false;
        };
        let Phase::Dial(dialing) = &mut peer.phase else {
            return true;
        };
        if !dialing.is_connecting() {
            return true;
        }
        match peer.transport.connected() {
            Ok(None) => return false,
            Ok(Some(())) => {
                let own = dialing.attempt.dial.endpoint.options.tap.as_ref();
                let tap = own.or(self.options.tap.as_ref());
                self.taps.open(index, tap, Role::Client, &peer.transport);
                // The handshake has what is left of the time, as no other address is tried.
                dialing.deadline = dialing.attempt.began + dialing.attempt.left;
                let first = mem::take(&mut dialing.first);
                self.put(index, &first);
            }
            Err(error) => self.dial_error(index, Error::Connect(error)),
        }
        true
    }

    /// The attempt has failed; the service is told when the peer is removed.
    fn dial_error(&mut self, index: u32, error: Error) {
        if let Some(Phase::Dial(dialing)) = self.peers.at(index).map(|peer| &mut peer.phase) {
            dialing.error = Some(error);
        }
        self.doom(index);
    }

    /// Frames from here on.
    fn open_dialled(&mut self, index: u32, opened: &Opened) -> Result<PeerId, Error> {
        let Some(peer) = self.peers.at(index) else {
            return Err(Error::Lost(None));
        };
        let Phase::Dial(dialing) = &peer.phase else {
            return Err(Error::Lost(None));
        };
        let dial = dialing.attempt.dial.clone();
        let failed = dialing.attempt.failed;
        let link = self.agree(index, &dial.endpoint.options, opened.deflate)?;
        let mut connection = Connection::new(Role::Client, &self.options.limits, self.now);
        if link.is_some() {
            connection.enable_compression();
        }
        let now = self.now;
        let Some(peer) = self.peers.at(index) else {
            return Err(Error::Lost(None));
        };
        peer.link = link;
        peer.tag = dial.tag;
        peer.flags.open = true;
        peer.phase = Phase::Open(connection); // The turn of the attempt ends here.
        let id = PeerId {
            index,
            generation: peer.generation,
        };
        self.dials.look = true;
        if dial.reconnect.is_some() {
            let attempt = Attempt::new(dial, failed);
            self.dials.kept.insert(index, (attempt, now));
        }
        self.counters.dialled += 1;
        self.touch(index);
        Ok(id)
    }

    /// The service has closed this connection: it is not dialled again.
    pub(super) fn forget_dial(&mut self, index: u32) {
        self.dials.kept.remove(&index);
    }
}
