//! What is played next: new streams, and shorter ones of those that showed a deviation.
//!
//! Input: a plan, and what each connection showed. Output: tasks, then [`Findings`]. Invariant: a
//! deviation is shrunk and reported once, by its name and section; what is reported was seen with
//! the whole time for an answer. Connections are left to `servers` and `clients`.
//!
//! ```text
//!   Draw(number) ── a new deviation ──▶ Try(shorter), Try(shorter), … ──▶ Check(shortest) ──▶ done
//! ```

use crate::cli::tools::verify::random::exchange::Exchange;
use crate::cli::tools::verify::random::findings::{Finding, Findings};
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::shrink::Shrinker;
use crate::cli::tools::verify::random::stream::Stream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub time: Duration,
    /// Parallel connections, to a server.
    pub jobs: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Ends the run early.
    pub max_deviations: usize,
}

/// While shrinking, silence counts this much sooner.
const HASTE: u32 = 20;

/// But not sooner than this, unless the whole time is shorter.
const LEAST: Duration = Duration::from_millis(50);

/// What a connection is for.
#[derive(Clone, Debug)]
pub enum Task {
    /// A new stream of this number.
    Draw(u64),
    /// A shorter stream than the one of this number.
    Try(u64, Stream),
    /// The shortest one, with the whole time.
    Check(u64, Stream),
}

/// A deviation whose stream is being shrunk.
struct Shrinking {
    number: u64,
    deviation: Deviation,
    shrinker: Shrinker,
    /// A connection tries a candidate.
    is_busy: bool,
    /// After that, the shortest so far is checked.
    deadline: Instant,
}

pub struct Hunt {
    pub plan: Plan,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the first task was given.
    began: Option<Instant>,
    /// When the last one was done.
    ended: Option<Instant>,
    /// The number of the next stream.
    next: u64,
    connections: usize,
    exchanges: usize,
    found: Vec<Finding>,
    shrinking: Vec<Shrinking>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub time: Duration,
    pub connections: usize,
    pub exchanges: usize,
    pub found: usize,
    pub is_over: bool,
}

impl Hunt {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next connection is for; `None` when the time is over or enough has been found.
    pub fn next(&self) -> Option<Task> {
        let mut state = self.state();
        let now = Instant::now();
        state.began.get_or_insert(now);
        let idle = state.shrinking.iter().position(|one| !one.is_busy);
        if let Some(one) = idle.map(|at| &mut state.shrinking[at]) {
            one.is_busy = true;
            let candidate = one.shrinker.candidate().filter(|_| now < one.deadline);
            return Some(match candidate {
                Some(candidate) => Task::Try(one.number, candidate.clone()),
                None => Task::Check(one.number, one.shrinker.best().clone()),
            });
        }
        if self.is_over(&state, now) {
            return None;
        }
        state.next += 1;
        Some(Task::Draw(state.next - 1))
    }

    fn is_over(&self, state: &State, now: Instant) -> bool {
        let began = state.began.unwrap_or(now);
        now - began >= self.plan.time || state.found.len() >= self.plan.max_deviations
    }

    /// How long an answer may take.
    pub fn timeout(&self, task: &Task) -> Duration {
        let whole = self.plan.timeout;
        match task {
            Task::Try(..) => (whole / HASTE).max(LEAST).min(whole),
            Task::Draw(_) | Task::Check(..) => whole,
        }
    }

    /// What came of it.
    pub fn tell(&self, task: &Task, exchange: Exchange) {
        let mut state = self.state();
        state.ended = Some(Instant::now());
        if let Task::Draw(number) = task {
            state.connections += 1;
            state.exchanges += exchange.exchanges;
            if let Some(deviation) = exchange.deviation.clone() {
                let deadline = self.deadline(&state);
                state.deviated(*number, deviation, exchange, deadline);
            }
            return;
        }
        let (Task::Try(number, _) | Task::Check(number, _) | Task::Draw(number)) = task;
        let Some(at) = state.shrinking.iter().position(|one| one.number == *number) else {
            return;
        };
        let one = &mut state.shrinking[at];
        let shows = exchange.shows(&one.deviation);
        if let Task::Try(..) = task {
            one.is_busy = false;
            return one.shrinker.tell(shows);
        }
        state.shrinking.swap_remove(at);
        let mut found = state.found.iter_mut();
        let same = found.find(|one| one.number == Some(*number));
        if let (true, Some(same)) = (shows, same) {
            same.replace(exchange);
        }
    }

    /// Until when a stream found now may be shrunk.
    fn deadline(&self, state: &State) -> Instant {
        let now = Instant::now();
        let end = state.began.unwrap_or(now) + self.plan.time;
        end.max(now + self.plan.timeout * 3)
    }

