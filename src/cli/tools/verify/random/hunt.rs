//! Plays streams on parallel connections until the time is over, and shrinks what deviates.
//!
//! Input: a target and a plan. Output: [`Findings`]. Invariant: a deviation is shrunk and reported
//! once, by its name and section.

use crate::cli::common::Failure;
use crate::cli::tools::verify::random::connection::{self, Exchange};
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::findings::{Finding, Findings, HEADLINE};
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::shrink::Shrinker;
use crate::cli::tools::verify::random::stream::Stream;
use crate::cli::tools::verify::target::Target;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub time: Duration,
    /// Parallel connections.
    pub jobs: usize,
    /// Ends the run early.
    pub max_deviations: usize,
}

/// While shrinking, silence counts this much sooner; the result is checked with the whole time.
const HASTE: u32 = 20;

/// But not sooner than this, unless the whole time is shorter.
const LEAST: Duration = Duration::from_millis(50);

struct Hunt<'t> {
    target: &'t Target,
    plan: Plan,
    began: Instant,
    /// The number of the next stream.
    next: AtomicU64,
    connections: AtomicUsize,
    exchanges: AtomicUsize,
    found: Mutex<Vec<Finding>>,
    shown: bool,
}

/// Runs until the time is over or enough has been found.
pub fn run(target: &Target, plan: Plan) -> Findings {
    let hunt = Hunt {
        target,
        plan,
        began: Instant::now(),
        next: AtomicU64::new(0),
        connections: AtomicUsize::new(0),
        exchanges: AtomicUsize::new(0),
        found: Mutex::new(Vec::new()),
        shown: io::stderr().is_terminal(),
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs {
            scope.spawn(|| hunt.work());
        }
        hunt.show();
    });
    let found = hunt.found.into_inner();
    Findings {
        seed: plan.seed,
        connections: hunt.connections.into_inner(),
        exchanges: hunt.exchanges.into_inner(),
        time: hunt.began.elapsed(),
        found: found.unwrap_or_else(PoisonError::into_inner),
    }
}

/// Plays each stream in a file once.
pub fn replay(target: &Target, file: &Path, plan: Plan) -> Result<Findings, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let began = Instant::now();
    let (mut connections, mut exchanges, mut found) = (0, 0, Vec::new());
    for part in split(&text) {
        let stream = Stream::parse(part, true);
        let stream = stream.map_err(|what| Failure::usage(format!("{name}: {what}")))?;
        if stream.head.is_empty() {
            continue;
        }
        let exchange = connection::replay(target, stream, target.timeout);
        connections += 1;
        exchanges += exchange.exchanges;
        found.extend(Finding::of(exchange, None));
    }
    match connections {
        0 => Err(Failure::usage(format!(
            "{name}: no line begins with # head:"
        ))),
        _ => Ok(Findings {
            seed: plan.seed,
            connections,
            exchanges,
            time: began.elapsed(),
            found,
        }),
    }
}

/// The streams of a report, each without its first line.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(HEADLINE).enumerate();
    parts.map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('\n').map_or("", |(_, rest)| rest),
    })
}

impl Hunt<'_> {
    fn is_over(&self) -> bool {
        self.began.elapsed() >= self.plan.time || self.found().len() >= self.plan.max_deviations
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Vec<Finding>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while !self.is_over() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let mut dice = Dice::of(self.plan.seed, number);
            let exchange = connection::draw(self.target, &mut dice, self.target.timeout);
            self.connections.fetch_add(1, Ordering::Relaxed);
            self.exchanges
                .fetch_add(exchange.exchanges, Ordering::Relaxed);
            if let Some(deviation) = exchange.deviation.clone()
                && self.is_new(&deviation, &exchange, number)
            {
                let exchange = self.shrink(exchange, &deviation);
                let mut found = self.found();
                let same = found.iter_mut().find(|one| one.number == Some(number));
                if let (Some(same), Some(shrunk)) = (same, Finding::of(exchange, Some(number))) {
                    same.replace(shrunk);
                }
            }
        }
    }

    /// Records it, or counts it.
    fn is_new(&self, deviation: &Deviation, exchange: &Exchange, number: u64) -> bool {
        let mut found = self.found();
        let known = found
            .iter_mut()
            .find(|one| one.deviation.is_like(deviation));
        if let Some(known) = known {
            known.times += 1;
            return false;
        }
        found.extend(Finding::of_ref(exchange, number));
        true
    }

    /// The shortest stream with this deviation.
    fn shrink(&self, exchange: Exchange, deviation: &Deviation) -> Exchange {
        let timeout = self.target.timeout;
        let haste = (timeout / HASTE).max(LEAST).min(timeout);
        let mut shrinker = Shrinker::new(exchange.stream.clone());
        let deadline = self.began + self.plan.time.max(self.began.elapsed() + timeout * 3);
        let shows = |exchange: &Exchange| {
            exchange
                .deviation
                .as_ref()
                .is_some_and(|one| one.is_like(deviation))
        };
        while let Some(candidate) = shrinker.candidate().filter(|_| Instant::now() < deadline) {
            let played = connection::replay(self.target, candidate.clone(), haste);
            shrinker.tell(shows(&played));
        }
        let best = connection::replay(self.target, shrinker.best(), timeout);
        match shows(&best) {
            true => best,
            false => exchange,
        }
    }

    /// The progress, on a terminal.
    fn show(&self) {
        while self.shown && !self.is_over() {
            let seconds = self.began.elapsed().as_secs_f64();
            let exchanges = self.exchanges.load(Ordering::Relaxed);
            let _ = write!(
                io::stderr(),
                "\r{seconds:.0} s: {} connections, {exchanges} exchanges ({:.0}/s), \
                 {} deviations\x1b[K",
                self.connections.load(Ordering::Relaxed),
                exchanges as f64 / seconds.max(0.001),
                self.found().len(),
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
