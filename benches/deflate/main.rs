//! permessage-deflate in memory: one message through a pool, next to bare zlib-rs.
//!
//! `cargo bench --bench deflate`. JSON of three sizes, with and without takeover, windows of 15
//! bits, the default level. Messages are binary: of text the pool also checks UTF-8, which zlib-rs
//! has no counterpart for. `codecs` says what either side does, `samples` what the messages are.
//!
//! Criterion shows each alone. The ratio of the two is the matter here, so a table follows for
//! which they took turns; `-- table` prints it alone.
#![forbid(unsafe_code)]

mod codecs;
#[path = "../samples.rs"]
mod samples;
mod table;

use crate::codecs::{Bare, Codec, Ours, agree};
use crate::samples::Samples;
use criterion::{Criterion, Throughput};
use std::hint::black_box;

const SIZES: [usize; 3] = [256, 1024, 16 * 1024];

/// A codec on its way over the samples: its sessions take turns, each at another message.
pub struct Walk<'s, C> {
    codec: C,
    samples: &'s Samples,
    sessions: usize,
    compressed: usize,
    inflated: usize,
}

impl<'s, C: Codec> Walk<'s, C> {
    pub fn new(samples: &'s Samples, takeover: bool, sessions: usize) -> Self {
        let mut codec = C::new(takeover, sessions);
        let count = samples.plain.len();
        for session in 0..sessions {
            for (message, payload) in samples.plain.iter().zip(&samples.first) {
                codec.compress(session, message);
                codec.inflate(session, payload, |_| {});
            }
            for payload in &samples.steady[..start(session, count)] {
                codec.inflate(session, payload, |_| {});
            }
        }
        Self {
            codec,
            samples,
            sessions,
            compressed: 0,
            inflated: 0,
        }
    }

    /// Compresses the next message.
    #[inline]
    pub fn compress(&mut self) {
        let (session, at) = self.place(self.compressed);
        self.compressed += 1;
        let message = &self.samples.plain[at];
        black_box(self.codec.compress(session, black_box(message)));
    }

    /// Inflates the next payload.
    #[inline]
    pub fn inflate(&mut self) {
        let (session, at) = self.place(self.inflated);
        self.inflated += 1;
        let payload = &self.samples.steady[at];
        let look = |plain: &[u8]| {
            black_box(plain);
        };
        self.codec.inflate(session, black_box(payload), look);
    }

    fn place(&self, turn: usize) -> (usize, usize) {
        let session = turn % self.sessions;
        let count = self.samples.plain.len();
        let at = start(session, count) + turn / self.sessions;
        (session, at % count)
    }
}

/// Where a session begins: seven messages behind the one before it.
fn start(session: usize, count: usize) -> usize {
    7 * session % count
}

fn name(size: usize) -> String {
    match size {
        size if size >= 1024 => format!("{} KiB", size / 1024),
        size => format!("{size} B"),
    }
}

fn bench(criterion: &mut Criterion, size: usize, takeover: bool) {
    let samples = Samples::new(size, takeover);
    agree::<Bare>(&samples, takeover);
    agree::<Ours>(&samples, takeover);
    let mode = if takeover { "takeover" } else { "alone" };
    let mut group = criterion.benchmark_group(format!("deflate/{mode}/{}", name(size)));
    group.throughput(Throughput::Bytes(size as u64));
    let mut bare = Walk::<Bare>::new(&samples, takeover, 1);
    let mut ours = Walk::<Ours>::new(&samples, takeover, 1);
    group.bench_function("compress/zlib-rs", |bencher| {
        bencher.iter(|| bare.compress());
    });
    group.bench_function("compress/pool", |bencher| {
        bencher.iter(|| ours.compress());
    });
    group.bench_function("inflate/zlib-rs", |bencher| {
        bencher.iter(|| bare.inflate());
    });
    group.bench_function("inflate/pool", |bencher| {
        bencher.iter(|| ours.inflate());
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for takeover in [false, true] {
        for size in SIZES {
            bench(&mut criterion, size, takeover);
        }
    }
    criterion.final_summary();
    let given = |name| std::env::args().any(|argument| argument == name);
    if given("--bench") && !given("--test") && !given("--list") {
        table::print();
    }
}
