//! When to check that the peer is still there, and when to stop waiting: RFC 6455 section 5.5.2 (a
//! Ping verifies that the remote endpoint is responsive) and 7.1.1 (no end waits forever for a
//! Close).
//!
//! Input: the caller's time, in milliseconds, which never goes back. Output: the next
//! deadline, and what to do when it has passed. Invariant: every [`State`] but Gone has a
//! deadline, unless keepalive is switched off and the connection is open.

use crate::limits::Limits;
use crate::proto::closing::{Action, Input, State};
use crate::proto::connection::Connection;
use crate::proto::outbox::Outbox;
use crate::proto::wait::{Millis, Tick, Wait};

/// Time.
impl Connection {
    /// Bytes arrived at this time, or the peer made room for bytes that the transport had refused:
    /// it is alive. A write that the transport merely accepted, such as our own Ping, proves
    /// nothing.
    ///
    /// Counts only while the connection is open: a peer that keeps sending after our Close gains no
    /// time by it.
    #[inline]
    pub fn heard(&mut self, now: Millis) {
        if matches!(self.wait, Wait::Traffic | Wait::Answer) {
            self.since = now;
            self.wait = Wait::Traffic;
        }
    }

    /// The state has changed; the next tick records when.
    pub(super) fn enter(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.wait = Wait::Unstamped;
        }
    }

    /// When to call [`Connection::tick`]: `None` for never, 0 for at once. `limits` are those of
    /// the connection, which does not store these times itself, as all connections of a server
    /// share them.
    pub fn deadline(&self, limits: &Limits) -> Option<Millis> {
        let after = match (self.wait, self.state) {
            (_, State::Gone) => return None,
            (Wait::Unstamped, _) => return Some(0),
            (Wait::Traffic, _) if limits.ping_ms == 0 => return None,
            (Wait::Traffic, _) => limits.ping_ms,
            (Wait::Answer, _) => limits.pong_ms,
            (Wait::End, State::Open | State::Closing) => limits.close_ms,
            (Wait::End, State::Closed | State::Failed) => limits.linger_ms,
        };
        Some(self.since + Millis::from(after))
    }

    /// Does what is due at `now`: sends a Ping to a silent peer, or gives up. `limits` as for
    /// [`Connection::deadline`].
    pub fn tick(&mut self, now: Millis, limits: &Limits, outbox: &mut Outbox) -> Tick {
        if self.wait == Wait::Unstamped {
            self.wait = Wait::End;
            self.since = now;
        }
        match self.deadline(limits) {
            Some(deadline) if deadline <= now => {}
            _ => return Tick::Early,
        }
        if self.wait == Wait::Traffic {
            self.wait = Wait::Answer;
            self.since = now;
            outbox.put_ping(b"");
            return Tick::Ping;
        }
        let (state, action) = self.state.on(Input::Deadline);
        self.state = state;
        match action {
            Action::Drop => Tick::Expired,
            _ => Tick::Early,
        }
    }
}
