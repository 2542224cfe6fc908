//! What a pool compresses, with what, and what becomes of the window in between.

use super::decoder::decode;
use super::zlib::Receiver;
use super::{Data, both};
use crate::support::Rng;
use wirebell::deflate::{Budget, Compressor, Params, Pool, Session, Settings};
use wirebell::{Connection, Limits, MessageKind, Misuse, Role};

const PLENTY: usize = 1 << 30;

fn pool(budget: usize) -> Pool {
    let settings = Settings::DEFAULT.min_bytes(0).level(6);
    Pool::new(settings, Budget::new(budget))
}

/// The payload of a message that is worth it.
#[track_caller]
fn send(pool: &mut Pool, session: &mut Session, params: &Params, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let len = pool.compress(session, params, message, &mut out);
    out.truncate(len.expect("shorter than the message"));
    out
}

fn json(seed: u64) -> Vec<u8> {
    Data::Json.make(1_000, seed)
}

// req: 7692-7.2.1-07 7692-7.2.1-10
#[test]
fn without_takeover_equal_messages_are_equal_payloads() {
    let (mut pool, params) = (pool(PLENTY), both(false, 15));
    let (mut one, mut other) = (Session::default(), Session::default());
    let first = send(&mut pool, &mut one, &params, &json(1));
    for session in [&mut one, &mut other] {
        send(&mut pool, session, &params, &json(2));
        assert_eq!(send(&mut pool, session, &params, &json(1)), first);
        assert!(session.is_empty() && !session.holds_compressor());
    }
    assert_eq!(pool.budget().used(), 0);
    assert_eq!(decode(b"", &first).plain, json(1));
}

#[test]
fn with_takeover_a_message_refers_to_the_one_before() {
    for bits in 11..=15 {
        let (mut pool, params) = (pool(PLENTY), both(true, bits));
        let mut session = Session::default();
        let first = send(&mut pool, &mut session, &params, &json(1));
        let second = send(&mut pool, &mut session, &params, &json(1)[..600]);
        assert!(second.len() < first.len() / 4, "{} bytes", second.len());
        let decoded = decode(&json(1), &second);
        assert_eq!(decoded.plain, json(1)[..600]);
        assert!(decoded.farthest <= 1 << bits);
    }
}

// req: 7692-6.1-01
#[test]
fn a_frame_is_compressed_only_where_that_was_agreed_and_a_message_begins() {
    let new = || Connection::new(Role::Server, &Limits::default(), 0);
    let begin = |connection: &mut Connection| {
        let begun = connection.begin_compressed(MessageKind::Text, 1, false, &mut Rng::new(1));
        begun.map(|(header, _)| header.as_bytes().to_vec())
    };
    assert_eq!(begin(&mut new()), Err(Misuse::NotNegotiated));
    let mut agreed = new().with_deflate();
    assert_eq!(begin(&mut agreed), Ok(vec![0x41, 0x01]));
    assert_eq!(begin(&mut agreed), Err(Misuse::NotNegotiated));
}

/// A message that would not be shorter is sent as it is. The peer's window does not have it, so
/// the next one must not refer to it, nor count on what was before.
// req: 7692-6.1-02
#[test]
fn a_message_that_is_not_worth_it_leaves_no_trace() {
    for bits in 8..=15 {
        for level in [1, 2, 6, 9] {
            let mut compressor = Compressor::new(bits, level);
            let mut peer = Receiver::new(bits, true);
            let (mut out, mut rng) = (Vec::new(), Rng::new(5));
            for (seed, noise) in [1, 5, 300, 5_000].into_iter().enumerate() {
                let noise = rng.bytes(noise);
                assert_eq!(compressor.message(&noise, &mut out), None);
                let plain = [&noise[..], &Data::Runs.make(9_000, seed as u64)].concat();
                let len = compressor.message(&plain, &mut out).expect("shorter");
                assert!(peer.message(&out[..len]) == plain, "{bits} bits");
                assert!(decode(b"", &out[..len]).plain == plain, "nothing before it");
            }
        }
    }
    assert_eq!(Compressor::new(15, 6).message(b"", &mut Vec::new()), None);
}

/// However much of it there was, and also if it was given up half way.
#[test]
fn a_long_message_that_is_not_worth_it_leaves_no_trace() {
    let mut rng = Rng::new(6);
    let (random, runs) = (rng.bytes(60_000), Data::Runs.make(3_000, 6));
    let text: Vec<u8> = random.iter().map(|byte| byte % 160 + 96).collect();
    for (level, bits) in [(0, 15), (1, 9), (1, 15), (2, 15), (6, 9)] {
        let mut compressor = Compressor::new(bits, level);
        let mut out = Vec::new();
        for len in [60_000, 20_000, 5_000] {
            assert_eq!(compressor.message(&random[..len], &mut out), None);
            let _ = compressor.message(&text[..len], &mut out);
            compressor.restart();
        }
        if let Some(len) = compressor.message(&runs, &mut out) {
            assert!(decode(b"", &out[..len]).plain == runs, "level {level}");
        }
        compressor.fragment(&random[..50_000], true, false, &mut Vec::new());
        compressor.restart();
        let mut out = Vec::new();
        compressor.fragment(&runs, true, true, &mut out);
        assert!(decode(b"", &out).plain == runs, "level {level}");
    }
}

