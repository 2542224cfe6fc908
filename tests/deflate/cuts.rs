//! The verdict on a message depends on its bytes alone: not on how they were cut, not on the
//! memory that there is for messages in parts, not on which inflater of the pool has them.

use super::endpoint::{Setup, fragments, packed, packed_binary};
use super::zlib::Sender;
use super::{Data, rules};
use crate::support::Rng;
use crate::support::driver::{Seen, Transcript};
use crate::support::frames::{Frame, close, frame, ping, text, wire};
use crate::support::hex;
use proptest::collection::vec;
use proptest::prelude::*;

/// Streams with all that the other files send, and more after it.
fn streams() -> Vec<Vec<Frame>> {
    let hello = || packed(hex("f248cdc9c90700"));
    let again = || packed(hex("f200110000"));
    let last = || packed(hex("f348cdc9c9070000"));
    let two = hex("f24805000000ffffcac9c90700");
    let split = |first| fragments(first, &[&two[..2], &two[2..9], &two[9..]]);
    let mut streams = vec![
        vec![hello(), again(), text("World"), again(), last(), again()],
        vec![
            packed(hex("01")),
            packed([0]),
            hello(),
            packed(hex("01")),
            again(),
        ],
        vec![
            packed(hex("000500faff48656c6c6f00")),
            again(),
            close(1000, ""),
        ],
        [split(0x41), vec![ping(b"?")], split(0x42), vec![again()]].concat(),
        [
            vec![hello()],
            fragments(0x41, &[&hex("f200"), &b""[..], &hex("110000")]),
        ]
        .concat(),
        vec![packed(hex("0300".repeat(20).as_str())), packed_binary([0])],
        vec![
            packed(hex("030000")),
            hello(),
            packed(hex("0300f200110000")),
        ],
        vec![packed(hex("000200fdff61ff06"))],
        vec![hello(), packed(hex("000200fdff616206ff"))],
        vec![packed(hex("000200fdffc3c300")), hello()],
    ];
    for rows in [
        rules::misplaced_bits(),
        rules::corrupt(),
        rules::truncated(),
    ] {
        streams.extend(
            rows.into_iter().map(|(_, frames, _)| {
                [&[packed_binary(hex("f248cdc9c90700"))][..], &frames].concat()
            }),
        );
    }
    streams
}

/// The same events and verdict, whatever else is so.
#[track_caller]
fn expect_same(setup: &Setup, bytes: &[u8], cuts: &[usize], whole: &Transcript) {
    for other in [
        setup.clone(),
        setup.without_budget(),
        setup.with_neighbours(),
    ] {
        let cut = other.feed_cut(bytes, cuts);
        let (budget, neighbours) = (other.settings.budget, other.neighbours);
        assert_eq!(
            &cut, whole,
            "{bytes:02x?} cut at {cuts:?}, budget {budget}, neighbours {neighbours}"
        );
    }
}

// req: 7692-6.2-01 7692-6.2-02
#[test]
fn every_cut_of_every_stream() {
    for frames in streams() {
        for setup in [Setup::default(), Setup::client()] {
            let bytes = wire(setup.role, &frames);
            let whole = setup.feed([&bytes]);
            expect_same(&setup, &bytes, &[], &whole);
            for cut in 0..=bytes.len() {
                expect_same(&setup, &bytes, &[cut], &whole);
            }
            let all: Vec<usize> = (1..bytes.len()).collect();
            expect_same(&setup, &bytes, &all, &whole);
        }
    }
}

#[test]
fn every_pair_of_cuts_of_some() {
    for frames in streams().into_iter().take(4) {
        let setup = Setup::default();
        let bytes = wire(setup.role, &frames);
        let whole = setup.feed([&bytes]);
        for from in 0..bytes.len() {
            for to in (from + 1..bytes.len()).step_by(3) {
                assert_eq!(setup.feed_cut(&bytes, &[from, to]), whole, "{from} {to}");
            }
        }
    }
}

/// A message that ends with a final block leaves an inflater that has come to its end. Whether
/// the next message gets that one or another must not show: neither in the work that is counted,
/// nor in what an empty payload is called.
#[test]
fn a_final_block_at_the_end_does_not_show_in_the_next_message() {
    let filling = Sender::new(0, 15, true).message(&Rng::new(1).bytes(32_768));
    let zeros = Sender::new(9, 15, true).message(&[0; 65_536]);
    for next in [zeros, Vec::new(), hex("f348cdc9c9070000")] {
        let end = packed(hex("01"));
        let frames = [packed_binary(&filling), end, packed_binary(next)];
        let setup = Setup::default();
        let whole = setup.run(&frames);
        let other = setup.with_neighbours().run(&frames);
        assert_eq!(other.violation(), whole.violation());
        assert_eq!(whole.seen.len(), 3);
        assert!(other == whole);
    }
}

