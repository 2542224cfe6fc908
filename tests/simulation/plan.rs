//! What happens in one run: the bounds of the server, the faults of the network, and the steps.

use crate::Scenario;
use crate::layers::Layers;
use crate::support::Rng;
use crate::totals::Totals;
use crate::world::World;
use std::fmt;
use wirebell::net::testing::Faults;
use wirebell::net::{Options, Overflow};
use wirebell::{Limits, net};

/// Bare clients of a run.
pub const CLIENTS: usize = 6;

/// Clients of a loop.
pub const DIALLED: usize = 2;

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub layers: Layers,
    pub options: Options,
    pub faults: Faults,
    pub steps: Vec<Step>,
}

/// What a client asks the server to do with its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Keep it.
    Nothing,
    /// Send it back.
    Echo,
    /// Send this many messages of this size to the client.
    Burst(u16, u16),
    /// Send it to all clients of all workers.
    Publish,
    /// Close the connection.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A bare client connects and asks for a WebSocket.
    Open {
        client: usize,
    },
    /// It asks for a response, now, later, or in parts.
    Get {
        client: usize,
        how: Answer,
    },
    /// It sends a message of this many bytes in this many frames.
    Say {
        client: usize,
        bytes: usize,
        frames: usize,
        wish: Wish,
    },
    /// It sends a frame that no client may send.
    Break {
        client: usize,
    },
    /// It sends the beginning of a message and no more.
    Begin {
        client: usize,
    },
    Ping {
        client: usize,
    },
    /// It reads at most this many bytes.
    Read {
        client: usize,
        most: usize,
    },
    Close {
        client: usize,
    },
    HalfClose {
        client: usize,
    },
    Reset {
        client: usize,
    },
    /// A client of the loop dials.
    Dial {
        client: usize,
    },
    /// It says something.
    Call {
        client: usize,
        bytes: usize,
        wish: Wish,
    },
    /// Another thread publishes.
    Post {
        bytes: usize,
        key: u32,
    },
    /// The service wants to hear nothing of a client for now, or again.
    Pause {
        client: usize,
    },
    Resume {
        client: usize,
    },
    /// The service answers the clients that wait for it.
    Answer {
        client: usize,
    },
    /// One loop does one turn.
    Turn {
        of: usize,
    },
    /// All loops run until nothing is left to do.
    Run,
    /// Time passes, and the loops run at each deadline.
    Advance {
        ms: u64,
    },
    /// All loops are held up for a while.
    Sleep {
        ms: u64,
    },
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Now,
    Later,
    Stream,
}

fn limits(rng: &mut Rng) -> net::Limits {
    net::Limits::default()
        .protocol(
            Limits::default()
                .message_bytes(40_000)
                .ping_ms([0, 1_000][rng.below(2)])
                .pong_ms(500)
                .close_ms(400)
                .linger_ms(200),
        )
        .queued_bytes(2_000 << rng.below(4))
        .memory_bytes([1 << 30, 1 << 30, 40_000][rng.below(3)])
        .message_ms(2_000)
        .head_ms(500)
        .http_idle_ms(3_000)
        .body_ms(500)
        .answer_ms(1_000)
        .stall_ms(800)
        .connections([1_000, 5][rng.below(2)])
}

impl Plan {
    /// No time passes, so no client is ended for being slow.
    pub fn is_timeless(&self) -> bool {
        let passes = |step: &Step| matches!(step, Step::Advance { .. } | Step::Sleep { .. });
        !self.steps.iter().any(passes)
    }

    /// The loops do not run for a while.
    pub fn is_held_up(&self) -> bool {
        let sleeps = |step: &Step| matches!(step, Step::Sleep { .. });
        self.steps.iter().any(sleeps)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            workers,
            overflow,
            limits,
            receive_buffer,
            ..
        } = &self.options;
        let net::Limits {
            queued_bytes,
            memory_bytes,
            connections,
            ..
        } = limits;
        let ping_ms = limits.protocol.ping_ms;
        writeln!(
            f,
            "{workers} workers, {overflow:?}, queued_bytes {queued_bytes}, memory_bytes \
             {memory_bytes}, ping_ms {ping_ms}, connections {connections}, receive_buffer \
             {receive_buffer}\n{}\n{:?}",
            self.layers, self.faults
        )?;
        for step in &self.steps {
            writeln!(f, "  {step:?}")?;
        }
        Ok(())
    }
}

