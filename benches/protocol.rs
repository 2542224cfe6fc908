//! In-memory benchmarks of the protocol core: mask, header, receive, text.
//!
//! `cargo bench --bench protocol`. Throughput counts payload bytes. Frames are received over and
//! over in one buffer, so that up to the size of the caches memory is not what is measured;
//! unmasking a frame twice masks it again, which costs the same.
#![forbid(unsafe_code)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wirebell::wire::{FrameHeader, Utf8Stream};
use wirebell::{Connection, Event, Limits, Mask, MessageKind, Outbox, Role};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const SIZES: [usize; 7] = [16, 128, 1024, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

fn frame(kind: MessageKind, payload: &[u8]) -> Vec<u8> {
    let mut header = FrameHeader::data(Some(kind), payload.len() as u64, true);
    header.mask = Some(KEY);
    let mut bytes = header.emit().to_vec();
    let at = bytes.len();
    bytes.extend_from_slice(payload);
    Mask::new(KEY).apply(&mut bytes[at..]);
    bytes
}

fn mask(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for size in SIZES {
        let mut payload = vec![0x55; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| Mask::new(black_box(KEY)).apply(black_box(&mut payload)));
        });
    }
}

fn header(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    for length in [16, 1024, 1 << 20] {
        let mut header = FrameHeader::data(Some(MessageKind::Binary), length, true);
        header.mask = Some(KEY);
        let bytes = header.emit();
        group.bench_function(BenchmarkId::new("parse", length), |bencher| {
            bencher.iter(|| FrameHeader::parse(black_box(&bytes), true));
        });
        group.bench_function(BenchmarkId::new("emit", length), |bencher| {
            bencher.iter(|| black_box(&header).emit());
        });
    }
}

/// Feeds one whole frame and returns the payload bytes that were lent.
fn receive(connection: &mut Connection, outbox: &mut Outbox, input: &mut [u8]) -> usize {
    let mut at = 0;
    let mut lent = 0;
    while at < input.len() {
        let received = connection.receive(&mut input[at..], outbox);
        at += received.consumed;
        match received.event {
            Some(Event::Piece(piece)) => lent += black_box(piece.bytes).len(),
            other => panic!("{other:?}"),
        }
    }
    lent
}

fn binary(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("receive_binary");
    for size in SIZES {
        let mut connection = Connection::new(Role::Server, &Limits::default(), 0);
        let mut outbox = Outbox::new();
        let mut input = frame(MessageKind::Binary, &vec![7; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| receive(&mut connection, &mut outbox, black_box(&mut input)));
        });
    }
}

/// Text must be unmasked to the right bytes each time, so each run gets a fresh copy of the
/// frame; making it is not measured.
fn text(criterion: &mut Criterion) {
    for (name, sample) in [
        ("receive_ascii", "plain text, as most is. "),
        ("receive_utf8", "κόσμε €𝄞 "),
    ] {
        let mut group = criterion.benchmark_group(name);
        for size in SIZES {
            let payload: String = sample.chars().cycle().take(size / 2).collect();
            let input = frame(MessageKind::Text, payload.as_bytes());
            let mut connection = Connection::new(Role::Server, &Limits::default(), 0);
            let mut outbox = Outbox::new();
            group.throughput(Throughput::Bytes(payload.len() as u64));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter_batched_ref(
                    || input.clone(),
                    |input| receive(&mut connection, &mut outbox, input),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

fn utf8(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("utf8");
    for (name, sample) in [("ascii", "plain text. "), ("mixed", "κόσμε €𝄞 ")] {
        let text: String = sample.chars().cycle().take(32 << 10).collect();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Utf8Stream::new().push(black_box(text.as_bytes())));
        });
    }
}

criterion_group!(benches, mask, header, binary, text, utf8);
criterion_main!(benches);
