//! What we compress is read by our inflater, by the C library and by the decoder of the tests, and
//! keeps its window; what the C library compresses is read by us.

use super::decoder::decode;
use super::endpoint::{Endpoint, Setup, fragments, packed_binary};
use super::zlib::{Receiver, Sender};
use super::{Data, both};
use crate::support::driver::Seen;
use crate::support::frames::{take_frames, wire};
use proptest::collection::vec;
use proptest::prelude::*;
use wirebell::deflate::{Compressor, Params};
use wirebell::{MessageKind, Role};

/// How a message is put to a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// [`Compressor::message`].
    Whole,
    /// [`Compressor::fragment`], with as many fragments.
    Parts(usize),
}

/// The payloads of the fragments of a message; `None` if it is to be sent as it is.
fn compress(compressor: &mut Compressor, plain: &[u8], way: Way) -> Option<Vec<Vec<u8>>> {
    let Way::Parts(count) = way else {
        let mut out = vec![0xEE; 3];
        let len = compressor.message(plain, &mut out)?;
        assert!(len < plain.len(), "else it is not worth it");
        return Some(vec![out[..len].to_vec()]);
    };
    let size = plain.len().div_ceil(count).max(1);
    let mut parts: Vec<&[u8]> = plain.chunks(size).collect();
    if parts.is_empty() || count % 2 == 0 {
        parts.push(b""); // the end of the data shows only after it
    }
    let last = parts.len() - 1;
    let payloads = parts.iter().enumerate().map(|(i, part)| {
        let mut out = b"before".to_vec();
        compressor.fragment(part, i == 0, i == last, &mut out);
        assert_eq!(&out[..6], b"before", "it appends");
        out.split_off(6)
    });
    Some(payloads.collect())
}

/// Sends the messages through a compressor and reads them in three ways.
fn round_trip(bits: u8, takeover: bool, level: u8, messages: &[(Vec<u8>, Way)]) {
    let what = format!("{bits} bits, takeover {takeover}, level {level}");
    let mut compressor = Compressor::new(bits, level);
    let mut library = Receiver::new(bits, takeover);
    let mut setup = Setup::client();
    setup.params = both(takeover, bits);
    setup.limits.inflate_ratio = 1100; // runs reach 1032
    let mut ours = Endpoint::new(&setup);
    let (mut history, mut expected) = (Vec::new(), Vec::new());
    for (plain, way) in messages {
        if !takeover {
            compressor.restart();
        }
        let Some(payloads) = compress(&mut compressor, plain, *way) else {
            // What comes next refers to nothing.
            history.clear();
            continue;
        };
        let payload = payloads.concat();
        assert!(!payload.is_empty(), "{what}: a byte is the least");
        assert!(!payload.ends_with(&[0, 0, 0xFF, 0xFF]), "{what}");
        if !takeover {
            history.clear();
        }
        let decoded = decode(&history, &payload);
        assert!(&decoded.plain == plain, "{what}, {way:?}");
        assert!(
            decoded.farthest <= 1 << bits,
            "{what}: {}",
            decoded.farthest
        );
        history.extend_from_slice(plain);
        assert!(&library.message(&payload) == plain, "{what}, {way:?}");
        ours.feed(&wire(Role::Client, &fragments(0x42, &payloads)));
        expected.push(Seen::Binary(plain.clone()));
    }
    let seen = ours.transcript().seen;
    assert!(
        seen == expected,
        "{what}: {:?}",
        ours.transcript().violation()
    );
}

/// Lengths around the places where something changes.
const LENGTHS: [usize; 9] = [0, 1, 2, 3, 40, 255, 258, 700, 2_500];

// req: 7692-6.1-01 7692-7.2.1-06 7692-7.2.1-07 7692-7.2.1-10 7692-7.2.1-12 7692-7.2.1-14
// req: 7692-7.2.1-05 7692-7.2.1-i01 7692-7.2.1-i02 7692-7.2.1-i03 7692-7.2.2-10
#[test]
fn every_window_and_level() {
    for bits in 8..=15 {
        for level in 0..=9 {
            for takeover in [false, true] {
                let seed = u64::from(bits) * 100 + u64::from(level);
                let messages = LENGTHS.iter().enumerate().map(|(i, len)| {
                    let data = Data::ALL[(i + usize::from(bits)) % Data::ALL.len()];
                    let way = [Way::Whole, Way::Parts(1), Way::Parts(2), Way::Parts(3)];
                    (data.make(*len, seed), way[(i + usize::from(level)) % 4])
                });
                round_trip(bits, takeover, level, &messages.collect::<Vec<_>>());
            }
        }
    }
}

