//! What happens in one run of the push server.

use super::world::World;
use super::{gotify, wserver};
use crate::Scenario;
use crate::layers::Layers;
use crate::support::Rng;
use crate::totals::Totals;
use std::fmt;
use wirebell::net::testing::Faults;
use wirebell::net::{Options, Overflow};
use wirebell::push::HubLimits;
use wirebell::{Limits, net, push};

pub const SUBSCRIBERS: usize = 5;
pub const PUBLISHERS: usize = 2;
pub const TOPICS: [&str; 5] = ["a.x", "a.y", "b.x", "c", "d.d.d"];

/// What subscribers choose from.
const PATTERNS: [&str; 7] = ["a.x", "a.*", "**", "a.x,b.*", "c", "*.x,a.x", "d.**,c"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Raw,
    Envelopes,
    Events,
    Lines,
    Poll,
}

#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub transport: Transport,
    pub patterns: &'static str,
    /// It begins at the beginning, not at what is new.
    pub all: bool,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub layers: Layers,
    pub options: Options,
    pub faults: Faults,
    pub history: usize,
    /// What happens to slow subscribers.
    pub overflow: Overflow,
    pub limits: push::Limits,
    pub wanted: [Wanted; SUBSCRIBERS],
    /// There is a file of data.
    pub disk: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A publisher sends one message, or several in a batch.
    Publish {
        publisher: usize,
        topic: usize,
        bytes: usize,
        count: usize,
    },
    /// A subscriber connects, again if it was connected, and resumes from its last position.
    Resume {
        client: usize,
    },
    /// It reads at most so much.
    Read {
        client: usize,
        most: usize,
    },
    /// It publishes over its WebSocket of envelopes.
    Say {
        client: usize,
        topic: usize,
    },
    /// It goes, with or without a word.
    Vanish {
        client: usize,
        reset: bool,
    },
    /// Its token is revoked, or is good again.
    Revoke {
        client: usize,
    },
    Restore {
        client: usize,
    },
    Wserver(wserver::Step),
    Gotify(gotify::Step),
    /// The next batches are refused by the log, if there is a disk.
    Refuse {
        batches: usize,
        full: bool,
    },
    /// The server is killed if it has a disk. What waits for that is written, or not.
    Kill {
        is_written: bool,
    },
    /// One worker does one turn.
    Turn {
        of: usize,
    },
    /// All workers run until nothing is left to do.
    Run,
    /// Time passes.
    Advance {
        ms: u64,
    },
}

fn limits(rng: &mut Rng) -> net::Limits {
    net::Limits::default()
        .protocol(Limits::default().ping_ms(0).close_ms(300).linger_ms(200))
        .queued_bytes(1_500 << rng.below(5))
        .memory_bytes([1 << 30, 1 << 30, 30_000, 20_000][rng.below(4)])
        .mail_bytes([1 << 20, 1 << 20, 6_000][rng.below(3)])
        .stall_ms(5_000)
}

fn wanted(rng: &mut Rng) -> Wanted {
    let all = [
        Transport::Raw,
        Transport::Envelopes,
        Transport::Envelopes,
        Transport::Events,
        Transport::Lines,
        Transport::Poll,
    ];
    Wanted {
        transport: all[rng.below(all.len())],
        patterns: PATTERNS[rng.below(PATTERNS.len())],
        all: rng.one_in(2),
    }
}

