//! permessage-deflate of the client: with our server, and with one that breaks its rules.

use super::scripted::{Server, switch};
use crate::net_support::{self, Probes, limits};
use crate::support::Rng;
use crate::support::frames::{FIN, RSV1, frame, text};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use wirebell::client::{Client, Error, Options, Tap};
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::{CloseCode, Kind, Message, Misuse, Refusal, Violation, net};

/// Counts what goes and what comes.
#[derive(Debug, Default)]
struct Traffic {
    sent: AtomicUsize,
    received: AtomicUsize,
}

impl Tap for Traffic {
    fn sent(&self, bytes: &[u8]) {
        self.sent.fetch_add(bytes.len(), SeqCst);
    }

    fn received(&self, bytes: &[u8]) {
        self.received.fetch_add(bytes.len(), SeqCst);
    }
}

impl Traffic {
    /// Both since the last call.
    fn take(&self) -> (usize, usize) {
        (self.sent.swap(0, SeqCst), self.received.swap(0, SeqCst))
    }
}

fn settings(policy: DeflatePolicy) -> Option<Settings> {
    Some(Settings {
        policy,
        ..Settings::default()
    })
}

fn offering(policy: DeflatePolicy) -> Options {
    Options {
        limits: limits(),
        deflate: settings(policy),
        ..Options::default()
    }
}

fn policies() -> [DeflatePolicy; 5] {
    let small = |policy| DeflatePolicy {
        server_window_bits: 9,
        client_window_bits: 9,
        ..policy
    };
    [
        DeflatePolicy::NO_TAKEOVER,
        DeflatePolicy::TAKEOVER,
        small(DeflatePolicy::NO_TAKEOVER),
        small(DeflatePolicy::TAKEOVER),
        DeflatePolicy {
            server_takeover: true,
            ..DeflatePolicy::NO_TAKEOVER
        },
    ]
}

/// Text that compresses well, and has nothing in common with one of another seed but words.
fn prose(seed: u64, len: usize) -> String {
    const WORDS: [&str; 8] = [
        "all ",
        "begins ",
        "with ",
        "gr\u{fc}\u{df}e ",
        "some ",
        "{\"id\":",
        "},",
        "123 ",
    ];
    let mut rng = Rng::new(seed);
    let mut text = String::new();
    while text.len() < len {
        text += WORDS[rng.below(WORDS.len())];
    }
    while text.len() > len {
        text.pop();
    }
    text
}

#[test]
// req: 7692-5-13 7692-6.1-01 7692-6.2-02
fn messages_come_back_under_all_terms() {
    for ours in policies() {
        for theirs in policies() {
            let server = Probes::start(net::Options {
                deflate: settings(theirs),
                ..net_support::options()
            });
            let uri = format!("ws://{}/", server.address());
            let mut client = Client::connect(&uri, offering(ours)).unwrap();
            let longest = if ours == theirs { 150_000 } else { 5_000 };
            let lengths = [0, 1, 127, 128, 1000, 0, longest, 40];
            for (seed, len) in (0..).zip(lengths) {
                let good = prose(seed, len);
                client.send(Message::text(&good)).unwrap();
                let echo = client.receive().unwrap();
                assert!(
                    echo == Some(Message::text(&good)),
                    "{ours:?} {theirs:?} {len}"
                );
                // What cannot be compressed goes between the others.
                let bad = Rng::new(seed).bytes(len);
                client.send(Message::binary(&bad)).unwrap();
                let echo = client.receive().unwrap();
                assert!(
                    echo == Some(Message::binary(&bad)),
                    "{ours:?} {theirs:?} {len}"
                );
            }
            // Fragments leave as they are, and the next is compressed again.
            let mut fragments = client.begin(Kind::Text);
            fragments.send(b"in ").unwrap();
            fragments.finish(b"clear").unwrap();
            assert_eq!(client.receive().unwrap(), Some(Message::text("in clear")));
            let last = prose(99, 2000);
            client.send(Message::text(&last)).unwrap();
            assert!(client.receive().unwrap() == Some(Message::text(&last)));
            client.close(Some(CloseCode::NORMAL), "").unwrap();
            assert_eq!(client.receive().unwrap(), None);
        }
    }
}

#[test]
fn long_messages_are_short_on_the_wire() {
    for policy in policies() {
        let server = Probes::start(net::Options {
            deflate: settings(policy),
            ..net_support::options()
        });
        let traffic = Arc::new(Traffic::default());
        let options = Options {
            tap: Some(traffic.clone()),
            ..offering(policy)
        };
        let uri = format!("ws://{}/", server.address());
        let mut client = Client::connect(&uri, options).unwrap();
        traffic.take();
        let long = prose(1, 1 << 20);
        let mut exchange = |message: &str| {
            client.send(Message::text(message)).unwrap();
            assert!(client.receive().unwrap() == Some(Message::text(message)));
            traffic.take()
        };
        let (sent, received) = exchange(&long);
        assert!(
            sent < long.len() / 2 && received < long.len() / 2,
            "{policy:?}"
        );
        // With takeover the second of the same is short, without it is like the first. It fits
        // into the smallest window.
        let short = prose(2, 200);
        let (first, second) = (exchange(&short), exchange(&short));
        assert_eq!(policy.client_takeover, second.0 < first.0 / 2, "{policy:?}");
        assert_eq!(policy.server_takeover, second.1 < first.1 / 2, "{policy:?}");
    }
}

