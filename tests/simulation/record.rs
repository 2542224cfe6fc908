//! What both sides saw, for the checks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wirebell::net::{Cause, Overflow, PeerId};

/// One connection as one service saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The order of their beginnings.
    pub order: usize,
    /// Who is at the other end: by the path of its request, or the tag of its dial.
    pub who: usize,
    /// How often it was told of the beginning and of the end.
    pub opened: usize,
    pub closed: usize,
    pub cause: Option<Cause>,
    pub clean: bool,
    /// Messages that were taken for it, in their order.
    pub taken: Vec<u64>,
    /// Messages that have come from it.
    pub received: Vec<u64>,
    /// Some of its messages may have been dropped.
    pub drops: bool,
    pub overflow: Overflow,
    /// The service has closed it.
    pub dismissed: bool,
    pub paused: bool,
    /// A request that is answered later, or in parts.
    pub request: bool,
}

#[derive(Debug, Default)]
pub struct Record {
    pub connections: BTreeMap<(usize, PeerId), Seen>,
    /// Mail that no worker would take.
    pub refused_mail: usize,
    /// What contradicts itself.
    pub problems: Vec<String>,
    next_number: u64,
}

pub type Shared = Rc<RefCell<Record>>;

/// Which service: the server's, or that of the loop that dials.
pub const SERVER: usize = 0;
pub const CLIENT: usize = 1;

impl Record {
    /// A number that no message has.
    pub fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub fn seen(&mut self, side: usize, peer: PeerId) -> Option<&mut Seen> {
        self.connections.get_mut(&(side, peer))
    }

    pub fn begin(&mut self, side: usize, peer: PeerId, who: usize, overflow: Overflow) {
        let seen = Seen {
            order: self.connections.len(),
            who,
            opened: 0,
            closed: 0,
            cause: None,
            clean: false,
            taken: Vec::new(),
            received: Vec::new(),
            drops: false,
            overflow,
            dismissed: false,
            paused: false,
            request: false,
        };
        // A connection may have several requests.
        self.connections.entry((side, peer)).or_insert(seen);
    }

    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// The connections of a side with one peer, in the order of their beginning.
    pub fn of(&self, side: usize, who: usize) -> Vec<&Seen> {
        let mine = |((of, _), seen): &(&(usize, PeerId), &Seen)| *of == side && seen.who == who;
        let mut all: Vec<_> = self
            .connections
            .iter()
            .filter(mine)
            .map(|one| one.1)
            .collect();
        all.sort_by_key(|seen| seen.order);
        all
    }
}
