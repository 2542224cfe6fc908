//! Every state of a connection has a deadline: when it is, and what happens then.
//!
//! Invariant: a peer has one slot of the wheel that counts, no later than its deadline.

use crate::http::{Response, Status, field};
use crate::net::core::Core;
use crate::net::peer::{HttpWait, Peer, Phase};
use crate::net::timers::{SlotNumber, Wheel};
use crate::proto::{Millis, State, Tick};
use crate::wire::CloseCode;

impl Core {
    /// Arms the wheel for the deadline of a peer, unless it is armed for then or earlier.
    pub(super) fn arm(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        if let Phase::Open(connection) = &mut peer.phase
            && connection.deadline() == Some(0)
        {
            // The state has just changed: stamp its beginning. Nothing can be due yet.
            let tick = connection.tick(self.now, &mut self.outbox);
            debug_assert!(tick == Tick::Early || self.options.limits.drain_ms == 0);
        }
        let limits = &self.options.limits;
        let Some(mut deadline) = deadline(peer, limits) else {
            return;
        };
        if matches!(peer.phase, Phase::Open(_)) && limits.ping_ms > 0 {
            // The answer to a Ping brings the deadline forward and does not come by here.
            deadline = deadline.min(self.now + Millis::from(limits.ping_ms));
        }
        if peer.armed == 0 || Wheel::number(deadline) < peer.armed {
            peer.armed = self.wheel.arm(index, deadline);
        }
    }

    /// Looks at every peer whose slot has passed.
    pub(super) fn run_timers(&mut self, due: &mut Vec<u32>) {
        while let Some(slot) = self.wheel.expire(self.now, due) {
            for index in due.drain(..) {
                self.look(index, slot);
            }
        }
    }

    fn look(&mut self, index: u32, slot: SlotNumber) {
        let Some(peer) = self.peers.at(index).filter(|peer| peer.armed == slot) else {
            return;
        };
        peer.armed = 0;
        match deadline(peer, &self.options.limits) {
            Some(deadline) if deadline <= self.now => self.overdue(index),
            _ => {}
        }
        self.arm(index);
    }

    // req: 6455-5.5.2-02
    fn overdue(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        if stall_deadline(peer, &self.options.limits).is_some_and(|at| at <= self.now) {
            log::debug!("{} has taken nothing for too long", self.name(index));
            return self.doom(index);
        }
        if message_deadline(peer, &self.options.limits).is_some_and(|at| at <= self.now) {
            return self.fail(index, CloseCode::POLICY, "the message took too long");
        }
        match &mut peer.phase {
            Phase::Open(connection) => match connection.tick(self.now, &mut self.outbox) {
                Tick::Early => {}
                Tick::Ping => self.transmit(index),
                Tick::Expired => self.doom(index),
            },
            Phase::Http { waits, .. } => {
                let waits = *waits;
                let begun = peer.rare.as_ref().is_some_and(|rare| !rare.http.is_idle());
                if begun || waits == HttpWait::Body {
                    self.give_up(index, Response::new(Status::REQUEST_TIMEOUT));
                } else {
                    self.doom(index);
                }
            }
            Phase::Dial(dialing) => {
                dialing.timed_out();
                self.doom(index);
            }
            Phase::Over { .. } => self.doom(index),
        }
    }

    /// Writes a response; a closing one ends the phase.
    pub(super) fn respond(&mut self, index: u32, response: &Response, head_only: bool) {
        let mut bytes = Vec::with_capacity(256 + response.body.len());
        response.write(&mut bytes, head_only);
        self.put(index, &bytes);
        if response.close {
            self.finish(index);
        }
    }

    /// Ends an HTTP connection with this response, unless the request that is under way has been
    /// answered already.
    pub(super) fn give_up(&mut self, index: u32, response: Response) {
        let rare = self.peers.at(index).and_then(|peer| peer.rare.as_ref());
        match rare.is_some_and(|rare| rare.http.is_answered()) {
            true => self.finish(index),
            false => self.respond(index, &response.closing(), false),
        }
    }

    /// Nothing more will be said: flush, shut down, read and discard for a while.
    pub(super) fn finish(&mut self, index: u32) {
        if let Some(peer) = self.peers.at(index) {
            peer.phase = Phase::Over { since: self.now };
            peer.flags.discard = true;
            if let Some(rare) = &mut peer.rare {
                rare.drop_input();
            }
            self.touch(index);
        }
    }

