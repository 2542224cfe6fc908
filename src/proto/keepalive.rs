//! When to ask whether the peer is still there, and when to stop waiting: RFC 6455 section 5.5.2
//! (a Ping verifies that the remote endpoint is responsive) and 7.1.1 (nobody waits forever for a
//! Close).
//!
//! Comes in: the caller's time, in milliseconds, which never goes back. Goes out: the next
//! deadline, and what to do when it has passed. Invariant: every [`State`] but Gone has a
//! deadline, unless keepalive is switched off and the connection is open.

use crate::limits::Limits;
use crate::proto::State;

/// Milliseconds since any fixed moment of the caller's choice.
pub type Millis = u64;

/// What [`Connection::tick`](crate::Connection::tick) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// Nothing is due.
    Early,
    /// The peer was silent: a Ping is in the outbox.
    Ping,
    /// The time is up: drop the transport. The connection is Gone.
    Expired,
}

/// The clock of one connection. All of it is lazy: traffic stores a time, nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keepalive {
    /// When the current wait began: the last byte in, or our Ping, or the change of state.
    since: Millis,
    /// What we wait for.
    wait: Wait,
    ping_ms: u32,
    pong_ms: u32,
    close_ms: u32,
    drain_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// For any byte, before we ask.
    Traffic,
    /// For any byte, after we asked.
    Answer,
    /// For the state we are in now to end; entered at a time not known yet.
    Unstamped,
    /// For the same, since a known time.
    End,
}

impl Keepalive {
    pub(super) fn new(limits: &Limits, now: Millis) -> Self {
        Self {
            since: now,
            wait: Wait::Traffic,
            ping_ms: limits.ping_ms,
            pong_ms: limits.pong_ms,
            close_ms: limits.close_ms,
            drain_ms: limits.drain_ms,
        }
    }

    /// Bytes arrived. They count only while the connection is open: a peer that keeps talking
    /// after our Close gains no time by it.
    #[inline]
    pub(super) fn heard(&mut self, now: Millis) {
        if matches!(self.wait, Wait::Traffic | Wait::Answer) {
            self.since = now;
            self.wait = Wait::Traffic;
        }
    }

    /// The state has changed; the next tick finds out when.
    pub(super) fn entered(&mut self) {
        self.wait = Wait::Unstamped;
    }

    /// When to call [`Keepalive::tick`]; `None` for never, 0 for at once.
    pub(super) fn deadline(&self, state: State) -> Option<Millis> {
        let after = match (self.wait, state) {
            (_, State::Gone) => return None,
            (Wait::Unstamped, _) => return Some(0),
            (Wait::Traffic, _) if self.ping_ms == 0 => return None,
            (Wait::Traffic, _) => self.ping_ms,
            (Wait::Answer, _) => self.pong_ms,
            (Wait::End, State::Open | State::Closing) => self.close_ms,
            (Wait::End, State::Closed | State::Failed) => self.drain_ms,
        };
        Some(self.since + Millis::from(after))
    }

    /// Compares with the clock and goes on to the next wait.
    pub(super) fn tick(&mut self, state: State, now: Millis) -> Tick {
        if self.wait == Wait::Unstamped {
            self.wait = Wait::End;
            self.since = now;
        }
        match self.deadline(state) {
            Some(deadline) if deadline <= now => {}
            _ => return Tick::Early,
        }
        if self.wait == Wait::Traffic {
            self.wait = Wait::Answer;
            self.since = now;
            return Tick::Ping;
        }
        Tick::Expired
    }
}
