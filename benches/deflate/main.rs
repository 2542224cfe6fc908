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
mod walk;

use crate::codecs::{Bare, Ours, agree};
use crate::samples::Samples;
use crate::walk::{SIZES, Walk, name};
use criterion::{Criterion, Throughput};

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