    pub fn progress(&self) -> Progress {
        let state = self.state();
        let now = Instant::now();
        Progress {
            time: now - state.began.unwrap_or(now),
            connections: state.connections,
            exchanges: state.exchanges,
            found: state.found.len(),
            is_over: self.is_over(&state, now),
        }
    }

    /// What was found so far.
    pub fn findings(&self) -> Findings {
        let state = self.state();
        let time = state.began.zip(state.ended);
        Findings {
            seed: self.plan.seed,
            connections: state.connections,
            exchanges: state.exchanges,
            time: time.map_or(Duration::ZERO, |(began, ended)| ended - began),
            found: state.found.clone(),
        }
    }
}

impl State {
    /// Records a deviation, or counts it.
    fn deviated(
        &mut self,
        number: u64,
        deviation: Deviation,
        exchange: Exchange,
        deadline: Instant,
    ) {
        let mut known = self.found.iter_mut();
        if let Some(known) = known.find(|one| one.deviation.is_like(&deviation)) {
            known.times += 1;
            // The same at a stricter level is worth more.
            if known.deviation.level <= deviation.level {
                return;
            }
        }
        self.found.retain(|one| !one.deviation.is_like(&deviation));
        // What was never sent cannot be shrunk.
        if !exchange.stream.head.is_empty() {
            self.shrinking.push(Shrinking {
                number,
                deviation,
                shrinker: Shrinker::new(exchange.stream.clone()),
                is_busy: false,
                deadline,
            });
        }
        self.found.extend(Finding::of(exchange, Some(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tools::verify::case::Level;
    use crate::cli::tools::verify::random::judge::Deviation;
    use crate::cli::tools::verify::random::stream::Step;

    fn plan(time: Duration) -> Plan {
        Plan {
            seed: 1,
            time,
            jobs: 1,
            timeout: Duration::from_secs(1),
            max_deviations: 2,
        }
    }

    fn exchange(stream: Stream, name: Option<&'static str>) -> Exchange {
        Exchange {
            stream,
            exchanges: 1,
            deviation: name.map(|name| Deviation {
                name,
                section: "6455 5.6".into(),
                level: Level::Must,
                what: String::new(),
            }),
            ..Exchange::default()
        }
    }

    fn stream(steps: usize) -> Stream {
        Stream {
            head: vec!["GET * HTTP/1.1".into()],
            steps: vec![Step::Cut; steps],
            ..Stream::default()
        }
    }

    /// Plays all tasks; a stream of at least two steps shows the deviation.
    fn played(hunt: &Hunt, most: usize) -> usize {
        let mut count = 0;
        while let Some(task) = hunt.next().filter(|_| count < most) {
            count += 1;
            let (stream, name) = match &task {
                Task::Draw(number) => (stream(9), ["a", "b"][*number as usize % 2]),
                Task::Try(number, stream) | Task::Check(number, stream) => {
                    (stream.clone(), ["a", "b"][*number as usize % 2])
                }
            };
            let shows = stream.steps.len() >= 2;
            hunt.tell(&task, exchange(stream, shows.then_some(name)));
        }
        count
    }

    #[test]
    fn a_deviation_is_shrunk_and_checked_before_the_end() {
        let hunt = Hunt::new(plan(Duration::from_secs(3600)));
        played(&hunt, 10_000);
        let findings = hunt.findings();
        assert_eq!((findings.found.len(), findings.connections), (2, 2));
        for found in &findings.found {
            assert_eq!(found.steps(), 2, "{found:?}");
        }
        assert!(hunt.next().is_none());
    }

    #[test]
    fn the_strictest_level_is_reported() {
        let hunt = Hunt::new(plan(Duration::from_secs(3600)));
        for (number, level) in [Level::Quality, Level::Must, Level::Should]
            .into_iter()
            .enumerate()
        {
            let mut exchange = exchange(stream(9), Some("a"));
            exchange.deviation.as_mut().unwrap().level = level;
            hunt.tell(&Task::Draw(number as u64), exchange);
        }
        let found = hunt.findings().found;
        assert_eq!((found.len(), found[0].deviation.level), (1, Level::Must));
    }

    #[test]
    fn while_one_connection_shrinks_others_go_on() {
        let hunt = Hunt::new(plan(Duration::from_secs(3600)));
        let first = hunt.next().unwrap();
        hunt.tell(&first, exchange(stream(9), Some("a")));
        assert!(matches!(hunt.next(), Some(Task::Try(0, _))));
        assert!(matches!(hunt.next(), Some(Task::Draw(1))));
    }

    #[test]
    fn after_the_time_only_what_was_found_is_finished() {
        let hunt = Hunt::new(plan(Duration::ZERO));
        assert!(hunt.next().is_none());
        hunt.tell(&Task::Draw(0), exchange(stream(9), Some("a")));
        assert!(matches!(hunt.next(), Some(Task::Try(0, _))));
    }
}
