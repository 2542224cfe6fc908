//! What goes out: masks, fragments, Close, and what must not.

use super::receiving::options;
use crate::net_support::PATIENCE;
use crate::net_support::scripted::Server;
use crate::support::frames::{close, close_empty, ping, pong, text, text_start};
use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use wirebell::client::{Client, Error};
use wirebell::{CloseCode, Message, MessageKind, Misuse};

#[track_caller]
fn expect_misuse(result: Result<(), Error>, expected: Misuse) {
    match result {
        Err(Error::Misuse(misuse)) => assert_eq!(misuse, expected),
        other => panic!("{expected:?}: {other:?}"),
    }
}

#[test]
// req: 6455-5.3-01 6455-5.3-02 6455-5.3-03 6455-5.3-04 6455-10.3-01
fn every_frame_has_a_key_that_tells_nothing_of_the_next() {
    const FRAMES: usize = 1000;
    let (sender, keys) = channel();
    let server = Server::each(move |_, peer| {
        peer.open();
        let mut keys = Vec::new();
        while let Some(sent) = peer.next_frame() {
            // The peer sees to it that there is one.
            keys.push(u32::from_be_bytes(sent.key.unwrap()));
        }
        sender.send(keys).unwrap();
    });
    let mut all = Vec::new();
    for _ in 0..2 {
        let client = Client::connect(&server.uri(), options()).unwrap();
        for i in 0..FRAMES / 2 {
            match i % 3 {
                0 => client.send(Message::text("the same")).unwrap(),
                1 => client.ping(b"the same").unwrap(),
                _ => {
                    let mut fragments = client.begin(MessageKind::Text);
                    fragments.send(b"the same").unwrap();
                    fragments.finish(b"the same").unwrap();
                }
            }
        }
        drop(client);
        all.push(keys.recv_timeout(PATIENCE).unwrap());
    }
    server.finish();
    // Another connection does not begin like this one.
    assert_ne!(all[0][..3], all[1][..3]);
    let keys = all.concat();
    assert!(keys.len() > FRAMES);

    // Chance repeats one of them once in some thousand runs, three of them never.
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert!(keys.len() - distinct.len() < 3);
    // Nor does a step from one to the next come again, or a difference of bits.
    let pairs = || keys.iter().zip(&keys[1..]);
    let steps: BTreeSet<_> = pairs().map(|(a, b)| b.wrapping_sub(*a)).collect();
    let bits: BTreeSet<_> = pairs().map(|(a, b)| a ^ b).collect();
    assert!(steps.len() + 4 > keys.len() && bits.len() + 4 > keys.len());
    // Each bit is set half of the time; eight standard deviations are no chance.
    for bit in 0..32 {
        let ones = keys.iter().filter(|key| **key >> bit & 1 == 1).count() as f64;
        let (half, deviation) = (keys.len() as f64 / 2.0, (keys.len() as f64).sqrt() / 2.0);
        assert!((ones - half).abs() < 8.0 * deviation, "bit {bit}: {ones}");
    }
}

#[test]
fn a_message_that_is_not_finished_closes_the_connection() {
    let server = Server::opened(|peer| {
        peer.expect(&text_start("half"));
        peer.expect_close(1011);
        peer.send_frames(&[close(1011, "")]);
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let mut fragments = client.begin(MessageKind::Text);
    fragments.send(b"half").unwrap();
    drop(fragments);
    expect_misuse(client.send(Message::text("whole")), Misuse::NotOpen);
    assert_eq!(client.receive().unwrap(), None);
    server.finish();
}

#[test]
// req: 6455-5.5.1-05 6455-6.1-02 6455-6.1-03 6455-7.1.2-01
fn nothing_follows_a_close() {
    for by_us in [true, false] {
        let server = Server::opened(move |peer| {
            if by_us {
                peer.expect(&close(3000, "r".repeat(123)));
                peer.send_frames(&[text("late"), ping(b"p"), close_empty()]);
                peer.expect(&pong(b"p"));
            } else {
                peer.send_frames(&[close(4999, "")]);
                peer.expect(&close(4999, ""));
            }
            peer.end_writing();
            peer.expect_end();
        });
        let mut client = Client::connect(&server.uri(), options()).unwrap();
        let sender = client.sender();
        if by_us {
            let code = CloseCode::new(3000);
            sender.close(code, &"r".repeat(123)).unwrap();
        } else {
            assert_eq!(client.receive().unwrap(), None);
        }
        expect_misuse(sender.send(Message::text("x")), Misuse::NotOpen);
        expect_misuse(sender.ping(b"x"), Misuse::NotOpen);
        expect_misuse(sender.begin(MessageKind::Text).send(b"x"), Misuse::NotOpen);
        expect_misuse(
            sender.begin(MessageKind::Text).finish(b"x"),
            Misuse::NotOpen,
        );
        sender.close(Some(CloseCode::NORMAL), "again").unwrap();
        if by_us {
            assert_eq!(client.receive().unwrap(), Some(Message::text("late")));
            assert_eq!(client.receive().unwrap(), None);
        }
        server.finish();
    }
}

#[test]
// req: 6455-5.5-01
fn control_frames_that_are_too_long_do_not_leave() {
    let server = Server::opened(|peer| {
        peer.expect(&ping(&[b'x'; 125]));
        peer.expect(&text("still open"));
        peer.expect_gone();
    });
    let client = Client::connect(&server.uri(), options()).unwrap();
    expect_misuse(client.ping(&[b'x'; 126]), Misuse::ControlTooLong);
    let reason = "r".repeat(124);
    let code = Some(CloseCode::NORMAL);
    expect_misuse(client.close(code, &reason), Misuse::ReasonTooLong);
    client.ping(&[b'x'; 125]).unwrap();
    client.send(Message::text("still open")).unwrap();
    drop(client);
    server.finish();
}
