//! What permessage-deflate and TLS cost in memory: the figures of `wirebell::deflate`, and an idle
//! session, counted.
//!
//! The allocator counts for the whole process, so this is one test in a process of its own, and
//! what it measures runs sequentially.
#![forbid(unsafe_code)]

use flate2::{Compress, Compression, FlushCompress};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use wirebell::deflate::{Budget, Compressed, Compressor, Params, Pool, Session, Settings};
use wirebell::handshake::Direction;
use wirebell::{Limits, MessageKind, Violation};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What an inflater takes, as the table says.
const INFLATER: usize = 47_552;

/// Bytes that are taken now and were not before `f`, whose value is still held.
fn held<T>(f: impl FnOnce() -> T) -> (T, isize) {
    let region = Region::new(ALLOCATOR);
    let value = f();
    let change = region.change();
    let held = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    (value, held)
}

/// All bytes that `f` ever took, given back or not: never less than it held at one time.
fn taken<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(ALLOCATOR);
    let value = f();
    (value, region.change().bytes_allocated)
}

#[track_caller]
fn within_a_percent(found: isize, figure: usize, what: &str) {
    println!("{what}: {found} bytes, stated {figure}");
    let figure = figure as isize;
    let close = (found - figure).abs() * 100 <= figure;
    assert!(close, "{what}: {found}, not {figure}");
}

fn link(takeover: bool, window_bits: u8) -> Params {
    let direction = Direction {
        takeover,
        window_bits,
    };
    Params {
        send: direction,
        receive: direction,
    }
}

fn pool(budget: usize) -> Pool {
    let settings = Settings::DEFAULT.min_bytes(0);
    Pool::new(settings, Budget::new(budget))
}

/// The payload that the C library makes of a message, with an empty window.
fn packed(plain: &[u8], level: u32) -> Vec<u8> {
    let mut zlib = Compress::new(Compression::new(level), false);
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 100);
    let status = zlib.compress_vec(plain, &mut out, FlushCompress::Sync);
    assert!(status.is_ok() && out.len() < out.capacity());
    out.truncate(out.len() - 4);
    out
}

fn whole(bytes: &[u8]) -> Compressed<'_> {
    Compressed {
        kind: MessageKind::Binary,
        bytes,
        first: true,
        last: true,
    }
}