/// The same message to many is compressed once, around the compressors of the sessions.
// req: 7692-7.2.1-i01
#[test]
fn a_message_may_go_around_a_compressor() {
    for bits in 8..=15 {
        let (mut pool, params) = (pool(PLENTY), both(true, bits));
        let (mut session, mut peer) = (Session::default(), Receiver::new(bits, true));
        for round in 0..6 {
            let runs = Data::Runs.make(3_000, round % 2);
            let own = send(&mut pool, &mut session, &params, &runs);
            assert!(peer.message(&own) == runs, "{bits} bits, round {round}");
            if round % 2 == 0 {
                let shared = Data::Runs.make(2_000 + round as usize, 9);
                let mut out = Vec::new();
                let len = pool.compress_alone(bits, &shared, &mut out).expect("runs");
                assert!(decode(b"", &out[..len]).plain == shared);
                assert!(peer.message(&out[..len]) == shared);
                session.bypassed();
                let after = send(&mut pool, &mut session, &params, &runs);
                assert!(decode(b"", &after).plain == runs, "it refers to nothing");
                assert!(peer.message(&after) == runs, "{bits} bits, round {round}");
            }
        }
    }
}

/// A session whose compressor was taken goes on with another, and its peer notices nothing.
#[test]
fn a_compressor_may_be_dropped_between_messages() {
    let (mut pool, params) = (pool(PLENTY), both(true, 12));
    let (mut session, mut peer) = (Session::default(), Receiver::new(12, true));
    for seed in 0..6 {
        let payload = send(&mut pool, &mut session, &params, &json(seed));
        assert_eq!(peer.message(&payload), json(seed));
        assert!(session.holds_compressor());
        if seed % 2 == 0 {
            session.drop_compressor();
            assert!(!session.holds_compressor());
            assert_eq!(pool.budget().used(), 0);
        }
    }
}

/// Without memory for a compressor of its own, a session borrows one for each message.
#[test]
fn past_the_budget_messages_stand_alone() {
    let (mut pool, params) = (pool(Compressor::cost(15)), both(true, 15));
    let (mut rich, mut poor) = (Session::default(), Session::default());
    let mut peers = [Receiver::new(15, true), Receiver::new(15, true)];
    for seed in 0..4 {
        for (session, peer) in [&mut rich, &mut poor].into_iter().zip(&mut peers) {
            let payload = send(&mut pool, session, &params, &json(seed));
            assert_eq!(peer.message(&payload), json(seed));
        }
        assert!(rich.holds_compressor() && !poor.holds_compressor());
        assert_eq!(pool.budget().left(), 0);
    }
    let payload = send(&mut pool, &mut poor, &params, &json(0));
    assert_eq!(decode(b"", &payload).plain, json(0));
    assert_eq!(peers[1].message(&payload), json(0));
    drop(rich);
    let payload = send(&mut pool, &mut poor, &params, &json(0));
    assert_eq!(peers[1].message(&payload), json(0));
    assert!(poor.holds_compressor(), "there is room again");
}

#[test]
fn short_messages_are_left_alone() {
    let settings = Settings::DEFAULT.min_bytes(100);
    let mut pool = Pool::new(settings, Budget::new(PLENTY));
    let (mut session, mut out) = (Session::default(), Vec::new());
    let params = both(true, 15);
    assert_eq!(
        pool.compress(&mut session, &params, &[7; 99], &mut out),
        None
    );
    assert_eq!(pool.compress_alone(15, &[7; 99], &mut out), None);
    assert!(pool.compress_alone(15, &[7; 100], &mut out).is_some());
    assert!(session.is_empty());
    assert!(
        pool.compress(&mut session, &params, &[7; 100], &mut out)
            .is_some()
    );
}

/// A budget is never overdrawn, and what is dropped comes back.
#[test]
fn a_budget_counts() {
    let budget = Budget::new(100);
    let shared = budget.clone();
    let first = budget.reserve(60).expect("room");
    assert!(shared.reserve(41).is_none());
    assert!(shared.reserve(usize::MAX).is_none());
    let second = shared.reserve(40);
    assert_eq!((budget.used(), shared.left()), (100, 0));
    drop(first);
    assert_eq!((budget.used(), shared.left()), (40, 60));
    drop(second);
    assert_eq!(budget.used(), 0);
}
