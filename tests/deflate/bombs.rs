//! Messages that grow: the limits of `Limits::message_bytes` and `Limits::inflate_ratio`, to the
//! byte, and how much is made before they hold.

use super::decoder::decode;
use super::endpoint::{Endpoint, Setup, expect_failed, fragments, packed, packed_binary};
use super::zlib::Sender;
use crate::support::Rng;
use crate::support::driver::Seen;
use crate::support::frames::{frame, wire};
use flate2::FlushCompress;
use std::time::{Duration, Instant};
use wirebell::deflate::{Budget, Compressed, Pool, Session, Settings};
use wirebell::{MessageKind, Role, Violation};

const MIB: usize = 1024 * 1024;

/// Generous: these take milliseconds.
const SOON: Duration = Duration::from_secs(5);

/// The payload of 1 GiB of zeros, about 1 MiB. The library makes 16 MiB of it as a part that
/// refers to nothing before itself; the message is that part 64 times.
fn gibibyte() -> Vec<u8> {
    let part = Sender::new(9, 15, true).flushed(&vec![0; 16 * MIB], FlushCompress::Full);
    let mut payload = part.repeat(64);
    payload.truncate(payload.len() - 4);
    assert!(payload.len() > MIB - MIB / 64 && payload.len() < MIB + MIB / 64);
    payload
}

fn with_ratio(inflate_ratio: u32) -> Setup {
    let mut setup = Setup::default();
    setup.limits.inflate_ratio = inflate_ratio;
    setup
}

#[test]
fn a_gibibyte_is_refused_as_soon_as_it_is_too_long() {
    let payload = gibibyte();
    let begun = Instant::now();
    let setup = with_ratio(u32::MAX);
    let transcript = setup.run(&[packed_binary(&payload)]);
    expect_failed(&transcript, Violation::MessageTooBig, 1009, "too long");
    // The first 24 KiB are enough, in parts and as text too.
    let early = fragments(0x41, &[&payload[..24 * 1024], b"never"])[..1].to_vec();
    expect_failed(&setup.run(&early), Violation::MessageTooBig, 1009, "early");
    // With a ratio below what DEFLATE can do, the first stride is.
    let early = fragments(0x42, &[&payload[..4096], b"never"])[..1].to_vec();
    let transcript = with_ratio(256).run(&early);
    expect_failed(&transcript, Violation::InflateRatio, 1008, "ratio");
    assert!(begun.elapsed() < SOON);
}

/// Only one layer is inflated: its content is just a message.
#[test]
fn nested_bombs() {
    let inner = Sender::new(9, 15, true).message(&vec![0; 16 * MIB + 1]);
    let outer = Sender::new(9, 15, true).message(&inner);
    assert!(outer.len() < inner.len() / 10, "{}", outer.len());
    let transcript = with_ratio(u32::MAX).run(&[packed_binary(&outer), packed_binary(&inner)]);
    assert_eq!(transcript.seen[0], Seen::Binary(inner));
    expect_failed(&transcript, Violation::MessageTooBig, 1009, "the inner one");
    assert_eq!(transcript.seen.len(), 2);
}

#[test]
fn the_length_of_a_message_is_bounded_to_the_byte() {
    let mut setup = with_ratio(u32::MAX);
    for limit in [0, 1, 1023, 1024, 1025, 4096, 70_000] {
        setup.limits.message_bytes = limit as u64;
        for plain in [vec![b'z'; limit], Rng::new(9).bytes(limit)] {
            let mut sender = Sender::new(6, 15, false);
            let good = sender.message(&plain);
            let bad = sender.message(&[&plain[..], b"+"].concat());
            if good.len().max(bad.len()) > limit {
                continue; // the frame itself is over the limit
            }
            for setup in [
                setup.clone(),
                setup.without_budget(),
                setup.with_neighbours(),
            ] {
                let frames = [packed_binary(&good), packed_binary(&bad)];
                let transcript = setup.feed(wire(Role::Server, &frames).chunks(97));
                assert_eq!(transcript.seen[0], Seen::Binary(plain.clone()));
                expect_failed(&transcript, Violation::MessageTooBig, 1009, "one more");
                assert_eq!(transcript.seen.len(), 2);
            }
        }
    }
}

/// Bytes up to the limit are judged before the limit is: they are the same however it was cut.
#[test]
fn bad_text_below_the_limit_comes_first() {
    let mut setup = Setup::default();
    setup.limits.message_bytes = 100;
    for (at, violation) in [
        (99, Violation::InvalidUtf8),
        (100, Violation::MessageTooBig),
    ] {
        let mut plain = vec![b'a'; 200];
        plain[at] = 0xFF;
        let payload = Sender::new(6, 15, false).message(&plain);
        let bytes = wire(Role::Server, &[packed(payload)]);
        let whole = setup.feed([&bytes]);
        assert_eq!(whole.violation(), Some(violation), "at {at}");
        assert_eq!(setup.feed(bytes.chunks(1)), whole);
    }
}

