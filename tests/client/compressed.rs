//! permessage-deflate of the client, with our server at the other end.

use crate::net_support::{self, Probes, protocol};
use crate::support::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use wirebell::client::{Client, Options};
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::{CloseCode, Message, MessageKind, Tap, client};

/// Counts what goes and what comes.
#[derive(Debug, Default)]
struct Traffic {
    sent: AtomicUsize,
    received: AtomicUsize,
}

impl Tap for Traffic {
    fn sent(&self, _: u64, bytes: &[u8]) {
        self.sent.fetch_add(bytes.len(), SeqCst);
    }

    fn received(&self, _: u64, bytes: &[u8]) {
        self.received.fetch_add(bytes.len(), SeqCst);
    }
}

impl Traffic {
    /// Both since the last call.
    fn take(&self) -> (usize, usize) {
        (self.sent.swap(0, SeqCst), self.received.swap(0, SeqCst))
    }
}

pub fn settings(policy: DeflatePolicy) -> Option<Settings> {
    Some(Settings::default().policy(policy))
}

pub fn offering(policy: DeflatePolicy) -> Options {
    Options::default()
        .limits(client::Limits::default().protocol(protocol()))
        .deflate(settings(policy))
}

fn server(policy: DeflatePolicy) -> (Probes, String) {
    let server = Probes::start(net_support::options().deflate(settings(policy)));
    let uri = format!("ws://{}/", server.address());
    (server, uri)
}

fn policies() -> [DeflatePolicy; 5] {
    let small = |policy: DeflatePolicy| policy.server_window_bits(9).client_window_bits(9);
    [
        DeflatePolicy::NO_TAKEOVER,
        DeflatePolicy::TAKEOVER,
        small(DeflatePolicy::NO_TAKEOVER),
        small(DeflatePolicy::TAKEOVER),
        DeflatePolicy::NO_TAKEOVER.server_takeover(true),
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
            let (_server, uri) = server(theirs);
            let mut client = Client::connect(&uri, offering(ours)).unwrap();
            let long = if ours == theirs { 70_000 } else { 4000 };
            let lengths = [0, 1, 127, 128, 1000, 0, long, 40];
            for (seed, len) in (0..).zip(lengths) {
                // What cannot be compressed goes between the others.
                let (good, bad) = (prose(seed, len), Rng::new(seed).bytes(len));
                for message in [Message::text(&good), Message::binary(&bad)] {
                    client.send(message).unwrap();
                    let echo = client.receive().unwrap();
                    assert!(echo == Some(message), "{ours:?} {theirs:?} {len}");
                }
            }
            // Fragments leave as they are, and the next is compressed again.
            let mut fragments = client.begin(MessageKind::Text);
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
    let lengths = [1 << 20, 70_000, 70_000, 70_000, 70_000];
    for (policy, len) in policies().into_iter().zip(lengths) {
        let (_server, uri) = server(policy);
        let traffic = Arc::new(Traffic::default());
        let options = offering(policy).tap(Some(traffic.clone()));
        let mut client = Client::connect(&uri, options).unwrap();
        traffic.take();
        let long = prose(1, len);
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
