//! The loop of one thread: wait, tell the engine what is ready, let it finish the turn.
//!
//! Input: events of mio. Output: calls on the engine, and nothing else. Invariant: the loop sleeps
//! only if the engine says that nothing is left to do; the alarm wakes it for deadlines.

use crate::net::driver::alarm::Alarm;
use crate::net::driver::listeners::listener_of;
use crate::net::engine::{Engine, Next};
use crate::net::service::Service;
use crate::net::sockets::Ready;
use mio::event::Event;
use mio::{Events, Poll, Token};
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Above those of all listeners and peers.
pub(super) const WAKER: Token = Token(u32::MAX as usize);

/// Events taken in one wait.
const EVENTS: usize = 1024;

/// One event queue with its engine.
pub(super) struct EventLoop<S: Service> {
    pub(super) poll: Poll,
    pub(super) alarm: Alarm,
    pub(super) engine: Engine<S>,
}

/// Why a loop ended before it was stopped.
pub(super) enum Failure {
    System(io::Error),
    Panic(Box<dyn Any + Send>),
}

impl<S: Service> EventLoop<S> {
    /// Runs until it is stopped. If the service panics, `failed` is called and all peers learn that
    /// the server has failed, without the service.
    pub(super) fn run(mut self, failed: impl FnOnce()) -> Result<(), Failure> {
        // After a panic the engine is only used to send what needs no service.
        let run = AssertUnwindSafe(|| {
            self.engine.start(self.alarm.now());
            self.turns()
        });
        let panic = match catch_unwind(run) {
            Ok(ended) => return ended.map_err(Failure::System),
            Err(panic) => panic,
        };
        failed();
        self.engine.fail(self.alarm.now());
        match self.turns() {
            Ok(()) => Err(Failure::Panic(panic)),
            Err(error) => Err(Failure::System(error)),
        }
    }

    fn turns(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut timeout = Some(Duration::ZERO);
        loop {
            let complete = match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Err(_) => false,
                Ok(()) => events.iter().count() < EVENTS,
            };
            let now = self.alarm.now();
            self.engine.begin(now);
            for event in &events {
                self.dispatch(event);
            }
            timeout = match self.engine.finish(complete) {
                Next::Stopped => return Ok(()),
                Next::Now => Some(Duration::ZERO),
                Next::Soon(ms) => Some(Duration::from_millis(ms)),
                Next::Idle => None,
                Next::At(at) => {
                    self.alarm.set(at, now);
                    None
                }
            };
        }
    }

    #[inline]
    fn dispatch(&mut self, event: &Event) {
        let token = event.token();
        if token == WAKER {
            return; // There is mail, or a deadline: each turn checks both.
        }
        match listener_of(token) {
            Some(listener) => self.engine.listener_ready(listener),
            None => self.engine.ready(token.0 as u32, ready(event)),
        }
    }
}

fn ready(event: &Event) -> Ready {
    let broken = event.is_write_closed() || event.is_error();
    Ready {
        readable: event.is_readable(),
        writable: event.is_writable(),
        hung_up: event.is_read_closed() || broken,
        broken,
    }
}
