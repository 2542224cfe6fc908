//! Time: nanoseconds since the run began, fixed schedules, and a thread that keeps them.
//!
//! Input: a rate. Output: the moment at which each message is due, and a wake-up of the loop
//! then. Invariant: a schedule never moves, whatever the server does; that is what keeps latencies
//! honest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nanoseconds on the clock of the run.
pub type Nanos = u64;

pub const SECOND: Nanos = 1_000_000_000;

/// The clock of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[inline]
    pub fn now(self) -> Nanos {
        self.0.elapsed().as_nanos() as Nanos
    }

    /// Sleeps until this moment and returns the time then; `None` as soon as `ended` is true.
    pub fn sleep_until(self, at: Nanos, ended: impl Fn() -> bool) -> Option<Nanos> {
        while !ended() {
            let now = self.now();
            if now >= at {
                return Some(now);
            }
            std::thread::sleep(Duration::from_nanos((at - now).min(NAP)));
        }
        None
    }
}

/// Polls `done` every millisecond until it is true or the time is up.
pub fn wait(time: Duration, done: impl Fn() -> bool) {
    let deadline = Instant::now() + time;
    while !done() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The measured part of the load: what begins in `from..until` counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The load begins.
    pub start: Nanos,
    pub from: Nanos,
    pub until: Nanos,
}

impl Window {
    #[inline]
    pub fn counts(self, begun: Nanos) -> bool {
        (self.from..self.until).contains(&begun)
    }
}

/// A fixed rate per second, from a moment on.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub start: Nanos,
    pub per_second: f64,
}

impl Schedule {
    /// When number `k` is due.
    #[inline]
    pub fn due(self, k: u64) -> Nanos {
        self.start + (k as f64 * SECOND as f64 / self.per_second) as Nanos
    }

    /// The first moment after `now` at which something is due.
    fn after(self, now: Nanos) -> Nanos {
        if now < self.start {
            return self.start;
        }
        let passed = (now - self.start) as f64 * self.per_second / SECOND as f64;
        let next = self.due(passed as u64 + 1);
        next.max(now + 1)
    }

    /// The share of one of several loops, which take turns.
    pub fn part(self, number: u32, of: u32) -> Self {
        let offset = f64::from(number) * SECOND as f64 / self.per_second;
        Self {
            start: self.start + offset as Nanos,
            per_second: self.per_second / f64::from(of),
        }
    }
}

/// Calls back whenever something of a schedule is due. Stops when it is dropped.
#[derive(Debug)]
pub struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Wake-ups are no closer to each other, as each costs some microseconds.
const GRAIN: Nanos = 100_000;

/// A sleeping pacer notices a stop within this time.
const NAP: Nanos = 10_000_000;

impl Pacer {
    pub fn start(clock: Clock, schedule: Schedule, wake: impl Fn() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            sleep_exactly();
            let mut next = schedule.after(clock.now());
            let ended = || stopped.load(Ordering::Relaxed);
            while let Some(now) = clock.sleep_until(next, ended) {
                wake();
                next = schedule.after(now).max(now + GRAIN);
            }
        };
        Self {
            stop,
            thread: Some(std::thread::spawn(run)),
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sets the timer slack of this thread to its minimum; Linux otherwise delays wake-ups by 50 µs.
pub fn sleep_exactly() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    if let Some(id) = thread.file_name() {
        let slack = std::path::Path::new("/proc").join(id).join("timerslack_ns");
        let _ = std::fs::write(slack, "1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_dense_and_its_parts_are_the_whole() {
        let all = Schedule {
            start: 1000,
            per_second: 3000.0,
        };
        let mut expected: Vec<Nanos> = (0..300).map(|k| all.due(k)).collect();
        expected.dedup();
        assert_eq!(expected.len(), 300);
        let mut parts: Vec<Nanos> = (0..3)
            .flat_map(|part| (0..100).map(move |k| all.part(part, 3).due(k)))
            .collect();
        parts.sort_unstable();
        for (part, whole) in parts.iter().zip(&expected) {
            assert!(part.abs_diff(*whole) <= 1, "{part} {whole}");
        }
    }

    #[test]
    fn the_next_moment_is_never_past() {
        let schedule = Schedule {
            start: 10,
            per_second: 7e5,
        };
        for now in 0..10_000 {
            let next = schedule.after(now);
            assert!(next > now && next < now + 1440, "{now} {next}");
        }
    }

    #[test]
    fn a_pacer_wakes_as_often_as_asked() {
        let clock = Clock::start();
        let schedule = Schedule {
            start: clock.now(),
            per_second: 200.0,
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let pacer = Pacer::start(clock, schedule, move || {
            let _ = sender.send(clock.now());
        });
        let wakes: Vec<Nanos> = receiver.iter().take(20).collect();
        drop(pacer);
        for (k, wake) in wakes.iter().enumerate() {
            assert!(*wake >= schedule.due(k as u64), "{k} too early");
        }
    }
}