/// What comes of a handshake that is answered with these extensions.
fn answered(offer: Option<DeflatePolicy>, extensions: &'static str) -> Result<Client, Error> {
    let server = Server::once(move |peer| {
        let head = peer.head();
        let offered = head.contains("Sec-WebSocket-Extensions: permessage-deflate");
        assert_eq!(offered, offer.is_some(), "{head}");
        let field = format!("Sec-WebSocket-Extensions: {extensions}\r\n");
        peer.send(switch(&head, &field));
    });
    let options = Options {
        deflate: offer.and_then(settings),
        ..Options::default()
    };
    let result = Client::connect(&server.uri(), options);
    server.finish();
    result
}

#[test]
// req: 6455-4.1-46 7692-5-01
fn terms_that_were_not_offered_are_refused() {
    let (plain, takeover) = (DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER);
    let small = DeflatePolicy {
        server_window_bits: 9,
        ..takeover
    };
    let rows = [
        (None, "permessage-deflate", Refusal::ExtensionNotOffered),
        (Some(plain), "x-other", Refusal::ExtensionNotOffered),
        (
            Some(plain),
            "permessage-deflate; server_no_context_takeover, x-other",
            Refusal::ExtensionNotOffered,
        ),
        // It was asked not to take over, or for a small window.
        (Some(plain), "permessage-deflate", Refusal::ExtensionTerms),
        (Some(small), "permessage-deflate", Refusal::ExtensionTerms),
        (
            Some(small),
            "permessage-deflate; server_max_window_bits=10",
            Refusal::ExtensionTerms,
        ),
        (
            Some(takeover),
            "permessage-deflate; server_max_window_bits=7",
            Refusal::ExtensionTerms,
        ),
        (
            Some(takeover),
            "permessage-deflate; x=y",
            Refusal::ExtensionTerms,
        ),
    ];
    for (offer, extensions, expected) in rows {
        match answered(offer, extensions) {
            Err(Error::Refusal(refusal)) => assert_eq!(refusal, expected, "{extensions}"),
            other => panic!("{extensions}: {other:?}"),
        }
    }
    assert!(answered(Some(takeover), "permessage-deflate").is_ok());
    let smaller = "permessage-deflate; server_max_window_bits=8";
    assert!(answered(Some(small), smaller).is_ok());

    let impossible = DeflatePolicy {
        server_window_bits: 7,
        ..takeover
    };
    match Client::connect("ws://127.0.0.1:9/", offering(impossible)) {
        Err(Error::Misuse(Misuse::InvalidExtension)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
// req: 7692-6.2-02 6455-7.1.7-03
fn compressed_data_that_is_none_fails_the_connection() {
    // "Hello" as RFC 7692 section 7.2.3.1 has it.
    const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    let bomb = flate(&vec![b'x'; 20 * 1024 * 1024]);
    let rows: [(Violation, u16, u8, &[u8]); 4] = [
        (
            Violation::CorruptDeflate,
            1007,
            1,
            &[0xFF, 0xFF, 0xFF, 0xFF],
        ),
        (Violation::TruncatedDeflate, 1007, 1, &HELLO[..4]),
        // "é" in Latin-1, stored.
        (
            Violation::InvalidUtf8,
            1007,
            1,
            &[0x00, 0x01, 0x00, 0xFE, 0xFF, 0xE9, 0x00],
        ),
        (Violation::MessageTooBig, 1009, 2, &bomb),
    ];
    for (expected, code, opcode, payload) in rows {
        let broken = frame(FIN | RSV1 | opcode, payload);
        let server = Server::once(move |peer| {
            let head = peer.head();
            let terms = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
            peer.send(switch(&head, terms));
            peer.send_frames(&[
                frame(RSV1 | 1, &HELLO[..3]),
                frame(FIN, &HELLO[3..]),
                text("clear"),
                broken,
            ]);
            peer.expect_close(code);
            peer.expect_end();
        });
        let options = offering(DeflatePolicy::TAKEOVER);
        let mut client = Client::connect(&server.uri(), options).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text("Hello")));
        assert_eq!(client.receive().unwrap(), Some(Message::text("clear")));
        match client.receive() {
            Err(Error::Violation(violation)) => assert_eq!(violation, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        assert!(
            matches!(client.receive(), Err(Error::Lost(_))),
            "{expected:?}"
        );
        server.finish();
    }
}

/// A message as another implementation compresses it.
fn flate(message: &[u8]) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(message.len() / 100);
    compress
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .expect("compresses");
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}