/// Inflates a whole message and forgets it.
fn receive(pool: &mut Pool, session: &mut Session, link: &Params, payload: &[u8]) {
    let message = pool.inflate(session, link, whole(payload), &Limits::DEFAULT);
    pool.recycle(message.expect("good").expect("whole"));
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A session after messages both ways, and what it took in a pool that has served others before:
/// its own memory, and one more inflater if the pool keeps windows in them.
fn connection(takeover: bool, bits: u8) -> (Session, isize) {
    let (link, mut pool) = (link(takeover, bits), pool(64 * MIB));
    let (incoming, runs) = (packed(&noise(100 * KIB), 0), vec![7; 4 * KIB]);
    let mut out = Vec::new();
    let mut other = Session::default();
    for _ in 0..2 {
        receive(&mut pool, &mut other, &link, &incoming);
        pool.compress_alone(bits, &runs, &mut out);
    }
    held(|| {
        let mut session = Session::default();
        for _ in 0..3 {
            receive(&mut pool, &mut session, &link, &incoming);
            if !takeover {
                let len = pool.compress(&mut session, &link, &runs, &mut out);
                assert!(len.is_some());
            }
        }
        session
    })
}

fn a_window_is_its_bytes() {
    for bits in 8..=15 {
        let (session, bytes) = connection(false, bits);
        assert_eq!(bytes, 0, "no takeover, {bits} bits");
        assert!(session.is_empty());
        let (session, bytes) = connection(true, bits);
        let size = 1_usize << bits.max(9);
        let inflater = if bits == 15 { INFLATER } else { 0 };
        println!("window of {bits} bits: {bytes} bytes");
        assert_eq!(bytes, (size + inflater) as isize);
        assert_eq!(session.kept_bytes(&link(true, bits)), size);
        assert!(!session.is_empty());
        let ((), back) = held(|| drop(session));
        assert_eq!(back, -(size as isize), "{bits} bits");
    }
    // It follows the bytes that came.
    let (link, mut pool, mut session) = (link(true, 15), pool(MIB), Session::default());
    receive(&mut pool, &mut session, &link, &packed(&noise(100), 0));
    assert!(session.kept_bytes(&link) <= 200);
}

fn a_compressor_costs_what_it_says() {
    let table = [(9, 164_992), (12, 179_328), (15, 294_016)];
    for (bits, figure) in table {
        assert_eq!(Compressor::cost(bits), figure, "the table says so");
    }
    let message = noise(100 * KIB);
    for bits in 8..=15 {
        for level in [0, 1, 2, 6, 9] {
            let mut out = Vec::with_capacity(2 * message.len());
            let (compressor, bytes) = held(|| {
                let mut compressor = Compressor::new(bits, level);
                compressor.message(&message, &mut out);
                compressor
            });
            let what = format!("compressor of {bits} bits, level {level}");
            within_a_percent(bytes, Compressor::cost(bits), &what);
            let ((), back) = held(|| drop(compressor));
            assert_eq!(back, -bytes, "{what}");
        }
    }
}

fn a_session_gives_its_compressor_back() {
    for bits in [9, 12, 15] {
        let (link, mut pool) = (link(true, bits), pool(64 * MIB));
        let (message, mut out) = (vec![7; 4 * KIB], Vec::with_capacity(8 * KIB));
        let mut session = Session::default();
        for round in 0..3 {
            let (len, bytes) = held(|| pool.compress(&mut session, &link, &message, &mut out));
            assert!(len.is_some());
            within_a_percent(bytes, Compressor::cost(bits), "compressor of a session");
            assert_eq!(session.kept_bytes(&link), Compressor::cost(bits));
            assert_eq!(pool.budget().used(), Compressor::cost(bits));
            let ((), back) = held(|| match round {
                0 => session.drop_compressor(),
                _ => session = Session::default(),
            });
            assert_eq!(back, -bytes);
            assert_eq!(pool.budget().used(), 0);
        }
        // Past the budget nothing stays with the session; one compressor serves all.
        let mut poor = self::pool(Compressor::cost(bits) - 1);
        let (len, first) = held(|| poor.compress(&mut session, &link, &message, &mut out));
        assert!(len.is_some() && session.is_empty());
        within_a_percent(first, Compressor::cost(bits), "compressor of a pool");
        let mut other = Session::default();
        let (len, second) = held(|| poor.compress(&mut other, &link, &message, &mut out));
        assert!(len.is_some() && other.is_empty());
        assert_eq!((second, poor.budget().used()), (0, 0));
    }
}

fn a_window_is_reserved_before_it_is_filled() {
    let (link, budget) = (link(true, 15), Budget::new(32 * KIB));
    let mut session = Session::default();
    let (reserved, bytes) = held(|| session.reserve(&budget, link.receive.window_bits));
    assert!(reserved);
    assert_eq!((bytes, budget.left()), (0, 0), "a promise, no memory");
    assert!(!Session::default().reserve(&budget, 8));
    drop(session);
    assert_eq!(budget.used(), 0);
}

fn a_pool_keeps_eight_inflaters() {
    let (link, mut pool) = (link(true, 15), pool(64 * MIB));
    let payload = packed(b"Hello", 6);
    let mut sessions: Vec<Session> = (0..20).map(|_| Session::default()).collect();
    receive(&mut pool, &mut sessions[0], &link, &payload);
    // The next one has an inflater of its own, as this one keeps a window, and five bytes of that.
    let (_, second) = held(|| receive(&mut pool, &mut sessions[1], &link, &payload));
    within_a_percent(second - 5, INFLATER, "an inflater");
    let ((), more) = held(|| {
        for session in &mut sessions[2..] {
            receive(&mut pool, session, &link, &payload);
        }
    });
    within_a_percent(more - 18 * 5, 6 * INFLATER, "six more");
}

/// A message that has come in part: an inflater and what has been made of it, out of the budget;
/// without budget the bytes that came.
fn a_message_in_parts_costs_what_came() {
    let (link, payload) = (link(false, 15), packed(&noise(100 * KIB), 0));
    let start = |bytes| Compressed {
        last: false,
        ..whole(bytes)
    };
    for (budget, most) in [(MIB, 48 * KIB + 160 * KIB), (0, 102 * KIB)] {
        let (mut pool, mut session) = (pool(budget), Session::default());
        let (result, bytes) = held(|| {
            let begun = pool.inflate(&mut session, &link, start(&payload[..]), &Limits::DEFAULT);
            begun.map(|message| message.is_none())
        });
        assert_eq!(result, Ok(true));
        println!("100 KiB in parts, budget {budget}: {bytes} bytes");
        assert!(
            bytes >= 100 * KIB as isize && bytes <= most as isize,
            "{bytes}"
        );
        // All of it but the record and the bytes that wait is out of the budget.
        let used = pool.budget().used() as isize;
        assert!(
            used >= (bytes - 2 * KIB as isize).min(budget as isize),
            "{used}"
        );
        let ((), back) = held(|| drop(session));
        assert_eq!(back, -bytes);
        assert_eq!(pool.budget().used(), 0);
    }
}

/// What large messages leave with a pool is bounded.
fn a_pool_keeps_a_mebibyte_of_a_message() {
    let (link, mut pool, mut session) = (link(false, 15), pool(0), Session::default());
    for (len, most) in [(900 * KIB, MIB), (3 * MIB, 0), (800 * KIB, MIB)] {
        let payload = packed(&noise(len), 0);
        let ((), bytes) = held(|| receive(&mut pool, &mut session, &link, &payload));
        let rest = (INFLATER + KIB) as isize;
        println!("after a message of {len} bytes: {bytes} bytes more");
        assert!(bytes <= most as isize + rest, "{bytes} after {len}");
    }
}

/// A bomb takes the limit and what growing to it takes, whatever it would become.
fn a_bomb_is_bounded() {
    let bomb = packed(&vec![0; 40 * MIB], 9);
    let limits = Limits::DEFAULT.inflate_ratio(u32::MAX);
    let limit = limits.message_bytes as usize;
    let (link, mut pool, mut session) = (link(true, 15), pool(MIB), Session::default());
    let (result, bytes) = taken(|| {
        let inflated = pool.inflate(&mut session, &link, whole(&bomb), &limits);
        inflated.map(|message| message.is_some())
    });
    assert_eq!(result, Err(Violation::MessageTooBig));
    println!("a bomb of 40 MiB: {bytes} bytes taken");
    assert!(bytes < limit + 64 * KIB, "{bytes}");
    // A ratio below that of DEFLATE refuses it with its first 4 KiB, which make 4 MiB.
    let limits = Limits::DEFAULT.inflate_ratio(256);
    let (result, bytes) = taken(|| {
        let inflated = pool.inflate(&mut session, &link, whole(&bomb), &limits);
        inflated.map(|message| message.is_some())
    });
    assert_eq!(result, Err(Violation::InflateRatio));
    println!("a bomb within the ratio: {bytes} bytes taken");
    assert!(bytes < 9 * MIB, "{bytes}");
}

/// What the server keeps for an idle connection over TLS 1.3, in both roles, after a message each
/// way. Both ends in memory; sockets and buffers of the loop are not in it.
#[cfg(feature = "self-signed")]
fn an_idle_tls_session_is_small() {
    use wirebell::tls::InMemory;
    let (acceptor, connector) = tls_settings();
    let mut ends = [
        InMemory::server(&acceptor).expect("a good certificate"),
        InMemory::client(&connector, "localhost").expect("a good name"),
    ];
    let exchange = |ends: &mut [InMemory; 2]| {
        for from in [1, 0].repeat(4) {
            let sent = ends[from].take_output();
            ends[1 - from].receive(&sent);
        }
    };
    exchange(&mut ends);
    for end in &mut ends {
        assert_eq!(end.send(&[&noise(100)]), Ok(true));
    }
    exchange(&mut ends);
    for (end, (what, most)) in ends.into_iter().zip([("server", 3_400), ("client", 4_000)]) {
        let mut end = end;
        assert_eq!(end.plain(), noise(100));
        end.shrink();
        let ((), back) = held(|| drop(end));
        println!("idle TLS session of a {what}: {} bytes", -back);
        assert!(-back <= most, "{what}: {}", -back);
    }
}

#[cfg(feature = "self-signed")]
fn tls_settings() -> (wirebell::tls::Acceptor, wirebell::tls::Connector) {
    use wirebell::tls::{
        Acceptor, AcceptorOptions, Authorities, Connector, ConnectorOptions, SelfSigned,
    };
    let made = SelfSigned::new(["localhost"]).expect("a good name");
    let identity = made.identity().expect("a good pair");
    let acceptor = Acceptor::new([identity], AcceptorOptions::default());
    let authorities = Authorities::from_pem(made.certificate_pem().as_bytes());
    let options = ConnectorOptions::default().authorities(Some(authorities.expect("good")));
    (acceptor.expect("good"), Connector::new(options))
}

#[test]
fn the_figures_hold() {
    #[cfg(feature = "self-signed")]
    an_idle_tls_session_is_small();
    a_window_is_its_bytes();
    a_compressor_costs_what_it_says();
    a_session_gives_its_compressor_back();
    a_window_is_reserved_before_it_is_filled();
    a_pool_keeps_eight_inflaters();
    a_message_in_parts_costs_what_came();
    a_pool_keeps_a_mebibyte_of_a_message();
    a_bomb_is_bounded();
}