impl Scenario for Plan {
    fn new(seed: u64, layers: Layers) -> Self {
        let rng = &mut Rng::new(seed ^ 0x7075_7368);
        let faulty = rng.one_in(2);
        let one_in = |rng: &mut Rng| if faulty { [0, 2, 5][rng.below(3)] } else { 0 };
        let faults = Faults {
            seed: rng.next(),
            short_reads: one_in(rng),
            short_writes: one_in(rng),
            refused_writes: one_in(rng),
            failed_accepts: 0,
            capacity: 1_000 << rng.below(4),
        };
        let options = Options::default()
            .workers(1 + rng.below(2))
            .limits(limits(rng));
        let topics = [100, 100, 2][rng.below(3)];
        let hub = HubLimits::default().topics(topics).topic_share(1);
        let mut plan = Self {
            seed,
            layers,
            options: layers.options(options),
            faults,
            history: [1, 3, 10, 1_000][rng.below(4)],
            overflow: [
                Overflow::Disconnect,
                Overflow::Disconnect,
                Overflow::DropOldest,
                Overflow::KeepLatest,
            ][rng.below(4)],
            // A token that is worth nothing is told so while publishers wait.
            limits: push::Limits::default().hub(hub).wrong_token_ms(0),
            wanted: std::array::from_fn(|_| wanted(rng)),
            disk: false,
            steps: Vec::new(),
        };
        // The answer to a poll must fit into the budget.
        if plan.options.limits.memory_bytes < 1 << 30 {
            plan.history = plan.history.min(1);
        }
        // And the sessions of all its clients.
        if layers.tls && plan.options.limits.memory_bytes < 1 << 30 {
            plan.options.limits.memory_bytes += 60_000;
        }
        // With so few topics, those that are subscribed to by name would be refused.
        if topics < TOPICS.len() {
            plan.wanted.iter_mut().for_each(|it| it.patterns = "**");
        }
        plan.steps = steps(rng);
        let rng = &mut Rng::new(seed ^ 0x6469_616c);
        plan.disk = rng.one_in(4);
        for _ in 0..rng.below(16) {
            let at = rng.below(plan.steps.len() + 1);
            plan.steps.insert(at, dialect_step(rng, plan.disk));
        }
        plan
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn layers(&self) -> Layers {
        self.layers
    }

    fn run(&self) -> Result<Totals, String> {
        World::run(self)
    }

    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn leave_out(&mut self, range: std::ops::Range<usize>) {
        self.steps.drain(range);
    }
}

fn steps(rng: &mut Rng) -> Vec<Step> {
    let mut steps: Vec<_> = (0..SUBSCRIBERS)
        .map(|client| Step::Resume { client })
        .collect();
    steps.push(Step::Run);
    for _ in 0..8 + rng.below(17) {
        steps.push(step(rng));
        if rng.one_in(3) {
            steps.push([Step::Run, Step::Turn { of: rng.below(2) }][rng.below(2)]);
        }
    }
    steps
}

fn step(rng: &mut Rng) -> Step {
    let client = rng.below(SUBSCRIBERS);
    match rng.below(40) {
        0..=12 => Step::Publish {
            publisher: rng.below(PUBLISHERS),
            topic: rng.below(TOPICS.len()),
            bytes: [10, 10, 100, 400, 2_500][rng.below(5)],
            count: [1, 1, 2, 5][rng.below(4)],
        },
        13..=22 => Step::Read {
            client,
            most: [50, 1_500, usize::MAX, usize::MAX][rng.below(4)],
        },
        23..=28 => Step::Resume { client },
        29 | 30 => Step::Vanish {
            client,
            reset: rng.one_in(2),
        },
        31 => Step::Revoke { client },
        32 => Step::Restore { client },
        33 => Step::Say {
            client,
            topic: rng.below(TOPICS.len()),
        },
        34..=36 => Step::Advance {
            ms: [10, 400, 1_000, 2_500, 16_000][rng.below(5)],
        },
        _ => Step::Run,
    }
}

/// Steps of the other dialects and of the disk, which come between those of [`steps`].
fn dialect_step(rng: &mut Rng, disk: bool) -> Step {
    match rng.below(20) {
        0 | 1 if disk => Step::Kill {
            is_written: rng.one_in(2),
        },
        2 if disk => Step::Refuse {
            batches: 1 + rng.below(3),
            full: rng.one_in(2),
        },
        0..=9 => Step::Wserver(wserver::Step::new(rng)),
        10..=18 => Step::Gotify(gotify::Step::new(rng)),
        _ => Step::Run,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            workers, limits, ..
        } = &self.options;
        writeln!(
            f,
            "push: {workers} workers, queued_bytes {}, memory_bytes {}, mail_bytes {}, history \
             {}, overflow {:?}, topics {}, disk {}\n{}\n{:?}",
            limits.queued_bytes,
            limits.memory_bytes,
            limits.mail_bytes,
            self.history,
            self.overflow,
            self.limits.hub.topics,
            self.disk,
            self.layers,
            self.faults
        )?;
        for (at, wanted) in self.wanted.iter().enumerate() {
            writeln!(f, "  subscriber {at}: {wanted:?}")?;
        }
        for step in &self.steps {
            writeln!(f, "  {step:?}")?;
        }
        Ok(())
    }
}
