//! Mode `echo`: from a message to its echo.
//!
//! A connection first sends one message, [`HELLO`]: whatever arrives before its echo is an
//! unsolicited greeting, which would otherwise shift all answers by one.
//!
//! Input: answers. Output: the next message, in the same write as others of the same read; with a
//! rate, whatever is due. Answers arrive in the order of the messages, so a queue of send times per
//! connection gives each latency.
//!
//! ```text
//!   due ──▶ waiting ──room in flight──▶ flying ──answer──▶ latency = now - due
//! ```
//!
//! Invariant: with a rate, latency counts from when a message was due, not from when it was sent,
//! so that what a stalled server delays counts in full. The first answer on each connection is
//! compared byte for byte, the others by kind and length.

use crate::cli::tools::bench::clock::{Nanos, Schedule, Window};
use crate::cli::tools::bench::load_loop::{Load, LoopContext};
use crate::cli::tools::bench::tally::Tally;
use std::collections::VecDeque;
use wirebell::net::{Context, PeerId};
use wirebell::{Message, MessageKind};

/// What is sent first on each connection, before the load.
const HELLO: &str = "wirebell bench: hello";

pub struct Echo {
    run: LoopContext,
    /// By the index of the peer.
    lanes: Vec<Lane>,
    peers: Vec<PeerId>,
    window: Window,
    /// Nothing new starts from then on.
    until: Nanos,
    schedule: Option<Schedule>,
    /// The next message of the schedule.
    next: u64,
    /// When it is due.
    next_at: Nanos,
    /// Reads of the loop, as of `now`: the clock is read once for all messages of a read.
    reads: u64,
    now: Nanos,
    tally: Tally,
}

/// One connection.
#[derive(Debug, Default)]
struct Lane {
    flying: VecDeque<Nanos>,
    waiting: VecDeque<Nanos>,
    compared: bool,
    hello: Hello,
}

/// The state of a connection's [`HELLO`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hello {
    #[default]
    Sent,
    /// The load has begun without its echo, which may still arrive.
    Overdue,
    Done,
}

impl Echo {
    pub fn new(run: LoopContext) -> Self {
        Self {
            run,
            lanes: Vec::new(),
            peers: Vec::new(),
            window: Window::default(),
            until: 0,
            schedule: None,
            next: 0,
            next_at: Nanos::MAX,
            reads: 0,
            now: 0,
            tally: Tally::default(),
        }
    }

    /// Sends a message that was due at `at`, or queues it until there is room.
    #[inline]
    fn send(&mut self, context: &mut Context<'_>, peer: PeerId, at: Nanos) {
        let plan = &self.run.plan;
        let lane = &mut self.lanes[peer.index()];
        if lane.flying.len() >= plan.depth {
            return lane.waiting.push_back(at);
        }
        if context.send(peer, plan.message()).is_taken() {
            lane.flying.push_back(at);
            if self.schedule.is_some() && self.window.counts(at) {
                self.tally
                    .late
                    .saturating_record(self.now.saturating_sub(at));
            }
        } else {
            self.run.gauge.pending.sub(1);
        }
    }

    /// Begins a message.
    #[inline]
    fn begin_one(&mut self, context: &mut Context<'_>, peer: PeerId, at: Nanos) {
        self.tally.sent += u64::from(self.window.counts(at));
        self.run.gauge.pending.add(1);
        self.send(context, peer, at);
    }

    /// Whether a message precedes the answers: a greeting, or the echo of [`HELLO`].
    #[cold]
    fn comes_before(&mut self, peer: PeerId, message: Message<'_>) -> bool {
        let lane = &mut self.lanes[peer.index()];
        match (lane.hello, message.bytes == HELLO.as_bytes()) {
            (Hello::Sent, true) => self.run.gauge.pending.sub(1),
            (Hello::Sent, false) => {
                self.tally.passed_over += 1;
                return true;
            }
            (Hello::Overdue, true) => {}
            (Hello::Overdue, false) | (Hello::Done, _) => return false,
        }
        lane.hello = Hello::Done;
        true
    }