    /// Gives a WebSocket connection up for a reason of the loop's own: Close, and nothing that
    /// comes is looked at any more.
    pub(super) fn fail(&mut self, index: u32, code: CloseCode, reason: &str) {
        self.write_chain(index);
        if let Some(peer) = self.peers.at(index)
            && let Phase::Open(connection) = &mut peer.phase
        {
            connection.give_up(code, reason, &mut self.outbox);
            if let Some(rare) = &mut peer.rare {
                rare.drop_input();
            }
            self.transmit(index);
            self.closing.push(index);
            self.charge(index);
            self.touch(index);
        }
    }

    /// Makes room: closes the connections that this loop holds most for, until the server holds
    /// little enough, or nothing is left that would help.
    #[cold]
    pub(super) fn shed(&mut self) {
        let held = self.memory.held();
        if held <= self.unsheddable {
            return;
        }
        self.memory.call();
        if !self.memory.concerns(self.held) {
            return; // Another loop holds more, and has been called.
        }
        let mut holders: Vec<(usize, u32)> = self.peers.holders().collect();
        holders.sort_unstable();
        let mut shed = 0;
        while self.memory.is_over_target()
            && let Some((_, index)) = holders.pop()
        {
            self.evict(index);
            shed += 1;
        }
        self.counters.shed += shed;
        self.unsheddable = match self.memory.is_over() {
            true => self.memory.held() + self.memory.limit() / 16,
            false => 0,
        };
        self.memory.answered();
        let limit = self.memory.limit();
        log::warn!("{held} bytes held for peers, of {limit}: {shed} connections closed");
    }

    /// Ends a connection so that its memory is free at once.
    fn evict(&mut self, index: u32) {
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let queued = peer.queued() > 0;
        match &peer.phase {
            Phase::Open(connection) if connection.state() == State::Open => {
                if let Some(rare) = &mut peer.rare {
                    rare.queue.drop_unsent();
                }
                self.fail(
                    index,
                    CloseCode::TRY_AGAIN_LATER,
                    "the server is short of memory",
                );
            }
            Phase::Http { .. } if !queued => {
                let response = Response::new(Status::SERVICE_UNAVAILABLE);
                self.give_up(index, response.field(field!("Retry-After", "5")));
            }
            _ => {
                if let Some(rare) = &mut peer.rare {
                    rare.drop_input();
                    rare.queue.clear();
                }
                self.doom(index);
            }
        }
        self.charge(index);
    }
}

/// The earliest moment at which something is due. While output waits, the input of a server's peer
/// rests, so what it may have sent in time does not count as missing: only the stall deadline does,
/// and that of the closing handshake.
fn deadline(peer: &Peer, limits: &crate::Limits) -> Option<Millis> {
    let stall = stall_deadline(peer, limits);
    let phase = match &peer.phase {
        Phase::Open(connection) if stall.is_some() && connection.state() == State::Open => None,
        Phase::Http { .. } if stall.is_some() => None,
        Phase::Open(connection) => earlier(connection.deadline(), message_deadline(peer, limits)),
        Phase::Dial(dialing) => Some(dialing.deadline()),
        Phase::Over { .. } if stall.is_some() => None,
        Phase::Over { since } => Some(since + Millis::from(limits.drain_ms)),
        Phase::Http { since, waits } => {
            let after = match waits {
                HttpWait::Head => limits.head_ms,
                HttpWait::Next => limits.http_idle_ms,
                HttpWait::Body => limits.body_ms,
            };
            Some(since + Millis::from(after))
        }
    };
    earlier(phase, stall)
}

fn earlier(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// When a message that has begun must be whole.
fn message_deadline(peer: &Peer, limits: &crate::Limits) -> Option<Millis> {
    let since = peer.rare.as_ref()?.unfinished?;
    (limits.message_ms > 0).then(|| since + Millis::from(limits.message_ms))
}

fn stall_deadline(peer: &Peer, limits: &crate::Limits) -> Option<Millis> {
    let rare = peer.rare.as_ref().filter(|rare| !rare.queue.is_empty())?;
    Some(rare.progress + Millis::from(limits.stall_ms))
}
