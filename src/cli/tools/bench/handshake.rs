//! Mode `handshake`: opens connections and closes them, one handshake behind the other.
//!
//! Input: connections that have opened. Output: their Close, and the next dial. RFC 6455
//! section 4.1 allows one handshake with a server at a time, so a closed loop is as quick as a
//! client may be; with a rate, a handshake that has to wait for its turn counts from when it was
//! due. Closing overlaps with the handshakes that follow.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::{Nanos, Schedule, Window};
use crate::cli::tools::bench::crew::{Order, Site};
use crate::cli::tools::bench::tally::Tally;
use crate::cli::tools::common::client::failure_of;
use std::mem;
use wirebell::client::Error;
use wirebell::net::{Context, End, PeerId, Service};
use wirebell::{CloseCode, Message};

pub struct Handshakes {
    site: Site,
    window: Window,
    /// Nothing new from then on.
    until: Nanos,
    schedule: Option<Schedule>,
    /// Handshakes begun; the number of each is its tag.
    next: u32,
    /// When the one of the closed loop began, if it is not through.
    began: Option<Nanos>,
    tally: Tally,
    failure: Option<Failure>,
}

impl Handshakes {
    pub fn new(site: Site) -> Self {
        Self {
            site,
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
        self.site.plan.clock.now()
    }

    /// Begins what may begin.
    fn dial(&mut self, context: &mut Context<'_>) {
        let now = self.now();
        match self.schedule {
            None => {
                let room = self.site.gauge.open.get() < self.site.plan.args.connections.into();
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
        self.site.gauge.pending.add(1);
        self.site.dial(context, self.next);
        self.next += 1;
    }

    /// When the handshake with this tag began, or should have.
    fn begun(&mut self, tag: u32) -> Nanos {
        let now = self.now();
        match self.schedule {
            None => self.began.take().unwrap_or(now),
            Some(schedule) => schedule.due(tag.into()),
        }
    }
}

impl Service for Handshakes {
    type Mail = Order;

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let begun = self.begun(context.tag(peer).unwrap_or_default());
        let gauge = &self.site.gauge;
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
        self.site.gauge.pending.sub(1);
        self.site.gauge.failed.add(1);
        self.failure.get_or_insert_with(|| failure_of(error));
        // A server that is not there at all is not asked again and again.
        if self.site.gauge.opened.get() > 0 {
            self.dial(context);
        }
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {
        self.tally.passed_over += 1;
    }

    fn closed(&mut self, context: &mut Context<'_>, _: PeerId, _: End<'_>) {
        self.site.gauge.open.sub(1);
        self.dial(context);
    }

    fn mail(&mut self, context: &mut Context<'_>, order: Order) {
        match order {
            Order::Begin(window) => {
                (self.window, self.until) = (window, window.until);
                self.schedule = self.site.plan.schedule(self.site.worker, window.start);
                self.dial(context);
            }
            Order::Enough => {}
            Order::Pace => self.dial(context),
            Order::Cut(at) => {
                self.until = self.until.min(at);
                self.site.gauge.cut.add(1);
            }
            Order::Finish => {
                self.until = 0;
                let mut tally = mem::take(&mut self.tally);
                tally.failure = self.failure.take();
                self.site.hand_in(tally);
            }
        }
    }
}