    /// Whether it is what was sent.
    fn is_right(&mut self, peer: PeerId, message: Message<'_>) -> bool {
        let sent = self.run.plan.message();
        let lane = &mut self.lanes[peer.index()];
        let whole = !std::mem::replace(&mut lane.compared, true);
        message.kind == sent.kind
            && message.bytes.len() == sent.bytes.len()
            && (!whole || message.bytes == sent.bytes)
    }
}

impl Load for Echo {
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let len = self.lanes.len().max(peer.index() + 1);
        self.lanes.resize_with(len, Lane::default);
        self.lanes[peer.index()] = Lane::default();
        self.run.gauge.pending.add(1);
        let hello = match self.run.plan.kind {
            MessageKind::Text => Message::text(HELLO),
            MessageKind::Binary => Message::binary(HELLO.as_bytes()),
        };
        let _ = context.send(peer, hello);
    }

    fn begin(&mut self, context: &mut Context<'_>, peers: &[PeerId], window: Window) {
        (self.window, self.until) = (window, window.until);
        self.peers = peers.to_vec();
        for peer in peers {
            let lane = &mut self.lanes[peer.index()];
            if lane.hello == Hello::Sent {
                lane.hello = Hello::Overdue;
                self.run.gauge.pending.sub(1);
            }
        }
        self.now = self.run.plan.clock.now();
        self.schedule = self.run.plan.schedule(self.run.worker, window.start);
        if let Some(schedule) = self.schedule {
            self.next_at = schedule.due(0);
            return;
        }
        for peer in peers {
            for _ in 0..self.run.plan.depth {
                self.begin_one(context, *peer, self.now);
            }
        }
    }

    #[inline]
    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let reads = context.counters().reads;
        if reads != self.reads {
            (self.reads, self.now) = (reads, self.run.plan.clock.now());
        }
        if self.lanes[peer.index()].hello != Hello::Done && self.comes_before(peer, message) {
            return;
        }
        let Some(begun) = self.lanes[peer.index()].flying.pop_front() else {
            self.tally.wrong += 1;
            return;
        };
        if !self.is_right(peer, message) {
            self.tally.wrong += 1;
        }
        self.run.gauge.pending.sub(1);
        self.run.gauge.done.add(1);
        if self.window.counts(begun) {
            self.tally.answered += 1;
            let latency = self.now.saturating_sub(begun);
            self.tally.latency.saturating_record(latency);
        }
        if self.schedule.is_none() {
            if self.now < self.until {
                self.begin_one(context, peer, self.now);
            }
            return;
        }
        if let Some(at) = self.lanes[peer.index()].waiting.pop_front() {
            self.send(context, peer, at);
        }
        if self.next_at <= self.now {
            self.pace(context);
        }
    }

    fn pace(&mut self, context: &mut Context<'_>) {
        let Some(schedule) = self.schedule else {
            return;
        };
        self.now = self.run.plan.clock.now();
        while self.next_at <= self.now && self.next_at < self.until {
            let at = self.next_at;
            match self.peers.len() as u64 {
                // No connection is left to send it: it counts as lost.
                0 => self.tally.sent += u64::from(self.window.counts(at)),
                len => {
                    let peer = self.peers[(self.next % len) as usize];
                    self.begin_one(context, peer, at);
                }
            }
            self.next += 1;
            self.next_at = schedule.due(self.next);
        }
    }

    fn lost(&mut self, peer: PeerId) {
        self.peers.retain(|one| *one != peer);
        let lane = std::mem::take(&mut self.lanes[peer.index()]);
        let hello = usize::from(lane.hello == Hello::Sent);
        let pending = lane.flying.len() + lane.waiting.len() + hello;
        self.run.gauge.pending.sub(pending as u64);
    }

    fn cut(&mut self, at: Nanos) {
        self.until = self.until.min(at);
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}