/// Data that would refer back as far as it may, and further.
// req: 7692-7.2.1-06 7692-7.2.1-12 7692-7.2.1-14 7692-5-i02
#[test]
fn long_messages_keep_their_window() {
    for bits in 8..=15 {
        let echo = Data::Echo.make(100 * 1024, u64::from(bits));
        let level = [1, 2, 6, 9][usize::from(bits) % 4];
        let way = [Way::Whole, Way::Parts(7)];
        let messages = [(echo.clone(), way[0]), (echo[..9_000].to_vec(), way[1])];
        round_trip(bits, true, level, &messages);
    }
}

/// The largest window is used, too: a match far back is found.
// req: 7692-7.2.1-06
#[test]
fn the_window_is_used() {
    let mut rng = crate::support::Rng::new(8);
    for bits in 10..=15 {
        let far = (1 << bits) - 400;
        let part = rng.bytes(100);
        let plain = [&part[..], &rng.bytes(far - 100), &part].concat();
        let mut compressor = Compressor::new(bits, 6);
        let payload = compress(&mut compressor, &plain, Way::Parts(1)).expect("a payload");
        assert_eq!(decode(b"", &payload[0]).farthest, far, "{bits} bits");
    }
}

/// The C library sends; both our roles read, with each window that it has.
// req: 7692-7.2.2-02 7692-7.2.2-04 7692-7.2.2-07 7692-7.2.2-09 7692-6.2-01
#[test]
fn the_c_library_sends_and_we_read() {
    for bits in 9..=15 {
        for level in [0, 1, 5, 9] {
            for (takeover, neighbours) in [(false, false), (true, false), (true, true)] {
                let mut setup = Setup::with_link(takeover, bits);
                setup.limits.inflate_ratio = 1100;
                setup.neighbours = neighbours;
                let mut sender = Sender::new(level, bits, takeover);
                let (mut frames, mut expected) = (Vec::new(), Vec::new());
                for (i, data) in [Data::ALL, Data::ALL].concat().into_iter().enumerate() {
                    let plain = data.make(4_000 * (i % 5), 7);
                    let payload = match i {
                        5 => sender.finished(&plain),
                        _ => sender.message(&plain),
                    };
                    frames.push(packed_binary(payload));
                    expected.push(Seen::Binary(plain));
                }
                let seen = setup.run(&frames).seen;
                assert!(seen == expected, "{bits} bits, level {level}");
            }
        }
    }
}

fn message() -> impl Strategy<Value = (Vec<u8>, Way)> {
    let way = prop_oneof![Just(Way::Whole), (1..9_usize).prop_map(Way::Parts)];
    let len = prop_oneof![4 => 0..300_usize, 3 => 0..5_000_usize, 1 => 0..=100 * 1024_usize];
    let data = prop::sample::select(&Data::ALL[..]);
    (data, len, 0..4_u64, way).prop_map(|(data, len, seed, way)| (data.make(len, seed), way))
}

/// Sends with the pool and the session of an endpoint to another one, which answers.
fn conversation(params: &Params, level: u8, messages: &[(Vec<u8>, Way)]) {
    let mut server = Setup {
        params: *params,
        ..Setup::default()
    };
    server.settings.level = level;
    server.limits.inflate_ratio = 1100;
    let mut client = server.clone();
    client.role = Role::Client;
    std::mem::swap(&mut client.params.send, &mut client.params.receive);
    let (mut server, mut client) = (Endpoint::new(&server), Endpoint::new(&client));
    for (plain, _) in messages {
        server.send(MessageKind::Binary, plain);
        let bytes = std::mem::take(&mut server.sent);
        let frames = take_frames(&bytes);
        assert!(frames[0].payload.len() <= plain.len(), "never longer");
        client.feed(&bytes);
        client.send(MessageKind::Binary, plain);
        let bytes = std::mem::take(&mut client.sent);
        server.feed(&bytes);
    }
    let expected: Vec<_> = messages
        .iter()
        .map(|(plain, _)| Seen::Binary(plain.clone()))
        .collect();
    assert!(client.transcript().seen == expected);
    assert!(server.transcript().seen == expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_messages_through_one_compressor(
        (bits, level, takeover) in (8..=15_u8, 0..=9_u8, any::<bool>()),
        messages in vec(message(), 1..6),
    ) {
        round_trip(bits, takeover, level, &messages);
    }

    #[test]
    fn two_endpoints(
        (level, takeover, bits) in (0..=9_u8, any::<[bool; 2]>(), (8..=15_u8, 8..=15_u8)),
        messages in vec(message(), 1..6),
    ) {
        let mut params = both(takeover[0], bits.0);
        params.receive = both(takeover[1], bits.1).receive;
        conversation(&params, level, &messages);
    }
}
