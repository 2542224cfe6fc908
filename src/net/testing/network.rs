//! The simulated network: connections, listeners, time, and the readiness events of every loop.
//!
//! Readiness is that of an edge-triggered event queue. Invariant: an end whose read or write would
//! block gets an event when that changes; what one end writes, the other reads in the same order. A
//! connection that is closed with unread input is reset, as in TCP, and what was in flight to the
//! other end is lost.

use crate::net::secure::Acceptor;
use crate::net::sockets::{Ready, Received};
use crate::net::testing::pipes::{Link, Side, Taken};
use crate::proto::Millis;
#[cfg(feature = "tls")]
use crate::tls::Connector;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Faults of the network that keep the guarantees of sockets. A value of N means once in N times; 0
/// means never.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// The seed of the random choices.
    pub seed: u64,
    /// A read returns less than there is.
    pub short_reads: u32,
    /// A write accepts less than there is room for.
    pub short_writes: u32,
    /// A write accepts nothing although there is room.
    pub refused_writes: u32,
    /// The process has no more descriptors when it accepts.
    pub failed_accepts: u32,
    /// Bytes that a connection holds in each direction.
    pub capacity: usize,
}

impl Default for Faults {
    /// No faults, and 64 KiB.
    fn default() -> Self {
        Self {
            seed: 0,
            short_reads: 0,
            short_writes: 0,
            refused_writes: 0,
            failed_accepts: 0,
            capacity: 64 * 1024,
        }
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EndId {
    link: usize,
    side: Side,
}

impl EndId {
    fn other(self) -> Self {
        Self {
            side: 1 - self.side,
            ..self
        }
    }
}

/// What the loops of a network share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Millis,
    faults: Faults,
    random: u64,
    links: Vec<Link>,
    /// The loop that has an end, and its number there; no entry if a test has it.
    owners: HashMap<EndId, (usize, u32)>,
    addresses: HashMap<EndId, SocketAddr>,
    listeners: BTreeMap<SocketAddr, Listening>,
    /// By loop.
    news: Vec<News>,
    /// What is listened for is TLS.
    pub(super) acceptor: Option<Acceptor>,
    /// How bare connections speak it.
    #[cfg(feature = "tls")]
    pub(super) connector: Option<Connector>,
}

/// The events for a loop.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) peers: BTreeMap<u32, Ready>,
    pub(super) listener: bool,
}

/// Loops that listen on an address, and the connections that wait there.
#[derive(Debug, Default)]
struct Listening {
    loops: Vec<usize>,
    backlog: VecDeque<EndId>,
}