/// 64 KiB may be of any ratio; more must not be over the bound for the whole payload.
#[test]
fn the_ratio_is_bounded_to_the_byte() {
    let free = Sender::new(9, 15, false).message(&[0; 64 * 1024]);
    let transcript = with_ratio(256).run(&[packed_binary(free)]);
    assert_eq!(transcript.violation(), None);
    let over = Sender::new(9, 15, false).message(&[0; 64 * 1024 + 1]);
    let transcript = with_ratio(256).run(&[packed_binary(over)]);
    expect_failed(
        &transcript,
        Violation::InflateRatio,
        1008,
        "one more than free",
    );

    let mut plain = Rng::new(2).bytes(2_000);
    plain.resize(1_000_000, 0);
    let payload = Sender::new(9, 15, false).message(&plain);
    assert!(payload.len() < 4096, "one look, at the end");
    let ratio = plain.len().div_ceil(payload.len()) as u32;
    for (ratio, violation) in [(ratio, None), (ratio - 1, Some(Violation::InflateRatio))] {
        let bytes = wire(Role::Server, &[packed_binary(&payload)]);
        let transcript = with_ratio(ratio).feed(bytes.chunks(501));
        assert_eq!(transcript.violation(), violation);
    }
}

/// Two bytes, `03 00`, are a final block with nothing in it; after each the inflater starts again
/// with a window of 32 KiB. Such work counts like output.
#[test]
fn many_final_blocks_are_refused_soon() {
    let window = Sender::new(0, 15, true).message(&Rng::new(4).bytes(32 * 1024));
    let blocks = [b"\x03\x00".repeat(MIB / 2), vec![0]].concat();
    let begun = Instant::now();
    for setup in [Setup::default(), Setup::default().with_neighbours()] {
        let transcript = setup.run(&[packed_binary(&window), packed_binary(&blocks)]);
        expect_failed(&transcript, Violation::InflateRatio, 1008, "final blocks");
        // In one message: its own bytes are the window.
        let own = [&window[..], b"\x00\x00\xff\xff", &blocks].concat();
        let transcript = setup.run(&[packed_binary(&own)]);
        expect_failed(&transcript, Violation::InflateRatio, 1008, "own window");
    }
    assert!(begun.elapsed() < SOON);
    // Nothing to load, nothing to count: then there may be many.
    let few = [b"\x03\x00".repeat(10_000), vec![0]].concat();
    let transcript = Setup::default().run(&[packed_binary(&few)]);
    assert_eq!(transcript.seen, [Seen::Binary(Vec::new())]);
    assert_eq!(decode(b"", &few[20_000 - 64..]).blocks.len(), 33);
}

/// The highest ratio of DEFLATE is no reason to fail: a blank picture is valid, too.
#[test]
fn the_ratio_of_deflate_itself_is_allowed() {
    for unit in [&b"\0"[..], b"ab", "\u{e9}".as_bytes()] {
        let plain = unit.repeat(8 * MIB / unit.len());
        let payload = Sender::new(9, 15, false).message(&plain);
        let transcript = Setup::default().run(&[packed_binary(payload)]);
        assert_eq!(transcript.violation(), None);
    }
}

/// Parts of messages that became much hold no more than the budget, and come to their end.
#[test]
fn parts_that_become_much_stay_within_the_budget() {
    let payload = Sender::new(9, 15, false).message(&vec![0; 8 * MIB]);
    let (params, limits) = (super::both(false, 15), wirebell::Limits::DEFAULT);
    let budget = Budget::new(MIB);
    let mut pool = Pool::new(Settings::DEFAULT, budget.clone());
    let mut sessions: Vec<_> = (0..40).map(|_| Session::default()).collect();
    let piece = |bytes, first, last| Compressed {
        kind: MessageKind::Binary,
        bytes,
        first,
        last,
    };
    for (first, part) in [(true, &payload[..3000]), (false, &payload[3000..6000])] {
        for session in &mut sessions {
            let inflated = pool.inflate(session, &params, piece(part, first, false), &limits);
            assert!(inflated.expect("good so far").is_none());
            assert!(budget.used() <= MIB);
        }
    }
    assert!(budget.left() < 64 * 1024, "{} bytes left", budget.left());
    for session in &mut sessions {
        let last = piece(&payload[6000..], false, true);
        let message = pool.inflate(session, &params, last, &limits);
        let message = message.expect("good").expect("whole");
        assert_eq!(message.bytes().len(), 8 * MIB);
    }
    assert_eq!(budget.used(), 0);
}

/// A message in thousands of frames does not cost more than its bytes.
#[test]
fn a_message_in_many_small_parts() {
    let plain = super::Data::Json.make(60_000, 5);
    let payload = Sender::new(6, 15, true).message(&plain);
    let parts: Vec<&[u8]> = payload.chunks(1).collect();
    let frames = fragments(0x41, &parts);
    for setup in [Setup::default(), Setup::default().without_budget()] {
        let transcript = setup.run(&frames);
        let text = String::from_utf8(plain.clone()).expect("text");
        assert!(transcript.seen == [Seen::Text(text)]);
    }
}

/// What is too much for a frame is not inflated at all.
#[test]
fn a_frame_over_the_limit_is_not_waited_for() {
    let mut endpoint = Endpoint::new(&Setup::default());
    endpoint.feed(&frame(0xC2, &vec![0; 16 * MIB + 1]).to(Role::Server)[..14]);
    let transcript = endpoint.transcript();
    assert_eq!(transcript.frames().len(), 1);
    expect_failed(
        &transcript,
        Violation::FrameTooBig,
        1009,
        "its header says so",
    );
}
