//! What a loop does not do while its connections move, and what it is to do for another process.
//!
//! Input: orders. Output: whether the loop reads, writes, stops. Invariant: a loop that is to end
//! rests no longer. Carrying out the orders is left to `moving`.

use crate::net::engine::drain::Farewell;
use crate::net::moving::Order;
use crate::net::options::Options;
use crate::wire::CloseCode;

/// What a loop has stopped doing while its connections move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Reading and accepting; output still leaves.
    Input,
    /// Everything.
    All,
}

/// Another process has taken over: clients that connect again reach it.
// req: push-upgrade-03
pub(super) const SUCCEEDED: Farewell = Farewell {
    code: CloseCode::SERVICE_RESTART,
    reason: "the server was upgraded: connect again",
};

/// What a loop does for another process.
#[derive(Debug)]
pub(super) struct Moving {
    /// Nothing is read.
    pub(super) rest: Option<Rest>,
    /// A stop was wanted meanwhile.
    pub(super) stop_later: bool,
    /// What is to be done at the end of the turn.
    pub(super) orders: Vec<Order>,
    /// The numbers of the connections that were lent.
    pub(super) lent: Vec<u32>,
    /// What connections are told that a stop ends.
    pub(super) farewell: Farewell,
}

impl Moving {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            rest: options.resting.then_some(Rest::All),
            stop_later: false,
            orders: Vec::new(),
            lent: Vec::new(),
            farewell: Farewell::STOP,
        }
    }

    /// Nothing is read or accepted.
    #[inline]
    pub(super) fn rests(&self) -> bool {
        self.rest.is_some()
    }

    /// Nor is anything written.
    pub(super) fn is_still(&self) -> bool {
        self.rest == Some(Rest::All)
    }

    /// For the end of the turn.
    pub(super) fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// A stop is wanted. True if it comes later, with the order to go on.
    pub(super) fn puts_off_stop(&mut self) -> bool {
        self.stop_later |= self.rests();
        self.rests()
    }

    pub(super) fn farewell(&self) -> Farewell {
        self.farewell
    }
}