impl State {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            now: 0,
            faults,
            random: faults.seed,
            links: Vec::new(),
            owners: HashMap::new(),
            addresses: HashMap::new(),
            listeners: BTreeMap::new(),
            news: Vec::new(),
            acceptor: None,
            #[cfg(feature = "tls")]
            connector: None,
        }
    }

    /// An address that is unique in this process: permits to connect are shared by all.
    pub(super) fn new_address() -> SocketAddr {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Relaxed) % 0x00FF_FFFF;
        SocketAddr::from((Ipv4Addr::from(0x0A00_0000 + number), 80))
    }

    /// Splitmix64.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Faults are those of the loops' sockets, not of the ends that a test holds.
    fn happens_to(&mut self, end: EndId, one_in: u32) -> bool {
        self.owners.contains_key(&end) && self.happens(one_in)
    }

    fn happens(&mut self, one_in: u32) -> bool {
        one_in > 0 && self.draw().is_multiple_of(u64::from(one_in))
    }

    pub(super) fn add_loop(&mut self) -> usize {
        self.news.push(News::default());
        self.news.len() - 1
    }

    pub(super) fn take_news(&mut self, number: usize) -> News {
        std::mem::take(&mut self.news[number])
    }

    pub(super) fn has_news(&self, number: usize) -> bool {
        self.news[number].listener || !self.news[number].peers.is_empty()
    }

    fn tell(&mut self, end: EndId, ready: Ready) {
        if let Some((number, index)) = self.owners.get(&end) {
            let told = self.news[*number].peers.entry(*index).or_default();
            told.readable |= ready.readable;
            told.writable |= ready.writable;
            told.hung_up |= ready.hung_up;
            told.broken |= ready.broken;
        }
    }

    pub(super) fn listen(&mut self, number: usize, address: SocketAddr) {
        let listening = self.listeners.entry(address).or_default();
        listening.loops.push(number);
    }

    /// This loop stops listening; connections that wait for the last listener are reset.
    pub(super) fn stop_listening(&mut self, number: usize) {
        let mut lost = Vec::new();
        self.listeners.retain(|_, listening| {
            listening.loops.retain(|other| *other != number);
            let last = listening.loops.is_empty();
            if last {
                lost.extend(listening.backlog.drain(..));
            }
            !last
        });
        for end in lost {
            self.reset(end);
        }
    }

    /// A connection to a loop that listens there.
    pub(super) fn connect(&mut self, address: SocketAddr) -> io::Result<EndId> {
        let Some(listening) = self.listeners.get_mut(&address) else {
            return Err(ErrorKind::ConnectionRefused.into());
        };
        let (link, at) = (self.links.len(), self.links.len());
        self.links.push(Link::default());
        listening.backlog.push_back(EndId { link, side: 1 });
        let number = listening.loops[at % listening.loops.len()];
        self.news[number].listener = true;
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1024 + link as u16));
        let end = EndId { link, side: 0 };
        self.addresses.insert(end, address);
        self.addresses.insert(end.other(), from);
        Ok(end)
    }

    /// The connection of a test is from this address.
    pub(super) fn set_address(&mut self, end: EndId, from: SocketAddr) {
        self.addresses.insert(end.other(), from);
    }

    /// No loop listens where this peer of a loop wants to connect.
    #[cfg(feature = "client")]
    pub(super) fn refuse(&mut self, number: usize, index: u32) {
        self.news[number].peers.insert(index, BROKEN);
    }

    /// A loop now has this end, under this number, and gets the events so far.
    pub(super) fn give(&mut self, end: EndId, number: usize, index: u32) {
        self.owners.insert(end, (number, index));
        let readable = self.links[end.link].readable(end.side) > 0;
        let other_ended = self.links[end.link].is_closed_by_other(end.side);
        let ready = Ready {
            readable: readable || other_ended,
            writable: true,
            hung_up: other_ended || self.links[end.link].reset,
            broken: self.links[end.link].reset,
        };
        self.tell(end, ready);
    }

    pub(super) fn accept(&mut self, number: usize) -> io::Result<EndId> {
        let listening = self.listeners.values_mut();
        let mut waiting = listening.filter(|listening| listening.loops.contains(&number));
        let Some(listening) = waiting.find(|listening| !listening.backlog.is_empty()) else {
            return Err(ErrorKind::WouldBlock.into());
        };
        let next = listening.backlog.pop_front();
        if self.happens(self.faults.failed_accepts) {
            let listening = self.listeners.values_mut();
            let mut ours = listening.filter(|listening| listening.loops.contains(&number));
            if let (Some(listening), Some(next)) = (ours.next(), next) {
                listening.backlog.push_front(next);
            }
            return Err(io::Error::other("too many open files"));
        }
        next.ok_or_else(|| ErrorKind::WouldBlock.into())
    }

    pub(super) fn address(&self, end: EndId) -> Option<SocketAddr> {
        self.addresses.get(&end).copied()
    }

    pub(super) fn read(&mut self, end: EndId, into: &mut [u8]) -> io::Result<Received> {
        let readable = self.links[end.link].readable(end.side);
        let most = match self.happens_to(end, self.faults.short_reads) {
            true => 1 + (self.draw() % readable.max(1) as u64) as usize,
            false => usize::MAX,
        };
        let link = &mut self.links[end.link];
        match link.read(end.side, into, most) {
            Taken::Reset => Err(ErrorKind::ConnectionReset.into()),
            Taken::Nothing => Err(ErrorKind::WouldBlock.into()),
            Taken::End => Ok(Received::End),
            Taken::Bytes(len) => {
                let more = link.readable(end.side) > 0;
                if link.take_refused(end.other().side) {
                    self.tell(end.other(), WRITABLE);
                }
                Ok(Received::Bytes { len, more })
            }
        }
    }

    pub(super) fn write(&mut self, end: EndId, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let link = &mut self.links[end.link];
        if link.reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if link.has_ended(end.side) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if link.is_closed_by_other(end.side) {
            self.reset(end); // The answer is a reset, which is seen later.
            return Ok(total);
        }
        let room = link.room(end.side, self.faults.capacity).min(total);
        let mut len = room;
        if room > 0 && self.happens_to(end, self.faults.refused_writes) {
            len = 0;
        } else if room > 1 && self.happens_to(end, self.faults.short_writes) {
            len = 1 + (self.draw() % (room as u64 - 1)) as usize;
        }
        let mut left = len;
        for part in parts {
            let some = left.min(part.len());
            self.links[end.link].write(end.side, &part[..some]);
            left -= some;
        }
        if len > 0 {
            self.tell(end.other(), READABLE);
        }
        match (len < room, len < total) {
            (true, _) => self.tell(end, WRITABLE), // There was room: the event follows soon.
            (false, true) => self.links[end.link].refuse(end.side),
            (false, false) => {}
        }
        match len {
            0 if total > 0 => Err(ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }

    /// This end sends no more.
    pub(super) fn end(&mut self, end: EndId) {
        self.links[end.link].end(end.side);
        self.tell(end.other(), HUNG_UP);
    }

    /// This end is dropped.
    pub(super) fn close(&mut self, end: EndId) {
        if let Some((number, index)) = self.owners.remove(&end) {
            self.news[number].peers.remove(&index);
        }
        let reset = self.links[end.link].close(end.side);
        self.tell(end.other(), if reset { BROKEN } else { HUNG_UP });
    }

    pub(super) fn was_reset(&self, end: EndId) -> bool {
        self.links[end.link].reset
    }

    /// Both ends get the event that the connection was reset.
    pub(super) fn reset(&mut self, end: EndId) {
        self.links[end.link].reset = true;
        self.tell(end, BROKEN);
        self.tell(end.other(), BROKEN);
    }
}

const READABLE: Ready = Ready {
    readable: true,
    writable: false,
    hung_up: false,
    broken: false,
};

const WRITABLE: Ready = Ready {
    readable: false,
    writable: true,
    hung_up: false,
    broken: false,
};

const HUNG_UP: Ready = Ready {
    readable: true,
    writable: false,
    hung_up: true,
    broken: false,
};

const BROKEN: Ready = Ready {
    readable: true,
    writable: true,
    hung_up: true,
    broken: true,
};
