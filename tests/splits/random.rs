//! Random frames, good and mutated, in random pieces: the same transcript as in one piece.

use super::Case;
use crate::support::Rng;
use crate::support::driver::run;
use crate::support::frames::{Frame, binary, close, frame, ping, pong, text, wire};
use proptest::collection::vec;
use proptest::prelude::*;
use wirebell::{Limits, Role};

const LIMITS: Limits = Limits::DEFAULT
    .frame_bytes(400)
    .message_bytes(700)
    .fragments(6);

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Frames as peers send them, mostly in an order that makes sense.
fn good_frame() -> impl Strategy<Value = Frame> {
    let bytes = || vec(any::<u8>(), 0..300);
    prop_oneof![
        4 => ".{0,60}".prop_map(text),
        3 => bytes().prop_map(|payload| binary(&payload)),
        2 => vec(any::<u8>(), 0..=125).prop_map(|payload| ping(&payload)),
        1 => vec(any::<u8>(), 0..=125).prop_map(|payload| pong(&payload)),
    ]
}

/// A message in several frames, cut anywhere, with a Ping somewhere.
fn good_message() -> impl Strategy<Value = Vec<Frame>> {
    let cuts = vec(any::<prop::sample::Index>(), 0..4);
    (".{1,60}", cuts, any::<bool>()).prop_map(|(payload, cuts, pinged)| {
        let payload = payload.into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len())).collect();
        cuts.sort_unstable();
        cuts.push(payload.len());
        let mut frames = Vec::new();
        let mut from = 0;
        for (i, &cut) in cuts.iter().enumerate() {
            let fin = if i + 1 == cuts.len() { 0x80 } else { 0 };
            let opcode = if i == 0 { 1 } else { 0 };
            frames.push(frame(fin | opcode, &payload[from..cut]));
            from = cut;
        }
        if pinged {
            frames.insert(frames.len() - 1, ping(b"between"));
        }
        frames
    })
}

fn good_stream() -> impl Strategy<Value = Vec<Frame>> {
    let one = good_frame().prop_map(|frame| vec![frame]);
    let messages = vec(prop_oneof![2 => one, 1 => good_message()], 0..6);
    let last = prop::option::of((1000..1004u16, ".{0,20}"));
    (messages, last).prop_map(|(messages, last)| {
        let mut frames: Vec<Frame> = messages.concat();
        frames.extend(last.map(|(code, reason)| close(code, reason)));
        frames
    })
}

/// Any first byte with any payload: most of these break a rule.
fn any_frame() -> impl Strategy<Value = Frame> {
    let payload = vec(any::<u8>(), 0..140);
    (any::<u8>(), payload, prop::bool::weighted(0.05)).prop_map(|(first, payload, wrong)| {
        match wrong {
            true => frame(first, &payload).wrong_mask(),
            false => frame(first, &payload),
        }
    })
}

/// Changes, drops or repeats a few bytes of a good stream.
fn mutate(bytes: &mut Vec<u8>, seed: u64) {
    let mut rng = Rng::new(seed);
    for _ in 0..=rng.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len());
        match rng.below(4) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.next() as u8,
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, bytes[at]),
        }
    }
}

/// Runs the bytes whole and in pieces.
fn same_however_cut(role: Role, bytes: Vec<u8>, seed: u64) {
    let mut rng = Rng::new(seed);
    let case = Case {
        role,
        limits: LIMITS,
        bytes,
    };
    let whole = case.run(&[]);
    for pieces in [1, 2, 5, 30] {
        let mut cuts: Vec<usize> = (0..pieces)
            .map(|_| rng.below(case.bytes.len() + 1))
            .collect();
        cuts.sort_unstable();
        case.expect(&cuts, &whole);
    }
    let every: Vec<usize> = (0..case.bytes.len()).collect();
    case.expect(&every, &whole);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    // req: 6455-6.2-01 6455-5.4-05 6455-5.4-07
    fn good_streams(role in role(), frames in good_stream(), seed: u64) {
        let bytes = wire(role, &frames);
        let transcript = run(role, &LIMITS, [&bytes]);
        prop_assert_eq!(transcript.violation(), None);
        same_however_cut(role, bytes, seed);
    }

    #[test]
    // req: 6455-6.2-01 6455-10.7-01
    fn streams_of_any_frames(role in role(), frames in vec(any_frame(), 1..5), seed: u64) {
        same_however_cut(role, wire(role, &frames), seed);
    }

    #[test]
    // req: 6455-6.2-01 6455-10.7-01
    fn mutated_streams(role in role(), frames in good_stream(), seed: u64) {
        let mut bytes = wire(role, &frames);
        mutate(&mut bytes, seed);
        same_however_cut(role, bytes, seed);
    }

    #[test]
    // req: 6455-10.7-01
    fn any_bytes(role in role(), bytes in vec(any::<u8>(), 0..200), seed: u64) {
        same_however_cut(role, bytes, seed);
    }
}
