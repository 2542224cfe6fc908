//! Plays streams to a client, each on a connection that it requests.
//!
//! Input: a plan, or streams to replay. Output: [`Findings`]. A client asks for test after test, so
//! each request is given what is to be played next: a new stream, or a shorter one of a stream that
//! showed a deviation. Invariant: when the time is over, what it still requests is closed at once,
//! so its loop ends soon.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::findings::{Finding, Findings};
use crate::cli::tools::verify::random::hunt::{Hunt, Plan, Task};
use crate::cli::tools::verify::random::stream::Stream;
use crate::cli::tools::verify::random::with_client;
use crate::cli::tools::verify::serving::Tests;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many tests a client should request for each second of the run: about as many as most
/// clients can run one after another. A faster one ends earlier.
const EACH_SECOND: usize = 200;

/// Streams for a client that requests them.
pub struct Streams {
    hunt: Hunt,
    /// To be replayed, each under its number, instead of new ones.
    replayed: Option<Vec<Stream>>,
    state: Mutex<State>,
    /// A connection has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    /// What replayed streams showed.
    found: Vec<Finding>,
    connections: usize,
    exchanges: usize,
}

impl Streams {
    pub fn new(plan: Plan, replayed: Option<Vec<Stream>>) -> Self {
        Self {
            hunt: Hunt::new(plan),
            replayed,
            state: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found so far.
    pub fn findings(&self, time: Duration) -> Findings {
        if self.replayed.is_none() {
            return self.hunt.findings();
        }
        let state = self.state();
        Findings {
            seed: self.hunt.plan.seed,
            connections: state.connections,
            exchanges: state.exchanges,
            time,
            found: state.found.clone(),
        }
    }

    /// How many streams of a file were never requested.
    pub fn missing(&self) -> usize {
        let all = self.replayed.as_ref().map_or(0, Vec::len);
        all.saturating_sub(self.state().connections)
    }

    fn hunt(&self, probe: &mut Probe) {
        let Some(task) = self.hunt.next() else {
            return;
        };
        let timeout = self.hunt.timeout(&task);
        let exchange = match &task {
            Task::Draw(number) => {
                let mut dice = Dice::of(self.hunt.plan.seed, *number);
                with_client::draw(probe, &mut dice, timeout)
            }
            Task::Try(_, stream) | Task::Check(_, stream) => {
                with_client::replay(probe, stream.clone(), timeout)
            }
        };
        self.hunt.tell(&task, exchange);
    }

    fn replay(&self, probe: &mut Probe, stream: Stream) {
        let exchange = with_client::replay(probe, stream, self.hunt.plan.timeout);
        let mut state = self.state();
        state.connections += 1;
        state.exchanges += exchange.exchanges;
        state.found.extend(Finding::of(exchange, None));
    }
}

impl Tests for Streams {
    fn count(&self) -> usize {
        match &self.replayed {
            Some(streams) => streams.len(),
            None => (self.hunt.plan.time.as_secs() as usize * EACH_SECOND).max(1),
        }
    }

    fn run(&self, probe: &mut Probe, at: usize) {
        self.state().running += 1;
        match &self.replayed {
            Some(streams) => self.replay(probe, streams[at].clone()),
            None => self.hunt(probe),
        }
        self.state().running -= 1;
        self.ended.notify_all();
    }

    fn settle(&self, _: Option<usize>) {
        let deadline = Instant::now() + self.hunt.plan.timeout * 4;
        let mut state = self.state();
        while state.running > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A stream is no case with a verdict of its own.
    fn status(&self, _: usize) -> &'static str {
        "INFORMATIONAL"
    }

    fn info(&self, at: usize) -> (String, String) {
        let rule = "a random stream: messages are echoed, violations fail the connection";
        (format!("random.{}", at + 1), rule.into())
    }
}