/// Messages over 4 KiB are looked at in strides: cut within, at, and around them.
#[test]
fn long_messages_cut_around_their_strides() {
    let mut rng = Rng::new(3);
    let mut setup = Setup::with_link(true, 15);
    setup.limits.inflate_ratio = 8;
    let zeros = vec![0; 300_000];
    let rows = [
        Data::Random.make(70_000, 1),
        Data::Json.make(400_000, 2),
        [Data::Random.make(9_000, 3), zeros.clone()].concat(),
        [zeros, Data::Random.make(9_000, 3)].concat(),
    ];
    let mut failed = 0;
    for plain in rows {
        let payload = Sender::new(6, 15, true).message(&plain);
        let bytes = wire(setup.role, &[packed_binary(payload), ping(b"end")]);
        let whole = setup.feed([&bytes]);
        failed += usize::from(whole.violation().is_some());
        for _ in 0..4 {
            let at = (8 + 4096 * rng.below(3) + rng.below(5)).min(bytes.len());
            let to = at + rng.below(bytes.len() - at + 1);
            expect_same(&setup, &bytes, &[at, to], &whole);
        }
        let small = bytes.chunks(1 + rng.below(700));
        assert_eq!(setup.feed(small), whole);
    }
    assert_eq!(failed, 2, "some break the ratio and some do not");
}

/// Random messages, compressed by another library, in random frames.
fn random_stream(seed: u64, bits: u8, takeover: bool) -> Vec<Frame> {
    let mut rng = Rng::new(seed);
    let mut sender = Sender::new(rng.below(10) as u8, bits, takeover);
    let mut frames = Vec::new();
    for _ in 0..1 + rng.below(6) {
        let (len, kind) = (rng.below(2_500), rng.below(4));
        let plain = Data::ALL[kind].make(len, rng.next());
        let is_text = std::str::from_utf8(&plain).is_ok();
        let first = if is_text { 0x41 } else { 0x42 };
        let payload = match rng.below(5) {
            0 => {
                frames.push(frame(first & 0x0F | 0x80, &plain));
                continue;
            }
            1 => sender.finished(&plain),
            _ => sender.message(&plain),
        };
        match rng.below(2) {
            0 => frames.push(frame(first | 0x80, &payload)),
            _ => {
                let size = 1 + rng.below(payload.len());
                let parts: Vec<&[u8]> = payload.chunks(size).collect();
                frames.extend(fragments(first, &parts));
            }
        }
    }
    frames
}

/// Changes a few bytes of the payloads of compressed messages.
fn damage(frames: &mut [Frame], seed: u64) {
    let mut rng = Rng::new(seed);
    for _ in 0..1 + rng.below(2) {
        let which = rng.below(frames.len());
        let frame = &mut frames[which];
        if !frame.payload.is_empty() {
            let at = rng.below(frame.payload.len());
            frame.payload[at] ^= 1 << rng.below(8);
        }
    }
}

fn sorted(cuts: &[prop::sample::Index], len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_messages_cut_anywhere(
        (seed, bits, takeover) in (any::<u64>(), 9..=15u8, any::<bool>()),
        (damaged, limit) in (any::<bool>(), prop_oneof![Just(2_000u64), Just(1 << 20)]),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut frames = random_stream(seed, bits, takeover);
        if damaged {
            damage(&mut frames, seed);
        }
        let mut setup = Setup::with_link(takeover, bits);
        setup.limits.message_bytes = limit;
        let bytes = wire(setup.role, &frames);
        let whole = setup.feed([&bytes]);
        let cuts = sorted(&cuts, bytes.len());
        let same = setup.feed_cut(&bytes, &cuts);
        prop_assert_eq!(&same, &whole);
        prop_assert_eq!(&setup.with_neighbours().feed_cut(&bytes, &cuts), &whole);
        // Without memory a message in parts is judged at its end: a frame that is too long for the
        // message then comes before what its first part says.
        let waiting = setup.without_budget();
        let waited = waiting.feed([&bytes]);
        prop_assert_eq!(&waiting.feed_cut(&bytes, &cuts), &waited);
        if limit > 2_000 {
            prop_assert_eq!(&waited, &whole);
        }
        let good = whole.violation().is_none();
        prop_assert!(good || damaged || limit == 2_000, "{:?}", whole.seen.last());
        let seen = whole.seen.iter().all(|seen| matches!(seen, Seen::Text(_) | Seen::Binary(_)));
        prop_assert!(seen || !good);
    }
}
