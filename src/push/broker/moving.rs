//! A broker that another process takes over.
//!
//! Input: calls while no loop reads. Output: what that process needs. Invariant: nothing is
//! published meanwhile.

use crate::net::PeerId;
use crate::push::broker::Broker;
use crate::push::hub::Past;
use crate::push::log::Handed;
use crate::push::name::Pattern;
use crate::push::position::Position;

impl Broker {
    /// No batch waits for the log.
    pub(in crate::push) fn is_idle(&self) -> bool {
        self.shared.lock().waiting.is_empty()
    }

    /// What a connection has subscribed to.
    pub(in crate::push) fn patterns(&self, connection: PeerId) -> Vec<Pattern> {
        self.shared.lock().hub.patterns(connection)
    }

    /// What another process needs to go on, while no loop reads and the broker is
    /// [idle](Broker::is_idle): see [`Log::hand_over`](crate::push::Log::hand_over).
    pub(in crate::push) fn hand_over(&self) -> Option<(Position, Handed, Past)> {
        let handed = self.shared.log.hand_over()?;
        let state = self.shared.lock();
        let past = match &handed {
            Handed::State(_) => state.hub.past(),
            Handed::Elsewhere => Past::default(),
        };
        Some((state.hub.head(), handed, past))
    }

    /// The other process does not: see [`Log::take_back`](crate::push::Log::take_back).
    pub(in crate::push) fn take_back(&self) {
        self.shared.log.take_back();
    }
}
