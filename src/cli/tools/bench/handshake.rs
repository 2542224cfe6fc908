//! Mode `handshake`: opens connections and closes them, one handshake after another.
//!
//! Input: connections that have opened. Output: their Close, and the next dial. RFC 6455 section
//! 4.1 allows one handshake with a server at a time, so a closed loop is as quick as a client may
//! be; with a rate, a handshake that waits for its turn counts from when it was due. Closing
//! overlaps with the handshakes that follow.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::{Nanos, Schedule, Window};
use crate::cli::tools::bench::load_loop::{Command, LoopContext};
use crate::cli::tools::bench::tally::Tally;
use crate::cli::tools::common::client::failure_of;
use std::mem;
use wirebell::client::Error;
use wirebell::net::{Context, End, PeerId, Service};
use wirebell::{CloseCode, Message};

pub struct Handshakes {
    run: LoopContext,
    window: Window,
    /// Nothing new starts from then on.
    until: Nanos,
    schedule: Option<Schedule>,
    /// Handshakes begun; the number of each is its tag.
    next: u32,
    /// When the current handshake of the closed loop began.
    began: Option<Nanos>,
    tally: Tally,
    failure: Option<Failure>,
}

impl Handshakes {
    pub fn new(run: LoopContext) -> Self {
        Self {
            run,
            window: Window::default(),
            until: 0,
            schedule: None,
            next: 0,
            began: None,
            tally: Tally::default(),
            failure: None,
        }
    }

    fn now(&self) -> Nanos {
        self.run.plan.clock.now()
    }

    /// Starts what may start.
    fn dial(&mut self, context: &mut Context<'_>) {
        let now = self.now();
        match self.schedule {
            None => {
                let room = self.run.gauge.open.get() < self.run.plan.args.connections.into();
                if room && self.began.is_none() && now < self.until {
                    self.began = Some(now);
                    self.dial_one(context, now);
                }
            }
            Some(schedule) => {
                let mut at = schedule.due(self.next.into());
                while at <= now && at < self.until {
                    self.dial_one(context, at);
                    at = schedule.due(self.next.into());
                }
            }
        }
    }

    fn dial_one(&mut self, context: &mut Context<'_>, at: Nanos) {
        self.tally.sent += u64::from(self.window.counts(at));
        self.run.gauge.pending.add(1);
        self.run.dial(context, self.next);
        self.next += 1;
    }

    /// When the handshake with this tag began, or was due.
    fn begun(&mut self, tag: u32) -> Nanos {
        let now = self.now();
        match self.schedule {
            None => self.began.take().unwrap_or(now),
            Some(schedule) => schedule.due(tag.into()),
        }
    }
}

impl Service for Handshakes {
    type Mail = Command;

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let begun = self.begun(context.tag(peer).unwrap_or_default());
        let gauge = &self.run.gauge;
        gauge.pending.sub(1);
        gauge.opened.add(1);
        gauge.open.add(1);
        gauge.done.add(1);
        if self.window.counts(begun) {
            self.tally.answered += 1;
            let latency = self.now().saturating_sub(begun);
            self.tally.latency.saturating_record(latency);
        }
        context.close(peer, CloseCode::NORMAL, "");
        self.dial(context);
    }

    fn not_opened(&mut self, context: &mut Context<'_>, tag: u32, error: &Error) {
        self.begun(tag);
        self.run.gauge.pending.sub(1);
        self.run.gauge.failed.add(1);
        self.failure.get_or_insert_with(|| failure_of(error));
        // If no connection ever opened, the server is down: do not try again.
        if self.run.gauge.opened.get() > 0 {
            self.dial(context);
        }
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {
        self.tally.passed_over += 1;
    }

    fn closed(&mut self, context: &mut Context<'_>, _: PeerId, _: End<'_>) {
        self.run.gauge.open.sub(1);
        self.dial(context);
    }

    fn mail(&mut self, context: &mut Context<'_>, command: Command) {
        match command {
            Command::Begin(window) => {
                (self.window, self.until) = (window, window.until);
                self.schedule = self.run.plan.schedule(self.run.worker, window.start);
                self.dial(context);
            }
            Command::StopOpening => {}
            Command::Pace => self.dial(context),
            Command::Cut(at) => {
                self.until = self.until.min(at);
                self.run.gauge.cut.add(1);
            }
            Command::Finish => {
                self.until = 0;
                let mut tally = mem::take(&mut self.tally);
                tally.failure = self.failure.take();
                self.run.submit(tally);
            }
        }
    }
}