impl Scenario for Plan {
    fn new(seed: u64, layers: Layers) -> Self {
        let rng = &mut Rng::new(seed);
        let faulty = !rng.one_in(4);
        let one_in = |rng: &mut Rng| if faulty { [0, 2, 5][rng.below(3)] } else { 0 };
        let faults = Faults {
            seed: rng.next(),
            short_reads: one_in(rng),
            short_writes: one_in(rng),
            refused_writes: one_in(rng),
            failed_accepts: one_in(rng),
            capacity: 1_000 << rng.below(5),
        };
        let options = Options::default()
            .workers(1 + rng.below(2))
            .limits(limits(rng))
            .overflow(
                [
                    Overflow::Disconnect,
                    Overflow::DropOldest,
                    Overflow::KeepLatest,
                ][rng.below(3)],
            )
            .receive_buffer(4096 << rng.below(3));
        let mut steps: Vec<_> = (0..CLIENTS).map(|client| Step::Open { client }).collect();
        if !rng.one_in(4) {
            steps.push(Step::Run);
            let most = usize::MAX;
            steps.extend((0..CLIENTS).map(|client| Step::Read { client, most }));
        }
        let timeless = rng.one_in(4);
        for _ in 0..20 + rng.below(60) {
            let step = step(rng);
            if timeless && matches!(step, Step::Advance { .. } | Step::Sleep { .. }) {
                continue;
            }
            steps.push(step);
            if rng.one_in(2) {
                steps.push([Step::Run, Step::Turn { of: rng.below(4) }][rng.below(2)]);
            }
        }
        Self {
            seed,
            layers,
            options: layers.options(options),
            faults,
            steps,
        }
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

    fn leave_out(&mut self, steps: std::ops::Range<usize>) {
        self.steps.drain(steps);
    }
}

fn wish(rng: &mut Rng) -> Wish {
    match rng.below(10) {
        0..=3 => Wish::Echo,
        4 | 5 => Wish::Publish,
        6 | 7 => Wish::Burst(1 + rng.below(40) as u16, 8 + rng.below(2_000) as u16),
        8 => Wish::Close,
        _ => Wish::Nothing,
    }
}

fn bytes(rng: &mut Rng) -> usize {
    match rng.below(10) {
        0..=5 => 16 + rng.below(200),
        6..=8 => 16 + rng.below(5_000),
        _ => 16 + rng.below(30_000),
    }
}

fn step(rng: &mut Rng) -> Step {
    let client = rng.below(CLIENTS);
    match rng.below(52) {
        0..=13 => Step::Say {
            client,
            bytes: bytes(rng),
            frames: [1, 1, 1, 2, 5][rng.below(5)],
            wish: wish(rng),
        },
        14..=22 => Step::Read {
            client,
            most: [10, 1_000, usize::MAX][rng.below(3)],
        },
        23..=26 => Step::Advance {
            ms: [10, 300, 900, 2_500][rng.below(4)],
        },
        27 => Step::Sleep { ms: 5_000 },
        28 | 29 => Step::Open { client },
        30 | 31 => Step::Get {
            client,
            how: [Answer::Now, Answer::Later, Answer::Stream][rng.below(3)],
        },
        32..=34 => Step::Answer { client },
        35 => Step::Break { client },
        36 => Step::Begin { client },
        37 => Step::Ping { client },
        38 => Step::Close { client },
        39 => Step::HalfClose { client },
        40 => Step::Reset { client },
        41 | 42 => Step::Dial {
            client: rng.below(DIALLED),
        },
        43..=45 => Step::Call {
            client: rng.below(DIALLED),
            bytes: bytes(rng),
            wish: wish(rng),
        },
        46 => Step::Post {
            bytes: bytes(rng),
            key: rng.below(3) as u32,
        },
        47 => Step::Pause { client },
        48 | 49 => Step::Resume { client },
        50 if rng.one_in(3) => Step::Stop,
        _ => Step::Run,
    }
}
