//! Mode `fan-out`: from a publication to each of its subscribers, and to the last of them.
//!
//! Input: what was published, with a stamp in front. Output: latencies. Subscribers run in event
//! loops; publishers, which are few and wait for answers, have one thread each (`publish`).
//!
//! Invariant: a delivery counts for the publication whose number it carries; a message without a
//! stamp of this run counts as wrong, unless it arrives before the load: a greeting, or an answer
//! to the registration.

use crate::cli::tools::bench::clock::{Nanos, Window};
use crate::cli::tools::bench::load_loop::{Load, LoopContext};
use crate::cli::tools::bench::stamp::Stamp;
use crate::cli::tools::bench::tally::{Arrival, Tally};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wirebell::Message;
use wirebell::net::{Context, PeerId};

/// Publications from this number on are not measured.
const UNCOUNTED: u64 = 1 << 63;

/// What each publisher has in flight and waits for.
#[derive(Debug)]
pub struct Flights {
    slots: Vec<Slot>,
    /// Publications so far: measured ones, and others.
    pub measured: AtomicU64,
    pub others: AtomicU64,
    landed: Condvar,
    /// Protects only the wait.
    lock: Mutex<()>,
}

#[derive(Debug, Default)]
struct Slot {
    number: AtomicU64,
    left: AtomicU32,
}

impl Flights {
    pub fn new(publishers: u32) -> Self {
        Self {
            slots: (0..publishers).map(|_| Slot::default()).collect(),
            measured: AtomicU64::new(0),
            others: AtomicU64::new(0),
            landed: Condvar::new(),
            lock: Mutex::default(),
        }
    }

    /// The next number, of those measured or of the others.
    pub fn number(&self, measured: bool) -> u64 {
        match measured {
            true => self.measured.fetch_add(1, Ordering::AcqRel),
            false => UNCOUNTED + self.others.fetch_add(1, Ordering::AcqRel),
        }
    }

    /// Whether this number was used: a server cannot make us count what was never published.
    fn knows(&self, number: u64) -> bool {
        match number.checked_sub(UNCOUNTED) {
            None => number < self.measured.load(Ordering::Acquire),
            Some(number) => number < self.others.load(Ordering::Acquire),
        }
    }

    /// Starts waiting for this many deliveries of a publication.
    pub fn depart(&self, stamp: Stamp, subscribers: u32) {
        let slot = &self.slots[usize::from(stamp.publisher)];
        slot.left.store(subscribers, Ordering::Release);
        slot.number.store(stamp.number, Ordering::Release);
    }

    /// One delivery.
    #[inline]
    fn deliver(&self, stamp: Stamp) {
        let Some(slot) = self.slots.get(usize::from(stamp.publisher)) else {
            return;
        };
        if slot.number.load(Ordering::Acquire) == stamp.number
            && slot.left.fetch_sub(1, Ordering::AcqRel) == 1
        {
            let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.landed.notify_all();
            drop(guard);
        }
    }

    /// Missing deliveries of the last publication.
    pub fn left(&self, publisher: u8) -> u32 {
        self.slots[usize::from(publisher)]
            .left
            .load(Ordering::Acquire)
    }

    /// Whether all subscribers got it within this time.
    pub fn wait(&self, publisher: u8, timeout: Duration) -> bool {
        let slot = &self.slots[usize::from(publisher)];
        let deadline = Instant::now() + timeout;
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = slot.left.load(Ordering::Acquire);
            let time = deadline.saturating_duration_since(Instant::now());
            if left == 0 || time.is_zero() {
                return left == 0;
            }
            let woken = self.landed.wait_timeout(guard, time);
            guard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The subscribers of one loop.
pub struct Subscribers {
    run: LoopContext,
    flights: Arc<Flights>,
    tally: Tally,
    reads: u64,
    now: Nanos,
    began: bool,
}

impl Subscribers {
    pub fn new(run: LoopContext, flights: Arc<Flights>) -> Self {
        Self {
            run,
            flights,
            tally: Tally::default(),
            reads: 0,
            now: 0,
            began: false,
        }
    }
}

impl Load for Subscribers {
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let args = &self.run.plan.args;
        let registration = &args.subscribe;
        if !registration.is_empty() && args.topic.is_none() {
            let _ = context.send(peer, Message::text(registration));
        }
    }

    fn message(&mut self, context: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        let reads = context.counters().reads;
        if reads != self.reads {
            (self.reads, self.now) = (reads, self.run.plan.clock.now());
        }
        let payload = match self.run.plan.args.envelopes {
            true => data(message.bytes),
            false => message.bytes,
        };
        let stamp = Stamp::read(payload).filter(|stamp| self.flights.knows(stamp.number));
        let Some(stamp) = stamp else {
            match self.began {
                true => self.tally.wrong += 1,
                false => self.tally.passed_over += 1,
            }
            return;
        };
        self.run.gauge.done.add(1);
        if stamp.number < UNCOUNTED {
            let latency = self.now.saturating_sub(stamp.at);
            self.tally.answered += 1;
            self.tally.latency.saturating_record(latency);
            let number = stamp.number as usize;
            let arrivals = &mut self.tally.arrivals;
            if arrivals.len() <= number {
                arrivals.resize(number + 1, Arrival::default());
            }
            arrivals[number].count += 1;
            arrivals[number].last = arrivals[number].last.max(latency);
            self.tally.wrong += u64::from(payload.len() != self.run.plan.payload.len());
        }
        self.flights.deliver(stamp);
    }

    fn begin(&mut self, _: &mut Context<'_>, _: &[PeerId], _: Window) {
        self.began = true;
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

/// The payload of an envelope, which ends with it; a stamp has nothing that JSON escapes.
fn data(envelope: &[u8]) -> &[u8] {
    const NAME: &[u8] = b"\"data\":\"";
    let at = envelope.windows(NAME.len()).position(|it| it == NAME);
    let data = at.map(|at| &envelope[at + NAME.len()..]);
    data.and_then(|it| it.strip_suffix(b"\"}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_of_an_envelope() {
        let envelope = br#"{"type":"message","topic":"a","id":"q-1","time":"","data":"wb0.."}"#;
        assert_eq!(data(envelope), b"wb0..");
        assert_eq!(data(br#"{"type":"subscribed"}"#), b"");
    }

    #[test]
    fn a_publisher_waits_for_the_last() {
        let flights = Flights::new(1);
        let stamp = Stamp {
            publisher: 0,
            number: 7,
            at: 0,
        };
        flights.depart(stamp, 2);
        flights.deliver(Stamp { number: 6, ..stamp });
        flights.deliver(stamp);
        assert!(!flights.wait(0, Duration::from_millis(5)));
        flights.deliver(stamp);
        assert!(flights.wait(0, Duration::ZERO));
    }
}
